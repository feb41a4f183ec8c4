package mm

import (
	"math/bits"

	"exo/kernel/sync/atom"
)

// Allocation of what is larger than a frame, and of a frame that the caller names (frames.go).

// AllocHuge returns the first frame of 2 MiB of node, aligned to that.
func (f *Frames) AllocHuge(cpu, node int, kind FrameKind, owner Owner) (Frame, error) {
	if c := f.CPU(cpu, node); c != nil {
		return c.AllocHuge(kind, owner)
	}
	return 0, ErrNoMemory
}

// AllocHuge is Frames.AllocHuge, on the node of the reservation.
func (c *FrameCPU) AllocHuge(kind FrameKind, owner Owner) (Frame, error) {
	if i := c.allocHuge(kind, owner); i != noFrame {
		return i, nil
	}
	return 0, ErrNoMemory
}

// allocHuge tries the area below the last one that the CPU took.
//
//go:nosplit
func (c *FrameCPU) allocHuge(kind FrameKind, owner Owner) Frame {
	counts := c.node.Counts
	if area := c.whole - 1; uint(area) < uint(len(counts)) {
		if counts[area].CompareAndSwap(HugeFrames, wholeArea) {
			return c.wholeIs(area, c.word(kind, owner))
		}
	}
	return c.allocHugeSlowly(kind, owner)
}

// wholeIs writes down whose an area is that the caller has just won.
func (c *FrameCPU) wholeIs(area int, w Info) Frame {
	i := c.node.First + Frame(area)*HugeFrames
	c.info[i].StoreRelease(uint64(w | 1<<infoHuge))
	c.whole = area
	c.count(HugeFrames)
	return i
}

// allocHugeSlowly is allocHuge when the area below the last one is not to be had.
//
//go:noinline
func (c *FrameCPU) allocHugeSlowly(kind FrameKind, owner Owner) Frame {
	d := c.node
	area, ok := d.takeWhole(c)
	if !ok {
		d.unreserve(c)
		if area, ok = d.takeWhole(c); !ok {
			return noFrame
		}
	}
	return c.wholeIs(area, c.word(kind, owner))
}

// takeWhole takes an area of which nothing is taken: from the far end, for single frames are taken from the near one. It
// goes on below where the CPU found the last one, or where it freed one above that.
func (d *nodeFrames) takeWhole(c *FrameCPU) (int, bool) {
	counts, area := d.Counts, c.whole
	for range counts {
		if area == 0 {
			area = len(counts)
		}
		area--
		if n := &counts[area]; n.Load() == HugeFrames && n.CompareAndSwap(HugeFrames, wholeArea) {
			return area, true
		}
	}
	return 0, false
}

// unreserve gives back what CPUs have reserved.
func (d *nodeFrames) unreserve(c *FrameCPU) {
	for i := range d.CPUs {
		for s := d.CPUs[i].stock.Load(); uint32(s) != 0; s = d.CPUs[i].stock.Load() {
			if !d.CPUs[i].stock.CompareAndSwap(s, s>>32<<32) {
				continue
			}
			area, word, _ := d.place(Frame(s >> 32 * unitFrames))
			n := bits.OnesCount32(uint32(s))
			d.clearBits(word, uint64(uint32(s))<<(s>>32%2*unitFrames))
			d.Counts[area].Add(uint32(n))
			c.count(-int64(n))
		}
	}
}

// FreeHuge gives up one reference to 2 MiB that AllocHuge returned.
func (f *Frames) FreeHuge(cpu int, i Frame) (freed bool, err error) {
	if uint64(i) < uint64(len(f.info)) {
		if c := f.CPU(cpu, Info(f.info[i].Load()).Node()); c != nil {
			return c.FreeHuge(i)
		}
	}
	return false, ErrWild
}

// FreeHuge is Frames.FreeHuge, for 2 MiB of any node.
func (c *FrameCPU) FreeHuge(i Frame) (freed bool, err error) {
	r := c.dropHuge(i)
	return r == droppedLast, dropErrors[r&7]
}

// dropHuge is FreeHuge if it is the last reference.
//
//go:nosplit
func (c *FrameCPU) dropHuge(i Frame) dropped {
	if info := c.info; uint64(i) < uint64(len(info)) {
		if w := Info(info[i].Load()); w.likeTaken(c.taken | 1<<infoHuge) {
			if info[i].CompareAndSwap(uint64(w), uint64(c.free)) {
				d := c.node
				area := int((i - d.First) / HugeFrames)
				d.Counts[area].Store(HugeFrames) // nobody else writes it now; not later, for what is free must be seen (G4)
				c.whole = max(c.whole, area+1)
				c.count(-HugeFrames)
				return droppedLast
			}
		}
	}
	return c.dropSlowly(i, true)
}

