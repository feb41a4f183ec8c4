package numa

import (
	"testing"

	"exo/kernel/mm"
	"exo/kernel/text"

	"github.com/stretchr/testify/require"
)

const mib = 1 << 20

// machine describes a test's firmware.
type machine struct {
	cpus    int
	cpu     map[CPU]Domain
	memory  []memory
	slit    []uint8 // nil: there is none
	ram     []mm.Range
	notes   int
	slitErr error
	err     error
}

type memory struct {
	base, length uint64
	domain       Domain
}

func (c *machine) build(t *testing.T) *Topology {
	t.Helper()
	var b Builder
	var top Topology
	for i := range CPU(MaxCPUs) {
		if d, ok := c.cpu[i]; ok {
			require.NoError(t, b.AddCPU(i, d))
		}
	}
	for _, m := range c.memory {
		require.NoError(t, b.AddMemory(mm.PhysAddr(m.base), m.length, m.domain))
	}
	if c.slit != nil {
		n := 0
		for n*n < len(c.slit) {
			n++
		}
		require.Equal(t, c.slitErr, b.SetDistances(n, func(i, j int) uint8 { return c.slit[i*n+j] }))
	}
	ram := &mm.Map{}
	for _, r := range c.ram {
		require.NoError(t, ram.Add(r.Base, r.Len, mm.Usable))
	}
	require.Equal(t, c.err, b.Build(&top, c.cpus, ram.Intersect))
	require.Equal(t, c.notes, top.NNotes, "%v", top.Notes)
	return &top
}

// lines prints a topology as the boot log does.
func lines(t *Topology) []string {
	var l text.Line
	all := []string{string(t.Summary(&l).Bytes())}
	for n := range Node(t.Nodes()) {
		all = append(all, string(t.NodeLine(l.Reset(), n).Bytes()))
	}
	for n := range Node(t.Nodes()) {
		all = append(all, string(t.DistLine(l.Reset(), n).Bytes()))
	}
	return all
}

// flat is a machine's memory up to some MiB: with the hole below 1 MiB.
func flat(sizeMiB uint64) []mm.Range {
	return []mm.Range{{Base: 0, Len: 0x9fc00}, {Base: mib, Len: (sizeMiB - 1) * mib}}
}

// even puts n CPUs and n times 128 MiB, one each, into the domains.
func even(domains ...Domain) (cpu map[CPU]Domain, mem []memory) {
	cpu = map[CPU]Domain{}
	for i, d := range domains {
		cpu[CPU(i)] = d
		mem = append(mem, memory{uint64(i) * 128 * mib, 128 * mib, d})
	}
	return cpu, mem
}

