package sync

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	gosync "sync"
	"sync/atomic"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"exo/internal/seeds"
	"exo/kernel/text"
)

// locker is what both kinds of lock are.
type locker interface {
	Init(Class)
	Lock(*Context)
	TryLock(*Context) bool
	Unlock(*Context)
}

// lockOf makes a lock of the class.
func lockOf(class Class) locker {
	var l locker = new(Spinlock)
	if class.Sleeps() {
		l = new(Sleeplock)
	}
	l.Init(class)
	return l
}

func addrOf(l locker) uintptr {
	switch l := l.(type) {
	case *Spinlock:
		return uintptr(unsafe.Pointer(l))
	case *Sleeplock:
		return uintptr(unsafe.Pointer(l))
	}
	panic("no lock")
}

// permit is a Sleeper for goroutines.
type permit chan struct{}

func newPermit() permit { return make(permit, 1) }

func (p permit) Park() { <-p }
func (p permit) Unpark() {
	select {
	case p <- struct{}{}:
	default:
	}
}

func newTask() *Context { return &Context{Sleeper: newPermit()} }

func TestOrder_G1_EveryPairOfClasses(t *testing.T) {
	accepted, turnedDown := 0, 0
	for held := Class(1); int(held) < NumClasses; held++ {
		for wanted := Class(1); int(wanted) < NumClasses; wanted++ {
			if held == wanted {
				continue
			}
			for _, try := range []bool{false, true} {
				c, a, b := newTask(), lockOf(held), lockOf(wanted)
				a.Lock(c)
				take := func() {
					if !try {
						b.Lock(c)
					} else if !b.TryLock(c) {
						panic("not free")
					}
				}
				if mayTake(held, wanted) {
					accepted++
					take()
					require.Len(t, c.Held(), 2)
					b.Unlock(c)
				} else {
					turnedDown++
					cause, report := refused(t, take)
					want := "lock order: a lock taken against the declared order"
					if wanted.Sleeps() && !held.Sleeps() {
						want = "lock order: a sleeplock under a spinlock"
					}
					require.Equal(t, want, cause, "%s, then %s", held.Name(), wanted.Name())
					require.GreaterOrEqual(t, len(report), 3)
					require.Len(t, c.Held(), 1, "what was refused was not taken")
					other := newTask()
					require.True(t, b.TryLock(other), "what was refused was not taken")
				}
				a.Unlock(c)
				c.AssertNoLocks()
				require.True(t, c.Preemptible())
			}
		}
	}
	require.NotZero(t, accepted)
	require.NotZero(t, turnedDown)
}

// A context takes and releases random locks in random order; a model that knows only paths says what must be refused.
func TestOrder_G1_G2_RandomAgainstModel(t *testing.T) {
	var locks []locker
	for c := Class(1); int(c) < NumClasses; c++ {
		locks = append(locks, lockOf(c), lockOf(c), lockOf(c))
	}
	classOf := func(i int) Class { return Class(i/3 + 1) }
	accepted, turnedDown := 0, 0
	seeds.Each(t, 200, func(r *rand.Rand) {
		c := newTask()
		var held []int
		for range 60 {
			if len(held) > 0 && r.IntN(3) == 0 {
				at := r.IntN(len(held))
				blocked := false // by a spinlock that ClassPI may not follow
				for k, i := range held {
					if k != at && !classOf(i).Sleeps() && !mayTake(classOf(i), ClassPI) {
						blocked = true
					}
				}
				if classOf(held[at]).Sleeps() && blocked {
					continue
				}
				locks[held[at]].Unlock(c)
				held = append(held[:at], held[at+1:]...)
			} else {
				want := r.IntN(len(locks))
				ok := true
				for _, h := range held {
					if classOf(h) != classOf(want) {
						ok = ok && mayTake(classOf(h), classOf(want))
					} else {
						ok = ok && classOf(h).Nests() && addrOf(locks[h]) < addrOf(locks[want])
					}
				}
				if ok {
					accepted++
					locks[want].Lock(c)
					held = append(held, want)
				} else {
					turnedDown++
					refused(t, func() { locks[want].Lock(c) })
				}
			}
			var mask uint64
			spins := 0
			require.Len(t, c.Held(), len(held))
			for k, h := range held {
				require.Equal(t, addrOf(locks[h]), c.Held()[k].Addr(), "in order of acquisition")
				require.Equal(t, classOf(h), c.Held()[k].Class())
				require.Equal(t, mask, c.Held()[k].before)
				mask |= 1 << classOf(h)
				if !classOf(h).Sleeps() {
					spins++
				}
			}
			require.Equal(t, mask, c.held)
			require.Equal(t, spins, c.SpinDepth())
			require.Equal(t, spins == 0, c.Preemptible())
		}
		for len(held) > 0 { // the last first, so that nothing is refused
			locks[held[len(held)-1]].Unlock(c)
			held = held[:len(held)-1]
		}
		c.AssertNoLocks()
	})
	require.NotZero(t, accepted)
	require.NotZero(t, turnedDown)
}

