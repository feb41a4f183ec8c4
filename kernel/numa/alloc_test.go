package numa

import (
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"exo/internal/seeds"
	"exo/internal/tsan"
	"exo/kernel/mm"
)

func TestPolicy_SetsThatAreNotOfThisMachineAreErrors(t *testing.T) {
	require.Equal(t, ModeLocal, Policy{}.Mode())
	require.Zero(t, Policy{}.Nodes())
	onFiles(t, func(t *testing.T, m *rig) {
		past := Node(m.top.Nodes())
		for _, set := range []NodeSet{0, past.Set(), past.Set() | 1, 1 << 16, 1 << 63, ^NodeSet(0)} {
			for _, make := range []func(NodeSet) (Policy, error){m.top.Bind, m.top.Interleave} {
				p, err := make(set)
				require.Equal(t, ErrNodes, err, "%#x", set)
				require.Zero(t, p)
			}
		}
		for _, n := range []Node{past, 16, 63, 64, 255} {
			_, err := m.top.Preferred(n)
			require.Equal(t, ErrNodes, err)
		}
		for set := NodeSet(1); set <= m.all(); set++ {
			b, err := m.top.Bind(set)
			require.NoError(t, err)
			i, err := m.top.Interleave(set)
			require.NoError(t, err)
			require.Equal(t, [2]Mode{ModeBind, ModeInterleave}, [2]Mode{b.Mode(), i.Mode()})
			require.Equal(t, [2]NodeSet{set, set}, [2]NodeSet{b.Nodes(), i.Nodes()})
		}
	})
}

// drain allocates until there is nothing, and returns the nodes of the frames.
func (m *rig) drain(t *testing.T, cpu int, task *TaskPolicy, c Call) (nodes []int) {
	t.Helper()
	before := task.Stats().Failed
	for {
		f, err := m.alloc.Alloc(CPU(cpu), c, mm.User, 3)
		if err != nil {
			require.Equal(t, mm.ErrNoMemory, err)
			require.Equal(t, before+1, task.Stats().Failed)
			return nodes
		}
		w := m.frames.Info(f)
		require.Equal(t, mm.User, w.Kind())
		require.EqualValues(t, 3, w.Owner())
		nodes = append(nodes, w.Node())
	}
}

// run is what a drained machine has given: all frames of each node of the order, one node after the other.
func (m *rig) run(order []int) (nodes []int) {
	for _, n := range order {
		nodes = append(nodes, slices.Repeat([]int{n}, m.total[n])...)
	}
	return nodes
}

// statsOf are the statistics that a drained machine must have, from the nodes of the frames.
func statsOf(nodes []int, home int) (s Stats) {
	for _, n := range nodes {
		s.Got[n]++
		if n == home {
			s.Local++
		} else {
			s.Remote++
		}
		if n != nodes[0] {
			s.Spilled[nodes[0]]++
		}
	}
	s.Failed = 1
	return s
}

func TestAllocator_G1_G5_LocalIsLocalThenByDistance(t *testing.T) {
	onFiles(t, func(t *testing.T, m *rig) {
		tsan.Alone(t)
		for cpu, home := range m.cpu {
			m := newRig(t, m.shape)
			var task TaskPolicy
			got := m.drain(t, cpu, &task, task.Default())
			require.Equal(t, m.run(m.byDistance(m.all(), home)), got, "CPU %d", cpu)
			if m.total[home] > 0 {
				require.Equal(t, home, got[0])
			}
			require.Equal(t, statsOf(got, home), task.Stats())
		}
	})
}

func TestAllocator_G1_G5_PreferredGoesByItsOwnDistances(t *testing.T) {
	onFiles(t, func(t *testing.T, m *rig) {
		tsan.Alone(t)
		for want := range m.mem {
			cpu := want % len(m.cpu)
			m := newRig(t, m.shape)
			p, err := m.top.Preferred(Node(want))
			require.NoError(t, err)
			var task TaskPolicy
			task.SetDefault(p)
			got := m.drain(t, cpu, &task, task.Default())
			require.Equal(t, m.run(m.byDistance(m.all(), want, m.cpu[cpu])), got, "node %d", want)
			require.Equal(t, statsOf(got, m.cpu[cpu]), task.Stats())
		}
	})
}

