// Package env … payer.go: who pays for the capability of a slot, so that it can be given back when that is torn down.
//
//	       Made  Moved  Gone       -: may run together; X: not twice for a capability
//	Made     X     -      -
//	Moved    -     -      -
//	Gone     -     -      X
//
// Whoever makes a capability has its holder charged first and calls Made afterwards; whoever moves it has the new holder charged
// first, and calls Moved after the transfer, with the holder that it had; its Teardown calls Gone. Each call says whom to
// give back to. The capability may be torn down before Made or Moved have been called.
//
// G1. For each capability, as many are given back as were charged, and to those who were, once it is gone and all calls have returned.
// G2. While it is there, and no Moved is on its way, its holder pays.
//
// Progress: Made and Gone lock-free. Moved waits for the Made, and for the Moved of an earlier transfer of the same capability: who
// is between the transfer and that call has preemption off. Callers: tasks, preemption off. Memory: one word.
//
// Proof sketch. The word has the generation of the capability, as its name does, so each life of the slot finds it different.
// Gone leaves its generation with nobody, and returns who stood there. If that was of an earlier life, Made is still to
// come, finds its own generation with nobody, and says so: one of the two gives back. Moved changes the word from the old to the
// new payer by compare-and-swap: before Gone, then Gone finds the new one and Moved says the old; or after, then
// Gone has found the old one and Moved says the new (G1).
package env

import (
	"exo/kernel/cap"
	"exo/kernel/sync"
	"exo/kernel/sync/atom"
)

// Payer is who pays for a capability: its generation in the upper half, the holder in the lower.
type Payer struct{ word atom.Uint64 }

func wordOf(n cap.Name, h cap.Holder) uint64 { return uint64(n)>>32<<32 | uint64(h) }

// Now is the capability of the slot, and who pays for it, if anybody does.
func (p *Payer) Now(slot uint32) (cap.Name, cap.Holder) {
	w := p.word.Load()
	return cap.Name(w&^(1<<32-1) | uint64(slot)), cap.Holder(w)
}

// Made says that a capability was made for a holder who has been charged. False: it is torn down already, give back.
func (p *Payer) Made(n cap.Name, h cap.Holder) bool {
	for {
		w := p.word.Load()
		if w>>32 >= uint64(n)>>32 {
			return false
		}
		if p.word.CompareAndSwap(w, wordOf(n, h)) {
			return true
		}
	}
}

// Moved says that a capability was transferred, and returns to whom to give back: to who had it, or, if it is torn down already, to
// who was to have it.
func (p *Payer) Moved(n cap.Name, from, to cap.Holder) cap.Holder {
	for spins := 0; ; spins++ {
		w := p.word.Load()
		switch {
		case w>>32 > uint64(n)>>32 || w == wordOf(n, cap.Nobody):
			return to
		case w != wordOf(n, from): // it has not been said yet that from has it
			if sync.Relax != nil {
				sync.Relax(spins)
			}
		case p.word.CompareAndSwap(w, wordOf(n, to)):
			return from
		}
	}
}

// Gone says that a capability is being torn down, and returns to whom to give back; Nobody: Made will say so.
func (p *Payer) Gone(n cap.Name) cap.Holder {
	w := p.word.Swap(wordOf(n, cap.Nobody))
	if w>>32 != uint64(n)>>32 {
		return cap.Nobody
	}
	return cap.Holder(w)
}
