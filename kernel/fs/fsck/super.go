package fsck

import (
	"exo/kernel/fs"
	"exo/kernel/fs/block"
	"exo/kernel/fs/disk"
	"exo/kernel/fs/errno"
)

// mendSuper makes a superblock of its copy, or the state anew, if they are damaged, and a head for a log that has none. A log that
// is not empty is not touched: recover it first; if it cannot be, it is not what fsck reports as errno.Dirty.
func mendSuper(t *fs.Task, d block.Device, m *Memory, to Reporter) errno.Errno {
	p := m.Pages[otherPage]
	if e := t.ReadBlock(d, 0, p); e != errno.OK {
		return e
	}
	s, st, ok := disk.ParseSuper(p)
	if !ok {
		var e errno.Errno
		if s, e = disk.ParseShape(p); e != errno.OK {
			if e := t.ReadBlock(d, 1, p); e != errno.OK {
				return e
			}
			if s, e = disk.ParseShape(p); e != errno.OK {
				return e
			}
		}
		to.Found(Finding{What: "the superblock is damaged"})
		st = disk.State{Groups: groupsThere(t, d, m, &s), Clean: true}
		disk.SetSuper(p, &s, &st)
		if e := t.WriteBlock(d, 0, p); e != errno.OK {
			return e
		}
	}
	if e := t.ReadBlock(d, disk.LogStart, p); e != errno.OK {
		return e
	}
	if _, ok := s.GetHead(p); !ok {
		to.Found(Finding{What: "the log's head is damaged", Block: disk.LogStart})
		s.PutHead(p, disk.LogHead{Epoch: 1 << 32, Seq: 1}) // of no other epoch
		if e := t.WriteBlock(d, disk.LogStart, p); e != errno.OK {
			return e
		}
	}
	return t.Flush(d)
}

// groupsThere is how many groups seem to be in use.
func groupsThere(t *fs.Task, d block.Device, m *Memory, s *disk.Shape) uint32 {
	n := uint32(1)
	for g := range s.Groups {
		p := m.Pages[groupPage]
		if t.ReadBlock(d, s.GroupAt(g), p) == errno.OK && s.Check(disk.Group, s.GroupAt(g), p) {
			n = g + 1
		}
	}
	return n
}
