package fs

import (
	"math/bits"

	"exo/kernel/fs/block"
	"exo/kernel/fs/cache"
	"exo/kernel/fs/disk"
	"exo/kernel/fs/errno"
)

// lockGroup returns a group's block, in use and locked.
func (f *FS) lockGroup(t *Task, g uint32) (*cache.Buffer, errno.Errno) {
	b, e := f.cache.Read(&t.Task.Task, f.shape.GroupAt(g), disk.Group)
	if e == errno.OK {
		b.Lock.Lock(t.C)
	}
	return b, e
}

// alloc finds up to want free blocks in a row, the first at goal or after it if it can, and takes them. What it changes: one
// group block, and the state if a group comes into use. The errors: NoSpace, IO, Corrupt.
func (f *FS) alloc(t *Task, goal uint64, want uint32) (n uint64, count uint32, e errno.Errno) {
	first, from := uint32(0), uint32(0)
	if goal >= f.shape.Base && goal < f.shape.Blocks {
		first, from = f.shape.GroupOf(goal)
	}
	groups := f.inUse.Load()
	for i := range groups {
		g := first + i
		if g >= groups {
			g -= groups
		}
		if g >= groups || f.groups[g].blocks.Load() == 0 {
			continue
		}
		if n, count, e = f.allocIn(t, g, from, want); e != errno.NoSpace {
			return n, count, e
		}
		from = 0
	}
	for {
		g, e := f.extend(t, groups)
		if e != errno.OK {
			return 0, 0, e
		}
		if n, count, e = f.allocIn(t, g, 0, want); e != errno.NoSpace {
			return n, count, e
		}
		groups = g + 1
	}
}

// allocIn is alloc in one group.
func (f *FS) allocIn(t *Task, g, from, want uint32) (uint64, uint32, errno.Errno) {
	b, e := f.lockGroup(t, g)
	if e != errno.OK {
		return 0, 0, e
	}
	info := &f.groups[g]
	committed := f.journal.Committed()
	if info.closed > committed {
		f.unlock(t, b)
		return 0, 0, errno.NoSpace
	}
	pages := [2]*Busy{}
	for i := range pages { // of the transactions that are not committed: two at most
		pages[i] = info.page(g, committed+1+uint64(i))
	}
	if from == 0 {
		from = info.cursor
	}
	at, count := info.find(b.Page, &pages, from, want)
	if count == 0 {
		f.unlock(t, b)
		return 0, 0, errno.NoSpace
	}
	if n := f.shape.GroupAt(g) + uint64(at); !f.shape.IsData(n, uint64(count)) {
		f.unlock(t, b)
		return 0, 0, errno.Corrupt
	}
	f.journal.JoinLocked(t.base(), b)
	for i := at; i < at+count; i++ {
		disk.SetBlock(b.Page, i)
	}
	info.cursor = (at + count) % disk.GroupBlocks
	f.count(b.Page, info, -int(count))
	f.unlock(t, b)
	return f.shape.GroupAt(g) + uint64(at), count, errno.OK
}

// count changes how many blocks of a group are free.
func (f *FS) count(p *block.Page, info *GroupInfo, d int) {
	disk.AddFreeBlocks(p, d)
	info.blocks.Add(uint32(d))
	f.freeBlocks.Add(int64(d))
}

// find is the first row of free blocks from a block on, and then from the group's beginning; count is at most want, 0 if there
// is none.
func (g *GroupInfo) find(p *block.Page, pages *[2]*Busy, from, want uint32) (at, count uint32) {
	w := from / 64
	free := ^g.taken(pages, disk.BlockWord(p, w), w) >> (from % 64) << (from % 64)
	for range disk.BlockWords + 1 {
		if free != 0 {
			at = w*64 + uint32(bits.TrailingZeros64(free))
			count = 1
			for count < want && at+count < disk.GroupBlocks {
				i := at + count
				if g.taken(pages, disk.BlockWord(p, i/64), i/64)>>(i%64)&1 != 0 {
					break
				}
				count++
			}
			return at, count
		}
		if w++; w == disk.BlockWords {
			w = 0
		}
		free = ^g.taken(pages, disk.BlockWord(p, w), w)
	}
	return 0, 0
}

// extend brings one more group into use than there were, unless somebody has done so meanwhile, and returns the last one.
func (f *FS) extend(t *Task, groups uint32) (uint32, errno.Errno) {
	if groups >= f.shape.Groups {
		return 0, errno.NoSpace
	}
	f.super.Lock(t.C)
	g, e := f.state.Groups, errno.OK
	if g > groups {
		f.super.Unlock(t.C)
		return g - 1, errno.OK
	}
	b, e := f.cache.Fresh(&t.Task.Task, f.shape.GroupAt(g), disk.Group)
	if e == errno.OK {
		b.Lock.Lock(t.C)
		f.journal.JoinLocked(t.base(), b)
		f.shape.InitGroup(b.Page, g)
		f.unlock(t, b)
		f.state.Groups = g + 1
		if e = f.putState(t); e != errno.OK {
			f.stop(e)
		}
		f.inUse.Store(g + 1)
	}
	f.super.Unlock(t.C)
	return g, e
}

// discards is of how many blocks, freed at once, one looks whether they still wait to be written.
const discards = 256

// free gives count blocks from n on back; they are to be had after the commit. meta says that they were nodes. It changes one
// group block. The error is Corrupt: they were free.
func (f *FS) free(t *Task, n uint64, count uint32, meta bool) errno.Errno {
	g, from := f.shape.GroupOf(n)
	b, e := f.lockGroup(t, g)
	if e != errno.OK {
		return f.stop(e)
	}
	for i := from; i < from+count; i++ {
		if !disk.Block(b.Page, i) {
			f.unlock(t, b)
			return f.stop(errno.Corrupt)
		}
	}
	f.journal.JoinLocked(t.base(), b)
	for i := from; i < from+count; i++ {
		disk.ClearBlock(b.Page, i)
	}
	f.markBusy(t, g, from, count)
	f.count(b.Page, &f.groups[g], int(count))
	f.unlock(t, b)
	f.lastFree.Store(t.Seq)
	for i := range uint64(min(count, discards)) {
		if meta {
			f.journal.Revoke(t.base(), n+i)
		} else if b := f.cache.Peek(n + i); b != nil {
			f.journal.Discard(t.base(), b)
			f.cache.Drop(b)
		}
	}
	return errno.OK
}

// again says whether an operation that found no space should be tried once more: blocks that were freed, and could not be had
// then, can be had now. What is committed by now need not have been when it looked; but the transaction two before its own
// was. The caller has no operation open.
func (f *FS) again(t *Task, e errno.Errno, tries *int) bool {
	seq := f.lastFree.Load()
	if e != errno.NoSpace || *tries > 0 || seq+1 < t.Seq {
		return false
	}
	*tries++
	return f.journal.Commit(t.base(), seq) == errno.OK
}
