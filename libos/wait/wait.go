//go:build exouser

// Package wait is how threads wait for what others change in memory:
//
//	for n := uint64(1); ; n++ {
//		if n > wait.Tries { say that you wait, where who changes it looks }
//		if it has changed { return }
//		wait.For(n, bell, bit)
//	}
//
// Who changes it rings the bell if somebody waits. First the CPU is given to others, who may be just about to; then the thread
// sleeps until the bell rings, or for a while: the bell may have been taken by another, or its owner may have died.
package wait

import (
	"exo/kernel/abi"
	"exo/libos/clock"
	"exo/libos/mem"
	"exo/libos/sys"
)

// Tries is how often others run before a thread sleeps.
const Tries = 8

const (
	longestNs  = 20_000_000 // with a bell
	blindNs    = 5_000      // without one: that long, and longer each time
	blindTries = 200
	blindMost  = 1_000_000
)

// Rights to a bell: to wait for it and to ring it.
const Rights = abi.RightRead | abi.RightWrite | abi.RightDelete | abi.RightDerive | abi.RightTransfer

// NewBell makes a bell: a notification. 0: there is none, and For does without.
func NewBell() sys.Cap {
	b, err := sys.NotifyCreate(mem.Account())
	if err != abi.OK {
		return 0
	}
	return b
}

// For waits, the n-th time, for bits of a bell, which it clears.
func For(n uint64, bell sys.Cap, bits uint64) {
	switch {
	case n <= Tries:
		sys.Yield(0)
	case bell != 0:
		if _, err := sys.Wait(bell, bits, clock.Now()+longestNs); err != abi.OK && err != abi.TimedOut {
			sys.Sleep(clock.Now() + blindMost)
		}
	case n <= blindTries:
		sys.Yield(0)
	default:
		sys.Sleep(clock.Now() + min((n-blindTries)*blindNs, blindMost))
	}
}

// Ring rings a bell.
func Ring(bell sys.Cap, bits uint64) {
	if bell != 0 {
		sys.Notify(bell, bits)
	}
}

// Bits of the process's own bell. Those of locks begin at BitLocks.
const (
	BitChild   = 1 << iota // a child has ended
	BitThread              // a thread has
	BitConsole             // there is input
	BitLocks   = 8
)

var own struct {
	lock mem.Lock
	bell sys.Cap
	made bool
}

// Own is the bell by which the threads of this process wait for each other, and for the kernel.
func Own() sys.Cap {
	g := &own
	if g.made {
		return g.bell
	}
	g.lock.Lock()
	defer g.lock.Unlock()
	if !g.made {
		g.bell, g.made = NewBell(), true
	}
	return g.bell
}

// AfterFork forgets the parent's.
func AfterFork() {
	if own.made {
		own.bell, own.made, own.lock = 0, false, mem.Lock{}
	}
}

// BitOf is the bit of the own bell for a lock at an address; others may have it, too.
func BitOf(at uintptr) uint64 { return 1 << (BitLocks + (at>>3^at>>9)%(64-BitLocks)) }
