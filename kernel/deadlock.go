//go:build exokernel

package main

import (
	"exo/kernel/abi"
	"exo/kernel/cap"
)

// Who calls, and would wait for itself, is refused. A call that finds no receiver waits for whoever receives there: for the one thread that
// ever has, if there is only one. If that waits for an answer itself, or in vain for a receiver, there is such a one again, and so on.
//
//	caller ──► endpoint ──► known receiver ──► endpoint that it has called ──► … ──► caller: Deadlock
//
// Each caller is in its endpoint's list before it looks. So of those that close a circle together the last one sees it closed. What is not
// seen: circles of more than walkMost, endpoints where several threads receive, who waits otherwise than in a call. Timeouts are not
// looked at.

const (
	walkMost     = 8
	severalKnown = ^uint64(0)
)

// receivedBy notes that a thread receives at p, which is locked.
func (p *gate) receivedBy(t *thread) {
	me := t.life.Load()
	switch k := p.known.Load(); {
	case k == me || k == severalKnown:
	case k == 0 || threadTable[uint32(k)].life.Load() != k: // that one has ended
		p.known.Store(me)
	default:
		p.known.Store(severalKnown)
	}
}

// deadlocked says whether the thread, which is in p's list, waits for itself. Interrupts are off.
//
//go:noinline
func (t *thread) deadlocked(p *gate) bool {
	for range walkMost {
		k := p.known.Load()
		if k == 0 || k == severalKnown {
			return false
		}
		r := &threadTable[uint32(k)]
		if r == t {
			return true
		}
		w := r.wait.word.Load()
		if stage := w & (stages - 1); stage != stageQueued && stage != stageAnswer || r.wait.frame == nil {
			return false
		}
		// Its call has the endpoint's name in RDI; if it is in another by now, that shows below.
		info, err := capTab.Inspect(cap.Name(r.wait.frame.RDI), r.env.holder())
		if err != nil || info.Kind != cap.Kind(abi.KindEndpoint) || r.life.Load() != k || r.wait.word.Load() != w {
			return false
		}
		if p = &gateTable[info.Object.First]; p.life.Load() != info.Object.Second {
			return false
		}
	}
	return false
}

// leaves takes the thread out of p's list; false: it has been received, or told otherwise.
func (t *thread) leaves(p *gate) bool {
	p.enter()
	w := t.wait.word.Load()
	queued := w&(stages-1) == stageQueued
	if queued {
		p.waiters.remove(t)
		t.wait.word.Store(w &^ (stages - 1))
	}
	p.lock.Unlock()
	return queued
}
