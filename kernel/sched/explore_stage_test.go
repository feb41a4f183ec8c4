//go:build explore

package sched

import (
	"fmt"

	"exo/kernel/sync"
	"exo/kernel/sync/atom"
	"exo/kernel/sync/explore"
)

// stage is a machine to explore: thread i is CPU i. Each task is a script, a letter for each thing that it does:
//
//	p parks    w0 wakes task 0    j0 joins it    y yields    H0 hands over to it    t a timer interrupt    b0 makes task 0 urgent
//	Y0 yields to task 0, if that can be
//	. an operation, with a fence    T no interrupt, but what must hold after one
//
// At the script's end it exits. It is on the CPU of its number, current, or if it is queued in that CPU's ring.
type stage struct {
	cpus        int
	running     []string // task i runs on CPU i at first; "": none does, and the CPU idles
	queued      []string // on CPU 0
	preemptions int
	stop        int  // so many tasks are to end; 0: all
	joined      bool // tasks are not detached
	pass        bool // CPUs try Pass before Pick
}

// faults replaces steps of the scheduler or of the machine, to see that this is noticed.
type faults struct {
	enterIdle func(*CPU) bool
	block     func(*Task) bool
	finish    func(c *CPU, prev *Task, why Leaving, now uint64)
	wake      func(s *Sched, cpu int, id ID)
	joined    func(s *Sched, cpu int, id, me ID) (uint64, bool, error)
	early     bool // Finish comes before the stack is left
}

// explored is a machine.
type explored struct {
	Sched
	rcu    sync.RCU
	tasks  []*exploredTask
	kicked [4]atom.Uint32
	other  atom.Uint32
	stage  stage
	faults faults
	ended  int
	now    uint64
}

type exploredTask struct {
	*Task
	ID
	script  string
	at      int
	waits   int // 1 + whom it joins
	on      int // 1 + the CPU on whose stack it is
	waking  int // Wakes that have begun
	wakes   int // Parks that have ended
	joined  uint64
	blocked bool
	ended   bool
}

func (m *explored) NowNs() uint64                 { return m.now }
func (m *explored) Kick(cpu int)                  { m.kicked[cpu].Store(1) }
func (m *explored) Interrupt(int)                 {}
func (m *explored) Stalled(cpu int, g, ns uint64) {}
func (m *explored) over() bool                    { return m.ended >= m.stage.stop }

// newExplored makes a machine with no task.
func newExplored(x *explore.Run, cpus, slots int) *explored {
	m := &explored{now: 1}
	m.rcu.Init(make([]sync.RCUCPU, cpus), m, 0)
	m.Init(&Config{
		Tasks: make([]Task, slots), Links: make([]sync.Link, slots), PoolCPUs: make([]sync.PoolCPU, cpus), CPUs: make([]CPU, cpus),
		Rings: make([]atom.Pointer[Task], cpus*RingLength(slots)), Timers: make([]Timer, cpus*slots),
		Victims: make([]Victim, cpus*cpus), Distance: func(a, b int) int { return 1 }, Machine: m, RCU: &m.rcu,
		RealTimeLimit: WholeCPU,
	})
	for i := range m.cpus {
		m.cpus[i].fair.setLottery(0)
		m.cpus[i].fair.setUnit(DefaultWeight * weightOne)
		m.rcu.IdleExit(i)
	}
	x.Name("sched", m)
	x.Name("tasks", m.Sched.tasks)
	x.Name("cpus", m.cpus)
	return m
}

// add makes a task that is ready and in no queue.
func (m *explored) add(script string, cpu int) *exploredTask {
	id, slot, err := m.New(cpu, &Start{Detached: !m.stage.joined})
	if err != nil {
		panic(err)
	}
	t := &exploredTask{Task: &m.Sched.tasks[slot], ID: id, script: script}
	m.tasks = append(m.tasks, t)
	t.becomeReadySlowly()
	return t
}

// passesMade counts what Pass did, and handedMade and directedMade what those like it did.
var passesMade, handedMade, directedMade int

// pass goes to a task that is current already.
func (m *explored) pass(c *CPU, prev, next *Task, why Leaving) {
	m.leaveStack(prev)
	explore.Step("the next stack is entered")
	m.enterStack(c.id, next)
	c.Return(prev, why)
}

func (m *explored) taskOf(t *Task) *exploredTask {
	for _, u := range m.tasks {
		if u.Task == t {
			return u
		}
	}
	panic("no such task")
}

// enterStack and leaveStack watch G1 of cpu.go: nobody runs on a stack that another CPU has not left.
func (m *explored) enterStack(cpu int, t *Task) {
	if t == nil {
		return
	}
	u := m.taskOf(t)
	if u.on != 0 {
		panic("a task runs on two CPUs")
	}
	if u.ended {
		panic("a task runs that has ended")
	}
	if t.affinity.Load()>>cpu&1 == 0 {
		panic("a task runs where it may not")
	}
	u.on = 1 + cpu
}

func (m *explored) leaveStack(t *Task) {
	if t != nil {
		m.taskOf(t).on = 0
	}
}

// reschedule is kernel/tasks.go's.
func (m *explored) reschedule(cpu int, why Leaving) bool {
	c := m.CPU(cpu)
	prev := c.Current()
	var next *Task
	passed := false
	if m.stage.pass && (why == Yields || why == Parks) {
		_, next, passed = c.Pass(m.now, why)
	}
	if next == nil {
		next = c.Pick(m.now, why)
	}
	if next == prev {
		return false
	}
	finish := func() {
		switch {
		case passed:
			passesMade++
			c.Return(prev, why)
		case prev != nil:
			m.finish(c, prev, why)
		}
	}
	if m.faults.early {
		finish()
		explore.Step("the stack is left")
	}
	m.leaveStack(prev)
	explore.Step("the next stack is entered")
	m.enterStack(cpu, next)
	if !m.faults.early {
		finish()
	}
	return true
}

