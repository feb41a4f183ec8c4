package mm

import (
	"cmp"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/stretchr/testify/require"

	"exo/internal/seeds"
	"exo/internal/timescale"
)

// Linearizability (Herlihy & Wing, TOPLAS 1990) of random histories, decided by porcupine: is there an order of the calls,
// one after another, in accordance with when they ran, in which a set of frames explains every result?

// frameSet is the state: which frames are taken, and which areas as a whole.
type frameSet struct {
	taken [2 * HugeFrames / 64]uint64
	whole [2]bool
}

func (s *frameSet) any(i Frame, n int) bool {
	for k := i; k < i+Frame(n); k++ {
		if s.taken[k/64]>>(k%64)&1 != 0 {
			return true
		}
	}
	return false
}

func (s *frameSet) flip(i Frame, n int) {
	for k := i; k < i+Frame(n); k++ {
		s.taken[k/64] ^= 1 << (k % 64)
	}
}

func (s *frameSet) free() (n int) {
	for _, w := range s.taken {
		n += bits.OnesCount64(^w)
	}
	return n
}

// framesCall is a call and what else went on meanwhile.
type framesCall struct {
	op     byte // a Alloc, t AllocAt, r AllocRun, h AllocHuge, f Free, g FreeHuge
	frame  Frame
	n      int
	hidden int // as many frames calls meanwhile can have kept from this one, free or not; anyFrames: no telling
	others int
}

const anyFrames = 1 << 20

type framesAnswer struct {
	frame Frame
	err   error
}

// explains is the model. A call fails if nothing is free but what others may have hidden from it for a moment (G4).
func explains(s frameSet, c framesCall, a framesAnswer) (bool, frameSet) {
	at, n := a.frame, c.n
	switch {
	case c.op == 'a' && a.err != nil:
		return a.err == ErrNoMemory && s.free() <= c.hidden, s
	case c.op == 't' && a.err != nil:
		return a.err == ErrTaken && (s.any(c.frame, 1) || c.hidden > 0), s
	case (c.op == 'r' || c.op == 'h') && a.err != nil:
		fits := false
		for i := Frame(0); i < 2*HugeFrames && !fits; i++ {
			fits = int(i%HugeFrames)+n <= HugeFrames && !s.any(i, n)
		}
		return a.err == ErrNoMemory && (!fits || c.others > 0), s
	case c.op == 'f' && s.whole[c.frame/HugeFrames]: // the first stands for all
		return a.err == ErrSize && c.frame%HugeFrames == 0 || a.err == ErrNotTaken && c.frame%HugeFrames != 0, s
	case c.op == 'f' && a.err != nil: // a run is written down frame by frame, which only who frees what is not its own can see
		return a.err == ErrNotTaken && (!s.any(c.frame, 1) || c.hidden >= anyFrames), s
	case c.op == 'f' || c.op == 'g':
		if a.err != nil || !s.any(c.frame, 1) || (c.op == 'g') != s.whole[c.frame/HugeFrames] {
			return false, s
		}
		at = c.frame
	case s.any(at, n) || c.op == 't' && at != c.frame:
		return false, s
	}
	s.flip(at, n)
	if c.op == 'h' || c.op == 'g' {
		s.whole[at/HugeFrames] = c.op == 'h'
	}
	return true, s
}

// hides is how many frames a call can keep from another, that looks at so many areas, one after the other. perUnit is the
// most that a unit has. A frame that is being freed can neither be freed again nor be had.
func (c framesCall) hides(perUnit, areas int) int {
	switch c.op {
	case 'a':
		return perUnit * areas
	case 't':
		return areas
	case 'f', 'g':
		return c.n
	default: // gives back what CPUs have reserved, and tries bits
		return anyFrames
	}
}

// note writes into each call what overlapped with it.
func note(history []porcupine.Operation, perUnit, areas int) (overlapped int) {
	for i := range history {
		o := &history[i]
		c := o.Input.(framesCall)
		for j := range history {
			if p := &history[j]; i != j && p.Call < o.Return && o.Call < p.Return {
				by := p.Input.(framesCall)
				c.others++
				c.hidden += by.hides(perUnit, areas)
			}
		}
		if c.others > 0 {
			overlapped++
		}
		o.Input = c
	}
	return overlapped
}

