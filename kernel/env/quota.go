// Package env … quota.go: how much of something an environment may have, and how much it has.
//
//	Take  Give  Cut  Grow  Drain  Close  Read        -: may run together; all do
//
// G1. What was taken and not given back is never more than the limit.
// G2. Cut takes from the limit what is not in use, or nothing; so what goes from one quota to another is in one of them, and
// nothing is lost or made.
// G3. After Close nothing can be taken.
//
// Progress: lock-free. Callers: anybody. Memory: one word.
// Not promised: that who gives back had it; Give panics if nobody had that much.
//
// Proof sketch. One word has all of it, and changes by compare-and-swap from a value that allows the change.
package env

import "exo/kernel/sync/atom"

// Quota is a limit and what is used of it. The zero Quota allows nothing.
type Quota struct{ word atom.Uint64 }

const (
	usedMask  = 1<<32 - 1
	closed    = 1 << 63
	limitUnit = 1 << 32

	// MaxQuota is the largest limit.
	MaxQuota = 1<<31 - 1
)

func limitOf(w uint64) uint64 { return w &^ closed >> 32 }

// Init makes the limit n, at most MaxQuota, of which nothing is used. Nobody else uses the quota.
func (q *Quota) Init(n uint64) { q.word.Store(min(n, MaxQuota) << 32) }

// Take uses n more, if that many are left.
func (q *Quota) Take(n uint64) bool {
	for {
		w := q.word.Load()
		if w&closed != 0 || n > limitOf(w)-w&usedMask {
			return false
		}
		if q.word.CompareAndSwap(w, w+n) {
			return true
		}
	}
}

// Give gives n back.
func (q *Quota) Give(n uint64) {
	for {
		w := q.word.Load()
		if n > w&usedMask {
			panic("env: more is given back than was taken")
		}
		if q.word.CompareAndSwap(w, w-n) {
			return
		}
	}
}

// Cut makes the limit less by n, if that many are left.
func (q *Quota) Cut(n uint64) bool {
	for {
		w := q.word.Load()
		if w&closed != 0 || n > limitOf(w)-w&usedMask {
			return false
		}
		if q.word.CompareAndSwap(w, w-n*limitUnit) {
			return true
		}
	}
}

// Grow makes the limit more by n, which has been cut from, or drained out of, another.
func (q *Quota) Grow(n uint64) {
	for {
		w := q.word.Load()
		if n > MaxQuota-limitOf(w) {
			panic("env: a quota grows beyond all there is")
		}
		if q.word.CompareAndSwap(w, w+n*limitUnit) {
			return
		}
	}
}

// Drain makes the limit what is used, and returns how much less it is now.
func (q *Quota) Drain() uint64 {
	for {
		w := q.word.Load()
		n := limitOf(w) - w&usedMask
		if q.word.CompareAndSwap(w, w-n*limitUnit) {
			return n
		}
	}
}

// Close lets nothing be taken any more. Giving, growing and draining go on.
func (q *Quota) Close() {
	for w := q.word.Load(); !q.word.CompareAndSwap(w, w|closed); w = q.word.Load() {
	}
}

// Read is the limit and what is used of it, at one moment.
func (q *Quota) Read() (limit, used uint64) {
	w := q.word.Load()
	return limitOf(w), w & usedMask
}
