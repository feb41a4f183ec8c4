//go:build explore

package numa

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"exo/kernel/sync/explore"
)

func exploreAll(t *testing.T, program explore.Program) {
	t.Helper()
	s := explore.Exhaustive(t, explore.Config{Preemptions: explore.Unbounded}, program)
	require.Greater(t, s.Executions, 1)
}

// Two CPUs take three turns each over three nodes, in every order.
func TestExplore_Allocator_G3_EachTurnIsTakenOnce(t *testing.T) {
	exploreAll(t, func(x *explore.Run) ([]func(), func() error) {
		task, begun := new(TaskPolicy), [3]int{}
		cpu := func() {
			for range 3 {
				begun[task.Default().takeTurn(3)]++
			}
		}
		return []func(){cpu, cpu}, func() error {
			if begun != [3]int{2, 2, 2} {
				return fmt.Errorf("the turns began at %v", begun)
			}
			return nil
		}
	})
}

// Two CPUs count, and a third reads: what it reads is sound at any moment, and exact at the end.
func TestExplore_Allocator_G5_StatsAreSoundAtAnyTime(t *testing.T) {
	exploreAll(t, func(x *explore.Run) ([]func(), func() error) {
		task := new(TaskPolicy)
		count := func() { task.count(0, 0, 0, 1) }
		read := func() {
			if s := task.Stats(); s.Remote > s.Got[0] { // it wrapped
				panic(fmt.Sprintf("%d frames are remote", s.Remote))
			}
		}
		return []func(){count, count, read}, func() error {
			if s := task.Stats(); s.Local != 2 || s.Remote != 0 || s.Got[0] != 2 {
				return fmt.Errorf("the counts are %v", s)
			}
			return nil
		}
	})
}

// Two CPUs sample the same group, which is at the limit but for 3 samples, or not, while it decays, or not.
func TestExplore_Hints_G1_G2_CountsNeverWrapNorGetLost(t *testing.T) {
	m := newRig(t, shape{cpu: []int{0}, mem: []int{2}})
	for _, c := range []struct {
		start, a, b uint32
		decay       bool
		want        []uint32
	}{
		{0, 1, 2, false, []uint32{3}},
		{maxCount - 3, 2, 2, false, []uint32{maxCount}},
		{8, 2, 4, true, []uint32{4 + 2 + 4, 5 + 4, 6 + 2, 7}},
	} {
		exploreAll(t, func(x *explore.Run) ([]func(), func() error) {
			h := new(Hints)
			h.Init(&m.alloc, 0, make([]HintGroup, 1))
			h.Count(0, 0, c.start)
			threads := []func(){func() { h.Count(0, 1, c.a) }, func() { h.Count(0, 2, c.b) }}
			if c.decay {
				threads = append(threads, h.Decay)
			}
			return threads, func() error {
				for _, want := range c.want {
					if h.groups[0].by[0].Load() == want {
						return nil
					}
				}
				return fmt.Errorf("%d samples, not one of %d", h.groups[0].by[0].Load(), c.want)
			}
		})
	}
}
