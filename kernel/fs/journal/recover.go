package journal

import (
	"exo/kernel/fs/block"
	"exo/kernel/fs/disk"
	"exo/kernel/fs/errno"
)

// recovery goes through the log three times: to see how far it is whole; to note what was revoked; and to write the blocks
// to their places. It writes nothing that a repetition would not write again (G5). Only then, after a flush, does the log
// begin after its end.
type recovery struct {
	j     *Journal
	t     *Task
	last  uint64 // the last transaction that is whole
	end   uint64 // where the next would begin
	wrote int
}

// Recover brings the disk to where the last whole transaction left it, and makes the journal ready. It says how many blocks
// it wrote. If write is false it changes nothing: then a log that is not empty is errno.Dirty.
func (j *Journal) Recover(t *Task, write bool) (wrote int, e errno.Errno) {
	p := j.control[0]
	if e := t.ReadBlock(j.out.device, disk.LogStart, p); e != errno.OK {
		return 0, e
	}
	h, ok := j.shape.GetHead(p)
	if !ok {
		return 0, errno.Corrupt
	}
	j.head = h
	r := &j.recovery
	*r = recovery{j: j, t: t, last: h.Seq - 1, end: h.Pos}
	if e := r.scan(); e != errno.OK {
		return 0, e
	}
	if r.last >= h.Seq {
		if !write {
			return 0, errno.Dirty
		}
		table := revokes{j.frozen}
		table.clear()
		if e := r.each(func(r *recovery, seq, pos uint64, p *block.Page) errno.Errno { return r.note(seq, p) }); e != errno.OK {
			return 0, e
		}
		if e := r.each((*recovery).replay); e != errno.OK {
			return 0, e
		}
		if e := j.out.sync(t.C); e != errno.OK {
			return 0, e
		}
	}
	if write { // in any case: what is left of a transaction that is not whole is of another epoch from now on
		if e := j.writeHead(t, disk.LogHead{Epoch: h.Epoch + 1, Seq: r.last + 1, Pos: r.end}); e != errno.OK {
			return 0, e
		}
	}
	j.at = j.head.Pos
	if write {
		j.at = r.end
	}
	j.next = r.last + 1
	j.committed.Store(r.last)
	j.running.Store(r.last + 1)
	j.gate.Store(0)
	return r.wrote, errno.OK
}

// control reads the control block at a position.
func (r *recovery) control(seq, pos uint64) (p *block.Page, ok bool, e errno.Errno) {
	j := r.j
	p = j.control[0]
	e = r.t.ReadBlock(j.out.device, j.shape.LogBlock(pos), p)
	return p, e == errno.OK && j.shape.CheckLog(p, j.head.Epoch, seq, pos), e
}

// scan finds the last transaction that is whole.
func (r *recovery) scan() errno.Errno {
	j := r.j
	limit := j.head.Pos + j.shape.LogRing() // it has not more
	pos, seq := j.head.Pos, j.head.Seq
	for pos < limit {
		p, ok, e := r.control(seq, pos)
		if e != errno.OK {
			return e
		}
		if !ok {
			return errno.OK
		}
		switch n := disk.LogCount(p); disk.LogType(p) {
		case disk.LogTags:
			for i := range n {
				pos++
				if e := r.t.ReadBlock(j.out.device, j.shape.LogBlock(pos), j.control[1]); e != errno.OK {
					return e
				}
				if pos >= limit || !j.shape.MayLog(disk.Tag(p, i)) || !j.shape.CheckTag(p, i, j.control[1]) {
					return errno.OK
				}
			}
		case disk.LogCommit:
			if uint64(n) != pos-r.end {
				return errno.OK
			}
			r.last, r.end = seq, pos+1
			seq++
		}
		pos++
	}
	return errno.OK
}

// each calls f with every control block of the whole transactions but the commits, in order.
func (r *recovery) each(f func(r *recovery, seq, pos uint64, p *block.Page) errno.Errno) errno.Errno {
	j := r.j
	seq := j.head.Seq
	for pos := j.head.Pos; pos < r.end; pos++ {
		p, ok, e := r.control(seq, pos)
		if e == errno.OK && !ok {
			e = errno.Corrupt // it was whole a moment ago
		}
		if e != errno.OK {
			return e
		}
		if disk.LogType(p) == disk.LogCommit {
			seq++
			continue
		}
		if e := f(r, seq, pos, p); e != errno.OK {
			return e
		}
		if disk.LogType(p) == disk.LogTags {
			pos += uint64(disk.LogCount(p))
		}
	}
	return errno.OK
}

// note remembers what a block of revokes says.
func (r *recovery) note(seq uint64, p *block.Page) errno.Errno {
	if disk.LogType(p) != disk.LogRevoke {
		return errno.OK
	}
	table := revokes{r.j.frozen}
	for i := range disk.LogCount(p) {
		if !table.put(uint32(disk.Revoke(p, i)), uint32(seq-r.j.head.Seq)+1) {
			return errno.TooFew
		}
	}
	return errno.OK
}

// replay writes the blocks that a block of tags is about to their places, but for those that were revoked in their own
// transaction or later (G4).
func (r *recovery) replay(seq, pos uint64, p *block.Page) errno.Errno {
	if disk.LogType(p) != disk.LogTags {
		return errno.OK
	}
	j, table := r.j, revokes{r.j.frozen}
	for i := range disk.LogCount(p) {
		n, contents := disk.Tag(p, i), j.control[1]
		if table.get(uint32(n)) >= uint32(seq-j.head.Seq)+1 {
			continue
		}
		if e := r.t.ReadBlock(j.out.device, j.shape.LogBlock(pos+1+uint64(i)), contents); e != errno.OK {
			return e
		}
		if e := r.t.WriteBlock(j.out.device, n, contents); e != errno.OK {
			return e
		}
		r.wrote++
	}
	return errno.OK
}
