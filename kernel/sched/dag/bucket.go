package dag

import "exo/kernel/sync/atom"

// Bucket is a token bucket in one word (the generic cell rate algorithm, ITU-T I.371, annex A): the word says when the next
// node would begin if all came evenly spaced; it may begin earlier by as much as the burst allows, and moves the word on by
// one space.
//
//	       Take  ready      -: may run together
//	Take     -     -
//
// In any time t at most burst + t/every nodes are let in, whoever asks. Take is lock-free; anybody may call it. Init it
// before use.
type Bucket struct {
	due   atom.Uint64 // ns
	every uint64      // ns between two
	early uint64      // ns that a node may be early
}

// Init makes the bucket full: burst nodes at once, and one more each every ns. Both are at least 1, and their product at
// most 2^52.
func (b *Bucket) Init(every uint64, burst uint32) {
	if every < 1 || burst < 1 || every > (1<<52)/uint64(burst) {
		panic("dag: a bucket needs a rate and a burst of at least 1 each, and at most 2^52 ns to fill")
	}
	b.every, b.early = every, every*uint64(burst-1)
	b.due.Store(0)
}

// Take lets one node in, at a time in ns, below 2^63; false: it is too early.
func (b *Bucket) Take(now uint64) bool {
	for {
		due := b.due.Load()
		if due > now+b.early {
			return false
		}
		if b.due.CompareAndSwap(due, max(due, now)+b.every) {
			return true
		}
	}
}

// when is the earliest time at which a node might be let in.
func (b *Bucket) when() uint64 {
	due := b.due.Load()
	return due - min(due, b.early)
}
