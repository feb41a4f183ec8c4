//go:build exokernel

package main

import (
	"exo/arch/amd64"
	"exo/kernel/abi"
	"exo/kernel/cap"
	"exo/kernel/fs"
	"exo/kernel/fs/block"
	layout "exo/kernel/fs/disk"
	"exo/kernel/fs/errno"
)

// System calls: files. A capability is for an inode: its number, and which of its lives. It holds no memory of the file system's: each
// call finds the inode, uses it, and puts it back. But those for files and links, which have an Object.Second, are counted for each inode
// (fs.Opens), so that one that has lost its last name stays as long as there is one. Whoever ends, and whatever is revoked, the
// teardown counts it off, which waits for nobody; if it was the last, the task of files.go frees the inode.
//
// A directory's capability leads to what is below it: FileOpen derives one from it, so with no more rights, and the revocation of the
// one takes the others. No other derivation names another inode (opened).
//
// Guarantees:
//
// G1. A call does only what the rights of its capabilities permit, which are as of a moment after it has a fs.Task. One that is
// under way when they are revoked may go on to its end.
// G2. What is refused has changed nothing; but what is written from memory that goes away meanwhile is zeroes.
// G3. A file whose last name is gone can be used by who has a capability for it, and its blocks are free when nobody has; after a
// crash, when it is mounted again. A directory ends with its name: it is Stale.
// G4. A call ends when the disk has answered, whatever is pending for the thread: so nothing is held by who is no more.
//
// Locks: a task of files.go, and then what kernel/fs says. Ring 3's memory is copied from and to under these: such a copy waits for
// nobody.

const (
	rootInode = layout.Root // of any life, for it has one
	fileMost  = 128 << 10
	pathMost  = block.Size
	fullyOwns = cap.Read | cap.Write | cap.Execute | cap.Derive | cap.Transfer
)

// isKept in an Object.Second: the capability is counted.
const isKept = 1

// keepFile counts a capability that is about to be made; false: there are too many. Preemption is off, and the caller uses the inode
// or holds a capability of it.
func keepFile(o cap.Object) bool { return o.Second != isKept || files.opens.Add(this(), o.First) }

// letFile is that one that was counted is no more.
func letFile(o cap.Object) {
	if o.Second == isKept && files.opens.End(this(), o.First) {
		callTask(&files.task)
	}
}

func tearInode(_ int, name cap.Name, _ cap.Rights, o cap.Object) {
	letFile(o)
	unpaid(name, 0)
}

// opened is Within for inodes: what FileOpen has found is within the directory, and nothing else is known to be.
func opened(_, _ cap.Object) bool { return here().opening }

// userBytes is memory of ring 3's: where bytes that are read go, and come from that are written.
type userBytes struct {
	at  uint64
	bad bool // some of it could not be copied
}

// Put is for fs.Sink.
func (u *userBytes) Put(at int, b []byte) errno.Errno {
	if !amd64.CopyOut(u.at+uint64(at), b) {
		u.bad = true
		return errno.BadArgument
	}
	return errno.OK
}

// Get is for fs.Source. It always succeeds: a write that stops halfway would leave blocks behind.
func (u *userBytes) Get(at int, b []byte) errno.Errno {
	if !amd64.CopyIn(b, u.at+uint64(at)) {
		u.bad = true
		clear(b)
	}
	return errno.OK
}

// fileErrnos is what ring 3 is told.
var fileErrnos = [...]abi.Errno{
	errno.OK: abi.OK, errno.IO: abi.DiskError, errno.Range: abi.Corrupt, errno.ReadOnly: abi.ReadOnly, errno.Corrupt: abi.Corrupt,
	errno.NotExo: abi.NoFiles, errno.Version: abi.NoFiles, errno.Dirty: abi.NoFiles, errno.Stopped: abi.Stopped,
	errno.NotFound: abi.NotFound, errno.Exists: abi.Exists, errno.NotDirectory: abi.NotDirectory, errno.IsDirectory: abi.IsDirectory,
	errno.NotFile: abi.NotFile, errno.NotLink: abi.NotLink, errno.NotEmpty: abi.NotEmpty, errno.BadName: abi.BadName,
	errno.BadArgument: abi.BadArgument, errno.Stale: abi.Stale, errno.Loop: abi.Loop, errno.HasLinks: abi.HasLinks,
	errno.NoSpace: abi.NoSpace, errno.NoInodes: abi.NoInodes, errno.NoBuffers: abi.TooMany, errno.NoSlots: abi.TooMany,
	errno.NameLong: abi.TooLong, errno.LinkLong: abi.TooLong, errno.FileLarge: abi.TooLarge, errno.DiskLarge: abi.NoFiles,
	errno.DiskSmall: abi.NoFiles, errno.LinksMany: abi.TooMany, errno.NameHash: abi.BadName, errno.GroupsMany: abi.NoFiles,
	errno.LogSmall: abi.NoFiles, errno.LogLarge: abi.NoFiles, errno.TooFew: abi.NoFiles,
}

