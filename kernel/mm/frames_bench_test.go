package mm

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"exo/kernel/sync/atom"
)

// What an allocation costs, beside the buddy allocator with its one lock:
//
//	go test -run '^$' -bench Frames ./kernel/mm
//
// BenchmarkLocked is the unit: a compare-and-swap that succeeds.

// pairs is what is measured of both allocators.
type pairs interface {
	Alloc(cpu, node int, kind FrameKind, owner Owner) (Frame, error)
	Free(cpu int, i Frame) (bool, error)
	AllocHuge(cpu, node int, kind FrameKind, owner Owner) (Frame, error)
	FreeHuge(cpu int, i Frame) (bool, error)
}

func BenchmarkLocked(b *testing.B) {
	w := new(atom.Uint64)
	for i := range uint64(b.N) {
		w.CompareAndSwap(i, i+1)
	}
}

// allocators are both, over the same number of frames.
func allocators(cpus int, frames Frame) map[string]pairs {
	n := fakeNode{[][2]Frame{{0, frames}}}
	return map[string]pairs{"llfree": newFrames(cpus, n), "buddy": newBuddy(n)}
}

func small(a pairs, cpu, n int) {
	for range n {
		i, _ := a.Alloc(cpu, 0, User, 1)
		a.Free(cpu, i)
	}
}

func huge(a pairs, cpu, n int) {
	for range n {
		i, _ := a.AllocHuge(cpu, 0, User, 1)
		a.FreeHuge(cpu, i)
	}
}

var pairKinds = []struct {
	name string
	run  func(a pairs, cpu, n int)
}{{"4K", small}, {"2M", huge}}

// BenchmarkFramesPair allocates and frees the same frame, on one CPU and on two at once, each thread kept on its CPU; an
// operation is a pair by any of them.
func BenchmarkFramesPair(b *testing.B) {
	for _, kind := range pairKinds {
		for _, name := range []string{"llfree", "buddy"} {
			for threads := 1; threads <= 2; threads++ {
				b.Run(fmt.Sprintf("%s/%s/threads=%d", kind.name, name, threads), func(b *testing.B) {
					if runtime.NumCPU() < threads {
						b.Skip("needs as many CPUs")
					}
					a := allocators(threads, 1<<16)[name]
					b.ResetTimer()
					onCPUs(threads, func(cpu int) { kind.run(a, cpu, b.N/threads) })
				})
			}
		}
	}
}

// onCPUs runs f(0) … f(n-1), each in a thread of its own on a CPU of its own, from the same moment on.
func onCPUs(n int, f func(cpu int)) {
	var (
		there atomic.Int32
		wg    sync.WaitGroup
	)
	for cpu := range n {
		wg.Go(func() {
			runtime.LockOSThread() // and never unlock: the thread ends with its affinity
			var set unix.CPUSet
			set.Set(cpu)
			_ = unix.SchedSetaffinity(0, &set) // where that is not allowed the scheduler knows best
			for there.Add(1); int(there.Load()) < n; {
				runtime.Gosched()
			}
			f(cpu)
		})
	}
	wg.Wait()
}

// BenchmarkFramesSize is the pairs with more and more memory.
func BenchmarkFramesSize(b *testing.B) {
	for mib := Frame(64); mib <= 64<<10; mib *= 4 {
		f := newFrames(1, fakeNode{[][2]Frame{{0, mib << 8}}})
		for _, kind := range pairKinds {
			b.Run(fmt.Sprintf("%s/MiB=%d", kind.name, mib), func(b *testing.B) { kind.run(f, 0, b.N) })
		}
	}
}

// BenchmarkFramesFull is with so much of 4 GiB taken: frames here and there, and whole 2 MiB here and there. Of the former
// it frees some frame that is taken, and allocates another, so that no stock helps; "worst" is the longest of all.
func BenchmarkFramesFull(b *testing.B) {
	const frames = 1 << 20
	n := fakeNode{[][2]Frame{{0, frames}}}
	for _, percent := range []int{0, 50, 90, 99} {
		r := rand.New(rand.NewPCG(uint64(percent), 0))
		f := newFrames(1, n)
		var taken []Frame
		for i := range Frame(frames) {
			if r.IntN(100) < percent && f.AllocAt(0, i, User, 1) == nil {
				taken = append(taken, i)
			}
		}
		b.Run(fmt.Sprintf("4K/full=%d", percent), func(b *testing.B) { small(f, 0, b.N) })
		if percent > 0 {
			b.Run(fmt.Sprintf("4K random/full=%d", percent), func(b *testing.B) {
				for range b.N {
					k := r.IntN(len(taken))
					f.Free(0, taken[k])
					taken[k], _ = f.Alloc(0, 0, User, 1)
				}
			})
			b.Run(fmt.Sprintf("4K random worst/full=%d", percent), func(b *testing.B) {
				worst := time.Duration(0)
				for range b.N {
					k := r.IntN(len(taken))
					f.Free(0, taken[k])
					t := time.Now()
					taken[k], _ = f.Alloc(0, 0, User, 1)
					worst = max(worst, time.Since(t))
				}
				b.ReportMetric(float64(worst), "worst-ns")
			})
		}
		h := newFrames(1, n)
		for i := range Frame(frames / HugeFrames) {
			if r.IntN(100) < percent {
				if err := h.AllocAt(0, i*HugeFrames+Frame(r.IntN(HugeFrames)), User, 1); err != nil {
					b.Fatal(err)
				}
			}
		}
		b.Run(fmt.Sprintf("2M/full=%d", percent), func(b *testing.B) { huge(h, 0, b.N) })
		g := newFrames(1, n)
		for range frames / HugeFrames * percent / 100 {
			if _, err := g.AllocHuge(0, 0, User, 1); err != nil {
				b.Fatal(err)
			}
		}
		b.Run(fmt.Sprintf("2M packed/full=%d", percent), func(b *testing.B) { huge(g, 0, b.N) })
	}
}
