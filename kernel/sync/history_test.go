package sync

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	gosync "sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"exo/internal/timescale"
)

// A history is what some goroutines did with one structure, each operation with the moments of its call and its return.
// linear_test.go asks whether there is an order of these operations, one after another, that explains all the results.

type opKind uint8

const (
	opPut   opKind = iota // Enqueue, Push
	opTake                // Dequeue, Pop
	opSteal               // a deque's Steal
)

// call is what an operation was asked to do, and what else went on meanwhile.
type call struct {
	kind    opKind
	value   uint64
	others  int // how many operations of others overlapped with it
	takings int // how many of them took an element
}

// result is what it answered.
type result struct {
	value uint64
	ok    bool
	lost  bool
}

// values are the elements of histories: few, so that wrong ones look right, and with the extremes.
var values = []uint64{0, 1, 1 << 63, ^uint64(0)}

// clock numbers the moments. Each tick is an atomic addition, which also waits until earlier stores are visible: what a
// CPU still has in its store buffer when an operation has returned is no business of linearizability.
type clock struct{ n atomic.Int64 }

func (c *clock) tick() int64 { return c.n.Add(1) }

// inParallel runs f(0) … f(workers-1), each in a goroutine; none begins before all are there.
func inParallel(workers int, f func(worker int)) {
	var (
		there atomic.Int32
		wg    gosync.WaitGroup
	)
	for w := range workers {
		wg.Go(func() {
			for there.Add(1); int(there.Load()) < workers; {
				runtime.Gosched()
			}
			f(w)
		})
	}
	wg.Wait()
}

// manyThreads lets the tests of interleavings have more threads than this machine may have CPUs.
func manyThreads(t *testing.T) {
	old := runtime.GOMAXPROCS(max(4, runtime.GOMAXPROCS(0)))
	t.Cleanup(func() { runtime.GOMAXPROCS(old) })
	t.Cleanup(yieldInside())
}

// sometimes yields, so that other goroutines get between.
func sometimes(r *rand.Rand) {
	if r.IntN(3) == 0 {
		runtime.Gosched()
	}
}

// rarely yields within what the history takes for the operation. The more overlaps, the more orders the checker must try.
func rarely(r *rand.Rand) {
	if r.IntN(8) == 0 {
		runtime.Gosched()
	}
}

// observe has workers do ops operations each. choose says which, do does it.
func observe(r *rand.Rand, workers, ops int, choose func(worker int, r *rand.Rand) call,
	do func(worker int, c call) result,
) []porcupine.Operation {
	var time clock
	done := make([][]porcupine.Operation, workers)
	seeds := make([]uint64, workers)
	for w := range seeds {
		seeds[w] = r.Uint64()
	}
	inParallel(workers, func(w int) {
		r := rand.New(rand.NewPCG(seeds[w], 0))
		for range ops {
			c := choose(w, r)
			o := porcupine.Operation{ClientId: w, Call: time.tick()}
			rarely(r)
			answer := do(w, c)
			rarely(r)
			o.Return = time.tick()
			o.Input, o.Output = c, answer
			done[w] = append(done[w], o)
			sometimes(r)
		}
	})
	return slices.Concat(done...)
}

// drain appends what one worker finds in the structure at the end, until there is nothing.
func drain(history []porcupine.Operation, c call, do func(worker int, c call) result) []porcupine.Operation {
	last := int64(0)
	for _, o := range history {
		last = max(last, o.Return)
	}
	for n := 0; ; n++ {
		if n > len(history) {
			panic("more comes out than was ever put in")
		}
		answer := do(0, c)
		history = append(history, porcupine.Operation{Input: c, Call: last + 1, Output: answer, Return: last + 2})
		last += 2
		if !answer.ok {
			return history
		}
	}
}

// note writes into each call what overlapped with it.
func note(history []porcupine.Operation) {
	for i := range history {
		o := &history[i]
		c := o.Input.(call)
		for j := range history {
			p := &history[j]
			if i != j && p.Call < o.Return && o.Call < p.Return {
				c.others++
				if p.Input.(call).kind != opPut && p.Output.(result).ok {
					c.takings++
				}
			}
		}
		o.Input = c
	}
}

// tally counts what happened in many histories: a test of cases that never occurred proves nothing.
type tally struct {
	histories, operations, overlapped int
	put, full, taken, empty           int
	stolen, nothing, lost, grown      int
}

func (n *tally) add(history []porcupine.Operation) {
	n.histories++
	for _, o := range history {
		c, answer := o.Input.(call), o.Output.(result)
		n.operations++
		if c.others > 0 {
			n.overlapped++
		}
		switch {
		case c.kind == opPut && answer.ok:
			n.put++
		case c.kind == opPut:
			n.full++
		case c.kind == opTake && answer.ok:
			n.taken++
		case c.kind == opTake:
			n.empty++
		case answer.ok:
			n.stolen++
		case answer.lost:
			n.lost++
		default:
			n.nothing++
		}
	}
}

// listing is a history to be read, in order of the calls.
func listing(history []porcupine.Operation) string {
	history = slices.Clone(history)
	slices.SortFunc(history, func(a, b porcupine.Operation) int { return cmp.Compare(a.Call, b.Call) })
	var s strings.Builder
	for _, o := range history {
		c, answer := o.Input.(call), o.Output.(result)
		what := [...]string{"put", "take", "steal"}[c.kind]
		fmt.Fprintf(&s, "%4d-%4d worker %d: %s", o.Call, o.Return, o.ClientId, what)
		switch {
		case c.kind == opPut:
			fmt.Fprintf(&s, "(%#x) %v", c.value, answer.ok)
		case answer.ok:
			fmt.Fprintf(&s, " %#x", answer.value)
		case answer.lost:
			s.WriteString(" lost")
		default:
			s.WriteString(" nothing")
		}
		s.WriteByte('\n')
	}
	return s.String()
}

// patience is how long the checker may think about one history, which it decides in milliseconds if that is possible.
func patience(t *testing.T) time.Duration {
	d, err := timescale.Stretch(20 * time.Second)
	if err != nil {
		t.Fatal(err)
	}
	return d
}
