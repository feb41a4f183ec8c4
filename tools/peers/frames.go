package main

import (
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"exo/kernel/mm"
	"exo/kernel/sync/atom"
)

// The frame allocator of kernel/mm beside a buddy allocator with one lock (mm.Buddy), on the host: as many nanoseconds, and
// as many times what a locked instruction takes in the same run.

// locked is a compare-and-swap that succeeds, again and again: the unit.
type locked struct{ word *atom.Uint64 }

func (b locked) run(_, n int) (done int) {
	first := b.word.Load()
	for i := range uint64(n) {
		if b.word.CompareAndSwap(first+i, first+i+1) {
			done++
		}
	}
	return done
}

// single is a frame out and back by a CPU's reservation, again and again.
type single struct{ f *mm.Frames }

func (b single) run(id, n int) (done int) {
	near := b.f.CPU(id, 0)
	for range n {
		i, err := near.Alloc(mm.User, 1)
		if err == nil {
			near.Free(i)
			done++
		}
	}
	return done
}

type singleBuddy struct{ b *mm.Buddy }

func (b singleBuddy) run(id, n int) (done int) {
	for range n {
		i, err := b.b.Alloc(id, 0, mm.User, 1)
		if err == nil {
			b.b.Free(id, i)
			done++
		}
	}
	return done
}

// huge is the same with 2 MiB.
type huge struct{ f *mm.Frames }

func (b huge) run(id, n int) (done int) {
	near := b.f.CPU(id, 0)
	for range n {
		i, err := near.AllocHuge(mm.User, 1)
		if err == nil {
			near.FreeHuge(i)
			done++
		}
	}
	return done
}

type hugeBuddy struct{ b *mm.Buddy }

func (b hugeBuddy) run(id, n int) (done int) {
	for range n {
		i, err := b.b.AllocHuge(id, 0, mm.User, 1)
		if err == nil {
			b.b.FreeHuge(id, i)
			done++
		}
	}
	return done
}

// anywhere frees some frame of those that are taken, and allocates another: no reservation helps.
type anywhere struct {
	f     *mm.Frames
	taken []mm.Frame
	r     *rand.Rand
}

func (b anywhere) run(id, n int) (done int) {
	near := b.f.CPU(id, 0)
	for range n {
		i := &b.taken[b.r.IntN(len(b.taken))]
		near.Free(*i)
		var err error
		if *i, err = near.Alloc(mm.User, 1); err == nil {
			done++
		}
	}
	return done
}

type anywhereBuddy struct {
	b     *mm.Buddy
	taken []mm.Frame
	r     *rand.Rand
}

func (b anywhereBuddy) run(id, n int) (done int) {
	for range n {
		i := &b.taken[b.r.IntN(len(b.taken))]
		b.b.Free(id, *i)
		var err error
		if *i, err = b.b.Alloc(id, 0, mm.User, 1); err == nil {
			done++
		}
	}
	return done
}

// newFrames is one node of so many MiB.
func newFrames(cpus int, mib int) *mm.Frames {
	n := mib << 8
	f := new(mm.Frames)
	f.Init(make([]atom.Uint64, n))
	f.SetNode(0, mm.NodeMemory{
		Counts: make([]atom.Uint32, n/mm.HugeFrames),
		Bits:   make([]atom.Uint64, n/64),
		CPUs:   make([]mm.FrameCPU, cpus),
	})
	f.Add(0, 0, uint64(n))
	return f
}

func newBuddy(mib int) *mm.Buddy {
	n := mib << 8
	b := new(mm.Buddy)
	b.Init(make([]mm.Info, n))
	b.SetNode(0, mm.BuddyMemory{Blocks: make([]mm.BuddyBlock, n)})
	b.Add(0, 0, uint64(n))
	return b
}

// takerAt is what both allocators have for making memory full.
type takerAt interface {
	AllocAt(cpu int, i mm.Frame, kind mm.FrameKind, owner mm.Owner) error
}

// take takes so many of a hundred frames, here and there; one of each 2 MiB, or of each frame.
func take(a takerAt, mib, percent, step int) (taken []mm.Frame) {
	r := rand.New(rand.NewPCG(uint64(percent), 0))
	for i := 0; i < mib<<8; i += step {
		if f := mm.Frame(i + r.IntN(step)); r.IntN(100) < percent && a.AllocAt(0, f, mm.User, 1) == nil {
			taken = append(taken, f)
		}
	}
	return taken
}

// framesRow is a line of the table.
type framesRow struct {
	name    string
	threads int
	make    func() (exo, buddy body) // the buddy may be nil

	exo, buddy         sample // nanoseconds
	exoUnits, budUnits sample // locked instructions
}

const (
	fullMiB    = 4 << 10
	largestMiB = 64 << 10
)

