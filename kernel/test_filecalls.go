//go:build exokernel

package main

import (
	"exo/arch/amd64"
	"exo/kernel/abi"
	"exo/kernel/cap"
	"exo/kernel/fs/errno"
	"exo/kernel/fs/fsck"
	"exo/kernel/ktest"
	"exo/kernel/mm"
)

// Tests of the calls for files. They are for a file system in memory: what is on a disk is somebody's.

// freshFiles makes the file system in memory an empty one; false: there is none. What is wrong with the old one fails the test.
func freshFiles(t *ktest.T) bool {
	g := &files
	if g.device == nil || g.device != &g.ram {
		return false
	}
	t.Equal(0, uint64(closeFiles()), uint64(errno.OK), "files are unmounted: nobody is in a call")
	t.Equal(0, uint64(g.fs.InUse()), 0, "inodes that somebody still uses")
	ft := enterFiles()
	defer ft.leave()
	g.said = 0
	found, e := fsck.Check(&ft.task, g.device, &g.check, g)
	t.Equal(0, uint64(e), uint64(errno.OK), "the disk is checked")
	t.Equal(0, found, 0, "what is wrong with it")
	if e := g.format(ft, 0); !t.Equal(0, uint64(e), uint64(errno.OK), "it is formatted") {
		return false
	}
	if e := g.mount(ft, true); !t.Equal(0, uint64(e), uint64(errno.OK), "it is mounted") {
		return false
	}
	g.mounted.Store(1)
	return true
}

// restFiles returns when nothing is to be written back: a test may want the timer for itself.
func restFiles(t *ktest.T) {
	files.hurry.Store(1)
	callTask(&files.task)
	t.Check(0, eventually(func() bool { return files.rests.Load() != 0 && files.dirty.Load() == 0 }), "files are written back")
	files.hurry.Store(0)
}

// withFiles is isolated, with the root directory for the first puppet.
func withFiles(t *ktest.T, fn func(p, q *puppet, qe, root uint64)) {
	fileCallTest = fn
	isolated(t, func(p, q *puppet, qe uint64) {
		if !freshFiles(p.t) {
			p.t.Skip("there are no files in memory")
			return
		}
		fileCallTest(p, q, qe, p.given(abi.KindInode, cap.Object{First: rootInode}))
		freshFiles(p.t)
		restFiles(p.t)
	})
}

var fileCallTest func(p, q *puppet, qe, root uint64)

// text puts a string into the puppet's page, at word i of the test's, and says where it is and how long.
func (p *puppet) text(i int, s string) (at, n uint64) {
	for k := range len(s) {
		w := &p.data[pupFree+i+k/8]
		if k%8 == 0 {
			w.Store(0)
		}
		w.Or(uint64(s[k]) << (k % 8 * 8))
	}
	return p.place(pupFree + i), uint64(len(s))
}

// named is a call that takes a directory and a name, and two things more.
func (p *puppet) named(call abi.Call, dir uint64, name string, more ...uint64) int64 {
	at, n := p.text(0, name)
	args := [6]uint64{dir, at, n}
	copy(args[3:], more)
	return p.do(call, args[:]...)
}

func (p *puppet) namedIs(want abi.Errno, what string, call abi.Call, dir uint64, name string, more ...uint64) {
	p.t.Equal(0, uint64(p.named(call, dir, name, more...)), uint64(int64(want)), what)
}

// opens opens what must be there.
func (p *puppet) opens(dir uint64, path string, rights uint64) uint64 {
	v := p.named(abi.FileOpen, dir, path, rights)
	p.t.Check(0, v > 0, "a file is opened")
	return uint64(v)
}

const (
	fileRW  = abi.RightRead | abi.RightWrite
	fileDir = fileRW | abi.RightDerive | abi.RightDelete | abi.RightRevoke | abi.RightExecute | abi.RightTransfer
)

