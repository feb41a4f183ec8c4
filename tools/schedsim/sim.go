package main

import (
	"container/heap"
	"math/rand/v2"

	"exo/kernel/sched"
	"exo/kernel/sync"
	"exo/kernel/sync/atom"
)

// machine is what is simulated. Times are in ns.
type machine struct {
	cpus, nodes int
	switchNs    uint64 // from one task to another, caches apart
	interruptNs uint64 // an interrupt after which the same task goes on
	kickNs      uint64 // from Kick until the other CPU calls Pick
	stealNs     uint64 // to look at the others' queues and take some
	tickNs      uint64 // between timer interrupts of a CPU that runs a task
	displaceNs  uint64 // for how long others have to run on a CPU until nothing of a task is in its caches
	sampleNs    uint64 // of running with memory accesses for one sample
	coldNs      uint64 // to fill the caches for one that computes; other tasks have parts of that
}

// usual is a machine with costs of the order that current servers have.
func usual(cpus, nodes int) machine {
	return machine{
		cpus: cpus, nodes: nodes, switchNs: 1500, interruptNs: 800, kickNs: 2000, stealNs: 1000, tickNs: 1_000_000,
		displaceNs: 250_000, sampleNs: 50_000, coldNs: 40_000,
	}
}

func (m *machine) nodeOf(cpu int) int { return cpu * m.nodes / m.cpus }

// distance between nodes, which stand in a ring: 10 for one's own, 20 for a neighbour, 10 more for each step.
func (m *machine) distance(a, b int) int {
	d := max(a, b) - min(a, b)
	return 10 + 10*min(d, m.nodes-d)
}

// sim is one run: the real scheduler, simulated CPUs, and tasks that are programs.
type sim struct {
	machine
	sched.Sched
	rcu    sync.RCU
	now    uint64
	events events
	number uint64 // of the last event
	cpu    []simCPU
	tasks  []task
	live   int // tasks that the run waits for
	random *rand.Rand

	waits    []uint64 // from ready to running, of those that count
	remoteNs uint64   // time run with memory elsewhere, of
	memoryNs uint64   // time run by tasks with memory
	fillNs   uint64   // time that caches were filled again
	busyNs   uint64
}

// simCPU is a CPU that runs a task, or is halted.
type simCPU struct {
	c       *sched.CPU
	at      int
	cur     *task  // nil: halted
	begun   uint64 // cur computes from here on; before, the CPU is busy with switching
	ends    uint64 // cur's step ends, if nothing comes between
	timer   uint64 // the next timer interrupt
	pending uint64 // number of the event that is its next; others are void
	ran     uint64 // that tasks have computed here
}

// task is a program: each call of next says what it does then.
type task struct {
	id      sched.ID
	slot    *sched.Task
	next    func(t *task) step
	left    uint64 // of the step that it is in, ns
	sleeps  bool
	asked   bool   // to wait, and has not since it was last woken
	ready   uint64 // when it was woken; 0: it was not
	awaited bool   // the run ends when no such task is left
	waits   bool   // how long it waits counts

	cold     uint64 // percent of coldNs that it takes to fill the caches with what it needs
	node     int    // of its memory
	share    uint64 // percent of its time that is memory accesses
	sampled  uint64 // ns since its last sample
	on       int    // the CPU that it ran on last; -1: none
	ranThere uint64 // how much tasks had run there then
}

// step is what a task does next.
type step struct {
	compute uint64 // for so long, if it is not 0; else
	sleep   uint64 // until then, if it is not 0; else
	exit    bool   // it ends, or waits to be woken
}

type event struct {
	at, number uint64
	cpu        int
	kick       bool
}

type events []event

func (e events) Len() int { return len(e) }
func (e events) Less(i, j int) bool {
	return e[i].at < e[j].at || e[i].at == e[j].at && e[i].number < e[j].number
}
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)   { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	old := *e
	x := old[len(old)-1]
	*e = old[:len(old)-1]
	return x
}

// slots is how many tasks there can be in a run.
const slots = 1024

