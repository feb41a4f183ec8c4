package qemu

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestEndings(t *testing.T) {
	for _, c := range []struct {
		code   int
		reason string
		want   Ending
	}{
		{33, "", Passed}, {3, "", Failed}, {5, "", Panicked}, {7, "", OddExit},
		{0, "guest-shutdown", PoweredOff}, {0, "guest-reset", TripleFault}, {0, "", Quit},
		{0, "internal-error", Broken}, {1, "", Broken}, {-1, "", Broken}, {2, "", Broken},
	} {
		assert.Equal(t, c.want, endingOf(c.code, c.reason), "%d %s", c.code, c.reason)
	}
	for e := Broken; e <= Stopped; e++ {
		assert.NotEmpty(t, e.String())
		assert.Equal(t, e == Passed || e == PoweredOff, e.Orderly(), "%v", e)
	}
	assert.Equal(t, "Ending(99)", Ending(99).String())
}

func TestResultErr(t *testing.T) {
	lines := []string{"TAP version 14", "ok 1 - a", "1..1"}
	good := func() *Result {
		return &Result{TAP: *ParseTAP(lines), End: Passed, ExitCode: ExitPass, Lines: lines, Min: 1}
	}
	assert.NoError(t, good().Err())

	for want, spoil := range map[string]func(*Result){
		"a test failed":                     func(r *Result) { r.End, r.ExitCode = Failed, ExitFail },
		"the guest panicked":                func(r *Result) { r.End, r.ExitCode = Panicked, ExitPanic },
		"guest reset (triple fault)":        func(r *Result) { r.End = TripleFault },
		"powered off without saying pass":   func(r *Result) { r.End = PoweredOff },
		"QEMU was quit":                     func(r *Result) { r.End = Quit },
		"stopped by the caller":             func(r *Result) { r.End = Stopped },
		"the value written was 9":           func(r *Result) { r.End, r.ExitCode = OddExit, 19 },
		"hung: no serial line for 0s":       func(r *Result) { r.End, r.Overdue = Hung, &Overdue{Hung: true} },
		"it said: bad option":               func(r *Result) { r.End, r.ExitCode, r.Stderr = Broken, 1, "bad\n option" },
		"fewer than the 5":                  func(r *Result) { r.Min = 5 },
		"  | ok 1 - a\n":                    func(r *Result) { r.Min = 5 },
		"to repeat: qemu -append 'a exit'":  func(r *Result) { r.Min, r.CommandLine = 5, "qemu -append 'a exit'" },
		"cpu 3: rip=ffffffff80212345 cpl=0": func(r *Result) { r.End, r.Registers = TripleFault, "CPU#3\nRIP=ffffffff80212345 CPL=0" },
	} {
		r := good()
		spoil(r)
		assert.ErrorContains(t, r.Err(), want)
	}
}

func TestWhereabouts(t *testing.T) {
	assert.Equal(t, []string{
		"cpu 0: rip=ffffffff80212345 cpl=0 cr2=0000000000000008",
		"cpu 1: rip=00100027 cpl=3 halted",
	}, whereabouts("\nCPU#0\nRAX=1\nRIP=FFFFFFFF80212345 RFL=2 CPL=0 HLT=0\nCR2=0000000000000008\n\nCPU#1\nEAX=2\nEIP=00100027 CPL=3 HLT=1\n"))
	assert.Empty(t, whereabouts(""))
}
