//go:build exokernel

package main

import (
	"unsafe"

	"exo/arch/amd64"
	"exo/kernel/sched"
	"exo/kernel/sync"
)

// The baseline of the scheduler's benchmarks: tasks on real stacks, as in tasks.go, run by sched.LockedSched. It does what any
// scheduler must: states and queues under a lock, a permit for who is woken before it blocks, the time that each has
// run, a quiescent state for RCU, and the switch itself; but neither shares nor deadlines, timers or preemption. Only one CPU
// runs it, and nothing else runs meanwhile.

const (
	lockedTasks = 4
	lockedStack = 16 << 10
)

type lockedKernel struct {
	sched  sched.LockedSched
	queues sched.LockedQueues
	parts  []lockedPart
	idle   amd64.Thread

	current int // -1: the boot stack
	left    int
	why     sched.Leaving
	since   uint64 // current runs, ns
	turn    uint64
	made    [lockedTasks]int
	tasks   []sched.LockedTask
}

type lockedPart struct {
	stack   amd64.Thread
	memory  *[lockedStack]byte
	context sync.Context
	fn      func(b *lockedKernel, arg uint64) uint64
	arg     uint64
	ran     uint64
}

// oneQueue has one queue for all CPUs, queueEach one for each; lockedRuns is the one that runs.
var (
	oneQueue, queueEach lockedKernel
	lockedRuns          *lockedKernel
)

// prepare gives it memory: with each, as if there were two CPUs.
func (b *lockedKernel) prepare(each bool) {
	n := 1
	if each {
		n = 2
	}
	b.queues = room[sched.LockedQueue](n)
	for i := range b.queues {
		b.queues[i].Init(room[uint32](benchSlots))
	}
	b.tasks = room[sched.LockedTask](lockedTasks)
	b.sched.Init(b.queues, b.tasks, room[uint32](lockedTasks))
	b.parts = room[lockedPart](lockedTasks)
	for i := range b.parts {
		b.parts[i].memory = &room[[lockedStack]byte](1)[0]
	}
	b.idle.UseBoot(amd64.ThisCPU())
}

// spawn makes a task of the baseline ready.
func (b *lockedKernel) spawn(fn func(b *lockedKernel, arg uint64) uint64, arg uint64) (task int) {
	c := preemptOff()
	task = b.sched.New(here().cpu)
	p := &b.parts[task]
	p.fn, p.arg, p.ran = fn, arg, 0
	p.context.Reset(0)
	p.context.CPU = c.CPU
	lo := uintptr(unsafe.Pointer(p.memory))
	p.stack.Prepare(lo, lo+lockedStack, unsafe.Pointer(&p.context))
	p.context.PreemptDisable() // as a task's in tasks.go
	b.sched.Go(task)
	c.PreemptEnable()
	return task
}

// start is where its tasks begin.
func (b *lockedKernel) start() {
	b.arrived()
	p := &b.parts[b.current]
	this().PreemptEnable()
	amd64.IRQRestore(flagsIF)
	result := p.fn(b, p.arg)
	preemptOff()
	amd64.IRQDisable()
	b.tasks[b.current].Result = result
	b.leave(sched.Exits)
	panic("bench: a task that has ended runs")
}

func (b *lockedKernel) arrived() { b.sched.Arrived(here().cpu, b.left, b.why) }

// leave runs what is next. Interrupts and preemption are off. false: there is nothing else.
func (b *lockedKernel) leave(why sched.Leaving) bool {
	cpu := here().cpu
	now := amd64.NowNs()
	prev := b.current
	next := b.sched.Leave(cpu, prev, why)
	if next == prev {
		b.sched.Arrived(cpu, -1, why)
		return false
	}
	from, to := &b.idle, &b.idle
	if prev >= 0 {
		p := &b.parts[prev]
		p.ran += now - b.since
		from = &p.stack
	}
	if next >= 0 {
		to = &b.parts[next].stack
	}
	b.since, b.current, b.left, b.why = now, next, prev, why
	if !this().Switchable() {
		panic("bench: a switch in a section, or under a spinlock")
	}
	kernelRCU.Quiescent(cpu)
	amd64.Switch(nil, nil, 0, from, to)
	b.arrived()
	return true
}

