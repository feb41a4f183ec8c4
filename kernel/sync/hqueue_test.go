package sync

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"exo/internal/seeds"
	"exo/internal/tsan"
)

func newHazardNodes(count, cpus int) *HazardNodes {
	n := new(HazardNodes)
	n.Init(make([]HazardNode, count), make([]Link, count), make([]PoolCPU, cpus), make([]HazardCPU, cpus))
	return n
}

func TestHazardQueue_G3_G4_AgainstAModel(t *testing.T) {
	tsan.Alone(t)
	empties, fulls := 0, 0
	seeds.Each(t, 120, func(r *rand.Rand) {
		count, cpus := 6+r.IntN(100), 1+r.IntN(3)
		nodes := newHazardNodes(count, cpus)
		var (
			q    [2]HazardQueue
			want [2][]uint64
		)
		for i := range q {
			require.True(t, q[i].Init(0, nodes))
		}
		puts := 3 + r.IntN(5)
		for range 600 {
			cpu, i := r.IntN(cpus), r.IntN(len(q))
			if r.IntN(10) < puts {
				v := r.Uint64()
				if r.IntN(4) == 0 {
					v = values[r.IntN(len(values))]
				}
				if q[i].Enqueue(cpu, v) {
					want[i] = append(want[i], v)
				} else {
					if cpus == 1 {
						require.Equal(t, count-1-len(q), len(want[0])+len(want[1]), "no node, although there is one")
					}
					fulls++
				}
			} else {
				v, ok := q[i].Dequeue(cpu)
				require.Equal(t, len(want[i]) > 0, ok)
				if ok {
					require.Equal(t, want[i][0], v)
					want[i] = want[i][1:]
				} else {
					require.Zero(t, v)
					empties++
				}
			}
			for j := range nodes.hazards.cpus {
				for s := range HazardSlots {
					require.Zero(t, nodes.hazards.cpus[j].slots[s].Load(), "an operation left a slot set")
				}
			}
		}
		for i := range q {
			if len(want[i]) > 0 {
				require.Panics(t, func() { q[i].Close(0) })
			}
			for range want[i] {
				_, ok := q[i].Dequeue(0)
				require.True(t, ok)
			}
			q[i].Close(0)
		}
		for cpu := range cpus {
			require.Zero(t, nodes.Drain(cpu))
		}
		require.Equal(t, count-1, nodes.Free())
	})
	require.Positive(t, empties)
	require.Positive(t, fulls)
}

func TestHazardQueue_InitNeedsANodeAndItsLinks(t *testing.T) {
	nodes := newHazardNodes(2, 1)
	var a, b HazardQueue
	require.True(t, a.Init(0, nodes))
	require.False(t, b.Init(0, nodes))
	require.False(t, a.Enqueue(0, 1))
	a.Close(0)
	require.True(t, b.Init(0, nodes))
	require.Panics(t, func() {
		new(HazardNodes).Init(make([]HazardNode, 2), make([]Link, 3), make([]PoolCPU, 1), make([]HazardCPU, 1))
	})
	require.Panics(t, func() {
		new(HazardNodes).Init(make([]HazardNode, 2), make([]Link, 2), make([]PoolCPU, 1), make([]HazardCPU, 2))
	})
}

// CPU 1 stops in the middle of a Dequeue, with the dummy protected. Others use the queue for long: the node must not
// come back, and all others must.
func TestHazardQueue_G5_AProtectedNodeIsNotGivenOut(t *testing.T) {
	nodes := newHazardNodes(40, 2)
	var q HazardQueue
	require.True(t, q.Init(0, nodes))
	dummy := q.head.Load()
	nodes.hazards.Protect(1, 0, &nodes.nodes[dummy].Retired)
	given := make(map[uint64]bool)
	for i := range 1000 {
		require.True(t, q.Enqueue(0, uint64(i)))
		require.NotEqual(t, dummy, q.tail.Load())
		given[q.tail.Load()] = true
		v, ok := q.Dequeue(0)
		require.True(t, ok)
		require.EqualValues(t, i, v)
		require.Equal(t, addressOf(&nodes.nodes[dummy].Retired), nodes.hazards.cpus[1].slots[0].Load(), "a slot of another CPU was used")
	}
	require.Greater(t, len(given), nodes.hazards.Bound()/2, "nodes go round")
	require.Greater(t, 1000, len(given))
	nodes.hazards.Clear(1, 0)
	q.Close(0)
	require.Equal(t, 39, nodes.Free())
}

func TestHazardQueue_G1_G2_G3_Letters(t *testing.T) {
	manyThreads(t)
	for _, count := range []int{20, 100, 1000} {
		nodes := newHazardNodes(count, 4)
		var q HazardQueue
		require.True(t, q.Init(0, nodes))
		put := func(cpu int, v uint64) bool {
			if cpu == 1 && v%2 == 0 { // producers too retire something, or a consumer's list could keep all nodes
				nodes.Drain(cpu)
			}
			return q.Enqueue(cpu, v)
		}
		take := func(cpu int) (uint64, bool) {
			v, ok := q.Dequeue(cpu)
			if !ok {
				nodes.Drain(cpu) // so that producers find nodes
			}
			return v, ok
		}
		deliver(t, 2, 2, 3000, true, put, take)
		for cpu := range 4 {
			require.Zero(t, nodes.Drain(cpu))
		}
		require.Equal(t, count-2, nodes.Free())
	}
}
