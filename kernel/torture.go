//go:build exokernel

package main

import (
	"unsafe"

	"exo/arch/amd64"
	"exo/kernel/ktest"
	"exo/kernel/mm"
	"exo/kernel/sync"
	"exo/kernel/text"
)

// A torture test does random things, all of them legal, on every CPU at once while timers tick, for a given time, and
// checks all along and at the end. The host stops virtual CPUs at any instruction for as long as it likes, which is where
// the interleavings come from. The tests are in torture_*.go; each prints what it did:
//
//	# torture/queue: …
//
// What is random is drawn from the run's seed; what the CPUs do at the same time is not repeated by it.

// torture is the torture test that runs; written by CPU 0 between barriers.
var torture struct {
	t     *ktest.T
	name  string
	start uint64 // ns
	end   uint64
	next  uint64 // when CPU 0 prints that it goes on

	base, size, used uint64 // memory for the test that runs; taken once, for good

	stumbles [amd64.MaxCPUs]struct {
		rand ktest.Rand // touched by the CPU's handlers alone
		n    uint64
		_    [48]byte
	}
}

// tortureNs is how long a test runs if the command line does not say. Many virtual CPUs are busy for longer anyway.
func tortureNs() uint64 {
	const ms = 1_000_000
	if options.Torture != 0 {
		return uint64(options.Torture) * ms
	}
	return 400 * ms
}

// beginTorture has CPU 0 prepare the test and all CPUs start to tick; tick is called in each tick, or stumble if it
// is nil. It returns false if there is no memory.
func beginTorture(t *ktest.T, cpu int, name string, prepare func(t *ktest.T), tick func(me *local)) bool {
	if cpu == 0 && freshRoom() {
		torture.t, torture.name = t, name
		for i := range t.CPUs {
			torture.stumbles[i].rand, torture.stumbles[i].n = ktest.NewRand(scramble(t.Seed+uint64(i))), 0
		}
		amd64.Handle(vectorTest, func(*amd64.Frame) { stumble(here()) })
		prepare(t)
		if onTick = tick; tick == nil {
			onTick = stumble
		}
	}
	t.Barrier()
	if torture.size == 0 {
		t.Skip("there is no memory for it")
		return false
	}
	startTicks()
	if cpu == 0 {
		torture.start = amd64.NowNs()
		torture.next = torture.start + wordEvery
		torture.end = torture.start + tortureNs()
	}
	t.Barrier()
	return true
}

// endTorture is what every CPU calls last, when no CPU does anything any more.
func endTorture(t *ktest.T, cpu int) {
	t.Barrier()
	stopTimer()
	t.Barrier()
	if cpu == 0 {
		onTick = nil
	}
}

// said begins a line about what was done to some part: the test's name, and the part's if the test is of all of them at once.
//
//go:noinline
func said(l *text.Line, part string) *text.Line {
	l.Reset().Str("# ").Str(torture.name).Str(": ")
	if torture.name == mixedName {
		l.Str(part).Str(": ")
	}
	return l
}

// counted is a count and what it is called.
type counted struct {
	name string
	n    uint64
}

// putCounts appends name=count for each, and prints the line.
//
//go:noinline
func putCounts(l *text.Line, counts ...counted) {
	for i := range counts {
		l.Byte(' ').Str(counts[i].name).Byte('=').Uint(counts[i].n)
	}
	put(l)
}

// wordEvery is how often a long test says that it goes on.
const wordEvery = 10_000_000_000

// going says whether the test goes on. CPU 0 says so in a line now and then.
func going(t *ktest.T, cpu int) bool {
	now := amd64.NowNs()
	if cpu == 0 && now >= torture.next {
		torture.next += wordEvery
		var l text.Line
		put(l.Str("# ").Str(torture.name).Str(": ").Uint((now - torture.start) / 1_000_000_000).Str(" s of ").
			Uint((torture.end - torture.start) / 1_000_000_000))
	}
	return now < torture.end && !t.Failed()
}

// spend passes some time: none, mostly, or as long as a few instructions, or some microseconds, or until the next interrupt.
// In a section or under a lock it is spent in there.
func spend(r *ktest.Rand) {
	switch n := r.N(1024); {
	case n < 700:
	case n < 1000:
		for range r.N(60) {
			amd64.Pause()
		}
	case n < 1022:
		amd64.DelayUs(r.N(200))
	default:
		machine.Relax(1 << 20)
	}
}

// stumble is an interrupt that takes its time: it stops a CPU at whatever instruction that had got to, while the others go on.
func stumble(me *local) {
	s := &torture.stumbles[me.cpu]
	s.n++
	if s.rand.N(2) == 0 {
		amd64.DelayUs(s.rand.N(200))
	}
}

