package cap

import "exo/kernel/sync/atom"

// A record is a slot: a capability in its turn, one after another. It stays a record for ever, and never moves. These are the
// words that a lookup reads; two records are a cache line. Its links are elsewhere.
//
// What holds of it, by its owner word and its head:
//
//	{g, nobody}            free, or private to who is making a capability of it
//	{g, nobody} linked     an embryo: its parent's list has it, no lookup finds it yet
//	{g, h}                 generation g, held by h
//	   head … open         alive
//	   head … closed       alive; what is below it is being revoked, nothing can be derived
//	   head … dead         nothing can be derived, for ever; what is below it is being killed
//	   head … dead claimed it has no child; who claimed it tears it down
//	{g, gone, h}           no lookup succeeds; it is claimed, or Delete has begun
//	   next … marked       gone, and torn down; anybody may take it out of its parent's list, and whoever does frees it
//	   next … helped       so too, but who claimed it frees it: it was late, and somebody else has marked it
//	{g+1, nobody}          free again
type record struct {
	owner  atom.Uint64    // generation, gone, holder; changed by: the maker, Transfer and hide (CAS), who has claimed it or frees it
	meta   atom.Uint64    // written by the maker alone
	object [2]atom.Uint64 // so too; of a free slot, links of the free list
}

// links are what else a slot has: the tree.
type links struct {
	head   atom.Uint64 // link to the first child; changed by CAS
	next   atom.Uint64 // link to the next sibling; changed by CAS once it is in a list
	parent atom.Uint64 // name of the parent, 0: none; written by the maker alone
	prev   atom.Uint32 // a hint: the slot of the sibling before, 0: none; anybody writes it at any time
	bucket atom.Uint32 // if meta says limited: which; written by the maker alone
}

// gone in an owner word: no lookup's key is that.
const gone = 1 << 31

// A link is a slot's number, flags, and a count of the changes to its word. The count goes on from life to life, so a word
// never comes back to a value that it had, and a compare-and-swap that expects it succeeds only if nothing has changed
// (IBM System/370, 1983). That holds until the count comes round: 2^37 changes of one word while one CPU sleeps between its
// load and its compare-and-swap.
type link uint64

const (
	closed  link = 1 << 24 // of a head: nothing can be derived
	dead    link = 1 << 25 // of a head: nothing can be derived, for ever
	claimed link = 1 << 26 // of a head: no child, and torn down by who set it
	marked  link = 1 << 24 // of a next: it does not change any more
	helped  link = 1 << 25 // of a next: marked by another than who has claimed it
	change  link = 1 << 27

	slotMask  = 1<<24 - 1
	flagsMask = closed | dead | claimed
)

// MaxSlots is how many slots a table may have; slot 0 is never used.
const MaxSlots = slotMask + 1

func (l link) slot() uint32 { return uint32(l) & slotMask }

func (l link) flags() link { return l & flagsMask }

// to is the word's next value.
func (l link) to(slot uint32, flags link) link { return l&^(change-1) + change | flags | link(slot) }

// swap changes a link, if it is still what it was.
func swap(w *atom.Uint64, old, new link) bool { return w.CompareAndSwap(uint64(old), uint64(new)) }