// testFileCalls: files are made, opened, written, read, renamed, removed; each refusal.
func testFileCalls(t *ktest.T, _ int) {
	withFiles(t, func(p, q *puppet, qe, root uint64) {
		t := p.t
		buf := p.place(pupFree + 128)
		made := func(name string, typ uint64) {
			t.Check(0, p.named(abi.FileMake, root, name, typ|0o644) > 0, "a file or directory is made")
		}
		made("a", abi.FileTypeRegular)
		made("d", abi.FileTypeFolder)
		p.namedIs(abi.Exists, "what is there", abi.FileMake, root, "a", abi.FileTypeRegular)
		p.namedIs(abi.BadArgument, "of no type", abi.FileMake, root, "b", abi.FileTypeSymlink)
		for _, name := range [...]string{"", ".", "..", "x/y", "/", "a\x00b"} {
			p.namedIs(abi.BadName, "a bad name", abi.FileMake, root, name, abi.FileTypeRegular)
			p.namedIs(abi.BadName, "a bad name", abi.FileRemove, root, name)
		}
		p.refused(abi.TooLong, "a long name", abi.FileMake, root, p.place(0), 256, abi.FileTypeRegular)
		p.refused(abi.TooLong, "a very long one", abi.FileMake, root, p.place(0), 1<<40, abi.FileTypeRegular)
		p.namedIs(abi.BadName, "a way up", abi.FileOpen, root, "d/..", fileRW)
		p.namedIs(abi.NotFound, "nothing", abi.FileOpen, root, "d/e", fileRW)
		p.namedIs(abi.NotDirectory, "below a file", abi.FileOpen, root, "a/e", fileRW)
		a := p.opens(root, "a", fileRW|abi.RightDelete)
		d := p.opens(root, "d", fileDir)
		t.Check(0, p.named(abi.FileMake, d, "e", abi.FileTypeRegular|0o600) > 0, "a file below")
		e := p.opens(root, "d/e", fileDir)

		at, n := p.text(0, "hello")
		p.gets(int64(n), "a write", abi.FileWrite, a, at, n, 3)
		p.gets(int64(n), "at the end", abi.FileWrite, a, at, n, abi.Forever)
		t.Equal(0, p.rdx(), 8, "where that was")
		p.gets(13, "a read", abi.FileRead, a, buf, 64, 0)
		t.Equal(0, p.data[pupFree+128].Load(), 0x6f6c6c6568<<24, "what it says")
		p.gets(0, "at its end", abi.FileRead, a, buf, 64, 13)
		p.gets(0, "far beyond", abi.FileRead, a, buf, 64, ^uint64(0))
		p.refused(abi.TooLarge, "a write there", abi.FileWrite, a, at, n, 1<<40)
		p.gets(0, "it is cut", abi.FileTruncate, a, 5)
		p.gets(0, "it is looked at", abi.FileStat, a, buf)
		t.Equal(0, p.data[pupFree+128+3].Load(), 5, "its size")
		t.Equal(0, p.data[pupFree+128+1].Load(), 1<<32|abi.FileTypeRegular|0o644, "its type, permission and names")
		p.gets(0, "synced", abi.FileSync, a, 0)
		p.gets(0, "all of it", abi.FileSync, root, 1)
		p.gets(0, "the file system", abi.FileSystem, root, buf)
		p.refused(abi.NotFile, "a directory is not read", abi.FileRead, d, buf, 8, 0)
		p.refused(abi.NotFile, "nor written", abi.FileWrite, d, at, n, 0)
		p.refused(abi.NotDirectory, "a file has no names", abi.FileList, a, buf, 64, 0)
		p.refused(abi.NotLink, "nor a text", abi.FileText, a, buf, 8)

		t.Check(0, p.named(abi.FileSymlink, root, "l", at, n) == 0, "a symbolic link")
		l := p.opens(root, "l", abi.RightRead|abi.RightDelete)
		p.gets(5, "its text", abi.FileText, l, buf, 64)
		p.namedIs(abi.HasLinks, "a second name of a directory", abi.FileLink, root, "f", d)
		p.namedIs(0, "of a file", abi.FileLink, root, "f", e)
		p.gets(0, "it is looked at", abi.FileStat, e, buf)
		t.Equal(0, p.data[pupFree+128+1].Load()>>32, 2, "its names")

		to, k := p.text(20, "g")
		p.namedIs(0, "a name changes", abi.FileRename, root, "f", root, to, k)
		p.namedIs(0, "to another directory", abi.FileRename, root, "g", d, to, k)
		p.namedIs(abi.NotFound, "then it is not there", abi.FileRename, root, "g", d, to, k)
		p.namedIs(abi.Loop, "a directory into itself", abi.FileRename, root, "d", d, to, k)
		names, from := 0, uint64(0)
		for range 10 {
			if n := p.do(abi.FileList, root, buf, 40, from); n <= 0 {
				t.Equal(0, uint64(n), 0, "the last name")
				break
			}
			from = p.rdx()
			names++
		}
		t.Equal(0, uint64(names), 3, "names in a directory")
		p.refused(abi.BadArgument, "where no name fits", abi.FileList, root, buf, 16, 0)

		p.namedIs(abi.IsDirectory, "a directory is no file", abi.FileRemove, root, "d", 0)
		p.namedIs(abi.NotEmpty, "nor empty", abi.FileRemove, root, "d", 1)
		p.namedIs(abi.NotDirectory, "a file is no directory", abi.FileRemove, root, "a", 1)
		p.namedIs(abi.BadArgument, "it is either", abi.FileRemove, root, "a", 2)
		p.namedIs(0, "a file goes", abi.FileRemove, root, "a")
		p.gets(5, "who has it open reads it", abi.FileRead, a, buf, 8, 0)
		made("a", abi.FileTypeRegular)
		p.gets(0, "it is not another of that name", abi.FileStat, a, buf)
		t.Equal(0, p.data[pupFree+128+3].Load(), 5, "its size")
		t.Equal(0, p.data[pupFree+128+1].Load(), abi.FileTypeRegular|0o644, "its type, permission, and no names")
		p.namedIs(0, "one name", abi.FileRemove, d, "e", 0)
		p.namedIs(0, "the other", abi.FileRemove, d, "g", 0)
		p.namedIs(0, "the directory", abi.FileRemove, root, "d", 1)
		p.namedIs(abi.Stale, "in it nothing is made", abi.FileMake, d, "x", abi.FileTypeRegular)
	})
}

