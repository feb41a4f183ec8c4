package fs

import (
	"exo/kernel/fs/block"
	"exo/kernel/fs/disk"
	"exo/kernel/fs/errno"
	"exo/kernel/fs/journal"
)

// Options is how a disk is formatted.
type Options struct {
	Blocks    uint64    // 0: all that the device has
	LogBlocks uint32    // 0: by the disk's size
	PerGroup  uint32    // inodes for each 96 MiB; 0: one for every 16 KiB
	Key       [2]uint64 // random
	Label     string
	NowNs     int64
}

// Format makes an empty file system with a root directory. What was on the disk is lost; blocks that are not needed are not
// written. page is a page of no other use, beside the task's own. The errors: DiskLarge, DiskSmall, LogSmall, LogLarge, IO,
// ReadOnly, BadArgument.
func Format(t *Task, d block.Device, o *Options, page *block.Page) (disk.Shape, errno.Errno) {
	s := disk.Shape{Blocks: o.Blocks, LogBlocks: o.LogBlocks, PerGroup: o.PerGroup, Key: o.Key}
	if s.Blocks == 0 {
		s.Blocks = d.Geometry().Blocks
	}
	if s.Blocks > d.Geometry().Blocks {
		return s, errno.Range
	}
	if s.LogBlocks == 0 {
		s.LogBlocks = uint32(min(max(s.Blocks/64, disk.LogMin), 16384))
	}
	if s.PerGroup == 0 {
		n := uint32(min(s.Blocks, disk.GroupBlocks)) / 4
		s.PerGroup = max(n/disk.PerBlock*disk.PerBlock, disk.PerBlock)
	}
	copy(s.Label[:], o.Label)
	if e := s.Derive(); e != errno.OK {
		return s, e
	}
	base := &t.Task.Task
	*page = block.Page{} // no file system, until all the rest is there
	if e := base.WriteBlock(d, 0, page); e != errno.OK {
		return s, e
	}
	if e := base.Flush(d); e != errno.OK {
		return s, e
	}
	if e := journal.Format(t.base(), d, &s, page); e != errno.OK {
		return s, e
	}
	s.InitGroup(page, 0)
	disk.SetInode(page, 0)
	disk.AddFreeInodes(page, -1)
	disk.SetHigh(page, 1)
	s.Seal(disk.Group, s.GroupAt(0), page)
	if e := base.WriteBlock(d, s.GroupAt(0), page); e != errno.OK {
		return s, e
	}
	*page = block.Page{}
	disk.PutInode(page, 0, &disk.Inode{Generation: 1, Mode: disk.TypeDir | 0o755, Links: 1, Parent: disk.Root,
		Atime: o.NowNs, Mtime: o.NowNs, Ctime: o.NowNs, Btime: o.NowNs})
	n, _ := s.InodeAt(disk.Root)
	s.Seal(disk.Inodes, n, page)
	if e := base.WriteBlock(d, n, page); e != errno.OK {
		return s, e
	}
	disk.SetSuper(page, &s, &disk.State{Groups: 1, Clean: true})
	if e := base.WriteBlock(d, 1, page); e != errno.OK {
		return s, e
	}
	if e := base.Flush(d); e != errno.OK {
		return s, e
	}
	if e := base.WriteBlock(d, 0, page); e != errno.OK {
		return s, e
	}
	return s, base.Flush(d)
}