// jostle makes some CPU stumble.
func jostle(t *ktest.T, r *ktest.Rand) {
	if r.N(uint64(2+t.CPUs/2)) == 0 {
		amd64.SendIPI(amd64.CPUByIndex(int(r.N(uint64(t.CPUs)))).APICID, vectorTest)
	}
}

// freshRoom makes all of the tests' memory free again, and takes it when called first.
func freshRoom() bool {
	if torture.size == 0 {
		size := uint64(256<<10 + ncpu*(128<<10))
		pa, ok := early.Alloc(size, mm.FrameSize, mm.Range{})
		if !ok {
			return false
		}
		torture.base, torture.size = uint64(amd64.PhysAddr(pa).Virt()), size
	}
	torture.used = 0
	return true
}

// room returns n zeroed elements of the test's memory; none of it holds pointers that anybody else needs to know.
func room[T any](n int) []T {
	var one T
	return unsafe.Slice((*T)(roomFor(uint64(n)*uint64(unsafe.Sizeof(one)))), n) // SAFETY: so many fit, and any type is aligned
}

// roomFor is room without types, so that there is one of it.
//
//go:noinline
func roomFor(bytes uint64) unsafe.Pointer {
	size := (bytes + 63) &^ 63
	if torture.used+size > torture.size {
		panic("torture: the test needs more memory than it was given")
	}
	// SAFETY: the piece is the test's, mapped, and aligned for any type.
	p := amd64.Pointer(uintptr(torture.base + torture.used))
	torture.used += size
	clear(unsafe.Slice((*byte)(p), size))
	return p
}

// flow checks what goes through a queue: that each producer's elements come out in order, and all of them once. Who takes
// part, be it a CPU's task or its handlers, has a number, and calls with it nowhere else.
type flow struct {
	who  []flowPart
	last []uint64 // of consumer c from producer p, at c × len(who) + p: the latest number
}

type flowPart struct {
	next               uint64 // number of the next element
	put, got           uint64 // how many
	putHash, gotHash   uint64 // sums over all elements, of a number that is random but the element's own
	failedPut, starved uint64
	_                  [8]byte
}

func (f *flow) init(parts int) {
	f.who = room[flowPart](parts)
	f.last = room[uint64](parts * parts)
}

// element is the next element of a producer; it is put only once enqueued says so.
func (f *flow) element(who int) uint64 { return uint64(who)<<56 | (f.who[who].next + 1) }

func (f *flow) enqueued(who int, v uint64, ok bool) {
	p := &f.who[who]
	if !ok {
		p.failedPut++
		return
	}
	p.next++
	p.put++
	p.putHash += scramble(v)
}

// dequeued takes note of an element. If it is inOrder, it must be newer than all that this consumer got of the producer.
func (f *flow) dequeued(t *ktest.T, cpu, who int, v uint64, inOrder bool) {
	p := &f.who[who]
	p.got++
	p.gotHash += scramble(v)
	from := int(v >> 56)
	if !t.Check(cpu, from < len(f.who), "an element came out that nobody put in") || !inOrder {
		return
	}
	last := &f.last[who*len(f.who)+from]
	t.Check(cpu, v > *last, "elements of one producer came out in another order, or one came out twice")
	*last = v
}

func (f *flow) nothing(who int) { f.who[who].starved++ }

// finish checks that what went in came out; nothing runs. It appends what was done to the line.
func (f *flow) finish(t *ktest.T, l *text.Line) (operations uint64) {
	var all flowPart
	least, most := ^uint64(0), uint64(0)
	for i := range f.who {
		p := &f.who[i]
		all.put += p.put
		all.got += p.got
		all.putHash += p.putHash
		all.gotHash += p.gotHash
		all.failedPut += p.failedPut
		all.starved += p.starved
		least, most = min(least, p.put+p.got), max(most, p.put+p.got)
	}
	t.Equal(0, all.got, all.put, "elements that came out, of those that went in")
	t.Equal(0, all.gotHash, all.putHash, "elements that came out are not those that went in")
	l.Str(" put=").Uint(all.put).Str(" full=").Uint(all.failedPut).Str(" empty=").Uint(all.starved).
		Str(" least=").Uint(least).Str(" most=").Uint(most)
	return all.put + all.got
}

// scramble is a random permutation of the words (SplitMix64's): sums of its values tell sets of words apart.
func scramble(v uint64) uint64 {
	r := ktest.NewRand(v)
	return r.Uint64()
}

// poison is what freed memory is filled with.
const poison = 0xdeaddeaddeaddead

// preemptOff turns preemption off, as everybody must who calls a Pool, a Deque or RCU's Call.
func preemptOff() *sync.Context {
	c := this()
	c.PreemptDisable()
	return c
}
