package qemu

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// These tests run the harness whole, against a QEMU that is this test binary (main_test.go).

func runFake(t *testing.T, opts Options, script ...string) *Result {
	t.Helper()
	if opts.Limits.Total == 0 {
		opts.Limits.Total = time.Minute
	}
	g, err := Start(t.Context(), fake(t, script...), opts)
	require.NoError(t, err)
	t.Cleanup(g.Kill)
	r := g.Wait()
	assertGone(t, g.PID())
	return r
}

func TestGuestPasses(t *testing.T) {
	t.Parallel()
	var lines []string
	var console bytes.Buffer
	r := runFake(t, Options{Min: 2, Console: &console, OnLine: func(l string) { lines = append(lines, l) }},
		"print TAP version 14", "print ok 1 - a # cpus=2", "print ok 2 - b", "print 1..2", "exit 33")
	require.NoError(t, r.Err())
	assert.Equal(t, Passed, r.End)
	assert.Equal(t, []string{"TAP version 14", "ok 1 - a # cpus=2", "ok 2 - b", "1..2"}, lines)
	assert.Equal(t, lines, r.Lines)
	assert.Equal(t, strings.Join(lines, "\r\n")+"\r\n", console.String())
	assert.Contains(t, r.CommandLine, "-machine q35")
}

func TestGuestEndings(t *testing.T) {
	for name, c := range map[string]struct {
		script string
		want   Ending
		says   string
	}{
		"test failed":    {"print not ok 1 - a\nexit 3", Failed, "not ok 1 - a"},
		"panic":          {"print === PANIC ===\nexit 5", Panicked, "the kernel panicked"},
		"stops short":    {"print TAP version 14\nprint ok 1 - a\nexit 33", Passed, "stops short after 1 tests"},
		"odd exit":       {"exit 7", OddExit, "the value written was 3"},
		"power off":      {"event guest-shutdown", PoweredOff, "without saying pass"},
		"triple fault":   {"print booting\nevent guest-reset", TripleFault, "guest reset (triple fault)"},
		"where it was":   {"event guest-reset", TripleFault, "cpu 0: rip=ffffffff80212345 cpl=0 cr2=0000000000000008 halted"},
		"quit":           {"exit 0", Quit, "QEMU was quit"},
		"bad arguments":  {"say -smp: no such thing\nexit 1", Broken, "it said: -smp: no such thing"},
		"half last line": {"print ok 1", Quit, "looks like a test's line"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := runFake(t, Options{Min: 1}, c.script)
			assert.Equal(t, c.want, r.End)
			assert.ErrorContains(t, r.Err(), c.says)
		})
	}
}

func TestGuestHangsIdle(t *testing.T) {
	t.Parallel()
	r := runFake(t, Options{Limits: Limits{Silence: time.Second}}, "print hello", "sleep 1h")
	assert.Equal(t, Hung, r.End)
	assert.ErrorContains(t, r.Err(), "QEMU idle")
	assert.ErrorContains(t, r.Err(), "| hello")
	assert.ErrorContains(t, r.Err(), "cpu 0: rip=ffffffff80212345", "where the CPUs are is asked before the kill")
}

func TestGuestHangsSpinning(t *testing.T) {
	t.Parallel()
	r := runFake(t, Options{Limits: Limits{Silence: time.Second}}, "print hello", "spin")
	assert.Equal(t, Hung, r.End)
	assert.ErrorContains(t, r.Err(), "the guest spins")
}

func TestGuestSlow(t *testing.T) {
	t.Parallel()
	stop := make(chan bool, 1)
	g, err := Start(t.Context(), fake(t, "print hello", "spin"), Options{
		Limits: Limits{Silence: 500 * time.Millisecond, Total: 4 * time.Second},
		OnLine: func(string) { stop <- true },
	})
	require.NoError(t, err)
	<-stop
	require.NoError(t, syscall.Kill(g.PID(), syscall.SIGSTOP)) // as if the host gave it no CPU
	r := g.Wait()
	assert.Equal(t, TimedOut, r.End, "silent for long, but not by its own fault: %v", r.Overdue)
	assert.ErrorContains(t, r.Err(), "the host is overloaded")
	assertGone(t, g.PID())
}

