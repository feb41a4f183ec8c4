// Package slab cuts frames into objects of one size, after Bonwick's slabs with magazines ("Magazines and Vmem", USENIX ATC
// 2001), per node and without locks.
//
//	slab.go      Cache: Alloc and Free, their fast paths
//	magazine.go  what they do when a magazine is empty or full
//	depot.go     a node's full and empty magazines
//	frames.go    a node's slabs: which objects of a frame are free
//	reap.go      Drain, Reap, Stats
//
//	CPU 0: loaded ○○○  previous ○○○○      CPU 1: loaded ○  previous –         of the CPU's own node
//	                       │  ▲                    ▲
//	                       ▼  │  whole magazines   │
//	depot of node 0:  full ○○○○ → ○○○○     empty – → – → –                    two stacks
//	                       │  ▲
//	                       ▼  │  objects
//	slabs of node 0:  frame 71: 0110…1   frame 902: 0000…0   frame 77: 1111…1 1: free here; all 1: the frame can go back
//
//	              Alloc  Free  Drain  Reap  Stats    X: callers exclude each other; -: may run together; own: different CPUs
//	Alloc, Free    own   own    own   own     -      may, one CPU not twice
//	Drain, Reap    own   own    own   own     -
//	Stats           -     -      -     -      -
//
// G1. An object that was allocated is nobody else's until it has been freed.
// G2. Who gets an object sees what the one who freed it wrote before.
// G3. An object is of the node that was asked for: of a frame of that node. Whichever CPU frees it, it goes back to that node.
// G4. Alloc fails only if the node has no frame left, or the cache no slab, and it met every object of the node taken, or in
// the magazines of other CPUs: at most 2 × Rounds for each of them, and what calls under way have in hand.
// G5. To free what is not allocated, or is no object of this cache, is an error and changes nothing. But if two CPUs free one
// object at the same moment, and the cache is not Exact, both may be told that it went well: then the object is in one place
// all the same, so G1 holds, and Stats counts it when it is met in the other.
// G6. A node's wholly free slabs beyond Spare give their frames back; after Drain on each CPU, and Reap, all of them have.
//
// Progress: Alloc and Free wait-free while the loaded magazine has what they need, lock-free else (as is Memory). Callers: a
// task on its CPU, preemption off; not interrupt handlers. Memory: what SetNode and Init are given, and frames. Objects are
// NOT type-stable: when all of a frame are free it may become anybody's. (With Spare as large as the number of slabs
// no frame goes back, and they are.) A new object holds zeros or what the one who freed it left.
// Not promised: that magazines of other CPUs are searched before Alloc fails; who wants that calls Drain on them. That a Free
// of what has been allocated again meanwhile is noticed. G1, in a cache that is not Exact, when of two CPUs that free one
// object at the same moment one is so slow, between its load of the object's word and the moment when its store is visible,
// that meanwhile the object has been allocated again, or its frame has gone back.
//
// Proof sketch. Each object has a word that says where it is: taken, in its slab, or in magazine number m. That word decides.
// A bit in a slab or an entry in a magazine is a hint: whoever follows it looks at the word and drops the hint if the word
// says something else. Hints have one owner at a time: an entry the CPU whose magazine it is, and a bit whoever clears it by a
// compare-and-swap; magazines change hands by one of the depot's top, whose generation never comes twice. So one hint at
// a time can agree with the word, and one CPU at a time can follow it (G1). A Free loads the word, which must say taken, and
// stores the new place: no locked instruction, for nobody else writes the word of a taken object, but another Free of the
// same one; then the last store stays (G5), even if the slab has been given back in between: who follows a hint looks
// whether there is a frame. The word and what was in the object are written before the compare-and-swap that shows the hint
// to other CPUs (G2). A slab is given back by who clears all its bits when all are set and finds that all its words say "in
// its slab": then no object of it is anywhere else. Its next life has other words for what is taken, so a late Free finds out.
package slab

import (
	"math/bits"
	"unsafe"

	"exo/kernel/mm"
	"exo/kernel/sync/atom"
)

// Error is what the cache returns.
type Error string

func (e Error) Error() string { return string(e) }

const (
	ErrNoMemory = Error("slab: out of frames")
	ErrNoSlab   = Error("slab: the cache has as many slabs as it may")
	ErrForeign  = Error("slab: not an object of this cache")
	ErrNotTaken = Error("slab: the object is not allocated")
)

