//go:build exokernel

package main

import (
	"exo/kernel/abi"
	"exo/kernel/cap"
	envs "exo/kernel/env"
	"exo/kernel/mm"
	"exo/kernel/mm/paging"
	"exo/kernel/numa"
	"exo/kernel/sync"
	"exo/kernel/sync/atom"
)

// Environments: address spaces with threads, that hold capabilities and pay for what they use.
//
//	env.go account.go           records, numbers, pins; who pays for capabilities and frames
//	envcalls.go envend.go       to make, watch and end them
//	thread.go threadcalls.go    their threads; to make and direct them
//	binding.go pagecalls.go     where frames are mapped
//	framecalls.go capcalls.go   frames; capabilities of any kind
//	upcall.go                   how the kernel enters a library OS
//	syscalls.go                 the table of calls, and how arguments come in
//
// Guarantees:
//
// G1. What a call is refused for, it has not done: an environment's quotas, capabilities, pages are as before.
// G2. When an environment has ended, its frames, tables, capabilities and threads are nobody's or others', and what it had of
// quotas is with who made it; nothing of it runs on any CPU.
// G3. A page of ring 3 shows a frame that a living capability names which is bound there, the page of Info, or
// nothing: from when a revocation, deletion or unmapping has returned, on no CPU what it took away.
// G4. What an environment uses, tables and all, is within its quotas; and all quotas together are what there was at first.
// G5. An environment ends with who owns its capability, and only older ones may: so none can hide from whoever ends them all.
//
// Locks, in order: a capability's binding (kernel/env), the space's, an environment's list of threads. Records are never given
// back: who has found one pins it, and looks whether it is still the one.

// env is the record of an environment: one after another.
type env struct {
	number atom.Uint32 // as cap.Holder; 0: the record is free
	state  atom.Uint32 // envAlive …
	pins   atom.Int64  // of who uses it from outside, for a moment
	refs   atom.Int64  // 1 until it has ended, 1 until its capability is gone, 1 for each that it has made
	slot   uint32
	lives  uint32 // of the record, up to this one
	born   uint64 // how many environments had been made, with this one

	frames, caps envs.Quota
	giver        *env // who made it, and gets the quotas back; nil: nobody
	parent       uint32
	heir         bool        // it may take what its maker offers; set by that one before anybody knows it
	lowSlot      atom.Uint32 // the slots of its capabilities are from here
	highSlot     atom.Uint32 // to here
	noted        atom.Uint32 // of so many first ones it is known
	notes        [firstNotes]atom.Uint32

	space  space
	policy numa.TaskPolicy

	// What EnvUpcalls sets; read by its threads at any time.
	fault, foreign, revoke, slice atom.Uint64
	textLow, textHigh             atom.Uint64
	name                          [16]byte

	suspended atom.Uint32 // 1: its threads do not go on
	status    atom.Int64  // written by who ends it
	waiter    atom.Uint64 // the task that waits for its end
	lost      atom.Uint64 // capabilities that were taken from it

	lock    sync.Spinlock // guards the list and the sums
	first   *thread       // its threads
	threads atom.Int64    // and those that are about to be
	sums    threadSums    // of those that have ended
	watched [watchers]told
	asked   revocation

	// What it offers to its heirs, by number; guarded by lock.
	offering bool // it has offered something
	offers   [maxOffers]offer
}

// firstNotes is how many slots are noted: an environment that has had no more capabilities is swept without a look at others.
const firstNotes = 32

// The states, each follows from the one before by a compare-and-swap.
const (
	envFree uint32 = iota
	envAlive
	envEnding   // its threads are to end
	envSweeping // it has none, and somebody gives back what it had
	envEnded    // there is only the record
)

const (
	envBits = 10 // of an environment's number say which record, the others which life
	maxEnvs = 1 << envBits
	minEnvs = 64
	maxLife = uint32(cap.MaxHolder) >> envBits
)

var (
	envTable []env // envTable[0] is never used
	envPool  sync.Pool
	envCount atom.Int64
	envsMade atom.Uint64
)

// recordOf is the record that the environment of a number has, or had.
func recordOf(number cap.Holder) *env { return &envTable[uint32(number)&(maxEnvs-1)] }

func (e *env) holder() cap.Holder { return cap.Holder(e.number.Load()) }