func TestOrder_G2_OneClassByAddress(t *testing.T) {
	var spins [3]Spinlock
	var sleeps [3]Sleeplock
	for i := range spins {
		spins[i].Init(ClassTestSpin)
		sleeps[i].Init(ClassTestNest)
	}
	for _, l := range [][3]locker{{&spins[0], &spins[1], &spins[2]}, {&sleeps[0], &sleeps[1], &sleeps[2]}} {
		c := newTask()
		l[0].Lock(c)
		l[2].Lock(c)
		cause, _ := refused(t, func() { l[1].Lock(c) })
		require.Equal(t, "lock order: two locks of a class, not in ascending order of address", cause)
		l[0].Unlock(c)
		refused(t, func() { l[1].Lock(c) }) // 2 is still held
		l[2].Unlock(c)
		l[1].Lock(c)
		l[1].Unlock(c)
		c.AssertNoLocks()
	}
	c := newTask()
	a, b := lockOf(ClassBuffer), lockOf(ClassBuffer)
	a.Lock(c)
	cause, report := refused(t, func() { b.Lock(c) })
	require.Equal(t, "lock order: two locks of a class that does not nest", cause)
	require.Equal(t, "lock order: declared buffer not nesting: one at a time", report[len(report)-1])
}

func TestOrder_G2_TheSameLockAgain(t *testing.T) {
	for _, class := range []Class{ClassBuffer, ClassTestNest, ClassTestSpin, ClassConsole} {
		c, l := newTask(), lockOf(class)
		l.Lock(c)
		for _, take := range []func(){func() { l.Lock(c) }, func() { l.TryLock(c) }} {
			cause, _ := refused(t, take)
			require.Equal(t, "lock order: a lock taken again by the context that holds it", cause)
		}
	}
}

func TestOrder_RoomForSixteenAndNoMore(t *testing.T) {
	for _, class := range []Class{ClassTestNest, ClassTestSpin} {
		c := newTask()
		var spins [MaxHeld + 1]Spinlock
		var sleeps [MaxHeld + 1]Sleeplock
		at := func(i int) locker {
			if class.Sleeps() {
				return &sleeps[i]
			}
			return &spins[i]
		}
		for i := range MaxHeld + 1 {
			at(i).Init(class)
		}
		for i := range MaxHeld {
			at(i).Lock(c)
		}
		pi := lockOf(ClassPI) // which order would allow
		for _, l := range []locker{at(MaxHeld), pi} {
			cause, _ := refused(t, func() { l.Lock(c) })
			require.Equal(t, "lock order: more locks at once than a context can hold", cause)
		}
		for i := range MaxHeld { // the first first
			at(i).Unlock(c)
		}
		c.AssertNoLocks()
		require.Zero(t, c.held)
		cause, _ := refused(t, func() { at(MaxHeld - 1).Unlock(c) }) // it was there a moment ago
		require.Equal(t, "lock order: release of a lock that this context does not hold", cause)
	}
}

