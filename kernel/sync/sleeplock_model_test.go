package sync

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"exo/internal/seeds"
)

// Threads lock, unlock and change priorities at random, one step at a time; a model that knows only queues and maxima
// says who waits where, in which order, and how urgent everybody is.
func TestSleeplock_G2_G4_RandomAgainstModel(t *testing.T) {
	const threads, nlocks, steps = 7, 5, 60
	waited, changed, deep := 0, 0, 0
	seeds.Each(t, 25, func(r *rand.Rand) {
		var (
			locks     [nlocks]Sleeplock
			ths       []*thread
			base      [threads]int
			eff       [threads]int
			waitsFor  [threads]int // a lock, or -1
			holder    [nlocks]int  // a thread, or -1
			queue     [nlocks][]int
			remove    = func(l, i int) { queue[l] = without(queue[l], i) }
			highestOf = func(i int) int { // of what it holds
				h := -1
				for l := range locks {
					if holder[l] == i {
						h = l
					}
				}
				return h
			}
			insert = func(l, i int) {
				at := 0
				for at < len(queue[l]) && eff[queue[l][at]] >= eff[i] {
					at++
				}
				queue[l] = append(queue[l][:at:at], append([]int{i}, queue[l][at:]...)...)
			}
			settle = func() { // until nothing changes
				for again := true; again; {
					again = false
					for i := range threads {
						p := base[i]
						for l := range locks {
							for _, w := range queue[l] {
								if holder[l] == i {
									p = max(p, eff[w])
								}
							}
						}
						if p != eff[i] {
							eff[i], again = p, true
							changed++
							if l := waitsFor[i]; l >= 0 {
								deep++
								remove(l, i)
								insert(l, i)
							}
						}
					}
				}
			}
		)
		for i := range threads {
			ths = append(ths, newThread(t, 0))
			waitsFor[i] = -1
		}
		for l := range locks {
			locks[l].Init(ClassTestNest)
			holder[l] = -1
		}
		release := func(i, l int) {
			ths[i].unlock(&locks[l])
			holder[l] = -1
			if len(queue[l]) > 0 {
				w := queue[l][0]
				queue[l] = queue[l][1:]
				holder[l], waitsFor[w] = w, -1
				ths[w].finish()
			}
		}
		for step := 0; ; step++ {
			i := r.IntN(threads)
			h := highestOf(i)
			switch {
			case step >= steps: // release everything, from the end of the chains
				i = -1
				for k := range threads {
					if waitsFor[k] < 0 && highestOf(k) >= 0 {
						i = k
					}
				}
				if i < 0 {
					for l := range locks {
						require.Nil(t, locks[l].owner.Load())
					}
					return
				}
				release(i, highestOf(i))
			case r.IntN(4) == 0: // whether it waits or not
				base[i] = r.IntN(6)
				ths[i].SetPriority(base[i], &observer)
			case waitsFor[i] >= 0:
			case h >= 0 && r.IntN(3) == 0:
				l := r.IntN(nlocks)
				for holder[l] != i {
					l = r.IntN(nlocks)
				}
				release(i, l)
			case h < nlocks-1:
				l := h + 1 + r.IntN(nlocks-h-1)
				free := ths[i].lock(&locks[l])
				require.Equal(t, holder[l] < 0, free)
				if free {
					holder[l] = i
				} else {
					waited++
					waitsFor[i] = l
					insert(l, i)
				}
			}
			settle()
			for i, th := range ths {
				require.Equal(t, eff[i], th.EffectivePriority(), "step %d, thread %d", step, i)
				require.Equal(t, base[i], th.Priority())
			}
			for l := range locks {
				var want []*Context
				for _, w := range queue[l] {
					want = append(want, ths[w].Context)
				}
				require.Equal(t, want, queueOf(&locks[l]), "step %d, lock %d", step, l)
				switch o := locks[l].owner.Load(); {
				case holder[l] < 0:
					require.Nil(t, o)
				case len(want) > 0:
					require.Same(t, &contended, o)
					require.Same(t, ths[holder[l]].Context, locks[l].holder)
				default:
					require.Same(t, ths[holder[l]].Context, o)
				}
			}
		}
	})
	require.NotZero(t, waited)
	require.NotZero(t, changed)
	require.NotZero(t, deep)
}

func without(q []int, i int) (rest []int) {
	for _, x := range q {
		if x != i {
			rest = append(rest, x)
		}
	}
	return rest
}
