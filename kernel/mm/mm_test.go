package mm

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func regions(m *Map) []Region {
	var all []Region
	for r := range m.Regions {
		all = append(all, r)
	}
	return all
}

func free(m *Map) []Range {
	var all []Range
	for r := range m.Free {
		all = append(all, r)
	}
	return all
}

// typical is a machine of 256 MiB as loaders describe it, out of order.
func typical(t *testing.T) *Map {
	m := &Map{}
	require.NoError(t, m.Add(0xfffc0000, 0x40000, Reserved))
	require.NoError(t, m.Add(0x100000, 0xff00000, Usable))
	require.NoError(t, m.Add(0xffe0000, 0x20000, Reserved))
	require.NoError(t, m.Add(0, 0x9fc00, Usable))
	require.NoError(t, m.Add(0x9fc00, 0x400, Reserved))
	return m
}

func TestUnits(t *testing.T) {
	require.Equal(t, Frame(3), PhysAddr(0x3fff).Frame())
	require.Equal(t, PhysAddr(0x3000), Frame(3).Addr())
	require.Equal(t, PhysAddr(0x3000), PhysAddr(0x3fff).Down())
	require.Equal(t, PhysAddr(0x4000), PhysAddr(0x3001).Up())
	require.Equal(t, PhysAddr(0x3000), PhysAddr(0x3000).Up())
	for _, c := range []struct {
		r     Range
		first Frame
		n     uint64
	}{
		{Range{0x1000, 0x2000}, 1, 2}, {Range{0x1001, 0x2000}, 2, 1}, {Range{0x1001, 0x1000}, 2, 0}, {Range{0x1001, 5}, 2, 0},
	} {
		first, n := c.r.Frames()
		require.Equal(t, c.first, first)
		require.Equal(t, c.n, n)
	}
}

func TestMap_SortsAndReservedWins(t *testing.T) {
	m := typical(t)
	require.Equal(t, []Region{
		{Range{0, 0x9fc00}, Usable}, {Range{0x9fc00, 0x400}, Reserved},
		{Range{0x100000, 0xfee0000}, Usable}, {Range{0xffe0000, 0x20000}, Reserved},
		{Range{0xfffc0000, 0x40000}, Reserved},
	}, regions(m))
	require.Equal(t, []Range{{0, 0x9f000}, {0x100000, 0xfee0000}}, free(m))
	require.EqualValues(t, 0x9f000+0xfee0000, m.UsableBytes())
}

func TestMap_MergesBeforeItRounds(t *testing.T) {
	m := &Map{}
	require.NoError(t, m.Add(0x1800, 0x1800, Usable))
	require.Equal(t, []Range{{0x2000, 0x1000}}, free(m))
	require.NoError(t, m.Add(0x800, 0x1000, Usable))
	require.Equal(t, []Region{{Range{0x800, 0x2800}, Usable}}, regions(m))
	require.Equal(t, []Range{{0x1000, 0x2000}}, free(m))
}

func TestReserve_TakesOnlyWhatIsUsable(t *testing.T) {
	m := typical(t)
	require.NoError(t, m.Reserve(0x9f800, 0x61000)) // the end of a range, what is reserved, a hole, and another's start
	require.Equal(t, []Region{
		{Range{0, 0x9f800}, Usable}, {Range{0x9f800, 0x400}, Taken}, {Range{0x9fc00, 0x400}, Reserved},
		{Range{0x100000, 0x800}, Taken}, {Range{0x100800, 0xfedf800}, Usable}, {Range{0xffe0000, 0x20000}, Reserved},
		{Range{0xfffc0000, 0x40000}, Reserved},
	}, regions(m))
	require.EqualValues(t, 0x101000, free(m)[1].Base)

	before := regions(m)
	require.NoError(t, m.Reserve(1<<40, ^uint64(0))) // a hole up to the end of everything
	require.NoError(t, m.Reserve(0, 0))
	require.Equal(t, before, regions(m))
}

func TestMap_FirmwaresWordWinsOverATakenPiece(t *testing.T) {
	m := typical(t)
	require.NoError(t, m.Reserve(0x200000, 0x1000))
	require.NoError(t, m.Add(0x100000, 0xff00000, Usable))
	require.False(t, m.Contains(0x200000, 1))
	require.NoError(t, m.Add(0x200000, 0x1000, Reserved))
	require.EqualValues(t, 0, m.Intersect(0x200000, 0x1000))
}

func TestMap_EndsOfTheAddressSpace(t *testing.T) {
	m := &Map{}
	require.Equal(t, ErrWraps, m.Add(PhysLimit-4096, 4097, Usable))
	require.Equal(t, ErrWraps, m.Add(^PhysAddr(0), 2, Usable))
	require.Equal(t, ErrWraps, m.Add(1, ^uint64(0), Usable))
	require.Equal(t, ErrKind, m.Add(0, 1, Taken))
	require.Equal(t, ErrKind, m.Add(0, 1, 0))
	require.Empty(t, regions(m))
	require.NoError(t, m.Add(PhysLimit-8192, 8192, Usable))
	require.NoError(t, m.Add(PhysLimit-4096, ^uint64(0), Reserved))
	require.NoError(t, m.Add(^PhysAddr(0), ^uint64(0), Reserved))
	require.Equal(t, []Region{{Range{PhysLimit - 8192, 4096}, Usable}, {Range{PhysLimit - 4096, 4096}, Reserved}}, regions(m))
	require.EqualValues(t, 4096, m.Intersect(0, ^uint64(0)))
	require.False(t, m.Contains(PhysLimit-8192, ^uint64(0)))
}