func TestOrder_OfNoClassOrOfTheWrongKind(t *testing.T) {
	c := newTask()
	for _, try := range []struct {
		lock  locker
		class Class
		cause string
	}{
		{new(Spinlock), ClassNone, "lock order: a lock of no class"},
		{new(Sleeplock), ClassNone, "lock order: a lock of no class"},
		{new(Spinlock), ClassInode, "lock order: a spinlock of a sleep class, or a sleeplock of a spin class"},
		{new(Sleeplock), ClassPI, "lock order: a spinlock of a sleep class, or a sleeplock of a spin class"},
		{new(Sleeplock), ClassConsole, "lock order: a spinlock of a sleep class, or a sleeplock of a spin class"},
	} {
		try.lock.Init(try.class)
		for _, take := range []func(){func() { try.lock.Lock(c) }, func() { try.lock.TryLock(c) }} {
			cause, _ := refused(t, take)
			require.Equal(t, try.cause, cause)
		}
		cause, _ := refused(t, func() { try.lock.Unlock(c) })
		require.Equal(t, "lock order: release of a lock that this context does not hold", cause)
	}
	was := rules
	defer func() { rules = was }()
	rules = [NumClasses]rule{}
	cause, _ := refused(t, func() { lockOf(ClassInode).Lock(c) })
	require.Equal(t, "lock order: CloseOrder has not run", cause)
}

// withInterrupts runs f on a machine whose interrupts f switches.
func withInterrupts(f func(off *atomic.Bool)) {
	var off atomic.Bool
	InterruptsOff = off.Load
	defer func() { InterruptsOff = nil }()
	f(&off)
}

func TestOrder_G3_Interrupts(t *testing.T) {
	withInterrupts(func(off *atomic.Bool) {
		task := newTask()
		handler := &Context{Sleeper: newPermit()}
		require.False(t, handler.Interrupt())
		handler.SetInterrupt()
		require.True(t, handler.Interrupt())
		var irq, spin = lockOf(ClassTestIRQ), lockOf(ClassTestSpin)

		cause, report := refused(t, func() { irq.Lock(task) })
		require.Equal(t, "lock order: interrupts are on, and handlers take locks of this class", cause)
		require.Equal(t, "lock order: declared test-irq for handlers: with interrupts off only", report[len(report)-1])
		spin.Lock(task) // a class that handlers do not take

		off.Store(true)
		irq.Lock(task)
		off.Store(false)
		for _, l := range []locker{irq, spin} { // itself, or another while it is held
			cause, report = refused(t, func() { l.Unlock(task) })
			require.Equal(t, "lock order: interrupts came on while a lock was held that handlers take", cause)
			require.Len(t, report, 3)
			require.Len(t, task.Held(), 2)
		}
		off.Store(true)

		// A handler on the same CPU: what the task holds is not what it holds.
		console := lockOf(ClassConsole)
		console.Lock(handler)
		console.Unlock(handler)
		irq.Unlock(task)
		irq.Lock(handler)
		for _, class := range []Class{ClassPI, ClassTestSpin, ClassInode} {
			l := lockOf(class)
			for _, take := range []func(){func() { l.Lock(handler) }, func() { l.TryLock(handler) }} {
				cause, report = refused(t, take)
				require.Equal(t, "lock order: an interrupt handler takes a lock of a class that is not for handlers", cause)
				require.Contains(t, report[0], "lock order: cpu=0 in an interrupt handler takes "+class.Name())
			}
		}
		irq.Unlock(handler)
		require.True(t, handler.Interrupt(), "for good")
		spin.Unlock(task)
		task.AssertNoLocks()
		handler.AssertNoLocks()
	})
}

// atSites has locks taken at 0x1000, 0x1001, …
func atSites(f func()) {
	was, next := CallerPC, uintptr(0x1000)
	CallerPC = func() uintptr { next++; return next - 1 }
	defer func() { CallerPC = was }()
	f()
}