func TestTopology_OfMachines(t *testing.T) {
	ring, ringMem := even(0, 1, 2, 3)
	eight, eightMem := even(0, 1, 2, 3, 4, 5, 6, 7)
	sparse, sparseMem := even(7, 3, 0x80000000)
	for name, c := range map[string]struct {
		machine
		want []string
	}{
		"uma, no SRAT": {machine{cpus: 4, ram: flat(512)}, []string{
			"numa: nodes=1 cpus=4", "numa: node 0 cpus=0-3 mem=511MiB", "numa: dist 0: 10"}},
		"dual": {machine{cpus: 4, cpu: map[CPU]Domain{0: 0, 1: 0, 2: 1, 3: 1}, ram: flat(512), slit: []uint8{10, 21, 21, 10},
			memory: []memory{{0, 640 << 10, 0}, {mib, 255 * mib, 0}, {256 * mib, 256 * mib, 1}}}, []string{
			"numa: nodes=2 cpus=4", "numa: node 0 cpus=0-1 mem=255MiB", "numa: node 1 cpus=2-3 mem=256MiB",
			"numa: dist 0: 10 21", "numa: dist 1: 21 10"}},
		"interleaved CPUs": {machine{cpus: 8, cpu: map[CPU]Domain{0: 0, 1: 0, 2: 1, 3: 1, 4: 0, 5: 1, 6: 0, 7: 0}, ram: flat(2),
			memory: []memory{{0, mib, 0}, {mib, mib, 1}}}, []string{
			"numa: nodes=2 cpus=8", "numa: node 0 cpus=0-1,4,6-7 mem=0MiB", "numa: node 1 cpus=2-3,5 mem=1MiB",
			"numa: dist 0: 10 20", "numa: dist 1: 20 10"}},
		"quad ring": {machine{cpus: 4, cpu: ring, memory: ringMem, ram: flat(512),
			slit: []uint8{10, 20, 30, 20, 20, 10, 20, 30, 30, 20, 10, 20, 20, 30, 20, 10}}, []string{
			"numa: nodes=4 cpus=4", "numa: node 0 cpus=0 mem=127MiB", "numa: node 1 cpus=1 mem=128MiB",
			"numa: node 2 cpus=2 mem=128MiB", "numa: node 3 cpus=3 mem=128MiB",
			"numa: dist 0: 10 20 30 20", "numa: dist 1: 20 10 20 30", "numa: dist 2: 30 20 10 20", "numa: dist 3: 20 30 20 10"}},
		"eight, no SLIT": {machine{cpus: 8, cpu: eight, memory: eightMem, ram: flat(1024)}, []string{
			"numa: nodes=8 cpus=8", "numa: node 0 cpus=0 mem=127MiB", "numa: node 1 cpus=1 mem=128MiB",
			"numa: node 2 cpus=2 mem=128MiB", "numa: node 3 cpus=3 mem=128MiB", "numa: node 4 cpus=4 mem=128MiB",
			"numa: node 5 cpus=5 mem=128MiB", "numa: node 6 cpus=6 mem=128MiB", "numa: node 7 cpus=7 mem=128MiB",
			"numa: dist 0: 10 20 20 20 20 20 20 20", "numa: dist 1: 20 10 20 20 20 20 20 20", "numa: dist 2: 20 20 10 20 20 20 20 20",
			"numa: dist 3: 20 20 20 10 20 20 20 20", "numa: dist 4: 20 20 20 20 10 20 20 20", "numa: dist 5: 20 20 20 20 20 10 20 20",
			"numa: dist 6: 20 20 20 20 20 20 10 20", "numa: dist 7: 20 20 20 20 20 20 20 10"}},
		"memoryless node": {machine{cpus: 2, cpu: map[CPU]Domain{0: 0, 1: 1}, memory: []memory{{0, 512 * mib, 0}}, ram: flat(512)}, []string{
			"numa: nodes=2 cpus=2", "numa: node 0 cpus=0 mem=511MiB", "numa: node 1 cpus=1 mem=0MiB",
			"numa: dist 0: 10 20", "numa: dist 1: 20 10"}},
		"CPU-less node": {machine{cpus: 2, cpu: map[CPU]Domain{0: 0, 1: 0}, ram: flat(512),
			memory: []memory{{0, 256 * mib, 0}, {256 * mib, 256 * mib, 1}}}, []string{
			"numa: nodes=2 cpus=2", "numa: node 0 cpus=0-1 mem=255MiB", "numa: node 1 cpus=none mem=256MiB",
			"numa: dist 0: 10 20", "numa: dist 1: 20 10"}},
		"asymmetric": {machine{cpus: 2, cpu: map[CPU]Domain{0: 0, 1: 1}, ram: flat(512), slit: []uint8{10, 40, 25, 10},
			memory: []memory{{0, 256 * mib, 0}, {256 * mib, 256 * mib, 1}}}, []string{
			"numa: nodes=2 cpus=2", "numa: node 0 cpus=0 mem=255MiB", "numa: node 1 cpus=1 mem=256MiB",
			"numa: dist 0: 10 40", "numa: dist 1: 25 10"}},
		"sparse domains": {machine{cpus: 3, cpu: sparse, memory: sparseMem, ram: flat(384)}, []string{
			"numa: nodes=3 cpus=3", "numa: node 0 cpus=1 mem=128MiB", "numa: node 1 cpus=0 mem=127MiB", "numa: node 2 cpus=2 mem=128MiB",
			"numa: dist 0: 10 20 20", "numa: dist 1: 20 10 20", "numa: dist 2: 20 20 10"}},
		"SLIT goes by domain": {machine{cpus: 2, cpu: map[CPU]Domain{0: 2, 1: 0}, memory: []memory{{0, 256 * mib, 2}, {256 * mib, 256 * mib, 0}},
			ram: flat(512), slit: []uint8{10, 99, 11, 99, 10, 99, 12, 99, 10}}, []string{
			"numa: nodes=2 cpus=2", "numa: node 0 cpus=1 mem=256MiB", "numa: node 1 cpus=0 mem=255MiB",
			"numa: dist 0: 10 11", "numa: dist 1: 12 10"}},
		"hot-plug range above": {machine{cpus: 2, cpu: map[CPU]Domain{0: 0, 1: 1}, ram: flat(512),
			memory: []memory{{0, 256 * mib, 0}, {256 * mib, 256 * mib, 1}, {1 << 32, 1 << 36, 1}}}, []string{
			"numa: nodes=2 cpus=2", "numa: node 0 cpus=0 mem=255MiB", "numa: node 1 cpus=1 mem=256MiB",
			"numa: dist 0: 10 20", "numa: dist 1: 20 10"}},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, c.want, lines(c.build(t)))
		})
	}
}