func TestMap_FullIsAnErrorAndChangesNothing(t *testing.T) {
	m := &Map{}
	for i := range PhysAddr(MaxRegions) {
		require.NoError(t, m.Add(i*0x4000, 0x3000, Usable))
	}
	before := regions(m)
	require.Equal(t, ErrMapFull, m.Reserve(0x1000, 0x1000))
	require.Equal(t, ErrMapFull, m.Reserve(0x8000, 0x1000))
	require.Equal(t, ErrMapFull, m.Add(1<<40, 0x1000, Usable))
	require.Equal(t, ErrMapFull, m.Add(0x3000, 0x800, Reserved))
	require.Equal(t, before, regions(m))
	require.Equal(t, MaxRegions, m.Len())
	e := NewEarly(m, PhysLimit)
	_, ok := e.Alloc(0x1000, 0x1000, Range{})
	require.False(t, ok, "an allocation that cannot be recorded was given out")
	require.NoError(t, m.Add(0x3000, 0x1000, Usable)) // joins two regions
	_, ok = e.Alloc(0x1000, 0x1000, Range{})
	require.True(t, ok)
}

func TestIntersect_CountsMemoryTakenOrNot(t *testing.T) {
	m := typical(t)
	all := m.Intersect(0, 1<<32)
	require.EqualValues(t, 0x9fc00+0xfee0000, all)
	require.NoError(t, m.Reserve(0x100000, 0x500000))
	require.Equal(t, all, m.Intersect(0, 1<<32))
	require.EqualValues(t, 0x100, m.Intersect(0x9fb00, 0x300))
	require.EqualValues(t, 0, m.Intersect(0x9fc00, 0x400))
	require.EqualValues(t, 255, m.Intersect(0, 256<<20)>>20)
}

func TestEarly_TakesTheHighestPlaceThatFits(t *testing.T) {
	m := typical(t)
	e := NewEarly(m, PhysLimit)
	a, ok := e.Alloc(0x1800, 0x1000, Range{})
	require.True(t, ok)
	require.EqualValues(t, 0xffde000, a)
	b, ok := e.Alloc(0x100, 1, Range{}) // in the tail that alignment left
	require.True(t, ok)
	require.EqualValues(t, 0xffdff00, b)
	require.False(t, m.Contains(a, 1))
	require.False(t, m.Contains(b, 0x100))
	c, ok := e.Alloc(0xa0, 0x20, Range{Base: 0x1000, Len: 0x8f00})
	require.True(t, ok)
	require.EqualValues(t, 0x9e60, c)
}

func TestEarly_PiecesInARowStayOneRegion(t *testing.T) {
	m := typical(t)
	n := m.Len()
	e := NewEarly(m, PhysLimit)
	for range 1000 {
		_, ok := e.Alloc(0x1000, 0x1000, Range{})
		require.True(t, ok)
	}
	require.Equal(t, n+1, m.Len())
}

func TestEarly_Limits(t *testing.T) {
	m := typical(t)
	e := NewEarly(m, 0x200000)
	a, ok := e.Alloc(0x1000, 0x1000, Range{})
	require.True(t, ok)
	require.EqualValues(t, 0x1ff000, a)
	e = NewEarly(e.m, 0x1000)
	a, ok = e.Alloc(0x1000, 0x1000, Range{})
	require.True(t, ok)
	require.EqualValues(t, 0, a)
	_, ok = e.Alloc(1, 1, Range{})
	require.False(t, ok, "there is nothing left below the limit")
	e = NewEarly(e.m, PhysLimit)
	for _, r := range []Range{{0x9fc00, 0x400}, {1 << 40, 1 << 40}, {PhysLimit, 1}, {^PhysAddr(0), ^uint64(0)}, {0x300000, 0xfff}} {
		_, ok = e.Alloc(0x1000, 1, r)
		require.False(t, ok)
	}
	_, ok = e.Alloc(^uint64(0), 1, Range{})
	require.False(t, ok)
	_, ok = e.Alloc(1, 1<<63, Range{Base: 0x100000, Len: 0x100000})
	require.False(t, ok, "no multiple of align is in the range")
	require.Panics(t, func() { e.Alloc(0, 1, Range{}) })
	require.Panics(t, func() { e.Alloc(1, 3, Range{}) })
	require.Panics(t, func() { e.Alloc(1, 0, Range{}) })
}

// Ring 0 has no heap.
func TestMap_AllocatesNothing(t *testing.T) {
	m := typical(t)
	e := NewEarly(m, PhysLimit)
	require.Zero(t, testing.AllocsPerRun(10, func() {
		_ = m.Add(1<<33, 1<<20, Usable)
		_ = m.Reserve(1<<33, 1<<10)
		for range m.Free {
			e.Alloc(64, 64, Range{})
			break
		}
		for r := range m.Regions {
			m.Intersect(r.Base, r.Len)
		}
	}))
}