func TestOrder_G4_BothChainsAreReported(t *testing.T) {
	at := func(l locker) string { return fmt.Sprintf("0x%016x", addrOf(l)) }
	log, inode, buffer := lockOf(ClassLog), lockOf(ClassInode), lockOf(ClassBuffer)
	a, b, c, d := lockOf(ClassTestA), lockOf(ClassTestB), lockOf(ClassTestC), lockOf(ClassTestD)
	spin, console := lockOf(ClassTestSpin), lockOf(ClassConsole)
	var two, nest [2]Sleeplock
	for i := range two {
		two[i].Init(ClassInode)
		nest[i].Init(ClassTestNest)
	}
	for _, try := range []struct {
		held   []locker
		wanted locker
		report []string
	}{
		{[]locker{log, buffer}, inode, []string{
			"lock order: cpu=3 takes inode@" + at(inode) + "(0x0000000000001002)",
			"lock order: held 0 log@" + at(log) + "(0x0000000000001000)",
			"lock order: held 1 buffer@" + at(buffer) + "(0x0000000000001001)",
			"lock order: declared inode < buffer"}},
		{[]locker{c}, a, []string{
			"lock order: cpu=3 takes test-a@" + at(a) + "(0x0000000000001001)",
			"lock order: held 0 test-c@" + at(c) + "(0x0000000000001000)",
			"lock order: declared test-a < test-b < test-c"}},
		{[]locker{b}, d, []string{
			"lock order: cpu=3 takes test-d@" + at(d) + "(0x0000000000001001)",
			"lock order: held 0 test-b@" + at(b) + "(0x0000000000001000)",
			"lock order: declared nothing about test-b and test-d"}},
		{[]locker{b, c}, a, []string{
			"lock order: cpu=3 takes test-a@" + at(a) + "(0x0000000000001002)",
			"lock order: held 0 test-b@" + at(b) + "(0x0000000000001000)",
			"lock order: held 1 test-c@" + at(c) + "(0x0000000000001001)",
			"lock order: declared test-a < test-b",
			"lock order: declared test-a < test-b < test-c"}},
		{[]locker{&two[1]}, &two[0], []string{
			"lock order: cpu=3 takes inode@" + at(&two[0]) + "(0x0000000000001001)",
			"lock order: held 0 inode@" + at(&two[1]) + "(0x0000000000001000)",
			"lock order: declared inode nesting: in ascending order of address only"}},
		{[]locker{&nest[0], &nest[1]}, d, []string{ // what is declared is said once
			"lock order: cpu=3 takes test-d@" + at(d) + "(0x0000000000001002)",
			"lock order: held 0 test-nest@" + at(&nest[0]) + "(0x0000000000001000)",
			"lock order: held 1 test-nest@" + at(&nest[1]) + "(0x0000000000001001)",
			"lock order: declared test-d < test-c < test-nest"}},
		{[]locker{log, spin}, buffer, []string{
			"lock order: cpu=3 takes buffer@" + at(buffer) + "(0x0000000000001002)",
			"lock order: held 0 log@" + at(log) + "(0x0000000000001000)",
			"lock order: held 1 test-spin@" + at(spin) + "(0x0000000000001001)",
			"lock order: every sleep class < every spin class, so buffer < test-spin"}},
		{[]locker{console}, spin, []string{
			"lock order: cpu=3 takes test-spin@" + at(spin) + "(0x0000000000001001)",
			"lock order: held 0 console@" + at(console) + "(0x0000000000001000)",
			"lock order: declared test-spin < pi < console"}},
		{nil, new(Spinlock), []string{
			"lock order: cpu=3 takes none@",
			"lock order: held none"}},
	} {
		task := newTask()
		task.CPU = 3
		atSites(func() {
			for _, l := range try.held {
				l.Lock(task)
			}
			_, report := refused(t, func() { try.wanted.Lock(task) })
			if try.held == nil {
				require.Contains(t, report[0], try.report[0])
				report[0] = try.report[0]
			}
			require.Equal(t, try.report, report)
		})
		for i := len(try.held) - 1; i >= 0; i-- {
			try.held[i].Unlock(task)
		}
	}
}

func TestOrder_G4_ReleaseOfWhatIsNotHeld(t *testing.T) {
	for _, class := range []Class{ClassTestA, ClassTestSpin} {
		c, other, l, mine := newTask(), newTask(), lockOf(class), lockOf(ClassConsole)
		l.Lock(other)
		cause, _ := refused(t, func() { l.Unlock(c) })
		require.Equal(t, "lock order: release of a lock that this context does not hold", cause)
		atSites(func() { mine.Lock(c) })
		cause, report := refused(t, func() { l.Unlock(c) })
		require.Equal(t, "lock order: release of a lock that this context does not hold", cause)
		require.Equal(t, []string{
			fmt.Sprintf("lock order: cpu=0 releases none@0x%016x", addrOf(l)),
			fmt.Sprintf("lock order: held 0 console@0x%016x(0x0000000000001000)", addrOf(mine))}, report)
		l.Unlock(other)
		other.AssertNoLocks()
		mine.Unlock(c)
		refused(t, func() { mine.Unlock(c) })
	}
}

