// Package sched … wake.go: how a task becomes ready, and where it goes then; how it ends.
//
//	       Spawn  Wake  Join  end        X: callers exclude each other; -: may run together
//	Spawn    -     -     -     -
//	Wake     -     -     -     -
//	Join     -     -     X     -         X: two for the same task
//
// G1. No wake-up is lost: a Wake that comes while the task has not blocked yet leaves a permit, and the next Park takes that
// instead of waiting. What the waker wrote before, the task sees when it returns from Park.
// G2. Of several Wakes of a blocked task one makes it ready.
// G3. An ID of a task that is no more wakes nobody, and joins nothing.
// G4. Join returns what the task returned, once; then its slot is free. A slot becomes another task's only after a grace
// period, so who found the task in a read section may look at its record until that ends.
// G5. A task runs only on CPUs of its affinity.
//
// Progress: lock-free but for Join, which waits. Callers: any CPU, preemption off; Wake also handlers, which say so. Memory:
// the table given at Init.
package sched

import (
	"unsafe"

	"exo/kernel/sync"
)

// Error is a refusal.
type Error string

func (e Error) Error() string { return string(e) }

// What the operations return.
const (
	ErrNoSlot   = Error("sched: there are as many tasks as there can be")
	ErrNoTask   = Error("sched: there is no such task, or no more")
	ErrJoined   = Error("sched: somebody else waits for that task's end")
	ErrAffinity = Error("sched: no CPU of that set runs")
	ErrWeight   = Error("sched: a weight is 1 to 1024")
)

// Start says what a new task is to be.
type Start struct {
	Name        string // at most 16 bytes are kept
	Class       Class
	Weight      uint32 // of Fair; 0: DefaultWeight
	Affinity    uint64 // 0: any CPU
	Reservation Reservation
	Detached    bool // nobody will join it
}

// DefaultWeight is the share of a task that does not say.
const DefaultWeight = 64

// MaxWeight is the largest.
const MaxWeight = 1024

// New takes a slot for a task, which does not run before Go. The slot's number is for the machine, to have its part ready.
func (s *Sched) New(cpu int, a *Start) (id ID, slot int, err error) {
	affinity := a.Affinity & s.all
	if a.Affinity == 0 {
		affinity = s.all
	}
	switch {
	case affinity == 0:
		return 0, 0, ErrAffinity
	case a.Weight > MaxWeight:
		return 0, 0, ErrWeight
	}
	home := s.nearest(cpu, affinity)
	if a.Class == RealTime {
		if home, err = s.Admission.Admit(affinity, a.Reservation); err != nil {
			return 0, 0, err
		}
		affinity = 1 << home // its budget is that CPU's
	}
	i := s.pool.Get(cpu)
	if i == 0 {
		if a.Class == RealTime {
			s.Admission.Release(home, a.Reservation)
		}
		return 0, 0, ErrNoSlot
	}
	t := &s.tasks[i]
	t.start(a, affinity)
	t.Context.CPU = home
	t.cpu.Store(uint32(home))
	t.lives++
	id = ID(t.lives<<indexBits | uint64(i))
	t.id.Store(uint64(id))
	t.word.Store(uint64(word(t.word.Load()).in(New)))
	return id, int(i), nil
}

// start fills in a record that is nobody's.
func (t *Task) start(a *Start, affinity uint64) {
	t.class = a.Class
	t.Context.Reset(priorityOf(a.Class, &a.Reservation))
	t.pinned = affinity&(affinity-1) == 0 && affinity != t.sched.all
	t.affinity.StoreRelease(affinity)
	t.detached = a.Detached
	if t.weight = a.Weight; t.weight == 0 {
		t.weight = DefaultWeight
	}
	t.reservation = a.Reservation
	t.fair, t.fresh = share{}, true
	t.home.Store(0)
	t.joiner.Store(0)
	t.result, t.ran, t.used, t.switches, t.quanta, t.woken, t.lingered = 0, 0, 0, 0, 0, 0, 0
	t.name = [16]byte{}
	copy(t.name[:], a.Name)
}

// Go makes a new task ready.
func (s *Sched) Go(cpu int, id ID) {
	t := s.find(id)
	if t == nil || word(t.word.Load()).state() != New {
		panic("sched: only a new task can be started")
	}
	t.becomeReadySlowly() // by compare-and-swap: who has the ID may give it a permit just now (G1)
	s.enqueue(cpu, t, false)
}

// find is the task of an ID, nil if there never was one.
func (s *Sched) find(id ID) *Task {
	if i := id.index(); i != 0 && int(i) < len(s.tasks) {
		return &s.tasks[i]
	}
	return nil
}

// Wake makes a blocked task ready, or gives one that is not a permit. False: there is no such task any more. handler: the
// caller is an interrupt handler.
func (s *Sched) Wake(cpu int, id ID, handler bool) bool {
	t := s.find(id)
	if t == nil {
		return false
	}
	for {
		w := word(t.word.Load())
		switch {
		case t.id.Load() != uint64(id) || w.state() == Free || w.state() == Done:
			return false // order: w is of this life, or its count is another, and the compare-and-swap below fails (G3)
		case w.state() != Blocked:
			// order: a fence even if there is a permit, so that whoever takes it sees what the caller wrote (G1)
			if t.word.CompareAndSwap(uint64(w), uint64(w|permit)) {
				return true
			}
		case t.word.CompareAndSwap(uint64(w), uint64(w.in(Ready)+counted)):
			s.enqueue(cpu, t, handler)
			return true
		}
	}
}

