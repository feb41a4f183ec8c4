package sync

// A Ref names a slot of an array in one of its lives: the generation, which counts the lives, in the upper 40 bits, the
// slot's index in the lower 24.
//
// A slot's life ends when it leaves its structure, and the next begins with the next generation. So a Ref that somebody
// kept while the slot left and came back matches nothing any more, and the compare-and-swap that expects it fails: this is
// what makes slots that are used again safe from ABA (IBM System/370, 1983; Michael & Scott, PODC 1996, §1). It holds
// until the generation comes round: 2^40 lives of one slot, while one CPU sleeps between its load and its
// compare-and-swap; at 100 million lives a second that takes three hours.
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

// nobody is what follows the slot that r names as long as nothing does: its generation, and no slot.
func (r Ref) nobody() Ref { return r &^ indexMask }

// later is slot i with the generation after r's: its next life, if it is the same slot.
func (r Ref) later(i uint32) Ref { return (r | indexMask) + 1 + Ref(i) }
