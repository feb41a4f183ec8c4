package records

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// memory is a device that forgets what was not flushed, but some sectors.
type memory struct{ blocks, flushed [][Size]byte }

func newMemory(n int) *memory { return &memory{make([][Size]byte, n), make([][Size]byte, n)} }

func (m *memory) Blocks() uint64                { return uint64(len(m.blocks)) }
func (m *memory) Read(n uint64, b []byte) error { copy(b, m.blocks[n][:]); return nil }
func (m *memory) Write(n uint64, b []byte) error {
	copy(m.blocks[n][:], b)
	return nil
}

func (m *memory) Flush() error {
	copy(m.flushed, m.blocks)
	return nil
}

// cut is what is left after a loss of power: of what was not flushed, the sectors whose bit is set.
func (m *memory) cut(sectors uint) *memory {
	c := newMemory(len(m.blocks))
	for n := range c.blocks {
		c.blocks[n] = m.flushed[n]
		for s := range Size / 512 {
			if sectors>>s&1 != 0 {
				copy(c.blocks[n][s*512:(s+1)*512], m.blocks[n][s*512:(s+1)*512])
			}
		}
	}
	c.Flush()
	return c
}

func list(t *testing.T, d Device) (all []string, l *Log) {
	l, err := Open(d, make([]byte, Size), func(b []byte) { all = append(all, string(b)) })
	require.NoError(t, err)
	return all, l
}

func TestRecords_G1_G2_Cut(t *testing.T) {
	long := fmt.Sprint(make([]byte, 1000))
	seen := map[bool]int{}
	for sectors := range uint(256) {
		m := newMemory(8)
		_, err := Open(m, make([]byte, Size), nil)
		require.ErrorIs(t, err, ErrNone)
		l, err := Begin(m, make([]byte, Size))
		require.NoError(t, err)
		require.NoError(t, l.Append([]byte("one")))
		require.NoError(t, l.Append([]byte(long)))
		put(l.b, l.life, uint32(l.next), []byte(long+long)) // an Append that does not come to its flush
		m.Write(l.next, l.b)
		all, l := list(t, m.cut(sectors))
		require.Equal(t, []string{"one", long}, all[:2])
		if len(all) > 2 {
			require.Equal(t, []string{long + long}, all[2:])
		}
		seen[len(all) > 2]++
		require.NoError(t, l.Append([]byte("after")))
		again, _ := list(t, l.d)
		require.Equal(t, append(all, "after"), again)
	}
	require.Positive(t, seen[true])
	require.Positive(t, seen[false])
}

func TestRecords_G3_Begin(t *testing.T) {
	m := newMemory(5)
	for range 3 {
		l, err := Begin(m, make([]byte, Size))
		require.NoError(t, err)
		all, _ := list(t, m)
		require.Empty(t, all)
		for _, s := range []string{"a", "b", "", "d"} {
			require.NoError(t, l.Append([]byte(s)))
		}
		require.ErrorIs(t, l.Append(nil), ErrFull)
		require.ErrorIs(t, l.Append(make([]byte, Max+1)), ErrLong)
		all, _ = list(t, m)
		require.Equal(t, []string{"a", "b", "", "d"}, all)
	}
	copy(m.blocks[0][:4], "torn") // the head is lost: the next life is still another
	l, err := Begin(m, make([]byte, Size))
	require.NoError(t, err)
	require.NoError(t, l.Append([]byte("a")))
	all, _ := list(t, m)
	require.Equal(t, []string{"a"}, all)
}
