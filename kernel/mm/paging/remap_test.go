package paging

import (
	"testing"

	"github.com/stretchr/testify/require"

	"exo/kernel/mm"
)

// TestTable_RemapAndByFrame: Remap changes frame and permission at once; what asks for a frame leaves others alone.
func TestTable_RemapAndByFrame(t *testing.T) {
	s := newSpace(t, newFakeMemory(64), 1)
	var b Batch
	const va = 0x40_0000
	require.NoError(t, s.Map(va, 100, Small, Read|Write))
	_, err := s.Remap(va, 101, Small, Read, &b)
	require.NoError(t, err)
	m, ok := s.Lookup(va)
	require.True(t, ok)
	require.Equal(t, mm.Frame(101), m.Frame)
	require.Equal(t, Read, m.Perm)
	require.False(t, b.Empty(), "others may have the old one")
	_, err = s.Remap(va, 101, Small, Write|Exec, &b)
	require.Equal(t, ErrPerm, err)
	_, err = s.Remap(va+0x1000, 101, Small, Read, &b)
	require.Equal(t, ErrNotMapped, err)
	_, err = s.Remap(va, 101, Large, Read, &b)
	require.Error(t, err)
	require.False(t, s.ProtectFrame(va, 100, (Read|Write).Bits()) != 0)
	require.True(t, s.ProtectFrame(va, 101, (Read|Write).Bits()) != 0)
	require.False(t, s.UnmapFrame(va, 100))
	require.False(t, s.UnmapFrame(va, 101), "the last page of a table: that goes, too")
	require.True(t, s.MapFrame(va+0x1000, 102, Read.Bits()))
	require.False(t, s.MapFrame(va+0x1000, 103, Read.Bits()))
	require.False(t, s.MapFrame(va+0x1001, 103, Read.Bits()))
	require.False(t, s.MapFrame(UserLimit, 103, Read.Bits()))
	require.False(t, s.UnmapFrame(va, 100))
	require.True(t, s.UnmapFrame(va, 101))
	require.False(t, s.UnmapFrame(va, 101))
	_, ok = s.Lookup(va)
	require.False(t, ok)
	m, ok = s.Lookup(va + 0x1000)
	require.True(t, ok)
	require.Equal(t, Mapping{VA: va + 0x1000, Frame: 102, Perm: Read}, m)
}