// Memory is where frames come from. It is called as the cache was: on a CPU, preemption off.
type Memory interface {
	// Get returns a zeroed frame of that node and no other, whose mm.Info says mm.Slab and owner. Never frame 0.
	Get(cpu, node int, owner mm.Owner) (f mm.Frame, ok bool)
	Put(cpu int, f mm.Frame)
}

// Rounds is how many objects a magazine holds, at most.
const Rounds = 32

// Limits.
const (
	MaxCaches    = 1 << (32 - ownerID)
	MaxSlabs     = 1 << ownerLife // of a node
	MaxMagazines = 1<<topBits - 1 // of a node
)

// A frame's mm.Owner says whose it is: ID | life | slab. A slab's life changes with each frame that it gets, and is part of the
// words of its objects that are taken. So who looks up a slab, and sleeps while it gets another frame, finds another word:
// if not 256 frames have passed.
const (
	ownerLife = 18            // shift
	ownerID   = 26            // shift
	lifeMask  = 0xff << 1     // of Slab.at, and of a word
	lifeShift = ownerLife - 1 // from there to the owner
)

// Config says what a cache is.
type Config struct {
	Size, Align int   // bytes of an object, 8 to a frame; Align is a power of two, 0 for 8
	ID          uint8 // tells the cache from others, below MaxCaches
	Rounds      int   // objects in a magazine, 1 to Rounds; 0: by their size
	Spare       int   // wholly free slabs that a node keeps
	Exact       bool  // G5 without exception, for one locked instruction in Free

	Memory Memory
	Frames *mm.Frames     // knows whose a frame is
	Base   unsafe.Pointer // where frame 0 is, or would be; the others follow
	CPUs   []CPU          // one for each CPU
}

// NodeMemory is what the cache needs for a node, on that node if possible. Config.Words says how much for so many slabs.
type NodeMemory struct {
	Slabs     []Slab
	Bits      []atom.Uint64
	Objects   []atom.Uint32
	Magazines []Magazine // two for each CPU of the node; the others are what the depot can hold
}

// CPU is one CPU's part, touched by that CPU alone.
type CPU struct {
	home     *node // the CPU's own
	loaded   *Magazine
	previous *Magazine // full or empty
	n        uint32    // objects in loaded
	mark     uint32    // loaded's
	spare    uint32    // objects in previous
	next     uint32    // the slab where it looks next
	node     int       // home's number
	_        [16]byte
}

// What an object's word says: taken and its slab's life, or that it is in its slab, or the mark of a magazine.
const (
	inSlab    = 0
	firstMark = 1
	taken     = 1 << 31
)

// takenOf is the word of a taken object of a slab with that Slab.at.
func takenOf(at uint64) uint32 { return uint32(at)&lifeMask | taken }

// Cache hands out objects. Init it, SetNode for each node with memory, then SetCPU for each CPU, before use.
type Cache struct {
	base    unsafe.Pointer
	frames  *mm.Frames
	cpus    []CPU
	size    uint32 // bytes from one object to the next
	id      uint32
	inverse uint64 // 2^32 / size, rounded up
	count   uint32 // objects in a frame
	limit   uint32 // objects in a magazine
	shift   uint32 // 1 << shift words for the objects of a slab, count of them in use
	mask    uint32 // 1 << shift - 1
	exact   bool

	words  int // of bits for a slab
	spare  int64
	memory Memory

	_     [64]byte
	nodes [mm.MaxNodes]node
}

// shape is how a frame is cut: size and number of objects, and log2 of that, rounded up.
func (g *Config) shape() (size, count, shift uint32) {
	align := max(g.Align, 8)
	if g.Size < 8 || g.Size > mm.FrameSize || align&(align-1) != 0 || align > mm.FrameSize {
		panic("slab: an object has 8 to 4096 bytes, and is aligned to a power of two")
	}
	size = uint32((g.Size + align - 1) &^ (align - 1))
	count = mm.FrameSize / size
	return size, count, uint32(bits.Len32(count - 1))
}

// Words is how many words a node needs for so many slabs, in NodeMemory.Bits and NodeMemory.Objects.
func (g *Config) Words(slabs int) (bits, objects int) {
	_, count, shift := g.shape()
	return slabs * ((int(count) + 63) / 64), slabs << shift
}