func (m *explored) finish(c *CPU, prev *Task, why Leaving) {
	if why == Exits {
		m.ended++
	}
	if m.faults.block != nil && why == Parks {
		if !m.faults.block(prev) {
			prev.becomeReady()
			c.file(prev, m.now)
		}
		return
	}
	c.Finish(prev, why, m.now)
}

// cpu is what a CPU does.
func (m *explored) cpu(i int) func() {
	return func() {
		c := m.CPU(i)
		for !m.over() {
			if t := c.Current(); t != nil {
				m.act(i, m.taskOf(t))
				continue
			}
			if m.reschedule(i, Parks) {
				continue
			}
			enter := (*CPU).EnterIdle
			if m.faults.enterIdle != nil {
				enter = m.faults.enterIdle
			}
			if !enter(c) {
				continue
			}
			explore.Wait(func() bool { return m.kicked[i].Load() != 0 || m.over() })
			m.kicked[i].Store(0)
			c.LeaveIdle()
		}
	}
}

// act does a task's next thing.
func (m *explored) act(cpu int, t *exploredTask) {
	c := m.CPU(cpu)
	if t.on != 1+cpu {
		panic("a CPU runs a task on whose stack it is not")
	}
	if t.blocked {
		if t.blocked = false; t.waits == 0 {
			if t.wakes++; t.wakes > t.waking {
				panic("a task goes on, and nobody has woken it")
			}
		}
	}
	if t.at == len(t.script) {
		t.ended = true
		if m.stage.pass {
			if prev, next, ok := c.PassToJoiner(m.now); ok {
				handedMade++
				m.ended++
				m.taskOf(next).waking++ // it is woken so
				m.pass(c, prev, next, Exits)
				return
			}
		}
		m.reschedule(cpu, Exits)
		return
	}
	letter := t.script[t.at]
	whom := func() *exploredTask {
		t.at++
		return m.tasks[t.script[t.at]-'0']
	}
	switch letter {
	case 'p':
		t.blocked = true
		if !c.TakePermit() {
			t.at++
			m.reschedule(cpu, Parks)
			return
		}
	case 'w':
		u := whom()
		u.waking++
		if m.faults.wake != nil {
			m.faults.wake(&m.Sched, cpu, u.ID)
		} else {
			m.Wake(cpu, u.ID, false)
		}
	case 'j':
		u := whom()
		joined := (*Sched).Joined
		if m.faults.joined != nil {
			joined = m.faults.joined
		}
		result, done, err := joined(&m.Sched, cpu, u.ID, t.ID)
		if err != nil {
			panic(err)
		}
		if t.waits = 1; !done {
			t.at-- // again
			t.blocked = true
			if !c.TakePermit() {
				m.reschedule(cpu, Parks)
			}
			return
		}
		t.waits, t.joined = 0, result
	case 'y':
		t.at++
		m.reschedule(cpu, Yields)
		return
	case 'Y':
		u := whom()
		t.at++
		if prev, next, ok := c.YieldTo(u.ID, m.now); ok {
			if next != u.Task {
				panic("it yields to another")
			}
			directedMade++
			m.pass(c, prev, next, Yields)
		}
		return
	case 'H':
		m.handOver(c, cpu, t, whom())
		return
	case 't', 'T':
		if letter == 't' {
			c.Tick(m.now)
		} else {
			m.other.Add(1)
		}
		if m.idle.Load()>>1&1 != 0 && m.kicked[1].Load() == 0 {
			if n, _ := c.spare(); n > 0 {
				panic("a CPU sleeps, and nobody tells it of what it could steal")
			}
		}
	case 'b':
		u := whom()
		u.Context.SetPriority(Urgent+1, &t.Context)
		m.Reprioritize(u.Task)
	case '.':
		m.other.Add(1)
	}
	t.at++
}

// program is the stage, and what must hold at its end.
func (s stage) program(f faults) explore.Program {
	return func(x *explore.Run) (threads []func(), check func() error) {
		sync.CloseOrder()
		m := newExplored(x, s.cpus, 8)
		m.faults, m.stage = f, s
		if s.stop == 0 {
			for _, script := range s.running {
				if script != "" {
					s.stop++
				}
			}
			s.stop += len(s.queued)
		}
		m.stage = s
		for i, script := range s.running {
			t := m.add(script, i)
			if script == "" {
				m.ended++ // there is none
				m.stage.stop++
				continue
			}
			m.cpus[i].queue(t.Task)
			m.reschedule(i, Parks)
		}
		for _, script := range s.queued {
			m.cpus[0].queue(m.add(script, 0).Task)
		}
		for i := range m.cpus {
			threads = append(threads, m.cpu(i))
		}
		return threads, func() error {
			for _, t := range m.tasks {
				if st := word(t.word.Load()).state(); t.script != "" && t.at == len(t.script) && st != Free && st != Done && st != Running {
					return fmt.Errorf("a task has done all, and is %s", st)
				}
			}
			return nil
		}
	}
}

func (s stage) name() string {
	name := fmt.Sprint(s.cpus)
	for _, script := range s.running {
		name += "|" + script
	}
	for _, script := range s.queued {
		name += "+" + script
	}
	return name
}
