package mm

import "math/bits"

// Areas: counts first, bits second when frames are taken, the other way round when they are given back (frames.go says why).

// place is where a frame of the node has its count and its bit.
func (d *nodeFrames) place(i Frame) (area, word int, bit uint64) {
	i -= d.First
	return int(i / HugeFrames), int(i / 64), 1 << (i % 64)
}

// refill reserves a unit, or what is free of one, for a CPU whose stock is empty.
func (d *nodeFrames) refill(c *FrameCPU) bool {
	for range d.Counts {
		if d.Counts[c.area].Load()-1 < HugeFrames { // some, and not taken whole
			if s := d.reserve(c.area); s != 0 {
				c.stock.StoreRelease(s) // it was empty, and nobody else adds
				c.count(int64(bits.OnesCount32(uint32(s))))
				return true
			}
		}
		if c.area++; c.area == len(d.Counts) {
			c.area = 0
		}
	}
	return false
}

// reserve takes what is free of some unit of an area, and returns it as a stock; 0: nothing was free.
func (d *nodeFrames) reserve(area int) uint64 {
	for word := area * wordsPerArea; word < (area+1)*wordsPerArea; word++ {
		for half := 0; half < 64; half += unitFrames {
			free := ^uint32(d.Bits[word].Load() >> half)
			if free == 0 {
				continue
			}
			right := d.takeRight(area, uint32(bits.OnesCount32(free)))
			got := d.setBits(word, half, right)
			if rest := right - uint32(bits.OnesCount32(got)); rest > 0 {
				d.Counts[area].Add(rest)
			}
			if got != 0 {
				return uint64(int(d.First)/unitFrames+word*2+half/unitFrames)<<32 | uint64(got)
			}
		}
	}
	return 0
}

// takeRight takes up to n from an area's count, and returns how many.
func (d *nodeFrames) takeRight(area int, n uint32) uint32 {
	for {
		c := d.Counts[area].Load()
		if c == 0 || c == wholeArea {
			return 0
		}
		n := min(n, c)
		if d.Counts[area].CompareAndSwap(c, c-n) {
			return n
		}
	}
}

// setBits takes up to n frames of a unit, and returns which.
func (d *nodeFrames) setBits(word, half int, n uint32) uint32 {
	for n > 0 {
		w := d.Bits[word].Load()
		free := ^uint32(w >> half)
		got := free
		for uint32(bits.OnesCount32(got)) > n {
			got &^= 1 << (31 - bits.LeadingZeros32(got))
		}
		if got == 0 || d.Bits[word].CompareAndSwap(w, w|uint64(got)<<half) {
			return got
		}
	}
	return 0
}

// giveBack makes a frame one that anybody can have.
//
//go:noinline
func (c *FrameCPU) giveBack(i Frame) dropped {
	d := c.node
	area, word, bit := d.place(i)
	d.clearBits(word, bit)
	d.Counts[area].Add(1)
	c.count(-1)
	return droppedLast
}

func (d *nodeFrames) clearBits(word int, bits uint64) {
	for {
		w := d.Bits[word].Load()
		if d.Bits[word].CompareAndSwap(w, w&^bits) { // order: pairs with setBits (G2)
			return
		}
	}
}
