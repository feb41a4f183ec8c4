// Toolchains builds the kernel with each released Go that it is to be built with, boots it, and has one line for what came out:
//
//	go run ./tools/toolchains            # the newest of all, and each release of the version that go.mod asks for
//	go run ./tools/toolchains go1.27.1   # these
//
// The go command fetches them (GOTOOLCHAIN) from where it fetches modules. Each has a build directory of its own. If there is no list
// of versions to be had, that is said, and the Go at hand is tried. The exit status is 1 if any of them failed.
package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"time"
)

// boot is what is booted: what depends on the compiler and the shim first of all.
const boot = "tests=runtime/*,arch/*,smp/*,sync/*,ring3/* exit"

func main() {
	mod, err := os.ReadFile("go.mod")
	if err != nil {
		fmt.Fprintf(os.Stderr, "toolchains: %v; start it in the module's folder\n", err)
		os.Exit(1)
	}
	versions := os.Args[1:]
	if len(versions) == 0 {
		list, err := exec.Command("go", "list", "-m", "-versions", "golang.org/toolchain").CombinedOutput()
		if versions = choose(string(list), goOf(string(mod)), runtime.GOOS+"-"+runtime.GOARCH); len(versions) == 0 {
			fmt.Printf("toolchains: no list of Go's releases can be had (%v); only the Go at hand is tried\n", err)
			versions = []string{"local"}
		}
	}
	fmt.Printf("toolchains: %d to try: %s\n", len(versions), strings.Join(versions, " "))
	failed := 0
	for i, v := range versions {
		began := time.Now()
		r := try(v, os.Stdout)
		if !r.ok {
			failed++
		}
		fmt.Printf("%2d/%d  %s  (%.0fs)\n", i+1, len(versions), r, time.Since(began).Seconds())
	}
	if failed > 0 {
		fmt.Printf("toolchains: %d of %d failed\n", failed, len(versions))
		os.Exit(1)
	}
	fmt.Printf("toolchains: all %d build this kernel, and it boots\n", len(versions))
}

// goOf is the version that a go.mod asks for, without the release: 1.26.
func goOf(mod string) string {
	m := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(mod)
	if m == nil {
		return ""
	}
	return m[1]
}

// choose picks from go list's line: each release of a version for a platform, and the newest release of all.
func choose(list, version, platform string) (chosen []string) {
	newest := ""
	for _, word := range strings.Fields(list) { // in order
		v, ok := strings.CutPrefix(word, "v0.0.1-")
		if !ok {
			continue
		}
		if v, ok = strings.CutSuffix(v, "."+platform); !ok || !release.MatchString(v) {
			continue
		}
		if strings.HasPrefix(v, "go"+version+".") {
			chosen = append(chosen, v)
		} else if chosen != nil {
			newest = v
		}
	}
	if newest != "" {
		chosen = append(chosen, newest)
	}
	return chosen
}

var release = regexp.MustCompile(`^go\d+\.\d+\.\d+$`)

// result is how it went with a toolchain.
type result struct {
	version string
	ok      bool
	warned  string // what the build says of a version that is not tested
	says    string // the count of tests; if it failed, the end of what was printed
}

func (r result) String() string {
	text := fmt.Sprintf("%-10s  ", r.version)
	if r.ok {
		text += "ok      " + r.says
	} else {
		text += "FAILED\n        " + strings.ReplaceAll(r.says, "\n", "\n        ")
	}
	if r.warned != "" {
		text += "; " + r.warned
	}
	return text
}

// try builds and boots with a toolchain.
func try(version string, progress io.Writer) result {
	dir := filepath.Join("build", "toolchains", version)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return result{version: version, says: err.Error()}
	}
	fmt.Fprintf(progress, "toolchains: %s …\n", version)
	cmd := exec.Command("make", "-s", "qemu", "BUILD="+dir, "CPUS=2", "DISK=none", "TESTS=", "BENCH=", "APPEND="+boot)
	cmd.Env = append(os.Environ(), "GOTOOLCHAIN="+version, "MAKEFLAGS=")
	out, err := cmd.CombinedOutput()
	return judge(version, strings.ReplaceAll(string(out), "\r", ""), err)
}

var (
	counted  = regexp.MustCompile(`(?m)^tests: (\d+ passed, 0 failed, \d+ skipped)$`)
	untested = regexp.MustCompile(`(?m)^mkimage: .*(has not been tested with.*?)(;.*)?$`)
)

// judge reads what a build and a boot printed, and how they ended.
func judge(version, out string, err error) result {
	r := result{version: version}
	if m := untested.FindStringSubmatch(out); m != nil {
		r.warned = m[1]
	}
	m := counted.FindStringSubmatch(out)
	if err == nil && m != nil {
		r.ok, r.says = true, m[1]
		return r
	}
	lines := strings.Split(strings.TrimSpace(out), "\n")
	r.says = strings.Join(lines[max(0, len(lines)-12):], "\n")
	if err != nil {
		r.says += "\n" + err.Error()
	}
	return r
}
