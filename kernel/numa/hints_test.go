package numa

import (
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"exo/internal/seeds"
	"exo/internal/tsan"
	"exo/kernel/mm"
)

func (h *Hints) collect(least, factor uint32) (all []Hint) {
	for g := 0; ; {
		hint, next, ok := h.Hint(g, least, factor)
		if !ok {
			return all
		}
		all = append(all, hint)
		g = next
	}
}

func TestHints_G1_G2_CountsStopAtTheLimitAndDecay(t *testing.T) {
	require.EqualValues(t, 64, unsafe.Sizeof(HintGroup{}))
	m := newRig(t, shape{cpu: []int{0, 1}, mem: []int{2, 2}})
	var h Hints
	h.Init(&m.alloc, 0, make([]HintGroup, 2))
	require.True(t, h.Count(1, 3, maxCount-5))
	require.True(t, h.Count(1, 4, 3))
	require.EqualValues(t, maxCount-2, h.groups[0].by[1].Load())
	for _, n := range []uint32{3, 1, maxCount, 0} {
		require.True(t, h.Count(1, 511, n))
		require.EqualValues(t, maxCount, h.groups[0].by[1].Load())
	}
	require.True(t, h.Count(0, 0, 1<<30))
	want := Hint{First: 0, Home: 0, To: 1, User: 1, Remote: maxCount, Local: 1 << 30}
	require.Equal(t, []Hint{want}, h.collect(1, 3))
	require.Empty(t, h.collect(1, 4)) // 4 · 2³⁰ is more than 2³²-1
	require.Empty(t, h.collect(1, maxCount))
	for i := range 33 {
		require.EqualValues(t, uint32(maxCount)>>i, h.groups[0].by[1].Load())
		h.Decay()
	}
	require.Zero(t, h.groups[0].by[0].Load())
	require.Empty(t, h.collect(0, 0))
	for _, f := range []mm.Frame{1024, 1 << 52, ^mm.Frame(0)} {
		require.False(t, h.Count(0, f, 1))
	}
	h.Init(&m.alloc, 512, make([]HintGroup, 1))
	require.False(t, h.Count(0, 511, 1))
	require.True(t, h.Count(1, 512, 1))
	require.Empty(t, h.collect(0, 0), "what is used where it is")
}

// memless is as qemu/topologies/memless.args: memory that node 1 uses on node 0 is hinted to node 2, which is nearer to it.
func TestHints_G3_ToTheNearestNodeThatHasMemory(t *testing.T) {
	m := newRig(t, readShape(t, "../../qemu/topologies/memless.args", 16))
	var h Hints
	h.Init(&m.alloc, 0, make([]HintGroup, 16))
	user := CPU(2)
	require.EqualValues(t, 1, m.top.NodeOf(user))
	require.True(t, h.Count(user, 600, 9))
	far := mm.Frame(m.total[0]) // on node 2
	require.True(t, h.Count(user, far, 9))
	require.Equal(t, []Hint{{First: 512, Home: 0, To: 2, User: 1, Remote: 9}}, h.collect(9, 2))
	require.Empty(t, h.collect(10, 2))
	require.True(t, h.Count(0, 600, 3))
	require.Len(t, h.collect(9, 2), 1)
	require.Empty(t, h.collect(9, 3), "9 is not more than 3 times 3")
}

func TestHints_G1_G2_G3_AgainstAModel(t *testing.T) {
	tsan.Alone(t)
	hints, none := 0, 0
	seeds.Each(t, 300, func(r *rand.Rand) {
		m := newRig(t, randomShape(r))
		frames := 0
		for _, n := range m.total {
			frames += n
		}
		groups := 1 + (frames-1)/mm.HugeFrames
		var h Hints
		h.Init(&m.alloc, 0, make([]HintGroup, groups))
		count := make([][MaxNodes]uint64, groups)
		for range r.IntN(60) {
			f, cpu, n := r.IntN(frames), r.IntN(len(m.cpu)), r.Uint32()>>r.IntN(32)
			require.True(t, h.Count(CPU(cpu), mm.Frame(f), n))
			c := &count[f/mm.HugeFrames][m.cpu[cpu]]
			*c = min(*c+uint64(n), 1<<32-1)
			if r.IntN(10) == 0 {
				h.Decay()
				for g := range count {
					for n := range count[g] {
						count[g][n] /= 2
					}
				}
			}
		}
		least, factor := r.Uint32()>>r.IntN(32), r.Uint32()>>(16+r.IntN(16))
		var want []Hint
		for g, c := range count {
			home := m.frames.Info(mm.Frame(g * mm.HugeFrames)).Node()
			user := -1
			for n := range m.mem {
				if n != home && c[n] > 0 && (user < 0 || c[n] > c[user]) {
					user = n
				}
			}
			if user < 0 || c[user] < uint64(least) || c[user] <= uint64(factor)*c[home] {
				none++
				continue
			}
			to := m.byDistance(m.all(), user)
			if len(to) == 0 || m.distance(user, to[0]) >= m.distance(user, home) {
				none++
				continue
			}
			want = append(want, Hint{mm.Frame(g * mm.HugeFrames), Node(home), Node(to[0]), Node(user),
				uint32(c[user]), uint32(c[home])})
			hints++
		}
		require.Equal(t, want, h.collect(least, factor))
	})
	require.Positive(t, hints)
	require.Positive(t, none)
}

func TestHints_G1_NoSampleIsLostAmongManyCPUs(t *testing.T) {
	const cpus, each = 4, 5000
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(cpus))
	m := newRig(t, shape{cpu: []int{0, 0, 1, 1}, mem: []int{2, 2}})
	var h Hints
	h.Init(&m.alloc, 0, make([]HintGroup, 2))
	var wg sync.WaitGroup
	for cpu := range CPU(cpus) {
		wg.Go(func() {
			for i := range each {
				h.Count(cpu, mm.Frame(i%1024), 3)
				h.Hint(0, 1, 2)
			}
		})
	}
	wg.Wait()
	sum := uint32(0)
	for g := range h.groups {
		for n := range h.groups[g].by {
			sum += h.groups[g].by[n].Load()
		}
	}
	require.EqualValues(t, cpus*each*3, sum)
}