// testFileRights: nobody has more rights below a directory than to it, and none once it is revoked.
func testFileRights(t *ktest.T, _ int) {
	withFiles(t, func(p, q *puppet, qe, root uint64) {
		t := p.t
		buf := p.place(pupFree + 128)
		for _, name := range [...]string{"a", "b"} {
			t.Check(0, p.named(abi.FileMake, root, name, abi.FileTypeRegular) > 0, "a file is made")
		}
		t.Check(0, p.named(abi.FileMake, root, "d", abi.FileTypeFolder) > 0, "a directory is made")
		d := p.opens(root, "d", fileDir)
		sees := p.makes("to be read", abi.CapDerive, root, abi.RightRead|abi.RightDerive|abi.RightDelete)
		p.namedIs(abi.BadRights, "to be written", abi.FileOpen, sees, "a", fileRW)
		a := p.opens(sees, "a", abi.RightRead|abi.RightDerive)
		at, n := p.text(0, "x")
		p.refused(abi.BadRights, "a write", abi.FileWrite, a, at, n, 0)
		p.refused(abi.BadRights, "a cut", abi.FileTruncate, a, 0)
		p.refused(abi.BadRights, "a change", abi.FileChange, a, buf, 1)
		p.refused(abi.BadRights, "a sync", abi.FileSync, a, 0)
		p.namedIs(abi.BadRights, "a new file", abi.FileMake, sees, "c", abi.FileTypeRegular)
		p.namedIs(abi.BadRights, "a link", abi.FileSymlink, sees, "c", at, n)
		p.namedIs(abi.BadRights, "a removal", abi.FileRemove, sees, "a")
		p.namedIs(abi.BadRights, "another name", abi.FileRename, sees, "a", sees, at, n)
		p.namedIs(abi.BadRights, "a name for what one may only read", abi.FileLink, d, "c", a)
		writes := p.makes("to be written", abi.CapDerive, root, fileRW|abi.RightDelete)
		to, k := p.text(20, "c")
		p.namedIs(abi.BadRights, "moving where one may do more", abi.FileRename, writes, "a", d, to, k)
		p.namedIs(0, "within it", abi.FileRename, writes, "b", writes, to, k)
		p.namedIs(abi.BadRights, "nothing can be derived", abi.FileOpen, writes, "a", abi.RightRead)
		p.namedIs(abi.BadArgument, "rights that are none", abi.FileOpen, root, "a", 1<<32)
		// An inode is had by opening it, and not by its number.
		p.gets(0, "a file is looked at", abi.FileStat, a, buf)
		p.data[pupFree+64].Store(p.data[pupFree+128].Load())
		p.data[pupFree+65].Store(0)
		p.refused(abi.BadArgument, "a number", abi.CapDerive, root, abi.RightRead, 0, p.place(pupFree+64))
		p.data[pupFree+64].Store(0)
		p.refused(abi.BadArgument, "its own", abi.CapDerive, a, 0, 0, p.place(pupFree+64))
		p.refused(abi.BadKind, "what is no inode", abi.FileRead, p.mem, buf, 8, 0)
		p.namedIs(abi.BadKind, "nor a directory", abi.FileOpen, qe, "a", 1)
		p.namedIs(abi.BadKind, "nor a second one", abi.FileLink, root, "x", p.mem)
		p.namedIs(abi.BadCap, "nor a living one", abi.FileRename, root, "x", 99, to, k)
		// What others have below a directory is gone when that is revoked, open or not.
		theirs := p.makes("a directory for another", abi.CapDerive, root, fileRW|abi.RightDerive, qe)
		f := q.opens(theirs, "a", fileRW)
		q.gets(0, "it reads", abi.FileRead, f, q.place(pupFree+128), 8, 0)
		q.refused(abi.BadCap, "not by others' names", abi.FileRead, a, q.place(pupFree+128), 8, 0)
		p.gets(0, "it is all revoked", abi.CapRevoke, root)
		q.refused(abi.BadCap, "then it reads no more", abi.FileRead, f, q.place(pupFree+128), 8, 0)
		q.namedIs(abi.BadCap, "nor opens", abi.FileOpen, theirs, "a", 1)
		p.refused(abi.BadCap, "nor does who was below", abi.FileRead, a, buf, 8, 0)
		p.opens(root, "a", abi.RightRead)
		f = p.opens(root, "d", fileDir)
		g := p.makes("of that", abi.CapDerive, f, abi.RightRead)
		p.gets(0, "a directory is given up", abi.CapDelete, f)
		p.refused(abi.BadCap, "with all below", abi.FileStat, g, buf)
	})
}