// AllocAt returns that very frame.
func (f *Frames) AllocAt(cpu int, i Frame, kind FrameKind, owner Owner) error {
	if uint64(i) >= uint64(len(f.info)) {
		return ErrWild
	}
	w := Info(f.info[i].Load())
	if w.Kind() == NoFrame {
		return ErrWild
	}
	d := &f.nodes[w.Node()]
	if w.Kind() != FreeFrame || !d.takeFrame(&d.CPUs[cpu], i) {
		return ErrTaken
	}
	f.info[i].StoreRelease(uint64(newInfo(kind, w.Node(), owner)))
	return nil
}

// takeFrame takes one frame, wherever it is: free, or in some CPU's stock.
func (d *nodeFrames) takeFrame(c *FrameCPU, i Frame) bool {
	area, word, bit := d.place(i)
	if d.takeRight(area, 1) == 1 {
		for w := d.Bits[word].Load(); w&bit == 0; w = d.Bits[word].Load() {
			if d.Bits[word].CompareAndSwap(w, w|bit) {
				c.count(1)
				return true
			}
		}
		d.Counts[area].Add(1)
	}
	unit, mine := uint64(i)/unitFrames, uint64(1)<<(i%unitFrames)
	for other := range d.CPUs {
		c := &d.CPUs[other]
		for s := c.stock.Load(); s>>32 == unit && s&mine != 0; s = c.stock.Load() {
			if c.stock.CompareAndSwap(s, s&^mine) {
				return true
			}
		}
	}
	return false
}

// AllocRun returns the first of n frames of node that follow each other, at a multiple of align frames, inside 2 MiB. They
// are freed one by one.
func (f *Frames) AllocRun(cpu, node, n, align int, kind FrameKind, owner Owner) (Frame, error) {
	if n < 1 || n > HugeFrames || align < 1 || align > HugeFrames || align&(align-1) != 0 {
		return 0, ErrRunLength
	}
	d := &f.nodes[node]
	if cpu >= len(d.CPUs) {
		return 0, ErrNoMemory
	}
	first, ok := d.takeRun(n, align)
	if !ok {
		d.unreserve(&d.CPUs[cpu])
		if first, ok = d.takeRun(n, align); !ok {
			return 0, ErrNoMemory
		}
	}
	for i := range Frame(n) {
		f.info[first+i].StoreRelease(uint64(newInfo(kind, node, owner)))
	}
	d.CPUs[cpu].count(int64(n))
	return first, nil
}

// ShortRun is how many frames in a row AllocShort can have at most.
const ShortRun = 8

// AllocShort returns the first of n frames that follow each other in what the CPU has reserved: ErrNoMemory says nothing about others,
// ErrRunLength that n is not 1 to ShortRun. They are freed one by one, or as a run.
func (c *FrameCPU) AllocShort(n int, kind FrameKind, owner Owner) (Frame, error) {
	if n < 1 || n > ShortRun {
		return 0, ErrRunLength
	}
	first, ok := c.takeShort(n)
	if !ok {
		return 0, ErrNoMemory
	}
	w := uint64(c.word(kind, owner))
	for info := c.info[first : first+Frame(n)]; len(info) > 0; info = info[1:] {
		info[0].StoreRelease(w)
	}
	return first, nil
}

// takeShort takes n frames in a row from the CPU's stock, or if that is empty from the next one.
func (c *FrameCPU) takeShort(n int) (Frame, bool) {
	for s := c.stock.Load(); ; s = c.stock.Load() {
		if uint32(s) == 0 {
			if !c.node.refill(c) {
				return 0, false
			}
			continue
		}
		at := uint32(s)
		for k := 1; k < n; k++ {
			at &= uint32(s) >> k
		}
		if at == 0 {
			return 0, false
		}
		bit := bits.TrailingZeros32(at)
		if c.stock.CompareAndSwap(s, s&^((uint64(1)<<n-1)<<bit)) { // order: pairs with drop's (G2)
			return Frame(s>>32*unitFrames) + Frame(bit), true
		}
	}
}

func (d *nodeFrames) takeRun(n, align int) (Frame, bool) {
	for area := len(d.Counts) - 1; area >= 0; area-- {
		right := d.takeRight(area, uint32(n))
		if right == uint32(n) {
			for at := 0; at+n <= HugeFrames; at += align {
				w := d.Bits[area*wordsPerArea+at/64].Load() >> (at % 64)
				if taken := bits.TrailingZeros64(^w); taken >= align { // no use to try there
					at += taken&^(align-1) - align
					continue
				}
				if d.takeBits(area, at, n) {
					return d.First + Frame(area)*HugeFrames + Frame(at), true
				}
			}
		}
		if right > 0 {
			d.Counts[area].Add(right)
		}
	}
	return 0, false
}

