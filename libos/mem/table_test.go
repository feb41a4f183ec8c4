package mem

import (
	"math/rand/v2"
	"testing"
	"unsafe"

	"exo/internal/seeds"
	"exo/kernel/abi"

	"github.com/stretchr/testify/require"
)

// newState returns a State with room for pieces in so many pages.
func newState(pages int) *State {
	memory := make([]uint64, pages*PageSize/8)
	s := (*State)(unsafe.Pointer(&memory[0]))
	s.Pages = uint32(pages)
	return s
}

const base = 0x4100_0000_0000

func page(n uint64) uint64 { return base + n*PageSize }

func TestState_piecesAreFoundByAddress(t *testing.T) {
	s := newState(1)
	require.Greater(t, s.room(), 20)
	s.Add(Piece{VA: page(10), Name: 1, N: 4, Of: 4})
	s.Add(Piece{VA: page(2), Name: 2, N: 1, Of: 1})
	s.Add(Piece{VA: page(20), Name: 3, N: 2, Of: 2})
	for n, want := range map[uint64]uint64{1: 0, 2: 2, 3: 0, 9: 0, 10: 1, 13: 1, 14: 0, 20: 3, 21: 3, 22: 0} {
		p := s.piece(page(n))
		if want == 0 {
			require.Nil(t, p, "page %d", n)
		} else {
			require.NotNil(t, p, "page %d", n)
			require.Equal(t, want, p.Name)
		}
	}
	require.EqualValues(t, 7*PageSize, s.Bytes)
}

func TestState_aCapabilityGoesWithItsLastPiece(t *testing.T) {
	s := newState(1)
	s.Add(Piece{VA: page(10), Name: 1, N: 8, Of: 8})
	s.cut(page(12))
	s.cut(page(13))
	require.EqualValues(t, 3, s.NPieces)
	require.Equal(t, uint16(2), s.piece(page(12)).First)
	name, last := s.drop(s.at(page(12)))
	require.EqualValues(t, 1, name)
	require.False(t, last)
	_, last = s.drop(s.at(page(13)))
	require.False(t, last)
	_, last = s.drop(s.at(page(10)))
	require.True(t, last)
	require.Zero(t, s.Bytes)
}

func TestState_regionsDoNotOverlap(t *testing.T) {
	s := newState(1)
	require.True(t, s.AddRegion(Region{Low: page(10), High: page(20), Kind: Zero}))
	require.False(t, s.AddRegion(Region{Low: page(19), High: page(21)}))
	require.False(t, s.AddRegion(Region{Low: page(5), High: page(11)}))
	require.False(t, s.AddRegion(Region{Low: page(12), High: page(13)}))
	require.False(t, s.AddRegion(Region{Low: page(30), High: page(30)}))
	require.True(t, s.AddRegion(Region{Low: page(20), High: page(21)}))
	require.True(t, s.AddRegion(Region{Low: page(5), High: page(10)}))
	require.EqualValues(t, 3, s.Regions)
}

func TestState_carveLeavesTheRest(t *testing.T) {
	s := newState(1)
	s.AddRegion(Region{Low: page(10), High: page(20), Kind: Files, First: 100})
	require.True(t, s.carve(page(13), page(15)))
	require.Nil(t, s.region(page(13)))
	require.Nil(t, s.region(page(14)))
	require.EqualValues(t, 100, s.region(page(12)).First)
	require.EqualValues(t, 105, s.region(page(15)).First)
	require.True(t, s.carve(page(0), page(11)))
	require.EqualValues(t, 101, s.region(page(11)).First)
	require.True(t, s.carve(page(0), page(100)))
	require.Zero(t, s.Regions)
}

func TestState_runsGrowWhereTheLastOneEnded(t *testing.T) {
	s := newState(1)
	s.AddRegion(Region{Low: page(0), High: page(100), Kind: Zero, Perm: 3})
	r := s.region(page(0))
	at := page(0)
	for _, want := range []uint64{1, 2, 4, 8, 16, 16, 16} {
		low, n := s.run(r, at)
		require.Equal(t, at, low)
		require.Equal(t, want, n)
		s.Add(Piece{VA: low, Name: at, N: uint16(n), Of: uint16(n)})
		r.ran(low, n)
		at += n * PageSize
	}
	_, n := s.run(r, page(90))
	require.EqualValues(t, 1, n, "elsewhere it begins with one")
	s.Add(Piece{VA: at + 2*PageSize, Name: 9, N: 1, Of: 1})
	_, n = s.run(r, at)
	require.EqualValues(t, 2, n, "up to what is there")
}

