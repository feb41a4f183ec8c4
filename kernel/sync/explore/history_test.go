//go:build explore

package explore

import (
	"math/rand/v2"
	"testing"

	"github.com/anishathalye/porcupine"
	"github.com/stretchr/testify/require"

	"exo/internal/seeds"
	"exo/kernel/sync/atom"
)

// checked is what Check says of operations that did not leave stores behind.
func checked(ops []Op, m Model) bool {
	h := History{}
	h.reset(&Run{})
	h.ops = ops
	return h.Check(m) == nil
}

// Porcupine decides the same question for histories whose order is that of time alone.
func TestHistory_AgreesWithPorcupine(t *testing.T) {
	good, bad := 0, 0
	model := porcupine.Model{
		Init: func() any { return "" },
		Step: func(state, in, out any) (bool, any) {
			op := in.(Op)
			s, ok := Sequence.Step(state.(string), &op)
			return ok, s
		},
	}
	seeds.Each(t, 3000, func(r *rand.Rand) {
		var ops []Op
		for thread := range 1 + r.IntN(3) {
			clock := 0
			for range 1 + r.IntN(3) {
				op := Op{Thread: thread, Kind: "pflm"[r.IntN(4)], OK: r.IntN(4) > 0}
				op.Arg, op.Result = uint64(1+r.IntN(3)), uint64(r.IntN(4))
				op.call = clock + 1 + r.IntN(8)
				op.end = op.call + r.IntN(8)
				clock = op.end
				ops = append(ops, op)
			}
		}
		var theirs []porcupine.Operation
		for _, op := range ops {
			theirs = append(theirs, porcupine.Operation{
				ClientId: op.Thread, Input: op, Call: int64(op.call), Output: 0, Return: int64(op.end),
			})
		}
		ours := checked(ops, Sequence)
		require.Equal(t, porcupine.CheckOperations(model, theirs), ours, "%v", ops)
		if ours {
			good++
		} else {
			bad++
		}
	})
	require.Greater(t, good, 100)
	require.Greater(t, bad, 100)
}

func TestHistory_ThreadsKeepTheirOrder(t *testing.T) {
	// Both puts end when their stores are seen, long after; the first comes first all the same.
	put := func(v uint64, call int) Op { return Op{Kind: Put, Arg: v, OK: true, call: call, end: 20} }
	first := func(v uint64) Op { return Op{Thread: 1, Kind: First, Result: v, OK: true, call: 10, end: 11} }
	require.True(t, checked([]Op{put(1, 1), put(2, 2), first(1)}, Sequence))
	require.False(t, checked([]Op{put(1, 1), put(2, 2), first(2)}, Sequence))
}

func TestHistory_BoundedIsFullExactlyThen(t *testing.T) {
	put := func(ok bool) Op { return Op{Kind: Put, OK: ok} }
	require.True(t, checked([]Op{put(true), put(true), put(false)}, Bounded(2)))
	require.False(t, checked([]Op{put(true), put(true), put(true)}, Bounded(2)))
	require.False(t, checked([]Op{put(true), put(false)}, Bounded(2)))
}

// register is a program whose history is that of a put into, and a take from, one word.
func register(store func(*atom.Uint64, uint64)) Program {
	return func(x *Run) ([]func(), func() error) {
		var w atom.Uint64
		return []func(){
				func() { x.History.Return(x.History.Call(Put, 1), 0, put(&w, store)) },
				func() {
					i := x.History.Call(First, 0)
					v := w.Load()
					x.History.Return(i, v, v != 0)
				},
			}, func() error {
				return x.History.Check(Sequence)
			}
	}
}

func put(w *atom.Uint64, store func(*atom.Uint64, uint64)) bool {
	store(w, 1)
	return true
}

func TestHistory_OperationsLastUntilTheirStoresAreSeen(t *testing.T) {
	_, f := Find(Config{Preemptions: Unbounded}, register((*atom.Uint64).Store))
	require.Nil(t, f)
	_, f = Find(Config{Preemptions: Unbounded}, register((*atom.Uint64).StoreRelease))
	require.Nil(t, f)
}

func TestHistory_FindsWhatIsOutOfOrder(t *testing.T) {
	// Two words, taken from in the wrong order: a queue that is none.
	_, f := Find(Config{Preemptions: 1}, func(x *Run) ([]func(), func() error) {
		var w [2]atom.Uint64
		x.Name("w", &w)
		return []func(){
				func() {
					for i := range w {
						call := x.History.Call(Put, uint64(i+1))
						w[i].StoreRelease(uint64(i + 1))
						x.History.Return(call, 0, true)
					}
				},
				func() {
					for range w {
						call := x.History.Call(Maybe, 0)
						v := w[1].Swap(0)
						if v == 0 {
							v = w[0].Swap(0)
						}
						x.History.Return(call, v, v != 0)
					}
				},
			}, func() error {
				return x.History.Check(Sequence)
			}
	})
	require.NotNil(t, f)
	require.Contains(t, f.Reason, "not linearizable")
	require.Contains(t, f.Reason, "p(2) = 0, true")
}
