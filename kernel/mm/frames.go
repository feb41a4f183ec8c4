// Package mm … frames.go: the allocator of frames, per node and without locks, after LLFree (Wrenger et al., USENIX ATC
// 2023): a bit for each frame, a count for each area of 2 MiB, and a reservation for each CPU.
//
//	node 0   area:      0        1        2        3   …          one area = 512 frames = 2 MiB
//	         count:    512       37       0     taken whole
//	         bits:  00000000  10110111  11111111  00000000        8 words an area; 1: not to be had
//	                              ▲
//	CPU 1 reserves   32 frames ──┘  stock: ○●○○●…                one word: which 32, and which of them are left
//
//	                 Alloc*  Free*  Share  Info     X: callers exclude each other; -: may run together; own: different CPUs
//	Alloc*, Free*     own     own     -      -      may, one CPU not twice, for each writes what is its own (FrameCPU)
//	Share, Info        -       -      -      -      Alloc*: Alloc, AllocAt, AllocRun, AllocHuge; Free*: Free, FreeHuge;
//	                                                those of FrameCPU too
//
// G1. A frame that was allocated is nobody else's until it has been freed.
// G2. Who gets a frame sees what the one who freed it wrote before.
// G3. A frame is freed to its own node, whichever CPU frees it.
// G4. Alloc fails only if it met every frame of the node taken: by somebody, or for a moment by a call under way; AllocAt,
// only if it met its frame so.
// G5. To free what is not allocated, or to allocate what does not exist, is an error and changes nothing.
//
// Progress: lock-free. Callers: any, preemption off; not interrupt handlers. Memory: the arrays given at Init.
// Not promised: that AllocHuge finds 2 MiB in memory that is free but scattered. Fragmentation says how it stands.
//
// Proof sketch. A count is a right: who wants k frames of an area first takes k from its count, and then sets k bits; who
// frees first clears the bit, and then adds to the count. So the free bits of an area are never fewer than its count and
// the rights taken together, and whoever has a right finds a bit, or gives the right back. The area as a whole is taken by
// the step from 512 to "whole", which can only succeed when nobody has a right or a bit in it. A bit is set by a
// compare-and-swap, so by one (G1), and so are the bits of a stock, which others may take, too, when there is nothing else.
package mm

import (
	"math/bits"

	"exo/kernel/sync/atom"
)

// HugeFrames is how many frames make one of 2 MiB.
const HugeFrames = 512

const (
	wordsPerArea = HugeFrames / 64
	unitFrames   = 32 // what a CPU reserves at once
	wholeArea    = 1 << 16
	noFrame      = ^Frame(0)

	countsPerLine = 16 // of the cache: CPUs look for 2 MiB in different ones
)

// What the allocator returns.
const (
	ErrNoMemory  = Error("mm: out of frames")
	ErrTaken     = Error("mm: the frame is taken")
	ErrNotTaken  = Error("mm: the frame is not allocated")
	ErrWild      = Error("mm: there is no such frame")
	ErrSize      = Error("mm: not the size that the frame was allocated with")
	ErrRunLength = Error("mm: a run is 1 to 512 frames, aligned to a power of two")
	ErrRefs      = Error("mm: too many references to a frame")
)

// Frames gives out the frames of all nodes. Init it, and Add memory, before use.
type Frames struct {
	info  []atom.Uint64 // Info of each frame, by its number
	nodes [MaxNodes]nodeFrames
}

// NodeMemory is the memory that the allocator needs for a node.
type NodeMemory struct {
	First  Frame         // of the node's first area: a multiple of HugeFrames
	Counts []atom.Uint32 // one for each area from there to the node's last
	Bits   []atom.Uint64 // eight for each
	CPUs   []FrameCPU    // one for each CPU
}

type nodeFrames struct {
	NodeMemory
	total uint64 // frames that were added
	_     [64]byte
}

// FrameCPU is one CPU's reservation on one node. Who allocates there often keeps its address.
type FrameCPU struct {
	stock atom.Uint64 // unit (frame number / 32) in the upper half, which of its frames are left in the lower; others only take
	out   atom.Int64  // frames that this CPU took from areas, less those that it put there; written by the CPU alone
	area  int         // where it looks next for frames, and
	whole int         // below which area for 2 MiB; both touched by the CPU alone

	// What does not change: here, so that it costs one load.
	info  []atom.Uint64
	taken Info // the word of the node's frames with one reference, but for kind and owner
	free  Info // the word of those that are free
	node  *nodeFrames
	all   *Frames
	cpu   int
	_     [32]byte
}

// Init makes f empty. info has a word for each frame number up to the last one.
func (f *Frames) Init(info []atom.Uint64) {
	clear(info)
	f.info = info
	clear(f.nodes[:])
}

