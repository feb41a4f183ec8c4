//go:build exokernel

package main

import (
	"unsafe"

	"exo/arch/amd64"
	"exo/kernel/mm"
	"exo/kernel/numa"
	"exo/kernel/sched"
	"exo/kernel/sync"
	"exo/kernel/sync/atom"
	"exo/kernel/text"
)

// Tasks: kernel/sched on this machine. A CPU's boot stack is its idle loop: it runs whenever no task does, and halts when
// there is none anywhere.

var tasks sched.Sched

// taskParts[i] is the machine's part of the task in slot i.
var taskParts []taskPart

type taskPart struct {
	stack  amd64.Thread
	lo, hi uintptr // mapped, for good, when the slot is first used; 0: not yet
	id     sched.ID
	fn     func(arg uint64) uint64
	arg    uint64
}

// tasksReady says that CPUs run tasks.
var tasksReady bool

const vectorKick = 0xF4

// startTasks makes the scheduler; all CPUs idle.
func startTasks() {
	n := taskSlots()
	c := sched.Config{
		Tasks:    pieces[sched.Task](n, mm.Range{}),
		Links:    pieces[sync.Link](n, mm.Range{}),
		PoolCPUs: pieces[sync.PoolCPU](ncpu, mm.Range{}),
		CPUs:     pieces[sched.CPU](ncpu, mm.Range{}),
		Rings:    pieces[atom.Pointer[sched.Task]](ncpu*sched.RingLength(n), mm.Range{}),
		Timers:   pieces[sched.Timer](ncpu*n, mm.Range{}),
		Victims:  pieces[sched.Victim](ncpu*ncpu, mm.Range{}),
		Distance: cpuDistance,
		Machine:  taskMachine{},
		RCU:      &kernelRCU,
		NodeOf:   nodeOfCPU,
		Tuning:   tuning(),

		RealTimeLimit: sched.WholeCPU * 95 / 100,
	}
	taskParts = pieces[taskPart](n, mm.Range{})
	tasks.Init(&c)
	sync.PriorityChanged = priorityChanged
	amd64.OnTaskStart = startTask
	amd64.AfterInterrupt = afterInterrupt
	amd64.Handle(vectorKick, func(*amd64.Frame) { here().resched = true })
	for i := range ncpu {
		me := localOf(amd64.CPUByIndex(i))
		me.idleStack.UseBoot(amd64.CPUByIndex(i))
		me.armed = never
		me.sched = tasks.CPU(i)
	}
	tickPeriod = tickNs()
	tasksReady = true
	for i := 1; i < ncpu; i++ { // they halt, and are to halt as the scheduler's idle CPUs
		taskMachine{}.Kick(i)
	}
	var l text.Line
	put(l.Str("tasks: ").Int(n - 1).Str(" slots"))
}

const never = ^uint64(0)

// tickPeriod is tickNs, once all CPUs are up.
var tickPeriod uint64

// taskSlots is how many tasks there can be: one for each 64 KiB of memory, for that is what they and their stacks take.
func taskSlots() int {
	return int(min(max(physical.Intersect(0, uint64(mm.PhysLimit))>>16, 64), 4096))
}

func cpuDistance(a, b int) int {
	return int(topology.Distance(topology.NodeOf(numa.CPU(a)), topology.NodeOf(numa.CPU(b))))
}

// taskMachine is the machine as the scheduler sees it.
type taskMachine struct{}

func (taskMachine) NowNs() uint64 { return amd64.NowNs() }

func (taskMachine) Kick(cpu int) { amd64.SendIPI(amd64.CPUByIndex(cpu).APICID, vectorKick) }

// spawn makes a task that runs fn(arg), whose result join returns. Errors: sched's, and mm.ErrNoMemory for its stack. If all
// slots are taken it waits for those of tasks that have ended, unless the caller must not wait.
func spawn(a *sched.Start, fn func(arg uint64) uint64, arg uint64) (sched.ID, error) {
	c := this()
	id, err := trySpawn(c, a, fn, arg)
	if err == sched.ErrNoSlot && c.Preemptible() && !amd64.InterruptsOff() {
		kernelRCU.Barrier(c, rcuWait)
		id, err = trySpawn(this(), a, fn, arg)
	}
	return id, err
}