func TestDistances_ImpossibleOnesAreNotUsed(t *testing.T) {
	cpu, mem := even(0, 3)
	for name, slit := range map[string][]uint8{
		"smaller than the domains": {10, 30, 30, 10},
		"reserved":                 {10, 1, 1, 9, 1, 10, 1, 1, 1, 1, 10, 1, 30, 1, 1, 10},
		"local is not 10":          {10, 1, 1, 30, 1, 10, 1, 1, 1, 1, 10, 1, 30, 1, 1, 11},
		"empty":                    {},
	} {
		c := machine{cpus: 2, cpu: cpu, memory: mem, ram: flat(256), slit: slit, slitErr: ErrDistances}
		top := c.build(t)
		require.EqualValues(t, 20, top.Distance(0, 1), name)
		require.EqualValues(t, 10, top.Distance(1, 1), name)
	}
}

func TestDistances_OfDomainsNotInUseDoNotMatter(t *testing.T) {
	cpu, mem := even(0, 2)
	c := machine{cpus: 2, cpu: cpu, memory: mem, ram: flat(256), slit: []uint8{10, 0, 15, 0, 0, 0, 16, 0, 10}}
	require.EqualValues(t, 15, c.build(t).Distance(0, 1))
}

func TestDistance_ToNoSuchNodeIsUnreachable(t *testing.T) {
	top := (&machine{cpus: 1, ram: flat(16)}).build(t)
	require.EqualValues(t, Unreachable, top.Distance(0, 1))
	require.EqualValues(t, Unreachable, top.Distance(MaxNodes+1, 0))
}

func TestNearest_SelfFirstThenByDistanceThenByNumber(t *testing.T) {
	cpu, mem := even(0, 1, 2, 3)
	c := machine{cpus: 4, cpu: cpu, memory: mem, ram: flat(512),
		slit: []uint8{10, 30, 20, 20, 20, 10, 20, 10, 255, 11, 10, 12, 10, 10, 10, 10}}
	top := c.build(t)
	want := [][]Node{{0, 2, 3, 1}, {1, 3, 0, 2}, {2, 1, 3, 0}, {3, 0, 1, 2}}
	for n := range Node(4) {
		for i := range 4 {
			require.Equal(t, want[n][i], top.Nearest(n, i), "node %d, %d-th", n, i)
		}
	}
}

