package journal

import (
	"exo/kernel/fs/block"
	"exo/kernel/fs/cache"
	"exo/kernel/fs/disk"
	"exo/kernel/fs/errno"
)

// crowded says whether the log, the cache or the memory for recovering revokes is half full of what a checkpoint would empty.
func (j *Journal) crowded() bool {
	return j.at-j.head.Pos > j.shape.LogRing()/2 || j.logged > j.maxLogged || j.live > maxLive-disk.MaxRevokes
}

// checkpoint writes the blocks that are in the log to their places and moves the log's beginning. Those that an operation
// has changed since are left: the next transaction has them again, and then the log need not keep the earlier ones. The
// caller leads.
func (j *Journal) checkpoint(t *Task) errno.Errno {
	h := j.cache
	for at := j.first; at != 0; {
		n := 0
		for at != 0 && n < len(j.bounce) {
			b := h.At(int(at) - 1)
			at = b.Next
			b.Lock.Lock(t.C)
			if h.Has(b, cache.Open) { // it may be changing, and what it says is not committed
				b.Lock.Unlock(t.C)
				continue
			}
			*j.bounce[n] = *b.Page
			k := h.Kind(b)
			b.Lock.Unlock(t.C)
			j.shape.Seal(k, h.Block(b), j.bounce[n])
			j.moving[n] = b // it stays as long as it is Logged. It gets no use: one would make others take it for somebody's (Fresh)
			j.out.add(t.C, h.Block(b), j.bounce[n])
			n++
		}
		e := j.out.finish(t.C)
		for i := range n {
			if e == errno.OK {
				j.unlink(j.moving[i])
			}
		}
		if e != errno.OK {
			return e
		}
	}
	if e := j.out.sync(t.C); e != errno.OK { // before the log forgets them
		return e
	}
	next := disk.LogHead{Epoch: j.head.Epoch, Seq: j.next, Pos: j.at}
	if j.first != 0 {
		b := h.At(int(j.first) - 1)
		next.Seq, next.Pos = b.Seq, b.Pos
	} else {
		j.live = 0
	}
	j.Checkpoints.Add(1)
	return j.writeHead(t, next)
}

// writeHead moves the log's beginning, and makes that last: before it does, nothing may be written where it was.
func (j *Journal) writeHead(t *Task, next disk.LogHead) errno.Errno {
	p := j.control[0]
	j.shape.PutHead(p, next)
	j.out.add(t.C, disk.LogStart, p)
	if e := j.out.finish(t.C); e != errno.OK {
		return e
	}
	j.head = next
	return j.out.sync(t.C)
}

// Format writes an empty log, with memory for one page.
func Format(t *Task, d block.Device, s *disk.Shape, p *block.Page) errno.Errno {
	s.PutHead(p, disk.LogHead{Epoch: 1, Seq: 1})
	return t.WriteBlock(d, disk.LogStart, p)
}
