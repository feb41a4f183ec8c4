package qemu

import "fmt"

// QEMU's exit status once the guest wrote v to port 0xf4: 2v+1.
const (
	ExitPass  = 2*16 + 1 // v=16: all tests passed
	ExitFail  = 2*1 + 1  // v=1: a test failed
	ExitPanic = 2*2 + 1  // v=2: the kernel panicked
)

// An Ending says how a boot ended.
type Ending int

const (
	Broken      Ending = iota // QEMU failed: bad arguments, a missing file, an internal error, a signal
	Passed                    // the guest said pass
	Failed                    // the guest said fail
	Panicked                  // the guest said panic
	OddExit                   // the guest wrote something else to the exit port
	PoweredOff                // the guest powered off by ACPI
	TripleFault               // the guest reset, which this kernel never asks for
	Quit                      // somebody quit QEMU: by Ctrl-A X, its monitor or SIGTERM
	Hung                      // no output for too long, and not for lack of CPU time
	TimedOut                  // still talking at the total limit
	Stopped                   // the caller's context ended
)

// String says it as a reason.
func (e Ending) String() string {
	if int(e) < len(endings) && e >= 0 {
		return endings[e]
	}
	return fmt.Sprintf("Ending(%d)", int(e))
}

var endings = [...]string{
	Broken:      "QEMU failed",
	Passed:      "passed",
	Failed:      "the guest says a test failed",
	Panicked:    "the guest panicked",
	OddExit:     "the guest left by an unknown exit code",
	PoweredOff:  "powered off",
	TripleFault: "guest reset (triple fault)",
	Quit:        "QEMU was quit",
	Hung:        "hung",
	TimedOut:    "took too long",
	Stopped:     "stopped by the caller",
}

// Orderly says whether the guest chose to end, and reported no trouble.
func (e Ending) Orderly() bool { return e == Passed || e == PoweredOff }

// endingOf classifies from QEMU's exit status and what it said on the control socket.
// A guest that resets or powers off exits with 0 either way; only the reason tells.
func endingOf(exitCode int, reason string) Ending {
	switch exitCode {
	case ExitPass:
		return Passed
	case ExitFail:
		return Failed
	case ExitPanic:
		return Panicked
	case 0:
		switch reason {
		case "guest-reset":
			return TripleFault
		case "guest-shutdown":
			return PoweredOff
		case "guest-panic", "internal-error":
			return Broken
		}
		return Quit
	}
	if exitCode > 1 && exitCode%2 == 1 {
		return OddExit
	}
	return Broken // 1 is how QEMU says that it cannot even start
}
