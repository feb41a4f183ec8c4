package sched

import (
	"unsafe"

	"exo/kernel/sync"
	"exo/kernel/sync/atom"
)

// Machine is what the scheduler needs of the machine.
type Machine interface {
	// NowNs is a clock that all CPUs agree on.
	NowNs() uint64
	// Kick has a CPU, which may be the caller's, call Pick soon.
	Kick(cpu int)
}

// Sched is the scheduler; the kernel has one. Init it before use.
type Sched struct {
	tasks     []Task
	cpus      []CPU
	all       uint64 // the CPUs there are
	machine   Machine
	rcu       *sync.RCU
	pool      sync.Pool
	Admission Admission

	tuning Tuning
	nodes  [MaxNodes]uint64 // the CPUs of each
	nodeOf [MaxCPUs]uint8

	_    [64]byte
	idle atom.Uint64 // the CPUs that wait for a kick
	_    [56]byte
}

// Config is the memory for a scheduler, and what it is to know.
type Config struct {
	Tasks    []Task
	Links    []sync.Link    // as many as Tasks
	PoolCPUs []sync.PoolCPU // one for each CPU
	CPUs     []CPU
	Rings    []atom.Pointer[Task] // RingLength for each CPU
	Timers   []Timer              // for each CPU as many as there are tasks
	Victims  []Victim             // one for each pair of CPUs
	Distance func(a, b int) int
	Machine  Machine
	RCU      *sync.RCU

	NodeOf func(cpu int) int // below MaxNodes; nil: all CPUs are of node 0
	Tuning Tuning

	RealTimeLimit uint64 // how much of each CPU can be reserved, of WholeCPU
	RateMonotonic bool   // real-time tasks run, and are admitted, by rate, not by deadline (edf.go, admit.go)
}

// RingLength is how many tasks the rings of a CPU have room for, for so many tasks.
func RingLength(tasks int) int { return 3 * ringLength(tasks) }

func ringLength(tasks int) int {
	n := 1
	for n < tasks {
		n *= 2
	}
	return n
}

// Victim is one CPU as another sees it.
type Victim = victim

// Init makes a scheduler without tasks, all CPUs of which run none.
func (s *Sched) Init(c *Config) {
	n, cpus := len(c.Tasks), len(c.CPUs)
	if n < 2 || n > MaxTasks || cpus == 0 || cpus > MaxCPUs || len(c.Victims) < cpus*cpus || len(c.Rings) < cpus*RingLength(n) {
		panic("sched: there are 1 to 64 CPUs and as many slots as a ring has room for")
	}
	s.tasks, s.cpus, s.machine, s.rcu = c.Tasks, c.CPUs, c.Machine, c.RCU
	s.all = ^uint64(0) >> (MaxCPUs - cpus)
	s.setTuning(&c.Tuning)
	s.nodes = [MaxNodes]uint64{}
	s.idle.Store(0)
	s.pool.Init(c.Links, c.PoolCPUs)
	s.Admission.Init(cpus, c.RealTimeLimit, c.RateMonotonic)
	for i := range s.tasks {
		s.tasks[i].slot, s.tasks[i].sched = uint32(i), s
	}
	words, timers := ringLength(n), len(c.Timers)/cpus
	for i := range s.cpus {
		s.cpus[i].id, s.cpus[i].number = i, uint32(i)
	}
	for i := range s.cpus {
		p := &s.cpus[i]
		p.sched, p.event, p.turnAt = s, never, never
		p.tuner.init(c.Tuning.Rules)
		p.fair.init(s.tuning.Quantum, DefaultLottery, uint64(i))
		p.rt.monotonic = c.RateMonotonic
		for j, r := range [...]*ring{&p.shared, &p.pinned, &p.batch} {
			at := (3*i + j) * words
			r.init(c.Rings[at : at+words])
		}
		p.timers.init(c.Timers[i*timers : (i+1)*timers])
		p.victims = c.Victims[i*cpus : (i+1)*cpus]
		p.orderVictims(c.Distance)
		if c.NodeOf != nil {
			s.nodeOf[i] = uint8(c.NodeOf(i))
		}
		s.nodes[s.nodeOf[i]] |= 1 << i
	}
}

// DefaultQuantum is how long a fair task runs, in ns, while others wait, unless Tuning says otherwise.
const DefaultQuantum = 4_000_000

// FreeSlots is how many slots are free; exact when nobody takes or frees one.
func (s *Sched) FreeSlots() int { return s.pool.Free() }

// CPU is a CPU's part.
func (s *Sched) CPU(cpu int) *CPU { return &s.cpus[cpu] }

// TaskOf is the task whose context c is; nil: it is none's, but a CPU's own.
func (s *Sched) TaskOf(c *sync.Context) *Task {
	// SAFETY: only the difference is used, unless it lies in the table.
	at := uintptr(unsafe.Pointer(c)) - unsafe.Offsetof(Task{}.Context) - uintptr(unsafe.Pointer(&s.tasks[0]))
	if i := at / unsafe.Sizeof(Task{}); i < uintptr(len(s.tasks)) {
		return &s.tasks[i]
	}
	return nil
}

// Task is the task of an ID; nil: there is none any more. The caller is in a read section, or knows that it is there.
func (s *Sched) Task(id ID) *Task {
	if t := s.find(id); t != nil && t.id.Load() == uint64(id) {
		return t
	}
	return nil
}