// testFilePointers: what is not the caller's is neither read nor written, and nothing comes of it.
func testFilePointers(t *ktest.T, _ int) {
	withFiles(t, func(p, q *puppet, qe, root uint64) {
		t := p.t
		f := p.makes("a page", abi.FrameAlloc, p.mem, 0, 0, 1)
		p.gets(0, "is mapped alone", abi.PageMap, f, 0, pupTest, 3)
		t.Check(0, p.named(abi.FileMake, root, "a", abi.FileTypeRegular) > 0, "a file is made")
		a := p.opens(root, "a", fileDir)
		at, n := p.text(0, "text")
		p.gets(int64(n), "a write", abi.FileWrite, a, at, n, 0)
		t.Check(0, p.named(abi.FileSymlink, root, "l", at, n) == 0, "a link is made")
		l := p.opens(root, "l", abi.RightRead)
		before := files.fs.Space()
		for _, to := range [...]uint64{0, pupTest - 1, pupTest + mm.FrameSize - 2, 0x5000_0000, abi.UserTop - 2, 1 << 47, 1<<47 - 1, 1 << 63,
			amd64.DirectMap, amd64.KernelBase + 2<<20, ^uint64(1)} {
			for _, c := range [...]struct {
				call abi.Call
				args [6]uint64
			}{
				{abi.FileOpen, [6]uint64{root, to, 4, 1}}, {abi.FileMake, [6]uint64{root, to, 4, abi.FileTypeRegular}},
				{abi.FileSymlink, [6]uint64{root, to, 4, at, n}}, {abi.FileSymlink, [6]uint64{root, at, n, to, 4}},
				{abi.FileLink, [6]uint64{root, to, 4, a}}, {abi.FileRemove, [6]uint64{root, to, 4}},
				{abi.FileRename, [6]uint64{root, to, 4, root, at, n}}, {abi.FileRename, [6]uint64{root, at, n, root, to, 4}},
				{abi.FileRead, [6]uint64{a, to, 8, 0}}, {abi.FileWrite, [6]uint64{a, to, 4, 0}}, {abi.FileWrite, [6]uint64{a, to, 1 << 60, 0}},
				{abi.FileStat, [6]uint64{a, to}}, {abi.FileChange, [6]uint64{a, to, 1}}, {abi.FileList, [6]uint64{root, to, 100}},
				{abi.FileText, [6]uint64{l, to, 8}}, {abi.FileSystem, [6]uint64{root, to}},
			} {
				p.refused(abi.BadAddress, "a pointer to what is not the caller's", c.call, c.args[:]...)
			}
		}
		for _, to := range [...]uint64{pupCode, abi.InfoPage} { // that can be read
			p.refused(abi.BadAddress, "what is not the caller's to write", abi.FileRead, a, to, 8, 0)
			p.refused(abi.BadAddress, "what is not the caller's to write", abi.FileStat, a, to)
			p.refused(abi.BadAddress, "what is not the caller's to write", abi.FileList, root, to, 100)
			p.refused(abi.BadAddress, "what is not the caller's to write", abi.FileText, l, to, 8)
		}
		t.Check(0, files.fs.Space() == before, "nothing was made")
		p.gets(int64(n), "a read", abi.FileRead, a, p.place(pupFree+128), 64, 0)
		t.Equal(0, p.data[pupFree+128].Load(), 0x74786574, "what was written")
		p.refused(abi.BadName, "nothing of it is a name", abi.FileMake, root, 0, 0, abi.FileTypeRegular)
	})
}