func fileErrno(e errno.Errno) abi.Errno {
	if e == errno.IO || e == errno.Corrupt || e == errno.Stopped {
		tellOnce(e)
	}
	if int(e) < len(fileErrnos) {
		return fileErrnos[e]
	}
	return abi.Corrupt
}

// tellOnce has a line say that the disk is not as it should be.
func tellOnce(e errno.Errno) {
	if files.told.Load()>>e&1 == 0 {
		files.told.Or(1 << e)
		fileTrouble("the disk: ", e)
	}
}

// fileCall is a call under way: its task, and the inodes that it uses.
type fileCall struct {
	t      *thread
	ft     *fileTask
	task   *fs.Task
	inodes [3]*fs.Inode
	n      int
}

// begin waits for a task, and finds the inode of a capability. What it returns is to be ended, whatever it says.
func (c *fileCall) begin(t *thread, name uint64, need cap.Rights) (*fs.Inode, abi.Errno) {
	irqOn()
	o, no := t.inode(name, need)
	if no != abi.OK {
		return nil, no
	}
	if files.mounted.Load() == 0 {
		return nil, abi.NoFiles
	}
	files.calls.Add(1)
	c.t, c.ft = t, enterFiles()
	c.task = &c.ft.task
	if files.mounted.Load() == 0 {
		return nil, abi.NoFiles
	}
	if _, ok := capTab.ObjectOf(cap.Name(name), t.env.holder(), cap.Kind(abi.KindInode)); !ok { // that was a while ago
		return nil, abi.BadCap
	}
	return c.get(o)
}

// inode is what a capability is for.
func (t *thread) inode(name uint64, need cap.Rights) (cap.Object, abi.Errno) {
	o, err := capTab.Lookup(cap.Name(name), t.env.holder(), cap.Kind(abi.KindInode), need)
	if err != nil {
		return o, capErrno(err)
	}
	return o, abi.OK
}

// also finds the inode of another capability.
func (c *fileCall) also(name uint64, need cap.Rights) (*fs.Inode, abi.Errno) {
	o, no := c.t.inode(name, need)
	if no != abi.OK {
		return nil, no
	}
	return c.get(o)
}

func (c *fileCall) get(o cap.Object) (*fs.Inode, abi.Errno) {
	var ip *fs.Inode
	var e errno.Errno
	if o.Second == isKept {
		ip, e = files.fs.GetOpen(c.task, uint32(o.First), uint32(o.First>>32))
	} else {
		ip, e = files.fs.Get(c.task, uint32(o.First), uint32(o.First>>32))
	}
	if e != errno.OK {
		return nil, fileErrno(e)
	}
	c.keep(ip)
	return ip, abi.OK
}

// keep has end put an inode.
func (c *fileCall) keep(ip *fs.Inode) {
	c.inodes[c.n] = ip
	c.n++
}

// end gives back what the call has used. e is how it went.
func (c *fileCall) end(no abi.Errno) int64 {
	if c.ft == nil {
		return int64(no)
	}
	for i := range c.n {
		files.fs.Put(c.task, c.inodes[i])
	}
	c.ft.leave()
	files.calls.Add(-1)
	return int64(no)
}

// changed is end for what has changed something, perhaps.
func (c *fileCall) changed(e errno.Errno) int64 {
	wroteFiles()
	return c.end(fileErrno(e))
}

// name copies a name into page i of the task; "" if it is none.
func (c *fileCall) name(i int, at, n uint64) ([]byte, abi.Errno) {
	if n > pathMost {
		return nil, abi.TooLong
	}
	b := c.ft.pages[i][:n]
	if !amd64.CopyIn(b, at) {
		return nil, abi.BadAddress
	}
	return b, abi.OK
}

// beginNamed is begin for a call that starts with a directory's capability and a name, which is in page 1 then. sysFileOpen has
// these steps written out, for it is called most.
func (c *fileCall) beginNamed(t *thread, f *amd64.SysFrame, need cap.Rights) (*fs.Inode, []byte, abi.Errno) {
	dir, no := c.begin(t, f.RDI, need)
	if no != abi.OK {
		return nil, nil, no
	}
	name, no := c.name(1, f.RSI, f.RDX)
	return dir, name, no
}

