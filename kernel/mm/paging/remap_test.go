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
	require.False(t, s.ProtectFrame(va, 100, Read|Write, &b))
	require.True(t, s.ProtectFrame(va, 101, Read|Write, &b))
	require.False(t, s.UnmapFrame(va, 100, &b))
	require.True(t, s.UnmapFrame(va, 101, &b))
	_, ok = s.Lookup(va)
	require.False(t, ok)
}