// framesRows is what is measured.
func framesRows() (rows []*framesRow) {
	for _, k := range []struct {
		name string
		make func(mib int) (exo, buddy body)
	}{
		{"4 KiB", func(mib int) (exo, buddy body) { return single{newFrames(2, mib)}, singleBuddy{newBuddy(mib)} }},
		{"2 MiB", func(mib int) (exo, buddy body) { return huge{newFrames(2, mib)}, hugeBuddy{newBuddy(mib)} }},
	} {
		for threads := 1; threads <= 2; threads++ {
			rows = append(rows, &framesRow{name: fmt.Sprintf("%s, threads: %d", k.name, threads), threads: threads,
				make: func() (exo, buddy body) { return k.make(fullMiB) }})
		}
		for mib := 64; mib <= largestMiB; mib *= 4 {
			rows = append(rows, &framesRow{name: fmt.Sprintf("%s, of %s", k.name, ofMiB(mib)), threads: 1,
				make: func() (exo, buddy body) {
					if k.name == "2 MiB" {
						return huge{newFrames(1, mib)}, nil
					}
					return single{newFrames(1, mib)}, nil
				}})
		}
	}
	for _, percent := range []int{50, 90, 99} {
		rows = append(rows,
			&framesRow{name: fmt.Sprintf("4 KiB, %d %% taken", percent), threads: 1, make: func() (exo, buddy body) {
				f, b := newFrames(1, fullMiB), newBuddy(fullMiB)
				take(f, fullMiB, percent, 1)
				take(b, fullMiB, percent, 1)
				return single{f}, singleBuddy{b}
			}},
			&framesRow{name: fmt.Sprintf("4 KiB anywhere, %d %% taken", percent), threads: 1, make: func() (exo, buddy body) {
				f, b := newFrames(1, fullMiB), newBuddy(fullMiB)
				r, s := rand.New(rand.NewPCG(1, 2)), rand.New(rand.NewPCG(1, 2))
				return anywhere{f, take(f, fullMiB, percent, 1), r}, anywhereBuddy{b, take(b, fullMiB, percent, 1), s}
			}},
			&framesRow{name: fmt.Sprintf("2 MiB, %d %% not to be had", percent), threads: 1, make: func() (exo, buddy body) {
				f, b := newFrames(1, fullMiB), newBuddy(fullMiB)
				take(f, fullMiB, percent, mm.HugeFrames)
				take(b, fullMiB, percent, mm.HugeFrames)
				return huge{f}, hugeBuddy{b}
			}})
	}
	return rows
}

func ofMiB(mib int) string {
	if mib < 1024 {
		return fmt.Sprintf("%d MiB", mib)
	}
	return fmt.Sprintf("%d GiB", mib>>10)
}

// measure makes the runs of a row, each beside one of locked instructions.
func (row *framesRow) measure(rounds int) error {
	exo, buddy := row.make()
	unit := locked{new(atom.Uint64)}
	n := func(b body, threads int) int {
		for n := 1000; ; n *= 2 {
			if took, _ := measure(b, threads, n); took >= runTime/2 || n > 1e8 {
				return max(int(float64(n)*float64(runTime)/float64(took)), 100)
			}
		}
	}
	per := func(b body, threads, n int) (float64, error) {
		took, done := measure(b, threads, n)
		if done != threads*n {
			return 0, fmt.Errorf("frames, %s: %d of %d operations succeeded", row.name, done, threads*n)
		}
		return float64(took) / float64(done), nil
	}
	nUnit, nExo, nBuddy := n(unit, 1), n(exo, row.threads), 0
	if buddy != nil {
		nBuddy = n(buddy, row.threads)
	}
	for range rounds {
		one, err := per(unit, 1, nUnit)
		if err != nil {
			return err
		}
		ns, err := per(exo, row.threads, nExo)
		if err != nil {
			return err
		}
		row.exo, row.exoUnits = append(row.exo, ns), append(row.exoUnits, ns/one)
		if buddy == nil {
			continue
		}
		if ns, err = per(buddy, row.threads, nBuddy); err != nil {
			return err
		}
		row.buddy, row.budUnits = append(row.buddy, ns), append(row.budUnits, ns/one)
	}
	return nil
}

// measureFrames makes the rows that are wanted.
func measureFrames(wanted func(name string) bool, rounds int, to io.Writer) (rows []*framesRow, err error) {
	for _, row := range framesRows() {
		if !wanted("frames " + row.name) {
			continue
		}
		start := time.Now()
		if err := row.measure(rounds); err != nil {
			return nil, err
		}
		rows = append(rows, row)
		fmt.Fprintf(to, "peers: frames %s: %.2f ns, %.1f s\n", row.name, row.exo.median(), time.Since(start).Seconds())
	}
	return rows, nil
}

// framesTable is one table of all of it.
func framesTable(rows []*framesRow) table {
	t := table{
		title: "Frames, out and back",
		note: fmt.Sprintf("A pair, of two threads together; of %s if nothing else is said. “anywhere” frees one of those that are taken, "+
			"at random, and allocates another. In locked instructions: compare-and-swaps of one thread that would take as long, in "+
			"runs right before. The buddy allocator has one lock. Medians of alternating runs, (smallest–largest).", ofMiB(fullMiB)),
		lines: [][]string{{"frames", "Exo, ns", "in locked instructions", "buddy, ns", "in locked instructions", "buddy / Exo"}},
	}
	for _, row := range rows {
		line := []string{row.name, spread(row.exo), figure(row.exoUnits.median()), "", "", ""}
		if len(row.buddy) > 0 {
			line[3], line[4] = spread(row.buddy), figure(row.budUnits.median())
			line[5] = figure(row.buddy.median() / row.exo.median())
		}
		t.lines = append(t.lines, line)
	}
	return t
}
