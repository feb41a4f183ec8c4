// Package fsck checks that what a file system's disk says agrees with itself, and mends what does not. It reads the disk past any
// mount, which there must not be, and needs an empty log: mounting and unmounting recovers it.
//
//	for each window of groups       as many as there is memory for
//	    for each inode              its block, its extents or names; marks blocks, counts names
//	    for each group              bits against marks, inodes against counts
//
// G1. A disk of which Check reports nothing has every block used once or free, every inode named as often as it says, every
// directory below the root once, and the right counts.
// G2. Repair leaves a disk of which Check reports nothing. It makes up no data: what cannot be read is taken out, what has lost its
// name stays without one until the tool finds it a place (Lost).
// G3. Whatever the disk says, neither panics nor runs forever.
//
// Callers: a task; nobody else uses the disk. Memory: what it is given; with little it goes over the disk more often.
package fsck

import (
	"exo/kernel/fs"
	"exo/kernel/fs/block"
	"exo/kernel/fs/disk"
	"exo/kernel/fs/errno"
)

// Finding is something that is wrong.
type Finding struct {
	What  string
	Ino   uint32 // 0: none in particular
	Block uint64 // 0: none in particular
}

// Reporter is told what is wrong, and how far the check is.
type Reporter interface {
	Found(f Finding)
	Progress(done, of uint64) // inodes and groups
}

// Memory is what a check works with.
type Memory struct {
	Marks []uint64 // a bit for each block of a window: a group takes disk.BlockWords
	Names []uint32 // names of each inode of a window: a group takes as many as it has inodes
	Pages [12]*block.Page

	checker Checker
}

// Window is how many groups there is memory for.
func (m *Memory) window(perGroup uint32) uint32 {
	return uint32(min(len(m.Marks)/disk.BlockWords, len(m.Names)/int(perGroup)))
}

// Checker is a check under way.
type Checker struct {
	t      *fs.Task
	d      block.Device
	m      *Memory
	to     Reporter
	repair bool

	shape  disk.Shape
	state  disk.State
	lo, hi uint32 // the window
	first  bool   // window: what does not depend on it is reported then
	found  uint64
	lost   uint64 // inodes without a name, that are not orphans

	ino    uint32 // that is being looked at
	inode  disk.Inode
	blocks uint32 // it has
	names  uint64 // it has, if it is a directory
	bytes  uint64 // of the file, to the end of its last extent, in blocks
	dirty  bool   // its entry must be written
	error  errno.Errno
}

// Places of pages.
const (
	groupPage  = iota // of the inode that is being looked at
	inodePage         // its block
	otherPage         // another inode's, or group's
	otherInode        //
	nodePages         // and further: the way through a tree
)

// Check looks at the whole disk and says how many things are wrong. The errors: IO; what Mount says of a disk that it cannot
// mount; TooFew: there is not memory for one group.
func Check(t *fs.Task, d block.Device, m *Memory, to Reporter) (found uint64, e errno.Errno) {
	return run(t, d, m, to, false)
}

// Repair mends what Check reports. It returns how much it reported in its last round, which is 0 if it could mend everything.
func Repair(t *fs.Task, d block.Device, m *Memory, to Reporter) (found uint64, e errno.Errno) {
	if e := mendSuper(t, d, m, to); e != errno.OK {
		return 0, e
	}
	for round := 0; ; round++ {
		if found, e = run(t, d, m, to, true); e != errno.OK || found == 0 || round == rounds {
			return found, e
		}
	}
}

// rounds is how often Repair goes on: what is taken out in one round leaves something to mend for the next.
const rounds = 8

func run(t *fs.Task, d block.Device, m *Memory, to Reporter, repair bool) (uint64, errno.Errno) {
	c := &m.checker
	*c = Checker{t: t, d: d, m: m, to: to, repair: repair}
	if e := c.open(); e != errno.OK {
		return c.found, e
	}
	window := m.window(c.shape.PerGroup)
	if window == 0 {
		return 0, errno.TooFew
	}
	for c.lo = 0; c.lo < c.state.Groups; c.lo = c.hi {
		c.first = c.lo == 0
		c.hi = min(c.state.Groups, c.lo+window)
		clear(m.Marks)
		clear(m.Names)
		c.walk()
		c.compare()
		if c.error != errno.OK {
			return c.found, c.error
		}
	}
	if repair && c.found > 0 {
		c.error = t.Flush(d)
	}
	return c.found, c.error
}

// open reads the superblock and the log's head.
func (c *Checker) open() errno.Errno {
	p := c.m.Pages[otherPage]
	if e := c.t.ReadBlock(c.d, 0, p); e != errno.OK {
		return e
	}
	s, e := disk.ParseShape(p)
	if e != errno.OK {
		return e
	}
	st, ok := disk.State{}, false
	if c.shape, st, ok = disk.ParseSuper(p); !ok {
		return errno.Corrupt
	}
	c.state = st
	if s.Blocks > c.d.Geometry().Blocks {
		return errno.Corrupt
	}
	if e := c.t.ReadBlock(c.d, disk.LogStart, p); e != errno.OK {
		return e
	}
	h, ok := c.shape.GetHead(p)
	if !ok {
		return errno.Corrupt
	}
	if e := c.t.ReadBlock(c.d, c.shape.LogBlock(h.Pos), p); e != errno.OK {
		return e
	}
	if c.shape.CheckLog(p, h.Epoch, h.Seq, h.Pos) {
		return errno.Dirty
	}
	return errno.OK
}

// report tells of something wrong, once, whatever the window.
func (c *Checker) report(what string, block uint64) {
	if c.first {
		c.tell(what, c.ino, block)
	}
}

func (c *Checker) tell(what string, ino uint32, block uint64) {
	c.found++
	c.to.Found(Finding{what, ino, block})
}

// read reads a block into a page and says whether it is of kind k. A failing device ends the check.
func (c *Checker) read(n uint64, k disk.Kind, page int) (*block.Page, bool) {
	p := c.m.Pages[page]
	if c.error == errno.OK {
		c.error = c.t.ReadBlock(c.d, n, p)
	}
	if c.error != errno.OK {
		*p = block.Page{}
		return p, false
	}
	return p, c.shape.Check(k, n, p)
}

// write writes a page back, sealed as kind k.
func (c *Checker) write(n uint64, k disk.Kind, p *block.Page) {
	if c.repair && c.error == errno.OK {
		c.shape.Seal(k, n, p)
		c.error = c.t.WriteBlock(c.d, n, p)
	}
}

// mark notes that blocks are in use, and says whether they were free. Those outside the window do not count.
func (c *Checker) mark(n uint64, count uint32) bool {
	g, i := c.shape.GroupOf(n)
	if g < c.lo || g >= c.hi {
		return true
	}
	free := true
	for k := i; k < i+count; k++ {
		w := &c.m.Marks[(g-c.lo)*disk.BlockWords+k/64]
		free = free && *w>>(k%64)&1 == 0
		*w |= 1 << (k % 64)
	}
	return free
}
