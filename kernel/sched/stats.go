package sched

import (
	"math/bits"

	"exo/kernel/text"
)

// Counters is what a CPU counts. It alone writes them, with plain words: another CPU reads them when this one stands still,
// or gets a guess.
type Counters struct {
	Switches    uint64 // to another task, or to none
	Preemptions uint64 // of a task that could have gone on

	WakesHere uint64 // tasks made ready by this CPU, that wait here
	WakesAway uint64 // or elsewhere
	Came      uint64 // tasks that others, or handlers, have made ready for here
	Homeward  uint64 // tasks sent to the node of their memory
	Kicks     uint64 // interrupts sent to other CPUs

	Steals       [MaxRanks]uint64 // tasks taken from others, by how many distances are shorter
	FailedSteals uint64           // nothing was left when this CPU came

	Shorter, Longer uint64 // changes of the quantum

	IdleNs uint64

	Latency Histogram // from ready to running, ns
}

// Add adds o's counts to c's.
func (c *Counters) Add(o *Counters) {
	c.Switches += o.Switches
	c.Preemptions += o.Preemptions
	c.WakesHere += o.WakesHere
	c.WakesAway += o.WakesAway
	c.Came += o.Came
	c.Homeward += o.Homeward
	c.Kicks += o.Kicks
	for i, n := range o.Steals {
		c.Steals[i] += n
	}
	c.FailedSteals += o.FailedSteals
	c.Shorter += o.Shorter
	c.Longer += o.Longer
	c.IdleNs += o.IdleNs
	c.Latency.Merge(&o.Latency)
}

// Print appends the counts, but for the histogram: name=count, steals by rank up to the last that is not 0.
func (c *Counters) Print(l *text.Line) {
	l.Str("switches=").Uint(c.Switches).Str(" preemptions=").Uint(c.Preemptions)
	l.Str(" wakes-here=").Uint(c.WakesHere).Str(" wakes-away=").Uint(c.WakesAway).Str(" came=").Uint(c.Came)
	l.Str(" kicks=").Uint(c.Kicks).Str(" homeward=").Uint(c.Homeward)
	last := 0
	for i, n := range c.Steals {
		if n != 0 {
			last = i
		}
	}
	l.Str(" steals=")
	for i, n := range c.Steals[:last+1] {
		if i > 0 {
			l.Byte('/')
		}
		l.Uint(n)
	}
	l.Str(" failed-steals=").Uint(c.FailedSteals)
	l.Str(" shorter=").Uint(c.Shorter).Str(" longer=").Uint(c.Longer).Str(" idle-ns=").Uint(c.IdleNs)
}

// Histogram counts values by their size: bucket b has those from 2^b up to 2^(b+1); 0 is in bucket 0. The zero Histogram
// is empty. It has one writer.
type Histogram struct {
	counts  [64]uint64
	n       uint64
	largest uint64
}

// Add counts v.
func (h *Histogram) Add(v uint64) {
	h.counts[bits.Len64(v|1)-1]++
	h.n++
	h.largest = max(h.largest, v)
}

// Merge adds o's counts.
func (h *Histogram) Merge(o *Histogram) {
	for b, n := range o.counts {
		h.counts[b] += n
	}
	h.n += o.n
	h.largest = max(h.largest, o.largest)
}

// Count is how many values were added.
func (h *Histogram) Count() uint64 { return h.n }

// Largest is the largest of them, exactly; 0 if there are none.
func (h *Histogram) Largest() uint64 { return h.largest }

// Quantile estimates the value that a part of n in d of all do not exceed: a value in the bucket of the true one, so wrong
// by a factor below 2. 0 if there are none. n is at most d, and both are small.
func (h *Histogram) Quantile(n, d uint64) uint64 {
	if h.n == 0 {
		return 0
	}
	rank := h.n/d*n + (h.n%d*n+d-1)/d // the first such value's place, counted from 1
	rank = max(rank, 1)
	for b, in := range h.counts {
		if rank > in {
			rank -= in
			continue
		}
		low := uint64(1) << b
		if in>>32 == 0 && b < 32 { // evenly spread, as far as is known
			low += low * (rank - 1) / in
		} else {
			low += low / in * (rank - 1)
		}
		return min(low, h.largest)
	}
	return h.largest
}

// Print appends how many values there are, estimates of the median, the 99th and 99.9th percentile, and the largest.
func (h *Histogram) Print(l *text.Line) {
	l.Str("n=").Uint(h.n).Str(" p50=").Uint(h.Quantile(1, 2)).Str(" p99=").Uint(h.Quantile(99, 100))
	l.Str(" p99.9=").Uint(h.Quantile(999, 1000)).Str(" max=").Uint(h.largest)
}

// PrintBuckets appends 2^b:count for each bucket that is not empty.
func (h *Histogram) PrintBuckets(l *text.Line) {
	for b, n := range h.counts {
		if n == 0 {
			continue
		}
		if l.Len() > 0 {
			l.Byte(' ')
		}
		l.Str("2^").Uint(uint64(b)).Byte(':').Uint(n)
	}
}

// Jain is the fairness index of what tasks got, each by its weight (nil: all alike): 1 if all got alike for their weight,
// 1/n if one got all (Jain, Chiu & Hawe, DEC-TR-301, 1984).
func Jain(got []uint64, weights []uint32) float64 {
	sum, squares := 0.0, 0.0
	for i, g := range got {
		x := float64(g)
		if weights != nil {
			x /= float64(weights[i])
		}
		sum += x
		squares += x * x
	}
	if squares == 0 {
		return 1
	}
	return sum * sum / (float64(len(got)) * squares)
}