func TestAllocator_G2_G5_BindNeverSpills(t *testing.T) {
	onFiles(t, func(t *testing.T, m *rig) {
		tsan.Alone(t)
		for set := NodeSet(1); set <= m.all(); set++ {
			cpu := int(set) % len(m.cpu)
			m := newRig(t, m.shape)
			p, err := m.top.Bind(set)
			require.NoError(t, err)
			var task TaskPolicy
			got := m.drain(t, cpu, &task, task.With(p))
			require.Equal(t, m.run(m.byDistance(set, m.cpu[cpu])), got, "set %#x", set)
			for n, total := range m.total {
				free := uint64(total)
				if set.Has(Node(n)) {
					free = 0
				}
				require.Equal(t, free, m.frames.FreeCount(n))
			}
			if len(got) > 0 {
				require.Equal(t, statsOf(got, m.cpu[cpu]), task.Stats())
			}
		}
	})
}

func TestAllocator_G3_InterleaveIsExactlyBalancedAcrossCPUs(t *testing.T) {
	const workers = 4
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(workers))
	onFiles(t, func(t *testing.T, m *rig) {
		p, err := m.top.Interleave(m.all())
		require.NoError(t, err)
		nodes := m.withMemory()
		smallest := slices.MinFunc(nodes, func(x, y int) int { return m.total[x] - m.total[y] })
		k := m.total[smallest] / (2 * workers) // of each worker: half of the smallest node, so that none is full for a moment
		require.GreaterOrEqual(t, len(m.cpu), workers)
		var task TaskPolicy
		task.SetDefault(p)
		var wg sync.WaitGroup
		var got [workers][MaxNodes]uint64
		var errs [workers]error
		for w := range workers {
			cpu := CPU(w * len(m.cpu) / workers)
			wg.Go(func() {
				for range k * len(nodes) {
					f, err := m.alloc.Alloc(cpu, task.Default(), mm.User, 0)
					if err != nil {
						errs[w] = err
						return
					}
					got[w][m.frames.Info(f).Node()]++
				}
			})
		}
		wg.Wait()
		s := task.Stats()
		for n := range m.mem {
			sum := uint64(0)
			for w := range workers {
				require.NoError(t, errs[w])
				sum += got[w][n]
			}
			want := uint64(workers * k)
			if m.total[n] == 0 {
				want = 0
			}
			require.Equal(t, want, sum, "node %d", n)
			require.Equal(t, want, s.Got[n])
			require.Zero(t, s.Spilled[n])
			require.Equal(t, uint64(m.total[n])-want, m.frames.FreeCount(n))
		}
		require.Positive(t, k)
		require.EqualValues(t, workers*k*len(nodes), s.Local+s.Remote)
	})
}

// model says, for each call, from which nodes in which order it may come.
type model struct {
	*rig
	turns [2]int // of the default policy, of single calls
}

func (m *model) order(cpu int, p Policy, single int) []int {
	home, set := m.cpu[cpu], p.Nodes()
	switch p.Mode() {
	case ModeBind:
		return m.byDistance(set, home)
	case ModePreferred:
		for n := range m.mem {
			if set == Node(n).Set() {
				return m.byDistance(m.all(), n, home)
			}
		}
	case ModeInterleave:
		var ring, order []int
		for _, n := range m.withMemory() {
			if set.Has(Node(n)) {
				ring = append(ring, n)
			}
		}
		if len(ring) == 0 {
			return nil
		}
		turn := m.turns[single]
		m.turns[single]++
		for i := range ring {
			if n := ring[(turn+i)%len(ring)]; m.distance(home, n) != 255 {
				order = append(order, n)
			}
		}
		return order
	}
	return m.byDistance(m.all(), home)
}

// asks is whether a node would give that much, found out by asking it.
func (m *model) asks(cpu, node, n, align int) bool {
	var f mm.Frame
	var err error
	if n == 0 {
		if f, err = m.frames.AllocHuge(cpu, node, mm.Slab, 0); err == nil {
			_, err = m.frames.FreeHuge(cpu, f)
		}
	} else if f, err = m.frames.AllocRun(cpu, node, n, align, mm.Slab, 0); err == nil {
		for i := range mm.Frame(n) {
			m.frames.Free(cpu, f+i)
		}
	}
	return err == nil
}

