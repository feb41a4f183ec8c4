package sync

import (
	"unsafe"

	"exo/kernel/sync/atom"
	"exo/kernel/text"
)

// What this package needs from the machine. The kernel, or a test, sets these before a second CPU runs. Each may be nil.
var (
	// Relax is called each time round a loop that waits for another CPU, with how often it has been called in this wait.
	Relax func(spins int)

	// InterruptsOff says whether interrupts are off on this CPU. nil: there are none, as on a host.
	InterruptsOff func() bool

	// CallerPC is where the caller of its caller was called: in Lock, where the lock is taken. nil: reports have no sites.
	CallerPC func() uintptr

	// Report prints a line of a report about lock order; the line is valid during the call. It must take no lock.
	Report func(*text.Line)

	// PriorityChanged is told that c.EffectivePriority is another now. It is called with a spinlock of ClassPI held, so it
	// is short, and takes only what may follow that class.
	PriorityChanged func(c *Context)
)

// A Sleeper stops and resumes one context. Wake-ups are permits: an Unpark that comes before the Park is remembered, by
// one bit. Park may return for no reason.
type Sleeper interface {
	Park()   // waits for the permit and takes it; only the context itself calls it
	Unpark() // gives the permit; anybody may call it
}

// MaxHeld is how many locks a context can hold at once.
const MaxHeld = 16

// Context is one thread of control as this package sees it: a task, a CPU's idle loop, or the interrupt handler that runs
// on a CPU. A handler's is not the interrupted task's: what that one holds, the handler does not. Its fields are touched
// by whoever runs in it and by nobody else, unless they say so.
//
// The zero Context is a task on CPU 0 of priority 0 that holds nothing and cannot sleep. A Context lies in memory that
// stays a Context's: a late Unpark may reach it after its task has ended.
type Context struct {
	// CPU is where the context runs. Who moves a task rewrites it, while the task does not run.
	CPU int

	// preempt counts the critical sections that the context is in: spinlocks held, RCU read sections, per-CPU data in use.
	// While it is not 0 the context stays on its CPU and is not switched away from.
	preempt int32

	n     int32             // how many locks it holds
	held  uint64            // their classes; and inInterrupt
	locks [MaxHeld]HeldLock // the first n, in order of acquisition

	// Sleeper is nil if the context cannot sleep: an interrupt handler, an idle loop. Set before the first sleeplock.
	Sleeper Sleeper

	// Priorities; larger is more urgent. Written under the guard (sleeplock.go), read by anybody.
	base      atom.Int64 // what it was given
	effective atom.Int64 // that, or what it inherits from those who wait for its locks

	granted atom.Uint32 // 1: the lock that it waited for is its own now

	// Touched under the guard.
	waitsFor *Sleeplock // what it waits for
	next     *Context   // behind it in that lock's queue
	wanted   *Sleeplock // the locks it holds that others wait for, linked by nextWanted
}

// inInterrupt is a bit of Context.held that stands for no class (ClassNone has it).
const inInterrupt = 1 << ClassNone

// SetInterrupt makes c the context of a CPU's interrupt handlers, for good: it takes only locks that handlers may take.
func (c *Context) SetInterrupt() { c.held |= inInterrupt }

// Interrupt says whether c is the context of interrupt handlers.
func (c *Context) Interrupt() bool { return c.held&inInterrupt != 0 }

// Reset makes c the context of a new task of a priority. Nobody uses it, but for an Unpark that comes late.
func (c *Context) Reset(priority int) {
	c.preempt, c.n, c.held = 0, 0, 0 // of locks, the first n count: they stay as they are
	c.CPU, c.Sleeper, c.waitsFor, c.next, c.wanted = 0, nil, nil, nil, nil
	c.granted.StoreRelease(0)
	c.base.StoreRelease(int64(priority))
	c.effective.StoreRelease(int64(priority))
}

// Rebase gives c another priority of its own. It holds no lock, so nobody waits for it, and it waits for none.
func (c *Context) Rebase(priority int) {
	c.base.StoreRelease(int64(priority))
	c.effective.StoreRelease(int64(priority))
}

// PreemptDisable begins a critical section; sections nest.
func (c *Context) PreemptDisable() { c.preempt++ }

// PreemptEnable ends one.
func (c *Context) PreemptEnable() { c.preempt-- }

// Preemptible says whether the context is in no critical section.
func (c *Context) Preemptible() bool { return c.preempt == 0 }

// Switchable says whether the context can be switched away from by one that has turned preemption off for that: it is in no
// other critical section, and so holds no spinlock.
func (c *Context) Switchable() bool { return c.preempt == 1 }

// HeldLock is a lock that a context holds.
type HeldLock struct {
	lock   unsafe.Pointer
	before uint64 // Context.held before the lock was taken
	site   uintptr
	class  Class
}

// Class is the lock's class.
func (h *HeldLock) Class() Class { return h.class }

// Addr is where the lock lies.
func (h *HeldLock) Addr() uintptr { return uintptr(h.lock) }

// Site is where it was taken, 0 if nothing told (CallerPC).
func (h *HeldLock) Site() uintptr { return h.site }

// Print appends class@address(site).
func (h *HeldLock) Print(l *text.Line) {
	l.Str(h.class.Name()).Byte('@').Addr(uint64(h.Addr()))
	if h.site != 0 {
		l.Byte('(').Addr(uint64(h.site)).Byte(')')
	}
}

// Held is what the context holds, in order of acquisition, valid until it takes or releases a lock. A panic report may
// call it for a context that another CPU runs: then it is a guess.
func (c *Context) Held() []HeldLock { return c.locks[:c.n] }

// SpinDepth is how many spinlocks the context holds.
func (c *Context) SpinDepth() int {
	depth := 0
	for i := range c.Held() {
		if !c.locks[i].class.Sleeps() {
			depth++
		}
	}
	return depth
}

// PrintLocks appends what the context holds: class@address(site) for each, or none.
func (c *Context) PrintLocks(l *text.Line) {
	for i := range c.Held() {
		if i > 0 {
			l.Byte(' ')
		}
		c.locks[i].Print(l)
	}
	if c.n == 0 {
		l.Str("none")
	}
}
