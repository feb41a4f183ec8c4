package mm

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"exo/internal/seeds"
	"exo/internal/tsan"
)

// unit is how many bytes one place of the model stands for: it is not a frame, so that
// frames are cut through.
const (
	unit      = FrameSize / 4
	modelSize = 400 // places
)

// model is the map as a plain list of places.
type model [modelSize]Kind

func (k *model) set(lo, n int, kind Kind, fill bool) {
	for i := lo; i < lo+n; i++ {
		if fill || k[i] == Usable {
			k[i] = max(k[i], kind)
		}
	}
}

// requireEqual compares everything that a Map can be asked.
func requireEqual(t *testing.T, k *model, m *Map, base PhysAddr, r *rand.Rand) {
	t.Helper()
	var got model
	last := Region{}
	for g := range m.Regions {
		require.Positive(t, g.Len)
		require.True(t, last.Kind == 0 || last.End() < g.Base || last.End() == g.Base && last.Kind != g.Kind, "regions overlap or touch")
		last = g
		for i := range int(g.Len / unit) {
			got[int((g.Base-base)/unit)+i] = g.Kind
		}
	}
	require.Equal(t, *k, got)

	var free uint64
	frames := map[int]bool{}
	for f := range m.Free {
		free += f.Len
		require.Zero(t, f.Base%FrameSize)
		require.Zero(t, f.Len%FrameSize)
		for i := range int(f.Len / FrameSize) {
			frames[int((f.Base-base)/FrameSize)+i] = true
		}
	}
	require.Equal(t, free, m.UsableBytes())
	for i := range modelSize / 4 {
		whole := true
		for j := range 4 {
			whole = whole && k[4*i+j] == Usable
		}
		require.Equal(t, whole, frames[i])
	}

	lo := r.IntN(modelSize)
	n := 1 + r.IntN(modelSize-lo)
	sum, contains := uint64(0), true
	for i := lo; i < lo+n; i++ {
		if k[i] == Usable || k[i] == Taken {
			sum += unit
		}
		contains = contains && k[i] == Usable
	}
	require.Equal(t, sum, m.Intersect(base+PhysAddr(lo*unit), uint64(n*unit)))
	require.Equal(t, contains, m.Contains(base+PhysAddr(lo*unit), uint64(n*unit)))
}

func TestMap_AgreesWithAPlainModel(t *testing.T) {
	tsan.Alone(t)
	m, k := &Map{}, &model{}
	seeds.Each(t, 300, func(r *rand.Rand) {
		*m, *k = Map{}, model{}
		base := []PhysAddr{0, 1 << 32, PhysLimit - modelSize*unit}[r.IntN(3)]
		most := []int{3, 20, 200}[r.IntN(3)]
		for range 60 {
			lo := r.IntN(modelSize)
			n := min(1+r.IntN(most), modelSize-lo)
			at, length := base+PhysAddr(lo*unit), uint64(n*unit)
			var err error
			switch r.IntN(4) {
			case 0:
				err = m.Reserve(at, length)
				k.set(lo, n, Taken, false)
			case 1:
				err = m.Add(at, length, Reserved)
				k.set(lo, n, Reserved, true)
			default:
				err = m.Add(at, length, Usable)
				k.set(lo, n, Usable, true)
			}
			require.NoError(t, err)
		}
		requireEqual(t, k, m, base, r)
	})
}

func TestMap_DoesNotDependOnTheOrderOfRanges(t *testing.T) {
	a, b := &Map{}, &Map{}
	seeds.Each(t, 500, func(r *rand.Rand) {
		*a, *b = Map{}, Map{}
		all := make([]Region, 1+r.IntN(40))
		for i := range all {
			all[i] = Region{Range{PhysAddr(r.IntN(1 << 16)), uint64(r.IntN(1 << 13))}, []Kind{Usable, Reserved}[r.IntN(2)]}
			require.NoError(t, a.Add(all[i].Base, all[i].Len, all[i].Kind))
		}
		for _, i := range r.Perm(len(all)) {
			require.NoError(t, b.Add(all[i].Base, all[i].Len, all[i].Kind))
		}
		require.Equal(t, regions(a), regions(b))
	})
}

// Nobody gets a byte twice, each piece is where it was asked for, and false means
// that there was no such place.
func TestEarly_AgreesWithAPlainModel(t *testing.T) {
	m, k := &Map{}, &model{}
	seeds.Each(t, 200, func(r *rand.Rand) {
		*m, *k = Map{}, model{}
		for range 6 {
			lo := r.IntN(modelSize)
			n := 1 + r.IntN(modelSize-lo)
			kind := []Kind{Usable, Usable, Reserved}[r.IntN(3)]
			require.NoError(t, m.Add(PhysAddr(lo*unit), uint64(n*unit), kind))
			k.set(lo, n, kind, true)
		}
		e := NewEarly(m, PhysLimit)
		for range 40 {
			below := modelSize
			if r.IntN(3) == 0 {
				below = r.IntN(modelSize + 1)
			}
			e = NewEarly(e.m, PhysAddr(below*unit))
			n, align := 1+r.IntN(12), 1<<r.IntN(5)
			lo, hi := 0, modelSize
			within := Range{}
			if r.IntN(2) == 0 {
				lo = r.IntN(modelSize)
				hi = lo + 1 + r.IntN(modelSize-lo)
				within = Range{PhysAddr(lo * unit), uint64((hi - lo) * unit)}
			}
			want := -1
			for at := lo; at+n <= min(hi, below); at++ {
				fits := at%align == 0
				for i := at; i < at+n; i++ {
					fits = fits && k[i] == Usable
				}
				if fits {
					want = at
				}
			}
			got, ok := e.Alloc(uint64(n*unit), uint64(align*unit), within)
			require.Equal(t, want >= 0, ok)
			if ok {
				require.Equal(t, PhysAddr(want*unit), got, "not the highest place")
				k.set(want, n, Taken, false)
			}
		}
		requireEqual(t, k, m, 0, r)
	})
}
