//go:build explore

package explore

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"exo/internal/seeds"
)

// instruction is one operation of a random program; each is an operation of the history too.
type instruction struct {
	kind byte
	word int
	arg  uint64
}

func (i instruction) do(w *words) (result uint64, ok bool) {
	switch i.kind {
	case 'r':
		w[i.word].StoreRelease(i.arg)
	case 's':
		w[i.word].Store(i.arg)
	case 'l':
		return w[i.word].Load(), true
	case 'a':
		return w[i.word].Add(i.arg), true
	case 'c':
		return 0, w[i.word].CompareAndSwap(0, i.arg)
	case '2':
		w[i.word].StoreRelease(i.arg)
		w[1-i.word].StoreRelease(i.arg + 1)
	}
	return 0, true
}

// histories explores a program and returns what its threads saw and left behind, each with the orders of its operations.
func histories(cfg Config, program [][]instruction) (map[string]map[[maxOps]uint32]bool, *Failure) {
	all := map[string]map[[maxOps]uint32]bool{}
	_, f := Find(cfg, func(x *Run) (threads []func(), check func() error) {
		w := new(words)
		for _, script := range program {
			threads = append(threads, func() {
				for _, in := range script {
					i := x.History.Call(in.kind, in.arg)
					v, ok := in.do(w)
					x.History.Return(i, v, ok)
				}
			})
		}
		return threads, func() error {
			order := x.History.order()
			// Operations are in the order of their calls; put them in that of threads, to compare.
			at, place := map[int]int{}, 0
			seen := ""
			for thread := range program {
				for i, op := range x.History.ops {
					if op.Thread == thread {
						at[i] = place
						place++
						seen += fmt.Sprint(op.Result, op.OK, " ")
					}
				}
			}
			var sorted [maxOps]uint32
			for i := range x.History.ops {
				for j := range x.History.ops {
					if order[i]&(1<<j) != 0 {
						sorted[at[i]] |= 1 << at[j]
					}
				}
			}
			seen += fmt.Sprint(w[0].Load(), w[1].Load())
			if all[seen] == nil {
				all[seen] = map[[maxOps]uint32]bool{}
			}
			all[seen][sorted] = true
			return nil
		}
	})
	return all, f
}

// subset says whether everything that a orders b orders too.
func subset(a, b [maxOps]uint32) bool {
	for i := range a {
		if a[i]&^b[i] != 0 {
			return false
		}
	}
	return true
}

// The bounded search decides late when a store arrives, the unbounded one at every moment. With a budget that is large
// enough, they see the same results; and for each history of the one the other has one that orders as much, or more.
func TestExplore_DecidingLateLosesNothing(t *testing.T) {
	different, delayed := 0, 0
	seeds.Each(t, 40, func(r *rand.Rand) {
		lengths := [][]int{{3, 3}, {2, 2, 2}, {4, 2}, {1, 2, 2}}[r.IntN(4)]
		var program [][]instruction
		for _, n := range lengths {
			var script []instruction
			for range n {
				kinds := "rrrlllsac2"
				if len(lengths) == 3 {
					kinds = "rrlllac"
				}
				if len(script) > 0 {
					kinds = strings.TrimSuffix(kinds, "2") // one is enough, for there are many interleavings
				}
				script = append(script, instruction{kinds[r.IntN(len(kinds))], r.IntN(2), uint64(1 + r.IntN(3))})
			}
			program = append(program, script)
		}
		early, f := histories(Config{Preemptions: Unbounded}, program)
		require.Nil(t, f)
		late, f := histories(Config{Preemptions: 12}, program)
		require.Nil(t, f)
		for seen, orders := range early {
			require.Contains(t, late, seen, "%v", program)
			for a := range orders {
				found := false
				for b := range late[seen] {
					found = found || subset(a, b)
				}
				require.True(t, found, "%v: %s: %v", program, seen, a)
			}
		}
		for seen, orders := range late {
			require.Contains(t, early, seen, "%v", program)
			for b := range orders {
				require.Contains(t, early[seen], b, "%v: %s", program, seen)
			}
			delayed += len(orders)
		}
		if len(early) > 2 {
			different++
		}
	})
	require.Greater(t, different, 10)
	require.Positive(t, delayed)
}
