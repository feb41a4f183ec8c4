package slab

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"github.com/anishathalye/porcupine"
	"github.com/stretchr/testify/require"

	"exo/internal/seeds"
	"exo/internal/timescale"
)

// Linearizability (Herlihy & Wing, TOPLAS 1990) of random histories, decided by porcupine: is there an order of the calls,
// one after another, in accordance with when they ran, in which a set of objects explains every result? Of an object that
// is not Exact no two frees overlap (G5).

// objects is the state: which are taken, of at most 64, by frame and place in it.
type objects uint64

// slabCall is a call, and what can have kept objects from it.
type slabCall struct {
	op     byte // a Alloc, f Free, d Drain, r Reap
	node   int
	object int
	hidden int // objects of the node that magazines of other CPUs, and calls meanwhile, can have
}

type slabAnswer struct {
	object int
	err    error
}

// slabModel has perNode objects on each node.
type slabModel struct{ perNode int }

func (m slabModel) node(object int) int { return object / m.perNode }

func (m slabModel) explains(s objects, c slabCall, a slabAnswer) (bool, objects) {
	bit := objects(1) << a.object
	switch {
	case c.op == 'a' && a.err != nil:
		free := 0
		for i := range m.perNode {
			if s>>(c.node*m.perNode+i)&1 == 0 {
				free++
			}
		}
		return free <= c.hidden, s
	case c.op == 'a':
		return s&bit == 0 && m.node(a.object) == c.node, s | bit
	case c.op == 'f' && a.err != nil:
		return a.err == ErrNotTaken && s>>c.object&1 == 0, s
	case c.op == 'f':
		return s>>c.object&1 != 0, s &^ (1 << c.object)
	}
	return true, s
}

// history is what workers did.
func history(t *testing.T, r *rand.Rand, h *host, m slabModel, ops int) []porcupine.Operation {
	var (
		clock atomic.Int64
		there atomic.Int32
		wg    sync.WaitGroup
		turns = make([]sync.Mutex, 2*m.perNode) // to free an object
		base  = uintptr(h.base) + 4096          // frames 1, 2, … are nodes 0's, then 1's
	)
	workers := len(h.nodeOf)
	done, seeds := make([][]porcupine.Operation, workers), make([]uint64, workers)
	for w := range seeds {
		seeds[w] = r.Uint64()
	}
	size, count := uintptr(h.size), h.PerFrame()
	number := func(p unsafe.Pointer) int {
		at := uintptr(p) - base
		return int(at/4096)*count + int(at%4096/size)
	}
	place := func(i int) unsafe.Pointer {
		return unsafe.Add(h.base, 4096+uintptr(i/count)*4096+uintptr(i%count)*size)
	}
	for w := range workers {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(seeds[w], 0))
			for there.Add(1); int(there.Load()) < workers; {
				runtime.Gosched()
			}
			for range ops {
				c := slabCall{op: "aaaaaaffffffffdr"[r.IntN(16)], node: r.IntN(2), object: r.IntN(2 * m.perNode)}
				if c.op == 'f' && !h.exact && !turns[c.object].TryLock() {
					continue
				}
				o := porcupine.Operation{ClientId: w, Call: clock.Add(1)}
				for r.IntN(8) == 0 {
					runtime.Gosched()
				}
				var a slabAnswer
				switch c.op {
				case 'a':
					var p unsafe.Pointer
					if p, a.err = h.Alloc(w, c.node); a.err == nil {
						a.object = number(p)
					}
				case 'f':
					a.err = orForeign(h.Free(w, place(c.object)))
				case 'd':
					h.Drain(w)
				case 'r':
					h.Reap(w, c.node)
				}
				for r.IntN(8) == 0 {
					runtime.Gosched()
				}
				o.Return = clock.Add(1)
				if c.op == 'f' && !h.exact {
					turns[c.object].Unlock()
				}
				o.Input, o.Output = c, a
				done[w] = append(done[w], o)
				for r.IntN(3) == 0 {
					runtime.Gosched()
				}
			}
		})
	}
	wg.Wait()
	return slices.Concat(done...)
}

// note writes into each Alloc what can have been kept from it.
func note(h *host, all []porcupine.Operation) (overlapped int) {
	for i := range all {
		o := &all[i]
		c := o.Input.(slabCall)
		for cpu, node := range h.nodeOf {
			if cpu != o.ClientId && node == c.node {
				c.hidden += 2 * int(h.limit)
			}
		}
		together := false
		for j := range all {
			if p := &all[j]; i != j && p.Call < o.Return && o.Call < p.Return {
				together = true
				switch p.Input.(slabCall).op {
				case 'r', 'd', 'a': // has whole frames in hand
					c.hidden += 2 * h.PerFrame()
				default: // a magazine, or a frame that has become empty
					c.hidden += h.PerFrame() + int(h.limit)
				}
			}
		}
		if together {
			overlapped++
		}
		o.Input = c
	}
	return overlapped
}

