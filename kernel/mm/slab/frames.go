package slab

import (
	"math/bits"

	"exo/kernel/mm"
	"exo/kernel/sync/atom"
)

// The slabs of a node. A bit for each object says that it is free here; a slab that has no frame has no bits, nor has one
// that is just being built or given back, so who looks for objects need not know. Bits do not need generations: whatever
// happened in between, a bit that is set stands for an object that is free.

// node is one node's part.
type node struct {
	NodeMemory
	full, empty stack // the depot

	idle   atom.Int64  // slabs all of whose objects are free here, about
	slabs  atom.Int64  // with a frame
	remote atom.Uint64 // objects freed by CPUs of other nodes
	twice  atom.Uint64 // hints that were wrong: objects that were freed twice at the same moment (G5)
	_      [32]byte
}

// Slab is one frame's worth of objects.
type Slab struct {
	at    atom.Uint64 // where its frame is, from Base on, 0 if it has none; with its life; and perhaps claimed
	whole atom.Uint32 // how many of its words have all bits set, about
	_     [4]byte
}

// claimed is in Slab.at while the slab is being built, without a frame, or given back, with one.
const claimed = 1

// hasFrame says whether a slab with that Slab.at has one.
func hasFrame(at uint64) bool { return at >= mm.FrameSize }

// all is word k of a slab when all its objects are free.
func (s *Cache) all(k int) uint64 {
	return ^uint64(0) >> (64 - min(int(s.count)-64*k, 64))
}

// take takes up to want objects of one slab, the first after the one where the CPU found some last, marks them and puts
// them into a magazine. It returns how many there were, and the slab's at.
func (s *Cache) take(d *node, next *uint32, mark uint32, into []uint32, want int) (n int, at uint64) {
	for range d.Slabs {
		if int(*next) >= len(d.Slabs) {
			*next = 0
		}
		for k := range s.words {
			if n, at = s.takeOf(d, *next, k, mark, into, want); n > 0 {
				return n, at
			}
		}
		*next++
	}
	return 0, 0
}

// takeOf is take for one word of a slab.
func (s *Cache) takeOf(d *node, slab uint32, k int, mark uint32, into []uint32, want int) (n int, at uint64) {
	word := &d.Bits[int(slab)*s.words+k]
	for v := word.Load(); v != 0; v = word.Load() {
		rest := v
		for range want {
			rest &= rest - 1
		}
		if !word.CompareAndSwap(v, rest) { // order: pairs with give's (G2)
			continue
		}
		if v == s.all(k) {
			d.lessWhole(slab, s.words)
		}
		at = d.Slabs[slab].at.Load()
		if mark == taken {
			mark = takenOf(at)
		}
		for got := v &^ rest; got != 0; got &= got - 1 {
			id := slab<<s.shift + uint32(64*k+bits.TrailingZeros64(got))
			if d.Objects[id].Load() != inSlab || !hasFrame(at) {
				d.twice.Add(1)
				continue
			}
			d.Objects[id].StoreRelease(mark)
			into[n] = id
			n++
		}
		if n > 0 {
			return n, at
		}
	}
	return 0, 0
}

// give gives an object to its slab, and the slab's frame back if that has become one too many. from is what the object's word
// says; if it says something else, the object is elsewhere.
func (s *Cache) give(cpu int, d *node, id, from uint32) bool {
	slab, i := id>>s.shift, id&s.mask
	if !d.Objects[id].CompareAndSwap(from, inSlab) {
		return false
	}
	if at := d.Slabs[slab].at.Load(); !hasFrame(at) && at&claimed == 0 {
		d.twice.Add(1)
		return true
	}
	k := int(i / 64)
	if d.setBits(s, slab, k, 1<<(i%64)) && d.idle.Load() > s.spare {
		s.retire(cpu, d, slab)
	}
	return true
}

