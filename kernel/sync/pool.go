// Package sync … pool.go: free slots of a type-stable array, a stock per CPU and a depot for all (Bonwick & Adams,
// USENIX 2001, §3, with chains for magazines).
//
//	CPU 0: current ○○○  spare ○○○○   CPU 1: current ○  spare –        a chain: slot → slot → …
//	                        │  ▲                       ▲
//	                        ▼  │  whole batches        │
//	depot:               ○○○○ → ○○○○ → ○○○○            a Treiber stack of batches, tagged
//
//	            Get  Put  Free        X: callers exclude each other; -: may run together
//	Get (cpu)   own   own   X         own: not twice on one CPU; different CPUs may
//	Put (cpu)   own   own   X
//
// G1. A slot that was got is nobody else's until it is put.
// G2. Whoever gets a slot sees what the one who put it wrote before.
// G3. Get fails only if no slot is free but those in other CPUs' stocks: at most 2 × batch for each.
//
// Progress: wait-free, but for one lock-free exchange with the depot per batch. Callers: a task on its CPU, preemption
// off; not interrupt handlers. Memory: the links, given at Init.
//
// Proof sketch. Stocks are touched by their CPU alone. A batch changes hands only by the compare-and-swap of the depot's
// top, whose generation changes each time: two CPUs that read the same top cannot both succeed, and one that read the
// link of a batch that has left meanwhile finds another generation (G1). That compare-and-swap orders the links before
// it (G2).
package sync

import "exo/kernel/sync/atom"

// Pool hands out the numbers of slots 1 … n-1; what they are slots of is up to the caller.
type Pool struct {
	links []Link
	cpus  []PoolCPU
	batch uint32

	_     [64]byte
	depot atom.Uint64 // Ref of the topmost batch's first slot
	_     [56]byte
}

// Link is a Pool's word for one slot.
type Link struct {
	rest  chain       // of the chain that this slot is first of; touched by whoever has it
	batch atom.Uint32 // the batch below, by its first slot, if this slot is first of one; read by whoever looks at the depot
}

// PoolCPU is one CPU's stock, touched by that CPU alone.
type PoolCPU struct {
	current chain  // less than a batch
	spare   uint32 // first of a whole batch, or 0
	_       [52]byte
}

// chain is a chain of slots: the first one's number in the upper half, how many in the lower. One word, for each store
// has to leave the store buffer before the compare-and-swap that follows.
type chain uint64

func (c chain) first() uint32       { return uint32(c >> 32) }
func (c chain) len() uint32         { return uint32(c) }
func (c chain) with(i uint32) chain { return chain(i)<<32 | chain(uint32(c)+1) }

// maxBatch is how many slots change hands at once, where there are plenty.
const maxBatch = 32

// Init makes all slots but 0 free. len(links) is the number of slots, at most MaxSlots; len(cpus) that of CPUs.
func (p *Pool) Init(links []Link, cpus []PoolCPU) {
	if len(links) < 2 || len(links) > MaxSlots || len(cpus) == 0 {
		panic("sync: a pool needs 1 to 2^24-1 slots and a CPU")
	}
	p.links, p.cpus = links, cpus
	clear(cpus)
	p.depot.Store(0)
	n := uint32(len(links) - 1)
	p.batch = min(max(n/(4*uint32(len(cpus))), 1), maxBatch)
	for i := n; i >= 1; i-- { // so that CPU 0 gets slot 1 first
		p.Put(0, i)
	}
}

// Get takes a slot, or returns 0: none.
func (p *Pool) Get(cpu int) uint32 {
	c := &p.cpus[cpu]
	i := c.current.first()
	if i == 0 {
		return p.refill(c)
	}
	c.current = p.links[i].rest
	return i
}

// Put gives slot i back.
func (p *Pool) Put(cpu int, i uint32) {
	c := &p.cpus[cpu]
	p.links[i].rest = c.current
	c.current = c.current.with(i)
	if c.current.len() == p.batch {
		p.spill(c)
	}
}

// spill sets a whole batch aside, and gives the one that was set aside before to all.
//
//go:noinline
func (p *Pool) spill(c *PoolCPU) {
	if c.spare != 0 {
		p.deposit(c.spare)
	}
	c.spare, c.current = c.current.first(), 0
}

// refill gets a batch for an empty stock, and a slot of it.
//
//go:noinline
func (p *Pool) refill(c *PoolCPU) uint32 {
	i := c.spare
	c.spare = 0
	if i == 0 {
		i = p.withdraw()
	}
	if i != 0 {
		c.current = p.links[i].rest
	}
	return i
}

// withdraw takes a batch out of the depot, or returns 0.
func (p *Pool) withdraw() uint32 {
	for {
		top := Ref(p.depot.Load())
		i := top.index()
		if i == 0 {
			return 0
		}
		below := p.links[i].batch.Load() // of another time, if the batch has left: then top's generation is old
		if p.depot.CompareAndSwap(uint64(top), uint64(top.later(below))) {
			return i
		}
	}
}

// deposit gives the batch that begins with slot i to all.
func (p *Pool) deposit(i uint32) {
	for {
		top := Ref(p.depot.Load())
		p.links[i].batch.StoreRelease(top.index())
		if p.depot.CompareAndSwap(uint64(top), uint64(top.later(i))) { // order: publishes the chain; pairs with withdraw's (G2)
			return
		}
	}
}

// Free counts the free slots. Nothing else may run.
func (p *Pool) Free() (n int) {
	for i := range p.cpus {
		n += int(p.cpus[i].current.len())
		if p.cpus[i].spare != 0 {
			n += int(p.batch)
		}
	}
	for i := Ref(p.depot.Load()).index(); i != 0; i = p.links[i].batch.Load() {
		n += int(p.batch)
	}
	return n
}
