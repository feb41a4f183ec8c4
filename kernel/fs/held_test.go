package fs_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"exo/internal/hostdisk"
	"exo/internal/hostfs"
	"exo/kernel/fs"
	"exo/kernel/fs/block"
	"exo/kernel/fs/errno"
	"exo/kernel/sync"
)

// watched is a disk that looks at what locks are held by whoever has it write.
type watched struct {
	*hostdisk.Sparse
	writes, flushes int
	held            []string
}

func (d *watched) Submit(c *sync.Context, r *block.Request) {
	if r.Op != block.Read {
		if d.writes++; r.Op == block.Flush {
			d.flushes++
		}
		for i := range c.Held() {
			d.held = append(d.held, c.Held()[i].Class().Name())
		}
	}
	d.Sparse.Submit(c, r)
}

// Commits and checkpoints write under no lock, whether a task asks for them, or the log is full.
//
// Also kernel/fs/journal/journal.go: G7.
func TestFS_G2_WritesUnderNoLock(t *testing.T) {
	d := &watched{Sparse: &hostdisk.Sparse{Blocks: 3000}}
	format(t, d.Sparse, small)
	m := mountIt(t, d, hostfs.Small)
	for i := range 100 {
		ip, e := m.fs.Create(m.task, m.root, fmt.Append(nil, "file", i), fs.Attr{})
		require.Equal(t, errno.OK, e)
		_, e = m.fs.Write(m.task, ip, 0, pattern(9000, byte(i)))
		require.Equal(t, errno.OK, e)
		if i%5 == 0 {
			require.Equal(t, errno.OK, m.fs.Sync(m.task, ip))
			for _, at := range []uint64{0, 2 * block.Size} { // two requests, for these are no neighbours
				_, e = m.fs.Write(m.task, ip, at, []byte{1})
				require.Equal(t, errno.OK, e)
			}
			require.Equal(t, errno.OK, m.fs.Sync(m.task, ip))
		}
		m.fs.Put(m.task, ip)
		require.Equal(t, errno.OK, m.fs.Unlink(m.task, m.root, fmt.Append(nil, "file", i)))
	}
	m.unmount()
	require.Empty(t, d.held)
	require.Greater(t, d.flushes, 20)
	require.Greater(t, d.writes, d.flushes)
}
