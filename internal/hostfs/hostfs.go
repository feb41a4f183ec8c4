// Package hostfs makes for a host what the kernel gives the file system from its frames: memory, tasks, a clock. It is no part
// of ring 0.
package hostfs

import (
	"sync/atomic"
	"time"

	"exo/internal/hostdisk"
	"exo/kernel/fs"
	"exo/kernel/fs/block"
	"exo/kernel/fs/cache"
	"exo/kernel/fs/disk"
	"exo/kernel/fs/errno"
	"exo/kernel/fs/fsck"
	"exo/kernel/fs/journal"
	"exo/kernel/fs/table"
	"exo/kernel/sync/atom"
)

// Sizes is how much memory a mount is given.
type Sizes struct {
	Buffers int // of 4 KiB
	Inodes  int
	Groups  int // of 96 MiB
	Frozen  int // blocks of one transaction
}

// Small is as little as a mount works with, on a disk of one group or two.
var Small = Sizes{Buffers: 512, Inodes: 64, Groups: 2, Frozen: 64}

// Large is for tools.
func Large(blocks uint64) Sizes {
	return Sizes{Buffers: 16384, Inodes: 4096, Groups: int(blocks/disk.GroupBlocks) + 1, Frozen: 1000}
}

func pages(n int) []*block.Page {
	all := make([]block.Page, n)
	p := make([]*block.Page, n)
	for i := range p {
		p[i] = &all[i]
	}
	return p
}

func heads(n int) []atom.Uint32 {
	k := 1
	for k < 2*n {
		k *= 2
	}
	return make([]atom.Uint32, k)
}

// NewOpens makes an Opens with room for n.
func NewOpens(n int) *fs.Opens {
	o := new(fs.Opens)
	o.Init(make([]fs.Open, n), make([]uint32, 16), 0x9e3779b97f4a7c15)
	return o
}

// NewMemory makes memory for a mount, with an Opens of 16.
func NewMemory(s Sizes) *fs.Memory {
	return &fs.Memory{
		Cache: cache.Memory{
			Buffers: make([]cache.Buffer, s.Buffers),
			Nodes:   make([]table.Node, s.Buffers),
			Pages:   pages(s.Buffers),
			Heads:   heads(s.Buffers),
			Ahead:   make([]cache.Ahead, 4),
		},
		Journal: journal.Memory{
			Frozen:  pages(s.Frozen),
			Bounce:  pages(64),
			Moving:  make([]*cache.Buffer, 64),
			Control: pages(s.Frozen/disk.MaxTags + 4),
			List:    make([]*cache.Buffer, s.Frozen),
			Revokes: make([]uint32, 2*s.Frozen),
			Writes:  make([]journal.Write, 8),
		},
		Inodes: make([]fs.Inode, s.Inodes),
		Nodes:  make([]table.Node, s.Inodes),
		Heads:  heads(s.Inodes),
		Groups: make([]fs.GroupInfo, s.Groups),
		Busy:   make([]fs.Busy, 16),
		Label:  new(block.Page),
		Opens:  NewOpens(16),
	}
}

// NewTask makes a task for a goroutine. Release ends its use.
func NewTask() *fs.Task {
	t := &fs.Task{}
	t.Init(hostdisk.NewContext(), new(block.Page))
	return t
}

// Release gives back what NewTask took.
func Release(t *fs.Task) { hostdisk.Release(t.C) }

// Wall is the host's clock.
type Wall struct{}

func (Wall) WallNs() int64 { return time.Now().UnixNano() }

// Ticks is a clock that goes on by one each time it is asked.
type Ticks struct{ now atomic.Int64 }

func (c *Ticks) WallNs() int64 { return c.now.Add(1) }

// Check has a disk that nobody has mounted checked, and returns what is wrong.
func Check(t *fs.Task, d block.Device) ([]fsck.Finding, errno.Errno) {
	var found Findings
	_, e := fsck.Check(t, d, NewCheckMemory(2), &found)
	return found, e
}

// Findings is a Reporter that keeps what it is told.
type Findings []fsck.Finding

func (f *Findings) Found(x fsck.Finding) { *f = append(*f, x) }
func (f *Findings) Progress(_, _ uint64) {}

// NewCheckMemory makes memory for a check of so many groups at once.
func NewCheckMemory(groups int) *fsck.Memory {
	m := &fsck.Memory{Marks: make([]uint64, groups*disk.BlockWords), Names: make([]uint32, groups*disk.MaxPerGroup)}
	copy(m.Pages[:], pages(len(m.Pages)))
	return m
}
