package sync

// A Ref names a slot of an array in one of its uses: generation in the upper 40 bits, index in the lower 24.
//
// A word that holds a Ref gets a new generation each time it is written, so a compare-and-swap by somebody who slept
// through the slot's removal and reuse fails: this is what makes tagged pointers safe from ABA (IBM System/370, 1983;
// Michael & Scott, PODC 1996, §1). Safe until the generation comes round: 2^40 writes of one word while one CPU sleeps
// between its load and its compare-and-swap, which at 100 million writes a second takes three hours.
//
// Index 0 is no slot.
type Ref uint64

// MaxSlots is how many slots an array may have, slot 0 included, which is never used.
const MaxSlots = 1 << indexBits

const (
	indexBits = 24
	indexMask = MaxSlots - 1
)

// index is the slot's number, 0 if there is none.
func (r Ref) index() uint32 { return uint32(r) & indexMask }

// next is what to write over r to name slot i: the generation after r's.
func (r Ref) next(i uint32) uint64 { return uint64(r|indexMask) + 1 + uint64(i) }