func TestCPUs_NotNamedGoToNode0WithANote(t *testing.T) {
	c := machine{cpus: 4, cpu: map[CPU]Domain{0: 1, 1: 1, 9: 2}, memory: []memory{{0, 256 * mib, 1}}, ram: flat(256), notes: 2}
	top := c.build(t)
	require.Equal(t, CPUSet(0xf), top.CPUs(0))
	require.Equal(t, CPUSet(0), top.CPUs(1), "CPU 9 does not exist, its domain does")
	require.EqualValues(t, 3, top.Notes[1].Arg)
	require.Contains(t, top.Notes[1].Text, "CPU")
	require.True(t, top.CPUs(0).Has(3))
	require.False(t, top.CPUs(0).Has(4))
	require.False(t, top.CPUs(0).Has(200))
}

func TestMemory_NotNamedGoesWithWhatLiesBelow(t *testing.T) {
	c := machine{cpus: 1, cpu: map[CPU]Domain{0: 0}, ram: flat(512), notes: 1,
		memory: []memory{{16 * mib, 16 * mib, 1}, {64 * mib, 64 * mib, 0}, {256 * mib, 64 * mib, 1}}}
	top := c.build(t)
	for _, a := range []struct {
		addr mm.PhysAddr
		node Node
	}{
		{0, 0}, {16*mib - 1, 0}, {16 * mib, 1}, {32 * mib, 1}, {64*mib - 1, 1}, {64 * mib, 0}, {255 * mib, 0},
		{256 * mib, 1}, {512 * mib, 1}, {mm.PhysLimit, 1}, {^mm.PhysAddr(0), 1},
	} {
		require.Equal(t, a.node, top.NodeOfAddr(a.addr), "%#x", a.addr)
	}
	require.EqualValues(t, 511*mib+0x9fc00, top.Bytes(0)+top.Bytes(1), "memory was lost or counted twice")
	var got []mm.Range
	top.Ranges(0, func(r mm.Range) bool { got = append(got, r); return true })
	require.Equal(t, []mm.Range{{Base: 0, Len: 16 * mib}, {Base: 64 * mib, Len: 192 * mib}}, got)
	top.Ranges(1, func(r mm.Range) bool { require.Equal(t, mm.Range{Base: 16 * mib, Len: 48 * mib}, r); return false })
}

func TestMemory_OverlapFirstWinsAndIsReported(t *testing.T) {
	c := machine{cpus: 1, ram: flat(512), cpu: map[CPU]Domain{0: 0}, notes: 1,
		memory: []memory{{100 * mib, 100 * mib, 0}, {300 * mib, 10 * mib, 0}, {0, 512 * mib, 1}}}
	top := c.build(t)
	for addr, n := range map[mm.PhysAddr]Node{0: 1, 100 * mib: 0, 200*mib - 1: 0, 200 * mib: 1, 300 * mib: 0, 310 * mib: 1} {
		require.Equal(t, n, top.NodeOfAddr(addr), "%#x", addr)
	}
	require.Contains(t, top.Notes[0].Text, "kept the first")
}

func TestMemory_OverlapInOneDomainIsFine(t *testing.T) {
	c := machine{cpus: 1, ram: flat(512), cpu: map[CPU]Domain{0: 0}, memory: []memory{{0, 100 * mib, 0}, {50 * mib, 462 * mib, 0}, {0, 512 * mib, 0}}}
	require.EqualValues(t, 511, c.build(t).Bytes(0)>>20)
}

func TestBuilder_CPUInTwoDomainsKeepsTheFirst(t *testing.T) {
	var b Builder
	var top Topology
	require.NoError(t, b.AddCPU(0, 5))
	require.NoError(t, b.AddCPU(0, 5))
	require.NoError(t, b.AddCPU(0, 4))
	require.NoError(t, b.Build(&top, 1, (&mm.Map{}).Intersect))
	require.Equal(t, 1, top.NNotes)
	require.Equal(t, 1, top.Nodes())
	require.EqualValues(t, 5, top.Domain(0))
}

