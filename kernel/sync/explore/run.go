//go:build explore

package explore

import (
	"fmt"
	"iter"
	"runtime/debug"
	"strings"
	"unsafe"

	"exo/kernel/sync/atom"
)

// Program builds a fresh instance of what is explored. It returns the threads, at most 8, and a check that is made when all
// have ended. In the program itself and in the check operations happen at once, and are not part of the schedule. Everything
// must be a function of the schedule: no clock, no map order, no random numbers.
//
// A thread fails by panicking. It must not call t.FailNow, nor require.
type Program func(x *Run) (threads []func(), check func() error)

// Run is one execution of a Program.
type Run struct {
	threads []*thread
	cur     *thread // who runs, or ran last
	turn    int     // how often cur has changed
	choose  func(alternatives []alternative) int
	plain   bool // Config.Plain
	all     bool // offer alternatives too that lead nowhere new

	clock   int // steps so far: operations and flushes
	limit   int
	budget  int // what may still be spent
	spent   int
	flushed flush // the last flush, if nothing has happened since

	idleYields int // since memory last changed

	choices []uint8       // made so far
	alts    []alternative // scratch

	freed []span // freed.go

	failure  string
	aborting bool

	alone   alone // while it evaluates what a thread waits for
	tracing bool
	events  []event
	roots   []root

	History History
}

// thread is one thread of a program: a coroutine that lives through many executions.
type thread struct {
	id    int
	x     *Run
	fn    func()
	next  func() (struct{}, bool)
	stop  func()
	yield func(struct{}) bool

	started, done bool
	granted       bool // the choice that this thread does its next operation is made
	last          int  // clock at its last operation

	buffer    []store // all stores of this execution that were delayed
	head      int     // those before are flushed
	arrivedAt []int   // clock at which each store was visible

	arriving bool // its stores are being flushed

	missed     int // in turn missedTurn: the first of the stores that the running thread has looked for, and missed
	missedTurn int

	waiting // fair.go
}

type aborted struct{}

func newThread(x *Run, id int) *thread {
	th := &thread{id: id, x: x}
	th.next, th.stop = iter.Pull(func(yield func(struct{}) bool) {
		th.yield = yield
		for {
			th.call()
			if !yield(struct{}{}) {
				return
			}
		}
	})
	return th
}

// call runs the program's function to its end.
func (th *thread) call() {
	normal := false
	defer func() {
		th.done = true
		if normal {
			return
		}
		switch r := recover().(type) {
		case aborted:
		case nil:
			th.x.fail("a thread ended itself (runtime.Goexit, so perhaps t.FailNow): threads fail by panicking")
		default:
			th.x.fail(fmt.Sprintf("T%d panicked: %v\n%s", th.id, r, stack()))
		}
	}()
	th.fn()
	normal = true
}

// execute runs the program once, as choose says.
func (x *Run) execute(program Program, budget int) {
	x.reset(budget)
	defer func() { active, atom.Hook = nil, nil }()
	atom.Hook = &alone{aloneLimit}
	functions, check := program(x)
	if len(functions) == 0 || len(functions) > maxThreads {
		panic("explore: a program has 1 to 8 threads")
	}
	for len(x.threads) < len(functions) {
		x.threads = append(x.threads, newThread(x, len(x.threads)))
	}
	for _, th := range x.threads[len(functions):] {
		th.stop()
	}
	x.threads = x.threads[:len(functions)]
	for i, th := range x.threads {
		th.fn = functions[i]
		th.reset()
	}
	active, atom.Hook = x, x
	x.cur = x.decide()
	for x.cur != nil {
		th := x.cur
		if !th.started {
			th.started, th.granted = true, !x.plain
		}
		th.next()
		if x.failure != "" {
			break
		}
		if th.done && x.cur == th {
			x.cur = x.decide()
		}
	}
	x.abort()
	active, atom.Hook = nil, &alone{aloneLimit}
	if x.failure == "" && check != nil {
		x.check(check)
	}
}

func (x *Run) reset(budget int) {
	*x = Run{
		threads: x.threads, choose: x.choose, plain: x.plain, all: x.all, limit: x.limit, tracing: x.tracing,
		choices: x.choices[:0], alts: x.alts[:0], budget: budget,
		freed: x.freed[:0], History: x.History,
	}
	x.History.reset(x)
}

