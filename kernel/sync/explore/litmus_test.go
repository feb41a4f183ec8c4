//go:build explore

package explore

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"exo/kernel/sync/atom"
)

// The classic tests of memory models (Sewell et al., CACM 2010; Alglave, Maranget & Tautschnig, TOPLAS 2014): what must be
// seen under TSO, what must not.

type words [3]atom.Uint64

// outcomes explores threads over fresh words, and returns what they left in r.
func outcomes(t *testing.T, preemptions int, threads func(w *words, r []uint64) []func()) []string {
	t.Helper()
	seen := map[string]bool{}
	Exhaustive(t, Config{Preemptions: preemptions}, func(x *Run) ([]func(), func() error) {
		w, r := new(words), make([]uint64, 4)
		return threads(w, r), func() error {
			seen[fmt.Sprint(r)] = true
			return nil
		}
	})
	return slices.Sorted(maps.Keys(seen))
}

func storeBuffering(store func(*atom.Uint64, uint64), fence func()) func(*words, []uint64) []func() {
	return func(w *words, r []uint64) []func() {
		thread := func(mine, other, result int) func() {
			return func() {
				store(&w[mine], 1)
				fence()
				r[result] = w[other].Load()
			}
		}
		return []func(){thread(0, 1, 0), thread(1, 0, 1)}
	}
}

func none() {}

func TestExplore_Litmus_StoreBuffering(t *testing.T) {
	const bothMissed = "[0 0 0 0]"
	for _, bound := range []int{0, 1, 2, Unbounded} {
		require.Contains(t, outcomes(t, bound, storeBuffering((*atom.Uint64).StoreRelease, none)), bothMissed)
		require.NotContains(t, outcomes(t, bound, storeBuffering((*atom.Uint64).Store, none)), bothMissed)
		require.NotContains(t, outcomes(t, bound, storeBuffering((*atom.Uint64).StoreRelease, Fence)), bothMissed)
	}
	want := []string{"[0 1 0 0]", "[1 0 0 0]", "[1 1 0 0]"}
	require.Equal(t, want, outcomes(t, Unbounded, storeBuffering((*atom.Uint64).Store, none)))
	require.Equal(t, want, outcomes(t, 1, storeBuffering((*atom.Uint64).Store, none)))
	require.Len(t, outcomes(t, Unbounded, storeBuffering((*atom.Uint64).StoreRelease, none)), 4)
}

func TestExplore_Litmus_OwnStoresAreForwarded(t *testing.T) {
	// n6 of Sewell et al.: each reads its own store early, and the other's not yet.
	got := outcomes(t, 2, func(w *words, r []uint64) []func() {
		thread := func(mine, other, result int) func() {
			return func() {
				w[mine].StoreRelease(1)
				r[result] = w[mine].Load()
				r[result+1] = w[other].Load()
			}
		}
		return []func(){thread(0, 1, 0), thread(1, 0, 2)}
	})
	require.Contains(t, got, "[1 0 1 0]")
	for _, o := range got {
		require.Contains(t, []string{"[1 0 1 0]", "[1 0 1 1]", "[1 1 1 0]", "[1 1 1 1]"}, o)
	}
}

func TestExplore_Litmus_MessagePassingHolds(t *testing.T) {
	for _, bound := range []int{2, Unbounded} {
		got := outcomes(t, bound, func(w *words, r []uint64) []func() {
			return []func(){
				func() { w[0].StoreRelease(1); w[1].StoreRelease(1) },
				func() { r[0] = w[1].Load(); r[1] = w[0].Load() },
			}
		})
		require.Equal(t, []string{"[0 0 0 0]", "[0 1 0 0]", "[1 1 0 0]"}, got)
	}
}

func TestExplore_Litmus_LoadsAreNotDelayed(t *testing.T) {
	for _, bound := range []int{2, Unbounded} {
		got := outcomes(t, bound, func(w *words, r []uint64) []func() {
			return []func(){
				func() { r[0] = w[0].Load(); w[1].StoreRelease(1) },
				func() { r[1] = w[1].Load(); w[0].StoreRelease(1) },
			}
		})
		require.Equal(t, []string{"[0 0 0 0]", "[0 1 0 0]", "[1 0 0 0]"}, got)
	}
}

func TestExplore_Litmus_AllSeeIndependentWritesInOneOrder(t *testing.T) {
	got := outcomes(t, 3, func(w *words, r []uint64) []func() {
		return []func(){
			func() { w[0].StoreRelease(1) },
			func() { w[1].StoreRelease(1) },
			func() { r[0] = w[0].Load(); r[1] = w[1].Load() },
			func() { r[2] = w[1].Load(); r[3] = w[0].Load() },
		}
	})
	require.Len(t, got, 15)
	require.NotContains(t, got, "[1 0 1 0]")
}

func TestExplore_Litmus_LastStoreToReachMemoryStays(t *testing.T) {
	// Two unfenced stores to one word: either may be the last, though each thread runs once and in one piece.
	seen := map[uint64]bool{}
	Exhaustive(t, Config{}, func(x *Run) ([]func(), func() error) {
		w := new(words)
		return []func(){func() { w[0].StoreRelease(1) }, func() { w[0].StoreRelease(2) }}, func() error {
			seen[w[0].Load()] = true
			return nil
		}
	})
	require.Len(t, seen, 2)
}

// A model that offers more than it must is sound but slow; these counts say that each interleaving comes once.
func TestExplore_CountsInterleavings(t *testing.T) {
	program := func(delayed bool, lengths ...int) Program {
		return func(*Run) (threads []func(), check func() error) {
			w := new(words)
			for i, n := range lengths {
				threads = append(threads, func() {
					for range n {
						if delayed {
							w[i].StoreRelease(1)
						} else {
							w[i].Store(1)
						}
					}
				})
			}
			return threads, nil
		}
	}
	factorial := func(n int) (f int) {
		for f = 1; n > 1; n-- {
			f *= n
		}
		return f
	}
	for _, lengths := range [][]int{{1, 1}, {2, 3}, {5, 5}, {1, 2, 3}, {3, 3, 3}} {
		sum, want := 0, 1
		for _, n := range lengths {
			sum += n
		}
		want = factorial(sum)
		for _, n := range lengths {
			want /= factorial(n)
		}
		require.Equal(t, want, Exhaustive(t, Config{Preemptions: Unbounded}, program(false, lengths...)).Executions)
	}

	// Stores that are delayed, 2 of each of 2 threads: in each thread the order of stores and flushes is one of 2
	// (s f s f, s s f f), and any two orders of 4 can be merged in C(8,4) ways.
	require.Equal(t, 2*2*70, Exhaustive(t, Config{Preemptions: Unbounded}, program(true, 2, 2)).Executions)

	// With at most c preemptions, two threads of n steps: c of the places between steps. By hand for n = 3: no preemption, 2;
	// one, 2·2 more (after step 1 or 2 of the first; then the other ends).
	require.Equal(t, 2, Exhaustive(t, Config{Preemptions: 0}, program(false, 3, 3)).Executions)
	require.Equal(t, 6, Exhaustive(t, Config{Preemptions: 1}, program(false, 3, 3)).Executions)
	require.Equal(t, 20, Exhaustive(t, Config{Preemptions: 4}, program(false, 3, 3)).Executions)
}
