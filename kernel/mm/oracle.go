// Package mm … oracle.go: a binary-buddy allocator (Knuth, TAOCP 1, §2.5) with one lock: what the tests compare Frames with,
// and what its benchmarks stand beside. Nothing else in the kernel uses it.
//
//	order 2   ┌───────────────┐            a free block of 2^k frames is on the list of order k; its first frame's
//	order 1   └───────┬───────┘ ┌───────┐  BuddyBlock says so. Two that are halves of one are never free both.
//	order 0   ■   ■           ■ └───────┘
//	frame     0   1   2   3   …
//
//	            Alloc … Info        X: callers exclude each other
//	Alloc … Info     X
//
// G1. A frame that was allocated is nobody else's until it has been freed.
// G2. Who gets a frame sees what the one who freed it wrote before.
// G3. A frame is freed to its own node.
// G4. Alloc fails only if every frame of the node is taken; AllocHuge, only if no 2 MiB are free.
// G5. To free what is not allocated, or to allocate what does not exist, is an error and changes nothing.
//
// Progress: blocking. Callers: any, preemption off; not interrupt handlers. Memory: the arrays given at Init.
// Not promised: that AllocRun finds a run that is no part of a free block.
package mm

import (
	"math/bits"

	"exo/kernel/sync"
)

// maxOrder is that of the largest block, 2 MiB.
const maxOrder = 9

// Buddy gives out the frames of all nodes, as Frames does. Init it, and Add memory, before use.
type Buddy struct {
	Relax func() // called while waiting for the lock; may be nil

	lock  sync.Ticket
	info  []Info // the rest is the holder's of lock
	nodes [MaxNodes]buddyNode
}

// BuddyMemory is the memory that the allocator needs for a node.
type BuddyMemory struct {
	First  Frame        // of the node: a multiple of HugeFrames
	Blocks []BuddyBlock // one for each frame from there to the node's last 2 MiB
}

// BuddyBlock is a free block, at its first frame.
type BuddyBlock struct {
	next, prev uint32 // on the list of its order: 1 + index, 0 at the ends
	free       uint8  // 1 + order, 0 if no free block begins here
}

type buddyNode struct {
	BuddyMemory
	lists       [maxOrder + 1]uint32
	total, left uint64
}

// Init makes b empty. info has a word for each frame number up to the last one.
func (b *Buddy) Init(info []Info) {
	clear(info)
	b.info = info
	clear(b.nodes[:])
}

// SetNode gives node its memory, before frames are added to it.
func (b *Buddy) SetNode(node int, m BuddyMemory) {
	if m.First%HugeFrames != 0 || len(m.Blocks)%HugeFrames != 0 {
		panic("mm: a node needs a block for each frame of its 2 MiB")
	}
	clear(m.Blocks)
	b.nodes[node] = buddyNode{BuddyMemory: m}
}

// Add makes the n frames from first on node's, and free.
func (b *Buddy) Add(node int, first Frame, n uint64) {
	d := &b.nodes[node]
	for i := first; i < first+Frame(n); i++ {
		b.info[i] = freeInfo(node)
		d.put(i-d.First, 0)
	}
	d.total += n
}

// put makes a block free, together with its other half if that is free too.
func (d *buddyNode) put(i Frame, order int) {
	d.left += 1 << order
	for ; order < maxOrder; order++ {
		other := i ^ 1<<order
		if d.Blocks[other].free != uint8(1+order) {
			break
		}
		d.unlink(other)
		i &^= 1 << order
	}
	d.link(i, order)
}

func (d *buddyNode) link(i Frame, order int) {
	head := d.lists[order]
	d.Blocks[i] = BuddyBlock{next: head, free: uint8(1 + order)}
	if head != 0 {
		d.Blocks[head-1].prev = uint32(i) + 1
	}
	d.lists[order] = uint32(i) + 1
}

func (d *buddyNode) unlink(i Frame) {
	b := &d.Blocks[i]
	if b.prev != 0 {
		d.Blocks[b.prev-1].next = b.next
	} else {
		d.lists[b.free-1] = b.next
	}
	if b.next != 0 {
		d.Blocks[b.next-1].prev = b.prev
	}
	b.free = 0
}

// get takes any block of an order.
func (d *buddyNode) get(order int) (Frame, bool) {
	for o := order; o <= maxOrder; o++ {
		if d.lists[o] != 0 {
			i := Frame(d.lists[o] - 1)
			d.takeAt(i, order)
			return i, true
		}
	}
	return 0, false
}

// takeAt takes the very block of an order that begins at i, if it is free, or is part of one that is.
func (d *buddyNode) takeAt(i Frame, order int) bool {
	for o := order; o <= maxOrder; o++ {
		whole := i &^ (1<<o - 1)
		if d.Blocks[whole].free != uint8(1+o) {
			continue
		}
		d.unlink(whole)
		for o--; o >= order; o-- {
			half := i &^ (1<<o - 1)
			d.link(half^1<<o, o)
		}
		d.left -= 1 << order
		return true
	}
	return false
}

// Info says whose a frame is; the zero Info for one that does not exist.
func (b *Buddy) Info(i Frame) Info {
	b.lock.Lock(b.Relax)
	defer b.lock.Unlock()
	return b.infoOf(i)
}

