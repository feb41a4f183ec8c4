//go:build explore

package cache

import (
	"fmt"
	"testing"

	"exo/internal/hostdisk"
	"exo/kernel/fs/block"
	"exo/kernel/fs/disk"
	"exo/kernel/fs/errno"
	"exo/kernel/sync"
	"exo/kernel/sync/explore"
)

// slow is a device that keeps a request until it is told to complete it.
type slow struct {
	hostdisk.Sparse
	kept *block.Request
}

func (d *slow) Submit(_ *sync.Context, r *block.Request) { d.kept = r }

// What was asked for ahead arrives, is read, and the block becomes another thing, all while whoever brings it is not done
// with telling so: he is no user of it.
func TestExplore_Cache_G6_FreshAfterAhead(t *testing.T) {
	hostdisk.Release(hostdisk.NewContext())
	relax := sync.Relax
	sync.Relax = func(int) { explore.Yield() }
	defer func() { sync.Relax = relax }()
	d := &slow{Sparse: hostdisk.Sparse{Blocks: 40_000}}
	explore.Exhaustive(t, explore.Config{Preemptions: 2, AtLeast: 200}, func(x *explore.Run) ([]func(), func() error) {
		h := newCache(t, d, 8)
		task := Task{C: &sync.Context{CPU: 1, Sleeper: new(explore.Permit)}}
		h.Ahead(&task, 100, 1)
		result := errno.OK
		return []func(){func() { d.kept.Complete(errno.OK) }, func() {
				b, e := h.Read(&task, 100, disk.Data)
				if e == errno.OK {
					h.Drop(b)
					if b, e = h.Fresh(&task, 100, disk.Leaf); e == errno.OK {
						h.Drop(b)
					}
				}
				result = e
			}}, func() error {
				switch b := h.Peek(100); {
				case result != errno.OK:
					return fmt.Errorf("the block cannot become another thing: %w", result)
				case b == nil || h.table.Users(b.Index()) != 1:
					return fmt.Errorf("the block has gone, or is still in use")
				}
				return nil
			}
	})
}
