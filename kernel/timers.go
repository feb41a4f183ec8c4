//go:build exokernel

package main

import (
	"exo/arch/amd64"
	"exo/kernel/abi"
	"exo/kernel/cap"
	"exo/kernel/sched"
	"exo/kernel/sync"
	"exo/kernel/sync/atom"
)

// Timers: each notification may have one. A task of the kernel's, the keeper, sleeps until the earliest, and signals.

// timerHeap is those that are set, the earliest first.
type timerHeap struct {
	lock sync.Ticket // interrupts off; after a gate's, and no other lock is taken under it
	heap []*gate
	n    int
	keep atom.Uint64 // the keeper's task
}

var timers timerHeap

// set has p signal bits at a time, and not when it was to before; 0: never. It says whether that is the earliest now.
// Interrupts are off.
func (h *timerHeap) set(p *gate, bits, when uint64) bool {
	h.lock.Lock(pause)
	if at := p.at.Load(); at != 0 {
		h.remove(int(at - 1))
	}
	if when != 0 {
		p.when, p.rings, p.whose = when, bits, p.life.Load()
		h.n++
		h.up(h.n-1, p)
	}
	first := h.n > 0 && h.heap[0] == p
	h.lock.Unlock()
	return first
}

// due takes one whose time has come, and what it signals; nil: none, and when the next one's does.
func (h *timerHeap) due(now uint64) (p *gate, bits, life, next uint64) {
	flags := amd64.IRQDisable()
	h.lock.Lock(pause)
	if next = abi.Forever; h.n > 0 {
		if next = h.heap[0].when; next <= now {
			p = h.heap[0]
			bits, life = p.rings, p.whose
			h.remove(0)
		}
	}
	h.lock.Unlock()
	amd64.IRQRestore(flags)
	return p, bits, life, next
}

func (h *timerHeap) remove(i int) {
	h.heap[i].at.Store(0)
	h.n--
	if last := h.heap[h.n]; i < h.n {
		if h.up(i, last); h.heap[i] == last {
			h.down(i, last)
		}
	}
}

// up finds p's place on the way from i, which is free, to the top.
func (h *timerHeap) up(i int, p *gate) {
	for ; i > 0 && p.when < h.heap[(i-1)/2].when; i = (i - 1) / 2 {
		h.put(i, h.heap[(i-1)/2])
	}
	h.put(i, p)
}

// down finds it on the way to the leaves.
func (h *timerHeap) down(i int, p *gate) {
	for {
		child := 2*i + 1
		if child+1 < h.n && h.heap[child+1].when < h.heap[child].when {
			child++
		}
		if child >= h.n || p.when <= h.heap[child].when {
			break
		}
		h.put(i, h.heap[child])
		i = child
	}
	h.put(i, p)
}

func (h *timerHeap) put(i int, p *gate) {
	h.heap[i] = p
	p.at.Store(uint32(i + 1))
}

// sysTimerSet sets the timer of a notification; the caller is one who may signal it.
func sysTimerSet(s *amd64.UserState, f *amd64.SysFrame) int64 {
	t := threadOf(s)
	p, no := t.meet(f.RDI, abi.KindNotification, cap.Write)
	if no != abi.OK {
		return int64(no)
	}
	first := timers.set(p, f.RSI, f.RDX) // with p locked: so it lives, or its teardown comes later
	p.lock.Unlock()
	if first {
		callTask(&timers.keep)
	}
	return 0
}

// callTask wakes one of the kernel's own tasks, if it has begun.
func callTask(task *atom.Uint64) {
	if id := task.Load(); id != 0 {
		wake(sched.ID(id))
	}
}

// keeper is the task.
func keeper(uint64) uint64 {
	timers.keep.Store(uint64(currentPart().id))
	for {
		p, bits, life, next := timers.due(amd64.NowNs())
		if p != nil {
			flags := amd64.IRQDisable()
			p.enter()
			if p.life.Load() == life {
				p.signal(bits)
			}
			p.lock.Unlock()
			amd64.IRQRestore(flags)
			continue
		}
		parkUntil(next)
	}
}

// parkUntil is park until a time; abi.Forever: none.
func parkUntil(when uint64) {
	if when == abi.Forever {
		park()
		return
	}
	flags := amd64.IRQDisable()
	here().sched.WakeAt(when)
	here().reschedule(sched.Parks)
	here().sched.Awake()
	amd64.IRQRestore(flags)
}