// pin finds an environment and keeps its record from being another's; nil: there is none of that number. Unpin it soon, and without
// blocking in between.
func pin(number cap.Holder) *env {
	if uint32(number)&(maxEnvs-1) >= uint32(len(envTable)) {
		return nil
	}
	e := &envTable[uint32(number)&(maxEnvs-1)]
	e.pins.Add(1) // order: before the number is read; pairs with free and sweep
	if number == cap.Nobody || e.number.Load() != uint32(number) {
		e.pins.Add(-1)
		return nil
	}
	return e
}

// pinLiving is pin for who changes its space or its threads: nil, too, if it is being swept.
func pinLiving(number cap.Holder) *env {
	e := pin(number)
	if e != nil && e.state.Load() >= envSweeping {
		e.pins.Add(-1)
		return nil
	}
	return e
}

func (e *env) unpin() { e.pins.Add(-1) }

// waitUnpinned returns when nobody is left who pinned the record before it was changed.
func (e *env) waitUnpinned() {
	for spins := 0; e.pins.Load() != 0; spins++ {
		machine.Relax(spins)
	}
}

// newEnv makes an environment with quotas, which somebody has cut from its own, and an address space that shows Info; its
// holder number is new. Errors: NoSlots, and NoQuota or NoMemory for its tables.
func newEnv(giver *env, frameLimit, capLimit uint64) (*env, abi.Errno) {
	c := preemptOff()
	defer c.PreemptEnable()
	i := envPool.Get(c.CPU)
	if i == 0 {
		return nil, abi.NoSlots
	}
	e := &envTable[i]
	e.slot = i
	e.lives++
	e.born = envsMade.Add(1)
	e.frames.Init(frameLimit)
	e.caps.Init(capLimit)
	e.giver, e.parent = giver, 0
	e.heir, e.offering = false, false
	e.noted.Store(0)
	e.lowSlot.Store(^uint32(0))
	e.highSlot.Store(0)
	for _, w := range [...]*atom.Uint64{&e.fault, &e.foreign, &e.revoke, &e.slice, &e.textLow, &e.textHigh, &e.waiter, &e.lost} {
		w.StoreRelease(0)
	}
	e.name = [16]byte{}
	e.suspended.Store(0)
	e.status.Store(0)
	e.threads.Store(0)
	e.first, e.sums = nil, threadSums{}
	e.watched, e.asked.first, e.asked.count = [watchers]told{}, 0, 0
	e.refs.Store(2)
	e.lock.Init(sync.ClassThreads)
	number := e.lives<<envBits | i
	if err := e.makeSpace(mm.Owner(number)); err != abi.OK {
		envPool.Put(c.CPU, i)
		return nil, err
	}
	if giver != nil {
		e.parent = giver.number.Load()
		giver.refs.Add(1)
	}
	envCount.Add(1)
	e.state.Store(envAlive)
	e.number.Store(number)
	return e, abi.OK
}

// makeSpace makes its address space.
func (e *env) makeSpace(owner mm.Owner) abi.Errno {
	locals := envLocals[int(e.slot)*ncpu : int(e.slot)*ncpu+ncpu]
	account := tableAccount{policy: &e.policy, owner: owner, limit: envs.MaxQuota, quota: &e.frames}
	if e.space.init(account, locals) != nil {
		return abi.NoQuota
	}
	if e.space.mapPage(abi.InfoPage, infoFrame, paging.Small, paging.Read) != nil {
		e.space.destroy(1<<20, nil)
		return abi.NoQuota
	}
	return abi.OK
}

// unref gives up one reference; without any the record is free, and what is left of quotas goes back.
func (e *env) unref() {
	for e != nil && e.refs.Add(-1) == 0 {
		giver := e.giver
		e.giveBack()
		e.number.Store(0) // order: before pins are read; pairs with pin
		e.waitUnpinned()
		e.state.Store(envFree)
		envCount.Add(-1)
		if e.lives < maxLife {
			c := preemptOff()
			envPool.Put(c.CPU, e.slot)
			c.PreemptEnable()
		}
		e = giver
	}
}

// giveBack gives what is not in use of its quotas to who made it.
func (e *env) giveBack() {
	frames, caps := e.frames.Drain(), e.caps.Drain()
	if g := e.giver; g != nil {
		g.frames.Grow(frames)
		g.caps.Grow(caps)
	}
}
