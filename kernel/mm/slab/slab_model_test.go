package slab

import (
	"math/rand/v2"
	"sync"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"exo/internal/seeds"
	"exo/internal/tsan"
)

// TestSlab_G1_G3_G4_G5_AgreesWithAModel plays random operations on one CPU at a time, beside a plain set.
func TestSlab_G1_G3_G4_G5_AgreesWithAModel(t *testing.T) {
	tsan.Alone(t)
	ops, failed, remote, given := 0, 0, uint64(0), 0
	seeds.Each(t, 200, func(r *rand.Rand) {
		g := shapes[r.IntN(len(shapes))]
		g.Rounds, g.Spare = 1+r.IntN(5), r.IntN(3)
		nodes := []int{1 + r.IntN(4), 1 + r.IntN(4)}
		nodeOf := []int{0, 1, r.IntN(2)}
		h := newHost(t, g, 1+r.IntN(4), nodes, nodeOf...)
		m := newReference(h, nodes)
		var everybody []unsafe.Pointer // also those that were freed
		for range 400 {
			cpu, n := r.IntN(3), r.IntN(2)
			switch k := r.IntN(20); {
			case k < 9:
				p, err := h.Alloc(cpu, n)
				if err != nil {
					require.LessOrEqual(t, m.free(n), 2*int(h.limit)*2, "G4: of at most two other CPUs")
					failed++
					break
				}
				m.alloc(p, n)
				everybody = append(everybody, p)
			case k < 10:
				h.Drain(cpu)
			case k < 11:
				given += h.Reap(cpu, n)
			case len(everybody) > 0:
				p := everybody[r.IntN(len(everybody))]
				require.Equal(t, m.release(p), orForeign(h.Free(cpu, p)))
			}
			ops++
		}
		h.check(len(m.node))
		for cpu := range nodeOf {
			h.Drain(cpu)
		}
		for n := range nodes { // now nothing is out of reach
			for k := m.free(n); k > 0; k-- {
				p, err := h.Alloc(0, n)
				require.NoError(t, err)
				m.alloc(p, n)
			}
			_, err := h.Alloc(0, n)
			require.Error(t, err)
		}
		for p := range m.node {
			require.NoError(t, h.Free(r.IntN(3), p))
		}
		remote += h.Stats(0).Remote
		h.empty()
	})
	t.Logf("%d operations, %d failed, %d freed remotely, %d frames given back", ops, failed, remote, given)
	require.Equal(t, 200*400, ops)
	require.Positive(t, failed)
	require.Positive(t, remote)
	require.Positive(t, given)
}

// reference is a cache that is a set with a lock.
type reference struct {
	sync.Mutex
	h     *host
	node  map[unsafe.Pointer]int // of what is taken
	most  []int                  // that a node has
	taken []int
}

func newReference(h *host, frames []int) *reference {
	m := &reference{h: h, node: map[unsafe.Pointer]int{}, taken: make([]int, len(frames))}
	for n, f := range frames {
		m.most = append(m.most, min(f, len(h.nodes[n].Slabs))*h.PerFrame())
	}
	return m
}

func (m *reference) free(n int) int { return m.most[n] - m.taken[n] }

func (m *reference) alloc(p unsafe.Pointer, n int) {
	m.Lock()
	defer m.Unlock()
	if _, ok := m.node[p]; ok {
		panic("G1: an object is given out twice")
	}
	if m.h.nodeOfObject(p) != n {
		panic("G3: an object of another node")
	}
	m.node[p] = n
	m.taken[n]++
}

func (m *reference) release(p unsafe.Pointer) error {
	m.Lock()
	defer m.Unlock()
	n, ok := m.node[p]
	if !ok {
		return ErrNotTaken
	}
	delete(m.node, p)
	m.taken[n]--
	return nil
}