func TestOrder_G4_EndingWithLocks(t *testing.T) {
	c, l := newTask(), lockOf(ClassTestA)
	c.AssertNoLocks()
	atSites(func() { l.Lock(c) })
	cause, report := refused(t, c.AssertNoLocks)
	require.Equal(t, "lock order: locks are held where none may be", cause)
	require.Equal(t, []string{"lock order: cpu=0 may hold no lock",
		fmt.Sprintf("lock order: held 0 test-a@0x%016x(0x0000000000001000)", addrOf(l))}, report)
}

// Also kernel/sync/orderreport.go: G2.
func TestOrder_G4_AReporterThatTakesLocksIsStopped(t *testing.T) {
	was := Report
	defer func() { Report = was }()
	c, l := newTask(), lockOf(ClassNone)
	Report = func(*text.Line) { l.Lock(c) }
	cause, _ := refused(t, func() { l.Lock(c) })
	require.Equal(t, "lock order: broken by what reports that it was broken", cause)
	reporting.by.Store(nil) // which the kernel would not have lived to do
}

// Also kernel/sync/orderreport.go: G1.
func TestOrder_G4_ReportsDoNotMix(t *testing.T) {
	reported.Lock()
	reported.lines = nil
	reported.Unlock()
	const contexts = 8
	var wg gosync.WaitGroup
	for i := range contexts {
		wg.Go(func() {
			c := newTask()
			c.CPU = i
			lockOf(ClassTestC).Lock(c)
			defer func() { recover() }()
			lockOf(ClassTestA).Lock(c)
		})
	}
	wg.Wait()
	require.Len(t, reported.lines, 3*contexts)
	for i := 0; i < len(reported.lines); i += 3 {
		require.Contains(t, reported.lines[i], " takes test-a@")
		require.Contains(t, reported.lines[i+1], " held 0 test-c@")
		require.Contains(t, reported.lines[i+2], " declared test-a < test-b < test-c")
	}
}

func TestOrder_WorksWithoutAnyHook(t *testing.T) {
	report, caller, relax := Report, CallerPC, Relax
	defer func() { Report, CallerPC, Relax = report, caller, relax }()
	Report, CallerPC, Relax = nil, nil, nil
	c, a, b := newTask(), lockOf(ClassTestA), lockOf(ClassTestB)
	b.Lock(c)
	cause, lines := refused(t, func() { a.Lock(c) })
	require.Equal(t, "lock order: a lock taken against the declared order", cause)
	require.Empty(t, lines)
	require.Zero(t, c.Held()[0].Site())
}

func TestContext_SiteIsWhereTheLockIsTaken(t *testing.T) {
	c := newTask()
	for _, class := range []Class{ClassTestA, ClassTestSpin} {
		switch l := lockOf(class).(type) {
		case *Sleeplock:
			l.Lock(c)
		case *Spinlock:
			l.TryLock(c)
		}
	}
	for i := range c.Held() {
		f, _ := runtime.CallersFrames([]uintptr{c.Held()[i].Site()}).Next()
		require.Equal(t, "exo/kernel/sync."+t.Name(), f.Function)
	}
}

func TestContext_PrintsItsLocks(t *testing.T) {
	var l text.Line
	c, a, spin := newTask(), lockOf(ClassTestA), lockOf(ClassTestSpin)
	c.PrintLocks(&l)
	require.Equal(t, "none", string(l.Bytes()))
	atSites(func() { a.Lock(c) })
	CallerPC = nil
	defer func() { CallerPC = callerPC }()
	spin.Lock(c)
	c.PrintLocks(l.Reset())
	require.Equal(t, fmt.Sprintf("test-a@0x%016x(0x0000000000001000) test-spin@0x%016x", addrOf(a), addrOf(spin)),
		string(l.Bytes()))
	require.Equal(t, 1, c.SpinDepth())
}
