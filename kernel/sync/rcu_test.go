package sync

import (
	"math/rand/v2"
	"runtime"
	"sync/atomic"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"exo/internal/seeds"
	"exo/kernel/sync/atom"
)

// published is an object that readers find through a pointer. Its content is plain: the race detector watches.
type published struct {
	Head
	content int // -1 once it is nobody's
}

// never is a wait that must not be needed.
func never(t *testing.T) func(int) {
	return func(int) { t.Fatal("waits for nobody") }
}

func TestRCU_G1_SynchronizeWaitsForOpenSections(t *testing.T) {
	for _, nested := range []bool{false, true} {
		h := newRCUHost(3, 0)
		h.contexts[1].ReadLock()
		if nested {
			h.contexts[1].ReadLock()
		}
		waited := 0
		h.Synchronize(&h.contexts[0], func(rounds int) {
			require.Equal(t, waited, rounds)
			waited++
			for cpu := range 3 {
				h.tick(cpu)
			}
			switch {
			case waited == 50 && nested:
				h.contexts[1].ReadUnlock() // the inner one
			case waited == 100:
				h.contexts[1].ReadUnlock()
			case waited > 101:
				t.Fatal("waits when no section is open")
			}
		})
		require.GreaterOrEqual(t, waited, 100)
	}
}

func TestRCU_G1_WaitingLongEndsNothing(t *testing.T) {
	const stallNs = 1000
	h := newRCUHost(2, stallNs)
	h.contexts[1].ReadLock()
	waited := 0
	h.SynchronizeExpedited(&h.contexts[0], func(rounds int) {
		waited++
		h.now.Add(1 << 40) // far more than any limit
		h.poll(0)
		h.tick(0)
		h.poll(1)
		h.tick(1)
		if waited == 5000 {
			h.contexts[1].ReadUnlock()
		}
	})
	require.GreaterOrEqual(t, waited, 5000)
	require.Greater(t, len(h.stalls), 1000)
	for _, s := range h.stalls {
		require.Equal(t, 1, s.cpu, "CPU 0 keeps nobody waiting")
	}
}

func TestRCU_G6_IdleCPUsAreNotWaitedFor(t *testing.T) {
	h := newRCUHost(4, 0)
	for cpu := range 4 {
		h.IdleEnter(cpu)
	}
	h.SynchronizeExpedited(&h.contexts[0], never(t))
	for cpu := range 4 {
		require.Zero(t, h.interrupts[cpu].Load())
		h.tick(cpu) // a tick in idle does not make it a CPU to wait for
	}
	h.Synchronize(&h.contexts[0], never(t))

	// One that comes out of idle is asked only about periods that begin later.
	g := h.begin()
	h.IdleExit(2)
	require.True(t, h.isOver(g))
	g = h.begin()
	require.False(t, h.isOver(g))
	h.IdleEnter(2)
	require.True(t, h.isOver(g))
}

func TestRCU_TicksInSectionsAreNoQuiescentStates(t *testing.T) {
	h := newRCUHost(1, 0)
	g := h.begin()
	c := &h.contexts[0]
	c.ReadLock()
	h.Tick(0, c)
	require.False(t, h.isOver(g))
	c.PreemptDisable() // a section that begins and ends inside another
	c.PreemptEnable()
	h.Tick(0, c)
	require.False(t, h.isOver(g))
	c.ReadUnlock()
	require.False(t, h.isOver(g), "nothing has reported it")
	h.Tick(0, c)
	require.True(t, h.isOver(g))
	require.True(t, h.isOver(g), "and it stays over")
	require.False(t, h.isOver(h.begin()))
}

func TestRCU_WaitingInsideASectionPanics(t *testing.T) {
	h := newRCUHost(1, 0)
	c := &h.contexts[0]
	c.ReadLock()
	require.Panics(t, func() { h.Synchronize(c, never(t)) })
	require.Panics(t, func() { h.SynchronizeExpedited(c, never(t)) })
	require.Panics(t, func() { h.Barrier(c, never(t)) })
	c.ReadUnlock()
	h.Barrier(c, never(t))
}

// noted is a callback that notes where it ran, and when.
type noted struct {
	Head
	run func(cpu int)
}

func (h *rcuHost) call(cpu int, run func(cpu int)) {
	n := &noted{run: run}
	h.Call(cpu, &n.Head, func(cpu int, h *Head) { (*noted)(unsafe.Pointer(h)).run(cpu) })
}

func TestRCU_G2_ACallbackWaitsForAPeriodThatBeganAfterIt(t *testing.T) {
	h := newRCUHost(2, 0)
	var ran []string
	h.call(0, func(int) { ran = append(ran, "first") })
	h.Advance(0, 10) // begins a period for it
	h.contexts[1].ReadLock()
	h.call(0, func(int) { ran = append(ran, "second") }) // while that period is under way and this section is open
	h.tick(0)
	require.Empty(t, ran)

	// The first one's period ends, CPU 1 having been quiescent after it began but before the section. As if it had ticked.
	h.cpus[1].seen.Store(1)
	for range 10 {
		h.tick(0)
		h.tick(1)
		require.Equal(t, []string{"first"}, ran, "the second is queued later than its period began")
	}
	h.contexts[1].ReadUnlock()
	for range 3 {
		h.tick(1)
		h.tick(0)
	}
	require.Equal(t, []string{"first", "second"}, ran)
	require.False(t, h.Pending(0))
}