func (th *thread) reset() {
	clear(th.buffer) // for the collector
	*th = thread{
		id: th.id, x: th.x, fn: th.fn, next: th.next, stop: th.stop, yield: th.yield,
		buffer: th.buffer[:0], arrivedAt: th.arrivedAt[:0], missedTurn: -1, waiting: waiting{ranSince: ^uint8(0)},
	}
}

// abort ends the threads that are in the middle of something.
func (x *Run) abort() {
	x.aborting = true
	for _, th := range x.threads {
		for th.started && !th.done {
			th.next()
		}
	}
	x.aborting = false
}

// close ends the coroutines.
func (x *Run) close() {
	for _, th := range x.threads {
		th.stop()
	}
	x.threads = nil
}

func (x *Run) check(check func() error) {
	defer func() {
		if r := recover(); r != nil {
			x.fail(fmt.Sprintf("the final check panicked: %v\n%s", r, stack()))
		}
	}()
	if err := check(); err != nil {
		x.fail(err.Error())
	}
}

func (x *Run) fail(reason string) {
	if x.failure == "" && !x.aborting {
		x.failure = reason
	}
}

// stack is where a panic came from, without the machinery of panics.
func stack() string {
	s := string(debug.Stack())
	if _, after, ok := strings.Cut(s, "panic.go:"); ok {
		_, s, _ = strings.Cut(after, "\n")
	}
	if before, _, ok := strings.Cut(s, "exo/kernel/sync/explore.(*thread).call"); ok {
		s = before
	}
	return s
}

// Before stops the calling thread before an operation, for package atom.
func (x *Run) Before(op atom.Op, addr unsafe.Pointer) {
	th := x.cur
	x.point(th)
	if len(x.freed) > 0 {
		x.assertNotFreed(addr, op != atom.Load, "an operation on")
	}
	if op.Fences() {
		x.flushTo(th, len(th.buffer)-1)
	}
	if op != atom.StoreRelease {
		x.arrivals(th, addr, true)
	}
	if x.failure != "" {
		panic(aborted{})
	}
	th.look(addr)
	x.step(th)
}

// Step is a moment in a thread at which others may run, though it touches no atomic word.
func Step(what string) {
	if x := active; x != nil {
		th := x.cur
		x.point(th)
		x.step(th)
		if x.tracing {
			x.events = append(x.events, event{kind: eventStep, thread: th.id, what: what, where: where(2)})
		}
	}
}

// point has the scheduler choose who goes on, if that was not chosen when this thread was resumed.
func (x *Run) point(th *thread) {
	if x.aborting {
		panic(aborted{})
	}
	if th.granted {
		th.granted = false
		return
	}
	x.pass(x.decide())
}

// pass stops the running thread if next is another, and returns when it is its turn again.
func (x *Run) pass(next *thread) {
	th := x.cur
	if next == th {
		return
	}
	if x.failure != "" {
		panic(aborted{})
	}
	x.cur = next
	th.yield(struct{}{})
	if x.aborting {
		panic(aborted{})
	}
}

// step counts an operation of the running thread.
func (x *Run) step(th *thread) {
	x.clock++
	th.last = x.clock
	x.flushed = flush{}
	x.ran(th)
	x.History.stepped(th)
	if x.clock > x.limit {
		x.fail(fmt.Sprintf("no end after %d steps: livelock, or raise Config.Steps", x.limit))
		panic(aborted{})
	}
}

// After notes the outcome of an operation, for package atom.
func (x *Run) After(op atom.Op, addr unsafe.Pointer, a, b, result atom.Value) {
	same := op == atom.CompareAndSwap && result.Bits == 0 || op == atom.Swap && result == a
	if op >= atom.Store && !same {
		x.changed(addr)
	}
	if x.tracing {
		x.events = append(x.events, event{
			kind: eventOp, thread: x.cur.id, op: op, addr: addr, a: a, b: b, result: result, where: where(4),
		})
	}
	if x.plain {
		x.point(x.cur)
	}
}

// active is the run whose thread is running.
var active *Run

const maxThreads = 8