// testFileOpens: a file that has lost its last name is read and written by who has it open, and its blocks are free when nobody has:
// after a deletion, a revocation, the end of an environment.
func testFileOpens(t *ktest.T, _ int) {
	withFiles(t, func(p, q *puppet, qe, root uint64) {
		t := p.t
		free := files.fs.Space()
		freed := func(what string) {
			t.Check(0, eventually(func() bool {
				s := files.fs.Space()
				return s.FreeInodes == free.FreeInodes && s.FreeBlocks == free.FreeBlocks
			}), what)
		}
		open := func(rights uint64) uint64 {
			t.Check(0, p.named(abi.FileMake, root, "f", abi.FileTypeRegular) > 0, "a file is made")
			f := p.opens(root, "f", rights)
			p.gets(mm.FrameSize, "it is written", abi.FileWrite, f, pupCode, mm.FrameSize, 0)
			return f
		}
		uses := func(p *puppet, f uint64) {
			p.gets(mm.FrameSize, "it is written, without a name", abi.FileWrite, f, pupCode, mm.FrameSize, 8*mm.FrameSize)
			p.gets(8, "and read", abi.FileRead, f, p.place(pupFree+128), 8, 0)
			p.gets(0, "and cut", abi.FileTruncate, f, 2*mm.FrameSize)
			p.gets(0, "and synced", abi.FileSync, f, 0)
			p.gets(0, "and looked at", abi.FileStat, f, p.place(pupFree+128))
			t.Equal(0, p.data[pupFree+128+1].Load()>>32, 0, "names that it has")
		}
		f := open(fileDir)
		g := p.makes("derived", abi.CapDerive, f, fileRW|abi.RightDelete, qe)
		p.namedIs(0, "its name goes", abi.FileRemove, root, "f")
		p.namedIs(abi.Stale, "it gets no other", abi.FileLink, root, "again", f)
		uses(p, f)
		uses(q, g)
		q.gets(0, "one lets it go", abi.CapDelete, g)
		uses(p, f)
		p.gets(0, "then the last does", abi.CapDelete, f)
		freed("its blocks are free after a deletion")

		f = open(fileDir)
		open2 := p.opens(root, "f", abi.RightRead|abi.RightDelete)
		at, n := p.text(20, "f")
		t.Check(0, p.named(abi.FileMake, root, "g", abi.FileTypeRegular) > 0, "another file")
		p.namedIs(0, "takes its name", abi.FileRename, root, "g", root, at, n)
		p.namedIs(0, "and loses it", abi.FileRemove, root, "f")
		uses(p, f)
		p.gets(0, "the first is let go", abi.CapDelete, f)
		p.gets(8, "a second opening is one, too", abi.FileRead, open2, p.place(pupFree+128), 8, 0)
		t.Check(0, files.fs.Space().FreeInodes < free.FreeInodes, "it is there")
		p.gets(0, "all is revoked", abi.CapRevoke, root)
		p.refused(abi.BadCap, "the capability is gone", abi.FileRead, open2, p.place(pupFree+128), 8, 0)
		freed("its blocks are free after a revocation")

		f = open(fileRW | abi.RightDelete)
		name, k := p.text(30, "somewhere")
		t.Check(0, p.named(abi.FileSymlink, root, "l", name, k) == 0, "a link is made")
		l := p.opens(root, "l", abi.RightRead|abi.RightDelete)
		p.namedIs(0, "it goes", abi.FileRemove, root, "l")
		p.gets(int64(k), "its text is read", abi.FileText, l, p.place(pupFree+128), 64)
		p.gets(0, "it is let go", abi.CapDelete, l)
		v, ok := makePuppet(t, 60, 40)
		if !ok {
			return
		}
		v.loopEnd()
		top := v.given(abi.KindInode, cap.Object{First: rootInode})
		mine := v.opens(top, "f", fileRW)
		p.gets(0, "who made it lets it go", abi.CapDelete, f)
		p.namedIs(0, "its name goes", abi.FileRemove, root, "f")
		uses(&v, mine)
		v.end()
		freed("its blocks are free after the end of an environment")
		t.Check(0, p.named(abi.FileMake, root, "d", abi.FileTypeFolder) > 0, "a directory")
		d := p.opens(root, "d", fileDir)
		p.namedIs(0, "goes", abi.FileRemove, root, "d", 1)
		p.refused(abi.Stale, "it is no more, open or not", abi.FileStat, d, p.place(pupFree+128))
		t.Check(0, p.named(abi.FileMake, root, "f", abi.FileTypeRegular) > 0, "a file")
		p.opens(root, "f", abi.RightRead) // and is left open without a name, for the check of a disk that was unmounted so
		p.namedIs(0, "that is left", abi.FileRemove, root, "f")
	})
}

