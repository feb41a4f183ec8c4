// Verify has SPIN go through every state of the models in models/, and then through broken ones, in each of which it must
// find an error: a model that cannot fail proves nothing.
//
//	go run ./tools/verify [-run REGEXP] [-j N]
//
// Needs spin and gcc. It prints a line per run; after an error, the steps that lead to it and the command that shows them
// again. Exit status 1 if a check fails, is cut short, or does not reach all of its model, or a fault is not found.
//
// Start reading: checks.go, what is run; then spin.go.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"time"
)

func main() {
	pattern := flag.String("run", ".", "only runs whose line's beginning matches this regular `expression`")
	jobs := flag.Int("j", min(2, runtime.NumCPU()), "how many at a time; each takes up to 3 GB")
	flag.Parse()
	wanted, err := regexp.Compile(*pattern)
	if err != nil {
		fail(err)
	}
	for tool, sign := range map[string]string{"spin -V": "Spin Version", "gcc --version": ""} {
		words := strings.Fields(tool)
		if out, err := exec.Command(words[0], words[1]).Output(); err != nil || !strings.Contains(string(out), sign) {
			fail(fmt.Errorf("%s is missing: make verify installs it; by hand, on Debian: apt-get install spin gcc libc6-dev", words[0]))
		}
	}
	start := time.Now()
	var todo []check
	for _, c := range append(append([]check{}, checks...), faults...) {
		if wanted.MatchString(c.String()) {
			todo = append(todo, c)
		}
	}
	held, found, failed := 0, 0, 0
	for r := range runAll(todo, max(*jobs, 1)) {
		switch {
		case r.err != nil:
			failed++
			fmt.Printf("FAILED %s: %v\n", r.check, r.err)
		case r.check.fault != "":
			found++
			fmt.Printf("found  %s: %s; %s\n", r.check, r.outcome.errorText, r.outcome.size())
		default:
			held++
			fmt.Printf("holds  %s: 0 errors; %s\n", r.check, r.outcome.size())
		}
	}
	fmt.Printf("verify: %d checks hold, %d faults found, %d failed, %.0f s\n", held, found, failed, time.Since(start).Seconds())
	if failed > 0 || len(todo) == 0 {
		os.Exit(1)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "verify: "+err.Error())
	os.Exit(1)
}

// result is how a check went.
type result struct {
	check   check
	outcome outcome
	err     error
}

// runAll runs the checks, so many at a time, and hands out the results in the checks' order.
func runAll(todo []check, jobs int) <-chan result {
	slots := make(chan struct{}, jobs)
	done := make([]chan result, len(todo))
	for i := range todo {
		done[i] = make(chan result, 1)
	}
	go func() {
		for i, c := range todo {
			slots <- struct{}{}
			go func() {
				o, err := c.run()
				<-slots
				done[i] <- result{c, o, err}
			}()
		}
	}()
	out := make(chan result)
	go func() {
		for _, d := range done {
			out <- <-d
		}
		close(out)
	}()
	return out
}
