package main

import (
	"fmt"
	"runtime"
	"slices"
	std "sync"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A body is an operation under test. Its methods hold the loop, so that no call through a variable is measured.
type body interface {
	// run does n operations as thread id, on CPU id, and returns how many succeeded.
	run(id, n int) (done int)
}

// blocker is a body whose threads may sleep: Go's scheduler must be able to take their CPU.
type blocker interface{ blocks() }

// measure has each of threads do n operations and returns how long that took. One thread is measured in its own CPU time,
// two by the clock, from the first that starts to the last that ends: as in peers.c.
func measure(b body, threads, n int) (took time.Duration, done int) {
	_, blocks := b.(blocker)
	type result struct {
		start, end time.Duration
		done       int
	}
	results := make([]result, threads)
	var pinned, arrived atomic.Int32
	var ended std.WaitGroup
	for id := range threads {
		ended.Add(1)
		go func() {
			defer ended.Done()
			pin(id)
			for pinned.Add(1); pinned.Load() < int32(threads); { // not spinning before others yet: they may need this CPU to start
				runtime.Gosched()
			}
			beforeOthers()
			now := wallTime
			if threads == 1 {
				now = threadTime
			}
			if !blocks {
				procPin()
			}
			for arrived.Add(1); arrived.Load() < int32(threads); {
			}
			r := &results[id]
			r.start = now()
			r.done = b.run(id, n)
			r.end = now()
			if !blocks {
				procUnpin()
			}
		}()
	}
	ended.Wait()
	start, end := results[0].start, results[0].end
	for _, r := range results {
		start, end, done = min(start, r.start), max(end, r.end), done+r.done
	}
	return end - start, done
}

var epoch = time.Now()

func wallTime() time.Duration { return time.Since(epoch) }

func threadTime() time.Duration {
	var t unix.Timespec
	// SAFETY: the system call writes t and nothing else.
	unix.RawSyscall(unix.SYS_CLOCK_GETTIME, unix.CLOCK_THREAD_CPUTIME_ID, uintptr(unsafe.Pointer(&t)), 0)
	return time.Duration(t.Nano())
}

// pin gives the calling goroutine a thread of its own, on one CPU; both end together.
func pin(cpu int) {
	runtime.LockOSThread()
	var set unix.CPUSet
	set.Set(cpu)
	if err := unix.SchedSetaffinity(0, &set); err != nil {
		fail(fmt.Errorf("pinning a thread to CPU %d: %w", cpu, err))
	}
}

// beforeOthers has the calling thread run before those of other programs, if that is allowed.
func beforeOthers() {
	if unix.SchedSetAttr(0, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_FIFO, Priority: 1}, 0) != nil {
		unix.Setpriority(unix.PRIO_PROCESS, 0, -20)
	}
}

// undisturbed says how far that is so.
func undisturbed() string {
	said := make(chan string)
	go func() {
		pin(0)
		beforeOthers()
		a, err := unix.SchedGetAttr(0, 0)
		switch {
		case err == nil && a.Policy == unix.SCHED_FIFO:
			said <- "real-time"
		case err == nil && a.Nice < 0:
			said <- "nice -20"
		default:
			said <- "like any other (other programs disturb: run it as root, or on an idle machine)"
		}
	}()
	return <-said
}

// procPin keeps Go's scheduler from taking the thread, as preemption off does in the kernel. The system still may.
//
//go:linkname procPin runtime.procPin
func procPin() int

//go:linkname procUnpin runtime.procUnpin
func procUnpin()

// pause is the PAUSE instruction.
func pause(spins int)

// sample is the nanoseconds per operation of several runs, in order.
type sample []float64

func (s sample) median() float64 {
	s = slices.Sorted(slices.Values(s))
	if len(s)%2 == 1 {
		return s[len(s)/2]
	}
	return (s[len(s)/2-1] + s[len(s)/2]) / 2
}

func (s sample) min() float64 { return slices.Min(s) }
func (s sample) max() float64 { return slices.Max(s) }
