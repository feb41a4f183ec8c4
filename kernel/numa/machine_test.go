package numa

import (
	"cmp"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"exo/kernel/mm"
	"exo/kernel/sync/atom"
)

// shape is a machine to test policies on.
type shape struct {
	cpu  []int     // node of each CPU
	mem  []int     // MiB of each node
	dist [][]uint8 // nil: no SLIT
	flat bool      // no SRAT either; all is node 0's
}

// rig is a machine with an allocator over memory that is not there.
type rig struct {
	shape
	top    *Topology
	frames *mm.Frames
	alloc  Allocator
	total  []int // frames of each node
}

func newRig(t *testing.T, s shape) *rig {
	t.Helper()
	var b Builder
	m := &rig{shape: s, top: &Topology{}, frames: &mm.Frames{}, total: make([]int, len(s.mem))}
	ram := &mm.Map{}
	at := mm.PhysAddr(0)
	first := make([]mm.Frame, len(s.mem))
	for n, size := range s.mem {
		first[n], m.total[n] = at.Frame(), size*mib/mm.FrameSize
		if size > 0 {
			require.NoError(t, ram.Add(at, uint64(size*mib), mm.Usable))
			if !s.flat {
				require.NoError(t, b.AddMemory(at, uint64(size*mib), Domain(n)))
			}
		}
		at += mm.PhysAddr(size * mib)
	}
	if !s.flat {
		for c, n := range s.cpu {
			require.NoError(t, b.AddCPU(CPU(c), Domain(n)))
		}
	}
	if s.dist != nil {
		require.NoError(t, b.SetDistances(len(s.dist), func(i, j int) uint8 { return s.dist[i][j] }))
	}
	require.NoError(t, b.Build(m.top, len(s.cpu), ram.Intersect))
	require.Equal(t, len(s.mem), m.top.Nodes())
	m.frames.Init(make([]atom.Uint64, at.Frame()))
	for n, size := range m.total {
		if size == 0 {
			continue
		}
		lo, hi := first[n]/mm.HugeFrames, (first[n]+mm.Frame(size)+mm.HugeFrames-1)/mm.HugeFrames
		m.frames.SetNode(n, mm.NodeMemory{
			First:  lo * mm.HugeFrames,
			Counts: make([]atom.Uint32, hi-lo),
			Bits:   make([]atom.Uint64, 8*(hi-lo)),
			CPUs:   make([]mm.FrameCPU, len(s.cpu)),
		})
		m.frames.Add(n, first[n], uint64(size))
		require.Equal(t, Node(n), m.top.NodeOfAddr(first[n].Addr()))
	}
	m.alloc.Init(m.top, m.frames)
	return m
}

func (m *rig) distance(a, b int) int {
	switch {
	case m.dist != nil:
		return int(m.dist[a][b])
	case a == b:
		return 10
	}
	return 20
}

// byDistance is the plain model of "nearest first": the nodes with memory in the set, that each of from reaches, sorted by
// the distance from the first of them.
func (m *rig) byDistance(in NodeSet, from ...int) []int {
	var order []int
	for n, frames := range m.total {
		ok := frames > 0 && in.Has(Node(n))
		for _, f := range from {
			ok = ok && m.distance(f, n) != 255
		}
		if ok {
			order = append(order, n)
		}
	}
	slices.SortFunc(order, func(x, y int) int {
		if x == from[0] || y == from[0] {
			return map[bool]int{true: -1, false: 1}[x == from[0]]
		}
		return cmp.Or(m.distance(from[0], x)-m.distance(from[0], y), x-y)
	})
	return order
}

func (m *rig) all() NodeSet { return 1<<len(m.mem) - 1 }

// withMemory are the nodes that have some.
func (m *rig) withMemory() (nodes []int) {
	for n, frames := range m.total {
		if frames > 0 {
			nodes = append(nodes, n)
		}
	}
	return nodes
}

