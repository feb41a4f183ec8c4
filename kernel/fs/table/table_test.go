package table

import (
	"math/rand/v2"
	"runtime"
	gosync "sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"exo/internal/hostdisk"
	"exo/kernel/sync/atom"
)

func newTable(slots, heads int) *Table {
	t := new(Table)
	t.Init(make([]Node, slots), make([]atom.Uint32, heads))
	return t
}

// Many tasks want more keys than there are slots: what each gets is the key's slot for as long as it uses it, and nobody else
// has the key in another.
func TestTable_G1_G2_G3_ManyKeys(t *testing.T) {
	table := newTable(32, 16)
	var at [100]atomic.Int64 // how many use a key, and which slot that is: slot × 16 + users
	var all gosync.WaitGroup
	var found, claimed atomic.Int64
	for i := range 4 {
		all.Go(func() {
			c := hostdisk.NewContext()
			defer hostdisk.Release(c)
			r := rand.New(rand.NewPCG(1, uint64(i)))
			for range 2000 {
				key := uint64(1 + r.IntN(99))
				s := -1
				if r.IntN(2) == 0 {
					s = table.Find(key)
					found.Add(1)
				}
				if s < 0 {
					s = table.Claim(c, key)
					claimed.Add(1)
				}
				if s < 0 {
					continue
				}
				require.Equal(t, key, table.Key(s))
				now := at[key].Add(int64(s)*16 + 1)
				require.Equal(t, int64(s), now/16/(now%16), "a key in two slots")
				runtime.Gosched()
				require.Equal(t, key, table.Key(s))
				at[key].Add(-int64(s)*16 - 1)
				table.Drop(s)
			}
		})
	}
	all.Wait()
	require.Greater(t, found.Load(), int64(400))
	require.Greater(t, claimed.Load(), int64(400))
	keys := map[uint64]bool{}
	table.Each(func(i int, key uint64) bool {
		require.False(t, keys[key], "a key in two slots")
		keys[key] = true
		require.Equal(t, 1, table.Users(i))
		return true
	})
	require.Len(t, keys, 32)
}

// What is in use or pinned stays; when all is, nothing is to be had.
func TestTable_G3_Pinned(t *testing.T) {
	c := hostdisk.NewContext()
	defer hostdisk.Release(c)
	table := newTable(8, 8)
	for k := uint64(1); k <= 8; k++ {
		i := table.Claim(c, k)
		require.GreaterOrEqual(t, i, 0)
		if k%2 == 0 {
			table.Set(i, Pin)
			table.Drop(i)
		}
	}
	require.Equal(t, -1, table.Claim(c, 99))
	i := table.Find(2)
	table.Clear(i, Pin)
	table.Drop(i)
	require.Equal(t, i, table.Claim(c, 99))
	require.Equal(t, -1, table.Find(2))
}

// The last use of a slot that has the flag does not end, others do.
func TestTable_G6_DropUnless(t *testing.T) {
	c := hostdisk.NewContext()
	defer hostdisk.Release(c)
	table := newTable(8, 8)
	i := table.Claim(c, 1)
	table.Set(i, Flag)
	require.False(t, table.DropUnless(i, Flag))
	table.Use(i)
	require.True(t, table.DropUnless(i, Flag))
	require.True(t, table.DropUnless(i, Flag<<1))
	require.Zero(t, table.Users(i))
}

// The clock passes by what was found since it came by last.
func TestTable_Clock(t *testing.T) {
	c := hostdisk.NewContext()
	defer hostdisk.Release(c)
	table := newTable(64, 64)
	for k := uint64(1); k <= 10_000; k++ {
		i := table.Claim(c, 1_000_000) // found each time
		table.Drop(i)
		table.Drop(table.Claim(c, k))
		require.Equal(t, i, func() int { j := table.Find(1_000_000); table.Drop(j); return j }())
	}
}

// Who finds a slot with the flag reads what was written before the flag was set: the race detector sees it if that is not so.
func TestTable_G4_WhatTheFlagTells(t *testing.T) {
	c := hostdisk.NewContext()
	defer hostdisk.Release(c)
	for round := range 200 {
		table := newTable(1, 1)
		var content int // plain
		var written atomic.Bool
		var all gosync.WaitGroup
		i := table.Claim(c, 1)
		all.Go(func() {
			content = round + 1
			table.Set(i, Flag)
			written.Store(true)
		})
		for {
			over := written.Load()
			s := table.Find(1)
			require.Equal(t, i, s)
			if seen := table.State(s).Load()&Flag != 0; seen {
				require.Equal(t, round+1, content)
				break
			}
			table.Drop(s)
			require.False(t, over, "the flag has been set, and is not seen")
			runtime.Gosched()
		}
		all.Wait()
	}
}
