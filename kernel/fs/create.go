package fs

import (
	"exo/kernel/fs/block"
	"exo/kernel/fs/cache"
	"exo/kernel/fs/disk"
	"exo/kernel/fs/errno"
)

const blockSize = block.Size

// checkName says what is wrong with a name.
func checkName(name []byte) errno.Errno {
	switch n := len(name); {
	case n > disk.MaxName:
		return errno.NameLong
	case n == 0, n == 1 && name[0] == '.', n == 2 && name[0] == '.' && name[1] == '.':
		return errno.BadName
	}
	for _, b := range name {
		if b == 0 || b == '/' {
			return errno.BadName
		}
	}
	return errno.OK
}

// Lookup returns the inode that a name in a directory leads to, in use. The errors: NotDirectory, NotFound, BadName, NameLong,
// NoSlots, IO, Corrupt.
func (f *FS) Lookup(t *Task, dir *Inode, name []byte) (*Inode, errno.Errno) {
	if e := checkName(name); e != errno.OK {
		return nil, e
	}
	if dir.Type() != disk.TypeDir {
		return nil, errno.NotDirectory
	}
	hash := f.shape.Hash(name)
	dir.names.Lock(t.C)
	s, e := f.search(t, dir, hash, name)
	f.leave(t)
	var ip *Inode
	if e == errno.OK {
		ip, e = f.child(t, s.Ino)
	} else if e == errno.NameHash {
		e = errno.NotFound
	}
	dir.names.Unlock(t.C)
	return ip, e
}

// Attr is what a new inode begins with.
type Attr struct {
	Mode     uint16 // permission; the type is the operation's business
	UID, GID uint32
}

// createCost is what making an inode reserves: its group, its block, the directory's block, the name, and the state; and a
// block for a long link.
const createCost = nameCost + 2 + 1 + 2 + 2

// Create makes an empty file, and Mkdir a directory; what they return is in use. The errors: NotDirectory, Exists, NameHash,
// BadName, NameLong, NoSpace, NoInodes, NoSlots, Stale if the directory has been removed, Stopped, ReadOnly, IO, Corrupt.
func (f *FS) Create(t *Task, dir *Inode, name []byte, a Attr) (*Inode, errno.Errno) {
	return f.make(t, dir, name, a, disk.TypeFile, nil)
}

func (f *FS) Mkdir(t *Task, dir *Inode, name []byte, a Attr) (*Inode, errno.Errno) {
	return f.make(t, dir, name, a, disk.TypeDir, nil)
}

// Symlink makes a symbolic link with a text. The errors are Create's, LinkLong, and BadArgument for no text.
func (f *FS) Symlink(t *Task, dir *Inode, name []byte, a Attr, text []byte) (*Inode, errno.Errno) {
	switch {
	case len(text) == 0:
		return nil, errno.BadArgument
	case len(text) > disk.MaxLink:
		return nil, errno.LinkLong
	}
	return f.make(t, dir, name, a, disk.TypeLink, text)
}

// begin opens an operation that changes a directory's names, and locks them.
func (f *FS) begin(t *Task, dir *Inode, meta, data int) errno.Errno {
	if !f.write {
		return errno.ReadOnly
	}
	if dir.Type() != disk.TypeDir {
		return errno.NotDirectory
	}
	if e := f.journal.Begin(t.base(), meta, data); e != errno.OK {
		return e
	}
	dir.names.Lock(t.C)
	return errno.OK
}

func (f *FS) end(t *Task, dir *Inode) {
	dir.names.Unlock(t.C)
	f.journal.End(t.base())
}

func (f *FS) make(t *Task, dir *Inode, name []byte, a Attr, typ uint16, text []byte) (ip *Inode, e errno.Errno) {
	if e := checkName(name); e != errno.OK {
		return nil, e
	}
	for tries := 0; ; {
		if e := f.begin(t, dir, createCost, 1); e != errno.OK {
			return nil, e
		}
		ip, e = f.tryMake(t, dir, name, a, typ, text)
		f.end(t, dir)
		if !f.again(t, e, &tries) {
			return ip, e
		}
	}
}

