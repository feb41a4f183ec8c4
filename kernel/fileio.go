//go:build exokernel

package main

import (
	"unsafe"

	"exo/arch/amd64"
	"exo/kernel/abi"
	"exo/kernel/cap"
	"exo/kernel/fs"
	"exo/kernel/fs/block"
	"exo/kernel/fs/errno"
)

// System calls: what is in files and directories, and about them.

func sysFileRead(s *amd64.UserState, f *amd64.SysFrame) int64 {
	var c fileCall
	ip, no := c.begin(threadOf(s), f.RDI, cap.Read)
	if no != abi.OK {
		return c.end(no)
	}
	u := &c.ft.user
	*u = userBytes{at: f.RSI}
	n, e := files.fs.ReadTo(c.task, ip, f.R10, int(min(f.RDX, fileMost)), u)
	if u.bad && n == 0 {
		return c.end(abi.BadAddress)
	}
	if no := c.end(fileErrno(e)); no < 0 {
		return no
	}
	return int64(n)
}

func sysFileWrite(s *amd64.UserState, f *amd64.SysFrame) int64 {
	var c fileCall
	want := min(f.RDX, fileMost)
	ip, no := c.begin(threadOf(s), f.RDI, cap.Write)
	if no == abi.OK && !amd64.CanRead(f.RSI, want) {
		no = abi.BadAddress
	}
	if no != abi.OK {
		return c.end(no)
	}
	at := f.R10
	if at == abi.Forever {
		files.end.Lock(c.task.C)
		var st fs.Stat
		files.fs.Stat(c.task, ip, &st)
		at = st.Size
	}
	u := &c.ft.user
	*u = userBytes{at: f.RSI}
	n, e := files.fs.WriteFrom(c.task, ip, at, int(want), u)
	if f.R10 == abi.Forever {
		files.end.Unlock(c.task.C)
	}
	bad := u.bad
	if no := c.changed(e); no < 0 {
		return no
	}
	if bad {
		return int64(abi.BadAddress)
	}
	f.RDX = at
	return int64(n)
}

func sysFileTruncate(s *amd64.UserState, f *amd64.SysFrame) int64 {
	var c fileCall
	ip, no := c.begin(threadOf(s), f.RDI, cap.Write)
	if no != abi.OK {
		return c.end(no)
	}
	return c.changed(files.fs.Truncate(c.task, ip, f.RSI))
}

func sysFileStat(s *amd64.UserState, f *amd64.SysFrame) int64 {
	var c fileCall
	ip, no := c.begin(threadOf(s), f.RDI, cap.Read)
	if no != abi.OK {
		return c.end(no)
	}
	var st fs.Stat
	files.fs.Stat(c.task, ip, &st)
	c.end(abi.OK)
	out := abi.FileInfo{
		Inode: st.Ino, Life: st.Generation, Mode: uint32(st.Mode), Links: st.Links, UID: st.UID, GID: st.GID, Size: st.Size,
		Blocks: st.Blocks, Atime: st.Atime, Mtime: st.Mtime, Ctime: st.Ctime, Btime: st.Btime,
	}
	if !copyOut(f.RSI, &out) {
		return int64(abi.BadAddress)
	}
	return 0
}

func sysFileChange(s *amd64.UserState, f *amd64.SysFrame) int64 {
	var c fileCall
	var in abi.FileInfo
	ip, no := c.begin(threadOf(s), f.RDI, cap.Write)
	switch {
	case no != abi.OK:
	case f.RDX&^(abi.FileSetMode|abi.FileSetOwner|abi.FileSetTimes) != 0:
		no = abi.BadArgument
	case !copyIn(&in, f.RSI):
		no = abi.BadAddress
	}
	if no != abi.OK {
		return c.end(no)
	}
	st := fs.Stat{Mode: uint16(in.Mode), UID: in.UID, GID: in.GID, Atime: in.Atime, Mtime: in.Mtime}
	return c.changed(files.fs.SetAttr(c.task, ip, fs.Set(f.RDX), &st))
}

