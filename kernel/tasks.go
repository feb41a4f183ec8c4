//go:build exokernel

package main

import (
	"runtime"
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
	stack  amd64.Thread // first: Part is taken for its address
	lo, hi uintptr      // of the stack, which is mapped for good; 0: it has none just now
	id     sched.ID
	fn     func(arg uint64) uint64
	arg    uint64
	thread *thread // of ring 3 that the task is, nil: none
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
		RateMonotonic: options.ByRate,
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
		me.sched = tasks.CPU(i)
		me.sched.RCU = kernelRCU.CPU(i)
		me.node = nodeOfCPU(i)
		me.kernelFrame = mm.NewInfo(mm.Kernel, me.node, 0)
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
	id, err := begin(c, a, fn, arg)
	c.PreemptEnable()
	return id, err
}

func begin(c *sync.Context, a *sched.Start, fn func(arg uint64) uint64, arg uint64) (sched.ID, error) {
	id, slot, err := tasks.New(c.CPU, a)
	if err != nil {
		return 0, err
	}
	p := &taskParts[slot]
	if p.lo == 0 && !here().spareStack(p) && !p.mapStack(c) {
		tasks.Forget(c.CPU, id)
		return 0, mm.ErrNoMemory
	}
	p.id, p.fn, p.arg = id, fn, arg
	t := tasks.Task(id)
	t.Part = unsafe.Pointer(p)
	t.Context.Sleeper = p
	p.stack.Prepare(p.lo, p.hi, unsafe.Pointer(&t.Context))
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

// sparesKept is how many stacks a CPU keeps at most, of tasks that have ended there: the next ones have these, while a slot waits for
// a grace period. What is more stays with the slots.
const sparesKept = 8

// keepStack takes the stack of a task that has ended, and is not on it any more.
func (me *local) keepStack(p *taskPart) {
	if me.nspares < sparesKept {
		me.spares[me.nspares%sparesKept] = [2]uintptr{p.lo, p.hi}
		me.nspares++
		p.lo, p.hi = 0, 0
	}
}

// spareStack gives a task one of these; false: there is none. Preemption off.
func (me *local) spareStack(p *taskPart) bool {
	flags := runtime.IRQDisable()
	ok := me.nspares > 0
	if ok {
		me.nspares--
		p.lo, p.hi = me.spares[me.nspares%sparesKept][0], me.spares[me.nspares%sparesKept][1]
	}
	runtime.IRQRestore(flags)
	return ok
}

// startTask is where every task begins: on its stack, interrupts off, as if it came back from switchTo.
func startTask(prev, c unsafe.Pointer, why uintptr) {
	finishSwitch(prev, c, why)
	p := currentPart()
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
	amd64.IRQDisable()
	c := here().sched
	c.Current().SetResult(result)
	if prev, next, ok := c.PassToJoiner(amd64.NowNs()); ok {
		here().changeThread(next)
		switchTo((*amd64.Thread)(prev.Part), (*amd64.Thread)(next.Part), prev, c, sched.Exits|passed)
	}
	here().reschedule(sched.Exits)
	panic("tasks: a task that has ended runs")
}

// yield lets others run first. Interrupts are on afterwards.
func yield() {
	runtime.IRQOff()
	pass(here().sched, sched.Yields)
	runtime.IRQOn()
}

// park waits for a permit and takes it. It may return without.
func park() {
	flags := runtime.IRQDisable()
	if c := here().sched; !c.TakePermit() {
		pass(c, sched.Parks)
	}
	runtime.IRQRestore(flags)
}

// yieldTo gives what is left of the caller's quantum to a task that is ready on this CPU; false: that cannot be, as (*sched.CPU).YieldTo says,
// and nothing has happened.
func yieldTo(id sched.ID) bool {
	flags := runtime.IRQDisable()
	c := here().sched
	prev, next, ok := c.YieldTo(id, amd64.NowNs())
	if ok && next != prev {
		here().changeThread(next)
		switchTo((*amd64.Thread)(prev.Part), (*amd64.Thread)(next.Part), prev, c, sched.Yields|passed)
	}
	runtime.IRQRestore(flags)
	return ok
}

// pass is reschedule for the usual case: one fair task after the other. The timer is set as it should be, as a task runs already.
//
//exo:inline
func pass(c *sched.CPU, why sched.Leaving) {
	now, p, _ := amd64.NowNsWith(unsafe.Pointer(c), unsafe.Pointer(c))
	c = (*sched.CPU)(p)
	if prev, next, ok := c.Pass(now, why); ok {
		if (*taskPart)(prev.Part).thread != nil || (*taskPart)(next.Part).thread != nil {
			here().switchThread(next)
		}
		switchTo((*amd64.Thread)(prev.Part), (*amd64.Thread)(next.Part), prev, c, why|passed)
	} else if next == nil {
		here().reschedule(why)
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
	ok := here().sched.Wake(id, c.Interrupt())
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
		flags := amd64.IRQDisable()
		here().sched.WakeAt(when)
		here().reschedule(sched.Parks)
		here().sched.Awake()
		amd64.IRQRestore(flags)
	}
}

// reschedule has this CPU run what is to run next, and returns when that is the caller again, perhaps on another CPU.
// Interrupts are off.
func (me *local) reschedule(why sched.Leaving) (switched bool) {
	if !amd64.InterruptsOff() {
		panic("tasks: a switch with interrupts on")
	}
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
	me.left = now
	me.changeThread(next)
	switchTo(me.stackOf(prev), me.stackOf(next), prev, me.sched, why)
	return true
}

// changeThread sees to the thread of ring 3 that the current task was, and to that which next is.
func (me *local) changeThread(next *sched.Task) {
	if me.thread != nil || next != nil && partOf(next).thread != nil {
		me.switchThread(next)
	}
}

// switchTo goes from one thread to another, with interrupts off. Whoever holds a spinlock, reads, or has preemption off otherwise must not
// be switched from.
//
//exo:inline
func switchTo(from, to *amd64.Thread, prev *sched.Task, c *sched.CPU, why sched.Leaving) {
	if !this().Preemptible() {
		panic("tasks: a switch in a section, or under a spinlock")
	}
	kernelRCU.QuiescentOn(c.RCU)
	if a, b, w := amd64.Switch(unsafe.Pointer(prev), unsafe.Pointer(c), uintptr(why), from, to); w == uintptr(sched.Yields|passed) {
		(*sched.CPU)(b).Return((*sched.Task)(a), sched.Yields)
	} else {
		finishSwitch(a, b, w)
	}
}

// finishSwitch is what comes first on a stack that was switched to: the other one, prev's, is at rest now. c is the CPU, which has
// left it for the reason why: nothing that was known of the CPU before the switch is of use, for it may be another.
//
// SAFETY: they are what switchTo was called with.
//
//exo:inline
func finishSwitch(prev, c unsafe.Pointer, why uintptr) {
	switch sched.Leaving(why) {
	case sched.Parks | passed:
		(*sched.CPU)(c).Return((*sched.Task)(prev), sched.Parks)
	case sched.Yields | passed:
		(*sched.CPU)(c).Return((*sched.Task)(prev), sched.Yields)
	case sched.Exits | passed:
		here().keepStack(partOf((*sched.Task)(prev)))
		(*sched.CPU)(c).Return((*sched.Task)(prev), sched.Exits)
	default:
		finishPick((*sched.Task)(prev), sched.Leaving(why))
	}
}

// finishPick is finishSwitch where Pick has found the next.
func finishPick(prev *sched.Task, why sched.Leaving) {
	if prev == nil {
		return
	}
	me := here()
	if why == sched.Exits {
		me.keepStack(partOf(prev))
	}
	me.sched.Finish(prev, why, me.left)
	if me.armed > me.sched.NextEvent() { // there is a budget to wait for now
		me.arm(me.left)
	}
}

// stackOf is where a task runs; nil is the CPU's idle loop.
func (me *local) stackOf(t *sched.Task) *amd64.Thread {
	if t == nil {
		return &me.idleStack
	}
	return (*amd64.Thread)(t.Part)
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

// wakeWithin sees to it that the timer comes within so many ns, whatever the scheduler needs: it may sleep much longer.
func (me *local) wakeWithin(ns uint64) {
	if at := amd64.NowNs() + ns; at < me.armed && !me.ticking {
		me.armed = at
		amd64.StartTimer(ns)
	}
}

// taskTick is the scheduler's part of a timer interrupt.
func (me *local) taskTick() {
	now := amd64.NowNs()
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
	me.preempt()
}

// runTasks is the idle loop's: it runs what there is to run, and says whether there was anything; if not, the CPU is in the
// idle set. Interrupts off.
func (me *local) runTasks() bool { return me.reschedule(sched.Parks) || !me.sched.EnterIdle() }

// rest is for a task that waits for something that another CPU is to do: others may run, or it halts a moment.
func (me *local) rest() {
	if !me.reschedule(sched.Yields) { // a real-time task loses its budget: it should not have waited like this
		amd64.Idle()
		amd64.IRQDisable()
	}
}

// stopTimer ends what somebody has used the timer for: it comes again when the scheduler needs it.
func stopTimer() {
	flags := amd64.IRQDisable()
	me := here()
	amd64.StopTimer()
	me.ticking = false
	if me.armed = never; tasksReady {
		me.arm(amd64.NowNs())
	}
	amd64.IRQRestore(flags)
}

// priorityChanged has a task that is ready compete with its new priority.
func priorityChanged(c *sync.Context) {
	if t := tasks.TaskOf(c); t != nil {
		tasks.Reprioritize(t)
	}
}
