package slab

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"exo/kernel/sync/atom"
)

// What a pair of Alloc and Free costs, beside a free list under a lock, and what the check of G5 costs beside one that
// would notice a second free at the same moment at once:
//
//	go test -run '^$' -bench . ./kernel/mm/slab

// locked is a free list under a lock, without nodes and checks.
type locked struct {
	sync.Mutex
	first unsafe.Pointer
}

func (l *locked) Alloc() unsafe.Pointer {
	l.Lock()
	p := l.first
	l.first = *(*unsafe.Pointer)(p)
	l.Unlock()
	return p
}

func (l *locked) Free(p unsafe.Pointer) {
	l.Lock()
	*(*unsafe.Pointer)(p) = l.first
	l.first = p
	l.Unlock()
}

func BenchmarkPair(b *testing.B) {
	for _, size := range []int{64, 256, 4096} {
		for threads := 1; threads <= 2; threads++ {
			b.Run(fmt.Sprintf("magazines/size=%d/threads=%d", size, threads), func(b *testing.B) {
				h := newHost(b, Config{Size: size}, 64, []int{64}, make([]int, threads)...)
				b.ResetTimer()
				onCPUs(threads, func(cpu int) {
					for range b.N / threads {
						p, _ := h.Alloc(cpu, 0)
						h.Free(cpu, p)
					}
				})
			})
		}
	}
	for threads := 1; threads <= 2; threads++ {
		b.Run(fmt.Sprintf("locked/threads=%d", threads), func(b *testing.B) {
			l := new(locked)
			for range 64 {
				l.Free(unsafe.Pointer(new([8]unsafe.Pointer)))
			}
			b.ResetTimer()
			onCPUs(threads, func(int) {
				for range b.N / threads {
					l.Free(l.Alloc())
				}
			})
		})
	}
}

// BenchmarkBurst takes so many objects and gives them back: from magazines, from the depot, from slabs, from new frames. An
// operation is one pair.
func BenchmarkBurst(b *testing.B) {
	for _, n := range []int{16, 64, 128, 1024, 16384} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			h := newHost(b, Config{Size: 64}, 256, []int{256}, 0)
			got := make([]unsafe.Pointer, n)
			for i := 0; i < b.N; i += n {
				for k := range got {
					got[k], _ = h.Alloc(0, 0)
				}
				for _, p := range got {
					h.Free(0, p)
				}
			}
		})
	}
}

// BenchmarkRemote frees on a CPU of another node.
func BenchmarkRemote(b *testing.B) {
	h := newHost(b, Config{Size: 64}, 64, []int{64, 64}, 0, 1)
	for range b.N {
		p, _ := h.Alloc(0, 0)
		h.Free(1, p)
	}
}

// BenchmarkWord is what Free does with an object's word, and what it would do if two that free it at once had to be told
// apart.
func BenchmarkWord(b *testing.B) {
	w := new(atom.Uint32)
	b.Run("load and store", func(b *testing.B) {
		for range b.N {
			if w.Load() == taken {
				b.Fatal()
			}
			w.StoreRelease(firstMark)
		}
	})
	b.Run("compare-and-swap", func(b *testing.B) {
		for range b.N {
			if w.CompareAndSwap(taken, firstMark) {
				b.Fatal()
			}
		}
	})
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
