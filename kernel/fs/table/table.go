// Package table finds slots of a fixed array by a number, and finds new use for those that nobody uses: the file system's
// cached blocks and inodes.
//
//	heads[hash] ──► node ──► node ──► 0        a node is slot i's: key, how many use it, flags, the next of its bucket
//
//	         Find  Claim  Use Drop  flags      X: callers exclude each other; -: may run together
//	Find       -     -      -        -
//	Claim      -     X      -        -         X within a bucket only
//	Use Drop   -     -      -        -     DropUnless is a Drop
//
// G1. What Find or Claim returns is the slot of that key, and stays so until the caller drops it.
// G2. A key has one slot at most.
// G3. A slot that is used, or has a flag of Pinned, is not given to another key.
// G4. Who finds a slot sees what the one wrote who set the flag that is asked for.
// G5. Users of a slot are those who have it by its key; nobody else is counted, not for a moment.
// G6. Who sets a flag (Set) and then asks for Users finds himself alone, or the last of the others sees the flag (DropUnless).
//
// How: slots are type-stable, and a node's state word has the number of users. Find goes along the bucket without a lock,
// looks at its state, then at the key, and takes a use by a compare-and-swap: the state says in which of its lives the slot is,
// and as long as it is used that does not end. A slot that gets a new key on the way leads Find into another bucket; then it
// finds nothing, and Claim, which has the bucket's lock, decides. No grace period stands between a slot's two lives, so that a cache that is read through once
// does not wait for one at every turn.
// Slots get new keys by the clock (Corbató, 1968): a hand goes round, and passes once those that were found since.
//
// Progress: Find, Use, Drop lock-free; Claim blocks for a bucket's lock. Callers: tasks, with a context of their own.
// Memory: what Init was given.
// Not promised: that Find finds what is there, while slots change hands at the same moment; Claim does.
package table

import (
	"exo/kernel/sync"
	"exo/kernel/sync/atom"
)

// Node is a slot's part of the table.
type Node struct {
	key   atom.Uint64 // 0: none
	state atom.Uint64 // users in the lower 16 bits, flags, and which life it is in the upper 24 bits
	next  atom.Uint32 // of the bucket: slot + 1; 0: the last
}

// Flags of a state word. The lower ones a slot keeps until it gets another key; those of Pinned keep it from that.
const (
	One    = 1
	users  = 1<<16 - 1
	recent = 1 << 16 // found since the hand came by
	dying  = 1 << 17 // getting another key
	Flag   = 1 << 18 // the first that is the caller's
	Pin    = 1 << 32 // the first of Pinned
	Pinned = life - Pin
	life   = 1 << 40 // one more each time that it loses its key
	lives  = ^uint64(life - 1)
)

// Table is the table. Init it before use.
type Table struct {
	nodes []Node
	heads []atom.Uint32
	mask  uint64
	hand  atom.Uint64
	locks [numLocks]sync.Spinlock // of buckets
}

const (
	numLocks = 64
	maxSteps = 64 // that Find goes along a bucket
)

// Init makes the table of len(nodes) slots, none of which has a key. heads has a power of two of elements.
func (t *Table) Init(nodes []Node, heads []atom.Uint32) {
	if len(heads) == 0 || len(heads)&(len(heads)-1) != 0 {
		panic("table: the number of buckets is no power of two")
	}
	t.nodes, t.heads, t.mask = nodes, heads, uint64(len(heads)-1)
	t.hand.Store(0)
	for i := range t.locks {
		t.locks[i].Init(sync.ClassFiles)
	}
	for i := range nodes {
		nodes[i].key.Store(0)
		nodes[i].state.Store(0)
		nodes[i].next.Store(0)
	}
	for i := range heads {
		heads[i].Store(0)
	}
}

// bucket is where a key belongs: Fibonacci hashing (Knuth, vol. 3, §6.4), so that neighbours are apart.
func (t *Table) bucket(key uint64) uint64 { return key * 0x9e3779b97f4a7c15 >> 32 & t.mask }

// State is a slot's state word.
func (t *Table) State(i int) *atom.Uint64 { return &t.nodes[i].state }

// Key is a slot's key; it stands still while the caller uses the slot.
func (t *Table) Key(i int) uint64 { return t.nodes[i].key.Load() }

// Users is how many use a slot at the moment.
func (t *Table) Users(i int) int { return int(t.nodes[i].state.Load() & users) }

// Find returns the slot of a key, in use by the caller; -1: perhaps there is none.
//
//exo:inline
func (t *Table) Find(key uint64) int {
	at := t.heads[t.bucket(key)].Load()
	for range maxSteps {
		if at == 0 {
			return -1
		}
		n := &t.nodes[at-1]
		if n.key.Load() == key && n.take(key) {
			return int(at - 1)
		}
		at = n.next.Load()
	}
	return -1
}

