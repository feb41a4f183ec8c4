package fs

import (
	"exo/kernel/fs/cache"
	"exo/kernel/fs/disk"
	"exo/kernel/fs/errno"
)

// names.go: the tree of a directory's names. The caller has the lock of its names. A way through it is kept in the task: the
// nodes from the root to a leaf, in use, and the entry taken in each; leave ends it.

// nameNode returns a node of a directory's tree, in use; level 0 is a leaf.
//
//exo:inline
func (f *FS) nameNode(t *Task, dir *Inode, n uint32, level int) (*cache.Buffer, errno.Errno) {
	k := disk.Leaf
	if level > 0 {
		k = disk.Index
	}
	b, e := f.cache.Read(&t.Task.Task, uint64(n), k)
	if e == errno.OK && (disk.Owner(b.Page) != dir.ino || disk.Level(b.Page) != level || disk.Count(b.Page) == 0) {
		f.cache.Drop(b)
		e = errno.Corrupt
	}
	return b, e
}

// way goes from the root to the leaf where a hash is or would be. next is the first hash of the leaf after it; 0: it is the
// last. In an empty directory there is no way: depth 0.
func (f *FS) way(t *Task, dir *Inode, hash uint64) (next uint64, e errno.Errno) {
	t.depth = 0
	n := dir.d.Root
	if n == 0 {
		return 0, errno.OK
	}
	for level := int(dir.d.Depth); ; level-- {
		b, e := f.nameNode(t, dir, n, level)
		if e != errno.OK {
			f.leave(t)
			return 0, e
		}
		t.nodes[t.depth] = b
		if level == 0 {
			t.where[t.depth] = disk.FindSlot(b.Page, hash)
			t.depth++
			return next, errno.OK
		}
		i := disk.FindChild(b.Page, hash)
		if i+1 < disk.Count(b.Page) {
			next, _ = disk.GetChild(b.Page, i+1)
		}
		_, n = disk.GetChild(b.Page, i)
		t.where[t.depth] = i
		t.depth++
	}
}

// search finds a name: its slot, in the last node of the way in t. The errors: NotFound; NameHash: another name has its hash;
// both with a way. IO and Corrupt without.
func (f *FS) search(t *Task, dir *Inode, hash uint64, name []byte) (s disk.Slot, e errno.Errno) {
	if _, e := f.way(t, dir, hash); e != errno.OK {
		return s, e
	}
	if t.depth == 0 {
		return s, errno.NotFound
	}
	p, i := t.nodes[t.depth-1].Page, t.where[t.depth-1]
	if i == disk.Count(p) {
		return s, errno.NotFound
	}
	if s = disk.GetSlot(p, i); s.Hash != hash {
		return disk.Slot{}, errno.NotFound
	}
	if string(disk.SlotName(p, s)) != string(name) {
		return disk.Slot{}, errno.NameHash
	}
	return s, errno.OK
}

// nameCost is how many blocks of metadata addName or removeName changes at most: at each level a node and a new one, and a
// group for that, or a revocation; and a group and the state if groups come into use.
const nameCost = 3*(disk.MaxNameDepth+1) + 3

// addName adds a name that is not there. Nodes that are full are split on the way down, so that each step leaves the tree
// whole. The way in t, if there is one, leads to where the name will be. dir.d changes; update is the caller's. The errors:
// NoSpace, IO, Corrupt.
func (f *FS) addName(t *Task, dir *Inode, s disk.Slot, name []byte) errno.Errno {
	d := &dir.d
	near := f.near(dir)
	if d.Root == 0 {
		b, e := f.newNode(t, dir, near, disk.Leaf)
		if e != errno.OK {
			return e
		}
		disk.InitLeaf(b.Page, dir.ino)
		d.Root = uint32(f.cache.Block(b))
		disk.InsertSlot(b.Page, 0, s, name, t.Scratch)
		f.cache.Drop(b)
		return errno.OK
	}
	defer f.leave(t)
	if t.depth == 0 {
		if _, e := f.way(t, dir, s.Hash); e != errno.OK {
			return e
		}
	}
	e := f.room(t, dir, near, s.Hash, len(name))
	if e != errno.OK {
		return e
	}
	b := t.nodes[t.depth-1]
	f.journal.Join(t.base(), b)
	disk.InsertSlot(b.Page, disk.FindSlot(b.Page, s.Hash), s, name, t.Scratch)
	return errno.OK
}