func TestAllocator_G1_G2_G3_G4_G5_G6_AgainstAModel(t *testing.T) {
	tsan.Alone(t)
	var spilled, failed, huge, runs, unreachable, memless, cpuless int
	seeds.Each(t, 150, func(r *rand.Rand) {
		m := &model{rig: newRig(t, randomShape(r))}
		var task TaskPolicy
		var want Stats
		type piece struct {
			f    mm.Frame
			huge bool
		}
		var held []piece
		def := Policy{}
		policy := func() (p Policy) {
			err := error(nil)
			set := NodeSet(1 + r.IntN(int(m.all())))
			switch Mode(r.IntN(4)) {
			case ModeBind:
				p, err = m.top.Bind(set)
			case ModePreferred:
				p, err = m.top.Preferred(Node(r.IntN(len(m.mem))))
			case ModeInterleave:
				p, err = m.top.Interleave(set)
			}
			require.NoError(t, err)
			return p
		}
		for n := range m.mem {
			if m.total[n] == 0 {
				memless++
			}
			if m.top.CPUs(Node(n)) == 0 {
				cpuless++
			}
			if m.distance(0, n) == 255 {
				unreachable++
			}
		}
		for range 200 {
			if r.IntN(6) == 0 {
				def = policy()
				task.SetDefault(def)
			}
			call, p, single := task.Default(), def, 0
			if r.IntN(2) == 0 {
				p, single = policy(), 1
				call = task.With(p)
			}
			require.Equal(t, p, call.Policy())
			cpu := r.IntN(len(m.cpu))
			n, align := 1, 1
			switch r.IntN(4) {
			case 0:
				n = 0
			case 1, 2:
				n, align = 1+r.IntN(mm.HugeFrames), 1<<r.IntN(5)
			}
			order, to := m.order(cpu, p, single), -1
			for _, node := range order {
				if m.asks(cpu, node, n, align) {
					to = node
					break
				}
			}
			var f mm.Frame
			var err error
			switch {
			case n == 0:
				f, err = m.alloc.AllocHuge(CPU(cpu), call, mm.User, 5)
			case n == 1 && align == 1:
				f, err = m.alloc.Alloc(CPU(cpu), call, mm.User, 5)
			default:
				f, err = m.alloc.AllocRun(CPU(cpu), call, n, align, mm.User, 5)
			}
			if to < 0 {
				require.Equal(t, mm.ErrNoMemory, err)
				want.Failed++
				failed++
			} else {
				require.NoError(t, err)
				require.Equal(t, to, m.frames.Info(f).Node())
				require.Equal(t, n == 0, m.frames.Info(f).Huge())
				size := uint64(n)
				if n == 0 {
					size = mm.HugeFrames
					held = append(held, piece{f, true})
					huge++
				} else {
					for i := range mm.Frame(n) {
						held = append(held, piece{f + i, false})
					}
					runs++
				}
				want.Got[to] += size
				if to == m.cpu[cpu] {
					want.Local += size
				} else {
					want.Remote += size
				}
				if to != order[0] {
					want.Spilled[order[0]] += size
					spilled++
				}
			}
			require.Equal(t, want, task.Stats())
			_, err = m.alloc.AllocRun(CPU(cpu), call, 513, 1, mm.User, 5)
			require.Equal(t, mm.ErrRunLength, err)
			for len(held) > 0 && r.IntN(50) > 0 && r.IntN(3) == 0 {
				i := r.IntN(len(held))
				free := m.frames.Free
				if held[i].huge {
					free = m.frames.FreeHuge
				}
				_, err := free(cpu, held[i].f)
				require.NoError(t, err)
				held[i] = held[len(held)-1]
				held = held[:len(held)-1]
			}
		}
	})
	for _, n := range []int{spilled, failed, huge, runs, unreachable, memless, cpuless} {
		require.Positive(t, n)
	}
}

// When a node of the set is full its turns go to the next one, and are counted at the full one.
func TestAllocator_G3_G5_AFullNodePassesItsTurnOn(t *testing.T) {
	m := newRig(t, shape{cpu: []int{0, 2}, mem: []int{1, 3, 0, 3, 3}})
	p, err := m.top.Interleave(0b01111) // node 2 has no memory, node 4 is not in the set
	require.NoError(t, err)
	var task TaskPolicy
	for range 3 * 256 {
		_, err := m.alloc.Alloc(0, task.With(p), mm.User, 0)
		require.NoError(t, err)
	}
	require.Equal(t, [MaxNodes]uint64{0: 256, 1: 256, 3: 256}, task.Stats().Got)
	require.Zero(t, task.Stats().Spilled)
	for range 3 * 100 {
		_, err := m.alloc.Alloc(0, task.With(p), mm.User, 0)
		require.NoError(t, err)
	}
	require.Equal(t, [MaxNodes]uint64{0: 256, 1: 456, 3: 356}, task.Stats().Got)
	require.Equal(t, [MaxNodes]uint64{0: 100}, task.Stats().Spilled)
	require.EqualValues(t, 256, task.Stats().Local)
	require.EqualValues(t, 812, task.Stats().Remote)
}