func TestRCU_G4_CallbacksRunOnceInOrderOnTheirCPU(t *testing.T) {
	ranInAll, limited := 0, 0
	seeds.Each(t, 200, func(r *rand.Rand) {
		cpus := 1 + r.IntN(4)
		h := newRCUHost(cpus, 0)
		type item struct{ number, openedBefore int }
		queued, ran := make([]int, cpus), make([]int, cpus)
		open := make([]int, cpus) // which section each CPU is in, 0: none
		opened := 0               // sections are numbered
		var add func(cpu int, again bool)
		add = func(cpu int, again bool) {
			it := item{queued[cpu], opened}
			queued[cpu]++
			h.call(cpu, func(on int) {
				require.Equal(t, cpu, on)
				require.Equal(t, ran[cpu], it.number)
				ran[cpu]++
				ranInAll++
				for i, s := range open {
					require.False(t, s != 0 && s <= it.openedBefore, "section %d of CPU %d is open since before", s, i)
				}
				if again {
					add(cpu, false)
				}
			})
		}
		idles := make([]bool, cpus)
		for range 400 {
			cpu := r.IntN(cpus)
			c := &h.contexts[cpu]
			if idles[cpu] {
				if r.IntN(3) == 0 {
					h.IdleExit(cpu)
					idles[cpu] = false
				}
				continue
			}
			switch r.IntN(7) {
			case 0:
				if open[cpu] == 0 {
					opened++
					open[cpu] = opened
					c.ReadLock()
				}
			case 1:
				if open[cpu] != 0 {
					open[cpu] = 0
					c.ReadUnlock()
				}
			case 2:
				if open[cpu] == 0 {
					h.Quiescent(cpu)
				}
			case 3:
				if open[cpu] == 0 && r.IntN(4) == 0 {
					h.IdleEnter(cpu)
					idles[cpu] = true
				}
			case 4:
				add(cpu, r.IntN(3) == 0)
			case 5:
				h.Tick(cpu, c)
			case 6:
				limit := r.IntN(3)
				n := h.Advance(cpu, limit)
				require.LessOrEqual(t, n, limit)
				if n == limit && h.Pending(cpu) {
					limited++
				}
			}
			require.Equal(t, queued[cpu] != ran[cpu], h.Pending(cpu))
		}
		for cpu := range cpus {
			if idles[cpu] {
				h.IdleExit(cpu)
			}
			if open[cpu] != 0 {
				open[cpu] = 0
				h.contexts[cpu].ReadUnlock()
			}
		}
		for range 100 {
			h.settle()
		}
		require.Equal(t, queued, ran)
	})
	require.Positive(t, ranInAll)
	require.Positive(t, limited)
}

func TestRCU_G5_BarrierWaitsForCallbacksOfAllCPUs(t *testing.T) {
	h := newRCUHost(3, 0)
	ran := 0
	for cpu := range 3 {
		for range 5 {
			h.call(cpu, func(int) { ran++ })
		}
	}
	h.Barrier(&h.contexts[0], func(int) {
		h.tick(0)
		h.poll(1) // the others do nothing unless they are interrupted
		h.poll(2)
		h.Quiescent(1)
		h.Quiescent(2)
	})
	require.Equal(t, 15, ran)
	require.Positive(t, h.interrupts[1].Load())

	// Callbacks that are queued meanwhile are not waited for.
	var again func(cpu int)
	again = func(cpu int) { ran++; h.call(cpu, again) }
	h.call(0, again)
	h.Barrier(&h.contexts[0], func(int) { h.settle() })
	require.True(t, h.Pending(0))
}

func TestRCU_ExpeditedInterruptsOnlyWhomItWaitsFor(t *testing.T) {
	h := newRCUHost(4, 0)
	h.IdleEnter(3)
	h.contexts[2].ReadLock()
	waited := 0
	h.SynchronizeExpedited(&h.contexts[0], func(int) {
		waited++
		h.Quiescent(0)
		h.poll(1)
		h.poll(2)
		if waited == 3*expediteEvery {
			h.contexts[2].ReadUnlock()
		}
	})
	require.EqualValues(t, 1, h.interrupts[1].Load(), "once, for then it was quiescent")
	require.EqualValues(t, 4, h.interrupts[2].Load(), "again and again, while it was in a section")
	require.Zero(t, h.interrupts[3].Load(), "idle")

	n := h.interrupts[1].Load()
	rounds := 0
	h.Synchronize(&h.contexts[0], func(int) {
		if rounds++; rounds > 200 {
			h.settle()
		}
	})
	require.Equal(t, n, h.interrupts[1].Load(), "not expedited: nobody is interrupted")
}

