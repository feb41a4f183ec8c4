// Package sched … timer.go: one CPU's sleepers, by when they are to be woken.
//
// A binary heap. Who is woken earlier by somebody else leaves its entry behind: it may be on another CPU by then. Such
// entries are dropped when they come due, or, if room runs out, all at once; so with room for twice as many as can sleep,
// an add costs O(log n) on average.
//
// G1. due returns each entry once, not before its time, the earliest first.
// G2. add fails only if as many live entries as there is room for are there.
//
// Callers: the CPU itself, interrupts off. Memory: what init is given, for good.
// Not promised: an order among entries of one time.
package sched

// never is later than all times.
const never = ^uint64(0)

// Timer is memory for one sleeper.
type Timer struct {
	when   uint64 // ns
	id     ID
	number uint64 // which of its sleeps
}

// timers is a heap of Timers, the earliest first.
type timers struct {
	heap []Timer
	n    int
}

// init makes the heap empty, with room for len(memory).
func (h *timers) init(memory []Timer) { h.heap, h.n = memory, 0 }

// add has due return id and number once it is when, in ns. If there is no room, it drops the entries of which alive says
// that they are void: whose task is not in that sleep any more. false: all are alive.
func (h *timers) add(when uint64, id ID, number uint64, alive func(id ID, number uint64) bool) bool {
	if h.n == len(h.heap) && !h.compact(alive) {
		return false
	}
	h.n++
	h.up(h.n-1, Timer{when, id, number})
	return true
}

// next is the earliest time that an entry, void or not, has; or never.
func (h *timers) next() uint64 {
	if h.n == 0 {
		return never
	}
	return h.heap[0].when
}

// due takes an entry out whose time has come; false: there is none. It may be void.
func (h *timers) due(now uint64) (id ID, number uint64, ok bool) {
	if h.next() > now || h.n == 0 {
		return 0, 0, false
	}
	first := h.heap[0]
	h.n--
	if h.n > 0 {
		h.down(0, h.heap[h.n])
	}
	return first.id, first.number, true
}

// compact drops the void entries, and says whether there were any.
func (h *timers) compact(alive func(id ID, number uint64) bool) bool {
	kept := 0
	for _, t := range h.heap[:h.n] {
		if alive(t.id, t.number) {
			h.heap[kept] = t
			kept++
		}
	}
	if kept == h.n {
		return false
	}
	h.n = kept
	for i := kept/2 - 1; i >= 0; i-- { // Floyd's heap construction
		h.down(i, h.heap[i])
	}
	return true
}

// up finds t's place on the way from i, which is free, to the top.
func (h *timers) up(i int, t Timer) {
	for ; i > 0 && t.when < h.heap[(i-1)/2].when; i = (i - 1) / 2 {
		h.heap[i] = h.heap[(i-1)/2]
	}
	h.heap[i] = t
}

// down finds t's place on the way from i, which is free, to the leaves.
func (h *timers) down(i int, t Timer) {
	for {
		child := 2*i + 1
		if child+1 < h.n && h.heap[child+1].when < h.heap[child].when {
			child++
		}
		if child >= h.n || t.when <= h.heap[child].when {
			break
		}
		h.heap[i] = h.heap[child]
		i = child
	}
	h.heap[i] = t
}
