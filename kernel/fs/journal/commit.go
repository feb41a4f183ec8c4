package journal

import (
	"exo/kernel/fs/cache"
	"exo/kernel/fs/disk"
	"exo/kernel/fs/errno"
)

// commit makes the running transaction last. The caller leads.
func (j *Journal) commit(t *Task) errno.Errno {
	j.close(t)
	n, revoked := int(j.count.Load()), int(j.revoked.Load())
	tags := (n + disk.MaxTags - 1) / disk.MaxTags
	length := uint64(n + tags + 1)
	if revoked > 0 {
		length++
	}
	seq, pos := j.running.Load(), j.at
	if j.at-j.head.Pos+length > j.shape.LogRing() {
		return errno.LogSmall // a checkpoint leaves room for two transactions
	}
	for i := range n {
		j.freeze(i, pos)
	}
	files := j.listed.Swap(0)
	if revoked > 0 {
		p := j.control[tags]
		disk.InitLog(p, disk.LogRevoke, j.head.Epoch, j.next)
		for _, b := range j.revokes[:revoked] {
			disk.AddRevoke(p, uint64(b))
		}
		j.live += revoked
	}
	j.name(n, tags)
	j.count.Store(0)
	j.revoked.Store(0)
	j.running.Store(seq + 1)
	j.gate.Store(0) // order: after all that operations of the next transaction will find; pairs with Begin's
	j.wake(t)

	wrote, e := j.writeFiles(t, files)
	if e == errno.OK && wrote {
		e = j.out.sync(t.C) // G3
	}
	if e != errno.OK {
		return e
	}
	if n > 0 || revoked > 0 {
		if e := j.writeLog(t, n, tags, revoked > 0); e != errno.OK {
			return e
		}
		j.at += length
		j.next++ // not of one that changed nothing: in the log, numbers have no gaps
	}
	j.Commits.Add(1)
	j.committed.Store(seq)
	return errno.OK
}

// freeze copies page i of the transaction, and puts its buffer at the end of those that are in the log.
func (j *Journal) freeze(i int, pos uint64) {
	h, b := j.cache, j.list[i]
	*j.frozen[i] = *b.Page
	j.unlink(b)
	b.Seq, b.Pos = j.next, pos
	b.Prev, b.Next = j.last, 0
	if j.last == 0 {
		j.first = uint32(b.Index()) + 1
	} else {
		h.At(int(j.last) - 1).Next = uint32(b.Index()) + 1
	}
	j.last = uint32(b.Index()) + 1
	j.logged++
	h.Set(b, cache.Logged)
	h.Clear(b, cache.Open)
}

// unlink takes a buffer out of the list of those that are in the log, if it is there.
func (j *Journal) unlink(b *cache.Buffer) {
	h := j.cache
	if !h.Has(b, cache.Logged) {
		return
	}
	if b.Prev == 0 {
		j.first = b.Next
	} else {
		h.At(int(b.Prev) - 1).Next = b.Next
	}
	if b.Next == 0 {
		j.last = b.Prev
	} else {
		h.At(int(b.Next) - 1).Prev = b.Prev
	}
	j.logged--
	h.Clear(b, cache.Logged)
}

// name writes the numbers and kinds of the transaction's blocks into the control blocks: the buffers may be anything by the
// time when the log is written.
func (j *Journal) name(n, tags int) {
	for k := range tags {
		disk.InitLog(j.control[k], disk.LogTags, j.head.Epoch, j.next)
	}
	for i := range n {
		b := j.list[i]
		disk.NameTag(j.control[i/disk.MaxTags], j.cache.Block(b), j.cache.Kind(b))
	}
}

// writeLog writes the transaction, all of it at once, and makes it last.
func (j *Journal) writeLog(t *Task, n, tags int, revokes bool) errno.Errno {
	pos := j.at
	for k := range tags {
		p := j.control[k]
		at := pos
		pos++
		for i := range disk.LogCount(p) {
			contents := j.frozen[k*disk.MaxTags+i]
			j.shape.SealTag(p, i, contents)
			j.out.add(t.C, j.shape.LogBlock(pos), contents)
			pos++
		}
		j.shape.SealLog(p, at)
		j.out.add(t.C, j.shape.LogBlock(at), p)
	}
	if revokes {
		j.shape.SealLog(j.control[tags], pos)
		j.out.add(t.C, j.shape.LogBlock(pos), j.control[tags])
		pos++
		tags++
	}
	p := j.control[tags]
	disk.InitLog(p, disk.LogCommit, j.head.Epoch, j.next)
	disk.SetLogCount(p, int(pos-j.at))
	j.shape.SealLog(p, pos)
	j.out.add(t.C, j.shape.LogBlock(pos), p)
	j.Blocks.Add(uint64(n))
	if e := j.out.finish(t.C); e != errno.OK {
		return e
	}
	return j.out.sync(t.C)
}

// writeFiles writes file data to their places: the list that begins with files, the last written first.
func (j *Journal) writeFiles(t *Task, files uint32) (wrote bool, e errno.Errno) {
	h := j.cache
	var order uint32 // the same list the other way round
	for files != 0 {
		b := h.At(int(files) - 1)
		files = b.NextData.Load()
		b.NextData.Store(order)
		order = uint32(b.Index()) + 1
	}
	for order != 0 && e == errno.OK {
		n := 0
		for order != 0 && n < len(j.bounce) {
			b := h.At(int(order) - 1)
			order = b.NextData.Load()
			b.Lock.Lock(t.C)
			if !h.Has(b, cache.Dirty) {
				h.Clear(b, cache.Listed) // it was freed
				b.Lock.Unlock(t.C)
				continue
			}
			*j.bounce[n] = *b.Page
			h.Use(b) // it stays until it is written, although it is not dirty any more
			h.Clear(b, cache.Dirty|cache.Listed)
			b.Lock.Unlock(t.C)
			j.out.add(t.C, h.Block(b), j.bounce[n])
			j.moving[n] = b
			n++
		}
		wrote = wrote || n > 0
		e = j.out.finish(t.C)
		for i := range n {
			h.Drop(j.moving[i])
		}
	}
	return wrote, e
}