func TestRCU_StallsNameTheCPUAndRepeat(t *testing.T) {
	const stallNs = 1000
	h := newRCUHost(4, stallNs)
	h.now.Store(5_000_000)
	h.contexts[2].ReadLock()
	waited := 0
	h.Synchronize(&h.contexts[0], func(int) {
		waited++
		h.now.Add(100)
		for cpu := range 4 {
			h.Tick(cpu, &h.contexts[cpu])
		}
		if waited == 35 {
			h.contexts[2].ReadUnlock()
		}
	})
	require.Equal(t, []stall{{2, 1, 1000}, {2, 1, 2000}, {2, 1, 3000}}, h.stalls)

	// The same for callbacks, whose CPU looks each time it advances.
	h.stalls = nil
	h.call(0, func(int) {})
	h.Advance(0, 10)
	h.contexts[3].ReadLock()
	for range 35 {
		h.now.Add(100)
		for cpu := range 4 {
			h.Tick(cpu, &h.contexts[cpu])
		}
		h.Advance(0, 10)
	}
	require.Equal(t, []stall{{3, 2, 1000}, {3, 2, 2000}, {3, 2, 3000}}, h.stalls)
	h.contexts[3].ReadUnlock()
	h.settle()
	require.False(t, h.Pending(0))

	h = newRCUHost(2, 0) // 0: no reports
	rounds := 0
	h.Synchronize(&h.contexts[0], func(int) {
		h.now.Add(1 << 50)
		if rounds++; rounds > 100 {
			h.settle()
		}
	})
	require.Empty(t, h.stalls)
}

// CPUs that are goroutines: readers of a few objects, which stop inside sections for as long as it happens; updaters that
// replace the objects and poison the old ones, by Synchronize or by callbacks; and idling in between.
func TestRCU_G1_G2_G3_G5_ReadersAgainstPoison(t *testing.T) {
	manyThreads(t)
	const cpus, objects = 4, 3
	var reads, synchronized, expedited, called, barriers, idled atomic.Int64
	seeds.Each(t, 6, func(r *rand.Rand) {
		h := newRCUHost(cpus, 0)
		var root [objects]atom.Pointer[published]
		for i := range root {
			root[i].Store(&published{content: 1})
		}
		var working atomic.Int32
		working.Store(cpus)
		numbers := make([]*rand.Rand, cpus)
		for i := range numbers {
			numbers[i] = rand.New(rand.NewPCG(r.Uint64(), 0))
		}
		poisoned := make([]int, cpus) // callbacks that ran; touched by the CPU alone
		queued := make([]int, cpus)
		inParallel(cpus, func(cpu int) {
			r, c := numbers[cpu], &h.contexts[cpu]
			wait := func(int) {
				h.tick(cpu)
				h.poll(cpu)
				runtime.Gosched()
			}
			for range 300 {
				h.poll(cpu)
				switch n := r.IntN(20); {
				case n < 12:
					c.ReadLock()
					o := root[r.IntN(objects)].Load()
					first := o.content
					for range r.IntN(4) {
						sometimes(r)
						if n == 0 {
							h.tick(cpu) // a timer interrupt inside the section
						}
						if first <= 0 || o.content != first {
							t.Errorf("an object in a section became %d, then %d", first, o.content)
						}
					}
					c.ReadUnlock()
					reads.Add(1)
				case n < 14:
					old := root[r.IntN(objects)].Swap(&published{content: 1 + r.IntN(100)})
					if r.IntN(2) == 0 {
						h.Synchronize(c, wait)
						synchronized.Add(1)
					} else {
						h.SynchronizeExpedited(c, wait)
						expedited.Add(1)
					}
					old.content = -1
				case n < 17:
					old := root[r.IntN(objects)].Swap(&published{content: 1 + r.IntN(100)})
					queued[cpu]++
					h.Call(cpu, &old.Head, func(on int, head *Head) {
						(*published)(unsafe.Pointer(head)).content = -1
						poisoned[on]++
					})
					called.Add(1)
				case n == 17:
					h.tick(cpu)
				case n == 18:
					h.IdleEnter(cpu)
					for range r.IntN(20) {
						runtime.Gosched()
					}
					h.IdleExit(cpu)
					idled.Add(1)
				case n == 19 && r.IntN(10) == 0:
					before := queued[cpu]
					h.Barrier(c, wait)
					if poisoned[cpu] < before {
						t.Errorf("Barrier returned after %d callbacks of %d", poisoned[cpu], before)
					}
					barriers.Add(1)
				}
			}
			for working.Add(-1); working.Load() > 0 || h.Pending(cpu); { // others may wait for this CPU
				wait(0)
			}
			h.IdleEnter(cpu)
		})
		require.Equal(t, queued, poisoned)
	})
	for _, n := range []*atomic.Int64{&reads, &synchronized, &expedited, &called, &barriers, &idled} {
		require.Positive(t, n.Load())
	}
}
