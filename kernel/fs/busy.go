package fs

import (
	"exo/kernel/fs/disk"
	"exo/kernel/sync"
	"exo/kernel/sync/atom"
)

// busy.go: blocks that were freed, but whose freeing is not committed. After a crash they may be somebody's again, so nobody
// may write into them yet. A group block says that they are free; a page of bits beside it, that they are not yet to be had.
// There are few such pages: a group that finds none gives no blocks at all until the commit.

// Busy is a page of bits of one group and one transaction. Once that is committed, another may have it: who is late finds
// bits that are of another group, and passes by blocks that he could have had.
type Busy struct {
	bits  [disk.BlockWords]atom.Uint64
	seq   atom.Uint64 // given under the pool's lock
	group atom.Uint32
}

type busyPool struct {
	lock  sync.Spinlock
	pages []Busy
}

// GroupInfo is what a mount knows of a group. All but the counts is touched under the lock of the group's block.
type GroupInfo struct {
	blocks, inodes atom.Uint32 // free ones; to look before going there
	cursor         uint32      // where the last blocks were found
	orphans        uint32      // when it was mounted
	busy           [2]*Busy    // of the running transaction, and the one that is being committed: by number, odd or even
	closed         uint64      // nothing is given before this transaction is committed
}

func (p *busyPool) init(pages []Busy) {
	p.lock.Init(sync.ClassFiles)
	p.pages = pages
	for i := range pages {
		pages[i].seq.Store(0)
	}
}

func (g *GroupInfo) init(blocks, inodes, orphans uint32) {
	g.blocks.Store(blocks)
	g.inodes.Store(inodes)
	g.cursor, g.orphans, g.busy, g.closed = 0, orphans, [2]*Busy{}, 0
}

// get finds a page for a group in transaction seq; nil: all are in use by transactions that are not committed.
func (p *busyPool) get(c *sync.Context, group uint32, seq, committed uint64) *Busy {
	p.lock.Lock(c)
	for i := range p.pages {
		if b := &p.pages[i]; b.seq.Load() <= committed {
			b.group.Store(group)
			b.seq.Store(seq)
			p.lock.Unlock(c)
			for w := range b.bits {
				b.bits[w].StoreRelease(0)
			}
			return b
		}
	}
	p.lock.Unlock(c)
	return nil
}

// page is the page of a transaction, if it is still that.
func (g *GroupInfo) page(group uint32, seq uint64) *Busy {
	if b := g.busy[seq&1]; b != nil && b.group.Load() == group && b.seq.Load() == seq {
		return b
	}
	return nil
}

// markBusy notes that blocks are freed in the running transaction, seq.
func (f *FS) markBusy(t *Task, group, from, count uint32) {
	g := &f.groups[group]
	b := g.page(group, t.Seq)
	if b == nil {
		if b = f.busy.get(t.C, group, t.Seq, f.journal.Committed()); b == nil {
			g.closed = t.Seq
			return
		}
		g.busy[t.Seq&1] = b
	}
	for i := from; i < from+count; i++ {
		b.bits[i/64].Or(1 << (i % 64))
	}
}

// taken is 64 bits of a group's blocks: those in use, and those that are busy.
func (g *GroupInfo) taken(pages *[2]*Busy, used uint64, w uint32) uint64 {
	for _, b := range pages {
		if b != nil {
			used |= b.bits[w].Load()
		}
	}
	return used
}