// takeBits takes the n frames from number at of an area on, all or none.
func (d *nodeFrames) takeBits(area, at, n int) bool {
	for i := at; i < at+n; {
		word, mask, next := runPart(area, i, at+n)
		for {
			w := d.Bits[word].Load()
			if w&mask != 0 {
				for j := at; j < i; {
					word, mask, next := runPart(area, j, i)
					d.clearBits(word, mask)
					j = next
				}
				return false
			}
			if d.Bits[word].CompareAndSwap(w, w|mask) {
				break
			}
		}
		i = next
	}
	return true
}

// runPart is the part of frames i … end-1 of an area that is in one word.
func runPart(area, i, end int) (word int, mask uint64, next int) {
	next = min(end, i/64*64+64)
	mask = ^uint64(0) >> (64 - (next - i)) << (i % 64)
	return area*wordsPerArea + i/64, mask, next
}

// ShareRun adds a reference to each of n frames in a row, allocated one by one or as a run, and returns how many it did: it stops
// before one that cannot be shared, as Share says, or is part of 2 MiB.
func (f *Frames) ShareRun(first Frame, n int) (done int) {
	if uint64(first) >= uint64(len(f.info)) || uint64(n) > uint64(len(f.info))-uint64(first) {
		return 0
	}
	info := f.info[first : first+Frame(n)]
	for i := range info {
		at := &info[i]
		for {
			w := Info(at.Load())
			if !w.some(1, maxRefs-1) {
				return i
			}
			if at.CompareAndSwap(uint64(w), uint64(w+1<<infoRefs)) {
				break
			}
		}
	}
	return n
}

// FreeRun gives up a reference to each of n frames in a row, which the caller has; those with the last one are free. They were
// allocated one by one, or as a run.
func (f *Frames) FreeRun(cpu int, first Frame, n int) {
	if n == 0 {
		return // wherever that is
	}
	info := f.info[first : first+Frame(n)]
	for i := 0; i < len(info); {
		i += lessRefs(info[i:])
		if i == len(info) {
			return
		}
		if k := f.freeTogether(cpu, first+Frame(i), first+Frame(n)); k > 0 {
			i += int(k)
			continue
		}
		f.drop(cpu, first+Frame(i))
		i++
	}
}

// lessRefs gives up a reference to each of the first frames that have others, too, and returns how many those are.
//
// In FreeRun itself there would be too few registers for it.
//
//go:noinline
func lessRefs(info []atom.Uint64) int {
	for i := range info {
		at := &info[i]
		for {
			w := Info(at.Load())
			if !w.some(2, maxRefs) {
				return i
			}
			if at.CompareAndSwap(uint64(w), uint64(w-1<<infoRefs)) {
				break
			}
		}
	}
	return len(info)
}

// freeTogether frees frames from i to before end with one change of their bits: those of one word, or of the CPU's stock, that have one
// reference. It returns how many it has freed.
func (f *Frames) freeTogether(cpu int, i, end Frame) (n Frame) {
	node := Info(f.info[i].Load()).Node()
	c := f.CPU(cpu, node)
	if c == nil {
		return 0
	}
	s := c.stock.Load()
	unit := Frame(s>>32) * unitFrames
	stocked := i-unit < unitFrames
	if end = min(end, i/64*64+64); stocked {
		end = min(end, unit+unitFrames)
	} else if unit > i {
		end = min(end, unit)
	}
	taken, free := c.taken, uint64(c.free)
	for info := c.info[i:end]; int(n) < len(info); n++ {
		w := Info(info[n].Load())
		if !w.likeTaken(taken) || !info[n].CompareAndSwap(uint64(w), free) { // of two who free it, one gets here
			break
		}
	}
	if n == 0 {
		return 0
	}
	mask := ^uint64(0) >> (64 - n)
	for ; stocked && s>>32 == uint64(unit/unitFrames); s = c.stock.Load() { // it can change under us only if others take from it
		if c.stock.CompareAndSwap(s, s|mask<<(i-unit)) { // order: pairs with alloc's (G2)
			return n
		}
	}
	area, word, _ := c.node.place(i)
	c.node.clearBits(word, mask<<(i%64))
	c.node.Counts[area].Add(uint32(n))
	c.count(-int64(n))
	return n
}

// Fragmentation is how many of node's free frames are in areas of which something is taken, in thousandths; what CPUs have
// reserved counts as taken. 0 if nothing is free.
func (f *Frames) Fragmentation(node int) int {
	var free, scattered uint64
	for i := range f.nodes[node].Counts {
		c := uint64(f.nodes[node].Counts[i].Load())
		if c == wholeArea {
			continue
		}
		free += c
		if c != HugeFrames {
			scattered += c
		}
	}
	if free == 0 {
		return 0
	}
	return int(scattered * 1000 / free)
}