func sysFileOpen(s *amd64.UserState, f *amd64.SysFrame) int64 {
	var c fileCall
	t := threadOf(s)
	if f.R10 > abi.AllRights {
		return int64(abi.BadArgument)
	}
	dir, no := c.begin(t, f.RDI, cap.Read|cap.Derive)
	if no != abi.OK {
		return c.end(no)
	}
	path, no := c.name(1, f.RSI, f.RDX)
	if no != abi.OK {
		return c.end(no)
	}
	ip, e := files.walk(c.task, dir, path)
	if e != errno.OK {
		return c.end(fileErrno(e))
	}
	c.keep(ip)
	var st fs.Stat
	files.fs.Stat(c.task, ip, &st)
	d := cap.Derivation{Rights: cap.Rights(f.R10) &^ owns, Narrow: true, Object: objectOf(ip)}
	if ip.Type() != layout.TypeDir {
		d.Object.Second = isKept
	}
	p := preemptOff()
	here().opening = true
	name := t.derive(p.CPU, cap.Name(f.RDI), t.env, &d)
	here().opening = false
	p.PreemptEnable()
	if name >= 0 {
		f.RDX, f.R8, f.R9 = uint64(st.Mode), st.Size, d.Object.First
	}
	c.end(abi.OK)
	return name
}

func objectOf(ip *fs.Inode) cap.Object {
	return cap.Object{First: uint64(ip.Generation())<<32 | uint64(ip.Number())}
}

// walk goes down a path. What it returns is in use.
func (v *volume) walk(t *fs.Task, dir *fs.Inode, path []byte) (*fs.Inode, errno.Errno) {
	for at, found := dir, false; ; found = true {
		n := 0
		for n < len(path) && path[n] != '/' {
			n++
		}
		next, e := v.fs.Lookup(t, at, path[:n])
		if found { // dir itself is in use as long as the call
			v.fs.Put(t, at)
		}
		if e != errno.OK || n == len(path) {
			return next, e
		}
		at, path = next, path[n+1:]
	}
}

func sysFileMake(s *amd64.UserState, f *amd64.SysFrame) int64 {
	var c fileCall
	dir, name, no := c.beginNamed(threadOf(s), f, cap.Write)
	if no != abi.OK {
		return c.end(no)
	}
	a := fs.Attr{Mode: uint16(f.R10)}
	var ip *fs.Inode
	var e errno.Errno
	switch f.R10 &^ 0o7777 {
	case abi.FileTypeRegular:
		ip, e = files.fs.Create(c.task, dir, name, a)
	case abi.FileTypeFolder:
		ip, e = files.fs.Mkdir(c.task, dir, name, a)
	default:
		return c.end(abi.BadArgument)
	}
	if e != errno.OK {
		return c.changed(e)
	}
	c.keep(ip)
	o := objectOf(ip)
	c.changed(errno.OK)
	return int64(o.First &^ (1 << 63)) // a life has 31 bits here
}

func sysFileSymlink(s *amd64.UserState, f *amd64.SysFrame) int64 {
	var c fileCall
	dir, name, no := c.beginNamed(threadOf(s), f, cap.Write)
	if no != abi.OK {
		return c.end(no)
	}
	text, no := c.name(2, f.R10, f.R8)
	if no != abi.OK {
		return c.end(no)
	}
	ip, e := files.fs.Symlink(c.task, dir, name, fs.Attr{Mode: 0o777}, text)
	if e == errno.OK {
		c.keep(ip)
	}
	return c.changed(e)
}

// sysFileLink needs all rights to the file: who has the directory can have those then.
func sysFileLink(s *amd64.UserState, f *amd64.SysFrame) int64 {
	var c fileCall
	dir, name, no := c.beginNamed(threadOf(s), f, cap.Write)
	if no != abi.OK {
		return c.end(no)
	}
	ip, no := c.also(f.R10, fullyOwns)
	if no != abi.OK {
		return c.end(no)
	}
	return c.changed(files.fs.Link(c.task, dir, name, ip))
}

func sysFileRemove(s *amd64.UserState, f *amd64.SysFrame) int64 {
	var c fileCall
	dir, name, no := c.beginNamed(threadOf(s), f, cap.Write)
	switch {
	case no != abi.OK:
		return c.end(no)
	case f.R10 == 0:
		return c.changed(files.fs.Unlink(c.task, dir, name))
	case f.R10 == 1:
		return c.changed(files.fs.Rmdir(c.task, dir, name))
	}
	return c.end(abi.BadArgument)
}

// sysFileRename needs all rights to a directory that something leaves: so who has the other one gets no more by it than who moves
// it could give him.
func sysFileRename(s *amd64.UserState, f *amd64.SysFrame) int64 {
	var c fileCall
	need := cap.Write
	if f.R10 != f.RDI {
		need = fullyOwns
	}
	from, name, no := c.beginNamed(threadOf(s), f, need)
	if no != abi.OK {
		return c.end(no)
	}
	to, no := c.also(f.R10, cap.Write)
	if no != abi.OK {
		return c.end(no)
	}
	target, no := c.name(2, f.R8, f.R9)
	if no != abi.OK {
		return c.end(no)
	}
	return c.changed(files.fs.Rename(c.task, from, name, to, target))
}
