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

// TestCrashByLockOrder: who takes a lock against the order is told what he holds, where he took it, and what is declared, while
// other CPUs print.
func TestCrashByLockOrder(t *testing.T) {
	t.Parallel()
	c, r := crash(t, "lockorder@2")
	assert.Contains(t, c.Cause, "lock order: a lock taken against the declared order")
	assert.Equal(t, 2, c.CPU)
	assert.True(t, hasFrame(c, "main.crash", "kernel/crash.go"), "no frame main.crash among %v", c.Backtrace)
	assert.Regexp(t, `^test-c@0xffffffff[0-9a-f]{8}\(0xffffffff[0-9a-f]{8}\)$`, c.Locks)
	report := strings.Join(r.Lines, "\n")
	for _, line := range []string{
		`panic: lock test-c taken at 0x[0-9a-f]{16} main\.crash kernel/crash\.go:\d+`,
		`panic: lock order: cpu=2 takes test-a@0x[0-9a-f]{16}\(0x[0-9a-f]{16}\)`,
		`panic: lock order: held 0 test-c@0x[0-9a-f]{16}\(0x[0-9a-f]{16}\)`,
		`panic: lock order: declared test-a < test-[bd] < test-c`,
	} {
		assert.Regexp(t, `(?m)^`+line+`$`, report)
	}
	chatter(t, r.Lines)
}

// TestStall: a CPU that stays in a read section with interrupts off is named, and where it is, by another; then all goes on.
func TestStall(t *testing.T) {
	t.Parallel()
	r := boot(t, kernel(t, "tests=none crash=rcustall@2 exit"), Options{Limits: DefaultLimits})
	require.NoError(t, r.EndErr())
	assert.Equal(t, Passed.String(), r.End.String())
	output := strings.Join(r.Lines, "\n")
	assert.Regexp(t, `(?m)^rcu: stall: cpu 2 has kept grace period \d+ from ending for \d+ ms$`, output)
	assert.Regexp(t, `(?m)^rcu: stall: bt \d 0x[0-9a-f]{16} main\.holdSection \S+:\d+$`, output)
	assert.Regexp(t, `(?m)^rcu: stall: bt \d 0x[0-9a-f]{16} main\.stallOnPurpose\S* kernel/crash\.go:\d+$`, output)
	assert.Regexp(t, `(?m)^rcu: the grace period has ended$`, output)
	assert.NotContains(t, output, "does not answer")
}