// framesKind is a kind of histories.
type framesKind struct {
	pieces  [][2]Frame
	perUnit int
	letters string // how often each is called, by how often it is there
}

var framesKinds = []framesKind{
	{[][2]Frame{{3, 5}, {40, 42}, {600, 602}}, 2, "aaaafffff"},
	{[][2]Frame{{3, 5}, {40, 42}, {600, 602}}, 2, "aaattffff"},
	{[][2]Frame{{30, 34}}, 2, "aaatfff"},
	{[][2]Frame{{3, 7}, {62, 66}, {600, 604}}, 4, "aaatrfffffff"},
	{[][2]Frame{{3, 5}, {512, 1024}}, 32, "aaattrhhffffff"},
}

// frameHistory is what workers did.
func frameHistory(t *testing.T, r *rand.Rand, f *Frames, k framesKind, workers, ops int) []porcupine.Operation {
	var (
		clock atomic.Int64
		there atomic.Int32
		wg    sync.WaitGroup
		huge  atomic.Int64 // 1 + a frame of 2 MiB to be freed
	)
	done, seeds := make([][]porcupine.Operation, workers), make([]uint64, workers)
	for w := range seeds {
		seeds[w] = r.Uint64()
	}
	var existing []Frame
	for _, p := range k.pieces {
		for i := p[0]; i < min(p[1], p[0]+8); i++ {
			existing = append(existing, i)
		}
	}
	for w := range workers {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(seeds[w], 0))
			for there.Add(1); int(there.Load()) < workers; {
				runtime.Gosched()
			}
			for range ops {
				c := framesCall{op: k.letters[r.IntN(len(k.letters))], frame: existing[r.IntN(len(existing))], n: 1}
				switch c.op {
				case 'r':
					c.n = 2
				case 'h':
					c.n = HugeFrames
				case 'f':
					if i := huge.Swap(0); i != 0 { // of those only one may try: it is not to be mixed up with a frame
						c.op, c.frame, c.n = 'g', Frame(i-1), HugeFrames
					}
				}
				o := porcupine.Operation{ClientId: w, Call: clock.Add(1)}
				for r.IntN(8) == 0 {
					runtime.Gosched()
				}
				var a framesAnswer
				switch c.op {
				case 'a':
					a.frame, a.err = f.Alloc(w, 0, User, Owner(w))
				case 't':
					a.frame, a.err = c.frame, f.AllocAt(w, c.frame, User, Owner(w))
				case 'r':
					a.frame, a.err = f.AllocRun(w, 0, c.n, 1, User, Owner(w))
				case 'h':
					a.frame, a.err = f.AllocHuge(w, 0, User, Owner(w))
				case 'f':
					_, a.err = f.Free(w, c.frame)
				case 'g':
					_, a.err = f.FreeHuge(w, c.frame)
				}
				for r.IntN(8) == 0 {
					runtime.Gosched()
				}
				o.Return = clock.Add(1)
				if c.op == 'h' && a.err == nil {
					huge.Store(int64(a.frame) + 1)
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

func frameListing(history []porcupine.Operation) string {
	history = slices.Clone(history)
	slices.SortFunc(history, func(a, b porcupine.Operation) int { return cmp.Compare(a.Call, b.Call) })
	var s strings.Builder
	for _, o := range history {
		c, a := o.Input.(framesCall), o.Output.(framesAnswer)
		fmt.Fprintf(&s, "%4d-%4d CPU %d: %c(%d) = %d, %v; %d may be hidden\n",
			o.Call, o.Return, o.ClientId, c.op, c.frame, a.frame, a.err, c.hidden)
	}
	return s.String()
}

// checkerTime is how long the checker may think about one history, which it decides in milliseconds if that is possible.
func checkerTime(t *testing.T) time.Duration {
	d, err := timescale.Stretch(20 * time.Second)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// yieldInside makes operations on atomic words points where others get between, where the build has such a thing.
var yieldInside = func() (stop func()) { return func() {} }

func TestFrames_G1_G4_G5_Linearizable(t *testing.T) {
	const histories = 500
	old := runtime.GOMAXPROCS(max(4, runtime.GOMAXPROCS(0)))
	t.Cleanup(func() { runtime.GOMAXPROCS(old) })
	t.Cleanup(yieldInside())
	var calls, overlapped, checked int
	failed, succeeded := map[byte]int{}, map[byte]int{}
	seeds.Each(t, histories, func(r *rand.Rand) {
		k := framesKinds[checked%len(framesKinds)]
		workers, ops := 3+r.IntN(2), 20+r.IntN(21)
		f := newFrames(workers, fakeNode{k.pieces})
		var start frameSet
		start.flip(0, 2*HugeFrames)
		for _, p := range k.pieces {
			start.flip(p[0], int(p[1]-p[0]))
		}
		h := frameHistory(t, r, f, k, workers, ops)
		overlapped += note(h, k.perUnit, len(f.nodes[0].Counts))
		for _, o := range h {
			if op := o.Input.(framesCall).op; o.Output.(framesAnswer).err != nil {
				failed[op]++
			} else {
				succeeded[op]++
			}
		}
		model := porcupine.Model{
			Init: func() any { return start },
			Step: func(s, in, out any) (bool, any) { return explains(s.(frameSet), in.(framesCall), out.(framesAnswer)) },
		}
		if verdict := porcupine.CheckOperationsTimeout(model, h, checkerTime(t)); verdict != porcupine.Ok {
			t.Fatalf("not linearizable (%s):\n%s", verdict, frameListing(h))
		}
		f.check(t)
		calls += len(h)
		checked++
	})
	t.Logf("%d histories, %d calls, %d of them overlapped; succeeded %v, failed %v", checked, calls, overlapped, succeeded, failed)
	require.Equal(t, histories, checked)
	require.Greater(t, overlapped, calls/10)
	for _, op := range []byte("athrfg") {
		require.Positive(t, succeeded[op], string(op))
	}
	for _, op := range []byte("athrf") {
		require.Positive(t, failed[op], string(op))
	}
}

// The model must refuse what no correct allocator does.
func TestFrames_TheModelRefuses(t *testing.T) {
	var s frameSet
	s.flip(0, 2*HugeFrames)
	s.flip(4, 2)
	for _, x := range []struct {
		c  framesCall
		a  framesAnswer
		ok bool
	}{
		{framesCall{op: 'a', n: 1}, framesAnswer{frame: 4}, true},
		{framesCall{op: 'a', n: 1}, framesAnswer{frame: 3}, false},
		{framesCall{op: 'a', n: 1}, framesAnswer{err: ErrNoMemory}, false},
		{framesCall{op: 'a', n: 1, hidden: 1}, framesAnswer{err: ErrNoMemory}, false},
		{framesCall{op: 'a', n: 1, hidden: 2}, framesAnswer{err: ErrNoMemory}, true},
		{framesCall{op: 't', n: 1, frame: 5}, framesAnswer{err: ErrTaken}, false},
		{framesCall{op: 't', n: 1, frame: 5}, framesAnswer{frame: 4}, false},
		{framesCall{op: 't', n: 1, frame: 3}, framesAnswer{frame: 3}, false},
		{framesCall{op: 'r', n: 2}, framesAnswer{frame: 4}, true},
		{framesCall{op: 'r', n: 2}, framesAnswer{frame: 5}, false},
		{framesCall{op: 'r', n: 2}, framesAnswer{err: ErrNoMemory}, false},
		{framesCall{op: 'r', n: 3}, framesAnswer{err: ErrNoMemory}, true},
		{framesCall{op: 'f', n: 1, frame: 4}, framesAnswer{}, false},
		{framesCall{op: 'f', n: 1, frame: 3}, framesAnswer{}, true},
		{framesCall{op: 'f', n: 1, frame: 3}, framesAnswer{err: ErrNotTaken}, false},
		{framesCall{op: 'h', n: HugeFrames}, framesAnswer{frame: 512}, false},
		{framesCall{op: 'g', n: HugeFrames, frame: 0}, framesAnswer{}, false},
	} {
		ok, _ := explains(s, x.c, x.a)
		require.Equal(t, x.ok, ok, "%+v %+v", x.c, x.a)
	}
}