// newSim makes a machine without tasks.
func newSim(m machine, t sched.Tuning, seed uint64) *sim {
	s := &sim{machine: m, now: 1, cpu: make([]simCPU, m.cpus), tasks: make([]task, slots), random: rand.New(rand.NewPCG(seed, 7))}
	s.rcu.Init(make([]sync.RCUCPU, m.cpus), s, 0)
	s.Init(&sched.Config{
		Tasks: make([]sched.Task, slots), Links: make([]sync.Link, slots), PoolCPUs: make([]sync.PoolCPU, m.cpus),
		CPUs: make([]sched.CPU, m.cpus), Rings: make([]atom.Pointer[sched.Task], m.cpus*sched.RingLength(slots)),
		Timers: make([]sched.Timer, m.cpus*slots), Victims: make([]sched.Victim, m.cpus*m.cpus),
		Distance: func(a, b int) int { return s.distance(s.nodeOf(a), s.nodeOf(b)) },
		Machine:  s, RCU: &s.rcu, RealTimeLimit: sched.WholeCPU / 2, NodeOf: s.nodeOf, Tuning: t,
	})
	for i := range s.cpu {
		s.cpu[i] = simCPU{c: s.CPU(i), at: i}
	}
	return s
}

func (s *sim) NowNs() uint64                  { return s.now }
func (s *sim) Interrupt(int)                  {}
func (s *sim) Stalled(int, uint64, uint64)    {}
func (s *sim) Kick(cpu int)                   { s.post(event{at: s.now + s.kickNs, cpu: cpu, kick: true}) }
func (s *sim) uniform(from, to uint64) uint64 { return from + s.random.Uint64N(to-from) }

func (s *sim) post(e event) uint64 {
	s.number++
	e.number = s.number
	heap.Push(&s.events, e)
	return s.number
}

// spawn makes a task ready, by a CPU.
func (s *sim) spawn(cpu int, a sched.Start, t task) *task {
	a.Detached = true
	id, slot, err := s.New(cpu, &a)
	if err != nil {
		panic(err)
	}
	p := &s.tasks[slot]
	*p = t
	p.id, p.slot, p.on = id, s.Task(id), -1
	if p.awaited {
		s.live++
	}
	s.Go(cpu, id)
	return p
}

// wake wakes t, by the CPU that runs by.
func (s *sim) wake(by, t *task) {
	if t.asked && t.ready == 0 {
		t.ready = s.now
	}
	s.Wake(by.on, t.id, false)
}

// run goes on until no awaited task is left, and says when that is.
func (s *sim) run() uint64 {
	for i := range s.cpu {
		s.pick(&s.cpu[i], sched.Parks)
	}
	for s.live > 0 {
		if len(s.events) == 0 {
			panic("schedsim: nothing happens any more, and tasks wait")
		}
		e := heap.Pop(&s.events).(event)
		c := &s.cpu[e.cpu]
		if !e.kick && e.number != c.pending {
			continue
		}
		s.now = e.at
		switch {
		case c.cur == nil:
			c.c.LeaveIdle()
			s.pick(c, sched.Parks)
		case e.kick:
			s.progress(c)
			s.pick(c, sched.Preempted)
		case s.now >= c.ends:
			s.progress(c)
			s.step(c)
		default:
			s.progress(c)
			c.timer = 0
			if c.c.Tick(s.now) {
				s.pick(c, sched.Preempted)
			} else {
				s.goOn(c, s.interruptNs)
			}
		}
	}
	return s.now
}

// progress books what the task of a CPU has computed.
func (s *sim) progress(c *simCPU) {
	t := c.cur
	if s.now <= c.begun {
		return
	}
	wall := s.now - c.begun
	if s.now >= c.ends {
		t.left = 0
	} else {
		t.left -= min(wall*100/s.slowness(c, t), t.left-1)
	}
	c.begun = s.now
	c.ran += wall
	s.busyNs += wall
	if t.share != 0 {
		s.memoryNs += wall
		if s.nodeOf(c.at) != t.node {
			s.remoteNs += wall
		}
		t.sampled += wall * t.share / 100
		if n := t.sampled / s.sampleNs; n > 0 {
			t.sampled -= n * s.sampleNs
			s.Accesses(t.slot, t.node, uint32(n))
		}
	}
}

// slowness is how long a task takes on a CPU, in percent of where its memory is.
func (s *sim) slowness(c *simCPU, t *task) uint64 {
	if t.share == 0 {
		return 100
	}
	return 100 + t.share*uint64(s.distance(s.nodeOf(c.at), t.node)-10)/10
}

