package main

import (
	"fmt"
	"os"
	"slices"
	std "sync"
	"sync/atomic"
	"time"
)

// What a preempted thread costs others. Several threads share CPU 0 and work on a structure, so the system preempts them
// wherever they are. A thread alone on CPU 1 has an operation due every due nanoseconds; its latency counts
// from then, so that one long wait counts for all that became due meanwhile. Each thread is a virtual CPU of its own, whose
// preemption is not the kernel's to switch off.

const (
	hammers    = 3
	dueNs      = 20_000
	segment    = 300 * time.Millisecond
	rest       = 50 * time.Millisecond // between segments: the system gives other programs their part
	waiterCPU  = hammers
	tailCPUs   = hammers + 1
	tailRounds = 4

	hammerPairs = 16                   // and then it does something else for
	hammerRest  = 4 * time.Microsecond // so that most of the time nobody has a lock
)

// tailRow is one structure.
type tailRow struct {
	name       string
	lockFree   body
	locked     spinlocked
	free, spin []time.Duration // latencies, sorted
}

func tailRows() []*tailRow {
	queueOf := newSpinlocked(fifo)
	return []*tailRow{
		{name: "Queue", lockFree: newQueue(tailCPUs), locked: queueOf},
		{name: "HazardQueue", lockFree: newHazardQueue(tailCPUs), locked: queueOf},
		{name: "Stack", lockFree: newStack(tailCPUs), locked: newSpinlocked(lifo)},
		{name: "Ring", lockFree: newRing(tailCPUs), locked: newSpinlocked(ringArray)},
	}
}

func (t *tailRow) measure() {
	for range tailRounds {
		t.free = append(t.free, latencies(t.lockFree)...)
		t.spin = append(t.spin, latencies(t.locked)...)
	}
	slices.Sort(t.free)
	slices.Sort(t.spin)
	fmt.Fprintf(os.Stderr, "peers: %s beside preempted threads: done\n", t.name)
}

// latencies runs one segment.
func latencies(b body) (l []time.Duration) {
	l = make([]time.Duration, 0, int(segment/dueNs)+1)
	var stop atomic.Bool
	var ready, ended std.WaitGroup
	ready.Add(tailCPUs)
	ended.Add(tailCPUs)
	for id := range tailCPUs {
		go func() {
			defer ended.Done()
			pin(id / hammers)
			ready.Done()
			ready.Wait()
			if id != waiterCPU {
				procPin()
				for !stop.Load() {
					b.run(id, hammerPairs)
					for now := wallTime(); wallTime() < now+hammerRest; {
						pause(0)
					}
				}
				procUnpin()
				return
			}
			beforeOthers()
			procPin()
			start := wallTime()
			end := start + segment
			due := start
			for ; due < end && wallTime() < end; due += dueNs {
				for wallTime() < due {
				}
				b.run(id, 1)
				l = append(l, wallTime()-due)
			}
			for ; due < end; due += dueNs { // its turn has not come
				l = append(l, end-due)
			}
			procUnpin()
			stop.Store(true)
		}()
	}
	ended.Wait()
	time.Sleep(rest)
	return l
}

// quantile is the latency that a share q of the operations do not exceed; l is sorted.
func quantile(l []time.Duration, q float64) time.Duration {
	return l[min(int(q*float64(len(l))), len(l)-1)]
}