// tryMake is one try of make. All that can be refused is asked for before anything is changed, or is given back.
func (f *FS) tryMake(t *Task, dir *Inode, name []byte, a Attr, typ uint16, text []byte) (*Inode, errno.Errno) {
	hash := f.shape.Hash(name)
	defer f.leave(t)
	_, e := f.search(t, dir, hash, name) // addName goes the same way
	switch {
	case e == errno.OK:
		return nil, errno.Exists
	case e != errno.NotFound:
		return nil, e
	case dir.d.Links == 0:
		return nil, errno.Stale
	}
	ip, e := f.newInode(t, dir.ino)
	if e != errno.OK {
		return nil, e
	}
	ip.lock.Lock(t.C)
	now := f.clock.WallNs()
	d := &ip.d
	d.Mode, d.UID, d.GID, d.Links = typ|a.Mode&disk.ModeBits, a.UID, a.GID, 1
	d.Atime, d.Mtime, d.Ctime, d.Btime = now, now, now, now
	switch typ {
	case disk.TypeDir:
		d.Parent = dir.ino
	case disk.TypeLink:
		e = f.setText(t, ip, text)
	}
	ip.lock.Unlock(t.C)
	if e == errno.OK {
		dir.lock.Lock(t.C)
		s := disk.Slot{Hash: hash, Ino: ip.ino, Type: uint8(typ >> 12)}
		if e = f.addName(t, dir, s, name); e == errno.OK {
			dir.d.Size++
			dir.d.Mtime, dir.d.Ctime = now, now
		}
		if f.update(t, dir) != errno.OK { // in any case: the tree may have been split
			e = errno.Stopped
		}
		dir.lock.Unlock(t.C)
	}
	ip.lock.Lock(t.C)
	if e != errno.OK {
		f.unmake(t, ip)
	} else {
		e = f.update(t, ip)
	}
	if e != errno.OK { // under the lock, before it may be another's: as in Put
		f.table.Drop(int(ip.index))
	}
	ip.lock.Unlock(t.C)
	if e != errno.OK {
		return nil, e
	}
	return ip, errno.OK
}

// unmake gives back an inode that has no name.
func (f *FS) unmake(t *Task, ip *Inode) {
	if ip.d.Count > 0 {
		f.free(t, uint64(ip.d.Body[0].Block), ip.d.Body[0].Len, false)
	}
	f.freeInode(t, ip, false)
}

// setText gives a new symbolic link its text.
func (f *FS) setText(t *Task, ip *Inode, text []byte) errno.Errno {
	d := &ip.d
	d.Size = uint64(len(text))
	if d.Inline() {
		copy(d.Text[:], text)
		return errno.OK
	}
	n, _, e := f.alloc(t, f.near(ip), 1)
	if e != errno.OK {
		return e
	}
	d.Body[0], d.Count, d.Blocks = disk.Extent{Block: uint32(n), Len: 1}, 1, 1
	b, e := f.cache.Fresh(&t.Task.Task, n, disk.Data)
	if e != errno.OK {
		return e
	}
	f.fill(t, b, 0, text)
	f.cache.Drop(b)
	return errno.OK
}

// fill writes file data into a buffer.
func (f *FS) fill(t *Task, b *cache.Buffer, at int, data []byte) {
	b.Lock.Lock(t.C)
	copy(b.Page[at:], data)
	f.journal.Data(t.base(), b)
	b.Lock.Unlock(t.C)
}

// ReadLink copies a symbolic link's text, as much as there is room for. The error is NotLink, IO or Corrupt.
func (f *FS) ReadLink(t *Task, ip *Inode, into []byte) (int, errno.Errno) {
	if ip.Type() != disk.TypeLink {
		return 0, errno.NotLink
	}
	ip.lock.Lock(t.C)
	n, e := 0, errno.OK
	if ip.d.Inline() {
		n = copy(into, ip.d.Text[:ip.d.Size])
	} else {
		var b *cache.Buffer
		if b, e = f.cache.Read(&t.Task.Task, uint64(ip.d.Body[0].Block), disk.Data); e == errno.OK {
			n = copy(into, b.Page[:ip.d.Size])
			f.cache.Drop(b)
		}
	}
	ip.lock.Unlock(t.C)
	return n, e
}