// Init makes s a cache without memory.
func (s *Cache) Init(g *Config) {
	size, count, shift := g.shape()
	rounds := g.Rounds
	if rounds == 0 {
		rounds = min(Rounds, 2*int(count)) // two frames' worth
	}
	if rounds < 1 || rounds > Rounds || g.ID >= MaxCaches || g.Memory == nil || g.Frames == nil || len(g.CPUs) == 0 {
		panic("slab: a cache needs memory, magazines that hold something, and a CPU")
	}
	clear(g.CPUs)
	clear(s.nodes[:])
	s.base, s.frames, s.cpus, s.memory = g.Base, g.Frames, g.CPUs, g.Memory
	s.size, s.count, s.shift, s.mask, s.id = size, count, shift, 1<<shift-1, uint32(g.ID)
	s.inverse = (1<<32 + uint64(size) - 1) / uint64(size)
	s.limit, s.words, s.spare = uint32(rounds), (int(count)+63)/64, int64(g.Spare)
	s.exact = g.Exact
}

// SetNode gives node n its memory.
func (s *Cache) SetNode(n int, m NodeMemory) {
	if len(m.Slabs) > MaxSlabs || len(m.Slabs)<<s.shift > 1<<32-1 || len(m.Magazines) > MaxMagazines ||
		len(m.Bits) != len(m.Slabs)*s.words || len(m.Objects) != len(m.Slabs)<<s.shift {
		panic("slab: a node's memory has not the sizes that Words says")
	}
	d := &s.nodes[n]
	d.NodeMemory = m
	clear(m.Slabs)
	clear(m.Bits)
	clear(m.Objects)
	for i := range m.Magazines {
		m.Magazines[i].mark = firstMark + uint32(i)
		d.empty.push(&m.Magazines[i])
	}
}

// SetCPU says of which node a CPU is, and gives it its magazines. A node without memory has no SetNode.
func (s *Cache) SetCPU(cpu, n int) {
	c, d := &s.cpus[cpu], &s.nodes[n]
	c.home, c.node = d, n
	if len(d.Slabs) == 0 {
		return
	}
	c.loaded, c.previous = d.empty.pop(d.Magazines), d.empty.pop(d.Magazines)
	if c.loaded == nil || c.previous == nil {
		panic("slab: a node needs two magazines for each of its CPUs")
	}
	c.mark = c.loaded.mark
	c.next = uint32(cpu * len(d.Slabs) / len(s.cpus))
}

// Alloc returns an object of that node.
func (s *Cache) Alloc(cpu, n int) (unsafe.Pointer, error) {
	c := &s.cpus[cpu]
	if i := c.n - 1; i < Rounds && c.node == n {
		d, id := c.home, c.loaded.objects[i]
		w, at := &d.Objects[id], d.Slabs[id>>(s.shift&31)].at.Load()
		if w.Load() == c.mark && at >= mm.FrameSize {
			w.StoreRelease(takenOf(at))
			c.n = i
			return s.place(at, id), nil
		}
	}
	return s.allocSlowly(cpu, n)
}

// place is where an object is, of a slab with that Slab.at.
func (s *Cache) place(at uint64, id uint32) unsafe.Pointer {
	// SAFETY: the object is the caller's, so its frame is the cache's.
	return unsafe.Add(s.base, uintptr(at)&^(mm.FrameSize-1)+uintptr(id&s.mask*s.size))
}

// Free gives the object at p back.
func (s *Cache) Free(cpu int, p unsafe.Pointer) error {
	at := uintptr(p) - uintptr(s.base)
	w := s.frames.Info(mm.Frame(at / mm.FrameSize))
	owner := uint32(w.Owner())
	if w.Kind() != mm.Slab || owner>>ownerID != s.id {
		return ErrForeign
	}
	// Division by multiplication: the quotient is in the upper half, and the lower one is less than inverse if there is no
	// remainder (Lemire, Kaser & Kurz, 2019); exact for offsets in a frame.
	q := uint64(at%mm.FrameSize) * s.inverse
	i := uint32(q >> 32)
	id := owner&(MaxSlabs-1)<<(s.shift&31) + i
	d := &s.nodes[w.Node()]
	if uint32(q) >= uint32(s.inverse) || i >= s.count || uint(id) >= uint(len(d.Objects)) {
		return ErrForeign
	}
	x, was, c := &d.Objects[id], owner>>lifeShift&lifeMask|taken, &s.cpus[cpu]
	if x.Load() != was {
		return ErrNotTaken
	}
	if n := c.n; n < s.limit && c.home == d {
		if !s.exact {
			x.StoreRelease(c.mark)
		} else if !x.CompareAndSwap(was, c.mark) {
			return ErrNotTaken
		}
		c.loaded.objects[n%Rounds] = id
		c.n = n + 1
		return nil
	}
	return s.freeSlowly(cpu, d, id, was)
}
