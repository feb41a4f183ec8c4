package sched

import (
	"unsafe"

	"exo/kernel/sync"
	"exo/kernel/sync/atom"
)

// MaxTasks is how many tasks a table can have: an index has 24 bits.
const MaxTasks = 1<<indexBits - 1

const (
	indexBits = 24
	indexMask = 1<<indexBits - 1
)

// State is where a task stands.
type State uint8

// The states. A task that is none of the others is Free: its slot can be somebody's.
const (
	Free    State = iota
	New           // it has a slot, and has not been started
	Ready         // it waits for a CPU: in a ring, an inbox, or a CPU's hands
	Running       // a CPU runs it, or is about to stop doing so
	Blocked       // it waits for Wake
	Done          // it has ended; whoever joins it frees it
)

var stateNames = [...]string{"free", "new", "ready", "running", "blocked", "done"}

func (s State) String() string { return stateNames[s] }

// Class is how a task competes.
type Class uint8

// The classes.
const (
	Fair     Class = iota // has a share of what real-time tasks leave (fair.go)
	Batch                 // runs when no other does, and in turn (turn.go)
	RealTime              // has a reservation (edf.go)
)

// ID names a task in one life of its slot. 0 names none.
type ID uint64

func (id ID) index() uint32 { return uint32(id) & indexMask }

// word is a task's state, in bits 0 to 3; whether it has a permit, which the next Park takes; and, from bit 24 up, a count
// that grows each time it becomes Ready, and when its slot is freed: 2^40 times.
type word uint64

const (
	permit  word = 1 << 4
	counted word = 1 << indexBits
)

func (w word) state() State { return State(w & 15) }

func (w word) in(s State) word { return w&^15 | word(s) }

// Task is one thread of control as the scheduler sees it. Its slot stays a Task's for good: whoever has an ID of an earlier
// life finds that it is over. Fields are touched by whoever has won the change of state that lets it, unless they say so.
type Task struct {
	head    sync.Head    // of its freeing; first, so that it is the task's address
	Context sync.Context // who it is to kernel/sync

	word atom.Uint64
	id   atom.Uint64 // ID of this life, 0 if the slot is free
	cpu  atom.Uint32 // where it runs, or ran last, or waits
	slot uint32      // its index
	next *Task       // the one before it in an inbox
	turn atom.Uint64 // of its CPU's, when it came into a ring: which of two rings' heads is older

	class    Class
	fresh    bool        // it has not been ready yet
	pinned   bool        // affinity is one CPU of several
	detached bool        // nobody joins it
	weight   uint32      // share among Fair tasks of its CPU
	affinity atom.Uint64 // bit i: it may run on CPU i; thieves read it of whatever they find

	home atom.Uint64 // where its memory is (home.go)

	reservation Reservation // of a RealTime task
	fair        share       // of a Fair one

	joiner atom.Uint64 // ID of who waits for its end
	result uint64      // what it returned

	ran      uint64      // ns, in all
	used     uint64      // ns, since it was switched to
	lives    uint64      // of its slot, up to this one
	sleep    atom.Uint64 // which of its sleeps it is in, or was last
	switches uint64      // how often it was switched to
	quanta   uint64      // how often it was chosen to run, or run on
	woken    uint64      // when it became ready, ns
	lingered uint64      // its turn when it was given more (linger.go)

	// Part is the machine's, of the slot.
	Part unsafe.Pointer

	name  [16]byte
	sched *Sched
}

// Urgent is the priority from which on a task competes as a real-time one: such a task's own, and that of one which holds a
// sleeplock that such a task waits for.
const Urgent = 1 << 20

// urgent says whether t competes so.
func (t *Task) urgent() bool { return t.Context.EffectivePriority() >= Urgent }

// lent is what it has been lent by who waits for a lock of its, as Reservation has it.
func (t *Task) lent() uint64 {
	if t.Context.EffectivePriority() > t.Context.BasePriority() {
		return 1 // before all deadlines
	}
	return 0
}

// Slot is the number of its slot.
func (t *Task) Slot() int { return int(t.slot) }

// ID is its ID.
func (t *Task) ID() ID { return ID(t.id.Load()) }

// Name is what it was called, at most 16 bytes.
func (t *Task) Name() []byte {
	n := 0
	for n < len(t.name) && t.name[n] != 0 {
		n++
	}
	return t.name[:n]
}

// Usage is what a task has had of CPUs.
type Usage struct {
	Ran      uint64 // ns
	Switches uint64 // how often it was switched to
	Quanta   uint64 // how often it was chosen, to run or to run on
	Overruns uint64 // how often it used up its budget and wanted more
	Misses   uint64 // how many of its jobs ended late
}

// Usage reads it; exact for the task itself, a guess for others.
func (t *Task) Usage() Usage {
	return Usage{t.ran, t.switches, t.quanta, t.reservation.overruns, t.reservation.misses}
}

// SetResult is what Joined will return. The task itself, before it exits.
func (t *Task) SetResult(v uint64) { t.result = v }