// giveUp is yield, or park.
func (b *lockedKernel) giveUp(why sched.Leaving) {
	c := preemptOff()
	flags := amd64.IRQDisable()
	b.leave(why)
	amd64.IRQRestore(flags)
	c.PreemptEnable()
}

func (b *lockedKernel) wake(task int) {
	c := preemptOff()
	b.sched.Wake(task)
	c.PreemptEnable()
}

func (b *lockedKernel) join(task int) uint64 {
	for {
		c := preemptOff()
		result, done := b.sched.Joined(c.CPU, task, b.current)
		c.PreemptEnable()
		if done {
			return result
		}
		b.giveUp(sched.Parks)
	}
}

// run spawns n tasks and lets them run until none is ready; then it gives their slots back.
func (b *lockedKernel) run(n int, fn func(b *lockedKernel, arg uint64) uint64, arg uint64) {
	flags := amd64.IRQDisable()
	before := amd64.OnTaskStart
	amd64.OnTaskStart = func(_, _ unsafe.Pointer, _ uintptr) { lockedRuns.start() }
	lockedRuns, b.current = b, -1
	for i := range n {
		b.made[i] = b.spawn(fn, arg<<1|uint64(i))
	}
	c := preemptOff()
	for b.leave(sched.Parks) {
	}
	for _, task := range b.made[:n] {
		if _, done := b.sched.Joined(0, task, task); !done {
			panic("bench: a task has not ended")
		}
	}
	c.PreemptEnable()
	amd64.OnTaskStart = before
	amd64.IRQRestore(flags)
}

func (b *lockedKernel) yields(n int, ops uint64) {
	b.run(n, func(b *lockedKernel, arg uint64) uint64 {
		for range arg >> 1 {
			b.giveUp(sched.Yields)
		}
		return 0
	}, ops/uint64(n))
}

func (b *lockedKernel) blockWake(ops uint64) {
	b.turn = 0
	b.run(2, func(b *lockedKernel, arg uint64) uint64 {
		me := arg & 1
		for range arg >> 1 {
			for b.turn != me {
				b.giveUp(sched.Parks)
			}
			b.turn = 1 - me
			b.wake(b.made[1-me])
		}
		return 0
	}, ops/2)
}

func (b *lockedKernel) spawnJoin(ops uint64) {
	b.run(1, func(b *lockedKernel, arg uint64) uint64 {
		for i := range arg >> 1 {
			b.join(b.spawn(func(_ *lockedKernel, arg uint64) uint64 { return arg }, i))
		}
		return 0
	}, ops)
}

func (b *lockedKernel) readyPair(ops uint64) {
	for i := range uint32(handQueued) {
		b.queues.Push(0, i)
	}
	t := uint32(handQueued)
	for range ops {
		b.queues.Push(0, t)
		t, _ = b.queues.Pop(0)
	}
	for range handQueued {
		b.queues.Pop(0)
	}
}

func (b *lockedKernel) statePair(ops uint64) {
	task := b.sched.New(0)
	for range ops {
		b.sched.Set(task, sched.Running)
		b.sched.Set(task, sched.Ready)
	}
	b.sched.Set(task, sched.Done)
	b.sched.Joined(0, task, 0)
}

// stealTask: with one queue there is nothing to steal, the other CPU just takes it.
func (b *lockedKernel) stealTask(ops uint64) {
	victim := len(b.queues) - 1
	first, second := b.sched.New(victim), b.sched.New(victim)
	b.sched.Go(first)
	t := second
	for range ops {
		b.sched.GoOn(victim, t)
		if t = b.sched.Leave(0, -1, sched.Parks); t < 0 {
			b.sched.Arrived(0, -1, sched.Parks)
			t = b.sched.Steal(0)
		}
		b.sched.Arrived(0, -1, sched.Parks)
	}
	b.queues.Pop(victim)
	for _, task := range [...]int{first, second} {
		b.sched.Set(task, sched.Done)
		b.sched.Joined(0, task, 0)
	}
}
