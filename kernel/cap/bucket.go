package cap

import (
	"unsafe"

	"exo/kernel/sync/atom"
)

// Limit is a token bucket: Burst uses at once, and one more each Every nanoseconds.
type Limit struct {
	Every uint64 // ns, rounded up to a multiple of 64; up to 2^40
	Burst uint32 // at least 1, and so that Burst × Every is no more than 2^52
}

func (l Limit) valid() bool {
	return l.Burst >= 1 && l.Every >= 1 && l.Every <= 1<<40 && uint64(l.Burst) <= (1<<52)/l.Every
}

// bucket is a cell of its own. It is the generic cell rate algorithm (ITU-T I.371, annex A): one word says when the next
// use would come if all came evenly spaced; a use may come earlier by as much as the burst allows, and each moves it on by one space.
//
// The word's lower bits count the bucket's lives: a use that was late finds another word.
type bucket struct {
	due   atom.Uint64 // in units of 64 ns, from bit 12 on
	every atom.Uint64 // in units
	burst atom.Uint64 // this word and the next may be the free list's when the cell is free
	_     uint64
}

const (
	tagBits  = 12
	unitBits = 6
)

// bucketAt returns a bucket that there is.
func (t *Table) bucketAt(i uint32) *bucket {
	r := t.buckets.at(i)
	// SAFETY: a bucket is as large as a record and as its links, and holds such words too; the cells of t.buckets are neither.
	if i%2 == 1 {
		return (*bucket)(unsafe.Pointer(r.links())) // so no two buckets share a cache line
	}
	return (*bucket)(unsafe.Pointer(r))
}

// Both are as large.
const _ = -(unsafe.Sizeof(bucket{}) ^ unsafe.Sizeof(record{}))

func (b *bucket) limit() Limit { return Limit{b.every.Load() << unitBits, uint32(b.burst.Load())} }

// newBucket makes a full bucket, or returns 0.
func (t *Table) newBucket(cpu int, l Limit) uint32 {
	i, _ := t.buckets.get(cpu, &t.cpus[cpu].buckets, t.memory)
	if i == 0 {
		return 0
	}
	b := t.bucketAt(i)
	b.every.StoreRelease((l.Every + 1<<unitBits - 1) >> unitBits)
	b.burst.StoreRelease(uint64(l.Burst))
	tag := (b.due.Load() + 1) & (1<<tagBits - 1)
	b.due.StoreRelease(t.clock.NowNs()>>unitBits<<tagBits | tag)
	return i
}

// freeBucket gives a capability's bucket back.
//
//go:noinline
func (t *Table) freeBucket(cpu int, r *record) {
	i := r.links().bucket.Load()
	t.buckets.put(&t.cpus[cpu].buckets, i, t.buckets.at(i))
}

// draw counts a use of a capability with a limit, if it still has the owner word.
func (t *Table) draw(r *record, key uint64) error {
	i := r.links().bucket.Load()
	now := t.clock.NowNs() >> unitBits
	for {
		b := t.bucketAt(i)
		w := b.due.Load()
		every, burst := b.every.Load(), b.burst.Load()
		if r.owner.Load() != key { // after the loads: so they are of this one's bucket (G7)
			return ErrNone
		}
		due := max(w>>tagBits, now)
		if due-now > (burst-1)*every {
			return ErrRate
		}
		if b.due.CompareAndSwap(w, (due+every)<<tagBits|w&(1<<tagBits-1)) {
			return nil
		}
	}
}
