package qemu

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// crash boots the kernel to crash on purpose and reads its report.
func crash(t *testing.T, how string) (*Crash, *Result) {
	t.Helper()
	r := boot(t, kernel(t, "tests=none crash="+how+" exit"), Options{Limits: DefaultLimits})
	c, err := ParseCrash(r.Lines)
	require.NoError(t, err, "%v", r.Err())
	assert.Equal(t, Panicked.String(), r.End.String())
	assert.Equal(t, ExitPanic, r.ExitCode)
	return c, r
}

// TestCrash makes every kind of kernel panic happen, and reads what a person would read.
func TestCrash(t *testing.T) {
	for kind, cause := range map[string]string{
		"nil":         "nil dereference",
		"bounds":      "out of range",
		"divide":      "divi", // divide error, or integer division by zero
		"overflow":    "stack overflow",
		"panic":       "panic",
		"doublefault": "double fault",
		"gp":          "general protection",
		"nmi":         "nmi",
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			c, _ := crash(t, kind)
			assert.Contains(t, strings.ToLower(c.Cause), cause)
			assert.GreaterOrEqual(t, c.CPU, 0)
			assert.Less(t, c.CPU, 4)
			for _, name := range GPRs {
				assert.Contains(t, c.Registers, name)
			}
			assert.True(t, hasFrame(c, "main.crash", "kernel/crash.go"), "no frame main.crash… in kernel/crash.go among %v", c.Backtrace)
			for _, caller := range []string{"main.crashOnPurpose", "main.mainOnGuardedStack"} {
				assert.True(t, hasFrame(c, caller, ""), "no frame %s among %v", caller, c.Backtrace)
			}
			assert.Equal(t, 1, strings.Count("\n"+c.Disassemble(), "\n=> "), "%s", c.Disassemble())
		})
	}
}

func hasFrame(c *Crash, function, file string) bool {
	for _, f := range c.Backtrace {
		if strings.HasPrefix(f.Func, function) && strings.HasPrefix(f.File, file) && f.Line > 0 {
			return true
		}
	}
	return false
}

// chatter is what the other CPUs print while one crashes: whole lines, but for the one that the report cuts off.
func chatter(t *testing.T, lines []string) {
	t.Helper()
	const whole = "crash: another CPU is busy printing this line"
	n := 0
	for i, line := range lines {
		if strings.Contains(line, "=== PANIC") {
			break
		}
		if strings.Contains(line, "another") || strings.Contains(line, "busy") {
			n++
			if i+1 < len(lines) && !strings.Contains(lines[i+1], "=== PANIC") {
				assert.Equal(t, whole, line)
			}
		}
	}
	assert.Positive(t, n, "nobody was busy")
}

// TestCrashOnABusyMachine: while other CPUs print, or crash themselves, there is one report,
// and it is whole. Such a thing goes wrong now and then, so each is tried a few times.
func TestCrashOnABusyMachine(t *testing.T) {
	for range 4 {
		t.Run("panic@3", func(t *testing.T) {
			t.Parallel()
			c, r := crash(t, "panic@3")
			assert.Equal(t, 3, c.CPU)
			chatter(t, r.Lines)
		})
		t.Run("panic@all", func(t *testing.T) {
			t.Parallel()
			crash(t, "panic@all")
		})
	}
}