// near is a block near which a directory's nodes should be.
func (f *FS) near(dir *Inode) uint64 {
	if dir.d.Root != 0 {
		return uint64(dir.d.Root)
	}
	n, _ := f.shape.InodeAt(dir.ino)
	g, _ := f.shape.GroupOf(n)
	return f.shape.GroupAt(g)
}

// room makes room in the leaf of the way in t, which may then be another one. It splits from the top: a node is split only when
// the one above has room.
func (f *FS) room(t *Task, dir *Inode, near, hash uint64, length int) errno.Errno {
	if disk.LeafFits(t.nodes[t.depth-1].Page, length) {
		return errno.OK
	}
	top := t.depth - 1 // the highest node that must be split
	for top > 0 && disk.Count(t.nodes[top-1].Page) == disk.IndexMax {
		top--
	}
	if top == 0 {
		if e := f.raise(t, dir, near); e != errno.OK {
			return e
		}
		top = 1
	}
	for ; top < t.depth; top++ {
		if e := f.split(t, dir, near, top, hash); e != errno.OK {
			return e
		}
	}
	return errno.OK
}

// raise puts a new root above the root.
func (f *FS) raise(t *Task, dir *Inode, near uint64) errno.Errno {
	if int(dir.d.Depth) == disk.MaxNameDepth {
		return errno.NoSpace
	}
	b, e := f.newNode(t, dir, near, disk.Index)
	if e != errno.OK {
		return e
	}
	disk.InitIndex(b.Page, dir.ino, int(dir.d.Depth)+1, dir.d.Root)
	dir.d.Root = uint32(f.cache.Block(b))
	dir.d.Depth++
	copy(t.nodes[1:t.depth+1], t.nodes[:t.depth])
	copy(t.where[1:t.depth+1], t.where[:t.depth])
	t.nodes[0], t.where[0] = b, 0
	t.depth++
	return errno.OK
}

// split splits node i of the way, and goes on with the half where the hash belongs. The node above has room.
func (f *FS) split(t *Task, dir *Inode, near uint64, i int, hash uint64) errno.Errno {
	b, up := t.nodes[i], t.nodes[i-1]
	k := disk.Index
	if i == t.depth-1 {
		k = disk.Leaf
	}
	q, e := f.newNode(t, dir, near, k)
	if e != errno.OK {
		return e
	}
	f.journal.Join(t.base(), b)
	f.journal.Join(t.base(), up)
	var first uint64
	if k == disk.Leaf {
		disk.InitLeaf(q.Page, dir.ino)
		first = disk.SplitLeaf(q.Page, b.Page, t.Scratch)
	} else {
		first = disk.SplitIndex(q.Page, b.Page)
	}
	disk.InsertChild(up.Page, t.where[i-1]+1, first, uint32(f.cache.Block(q)))
	second := hash >= first
	if second {
		t.where[i-1]++
	}
	t.nodes[i] = f.choose(b, q, second)
	if k == disk.Index {
		t.where[i] = disk.FindChild(t.nodes[i].Page, hash)
	}
	return errno.OK
}

// removeName takes out the name that the way in t leads to, and nodes that become empty. dir.d changes; update is the caller's.
// What goes wrong once it has begun stops the file system.
func (f *FS) removeName(t *Task, dir *Inode) errno.Errno {
	d := &dir.d
	leaf := t.nodes[t.depth-1]
	f.journal.Join(t.base(), leaf)
	disk.RemoveSlot(leaf.Page, t.where[t.depth-1])
	for i := t.depth - 1; disk.Count(t.nodes[i].Page) == 0; i-- {
		if e := f.free(t, f.cache.Block(t.nodes[i]), 1, true); e != errno.OK {
			return e
		}
		d.Blocks--
		if i == 0 {
			d.Root, d.Depth = 0, 0
			return errno.OK
		}
		f.journal.Join(t.base(), t.nodes[i-1])
		disk.RemoveChild(t.nodes[i-1].Page, t.where[i-1])
	}
	for i := 0; i < t.depth-1 && disk.Count(t.nodes[i].Page) == 1; i++ { // a root with one child is none
		_, child := disk.GetChild(t.nodes[i].Page, 0)
		if e := f.free(t, f.cache.Block(t.nodes[i]), 1, true); e != errno.OK {
			return e
		}
		d.Blocks--
		d.Root = child
		d.Depth--
		if child != uint32(f.cache.Block(t.nodes[i+1])) {
			break // the way does not go on there
		}
	}
	return errno.OK
}