func TestState_stacksGrowDownward(t *testing.T) {
	s := newState(1)
	s.AddRegion(Region{Low: page(10), High: page(40), Kind: Stack, Perm: 3})
	r := s.region(page(39))
	at := page(39)
	for _, want := range []uint64{1, 2, 4, 8, 15} { // the last up to its low end
		low, n := s.run(r, at)
		require.Equal(t, want, n)
		require.Equal(t, at, low+(n-1)*PageSize)
		s.Add(Piece{VA: low, Name: at, N: uint16(n), Of: uint16(n)})
		r.ran(low, n)
		at = low - PageSize
	}
	require.Equal(t, page(9), at)
}

func TestState_findLeavesAPageBetween(t *testing.T) {
	s := newState(1)
	low, high := page(0), page(100)
	a := s.find(low, high, 10*PageSize)
	require.Equal(t, low, a)
	s.AddRegion(Region{Low: a, High: a + 10*PageSize})
	b := s.find(low, high, 10*PageSize)
	require.Equal(t, page(11), b)
	s.AddRegion(Region{Low: page(30), High: page(31)})
	require.Equal(t, page(11), s.find(low, high, 18*PageSize))
	require.Equal(t, page(32), s.find(low, high, 19*PageSize))
	require.Zero(t, s.find(low, high, 69*PageSize))
	require.Zero(t, s.find(low, high, ^uint64(0)-PageSize))
}

func TestAllows(t *testing.T) {
	const write, fetch = 2, 16
	r, w, x := uint8(abi.PermRead), uint8(abi.PermRead|abi.PermWrite), uint8(abi.PermRead|abi.PermExecute)
	require.True(t, allows(r, 4) && allows(w, 4) && allows(x, 4))
	require.False(t, allows(0, 4))
	require.True(t, allows(w, write))
	require.False(t, allows(r, write) || allows(x, write))
	require.True(t, allows(x, fetch))
	require.False(t, allows(r, fetch) || allows(w, fetch))
}

// A model: which capability and frame each page shows.
func TestState_againstAModel(t *testing.T) {
	const pages = 64
	done := 0
	seeds.Each(t, 200, func(r *rand.Rand) {
		s := newState(2)
		var model [pages]uint64 // name<<16 | frame, 0: nothing
		name := uint64(0)
		for range 200 {
			low := r.Uint64N(pages)
			n := 1 + r.Uint64N(min(8, pages-low))
			if s.full() {
				break
			}
			switch r.IntN(2) {
			case 0:
				free := true
				for i := range n {
					free = free && model[low+i] == 0
				}
				if !free {
					continue
				}
				name++
				s.Add(Piece{VA: page(low), Name: name, N: uint16(n), Of: uint16(n)})
				for i := range n {
					model[low+i] = name<<16 | i
				}
			case 1:
				s.cut(page(low))
				s.cut(page(low + n))
				for i := s.at(page(low)); i < int(s.NPieces) && s.Pieces()[i].VA < page(low+n); i = s.at(page(low)) {
					p := s.Pieces()[i]
					got, last := s.drop(i)
					require.Equal(t, p.Name, got)
					for k := range uint64(p.N) {
						model[(p.VA-base)/PageSize+k] = 0
					}
					left := false
					for _, m := range model {
						left = left || m>>16 == got
					}
					require.Equal(t, !left, last)
				}
			}
			done++
			mapped := uint64(0)
			for i, m := range model {
				p := s.piece(page(uint64(i)))
				if m == 0 {
					require.Nil(t, p)
					continue
				}
				mapped += PageSize
				require.NotNil(t, p)
				require.Equal(t, m, p.Name<<16|(page(uint64(i))-p.VA)/PageSize+uint64(p.First))
			}
			require.Equal(t, mapped, s.Bytes)
		}
	})
	require.Greater(t, done, 1000)
}