func TestGuestTalksTooLong(t *testing.T) {
	t.Parallel()
	r := runFake(t, Options{Limits: Limits{Silence: 10 * time.Second, Total: 500 * time.Millisecond}}, strings.Repeat("print x\nsleep 20ms\n", 200)+"sleep 1h")
	assert.Equal(t, TimedOut, r.End)
	assert.ErrorContains(t, r.Err(), "over the total limit")
}

func TestGuestDeafToItsControlSocketIsKilledAllTheSame(t *testing.T) {
	t.Parallel()
	r := runFake(t, Options{Limits: Limits{Silence: 300 * time.Millisecond}}, "deaf", "sleep 1h")
	assert.Equal(t, Hung, r.End)
	assert.Empty(t, r.Registers)

	// A QEMU that never answers even the first command: nothing may wait behind that one.
	g, err := Start(t.Context(), fake(t), Options{Limits: Limits{Total: 2 * time.Second}})
	require.NoError(t, err)
	require.NoError(t, syscall.Kill(g.PID(), syscall.SIGSTOP))
	assert.Equal(t, TimedOut, g.Wait().End)
}

func TestTimeScaleStretchesLimits(t *testing.T) {
	t.Setenv(TimeScale, "0.001")
	r := runFake(t, Options{Limits: Limits{Silence: 300 * time.Second, Total: time.Hour}}, "sleep 1h")
	assert.Equal(t, Hung, r.End)
	t.Setenv(TimeScale, "soon")
	_, err := Start(t.Context(), fake(t), Options{})
	assert.ErrorContains(t, err, "is not a factor")
}

func TestContextKillsQEMU(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	g, err := Start(ctx, fake(t, "print up", "sleep 1h"), Options{OnLine: func(string) { cancel() }})
	require.NoError(t, err)
	assert.Equal(t, Stopped, g.Wait().End)
	assertGone(t, g.PID())
}

func TestKillIsSafeAtAnyTime(t *testing.T) {
	t.Parallel()
	g, err := Start(t.Context(), fake(t, "sleep 1h"), Options{})
	require.NoError(t, err)
	var all sync.WaitGroup
	for range 8 {
		all.Go(g.Kill)
	}
	all.Wait()
	assert.Equal(t, Stopped, g.Wait().End)
	g.Kill()
}

func TestStartErrors(t *testing.T) {
	t.Parallel()
	for want, m := range map[string]Machine{
		"is not installed; install":  {Kernel: os.DevNull, Binary: "qemu-that-nobody-has"},
		"making QEMU's command line": {Kernel: os.DevNull, Topo: "nope"},
		"run make build first":       {Kernel: "no/such.img", Binary: os.Args[0]},
		"permission denied":          {Kernel: os.DevNull, Binary: "/dev/null"},
	} {
		_, err := Start(t.Context(), m, Options{})
		assert.ErrorContains(t, err, want)
	}
}

func TestSplitLines(t *testing.T) {
	for text, want := range map[string][]string{
		"":               nil,
		"a\r\nb\n\nc":    {"a", "b", "", "c"},
		"no end":         {"no end"},
		"\xff\x00bad\n":  {"\xff\x00bad"},
		"kept \rhere \n": {"kept \rhere "},
	} {
		var got []string
		splitLines(strings.NewReader(text), func(l string) { got = append(got, l) })
		assert.Equal(t, want, got, "%q", text)
	}
	n := 0
	splitLines(strings.NewReader(strings.Repeat("x", 3*longestLine+1)), func(string) { n++ })
	assert.Equal(t, 4, n, "a line without end does not fill the memory")
}

func TestTail(t *testing.T) {
	w := &tail{limit: 5}
	fmt.Fprint(w, "abc")
	fmt.Fprint(w, "defgh")
	assert.Equal(t, "defgh", w.String())
}
