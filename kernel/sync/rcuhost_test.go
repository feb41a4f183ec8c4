package sync

import (
	gosync "sync"
	"sync/atomic"
)

// rcuHost is a machine for RCU: its CPUs are goroutines of a test, or turns of one goroutine.
type rcuHost struct {
	RCU
	contexts   []Context
	interrupts []atomic.Int64 // how often each CPU was to look; it polls
	seen       []int64        // how many of these it has seen; touched by the CPU alone
	now        atomic.Uint64

	mu     gosync.Mutex
	stalls []stall
}

type stall struct {
	cpu   int
	g, ns uint64
}

// newRCUHost makes a machine whose CPUs are awake.
func newRCUHost(cpus int, stallNs uint64) *rcuHost {
	h := &rcuHost{contexts: make([]Context, cpus), interrupts: make([]atomic.Int64, cpus), seen: make([]int64, cpus)}
	h.Init(make([]RCUCPU, cpus), h, stallNs)
	for i := range cpus {
		h.contexts[i].CPU = i
		h.IdleExit(i)
	}
	return h
}

func (h *rcuHost) Interrupt(cpu int) { h.interrupts[cpu].Add(1) }

func (h *rcuHost) NowNs() uint64 { return h.now.Load() }

func (h *rcuHost) Stalled(cpu int, g, ns uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.stalls = append(h.stalls, stall{cpu, g, ns})
}

// poll handles an interrupt that has arrived.
func (h *rcuHost) poll(cpu int) {
	if n := h.interrupts[cpu].Load(); n != h.seen[cpu] {
		h.seen[cpu] = n
		h.tick(cpu)
	}
}

// tick is the timer interrupt of a CPU, in whatever it runs.
func (h *rcuHost) tick(cpu int) {
	h.Tick(cpu, &h.contexts[cpu])
	h.Advance(cpu, 10)
}

// settle has all CPUs, which do nothing else, tick until no callback is left.
func (h *rcuHost) settle() {
	for range 10 {
		for i := range h.contexts {
			h.tick(i)
		}
	}
}
