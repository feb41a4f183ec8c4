// Package numa knows what is near: which node each CPU and each piece of memory
// belongs to, and how far the nodes are from each other.
//
//	AddCPU, AddMemory ─▶ SetDistances ─▶ Build ─▶ Topology      numa.go    the queries
//	(the SRAT)           (the SLIT)                             builder.go how it is made
//	                                                            print.go   the boot log's lines
//
// And it gives out memory by policy, over mm.Frames, which knows nodes but no distances:
//
//	policy.go      local, bind, preferred, interleave       migrate.go  a frame's content to another node
//	alloc.go       frames by policy, and what came of it    hints.go    who uses what from afar
//	interleave.go  whose turn it is
//
// Firmware speaks of proximity domains: any 32-bit numbers. The kernel speaks of
// nodes: 0, 1, 2 … in the order of the domains' numbers. Start reading at Topology.
//
// A Topology is made once, by the boot CPU, and never changes: from then on any CPU
// may ask it anything at any time, without a lock.
package numa

import "exo/kernel/mm"

// Limits of the machines that this kernel runs on.
const (
	MaxNodes  = 16
	MaxCPUs   = 64
	MaxRanges = 128 // pieces of memory with a domain
	MaxNotes  = 8
)

// Node is the number of a node, below Topology.Nodes.
type Node uint8

// CPU is the kernel's number of a CPU, below Topology.CPUCount; the boot CPU is 0.
type CPU uint32

// CPUSet is a set of CPUs: bit i stands for CPU i.
type CPUSet uint64

// Has says whether the CPU is in the set.
func (s CPUSet) Has(c CPU) bool { return s>>c&1 != 0 }

// Domain is a proximity domain, as firmware numbers it.
type Domain uint32

// Distances between nodes, in tenths of the time that local memory takes.
const (
	Local       = 10
	Remote      = 20  // assumed where firmware does not say
	Unreachable = 255 // ACPI 6.5 §5.2.17
)

// Error is a fault in what the Builder was fed.
type Error string

func (e Error) Error() string { return string(e) }

// What the Builder returns.
const (
	ErrTooManyNodes  = Error("numa: more proximity domains than the limit of 16 nodes, the rest is folded into node 15")
	ErrTooManyCPUs   = Error("numa: a CPU number is beyond the limit of 64 CPUs")
	ErrTooManyRanges = Error("numa: memory with a domain is in more pieces than the limit of 128")
	ErrRange         = Error("numa: a memory range ends past the last physical address")
	ErrDistances     = Error("numa: distances are missing or impossible, assumed 10 local and 20 remote")
	ErrOrder         = Error("numa: a CPU or memory was added after the distances")
)

// Note is something odd that Build coped with, for the boot log.
type Note struct {
	Text string
	Arg  uint64 // the CPU or the address it is about, as Text says
}

// span gives the addresses from start up to the next span's start to a node.
type span struct {
	start mm.PhysAddr
	node  Node
}

// Topology is the machine as the kernel sees it.
//
// Each address belongs to exactly one node, also where firmware named none: what lies
// above a range with a domain and below the next one goes with the lower one, and what
// lies below all of them with node 0. Firmware leaves such gaps when it takes some of a
// node's memory for itself, and what is left around them is near that node.
type Topology struct {
	nodes  int
	cpus   int
	domain [MaxNodes]Domain
	nodeOf [MaxCPUs]Node
	cpuSet [MaxNodes]CPUSet
	bytes  [MaxNodes]uint64
	dist   [MaxNodes][MaxNodes]uint8
	near   [MaxNodes][MaxNodes]Node
	spans  [2*MaxRanges + 1]span // sorted; the first starts at 0
	nSpans int

	Notes  [MaxNotes]Note // the first ones
	NNotes int            // all, also those for which there was no place
}

// Nodes returns the number of nodes, at least 1 once built.
func (t *Topology) Nodes() int { return t.nodes }

// CPUCount returns the number of CPUs.
func (t *Topology) CPUCount() int { return t.cpus }

// NodeOf returns the node of a CPU; c is below MaxCPUs.
func (t *Topology) NodeOf(c CPU) Node { return t.nodeOf[c] }

// CPUs returns the CPUs of a node, none for one that is only memory.
func (t *Topology) CPUs(n Node) CPUSet { return t.cpuSet[n] }

// Bytes returns how much usable memory a node has, 0 for one that is only CPUs.
func (t *Topology) Bytes(n Node) uint64 { return t.bytes[n] }

// Domain returns the proximity domain that became node n.
func (t *Topology) Domain(n Node) Domain { return t.domain[n] }

// Distance returns how far memory of node b is from a CPU of node a: 10 is local, 20
// twice as far, 255 unreachable or no such node. It need not equal Distance(b, a).
func (t *Topology) Distance(a, b Node) uint8 {
	if int(a) >= t.nodes || int(b) >= t.nodes {
		return Unreachable
	}
	return t.dist[a][b]
}

// Nearest returns the i-th nearest node as seen from node n, i below Nodes: the 0-th
// is n itself, then they go by Distance(n, ·), and by number where that is equal.
func (t *Topology) Nearest(n Node, i int) Node { return t.near[n][i] }

// NodeOfAddr returns the node that an address belongs to.
func (t *Topology) NodeOfAddr(a mm.PhysAddr) Node {
	lo, hi := 0, t.nSpans // the last span that starts at or below a is in [lo, hi)
	for hi-lo > 1 {
		if mid := int(uint(lo+hi) / 2); t.spans[mid].start <= a {
			lo = mid
		} else {
			hi = mid
		}
	}
	return t.spans[lo].node
}

// Ranges yields the ranges of addresses that belong to a node, in order of address. They
// hold all memory of the node, and holes and devices besides: what is usable in
// them an mm.Map tells.
func (t *Topology) Ranges(n Node, yield func(mm.Range) bool) {
	for i := range t.nSpans {
		if t.spans[i].node != n {
			continue
		}
		end := mm.PhysLimit
		if i+1 < t.nSpans {
			end = t.spans[i+1].start
		}
		start := t.spans[i].start
		if !yield(mm.Range{Base: start, Len: uint64(end - start)}) {
			return
		}
	}
}