func trySpawn(c *sync.Context, a *sched.Start, fn func(arg uint64) uint64, arg uint64) (sched.ID, error) {
	c.PreemptDisable()
	defer c.PreemptEnable()
	id, slot, err := tasks.New(c.CPU, a)
	if err != nil {
		return 0, err
	}
	p := &taskParts[slot]
	if p.lo == 0 && !p.mapStack(c) {
		tasks.Forget(c.CPU, id)
		return 0, mm.ErrNoMemory
	}
	p.id, p.fn, p.arg = id, fn, arg
	t := tasks.Task(id)
	t.Part = unsafe.Pointer(p)
	t.Context.Sleeper = p
	p.stack.Prepare(p.lo, p.hi, unsafe.Pointer(&t.Context))
	t.Context.PreemptDisable() // it begins as one that comes back from reschedule
	tasks.Go(c.CPU, id)
	return id, nil
}

// mapLock guards the kernel's part of the page tables once CPUs run tasks.
var mapLock = sync.Spinlock{Class: sync.ClassKernelMap}

func (p *taskPart) mapStack(c *sync.Context) bool {
	const n = amd64.KernelStackSize / mm.FrameSize
	var got [n]amd64.PhysAddr
	for i := range got {
		f, ok := kernelFrame(mm.Kernel)
		if !ok {
			for _, f := range got[:i] {
				freeFrame(f)
			}
			return false
		}
		got[i] = f
	}
	i := 0
	mapLock.Lock(c)
	p.lo, p.hi = amd64.NewStack(amd64.KernelStackSize, func() amd64.PhysAddr { i++; return got[i-1] })
	mapLock.Unlock(c)
	return true
}

// startTask is where every task begins: on its stack, interrupts off, as if it came back from reschedule.
func startTask() {
	finishSwitch()
	p := currentPart()
	c := this()
	c.PreemptEnable()
	amd64.IRQRestore(flagsIF)
	exit(p.fn(p.arg))
}

// currentPart is the part of the task that runs; nil: none does.
func currentPart() *taskPart {
	if t := here().sched.Current(); t != nil {
		return partOf(t)
	}
	return nil
}

// partOf is a task's part.
//
// SAFETY: trySpawn has set Part to one.
func partOf(t *sched.Task) *taskPart { return (*taskPart)(t.Part) }

// exit ends the task.
func exit(result uint64) {
	preemptOff()
	amd64.IRQDisable()
	here().sched.Current().SetResult(result)
	here().reschedule(sched.Exits)
	panic("tasks: a task that has ended runs")
}

// yield lets others run first.
func yield() {
	c := preemptOff()
	flags := amd64.IRQDisable()
	here().pass(sched.Yields, c)
	amd64.IRQRestore(flags)
	c.PreemptEnable()
}

// park waits for a permit and takes it. It may return without.
func park() {
	c := preemptOff()
	flags := amd64.IRQDisable()
	if me := here(); !me.sched.TakePermit() {
		me.pass(sched.Parks, c)
	}
	amd64.IRQRestore(flags)
	c.PreemptEnable()
}

// pass is reschedule for the usual case: one fair task after the other.
func (me *local) pass(why sched.Leaving, c *sync.Context) {
	now := amd64.NowNs()
	prev := me.sched.Current()
	next := me.sched.Pass(now, why)
	if next == nil {
		me.reschedule(why)
		return
	}
	if me.armed > now+tickPeriod {
		me.arm(now)
	}
	if next != prev {
		me.leaving, me.why, me.left = prev, why|passed, now
		me.switchTo(&partOf(prev).stack, &partOf(next).stack, c)
	}
}

// passed is a bit of why a CPU leaves a task: Pass has found the next.
const passed = 1 << 7

// Park and Unpark make a task a Sleeper.
func (*taskPart) Park() { park() }

func (p *taskPart) Unpark() { wake(p.id) }

// wake makes a blocked task ready, or has the next park return at once. Anybody, handlers too.
func wake(id sched.ID) bool {
	c := preemptOff()
	ok := tasks.Wake(c.CPU, id, c.Interrupt())
	c.PreemptEnable()
	return ok
}

// join waits for a task to end, and returns its result. Tasks only. Errors: sched.ErrNoTask, sched.ErrJoined.
func join(id sched.ID) (uint64, error) {
	for {
		c := preemptOff()
		result, done, err := tasks.Joined(c.CPU, id, currentPart().id)
		c.PreemptEnable()
		if done || err != nil {
			return result, err
		}
		park()
	}
}

