package slab

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// TestSlab_G1_G2_Race has CPUs allocate, write, pass on, and free what others allocated. The race detector sees whether
// the writes are ordered.
func TestSlab_G1_G2_Race(t *testing.T) {
	for _, g := range []Config{{Size: 8, Rounds: 2}, {Size: 64, Rounds: 4}, {Size: 1024, Rounds: 1}, {Size: 4096, Rounds: 3}} {
		for _, spare := range []int{0, 1} {
			t.Run(fmt.Sprintf("size=%d/spare=%d", g.Size, spare), func(t *testing.T) {
				g := g
				g.Spare = spare
				h := newHost(t, g, 6, []int{5, 5}, 0, 0, 1, 1)
				var (
					wg     sync.WaitGroup
					passed = make(chan unsafe.Pointer, 64)
					ops    atomic.Int64
				)
				for cpu := range h.nodeOf {
					wg.Go(func() {
						r := rand.New(rand.NewPCG(uint64(cpu), uint64(g.Size)))
						var mine []unsafe.Pointer
						drop := func(p unsafe.Pointer) {
							if v := (*uint64)(p); *v != uint64(uintptr(p)) {
								panic("an object was written by somebody who does not have it")
							} else {
								*v = 0xdead
							}
							if err := h.Free(cpu, p); err != nil {
								panic(err)
							}
						}
						for range 20_000 {
							switch k := r.IntN(100); {
							case k < 48:
								p, err := h.Alloc(cpu, r.IntN(8)/7^h.nodeOf[cpu])
								if err != nil {
									break
								}
								if v := (*uint64)(p); *v != 0 && *v != 0xdead {
									panic("an object that somebody has was given out")
								} else {
									*v = uint64(uintptr(p))
								}
								mine = append(mine, p)
								ops.Add(1)
							case k < 60 && len(mine) > 0:
								select {
								case passed <- mine[0]:
									mine = mine[1:]
								default:
								}
							case k < 70:
								select {
								case p := <-passed:
									drop(p)
								default:
								}
							case k < 97 && len(mine) > 0:
								drop(mine[len(mine)-1])
								mine = mine[:len(mine)-1]
							case k == 98:
								h.Drain(cpu)
							case k == 99:
								h.Reap(cpu, r.IntN(2))
							}
						}
						for _, p := range mine {
							drop(p)
						}
						h.Drain(cpu)
					})
				}
				wg.Wait()
				close(passed)
				for p := range passed {
					require.NoError(t, h.Free(0, p))
				}
				require.Positive(t, ops.Load())
				for n := range h.got {
					require.Zero(t, h.Stats(n).Twice)
					require.Positive(t, h.Stats(n).Remote)
				}
				h.empty()
			})
		}
	}
}

// Two CPUs free the same object at once, again and again: it stays one object, and what was believed of the second free is
// noticed later.
func TestSlab_G5_FreedTwiceAtTheSameMoment(t *testing.T) {
	h := newHost(t, Config{Size: 256, Rounds: 2, Spare: 4}, 4, []int{4, 1}, 0, 0, 1)
	old := runtime.GOMAXPROCS(4)
	t.Cleanup(func() { runtime.GOMAXPROCS(old) })
	both, refused := 0, 0
	for range 3000 {
		p, err := h.Alloc(0, 0)
		require.NoError(t, err)
		var (
			wg    sync.WaitGroup
			there atomic.Int32
			ok    atomic.Int32
		)
		for cpu := range h.nodeOf {
			wg.Go(func() {
				for there.Add(1); there.Load() < 3; {
					runtime.Gosched()
				}
				switch err := h.Free(cpu, p); err {
				case nil:
					ok.Add(1)
				case ErrNotTaken:
				default:
					panic(err)
				}
			})
		}
		wg.Wait()
		require.Positive(t, ok.Load())
		both += int(ok.Load()) - 1
		refused += 3 - int(ok.Load())
		h.check(0)
	}
	h.empty()
	require.EqualValues(t, both, h.Stats(0).Twice, "each was noticed")
	require.Positive(t, refused)
	t.Logf("%d refused at once, %d noticed later", refused, both)
}

// Who frees what another frees at the same moment may stop after it has written the object's word. When it goes on and sets the
// bit, the slab can have got another frame, and the object an owner: all bits are set then, and the frame must stay.
func TestSlab_G1_G5_AWrongHintGivesNoFrameBack(t *testing.T) {
	for _, g := range []Config{{Size: 2048}, {Size: 4096}, {Size: 8}} {
		h := newHost(t, g, 1, []int{1}, 0)
		h.twice = true
		d := &h.nodes[0]
		var all []unsafe.Pointer
		for range h.PerFrame() {
			p, err := h.Alloc(0, 0)
			require.NoError(t, err)
			all = append(all, p)
		}
		for k := range h.words {
			d.setBits(&h.Cache, 0, k, h.all(k))
		}
		require.False(t, h.retire(0, d, 0))
		require.EqualValues(t, h.PerFrame(), h.Stats(0).Twice)
		h.check(h.PerFrame())
		_, err := h.Alloc(0, 0)
		require.Equal(t, ErrNoSlab, err)
		for _, p := range all {
			require.NoError(t, h.Free(0, p))
		}
		h.empty()
	}
}

// A Free may stop after it has looked up the slab. When it goes on, the slab can have another frame, and the object of the same
// number an owner.
func TestSlab_G5_ALateFreeFindsAnotherLife(t *testing.T) {
	h := newHost(t, Config{Size: 4096, Rounds: 1}, 1, []int{1}, 0, 0)
	d := &h.nodes[0]
	words := map[uint32]bool{}
	for range 256 {
		p, err := h.Alloc(0, 0)
		require.NoError(t, err)
		for was := range words {
			require.Equal(t, ErrNotTaken, h.freeSlowly(1, d, 0, was))
		}
		was := takenOf(d.Slabs[0].at.Load())
		require.False(t, words[was])
		words[was] = true
		h.check(1)
		require.NoError(t, h.Free(0, p))
		h.Drain(0)
		require.Zero(t, h.Stats(0).Slabs)
	}
}
