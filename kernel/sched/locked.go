// Package sched … locked.go: a whole scheduler the plain way, with locks, to measure the other one against: first come, first
// served, no weights, no deadlines, no timers.
//
//	New  Go  Leave  Arrived  Wake  Joined  Steal        they wait for each other at a queue's lock, and at the
//	                                                    lock of the free slots
//
// There is one queue for all CPUs, or one for each. A queue's lock guards the queue and the states of the tasks that run or
// wait there, or blocked there. As in xv6, who leaves a task keeps its queue's lock until the CPU is on another stack:
// until then nobody can run the task.
//
// G1. A task runs on one CPU at a time.
// G2. A Wake that comes while the task has not blocked yet leaves a permit, which the next Leave to park takes.
// G3. Joined returns what the task returned, once its stack is left; then its slot is free.
//
// Progress: blocking. Callers: preemption off, interrupts off everywhere or not used by handlers. Memory: what Init is given.
// Not promised: that anybody but tests and benchmarks would want it.
package sched

import "exo/kernel/sync/atom"

// LockedTask is a task's record in a LockedSched.
type LockedTask struct {
	Result uint64 // what it returned; set before Leave with Exits

	queue  atom.Uint32 // whose lock guards what follows; changed by who has that lock
	state  State
	permit bool
	joiner int32 // who waits for its end; -1: nobody
}

// LockedSched schedules tasks by number. Init it before use.
type LockedSched struct {
	queues []LockedQueue
	tasks  []LockedTask
	free   LockedQueue
}

// Init is for as many tasks as there are records. There is one queue, or one for each CPU; each has room for all tasks, as has
// free.
func (s *LockedSched) Init(queues []LockedQueue, tasks []LockedTask, free []uint32) {
	s.queues, s.tasks = queues, tasks
	s.free.Init(free)
	for i := range tasks {
		tasks[i] = LockedTask{joiner: -1}
		s.free.push(uint32(i))
	}
}

// home is the number of a CPU's queue.
func (s *LockedSched) home(cpu int) int {
	if len(s.queues) == 1 {
		return 0
	}
	return cpu
}

// hold takes the lock that guards a task, and returns its queue.
func (s *LockedSched) hold(task int) *LockedQueue {
	for {
		n := s.tasks[task].queue.Load()
		q := &s.queues[n]
		q.lock.Lock(q.Relax)
		if s.tasks[task].queue.Load() == n {
			return q
		}
		q.lock.Unlock()
	}
}

// New takes a task that does not run before Go; -1: there is none left.
func (s *LockedSched) New(cpu int) (task int) {
	i, ok := s.free.Pop(cpu)
	if !ok {
		return -1
	}
	s.tasks[i].queue.Store(uint32(s.home(cpu)))
	s.tasks[i].state = New
	return int(i)
}

// Go makes a new task ready on the caller's CPU.
func (s *LockedSched) Go(task int) {
	q := s.hold(task)
	s.tasks[task].state = Ready
	q.push(uint32(task))
	q.lock.Unlock()
}

// Leave is for a CPU that leaves a task, or none: -1. It returns which to run instead, or -1, and keeps the lock: the caller
// switches, and then calls Arrived.
func (s *LockedSched) Leave(cpu, task int, why Leaving) (next int) {
	q := &s.queues[s.home(cpu)]
	q.lock.Lock(q.Relax)
	if task >= 0 {
		t := &s.tasks[task]
		switch {
		case why == Yields || why == Preempted:
			t.state = Ready
			q.push(uint32(task))
		case why == Parks && t.permit:
			t.permit = false
			return task
		case why == Parks:
			t.state = Blocked
		}
	}
	if q.n == 0 {
		return -1
	}
	next = int(q.pop())
	s.tasks[next].state = Running
	return next
}

// Arrived is called when the CPU has left the task, or -1, for what Leave said.
func (s *LockedSched) Arrived(cpu, left int, why Leaving) {
	q := &s.queues[s.home(cpu)]
	q.lock.Unlock()
	if why != Exits || left < 0 {
		return
	}
	q = s.hold(left)
	t := &s.tasks[left]
	t.state = Done
	joiner := t.joiner
	q.lock.Unlock()
	if joiner >= 0 {
		s.Wake(int(joiner))
	}
}

// Wake makes a blocked task ready where it blocked, or gives one that is not a permit.
func (s *LockedSched) Wake(task int) {
	q := s.hold(task)
	if t := &s.tasks[task]; t.state == Blocked {
		t.state = Ready
		q.push(uint32(task))
	} else {
		t.permit = true
	}
	q.lock.Unlock()
}

// Joined looks whether a task has ended, and if so frees it and returns its result. If not, me is woken when it does.
func (s *LockedSched) Joined(cpu, task, me int) (result uint64, done bool) {
	q := s.hold(task)
	t := &s.tasks[task]
	if t.state != Done {
		t.joiner = int32(me)
		q.lock.Unlock()
		return 0, false
	}
	result = t.Result
	t.state, t.joiner, t.permit = Free, -1, false
	q.lock.Unlock()
	s.free.Push(cpu, uint32(task))
	return result, true
}

// Steal takes a ready task from another CPU's queue, for a CPU that has none, and keeps the lock as Leave does; -1: there is
// none, and no lock is kept.
func (s *LockedSched) Steal(cpu int) (task int) {
	for i := 1; i < len(s.queues); i++ {
		q := &s.queues[(cpu+i)%len(s.queues)]
		q.lock.Lock(q.Relax)
		if q.n == 0 {
			q.lock.Unlock()
			continue
		}
		task = int(q.pop())
		s.tasks[task].state = Running
		s.tasks[task].queue.Store(uint32(cpu))
		q.lock.Unlock()
		mine := &s.queues[cpu]
		mine.lock.Lock(mine.Relax)
		return task
	}
	return -1
}

// GoOn makes a running task, or a new one, ready on some CPU, as that CPU would.
func (s *LockedSched) GoOn(cpu, task int) {
	q := &s.queues[s.home(cpu)]
	q.lock.Lock(q.Relax)
	s.tasks[task].queue.Store(uint32(s.home(cpu)))
	s.tasks[task].state = Ready
	q.push(uint32(task))
	q.lock.Unlock()
}

// Set changes a task's state under its lock: what a compare-and-swap of the task's word does elsewhere.
func (s *LockedSched) Set(task int, to State) {
	q := s.hold(task)
	s.tasks[task].state = to
	q.lock.Unlock()
}