// sleepUntil waits until a time, in ns.
func sleepUntil(when uint64) {
	for amd64.NowNs() < when {
		c := preemptOff()
		flags := amd64.IRQDisable()
		here().sched.WakeAt(when)
		here().reschedule(sched.Parks)
		here().sched.Awake()
		amd64.IRQRestore(flags)
		c.PreemptEnable()
	}
}

// reschedule has this CPU run what is to run next, and returns when that is the caller again, perhaps on another CPU.
// Interrupts are off, and preemption by one: the caller's.
func (me *local) reschedule(why sched.Leaving) (switched bool) {
	prev := me.sched.Current()
	me.resched = false
	now := amd64.NowNs()
	next := me.sched.Pick(now, why)
	if me.armed > min(me.sched.NextEvent(), now+tickPeriod) {
		me.arm(now)
	}
	if next == prev {
		return false
	}
	me.leaving, me.why, me.left = prev, why, now
	me.switchTo(me.stackOf(prev), me.stackOf(next), this())
	return true
}

// switchTo goes from one thread to another. c is whose preemption is off: by one, the caller's, for who
// holds a spinlock, or reads, must not be switched from.
func (me *local) switchTo(from, to *amd64.Thread, c *sync.Context) {
	if !c.Switchable() {
		panic("tasks: a switch in a section, or under a spinlock")
	}
	kernelRCU.Quiescent(me.cpu)
	amd64.Switch(from, to)
	finishSwitch()
}

// finishSwitch is what comes first on a stack that was switched to: the other one is at rest now.
func finishSwitch() {
	me := here()
	if me.why >= passed {
		me.sched.Return(me.leaving, me.why&^passed, me.left)
		return
	}
	if t := me.leaving; t != nil {
		me.sched.Finish(t, me.why, me.left)
		if me.armed > me.sched.NextEvent() { // there is a budget to wait for now
			me.arm(me.left)
		}
	}
}

// stackOf is where a task runs; nil is the CPU's idle loop.
func (me *local) stackOf(t *sched.Task) *amd64.Thread {
	if t == nil {
		return &me.idleStack
	}
	return &partOf(t).stack
}

// arm sees to it that the timer comes when the scheduler needs it, and for as long as a task runs as often as RCU does.
func (me *local) arm(now uint64) {
	at := me.sched.NextEvent()
	if me.sched.Current() != nil {
		at = min(at, now+tickPeriod)
	}
	if at < me.armed && !me.ticking {
		me.armed = at
		amd64.StartTimer(max(at, now+1000) - now)
	}
}

// taskTick is the scheduler's part of a timer interrupt.
func (me *local) taskTick() {
	now := amd64.NowNs()
	me.armed = never
	if me.sched.Tick(now) {
		me.resched = true
	} else {
		me.arm(now)
	}
}

// soonNs is when a CPU that should switch, and may not just now, is asked again.
const soonNs = 50_000

// afterInterrupt switches if that was asked for, and what was interrupted lets it.
func afterInterrupt() {
	me := here()
	if !me.resched || me.sched.Current() == nil { // the idle loop looks for itself
		return
	}
	c := this()
	if !c.Preemptible() {
		if !me.ticking {
			me.armed = 0 // until it has come nothing else is asked of it
			amd64.StartTimer(manyTimers(soonNs))
		}
		return
	}
	c.PreemptDisable()
	me.reschedule(sched.Preempted)
	c.PreemptEnable()
}

// runTasks is the idle loop's: it runs what there is to run, and says whether there was anything; if not, the CPU is in the
// idle set. Interrupts off.
func (me *local) runTasks() bool {
	me.task.PreemptDisable()
	ran := me.reschedule(sched.Parks) || !me.sched.EnterIdle()
	me.task.PreemptEnable()
	return ran
}

// rest is for a task that waits for something that another CPU is to do: others may run, or it halts a moment.
func (me *local) rest(c *sync.Context) {
	c.PreemptDisable()
	switched := me.reschedule(sched.Yields) // a real-time task loses its budget: it should not have waited like this
	c.PreemptEnable()
	if !switched {
		amd64.Idle()
		amd64.IRQDisable()
	}
}

// rearm is for who has used the timer for something else: it comes again when the scheduler needs it.
func (me *local) rearm() {
	if me.armed = never; tasksReady {
		me.arm(amd64.NowNs())
	}
}

// priorityChanged has a task that is ready compete with its new priority.
func priorityChanged(c *sync.Context) {
	if t := tasks.TaskOf(c); t != nil {
		tasks.Reprioritize(t)
	}
}
