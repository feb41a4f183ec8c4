package qemu

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// A Result is what a boot did. [Result.Err] judges it.
type Result struct {
	TAP // the tests that the guest reported

	End       Ending
	ExitCode  int           // QEMU's; -1 if a signal ended it
	Overdue   *Overdue      // set if End is Hung or TimedOut
	Lines     []string      // all serial output
	Stderr    string        // what QEMU itself complained of
	Registers string        // of all CPUs, after a triple fault or a hang
	Elapsed   time.Duration // from the start of QEMU to its end

	CommandLine string // to repeat it by hand
	Min         int    // the boot must report at least so many tests
}

// Err returns nil if the boot ended by saying pass, every test passed or was skipped by name,
// the plan matches, and at least Min tests are there. Otherwise it says all that is wrong, where the CPUs were, and the last lines of output.
func (r *Result) Err() error {
	var wrong []string
	if err := r.EndErr(); err != nil {
		wrong = append(wrong, err.Error())
	} else if r.End != Passed {
		wrong = append(wrong, r.End.String()+" without saying pass")
	}
	if err := r.TAP.Err(r.Min); err != nil {
		wrong = append(wrong, err.Error())
	}
	if len(wrong) == 0 {
		return nil
	}
	return errors.New(strings.Join(wrong, "\n") + r.context())
}

// EndErr returns nil if the ending was orderly: for boots that are not about tests. It is one line.
func (r *Result) EndErr() error {
	switch {
	case r.End.Orderly():
		return nil
	case r.Overdue != nil:
		return r.Overdue
	case r.End == OddExit:
		return fmt.Errorf("%v: QEMU's exit status is %d, so the value written was %d", r.End, r.ExitCode, r.ExitCode/2)
	case r.End == Broken:
		said := "it said nothing"
		if r.Stderr != "" {
			said = "it said: " + strings.Join(strings.Fields(r.Stderr), " ")
		}
		return fmt.Errorf("%v (exit status %d); %s", r.End, r.ExitCode, said)
	}
	return errors.New(r.End.String())
}

// context is appended to an error: enough to see what happened without booting again.
func (r *Result) context() string {
	var b strings.Builder
	for _, line := range r.Whereabouts() {
		fmt.Fprintf(&b, "\n%s", line)
	}
	const last = 25
	tail := r.Lines
	if len(tail) > last {
		tail = tail[len(tail)-last:]
	}
	fmt.Fprintf(&b, "\nthe last %d of %d serial lines:", len(tail), len(r.Lines))
	for _, line := range tail {
		fmt.Fprintf(&b, "\n  | %s", line)
	}
	if r.CommandLine != "" {
		fmt.Fprintf(&b, "\nto repeat: %s", r.CommandLine)
	}
	return b.String()
}