// Both sides count the same bits.
const (
	_ = -(abi.FileSetMode ^ uint64(fs.SetMode))
	_ = -(abi.FileSetOwner ^ uint64(fs.SetOwner))
	_ = -(abi.FileSetTimes ^ uint64(fs.SetTimes))
)

// listAtOnce is how many names are read at once: so many fit into a page.
const listAtOnce = block.Size / int(unsafe.Sizeof(fs.Entry{}))

// sysFileList copies names, as many as have room, up to a page.
func sysFileList(s *amd64.UserState, f *amd64.SysFrame) int64 {
	var c fileCall
	dir, no := c.begin(threadOf(s), f.RDI, cap.Read)
	if no != abi.OK {
		return c.end(no)
	}
	// SAFETY: the page is the task's, aligned, and as large; an Entry is words and bytes.
	list := unsafe.Slice((*fs.Entry)(unsafe.Pointer(c.ft.pages[1])), listAtOnce)
	n, e := files.fs.ReadDir(c.task, dir, f.R10, list)
	if e != errno.OK {
		return c.end(fileErrno(e))
	}
	page, room, used, next := c.ft.pages[2], min(f.RDX, block.Size), uint64(0), f.R10
	clear(page[:])
	for i := range n {
		o := &list[i]
		head := abi.FileEntry{Next: o.Next, Inode: o.Ino, Type: uint16(o.Type) << 12, Len: uint16(o.Len)}
		size := (uint64(unsafe.Sizeof(head)) + uint64(o.Len) + 7) &^ 7
		if used+size > room {
			if used == 0 {
				return c.end(abi.BadArgument)
			}
			break
		}
		copy(page[used:], bytesOf(&head))
		copy(page[used+uint64(unsafe.Sizeof(head)):], o.Name[:o.Len])
		used += size
		next = o.Next
	}
	if !amd64.CopyOut(f.RSI, page[:used]) {
		return c.end(abi.BadAddress)
	}
	c.end(abi.OK)
	f.RDX = next
	return int64(used)
}

func sysFileText(s *amd64.UserState, f *amd64.SysFrame) int64 {
	var c fileCall
	ip, no := c.begin(threadOf(s), f.RDI, cap.Read)
	if no != abi.OK {
		return c.end(no)
	}
	n, e := files.fs.ReadLink(c.task, ip, c.ft.pages[1][:min(f.RDX, block.Size)])
	if e != errno.OK {
		return c.end(fileErrno(e))
	}
	if !amd64.CopyOut(f.RSI, c.ft.pages[1][:n]) {
		return c.end(abi.BadAddress)
	}
	c.end(abi.OK)
	return int64(n)
}

func sysFileSync(s *amd64.UserState, f *amd64.SysFrame) int64 {
	var c fileCall
	ip, no := c.begin(threadOf(s), f.RDI, cap.Write)
	if no != abi.OK {
		return c.end(no)
	}
	if f.RSI != 0 {
		return c.end(fileErrno(files.fs.SyncAll(c.task)))
	}
	return c.end(fileErrno(files.fs.Sync(c.task, ip)))
}

func sysFileSystem(s *amd64.UserState, f *amd64.SysFrame) int64 {
	var c fileCall
	if _, no := c.begin(threadOf(s), f.RDI, cap.Read); no != abi.OK {
		return c.end(no)
	}
	sp := files.fs.Space()
	c.end(abi.OK)
	out := abi.FileSystemInfo{
		Blocks: sp.Blocks, Free: sp.FreeBlocks, Inodes: sp.Inodes, FreeInodes: sp.FreeInodes, MaxName: uint64(sp.MaxName), ID: sp.ID,
	}
	if !copyOut(f.RSI, &out) {
		return int64(abi.BadAddress)
	}
	return 0
}