// setBits sets bits of word k, and says whether the slab is idle now, if that is certain.
func (d *node) setBits(s *Cache, slab uint32, k int, set uint64) (idle bool) {
	word := &d.Bits[int(slab)*s.words+k]
	for {
		v := word.Load()
		if word.CompareAndSwap(v, v|set) { // order: publishes the objects; pairs with takeOf's (G2)
			if v&set != 0 {
				d.twice.Add(1) // two hints have become one
			}
			return v|set == s.all(k) && v != s.all(k) && d.moreWhole(slab, s.words)
		}
	}
}

// lessWhole and moreWhole note that a word of a slab has not all bits set any more, or has them now.
func (d *node) lessWhole(slab uint32, words int) {
	if d.Slabs[slab].whole.Add(^uint32(0)) == uint32(words)-1 {
		d.idle.Add(-1)
	}
}

func (d *node) moreWhole(slab uint32, words int) bool {
	if d.Slabs[slab].whole.Add(1) != uint32(words) {
		return false
	}
	d.idle.Add(1)
	return true
}

// grow makes a slab of a new frame.
func (s *Cache) grow(cpu int, d *node, next *uint32) error {
	for range d.Slabs {
		if int(*next) >= len(d.Slabs) {
			*next = 0
		}
		b := &d.Slabs[*next]
		last := b.at.Load()
		if !hasFrame(last) && last&claimed == 0 && b.at.CompareAndSwap(last, last|claimed) {
			life := (last + 2) & lifeMask
			f, ok := s.memory.Get(cpu, s.number(d), mm.Owner(s.id<<ownerID|uint32(life)<<lifeShift|*next))
			if !ok {
				b.at.Store(last) // not later, for others must see that the slab can be had (G4)
				return ErrNoMemory
			}
			d.slabs.Add(1)
			b.at.StoreRelease(uint64(f)<<mm.FrameShift | life)
			for k := range s.words {
				d.setBits(s, *next, k, s.all(k))
			}
			return nil
		}
		*next++
	}
	return ErrNoSlab
}

// number is d's.
func (s *Cache) number(d *node) int {
	for n := range s.nodes {
		if d == &s.nodes[n] {
			return n
		}
	}
	panic("slab: a node of another cache")
}

// retire gives a slab's frame back if all its objects are free.
func (s *Cache) retire(cpu int, d *node, slab uint32) bool {
	for k := range s.words {
		if !d.Bits[int(slab)*s.words+k].CompareAndSwap(s.all(k), 0) {
			for k > 0 {
				k--
				d.setBits(s, slab, k, s.all(k))
			}
			return false
		}
		d.lessWhole(slab, s.words)
	}
	b := &d.Slabs[slab]
	at := b.at.Load()
	if !hasFrame(at) || at&claimed != 0 || !b.at.CompareAndSwap(at, at|claimed) {
		d.giveBack(s, slab)
		return false
	}
	if d.missing(s, slab) { // order: after the claim, which those see who follow a hint (G5)
		b.at.StoreRelease(at)
		d.giveBack(s, slab)
		return false
	}
	d.slabs.Add(-1)
	b.at.StoreRelease(at & lifeMask) // from here on the slab is whoever's who claims it
	s.memory.Put(cpu, mm.Frame(at>>mm.FrameShift))
	return true
}

// missing says whether an object of a slab whose bits are the caller's is not there by its word: it was freed twice at the
// same moment, and is in a magazine.
func (d *node) missing(s *Cache, slab uint32) bool {
	for i := range s.count {
		if d.Objects[slab<<s.shift+i].Load() != inSlab {
			return true
		}
	}
	return false
}

// giveBack sets the bits of a slab, but for those that are missing.
func (d *node) giveBack(s *Cache, slab uint32) {
	for i := range s.count {
		if d.Objects[slab<<s.shift+i].Load() == inSlab {
			d.setBits(s, slab, int(i/64), 1<<(i%64))
		} else {
			d.twice.Add(1)
		}
	}
}