// SetNode gives node its memory, before frames are added to it.
func (f *Frames) SetNode(node int, m NodeMemory) {
	if m.First%HugeFrames != 0 || len(m.Bits) != wordsPerArea*len(m.Counts) || len(m.CPUs) == 0 {
		panic("mm: a node needs a count and eight words for each 2 MiB, and a CPU")
	}
	clear(m.Counts)
	for i := range m.Bits {
		m.Bits[i].StoreRelease(^uint64(0))
	}
	clear(m.CPUs)
	f.nodes[node] = nodeFrames{NodeMemory: m}
	for i := range m.CPUs {
		c := &m.CPUs[i]
		c.area = i * len(m.Counts) / len(m.CPUs)
		c.whole = max(len(m.Counts)-i*countsPerLine, 0)
		c.bind(f, i, node)
	}
}

func (c *FrameCPU) bind(f *Frames, cpu, node int) {
	c.all, c.node, c.cpu, c.info = f, &f.nodes[node], cpu, f.info
	c.taken, c.free = newInfo(0, node, 0), freeInfo(node)
}

// CPU is a CPU's reservation on a node: what it does there is faster by that than by Frames. nil if there can be none.
func (f *Frames) CPU(cpu, node int) *FrameCPU {
	if d := &f.nodes[node]; uint(cpu) < uint(len(d.CPUs)) {
		return &d.CPUs[cpu]
	}
	return nil
}

// Add makes the n frames from first on node's, and free. One CPU alone, before others allocate.
func (f *Frames) Add(node int, first Frame, n uint64) {
	d := &f.nodes[node]
	f.describe(first, n, freeInfo(node))
	d.total += n
	for at, end := first-d.First, first-d.First+Frame(n); at < end; {
		word, next := at/64, min(end, at/64*64+64)
		mask := ^uint64(0) >> (64 - (next - at)) << (at % 64)
		d.Bits[word].StoreRelease(d.Bits[word].Load() &^ mask)
		c := &d.Counts[at/HugeFrames]
		c.StoreRelease(c.Load() + uint32(next-at))
		at = next
	}
}

// AddTaken makes the n frames from first on node's, and taken for good: kind is Boot, mostly.
func (f *Frames) AddTaken(node int, first Frame, n uint64, kind FrameKind) {
	f.describe(first, n, newInfo(kind, node, 0)-1<<infoRefs) // no reference, so that nobody frees them
}

func (f *Frames) describe(first Frame, n uint64, i Info) {
	info := f.info[first : first+Frame(n)]
	for j := range info {
		if Info(info[j].Load()).Kind() != NoFrame {
			panic("mm: a frame is added twice")
		}
		info[j].StoreRelease(uint64(i))
	}
}

// Info says whose a frame is; the zero Info for one that does not exist.
func (f *Frames) Info(i Frame) Info {
	if uint64(i) >= uint64(len(f.info)) {
		return 0
	}
	w := Info(f.info[i].Load())
	if w.Kind() == FreeFrame {
		// One of 2 MiB has its word at its first frame.
		if h := Info(f.info[i&^(HugeFrames-1)].Load()); h.Huge() {
			return h
		}
	}
	return w
}

// Total is how many frames node has, allocated or not; those that were added as taken do not count.
func (f *Frames) Total(node int) uint64 { return f.nodes[node].total }

// FreeCount is how many of them are not allocated, at about this time.
func (f *Frames) FreeCount(node int) uint64 {
	free := int64(f.nodes[node].total)
	for i := range f.nodes[node].CPUs {
		c := &f.nodes[node].CPUs[i]
		free += int64(bits.OnesCount32(uint32(c.stock.Load()))) - c.out.Load()
	}
	return uint64(max(free, 0))
}

// count notes that the CPU took n frames from areas, or put -n there.
func (c *FrameCPU) count(n int64) { c.out.StoreRelease(c.out.Load() + n) }

// Alloc returns a frame of node, for kind and owner, with one reference.
func (f *Frames) Alloc(cpu, node int, kind FrameKind, owner Owner) (Frame, error) {
	if i := f.alloc(cpu, node, kind, owner); i != noFrame {
		return i, nil
	}
	return 0, ErrNoMemory
}

// alloc is Alloc with noFrame for an error.
//
//go:nosplit
func (f *Frames) alloc(cpu, node int, kind FrameKind, owner Owner) Frame {
	if d := &f.nodes[node]; uint(cpu) < uint(len(d.CPUs)) {
		return d.CPUs[cpu].alloc(kind, owner)
	}
	return noFrame
}

// Alloc is Frames.Alloc, on the node of the reservation. Both are inlined, and make an error only for who looks at it.
func (c *FrameCPU) Alloc(kind FrameKind, owner Owner) (Frame, error) {
	if i := c.alloc(kind, owner); i != noFrame {
		return i, nil
	}
	return 0, ErrNoMemory
}

// alloc takes from the stock. What is called for each frame has no stack check (it needs no more than a leaf), and one
// result.
//
//go:nosplit
func (c *FrameCPU) alloc(kind FrameKind, owner Owner) Frame {
	if s := c.stock.Load(); uint32(s) != 0 {
		if c.stock.CompareAndSwap(s, s&(s-1)) { // order: pairs with drop's (G2)
			i := firstLeft(s)
			c.info[i].StoreRelease(uint64(c.word(kind, owner)))
			return i
		}
	}
	return c.allocSlowly(kind, owner)
}