// take makes the caller a user of a node, if the key is its.
func (n *Node) take(key uint64) bool {
	for {
		s := n.state.Load()
		if s&dying != 0 || n.key.Load() != key { // order: after s: it is that life's key, or a later one's (G5)
			return false
		}
		if s&users == users {
			panic("table: a slot has more users than can be counted")
		}
		if n.state.CompareAndSwap(s, (s+One)|recent) { // order: pairs with evict's: used, or dying (G3), in the same life (G1)
			return true
		}
	}
}

// Use adds a user to a slot that the caller uses.
func (t *Table) Use(i int) { t.nodes[i].state.Add(One) }

// Drop ends a use.
func (t *Table) Drop(i int) { t.nodes[i].state.Add(^uint64(0)) }

// DropUnless ends a use, unless it is the only one of a slot that has the flag; then it says false (G6).
func (t *Table) DropUnless(i int, flag uint64) bool {
	for {
		s := t.nodes[i].state.Load()
		if s&users == 1 && s&flag != 0 {
			return false
		}
		if t.nodes[i].state.CompareAndSwap(s, s-One) { // order: pairs with Set's Or, both of one word
			return true
		}
	}
}

// Set sets flags of a slot that the caller uses.
func (t *Table) Set(i int, flags uint64) { t.nodes[i].state.Or(flags) }

// Clear clears flags, and returns the state before.
func (t *Table) Clear(i int, flags uint64) uint64 {
	for {
		s := t.nodes[i].state.Load()
		if s&flags == 0 || t.nodes[i].state.CompareAndSwap(s, s&^flags) {
			return s
		}
	}
}

// Claim returns the slot of a key, in use by the caller; if there is none it gives the key one, without flags. -1: every
// slot is in use or pinned.
func (t *Table) Claim(c *sync.Context, key uint64) int {
	if i := t.Find(key); i >= 0 {
		return i
	}
	i := t.evict(c)
	if i < 0 {
		return -1
	}
	h := t.bucket(key)
	l := &t.locks[h%numLocks]
	l.Lock(c)
	for at := t.heads[h].Load(); at != 0; at = t.nodes[at-1].next.Load() {
		if n := &t.nodes[at-1]; n.key.Load() == key && n.take(key) { // G2; who is dying is not in its bucket any more soon
			l.Unlock(c)
			t.nodes[i].state.Store(t.nodes[i].state.Load() & lives) // nobody's, of no key: the next hand takes it
			return int(at - 1)
		}
	}
	n := &t.nodes[i]
	n.next.Store(t.heads[h].Load())
	n.key.Store(key)
	n.state.Store(n.state.Load()&lives | One) // not recent: what is wanted once does not drive out what is wanted again
	t.heads[h].Store(uint32(i) + 1)           // order: publishes the node; pairs with Find
	l.Unlock(c)
	return i
}

// evict takes a slot that nobody uses from its key; it is dying, and the caller's.
func (t *Table) evict(c *sync.Context) int {
	for range 3 * len(t.nodes) {
		i := int((t.hand.Add(1) - 1) % uint64(len(t.nodes)))
		n := &t.nodes[i]
		s := n.state.Load()
		if s&(users|dying) != 0 || s&Pinned != 0 {
			continue
		}
		if s&recent != 0 {
			n.state.CompareAndSwap(s, s&^recent)
			continue
		}
		if n.state.CompareAndSwap(s, dying|(s+life)&lives) { // order: pairs with take's (G3)
			t.unlink(c, uint32(i))
			return i
		}
	}
	return -1
}

// unlink takes a dying node out of its bucket.
func (t *Table) unlink(c *sync.Context, i uint32) {
	n := &t.nodes[i]
	key := n.key.Load()
	if key == 0 {
		return
	}
	h := t.bucket(key)
	l := &t.locks[h%numLocks]
	l.Lock(c)
	at := &t.heads[h]
	for at.Load() != i+1 {
		at = &t.nodes[at.Load()-1].next
	}
	at.Store(n.next.Load())
	n.key.Store(0)
	l.Unlock(c)
}

// Each calls f with each slot that has a key, in use meanwhile, until f returns false.
func (t *Table) Each(f func(i int, key uint64) bool) {
	for i := range t.nodes {
		n := &t.nodes[i]
		key := n.key.Load()
		if key == 0 || !n.take(key) {
			continue
		}
		more := f(i, key)
		t.Drop(i)
		if !more {
			return
		}
	}
}
