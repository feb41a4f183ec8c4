package sched

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	gosync "sync"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"exo/internal/timescale"
	"exo/internal/tsan"
	"exo/kernel/sync"
	"exo/kernel/sync/atom"
)

// host is a machine for the scheduler: a CPU is the right to run, which its idle loop and the tasks' goroutines hand to each
// other. A task's goroutine stands for its stack; interrupts come at points only, which tasks reach of their own accord.
//
//	reschedule:  Pick ─▶ this stack is at rest ─▶ the next one's goroutine goes on ─▶ there: Finish(this task)
type host struct {
	Sched
	rcu   sync.RCU
	clock atomic.Uint64 // ns
	slots []hostTask
	cores []hostCPU
	over  atomic.Bool

	spawned  atomic.Uint64
	switches atomic.Uint64 // to tasks
	live     atomic.Int64  // tasks that have not ended
	ops      atomic.Uint64 // that tasks did
	passes   atomic.Uint64 // of these, what Pass did
	handed   atomic.Uint64 // tasks that ended by PassToJoiner
	directed atomic.Uint64 // by YieldTo
}

// hostCPU is touched by whoever has it, but for kicked and kick.
type hostCPU struct {
	*CPU
	host    *host
	random  *rand.Rand
	leaving *Task // whom reschedule has just left
	why     Leaving
	left    uint64
	kicked  atomic.Bool
	kick    chan struct{} // a halted CPU wakes up
	idle    chan struct{} // the idle loop goes on
	ended   chan struct{}
	halted  int
}

// hostTask is a task's stack; its slot's for good.
type hostTask struct {
	host   *host
	id     ID
	task   *Task
	on     *hostCPU
	resume chan *hostCPU
	alive  atomic.Int32 // 1: somebody runs on this stack
	fn     func(*hostTask) uint64
	random *rand.Rand

	resumed uint64 // how often it was switched to
}

// stepNs is by how much the clock moves each time that somebody looks at it.
const stepNs = 1000

// newHost makes a machine with so many CPUs and slots for tasks; distance may be nil.
func newHost(t testing.TB, cpus, slots int, r *rand.Rand, distance func(a, b int) int) *host {
	h := &host{slots: make([]hostTask, slots), cores: make([]hostCPU, cpus)}
	if distance == nil {
		distance = func(a, b int) int { return (a ^ b) / 2 }
	}
	h.clock.Store(1)
	h.rcu.Init(make([]sync.RCUCPU, cpus), h, 0)
	h.Init(&Config{
		Tasks: make([]Task, slots), Links: make([]sync.Link, slots), PoolCPUs: make([]sync.PoolCPU, cpus),
		CPUs: make([]CPU, cpus), Rings: make([]atom.Pointer[Task], cpus*RingLength(slots)), Timers: make([]Timer, cpus*slots),
		Victims: make([]Victim, cpus*cpus), Distance: distance, Machine: h, RCU: &h.rcu, RealTimeLimit: WholeCPU * 9 / 10,
	})
	for i := range h.cores {
		h.cores[i] = hostCPU{
			CPU: h.CPU(i), host: h, random: rand.New(rand.NewPCG(r.Uint64(), 0)),
			kick: make(chan struct{}, 1), idle: make(chan struct{}, 1), ended: make(chan struct{}),
		}
		h.cpus[i].fair.quantum = 30 * stepNs
	}
	for i := range h.slots {
		h.slots[i] = hostTask{host: h, task: &h.tasks[i], resume: make(chan *hostCPU, 1)}
	}
	closeOrder.Do(sync.CloseOrder)
	relax, changed := sync.Relax, sync.PriorityChanged
	sync.Relax = func(int) { runtime.Gosched() }
	sync.PriorityChanged = func(c *sync.Context) {
		if t := h.TaskOf(c); t != nil {
			h.Reprioritize(t)
		}
	}
	t.Cleanup(func() { sync.Relax, sync.PriorityChanged = relax, changed })
	return h
}

func (h *host) NowNs() uint64                   { return h.clock.Add(stepNs) }
func (h *host) Interrupt(cpu int)               { h.Kick(cpu) }
func (h *host) Stalled(cpu int, g, ns uint64)   {}
func (h *host) Kick(cpu int)                    { h.cores[cpu].interrupt() }
func (h *host) fail(format string, args ...any) { panic("host: " + fmt.Sprintf(format, args...)) }

func (c *hostCPU) interrupt() {
	c.kicked.Store(true)
	select {
	case c.kick <- struct{}{}:
	default:
	}
}

var closeOrder gosync.Once

