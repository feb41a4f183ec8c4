package sync

import (
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"exo/internal/seeds"
	"exo/internal/tsan"
	"exo/kernel/sync/atom"
)

// guarded is an object that hazard pointers protect, with plain fields: the race detector watches.
type guarded struct {
	Retired
	content int // poison once it is reclaimed
}

// hazardHost is hazard pointers with all that they need, and counts.
type hazardHost struct {
	Hazards
	memory    []HazardCPU
	reclaimed [][]*guarded // by CPU
}

func newHazardHost(cpus int) *hazardHost {
	h := &hazardHost{memory: make([]HazardCPU, cpus), reclaimed: make([][]*guarded, cpus)}
	h.Init(h.memory, h)
	return h
}

func (h *hazardHost) Reclaim(cpu int, o *Retired) {
	g := (*guarded)(unsafe.Pointer(o))
	g.content = -1
	h.reclaimed[cpu] = append(h.reclaimed[cpu], g)
}

func TestHazard_G1_G2_G3_AgainstAModel(t *testing.T) {
	tsan.Alone(t)
	kept, rescued := 0, 0
	seeds.Each(t, 60, func(r *rand.Rand) {
		cpus := 1 + r.IntN(6)
		h := newHazardHost(cpus)
		isProtected := make(map[*guarded]int) // in how many slots
		slots := make([][HazardSlots]*guarded, cpus)
		retired := make([]map[*guarded]bool, cpus)
		seen := make([]int, cpus)
		for i := range retired {
			retired[i] = make(map[*guarded]bool)
		}
		clearSlot := func(cpu, slot int) {
			if g := slots[cpu][slot]; g != nil {
				isProtected[g]--
				slots[cpu][slot] = nil
			}
		}
		var live []*guarded
		look := func() {
			for cpu := range cpus {
				for ; seen[cpu] < len(h.reclaimed[cpu]); seen[cpu]++ {
					g := h.reclaimed[cpu][seen[cpu]]
					require.True(t, retired[cpu][g], "not retired by this CPU, or reclaimed before")
					require.Zero(t, isProtected[g])
					delete(retired[cpu], g)
				}
				require.LessOrEqual(t, len(retired[cpu]), h.Bound())
			}
		}
		for range 2000 {
			for len(live) < 10 {
				live = append(live, new(guarded))
			}
			cpu, slot, i := r.IntN(cpus), r.IntN(HazardSlots), r.IntN(len(live))
			switch r.IntN(8) {
			case 0:
				clearSlot(cpu, slot)
				slots[cpu][slot] = live[i]
				isProtected[live[i]]++
				h.Protect(cpu, slot, &live[i].Retired)
			case 1:
				clearSlot(cpu, slot)
				h.Clear(cpu, slot)
			case 2:
				if r.IntN(20) == 0 {
					left := h.Drain(cpu)
					look()
					require.Len(t, retired[cpu], left)
					for g := range retired[cpu] {
						require.Positive(t, isProtected[g], "nothing protects it, and Drain left it")
						rescued++
					}
				}
			default:
				g := live[i]
				live = slices.Delete(live, i, i+1)
				retired[cpu][g] = true
				if isProtected[g] > 0 {
					kept++
				}
				h.Retire(cpu, &g.Retired)
			}
			look()
		}
		for cpu := range cpus {
			for slot := range HazardSlots {
				clearSlot(cpu, slot)
				h.Clear(cpu, slot)
			}
		}
		for cpu := range cpus {
			require.Zero(t, h.Drain(cpu))
			look()
			require.Empty(t, retired[cpu])
		}
	})
	require.Positive(t, kept)
	require.Positive(t, rescued)
}

// A reader sleeps with its slots set, while another CPU retires what they protect and much more.
func TestHazard_G1_G3_ASleepingReaderKeepsItsObjectsAndNoOthers(t *testing.T) {
	for _, cpus := range []int{1, 2, 3, 5, 64} {
		h := newHazardHost(cpus)
		var held []*guarded
		for cpu := range cpus { // the worst case: all slots protect what CPU 0 retires
			for slot := range HazardSlots {
				g := &guarded{content: 7}
				held = append(held, g)
				h.Protect(cpu, slot, &g.Retired)
			}
		}
		for _, g := range held {
			h.Retire(0, &g.Retired)
		}
		most, scans, retires := 0, 0, len(held)
		for range 20 * h.Bound() {
			before := len(h.reclaimed[0])
			most = max(most, retires+1-before) // with the one that is being retired
			h.Retire(0, &new(guarded).Retired)
			retires++
			if n := len(h.reclaimed[0]) - before; n > 0 {
				scans++
				require.GreaterOrEqual(t, n, h.Bound()/2, "a scan pays for itself")
			}
		}
		require.Equal(t, h.Bound(), most)
		require.LessOrEqual(t, scans, retires/(h.Bound()/2), "a scan of all slots per so many retired objects")
		require.Positive(t, scans)
		for _, g := range held {
			require.Equal(t, 7, g.content)
		}
		for cpu := range cpus {
			for slot := range HazardSlots {
				h.Clear(cpu, slot)
			}
		}
		require.Zero(t, h.Drain(0))
		require.Len(t, h.reclaimed[0], retires)
		for _, g := range held {
			require.Equal(t, -1, g.content)
		}
	}
}

func TestHazard_InitRefusesTooManyCPUs(t *testing.T) {
	require.Panics(t, func() { newHazardHost(0) })
	require.Panics(t, func() { newHazardHost(65) })
	require.Equal(t, 2*HazardSlots*64, newHazardHost(64).Bound())
}

// Everybody protects, reads and replaces what a few cells point at; what is reclaimed is poisoned by a plain store, and goes
// round, so that old pointers point at new content.
func TestHazard_G1_G2_ReadersAgainstReclamation(t *testing.T) {
	manyThreads(t)
	const workers, cells, rounds = 4, 3, 20_000
	h := newHazardHost(workers)
	var cell [cells]atom.Pointer[guarded]
	for i := range cell {
		cell[i].Store(&guarded{content: 1})
	}
	reads, again := make([]int, workers), make([]int, workers)
	inParallel(workers, func(w int) {
		r := rand.New(rand.NewPCG(uint64(w), 0))
		used := 0 // how many of the reclaimed ones this CPU has put back
		for range rounds {
			c := &cell[r.IntN(cells)]
			if r.IntN(3) == 0 {
				g := new(guarded)
				if used < len(h.reclaimed[w]) {
					g = h.reclaimed[w][used]
					used++
					again[w]++
				}
				g.content = 1 + r.IntN(100)
				h.Retire(w, &c.Swap(g).Retired)
				continue
			}
			slot := r.IntN(HazardSlots)
			g := c.Load()
			h.Protect(w, slot, &g.Retired)
			if c.Load() == g {
				first := g.content
				sometimes(r)
				if first <= 0 || g.content != first {
					t.Errorf("a protected object was reclaimed: %d, then %d", first, g.content)
				}
				reads[w]++
			}
			h.Clear(w, slot)
		}
	})
	for w := range workers {
		require.Zero(t, h.Drain(w))
		require.Positive(t, reads[w])
		require.Positive(t, again[w])
	}
}