// TakePermit takes the permit of the current task, if it has one: then it need not park.
func (c *CPU) TakePermit() bool {
	t := c.current
	for {
		w := word(t.word.Load())
		if w&permit == 0 {
			return false
		}
		if t.word.CompareAndSwap(uint64(w), uint64(w&^permit)) {
			return true
		}
	}
}

// enqueue sends a task that the caller has made ready to where it is to run: the CPU on which it ran last if that is idle,
// else an idle one as near to that as can be, else that one nevertheless.
func (s *Sched) enqueue(cpu int, t *Task, handler bool) {
	c, to := &s.cpus[cpu], int(t.cpu.Load())
	if t.home.Load()&homeBits != 0 {
		to = s.goesHome(c, t, to)
	}
	if idle := s.idle.Load() & t.affinity.Load(); idle != 0 && idle>>to&1 == 0 && t.class != RealTime {
		to = s.nearest(to, idle)
	}
	if t.urgent() || t.word.Load()>>indexBits%latencyEvery == 1 {
		t.woken = s.machine.NowNs() // fair ones do not need it, and to read the clock is dear
	}
	if to != cpu || handler {
		s.send(c, t, to)
		return
	}
	c.Counters.WakesHere++
	c.come(t, t.woken)
	switch {
	case t.urgent():
		s.machine.Kick(cpu) // it may have to run at once
	case s.idle.Load() != 0:
		c.share()
	}
}

// latencyEvery is how many wake-ups there are for one of which Counters.Latency has the time.
const latencyEvery = 16

// send puts a ready task into a CPU's inbox, and kicks the CPU if it is idle or the task is urgent.
func (s *Sched) send(c *CPU, t *Task, to int) {
	c.Counters.WakesAway++
	t.cpu.StoreRelease(uint32(to)) // order: before its priority is read, by the fence in put; pairs with Reprioritize
	s.cpus[to].inbox.put(t)        // order: before the idle set is read; pairs with EnterIdle
	if s.leaveIdle(to) || t.urgent() || to == c.id {
		c.kick(to)
	}
}

// Reprioritize is told that the priority of t's context is another now: if t waits for a CPU, that is to look again; if it
// runs, too, for others may be more urgent now, or its budget counts again.
func (s *Sched) Reprioritize(t *Task) {
	switch word(t.word.Load()).state() { // order: the priority was written before; pairs with file
	case Ready:
		to := int(t.cpu.Load())
		s.cpus[to].urgent.Store(1)
		s.machine.Kick(to)
	case Running:
		s.machine.Kick(int(t.cpu.Load()))
	}
}

// become has t, which only the caller can change the state of, be in another, and takes its permit.
func (t *Task) become(s State) {
	for {
		w := word(t.word.Load())
		if t.word.CompareAndSwap(uint64(w), uint64(w.in(s)&^permit)) {
			return
		}
	}
}

// end does what is to be done for a task that has ended, and whose stack nobody uses any more.
func (s *Sched) end(c *CPU, t *Task) {
	if t.class == RealTime {
		s.Admission.Release(int(t.cpu.Load()), t.reservation)
	}
	t.become(Done) // order: before joiner is read; pairs with Join
	if t.detached {
		s.free(c.id, t)
		return
	}
	if j := t.joiner.Load(); j != 0 {
		s.Wake(c.id, ID(j), false)
	}
}

// Joined looks whether a task has ended, and if so frees it and returns its result. If not, me is woken when it does.
func (s *Sched) Joined(cpu int, id, me ID) (result uint64, done bool, err error) {
	t := s.find(id)
	if t == nil || t.id.Load() != uint64(id) || t.detached {
		return 0, false, ErrNoTask
	}
	if j := t.joiner.Load(); j != uint64(me) && (j != 0 || !t.joiner.CompareAndSwap(0, uint64(me))) {
		return 0, false, ErrJoined
	}
	// order: joiner is written before the state is read; pairs with end
	if w := word(t.word.Load()); w.state() != Done {
		return 0, false, nil
	}
	result = t.result
	s.free(cpu, t)
	return result, true, nil
}

// free gives up a task that has ended: nobody finds it from now on, and its slot is free after a grace period.
func (s *Sched) free(cpu int, t *Task) {
	t.id.Store(0)
	t.word.Store(uint64(word(t.word.Load()).in(Free)&^permit + counted))
	s.rcu.Call(cpu, &t.head, putSlot)
}

// putSlot gives the slot back once nobody can be looking at the task.
func putSlot(cpu int, h *sync.Head) {
	// SAFETY: the head is the first field of a Task, which stays one.
	t := (*Task)(unsafe.Pointer(h))
	t.sched.pool.Put(cpu, t.slot)
}

// Forget takes back a task that New returned and that cannot be started.
func (s *Sched) Forget(cpu int, id ID) {
	t := s.find(id)
	if t.class == RealTime {
		s.Admission.Release(int(t.cpu.Load()), t.reservation)
	}
	s.free(cpu, t)
}