// testFileEnds: environments end while they are in calls; no lock, no task and no inode stays theirs.
func testFileEnds(t *ktest.T, _ int) {
	withFiles(t, func(p, q *puppet, qe, root uint64) {
		t := p.t
		for round := range uint64(24) {
			v, ok := makePuppet(t, 60, 40)
			if !ok {
				return
			}
			on, top := v.loopEnd(), v.given(abi.KindInode, cap.Object{First: rootInode})
			at, n := v.text(0, "file")
			v.do(abi.FileMake, top, at, n, abi.FileTypeRegular)
			f := v.opens(top, "file", fileDir)
			for i := 1; i < 4; i++ {
				w := v
				w.i = i
				t.Check(0, w.addThread(0, on), "a thread")
				at, n := w.text(0, "file")
				to, k := w.text(20, "else")
				switch (round + uint64(i)) % 6 {
				case 0:
					w.ask(uint64(abi.FileWrite), f, pupCode, mm.FrameSize, round<<12)
				case 1:
					w.ask(uint64(abi.FileRename), top, at, n, top, to, k)
				case 2:
					w.ask(uint64(abi.FileSync), top, 1)
				case 3:
					w.ask(uint64(abi.FileRemove), top, at, n)
				case 4:
					w.ask(uint64(abi.FileWrite), f, pupCode, mm.FrameSize, abi.Forever)
				case 5:
					w.ask(uint64(abi.FileOpen), top, at, n, 1)
				}
			}
			amd64.DelayUs(round % 8 * 20)
			v.end()
			t.Count(1)
		}
		t.Check(0, eventually(func() bool { return files.calls.Load() == 0 }), "nobody is in a call")
	})
}
