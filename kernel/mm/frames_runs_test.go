package mm

import (
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// Runs that are shared and freed as runs come to the same as frame by frame.
func TestFrames_G1_G4_RunsSharedAndFreed(t *testing.T) {
	f := newFrames(2, oddNodes()...)
	for node := range 2 {
		for _, n := range []int{1, 2, 31, 64, 65, 100, 200} {
			i, err := f.AllocRun(0, node, n, 1, User, 3)
			require.NoError(t, err)
			require.Equal(t, n, f.ShareRun(i, n))
			require.Equal(t, 2, f.Info(i+Frame(n)-1).Refs())
			_, err = f.Free(1, i+Frame(n)/2) // so one has a reference less
			require.NoError(t, err)
			f.FreeRun(1, i, n)
			f.check(t)
			require.Equal(t, FreeFrame, f.Info(i+Frame(n)/2).Kind())
			require.Equal(t, n/2, f.ShareRun(i, n), "it stops before what is free")
			f.FreeRun(0, i, n/2)
			for k := range Frame(n) {
				if k != Frame(n)/2 {
					_, err := f.Free(0, i+k)
					require.NoError(t, err)
				}
			}
			f.check(t)
		}
	}
	require.Equal(t, f.Total(0)+f.Total(1), f.FreeCount(0)+f.FreeCount(1))
	h, err := f.AllocHuge(0, 0, User, 0)
	require.NoError(t, err)
	require.Zero(t, f.ShareRun(h, 4), "part of 2 MiB")
	require.Zero(t, f.ShareRun(4990, 20), "what there is not")
	require.Zero(t, f.ShareRun(2999, 1), "nor this")
	f.FreeRun(0, 1<<40, 0)
	f.FreeHuge(0, h)
	f.check(t)
}

// Short runs come from a CPU's stock, and go back there.
func TestFrames_G1_G4_ShortRuns(t *testing.T) {
	f := newFrames(2, oddNodes()...)
	type run struct {
		first Frame
		n     int
	}
	for node := range 2 {
		c := f.CPU(0, node)
		r := rand.New(rand.NewPCG(uint64(node), 1))
		var mine []run
		taken := map[Frame]bool{}
		got, refused := 0, 0
		for range 3000 {
			n := 1 + r.IntN(ShortRun)
			i, err := c.AllocShort(n, User, 5)
			if err != nil {
				require.Equal(t, ErrNoMemory, err)
				refused++
				if i, err = f.Alloc(0, node, User, 5); err != nil { // so that the stock goes on
					break
				}
				n = 1
			}
			got++
			for k := range Frame(n) {
				require.False(t, taken[i+k])
				taken[i+k] = true
				require.Equal(t, User, f.Info(i+k).Kind())
				require.EqualValues(t, 5, f.Info(i+k).Owner())
				require.Equal(t, node, f.Info(i+k).Node())
			}
			mine = append(mine, run{i, n})
			for len(mine) > 0 && r.IntN(3) > 0 {
				k := r.IntN(len(mine))
				for j := range Frame(mine[k].n) {
					delete(taken, mine[k].first+j)
				}
				f.FreeRun(r.IntN(2), mine[k].first, mine[k].n)
				mine[k] = mine[len(mine)-1]
				mine = mine[:len(mine)-1]
			}
		}
		require.Greater(t, got, 500)
		require.Positive(t, refused)
		f.check(t)
		for _, x := range mine {
			f.FreeRun(0, x.first, x.n)
		}
		_, err := c.AllocShort(ShortRun+1, User, 0)
		require.Equal(t, ErrRunLength, err)
		f.check(t)
		require.Equal(t, f.Total(node), f.FreeCount(node))
	}
}

// Each run has two owners on two CPUs, who give it up at about the same time, others taking frames meanwhile.
func TestFrames_G1_G2_RunsManyAtOnce(t *testing.T) {
	const cpus, rounds = 4, 1500
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(cpus))
	f := newFrames(cpus, oddNodes()...)
	content := make([]atomic.Int32, 5000)
	type run struct {
		first Frame
		n     int
		left  *atomic.Int32
	}
	other := make(chan run, 16)
	var together atomic.Int64
	var wg sync.WaitGroup
	for cpu := range cpus {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(cpu), 9))
			release := func(x run) {
				if x.left.Add(-1) == 0 {
					together.Add(1)
				}
				f.FreeRun(cpu, x.first, x.n)
			}
			for range rounds {
				if r.IntN(2) == 0 {
					if i, err := f.Alloc(cpu, r.IntN(2), User, 0); err == nil {
						if content[i].Add(1) != 1 {
							t.Errorf("frame %d is somebody else's", i)
						}
						content[i].Add(-1)
						f.FreeRun(cpu, i, 1)
					}
				}
				n := 1 + r.IntN(90)
				var i Frame
				var err error
				if n <= ShortRun {
					i, err = f.CPU(cpu, r.IntN(2)).AllocShort(n, User, 0)
				} else {
					i, err = f.AllocRun(cpu, r.IntN(2), n, 1, User, 0)
				}
				if err != nil {
					continue
				}
				for k := range Frame(n) {
					if content[i+k].Add(1) != 1 {
						t.Errorf("frame %d is somebody else's", i+k)
					}
				}
				for k := range Frame(n) {
					content[i+k].Add(-1)
				}
				if f.ShareRun(i, n) != n {
					t.Error("a run cannot be shared")
				}
				x := run{i, n, new(atomic.Int32)}
				x.left.Store(2)
				select {
				case other <- x:
				default:
					release(x)
				}
				release(x)
				select {
				case x := <-other:
					release(x)
				default:
				}
			}
		})
	}
	wg.Wait()
	close(other)
	for x := range other {
		f.FreeRun(0, x.first, x.n)
	}
	require.Positive(t, together.Load())
	f.check(t)
	require.Equal(t, f.Total(0)+f.Total(1), f.FreeCount(0)+f.FreeCount(1))
}