// word is that of a frame that the CPU takes.
func (c *FrameCPU) word(kind FrameKind, owner Owner) Info {
	return c.taken | Info(kind) | Info(owner)<<infoOwner
}

// allocSlowly is alloc when there is nothing in the stock, or another takes from it, too.
//
//go:noinline
func (c *FrameCPU) allocSlowly(kind FrameKind, owner Owner) Frame {
	d := c.node
	i, ok := c.take()
	for !ok && d.refill(c) {
		i, ok = c.take()
	}
	for other := 0; !ok && other < len(d.CPUs); other++ {
		i, ok = d.CPUs[other].take()
	}
	if !ok {
		return noFrame
	}
	c.info[i].StoreRelease(uint64(c.word(kind, owner)))
	return i
}

// take takes a frame from a stock, any CPU's.
func (c *FrameCPU) take() (Frame, bool) {
	for s := c.stock.Load(); uint32(s) != 0; s = c.stock.Load() {
		if c.stock.CompareAndSwap(s, s&(s-1)) {
			return firstLeft(s), true
		}
	}
	return 0, false
}

// firstLeft is the first frame of a stock.
func firstLeft(s uint64) Frame {
	return Frame(s>>32*unitFrames) + Frame(bits.TrailingZeros32(uint32(s)))
}

// Free gives up one reference to a frame; with the last one it is free. It says whether it was.
func (f *Frames) Free(cpu int, i Frame) (freed bool, err error) {
	r := f.drop(cpu, i)
	return r == droppedLast, dropErrors[r&7]
}

// drop is Free by the reservation on the frame's node.
//
//go:nosplit
func (f *Frames) drop(cpu int, i Frame) dropped {
	if info := f.info; uint64(i) < uint64(len(info)) {
		d := &f.nodes[Info(info[i].Load()).Node()]
		if uint(cpu) < uint(len(d.CPUs)) {
			return d.CPUs[cpu].drop(i)
		}
	}
	return droppedWild
}

// Free is Frames.Free, for a frame of any node.
func (c *FrameCPU) Free(i Frame) (freed bool, err error) {
	r := c.drop(i)
	return r == droppedLast, dropErrors[r&7]
}

// dropped is what came of giving up a reference.
type dropped uint8

const (
	droppedLast dropped = iota // it is free now
	droppedOne
	droppedWild
	droppedNotTaken
	droppedSize
)

var dropErrors = [8]error{droppedWild: ErrWild, droppedNotTaken: ErrNotTaken, droppedSize: ErrSize}

// drop frees a frame of the reservation's node if it is the last reference: into the stock if it is of that unit, and nobody
// takes from it just now.
//
//go:nosplit
func (c *FrameCPU) drop(i Frame) dropped {
	if info := c.info; uint64(i) < uint64(len(info)) {
		if w := Info(info[i].Load()); w.likeTaken(c.taken) {
			if info[i].CompareAndSwap(uint64(w), uint64(c.free)) { // of two who free it, one gets here
				s := c.stock.Load()
				if s>>32 == uint64(i)/unitFrames {
					if c.stock.CompareAndSwap(s, s|1<<(i%unitFrames)) { // order: pairs with alloc's (G2)
						return droppedLast
					}
				}
				return c.giveBack(i)
			}
		}
	}
	return c.dropSlowly(i, false)
}

// dropSlowly gives up a reference to a frame, or to 2 MiB if that is said, that is shared, of another node, or wrong.
//
//go:noinline
func (c *FrameCPU) dropSlowly(i Frame, huge bool) dropped {
	if uint64(i) >= uint64(len(c.info)) {
		return droppedWild
	}
	for {
		w := Info(c.info[i].Load())
		switch {
		case w.Kind() == NoFrame:
			return droppedWild
		case w.Refs() == 0:
			return droppedNotTaken
		case w.Huge() != huge:
			return droppedSize
		case w.Refs() > 1:
			if c.info[i].CompareAndSwap(uint64(w), uint64(w-1<<infoRefs)) {
				return droppedOne
			}
		case huge:
			return c.all.nodes[w.Node()].CPUs[c.cpu].dropHuge(i) // of its node, or the others have given up theirs meanwhile
		default:
			return c.all.nodes[w.Node()].CPUs[c.cpu].drop(i) // the same
		}
	}
}

// Relabel writes down what a frame is that is the caller's alone: its Info As something else.
func (f *Frames) Relabel(i Frame, w Info) { f.info[i].StoreRelease(uint64(w)) }

// Share adds a reference to an allocated frame.
func (f *Frames) Share(i Frame) error {
	if uint64(i) >= uint64(len(f.info)) {
		return ErrWild
	}
	for {
		w := Info(f.info[i].Load())
		switch {
		case w.Kind() == NoFrame:
			return ErrWild
		case w.Refs() == 0:
			return ErrNotTaken
		case w.Refs() == maxRefs:
			return ErrRefs
		case f.info[i].CompareAndSwap(uint64(w), uint64(w+1<<infoRefs)):
			return nil
		}
	}
}
