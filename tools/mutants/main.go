// Mutants breaks the code on purpose, one fault at a time, in a copy of the module, and checks that a test notices. A fault
// that no test notices is a hole in the tests.
//
//	go run ./tools/mutants [-run REGEXP]
//
// It copies the working tree but for what git ignores. Exit status 1 if a mutant survives, or no longer applies.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"
)

// limit is how long a test may take to notice: longer counts as noticed, for a hang is no pass.
const limit = 3 * time.Minute

func main() {
	pattern := flag.String("run", ".", "only mutants whose name matches this regular `expression`")
	flag.Parse()
	wanted, err := regexp.Compile(*pattern)
	if err != nil {
		fail(err)
	}
	if err := control(wanted); err != nil {
		fail(err)
	}
	caught, survived := 0, 0
	for i, m := range mutants {
		if !wanted.MatchString(m.name) {
			continue
		}
		start := time.Now()
		noticed, err := m.try()
		if err != nil {
			fail(fmt.Errorf("mutant %q: %w", m.name, err))
		}
		verdict := "caught  "
		if noticed {
			caught++
		} else {
			survived++
			verdict = "SURVIVED"
		}
		fmt.Printf("%s %2d/%d %s (%s, %.0fs)\n", verdict, i+1, len(mutants), m.name, m.caught, time.Since(start).Seconds())
	}
	fmt.Printf("mutants: %d caught, %d survived\n", caught, survived)
	if survived > 0 || caught == 0 {
		os.Exit(1)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "mutants: "+err.Error())
	os.Exit(1)
}

// control runs every test that is going to be used on the code as it is: a test that fails anyway notices nothing.
func control(wanted *regexp.Regexp) error {
	dir, err := os.MkdirTemp("", "exo-mutant-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := copyModule(dir); err != nil {
		return err
	}
	seen := map[string]bool{}
	for _, m := range mutants {
		if wanted.MatchString(m.name) && !seen[m.test()] {
			seen[m.test()] = true
			if err := shell(dir, m.build()); err != nil {
				return err
			}
			if err := shell(dir, m.test()); err != nil {
				return fmt.Errorf("on the code as it is: %w", err)
			}
		}
	}
	fmt.Printf("mutants: %d tests pass on the code as it is\n", len(seen))
	return nil
}

// build makes what the test needs, and refuses what does not compile: such code tests nothing.
func (m mutant) build() string {
	if strings.HasPrefix(m.caught, "go test ") && strings.Contains(m.caught, " ./kernel/") {
		return "go vet ./" + filepath.Dir(m.file)
	}
	return "make -s build DEPS=none && go vet ./kernel/... ./arch/... ./boot/..."
}

// test is the command that must fail.
func (m mutant) test() string {
	if m.caught == "boot" {
		return "go run ./qemu/exo-run -silence 20s -append 'torture=1s exit'"
	}
	return m.caught
}

// try says whether the mutant's test fails on it. The broken code must still build.
func (m mutant) try() (noticed bool, err error) {
	dir, err := os.MkdirTemp("", "exo-mutant-")
	if err != nil {
		return false, err
	}
	defer os.RemoveAll(dir)
	if err := copyModule(dir); err != nil {
		return false, err
	}
	path := filepath.Join(dir, m.file)
	b, err := os.ReadFile(path)
	if err != nil {
		return false, err
	}
	code := string(b)
	for _, e := range m.edits {
		if strings.Count(code, e.old) < 1 {
			return false, fmt.Errorf("%s no longer contains %q: mend the list", m.file, e.old)
		}
		code = strings.Replace(code, e.old, e.new, 1)
	}
	if err := os.WriteFile(path, []byte(code), 0o644); err != nil {
		return false, err
	}
	if err := shell(dir, m.build()); err != nil {
		return false, fmt.Errorf("does not build: %w", err)
	}
	return shell(dir, m.test()) != nil, nil
}

func copyModule(dir string) error {
	return shell(".", "git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -d -t "+dir)
}

func shell(dir, command string) error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-c", command)
	cmd.Dir = dir
	// At the limit everything goes, QEMU included.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", command, err, out)
	}
	return nil
}