func TestBuilder_LimitsAreNamed(t *testing.T) {
	var b Builder
	require.Equal(t, ErrTooManyCPUs, b.AddCPU(MaxCPUs, 0))
	require.Equal(t, ErrRange, b.AddMemory(mm.PhysLimit, 1, 0))
	require.Equal(t, ErrRange, b.AddMemory(1, ^uint64(0), 0))
	require.Equal(t, ErrRange, b.AddMemory(^mm.PhysAddr(0), 1, 0))
	for i := range mm.PhysAddr(MaxRanges) {
		require.NoError(t, b.AddMemory(i*2*mib, mib, 0))
	}
	require.Equal(t, ErrTooManyRanges, b.AddMemory(1<<40, mib, 0))
	require.NoError(t, b.SetDistances(1, func(i, j int) uint8 { return 10 }))
	require.Equal(t, ErrOrder, b.AddCPU(0, 0))
	require.Equal(t, ErrOrder, b.AddMemory(0, mib, 0))

	var top Topology
	require.Equal(t, ErrTooManyCPUs, b.Build(&top, MaxCPUs+1, (&mm.Map{}).Intersect))
	require.Equal(t, MaxCPUs, top.CPUCount())
	for e, text := range map[Error]string{ErrTooManyNodes: "16 nodes", ErrTooManyCPUs: "64 CPUs", ErrTooManyRanges: "128"} {
		require.ErrorContains(t, e, text)
	}
}

func TestBuilder_DomainsBeyondTheLimitFoldIntoTheLastNode(t *testing.T) {
	c := machine{cpus: 20, cpu: map[CPU]Domain{}, ram: flat(20 * 16), err: ErrTooManyNodes}
	for i := range 20 {
		c.cpu[CPU(i)] = Domain(10 * i)
		c.memory = append(c.memory, memory{uint64(i) * 16 * mib, 16 * mib, Domain(10 * i)})
	}
	top := c.build(t)
	require.Equal(t, MaxNodes, top.Nodes())
	require.Equal(t, CPUSet(0xf8000), top.CPUs(MaxNodes-1))
	require.EqualValues(t, 5*16*mib, top.Bytes(MaxNodes-1))
	require.Equal(t, Node(15), top.NodeOf(19))
	require.EqualValues(t, 150, top.Domain(15))
}

func TestPrint_LongestLinesFit(t *testing.T) {
	c := machine{cpus: 64, cpu: map[CPU]Domain{}, err: nil, slit: []uint8{}}
	for i := range CPU(64) {
		c.cpu[i] = Domain(i % 2 * 15)
	}
	for i := range Domain(16) {
		c.memory = append(c.memory, memory{uint64(i) << 40, 1 << 40, i})
	}
	for i := range 256 {
		c.slit = append(c.slit, uint8(255))
		if i%17 == 0 {
			c.slit[i] = 10
		}
	}
	for _, l := range lines(c.build(t)) {
		require.Less(t, len(l), text.Max)
	}
}

// Ring 0 has no heap.
func TestTopology_AllocatesNothing(t *testing.T) {
	var b Builder
	var top Topology
	var ram mm.Map
	var l text.Line
	require.NoError(t, ram.Add(0, 512*mib, mm.Usable))
	require.Zero(t, testing.AllocsPerRun(10, func() {
		b = Builder{}
		_ = b.AddCPU(0, 1)
		_ = b.AddMemory(0, 256*mib, 1)
		_ = b.AddMemory(0, 512*mib, 2)
		_ = b.SetDistances(3, func(i, j int) uint8 { return 10 })
		_ = b.Build(&top, 3, ram.Intersect)
		top.NodeLine(l.Reset(), 0)
		top.Ranges(1, func(mm.Range) bool { return true })
	}))
}