// run starts the CPUs, and a first task, and returns when no task is left and the CPUs have stopped.
func (h *host) run(t testing.TB, a *Start, fn func(*hostTask) uint64) {
	t.Helper()
	first := h.spawn(&h.cores[0], a, fn, rand.New(rand.NewPCG(1, 1)))
	if first == 0 {
		h.fail("there is no room for a first task")
	}
	for i := range h.cores {
		go h.cores[i].loop()
	}
	limit, err := timescale.Stretch(2 * time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	late := time.After(limit)
	for i := range h.cores {
		select {
		case <-h.cores[i].ended:
		case <-late:
			t.Fatalf("%d tasks have not ended: a wake-up or a task is lost\n%s", h.live.Load(), h.dump())
		}
	}
}

// dump is how things stand, as far as can be seen from outside.
func (h *host) dump() (s string) {
	for i := range h.tasks {
		if w := word(h.tasks[i].word.Load()); w.state() != Free {
			s += fmt.Sprintf("task %d: %s permit=%t cpu=%d\n", i, w.state(), w&permit != 0, h.tasks[i].cpu.Load())
		}
	}
	for i := range h.cpus {
		c := &h.cpus[i]
		s += fmt.Sprintf("CPU %d: idle=%t busy=%d shared=%d pinned=%d batch=%d inbox empty=%t urgent=%d kicked=%t rt=%d/%d\n", i,
			h.idle.Load()>>i&1 != 0, c.busy.Load(), c.shared.len(), c.pinned.len(), c.batch.len(), c.inbox.empty(),
			c.urgent.Load(), h.cores[i].kicked.Load(), c.rt.ready.n, c.rt.throttled.n)
	}
	return s
}

// loop is a CPU's idle loop.
func (c *hostCPU) loop() {
	h := c.host
	h.rcu.IdleExit(c.id)
	for !h.over.Load() {
		h.rcu.Quiescent(c.id)
		h.rcu.Advance(c.id, 8)
		if c.fromIdle() || !c.EnterIdle() {
			continue
		}
		c.halted++
		h.rcu.IdleEnter(c.id)
		for c.event > h.NowNs() && !c.kicked.Load() && !h.over.Load() {
			if c.event == never && !h.rcu.Pending(c.id) {
				<-c.kick
			} else {
				runtime.Gosched()
				if h.rcu.Pending(c.id) {
					break
				}
				if c.event != never && h.idle.Load() == h.all { // time passes quickly when nobody does anything
					h.clock.Store(max(h.clock.Load(), c.event))
				}
			}
		}
		c.kicked.Store(false)
		h.rcu.IdleExit(c.id)
		c.LeaveIdle()
	}
	close(c.ended)
}

// fromIdle runs a task, if there is one, and returns when there is none any more.
func (c *hostCPU) fromIdle() bool {
	now := c.host.NowNs()
	next := c.Pick(now, Parks)
	if next == nil {
		return false
	}
	c.leaving = nil
	c.handOver(next)
	<-c.idle
	c.finishSwitch()
	return true
}

// handOver has the goroutine of a task, or the idle loop, go on on c.
func (c *hostCPU) handOver(next *Task) {
	sometimes(c.random)
	if next == nil {
		c.idle <- struct{}{}
	} else {
		c.host.slots[next.slot].resume <- c
	}
}

func sometimes(r *rand.Rand) {
	if r.IntN(4) == 0 {
		runtime.Gosched()
	}
}

func (c *hostCPU) finishSwitch() {
	sometimes(c.random)
	if t := c.leaving; t != nil {
		c.leaving = nil
		if c.why >= passed {
			c.Return(t, c.why&^passed)
		} else {
			c.Finish(t, c.why, c.left)
		}
	}
}

// spawn makes a task; 0: there is no slot, or no room for its reservation.
func (h *host) spawn(c *hostCPU, a *Start, fn func(*hostTask) uint64, r *rand.Rand) ID {
	id, slot, err := h.New(c.id, a)
	if err != nil {
		return 0
	}
	t := &h.slots[slot]
	t.id, t.fn, t.random, t.resumed = id, fn, r, 0
	t.task.Part = unsafe.Pointer(t)
	t.task.Context.Sleeper = t
	h.live.Add(1)
	h.spawned.Add(1)
	go t.begin()
	h.Go(c.id, id)
	return id
}

// begin is where a task begins: as one that comes back from reschedule.
func (t *hostTask) begin() {
	runs.Store(goroutine(), t)
	defer runs.Delete(goroutine())
	t.arrive()
	t.task.SetResult(t.fn(t))
	if t.task.switches != t.resumed {
		t.host.fail("%d switches to a task were counted, and there were %d", t.task.switches, t.resumed)
	}
	if t.host.live.Add(-1) == 0 {
		t.host.over.Store(true)
		for i := range t.host.cores {
			t.host.Kick(i)
		}
	}
	if !tsan.On { // as in leave
		c := t.on
		if _, next, ok := c.PassToJoiner(t.host.NowNs()); ok {
			t.host.handed.Add(1)
			t.passTo(next, Exits)
			return
		}
	}
	t.reschedule(Exits)
}

// arrive waits until somebody switches here.
func (t *hostTask) arrive() {
	c := <-t.resume
	if t.alive.Swap(1) != 0 {
		t.host.fail("task %d runs on two CPUs", t.task.slot)
	}
	t.on = c
	t.resumed++
	t.host.switches.Add(1)
	switch w := word(t.task.word.Load()); {
	case c.Current() != t.task:
		t.host.fail("CPU %d runs task %d, and thinks that it runs another", c.id, t.task.slot)
	case t.task.affinity.Load()>>c.id&1 == 0:
		t.host.fail("task %d runs on CPU %d, and its affinity is %b", t.task.slot, c.id, t.task.affinity.Load())
	case w.state() != Running || t.task.Context.CPU != c.id || t.task.cpu.Load() != uint32(c.id):
		t.host.fail("task %d runs on CPU %d: it is %s, on CPU %d or %d", t.task.slot, c.id, w.state(), t.task.Context.CPU,
			t.task.cpu.Load())
	case t.task.id.Load() != uint64(t.id):
		t.host.fail("task %d runs in another's life", t.task.slot)
	}
	c.finishSwitch()
}

// reschedule has the CPU run what is next, and returns when that is t again, or at once after t has ended.
func (t *hostTask) reschedule(why Leaving) bool {
	c, h := t.on, t.host
	now := h.NowNs()
	next := c.Pick(now, why)
	if next == t.task {
		return false
	}
	h.rcu.Quiescent(c.id)
	c.leaving, c.why, c.left = t.task, why, now
	t.alive.Store(0)
	c.handOver(next)
	if why != Exits {
		t.arrive()
	}
	return true
}

// point is where interrupts may come.
func (t *hostTask) point() {
	c, h := t.on, t.host
	h.ops.Add(1)
	kicked := c.kicked.Load()
	if kicked {
		c.kicked.Store(false)
	}
	if kicked || c.random.IntN(4) == 0 {
		h.rcu.Quiescent(c.id)
		h.rcu.Advance(c.id, 8)
		if c.Tick(h.NowNs()) || kicked {
			t.reschedule(Preempted)
		}
	}
}

func (t *hostTask) yield() { t.leave(Yields) }

// leave yields or parks: by Pass, if it is the usual case.
func (t *hostTask) leave(why Leaving) {
	c, h := t.on, t.host
	h.ops.Add(1)
	if !tsan.On { // Pass looks at what may be another's just then, and forgets what it saw
		now := h.NowNs()
		_, next, ok := c.Pass(now, why)
		if next == t.task {
			return
		}
		if ok {
			h.passes.Add(1)
			t.passTo(next, why)
			return
		}
	}
	t.reschedule(why)
}

// passTo goes to a task that is current already.
func (t *hostTask) passTo(next *Task, why Leaving) {
	c := t.on
	t.host.rcu.Quiescent(c.id)
	c.leaving, c.why = t.task, why|passed
	t.alive.Store(0)
	c.handOver(next)
	if why != Exits {
		t.arrive()
	}
}

// yieldTo is kernel/tasks.go's.
func (t *hostTask) yieldTo(id ID) bool {
	t.host.ops.Add(1)
	_, next, ok := t.on.YieldTo(id, t.host.NowNs())
	if ok {
		t.host.directed.Add(1)
		t.passTo(next, Yields)
	}
	return ok
}

// passed is added to why a CPU leaves a task, if Pass has found the next.
const passed = 1 << 7

// Park is the scheduler's part of parking.
func (t *hostTask) Park() {
	if !t.on.TakePermit() {
		t.leave(Parks)
	}
}

// Unpark is what a sleeplock's holder calls.
func (t *hostTask) Unpark() {
	by, ok := runs.Load(goroutine())
	if !ok {
		t.host.fail("a sleeplock is released by no task")
	}
	t.host.Wake(by.(*hostTask).on.id, t.id, false)
}

// runs is which task each goroutine is.
var runs gosync.Map

// goroutine is the running one's number.
func goroutine() string {
	var b [64]byte
	return strings.Fields(string(b[:runtime.Stack(b[:], false)]))[1]
}

// wake wakes a task, or perhaps none.
func (t *hostTask) wake(id ID) bool {
	t.host.ops.Add(1)
	return t.host.Wake(t.on.id, id, t.random.IntN(8) == 0)
}

func (t *hostTask) join(id ID) (uint64, error) {
	for {
		t.host.ops.Add(1)
		if result, done, err := t.host.Joined(t.on.id, id, t.id); done || err != nil {
			return result, err
		}
		t.Park()
	}
}

func (t *hostTask) sleep(ns uint64) {
	until := t.host.NowNs() + ns
	for t.host.NowNs() < until {
		t.host.ops.Add(1)
		t.on.WakeAt(until)
		t.reschedule(Parks)
		t.on.Awake()
	}
}

// drain runs what RCU still has to do when all CPUs have stopped.
func (h *host) drain(t testing.TB) {
	for round := 0; ; round++ {
		pending := false
		for i := range h.cores {
			h.rcu.Quiescent(i)
			h.rcu.Advance(i, 8)
			pending = pending || h.rcu.Pending(i)
		}
		if !pending {
			return
		}
		if round > 2*len(h.slots) {
			t.Fatal("callbacks do not run")
		}
	}
}
