package cache

import (
	"math/rand/v2"
	gosync "sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"exo/internal/hostdisk"
	"exo/kernel/fs/block"
	"exo/kernel/fs/disk"
	"exo/kernel/fs/errno"
	"exo/kernel/fs/table"
	"exo/kernel/sync/atom"
)

func newCache(t *testing.T, d block.Device, buffers int) *Cache {
	s := &disk.Shape{Blocks: 40_000, LogBlocks: disk.LogMin, PerGroup: 64}
	require.Equal(t, errno.OK, s.Derive())
	m := &Memory{Buffers: make([]Buffer, buffers), Nodes: make([]table.Node, buffers), Pages: make([]*block.Page, buffers),
		Heads: make([]atom.Uint32, 64), Ahead: make([]Ahead, 4)}
	for i := range m.Pages {
		m.Pages[i] = new(block.Page)
	}
	h := new(Cache)
	h.Init(d, s, m)
	return h
}

// numbered is a disk on which block n begins with n.
func numbered(blocks uint64) *hostdisk.Sparse {
	d := &hostdisk.Sparse{Blocks: blocks, Async: true}
	for n := range blocks {
		d.SetPage(n, block.Page{byte(n), byte(n >> 8)})
	}
	return d
}

// Many tasks read more blocks than there are buffers, some asked for ahead: each finds what the device has.
func TestCache_G1_G2_G5_Reads(t *testing.T) {
	d := numbered(2000)
	h := newCache(t, d, 128)
	var all gosync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			t1 := Task{C: hostdisk.NewContext()}
			defer hostdisk.Release(t1.C)
			r := rand.New(rand.NewPCG(1, uint64(i)))
			for range 800 {
				n := uint64(r.IntN(1900))
				if r.IntN(4) == 0 {
					h.Ahead(&t1, n, 1+r.IntN(40))
				}
				b, e := h.Read(&t1, n, disk.Data)
				if e == errno.NoBuffers {
					continue
				}
				require.Equal(t, errno.OK, e)
				require.Equal(t, n, h.Block(b))
				require.Equal(t, [2]byte{byte(n), byte(n >> 8)}, [2]byte(b.Page[:2]))
				h.Drop(b)
			}
		})
	}
	all.Wait()
}

// What was asked for ahead is read once, in one request.
func TestCache_G5_Once(t *testing.T) {
	d := numbered(200)
	h := newCache(t, d, 128)
	t1 := Task{C: hostdisk.NewContext()}
	defer hostdisk.Release(t1.C)
	require.Equal(t, 32, h.Ahead(&t1, 100, 40))
	for n := uint64(100); n < 132; n++ {
		b, e := h.Read(&t1, n, disk.Data)
		require.Equal(t, errno.OK, e)
		require.Equal(t, byte(n), b.Page[0])
		h.Drop(b)
	}
	require.Equal(t, int64(1), d.Reads.Load())
	require.Equal(t, 32, h.Ahead(&t1, 100, 32))
	require.Equal(t, int64(1), d.Reads.Load())
}

// A read ahead that fails leaves the block to be read by whoever wants it, who is told.
func TestCache_G5_Failure(t *testing.T) {
	d := numbered(200)
	var fail atomic.Bool
	d.Fail = func(r *block.Request) bool { return fail.Load() }
	h := newCache(t, d, 128)
	t1 := Task{C: hostdisk.NewContext()}
	defer hostdisk.Release(t1.C)
	fail.Store(true)
	h.Ahead(&t1, 100, 8)
	_, e := h.Read(&t1, 100, disk.Data)
	require.Equal(t, errno.IO, e)
	fail.Store(false)
	b, e := h.Read(&t1, 100, disk.Data)
	require.Equal(t, errno.OK, e)
	require.Equal(t, byte(100), b.Page[0])
	h.Drop(b)
	_, e = h.Read(&t1, 300, disk.Data)
	require.Equal(t, errno.Range, e)
}

// A block that is to be replaced is not read; if it is there it stays as it is, whoever uses it.
func TestCache_G1_G6_Whole(t *testing.T) {
	d := numbered(200)
	h := newCache(t, d, 128)
	t1 := Task{C: hostdisk.NewContext()}
	defer hostdisk.Release(t1.C)
	b, e := h.Whole(&t1, 100)
	require.Equal(t, errno.OK, e)
	require.Equal(t, block.Page{}, *b.Page)
	require.Zero(t, d.Reads.Load())
	b.Page[0] = 77
	for range 2 { // it is used already
		c, e := h.Whole(&t1, 100)
		require.Equal(t, errno.OK, e)
		require.Same(t, b, c)
		require.Equal(t, byte(77), c.Page[0])
	}
	require.Equal(t, 2, h.Ahead(&t1, 101, 2))
	b, e = h.Whole(&t1, 102) // it is on its way
	require.Equal(t, errno.OK, e)
	require.Equal(t, byte(102), b.Page[0])
	_, e = h.Fresh(&t1, 103, disk.Leaf)
	require.Equal(t, errno.OK, e)
	_, e = h.Whole(&t1, 103)
	require.Equal(t, errno.Corrupt, e)
}

// What has changes that are not on the device stays; what is used as one thing is not another, until it is made that.
func TestCache_G3_G6_FlagsAndKinds(t *testing.T) {
	h := newCache(t, numbered(2000), 128)
	t1 := Task{C: hostdisk.NewContext()}
	defer hostdisk.Release(t1.C)
	for i, flag := range []uint64{Dirty, Listed, Open, Logged} {
		b, e := h.Read(&t1, uint64(i), disk.Data)
		require.Equal(t, errno.OK, e)
		require.True(t, h.Add(b, flag))
		require.False(t, h.Add(b, flag))
		b.Page[100] = 77
		h.Drop(b)
	}
	for n := uint64(10); n < 1000; n++ {
		b, e := h.Read(&t1, n, disk.Data)
		require.Equal(t, errno.OK, e)
		h.Drop(b)
	}
	for i := range uint64(4) {
		b := h.Peek(i)
		require.NotNil(t, b)
		require.Equal(t, byte(77), b.Page[100])
		h.Drop(b)
	}
	_, e := h.Read(&t1, 999, disk.Leaf)
	require.Equal(t, errno.Corrupt, e)
	_, e = h.Read(&t1, 1500, disk.Leaf)
	require.Equal(t, errno.Corrupt, e, "it has no checksum")
	b, e := h.Fresh(&t1, 999, disk.Leaf)
	require.Equal(t, errno.OK, e)
	require.Equal(t, block.Page{}, *b.Page)
	_, e = h.Fresh(&t1, 999, disk.Data)
	require.Equal(t, errno.Corrupt, e, "somebody uses it")
	h.Drop(b)
	_, e = h.Read(&t1, 999, disk.Data)
	require.Equal(t, errno.Corrupt, e)
}