// randomShape has up to 7 nodes, some without memory, some without CPUs, at distances that are not symmetric, and some of
// which do not reach each other.
func randomShape(r *rand.Rand) shape {
	var s shape
	for n := range 1 + r.IntN(7) {
		cpus, mem := r.IntN(3), r.IntN(4)
		if cpus+mem == 0 {
			mem = 2 // a node is made of something
		}
		if n == 0 {
			cpus, mem = 1+r.IntN(2), 1+r.IntN(3)
		}
		for range cpus {
			s.cpu = append(s.cpu, n)
		}
		s.mem = append(s.mem, mem)
	}
	if r.IntN(5) > 0 {
		s.dist = make([][]uint8, len(s.mem))
		for i := range s.dist {
			for j := range s.mem {
				d := uint8(11 + r.IntN(4)*r.IntN(12))
				if r.IntN(8) == 0 {
					d = 255
				}
				if i == j {
					d = 10
				}
				s.dist[i] = append(s.dist[i], d)
			}
		}
	}
	return s
}

// onFiles runs f on each machine of qemu/topologies, with a sixteenth of its memory.
func onFiles(t *testing.T, f func(t *testing.T, m *rig)) {
	names, err := filepath.Glob("../../qemu/topologies/*.args")
	require.NoError(t, err)
	require.NotEmpty(t, names, "there are no machines to test on")
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".args"), func(t *testing.T) {
			f(t, newRig(t, readShape(t, name, 16)))
		})
	}
}

// readShape reads a machine from QEMU's arguments. What it does not know is an error.
func readShape(t *testing.T, name string, divide int) shape {
	text, err := os.ReadFile(name)
	require.NoError(t, err)
	number := func(s string) int {
		n, err := strconv.Atoi(strings.TrimSuffix(s, "M"))
		require.NoError(t, err, name)
		return n
	}
	var s shape
	cpus, all := 0, 0
	backend := map[string]int{}
	dist := map[[2]int]uint8{}
	for line := range strings.Lines(string(text)) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		what, rest, _ := strings.Cut(rest, ",")
		arg := map[string]string{}
		for a := range strings.SplitSeq(rest, ",") {
			k, v, _ := strings.Cut(a, "=")
			arg[k] = v
		}
		switch {
		case word == "" || strings.HasPrefix(word, "#"):
		case word == "-smp":
			cpus = number(what)
			s.cpu = slices.Repeat([]int{-1}, cpus)
		case word == "-m":
			all = number(what)
		case word == "-object" && what == "memory-backend-ram":
			backend[arg["id"]] = number(arg["size"])
		case word == "-numa" && what == "node":
			n := number(arg["nodeid"])
			require.Equal(t, len(s.mem), n)
			s.mem = append(s.mem, backend[arg["memdev"]]/divide) // none: 0
			if arg["cpus"] != "" {
				lo, hi, ok := strings.Cut(arg["cpus"], "-")
				if !ok {
					hi = lo
				}
				for c := number(lo); c <= number(hi); c++ {
					s.cpu[c] = n
				}
			}
		case word == "-numa" && what == "dist":
			dist[[2]int{number(arg["src"]), number(arg["dst"])}] = uint8(number(arg["val"]))
		default:
			t.Fatalf("%s: the test cannot read %q", name, line)
		}
	}
	if len(s.mem) == 0 {
		return shape{cpu: make([]int, cpus), mem: []int{all / divide}, flat: true}
	}
	require.NotContains(t, s.cpu, -1)
	if len(dist) > 0 {
		s.dist = make([][]uint8, len(s.mem))
		for i := range s.mem {
			for j := range s.mem {
				d, ok := dist[[2]int{i, j}]
				if !ok {
					d, ok = dist[[2]int{j, i}] // as QEMU does
				}
				if i == j {
					d, ok = 10, true
				}
				require.True(t, ok, "%s: no distance from %d to %d", name, i, j)
				s.dist[i] = append(s.dist[i], d)
			}
		}
	}
	return s
}