// step has the current task go on to its next step.
func (s *sim) step(c *simCPU) {
	t := c.cur
	if t.sleeps {
		t.sleeps = false
		c.c.Awake()
	}
	st := t.next(t)
	switch {
	case st.compute != 0:
		t.left = st.compute
		s.goOn(c, 0)
	case st.sleep != 0:
		t.sleeps, t.ready = true, max(st.sleep, s.now)
		c.c.WakeAt(t.ready)
		s.pick(c, sched.Parks)
	case st.exit:
		if t.awaited {
			s.live--
		}
		s.pick(c, sched.Exits)
	case c.c.TakePermit():
		s.goOn(c, 0) // and asks for a step at once
	default:
		t.asked = true
		s.pick(c, sched.Parks)
	}
}

// goOn lets the current task compute, after the CPU has been busy for a while, and sets the CPU's next event.
func (s *sim) goOn(c *simCPU, busy uint64) {
	t := c.cur
	c.begun = max(s.now, c.begun) + busy
	c.ends = c.begun + t.left*s.slowness(c, t)/100
	if c.timer <= s.now {
		c.timer = s.now + s.tickNs
	}
	c.timer = min(c.timer, max(c.c.NextEvent(), s.now), s.now+s.tickNs)
	c.pending = s.post(event{at: max(min(c.ends, c.timer), s.now), cpu: c.at})
}

// pick has the CPU run what is next, as the kernel does.
func (s *sim) pick(c *simCPU, why sched.Leaving) {
	prev := c.cur
	stolen := s.stolen(c)
	var next *sched.Task
	if passed := prev != nil && why == sched.Parks && !prev.sleeps; passed {
		if _, to, ok := c.c.Pass(s.now, why); ok {
			next = to
			c.c.Return(prev.slot, why)
		}
	}
	for next == nil {
		next = c.c.Pick(s.now, why)
		if prev != nil && (next == nil || next != prev.slot) {
			c.c.Finish(prev.slot, why, s.now)
		}
		if next == nil {
			prev, why = nil, sched.Parks
			if c.c.EnterIdle() {
				s.leave(c)
				c.cur = nil
				c.pending = 0
				if at := c.c.NextEvent(); at != ^uint64(0) {
					c.pending = s.post(event{at: max(at, s.now+1), cpu: c.at})
				}
				return
			}
		}
	}
	t := &s.tasks[next.Slot()]
	if t == c.cur && t.on >= 0 {
		if t.asked || t.sleeps {
			s.arrive(t)
		}
		s.goOn(c, s.interruptNs)
		return
	}
	s.leave(c)
	s.arrive(t)
	busy := s.switchNs + s.cold(c, t)
	if s.stolen(c) != stolen {
		busy += s.stealNs
	}
	c.cur, t.on = t, c.at
	c.begun = s.now
	s.goOn(c, busy)
}

// leave notes how much tasks had run on a CPU when its task left it.
func (s *sim) leave(c *simCPU) {
	if c.cur != nil {
		c.cur.ranThere = c.ran
	}
}

// arrive notes how long a task has waited.
func (s *sim) arrive(t *task) {
	if t.ready != 0 && t.waits {
		s.waits = append(s.waits, s.now-min(t.ready, s.now))
	}
	t.ready, t.asked = 0, false
}

// cold is for how long a task's memory accesses have to fill the caches of a CPU again. Those of another node do not have
// what the last node's have, not even the largest.
func (s *sim) cold(c *simCPU, t *task) (ns uint64) {
	full := s.coldNs * t.cold / 100
	switch {
	case t.on < 0 || t.on == c.at:
		others := s.displaceNs
		if t.on >= 0 {
			others = min(c.ran-t.ranThere, s.displaceNs)
		}
		ns = full * others / s.displaceNs
	case s.nodeOf(t.on) == s.nodeOf(c.at):
		ns = full
	default:
		ns = 2 * full
	}
	s.fillNs += ns
	return ns
}

func (s *sim) stolen(c *simCPU) (n uint64) {
	for _, k := range c.c.Counters.Steals {
		n += k
	}
	return n
}