func listing(all []porcupine.Operation) string {
	all = slices.Clone(all)
	slices.SortFunc(all, func(a, b porcupine.Operation) int { return cmp.Compare(a.Call, b.Call) })
	var s strings.Builder
	for _, o := range all {
		c, a := o.Input.(slabCall), o.Output.(slabAnswer)
		fmt.Fprintf(&s, "%4d-%4d CPU %d: %c(%d, %d) = %d, %v; %d may be hidden\n",
			o.Call, o.Return, o.ClientId, c.op, c.node, c.object, a.object, a.err, c.hidden)
	}
	return s.String()
}

// yieldInside makes operations on atomic words points where others get between, where the build has such a thing.
var yieldInside = func() (stop func()) { return func() {} }

func TestSlab_G1_G3_G4_G5_Linearizable(t *testing.T) {
	const histories = 400
	old := runtime.GOMAXPROCS(max(4, runtime.GOMAXPROCS(0)))
	t.Cleanup(func() { runtime.GOMAXPROCS(old) })
	t.Cleanup(yieldInside())
	limit, err := timescale.Stretch(20 * time.Second)
	require.NoError(t, err)
	var calls, overlapped, checked int
	failed, succeeded := map[byte]int{}, map[byte]int{}
	seeds.Each(t, histories, func(r *rand.Rand) {
		g := []Config{
			{Size: 1024, Rounds: 1}, {Size: 1024, Rounds: 2, Exact: true},
			{Size: 512, Rounds: 1, Spare: 1}, {Size: 4096, Rounds: 1, Exact: true},
		}[checked%4]
		frames := 2
		h := newHost(t, g, frames, []int{frames, frames}, [][]int{{0, 0, 0}, {0, 1, 1}, {0, 0, 1, 1}}[r.IntN(3)]...)
		m := slabModel{frames * h.PerFrame()}
		all := history(t, r, h, m, 20+r.IntN(21))
		overlapped += note(h, all)
		held := 0
		for _, o := range all {
			c, ok := o.Input.(slabCall), o.Output.(slabAnswer).err == nil
			switch {
			case !ok:
				failed[c.op]++
				continue
			case c.op == 'a':
				held++
			case c.op == 'f':
				held--
			}
			succeeded[c.op]++
		}
		model := porcupine.Model{
			Init: func() any { return objects(0) },
			Step: func(s, in, out any) (bool, any) { return m.explains(s.(objects), in.(slabCall), out.(slabAnswer)) },
		}
		if verdict := porcupine.CheckOperationsTimeout(model, all, limit); verdict != porcupine.Ok {
			t.Fatalf("not linearizable (%s):\n%s", verdict, listing(all))
		}
		h.check(held)
		calls += len(all)
		checked++
	})
	t.Logf("%d histories, %d calls, %d of them overlapped; succeeded %v, failed %v",
		checked, calls, overlapped, succeeded, failed)
	require.Equal(t, histories, checked)
	require.Greater(t, overlapped, calls/10)
	for _, op := range []byte("af") {
		require.Positive(t, succeeded[op], string(op))
		require.Positive(t, failed[op], string(op))
	}
}

// The model must refuse what no correct cache does.
func TestSlab_TheModelRefuses(t *testing.T) {
	m := slabModel{4}
	s := objects(0b0000_0011)
	for _, x := range []struct {
		c  slabCall
		a  slabAnswer
		ok bool
	}{
		{slabCall{op: 'a'}, slabAnswer{object: 2}, true},
		{slabCall{op: 'a'}, slabAnswer{object: 1}, false},
		{slabCall{op: 'a'}, slabAnswer{object: 5}, false},
		{slabCall{op: 'a', node: 1}, slabAnswer{object: 5}, true},
		{slabCall{op: 'a'}, slabAnswer{err: ErrNoMemory}, false},
		{slabCall{op: 'a', hidden: 1}, slabAnswer{err: ErrNoMemory}, false},
		{slabCall{op: 'a', hidden: 2}, slabAnswer{err: ErrNoMemory}, true},
		{slabCall{op: 'f', object: 1}, slabAnswer{}, true},
		{slabCall{op: 'f', object: 2}, slabAnswer{}, false},
		{slabCall{op: 'f', object: 1}, slabAnswer{err: ErrNotTaken}, false},
		{slabCall{op: 'f', object: 2}, slabAnswer{err: ErrNotTaken}, true},
	} {
		ok, _ := m.explains(s, x.c, x.a)
		require.Equal(t, x.ok, ok, "%+v %+v", x.c, x.a)
	}
}
