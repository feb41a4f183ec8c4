package numa

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"exo/internal/seeds"
	"exo/internal/tsan"
	"exo/kernel/mm"

	"github.com/stretchr/testify/require"
)

// Random machines agree with a model made of maps, in which memory is a list of
// places of one MiB.
func TestTopology_AgreesWithAPlainModel(t *testing.T) {
	tsan.Alone(t)
	const places = 64
	seeds.Each(t, 1500, func(r *rand.Rand) {
		var b Builder
		top := &Topology{}
		cpus := 1 + r.IntN(MaxCPUs)
		pool := make([]Domain, 1+r.IntN(20))
		for i := range pool {
			if pool[i] = Domain(r.IntN(24)); r.IntN(6) == 0 {
				pool[i] = Domain(r.Uint32())
			}
		}
		used := map[Domain]bool{}
		cpuDomain := map[CPU]Domain{}
		place := map[int]Domain{}
		for range r.IntN(2 * cpus) {
			c, d := CPU(r.IntN(cpus)), pool[r.IntN(len(pool))]
			require.NoError(t, b.AddCPU(c, d))
			if _, ok := cpuDomain[c]; !ok {
				cpuDomain[c] = d
				used[d] = true
			}
		}
		for range r.IntN(12) {
			lo, d := r.IntN(places), pool[r.IntN(len(pool))]
			n := 1 + r.IntN(places-lo)
			require.NoError(t, b.AddMemory(mm.PhysAddr(lo*mib), uint64(n*mib), d))
			for i := lo; i < lo+n; i++ {
				if _, ok := place[i]; !ok {
					place[i] = d
					used[d] = true
				}
			}
		}

		domains := slices.Sorted(maps.Keys(used))
		folded := len(domains) > MaxNodes
		node := map[Domain]Node{}
		for i, d := range domains {
			node[d] = Node(min(i, MaxNodes-1))
		}
		nodes := max(1, min(len(domains), MaxNodes))
		named := domains[:min(len(domains), MaxNodes)]

		size := r.IntN(30)
		slit := make([]uint8, size*size)
		for i := range slit {
			slit[i] = uint8(10 + r.IntN(4)*r.IntN(60))
		}
		for i := range size {
			slit[i*size+i] = 10
		}
		if len(slit) > 0 && r.IntN(4) == 0 {
			slit[r.IntN(len(slit))] = uint8(r.IntN(10))
		}
		fits := size > 0 // the domain of a machine without SRAT is 0
		for _, a := range named {
			fits = fits && int64(a) < int64(size)
		}
		if fits {
			check := named
			if len(check) == 0 {
				check = []Domain{0}
			}
			for _, a := range check {
				for _, c := range check {
					d := slit[int(a)*size+int(c)]
					fits = fits && d >= 10 && (a != c || d == 10)
				}
			}
		}
		err := b.SetDistances(size, func(i, j int) uint8 { return slit[i*size+j] })
		require.Equal(t, fits, err == nil)

		ram := &mm.Map{}
		usable := map[int]bool{}
		for range 1 + r.IntN(6) {
			lo := r.IntN(places)
			n := 1 + r.IntN(places-lo)
			require.NoError(t, ram.Add(mm.PhysAddr(lo*mib), uint64(n*mib), mm.Usable))
			for i := lo; i < lo+n; i++ {
				usable[i] = true
			}
		}
		err = b.Build(top, cpus, ram.Intersect)
		require.Equal(t, folded, err == ErrTooManyNodes)

		// What the model says.
		require.Equal(t, nodes, top.Nodes())
		require.Equal(t, cpus, top.CPUCount())
		sets := map[Node]CPUSet{}
		for c := range CPU(cpus) {
			n := Node(0)
			if d, ok := cpuDomain[c]; ok {
				n = node[d]
			}
			require.Equal(t, n, top.NodeOf(c))
			sets[n] |= 1 << c
		}
		bytes := map[Node]uint64{}
		at := Node(0)
		for i := range places {
			if d, ok := place[i]; ok {
				at = node[d]
			}
			require.Equal(t, at, top.NodeOfAddr(mm.PhysAddr(i*mib)))
			require.Equal(t, at, top.NodeOfAddr(mm.PhysAddr((i+1)*mib-1)))
			if usable[i] {
				bytes[at] += mib
			}
		}
		covered := uint64(0)
		for n := range Node(nodes) {
			require.Equal(t, sets[n], top.CPUs(n))
			require.Equal(t, bytes[n], top.Bytes(n))
			top.Ranges(n, func(g mm.Range) bool {
				covered += g.Len
				require.Equal(t, n, top.NodeOfAddr(g.Base))
				require.Equal(t, n, top.NodeOfAddr(g.End()-1))
				return true
			})
			order := make([]Node, nodes)
			for i := range order {
				order[i] = Node(i)
				want := uint8(Remote)
				switch {
				case fits && len(named) > 0:
					want = slit[int(named[n])*size+int(named[i])]
				case Node(i) == n:
					want = Local
				}
				require.Equal(t, want, top.Distance(n, Node(i)))
			}
			slices.SortStableFunc(order, func(x, y Node) int {
				switch {
				case x == n:
					return -1
				case y == n:
					return 1
				}
				return int(top.Distance(n, x)) - int(top.Distance(n, y))
			})
			for i := range order {
				require.Equal(t, order[i], top.Nearest(n, i))
			}
		}
		require.EqualValues(t, mm.PhysLimit, covered, "an address belongs to no node or to two")
	})
}