func (b *Buddy) infoOf(i Frame) Info {
	if uint64(i) >= uint64(len(b.info)) {
		return 0
	}
	if h := b.info[i&^(HugeFrames-1)]; h.Huge() {
		return h
	}
	return b.info[i]
}

// Total is how many frames node has.
func (b *Buddy) Total(node int) uint64 { return b.nodes[node].total }

// FreeCount is how many of them are not allocated.
func (b *Buddy) FreeCount(node int) uint64 {
	b.lock.Lock(b.Relax)
	defer b.lock.Unlock()
	return b.nodes[node].left
}

// Alloc returns a frame of node, for kind and owner, with one reference.
func (b *Buddy) Alloc(_, node int, kind FrameKind, owner Owner) (Frame, error) {
	return b.alloc(node, 0, newInfo(kind, node, owner))
}

// AllocHuge returns the first frame of 2 MiB of node, aligned to that.
func (b *Buddy) AllocHuge(_, node int, kind FrameKind, owner Owner) (Frame, error) {
	return b.alloc(node, maxOrder, newInfo(kind, node, owner)|1<<infoHuge)
}

func (b *Buddy) alloc(node, order int, w Info) (Frame, error) {
	b.lock.Lock(b.Relax)
	d := &b.nodes[node]
	i, ok := d.get(order)
	if !ok {
		b.lock.Unlock()
		return 0, ErrNoMemory
	}
	b.info[d.First+i] = w
	b.lock.Unlock()
	return d.First + i, nil
}

// Free gives up one reference to a frame; with the last one it is free. It says whether it was.
func (b *Buddy) Free(_ int, i Frame) (freed bool, err error) { return b.free(i, 0) }

// FreeHuge gives up one reference to 2 MiB that AllocHuge returned.
func (b *Buddy) FreeHuge(_ int, i Frame) (freed bool, err error) { return b.free(i, maxOrder) }

func (b *Buddy) free(i Frame, order int) (freed bool, err error) {
	b.lock.Lock(b.Relax)
	switch w, err := b.reference(i); {
	case err != nil:
		b.lock.Unlock()
		return false, err
	case w.Huge() != (order == maxOrder):
		b.lock.Unlock()
		return false, ErrSize
	case w.Refs() > 1:
		b.info[i] = w - 1<<infoRefs
		b.lock.Unlock()
		return false, nil
	default:
		b.info[i] = freeInfo(w.Node())
		d := &b.nodes[w.Node()]
		d.put(i-d.First, order)
		b.lock.Unlock()
		return true, nil
	}
}

// reference is the word of an allocated frame.
func (b *Buddy) reference(i Frame) (Info, error) {
	if uint64(i) >= uint64(len(b.info)) || b.info[i].Kind() == NoFrame {
		return 0, ErrWild
	}
	if b.info[i].Kind() <= Boot {
		return 0, ErrNotTaken
	}
	return b.info[i], nil
}

// Share adds a reference to an allocated frame.
func (b *Buddy) Share(i Frame) error {
	b.lock.Lock(b.Relax)
	defer b.lock.Unlock()
	w, err := b.reference(i)
	if err == nil && w.Refs() == maxRefs {
		err = ErrRefs
	}
	if err == nil {
		b.info[i] = w + 1<<infoRefs
	}
	return err
}

// AllocAt returns that very frame.
func (b *Buddy) AllocAt(_ int, i Frame, kind FrameKind, owner Owner) error {
	b.lock.Lock(b.Relax)
	defer b.lock.Unlock()
	w := b.infoOf(i)
	if w.Kind() == NoFrame {
		return ErrWild
	}
	d := &b.nodes[w.Node()]
	if w.Kind() != FreeFrame || !d.takeAt(i-d.First, 0) {
		return ErrTaken
	}
	b.info[i] = newInfo(kind, w.Node(), owner)
	return nil
}

// AllocRun returns the first of n frames of node that follow each other, at a multiple of align frames, inside 2 MiB. They
// are freed one by one.
func (b *Buddy) AllocRun(_, node, n, align int, kind FrameKind, owner Owner) (Frame, error) {
	if n < 1 || n > HugeFrames || align < 1 || align > HugeFrames || align&(align-1) != 0 {
		return 0, ErrRunLength
	}
	b.lock.Lock(b.Relax)
	defer b.lock.Unlock()
	d := &b.nodes[node]
	order := bits.Len(uint(max(n, align) - 1))
	i, ok := d.get(order)
	if !ok {
		return 0, ErrNoMemory
	}
	for k := range Frame(n) {
		b.info[d.First+i+k] = newInfo(kind, node, owner)
	}
	for k := Frame(n); k < 1<<order; k++ {
		d.put(i+k, 0)
	}
	return d.First + i, nil
}

// Fragmentation is how many of node's free frames are in 2 MiB of which something is taken, in thousandths. 0 if nothing is
// free.
func (b *Buddy) Fragmentation(node int) int {
	b.lock.Lock(b.Relax)
	defer b.lock.Unlock()
	d := &b.nodes[node]
	if d.left == 0 {
		return 0
	}
	whole := uint64(0)
	for i := d.lists[maxOrder]; i != 0; i = d.Blocks[i-1].next {
		whole += HugeFrames
	}
	return int((d.left - whole) * 1000 / d.left)
}
