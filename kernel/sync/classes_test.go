package sync

import (
	"os"
	"runtime"
	"slices"
	gosync "sync"
	"testing"

	"github.com/stretchr/testify/require"

	"exo/kernel/text"
)

// reported is what Report was given.
var reported struct {
	gosync.Mutex
	lines []string
}

func TestMain(m *testing.M) {
	CloseOrder()
	Relax = func(int) { runtime.Gosched() }
	CallerPC = callerPC
	Report = func(l *text.Line) {
		reported.Lock()
		defer reported.Unlock()
		reported.lines = append(reported.lines, string(l.Bytes()))
	}
	os.Exit(m.Run())
}

// callerPC is CallerPC on a host.
func callerPC() uintptr {
	var pc [1]uintptr
	runtime.Callers(3, pc[:]) // not Callers, callerPC, Lock
	return pc[0]
}

// refused runs f, which must panic, and returns the panic's text and the report.
func refused(t *testing.T, f func()) (cause string, report []string) {
	t.Helper()
	reported.Lock()
	reported.lines = nil
	reported.Unlock()
	defer func() {
		t.Helper()
		r := recover()
		require.NotNil(t, r, "nothing was refused")
		require.IsType(t, "", r, "a panic that is not a constant text: %v", r)
		cause = r.(string)
		reported.Lock()
		report = slices.Clone(reported.lines)
		reported.Unlock()
	}()
	f()
	return
}

// mayTake is MayTake by another way: by walking all declared paths.
func mayTake(held, wanted Class) bool {
	if classes[held].kind == kindSleep && (classes[wanted].kind == kindSpin || classes[wanted].kind == kindSpinIRQ) {
		return true
	}
	for next := range Class(NumClasses) {
		if held.Before()>>next&1 != 0 && (next == wanted || mayTake(next, wanted)) {
			return true
		}
	}
	return false
}

func TestClasses_HaveNamesOfTheirOwn(t *testing.T) {
	seen := map[string]bool{}
	for c := Class(1); int(c) < NumClasses; c++ {
		require.NotEmpty(t, c.Name(), "class %d", c)
		require.False(t, seen[c.Name()], c.Name())
		require.NotZero(t, c.kind(), c.Name())
		seen[c.Name()] = true
	}
	require.Len(t, seen, NumClasses-1)
	require.Equal(t, "none", ClassNone.Name())
	require.Equal(t, "none", Class(NumClasses).Name())
	require.LessOrEqual(t, NumClasses, 64)
}

func TestClasses_AreADAG(t *testing.T) {
	const unseen, open, done = 0, 1, 2
	var state [64]int
	var visit func(c Class)
	visit = func(c Class) {
		require.NotEqual(t, open, state[c], "a circle through %s", c.Name())
		if state[c] == done {
			return
		}
		state[c] = open
		for next := range Class(NumClasses) {
			if c.Before()>>next&1 != 0 {
				visit(next)
			}
		}
		state[c] = done
	}
	for c := range Class(NumClasses) {
		visit(c)
	}
}

func TestClasses_ClosureIsWhatPathsSay(t *testing.T) {
	yes := 0
	for held := Class(1); int(held) < NumClasses; held++ {
		for wanted := Class(1); int(wanted) < NumClasses; wanted++ {
			require.Equal(t, mayTake(held, wanted), MayTake(held, wanted), "%s < %s", held.Name(), wanted.Name())
			if MayTake(held, wanted) {
				yes++
				require.False(t, MayTake(wanted, held))
				require.False(t, wanted.Sleeps() && !held.Sleeps())
				require.False(t, held.IRQ() && !wanted.IRQ())
			}
		}
	}
	require.Greater(t, yes, NumClasses)
	for _, p := range [][2]Class{{ClassLog, ClassInode}, {ClassInode, ClassBuffer}, {ClassLog, ClassBuffer},
		{ClassBuffer, ClassPI}, {ClassPI, ClassConsole}, {ClassTestA, ClassTestC}} {
		require.True(t, MayTake(p[0], p[1]), "%s < %s", p[0].Name(), p[1].Name())
	}
	require.False(t, MayTake(ClassTestB, ClassTestD))
}

func TestCloseOrder_TwiceIsOnce(t *testing.T) {
	was := rules
	CloseOrder()
	require.Equal(t, was, rules)
}

func TestCloseOrder_RefusesWhatContradictsItself(t *testing.T) {
	for _, try := range []struct {
		cause  string
		report []string
		change func(*[NumClasses]classInfo)
	}{
		{"lock order: the declared classes form a circle", []string{"lock order: declared test-a < test-b < test-c < test-a"},
			func(c *[NumClasses]classInfo) { c[ClassTestC].before |= 1 << ClassTestA }},
		{"lock order: the declared classes form a circle", []string{"lock order: declared buffer < buffer"},
			func(c *[NumClasses]classInfo) { c[ClassBuffer].before |= 1 << ClassBuffer }},
		{"lock order: the declared classes form a circle", []string{"lock order: declared inode < buffer < inode"},
			func(c *[NumClasses]classInfo) { c[ClassBuffer].before |= 1 << ClassInode }},
		{"lock order: an edge of a class that is not declared", nil,
			func(c *[NumClasses]classInfo) { c[ClassBuffer].before |= 1 << ClassNone }},
		{"lock order: a sleep class is declared to be taken under a spin class", nil,
			func(c *[NumClasses]classInfo) { c[ClassPI].before |= 1 << ClassBuffer }},
		{"lock order: under a class that handlers take, one is declared that they do not take", nil,
			func(c *[NumClasses]classInfo) { c[ClassConsole].before |= 1 << ClassPI }},
		{"lock order: a spin class under a sleep class goes without saying", nil,
			func(c *[NumClasses]classInfo) { c[ClassBuffer].before |= 1 << ClassPI }},
	} {
		table := classes
		try.change(&table)
		var out [NumClasses]rule
		cause, report := refused(t, func() { closeOrder(&table, &out) })
		require.Equal(t, try.cause, cause)
		require.Equal(t, try.report, report, try.cause)
		require.Zero(t, out)
	}
}
