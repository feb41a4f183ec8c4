package ktest

import (
	"sync/atomic"

	"exo/kernel/text"
)

// maxCPUs limits how many CPUs can take part in a test.
const maxCPUs = 64

// T is a running test. All CPUs share one; every method may be called from any of them at any time.
type T struct {
	CPUs int    // how many take part
	Seed uint64 // of this test

	m        Machine
	ops      atomic.Uint64
	failures atomic.Uint64
	said     [8]failure // said[i] is written by whoever drew failure number i

	skips atomic.Uint64 // how often Skip was called
	why   string        // written by whoever called Skip first; read when all CPUs have returned

	arrived atomic.Uint64 // at barriers, in all

	rand [maxCPUs]struct {
		Rand
		_ [56]byte // a cache line each
	}
}

type failure struct {
	what      string
	got, want uint64
	cpu       int
	done      atomic.Uint32
}

func (t *T) reset(m Machine, n int, seed uint64) {
	t.CPUs, t.Seed, t.m = n, seed, m
	t.ops.Store(0)
	t.failures.Store(0)
	t.skips.Store(0)
	t.arrived.Store(0)
	for i := range t.said {
		t.said[i].done.Store(0)
	}
	seeds := NewRand(seed)
	for i := range t.rand {
		t.rand[i].Rand = NewRand(seeds.Uint64()) // seeds one step apart would give each CPU its neighbour's numbers
	}
}

// Count adds n to the operations that the test has done.
func (t *T) Count(n uint64) { t.ops.Add(n) }

// Ops is how many operations were counted.
func (t *T) Ops() uint64 { return t.ops.Load() }

// Failed says whether a check did not hold.
func (t *T) Failed() bool { return t.failures.Load() != 0 }

// Skip says that this machine lacks what the test needs, as a TAP line "ok N - NAME # SKIP why": the test need not count
// operations then, and the first reason given is the one that is printed. It does not return from the test, and a check
// that failed still fails it.
func (t *T) Skip(why string) {
	if t.skips.Add(1) == 1 {
		t.why = why
	}
}

// Skipped says whether Skip was called.
func (t *T) Skipped() bool { return t.skips.Load() != 0 }

// Check fails the test if ok is false; what says what should have held. Not inlined, as it is in hundreds of places.
//
//go:noinline
func (t *T) Check(cpu int, ok bool, what string) bool {
	if !ok {
		t.fail(cpu, what, 0, 0)
	}
	return ok
}

// Equal fails the test if got is not want.
//
//go:noinline
func (t *T) Equal(cpu int, got, want uint64, what string) bool {
	if got != want {
		t.fail(cpu, what, got, want)
	}
	return got == want
}

func (t *T) fail(cpu int, what string, got, want uint64) {
	if i := t.failures.Add(1) - 1; i < uint64(len(t.said)) {
		f := &t.said[i]
		f.what, f.got, f.want, f.cpu = what, got, want, cpu
		f.done.Store(1) // order: publishes the fields; pairs with the load in report
	}
}

// report prints what failed, before the test's own line.
func (t *T) report(l *text.Line) {
	for i := range t.said {
		f := &t.said[i]
		if f.done.Load() == 0 {
			continue
		}
		l.Reset().Str("# cpu ").Int(f.cpu).Str(": ").Str(f.what)
		if f.got != f.want {
			l.Str(": got ").Hex(f.got).Str(", want ").Hex(f.want)
		}
		t.m.Print(l)
	}
	if n := t.failures.Load(); n > uint64(len(t.said)) {
		t.m.Print(l.Reset().Str("# … and ").Uint(n - uint64(len(t.said))).Str(" more"))
	}
}

// Barrier returns when every CPU of the test has called it as often as this one.
func (t *T) Barrier() {
	n := uint64(t.CPUs)
	round := (t.arrived.Add(1) - 1) / n
	for spins := 0; t.arrived.Load() < (round+1)*n; spins++ {
		t.m.Relax(spins)
	}
}

// Until waits for cond, giving up after a number of relaxations that is far more than any sound wait needs (where Relax
// sleeps a millisecond, half a minute).
func (t *T) Until(cpu int, cond func() bool, what string) bool {
	for spins := range 30_000 {
		if cond() {
			return true
		}
		t.m.Relax(spins)
	}
	t.fail(cpu, what, 0, 0)
	return false
}

// Rand is cpu's own random numbers, the same in every run with this seed.
func (t *T) Rand(cpu int) *Rand { return &t.rand[cpu].Rand }

// Rand is SplitMix64 (Steele, Lea, Flood, OOPSLA 2014): small, and every seed is good.
type Rand struct{ state uint64 }

// NewRand returns the generator of a seed.
func NewRand(seed uint64) Rand { return Rand{seed} }

// Uint64 returns the next number.
func (r *Rand) Uint64() uint64 {
	r.state += 0x9e3779b97f4a7c15
	z := r.state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// N returns a number below n, which must not be 0. The bias is below n/2^64.
func (r *Rand) N(n uint64) uint64 { return r.Uint64() % n }
