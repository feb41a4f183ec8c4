package cache

import (
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"exo/internal/hostdisk"
	"exo/kernel/fs/block"
	"exo/kernel/fs/disk"
	"exo/kernel/fs/errno"
	"exo/kernel/sync"
)

// watched is a device that looks at what locks are held by whoever has it work.
type watched struct {
	*hostdisk.Sparse
	own, other atomic.Int64 // requests of one block under one lock of a buffer; and under anything else
}

func (d *watched) Submit(c *sync.Context, r *block.Request) {
	switch held := c.Held(); {
	case len(held) == 1 && held[0].Class() == sync.ClassBuffer && len(r.Pages) == 1:
		d.own.Add(1)
	case len(held) > 0:
		d.other.Add(1)
	}
	d.Sparse.Submit(c, r)
}

// The device works under no lock but that of the buffer it works for; under that, when a block is read that nobody asked for ahead.
func TestCache_G4_LocksWhileTheDeviceWorks(t *testing.T) {
	d := &watched{Sparse: numbered(2000)}
	h := newCache(t, d, 64)
	t1 := Task{C: hostdisk.NewContext()}
	defer hostdisk.Release(t1.C)
	for n := uint64(0); n < 500; n++ {
		if n%50 == 0 {
			h.Ahead(&t1, n+10, 20)
		}
		b, e := h.Read(&t1, n, disk.Data)
		require.Equal(t, errno.OK, e)
		h.Drop(b)
	}
	require.Zero(t, d.other.Load(), "requests under other locks")
	require.Greater(t, d.own.Load(), int64(100))
	require.Greater(t, d.Reads.Load(), d.own.Load(), "and those ahead")
}
