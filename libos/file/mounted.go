//go:build exouser

package file

import (
	"strings"
	"unsafe"

	"exo/kernel/abi"
	"exo/libos/heap"
	"exo/libos/mem"
	"exo/libos/startpage"
	"exo/libos/sys"
)

// The kernel's files, below /disk: those that outlast the machine's being turned off, if it has a disk. A descriptor holds a
// capability for what it is open for. Symbolic links are followed here.

// mountPoint is where they are, as clean calls it.
const mountPoint = "disk"

// rightsToRead and more are what descriptors, and walks, ask for.
const (
	rightsToRead = abi.RightRead | abi.RightDelete | abi.RightDerive | abi.RightTransfer
	rightsToAll  = rightsToRead | abi.RightWrite | abi.RightExecute
	maxLinks     = 8
	maxLinkText  = 4096
)

// mounted is the root directory's capability, if a clean path leads below the mount point, and the path from there.
func mounted(path string) (root sys.Cap, rest string, ok bool) {
	if path != mountPoint && !strings.HasPrefix(path, mountPoint+"/") {
		return 0, "", false
	}
	if root = sys.StartCap(startpage.RoleRoot, 0); root == 0 {
		return 0, "", false
	}
	return root, strings.TrimPrefix(path[len(mountPoint):], "/"), true
}

// found is what a path leads to.
type found struct {
	c    sys.Cap // to be dropped
	root bool    // it is the root's: not to be
	mode uint32
	size uint64
	path string // where it is: links have been followed
}

func (f *found) drop() {
	if !f.root {
		sys.CapDelete(f.c)
	}
}

func (f *found) is(typ uint32) bool { return f.mode&abi.FileTypeMask == typ }

// find opens a path below the root, following links.
func find(root sys.Cap, rest string, rights uint64) (found, error) {
	for range maxLinks {
		if rest == "" {
			return found{c: root, root: true, mode: abi.FileTypeFolder}, nil
		}
		c, mode, size, e := sys.FileOpen(root, rest, rights)
		f := found{c: c, mode: mode, size: size, path: rest}
		switch {
		case e == abi.OK && !f.is(abi.FileTypeSymlink):
			return f, nil
		case e == abi.OK:
			to, e := follow(c, rest)
			f.drop()
			if e != abi.OK {
				return found{}, errorOfFile(e)
			}
			rest = to
		case e == abi.NotDirectory: // perhaps a link stands for one
			to, ok := followFirst(root, rest)
			if !ok {
				return found{}, ErrNoFolder
			}
			rest = to
		default:
			return found{}, errorOfFile(e)
		}
	}
	return found{}, ErrName
}

// follow is where a link at a path leads: below the root, whatever it says.
func follow(link sys.Cap, at string) (string, abi.Errno) {
	text := make([]byte, maxLinkText)
	n, e := sys.FileText(link, text)
	if e != abi.OK {
		return "", e
	}
	to := string(text[:n])
	if !strings.HasPrefix(to, "/") {
		folder, _ := split(at)
		to = folder + "/" + to
	}
	return clean(to), abi.OK
}

// followFirst follows the first link on the way along a path.
func followFirst(root sys.Cap, rest string) (string, bool) {
	for i := range len(rest) {
		if rest[i] != '/' {
			continue
		}
		c, mode, _, e := sys.FileOpen(root, rest[:i], rightsToRead)
		if e != abi.OK {
			return "", false
		}
		to := ""
		if mode&abi.FileTypeMask == abi.FileTypeSymlink {
			to, e = follow(c, rest[:i])
		}
		sys.CapDelete(c)
		if e != abi.OK {
			return "", false
		}
		if to != "" {
			return clean(to + rest[i:]), true
		}
	}
	return "", false
}

// within calls do with the directory that a path's last part is in.
func within(root sys.Cap, rest string, do func(dir sys.Cap, name string) abi.Errno) error {
	folder, name := split(rest)
	if name == "" {
		return ErrFixed
	}
	f, err := find(root, folder, rightsToAll)
	if err != nil {
		return err
	}
	defer f.drop()
	return errorOfFile(do(f.c, name))
}

func (f *found) info(name string) Info {
	i := Info{Name: name, Size: f.size, Runs: f.mode&0o111 != 0}
	switch f.mode & abi.FileTypeMask {
	case abi.FileTypeFolder:
		i.Kind, i.Size, i.Runs = Folder, 0, false
	case abi.FileTypeSymlink:
		i.Kind = Link
	}
	return i
}

func statMounted(root sys.Cap, rest string) (Info, error) {
	f, err := find(root, rest, rightsToRead)
	if err != nil {
		return Info{}, err
	}
	f.drop()
	if rest == "" {
		return Info{Name: mountPoint, Kind: Folder}, nil
	}
	_, name := split(rest)
	return f.info(name), nil
}

func openMounted(root sys.Cap, rest string, flags Flags) (FD, error) {
	rights := uint64(rightsToRead)
	if flags&Write != 0 {
		rights |= abi.RightWrite
	}
	f, err := find(root, rest, rights)
	if err == error(ErrNone) && flags&Create != 0 {
		err = within(root, rest, func(dir sys.Cap, name string) abi.Errno {
			return sys.FileMake(dir, name, abi.FileTypeRegular|0o644)
		})
		if err == error(ErrExists) && flags&Exclusive == 0 { // somebody was faster
			err = nil
		}
		if err == nil {
			flags &^= Exclusive
			f, err = find(root, rest, rights)
		}
	}
	if err != nil {
		return -1, err
	}
	var e abi.Errno
	switch {
	case f.is(abi.FileTypeFolder):
		f.drop()
		return -1, ErrFolder
	case flags&Exclusive != 0 && flags&Create != 0:
		f.drop()
		return -1, ErrExists
	case flags&Truncate != 0 && flags&Write != 0 && f.size > 0:
		e = sys.FileTruncate(f.c, 0)
	}
	fd := FD(-1)
	if err = errorOfFile(e); err == nil {
		fd, err = take(startpage.File{Kind: isFile, Flags: uint32(flags), Name: f.c})
	}
	if err != nil {
		f.drop()
	}
	return fd, err
}

func readMounted(root sys.Cap, rest string) ([]byte, error) {
	f, err := find(root, rest, rightsToRead)
	if err != nil {
		return nil, err
	}
	defer f.drop()
	if f.is(abi.FileTypeFolder) {
		return nil, ErrFolder
	}
	data, n := make([]byte, f.size), 0
	for n < len(data) {
		k, e := sys.FileRead(f.c, data[n:], uint64(n))
		if e != abi.OK {
			return nil, errorOfFile(e)
		}
		if k == 0 {
			break
		}
		n += k
	}
	return data[:n], nil
}

// listMounted tells about what is in a folder, in no order.
func listMounted(root sys.Cap, rest string) (all []Info, err error) {
	dir, err := find(root, rest, rightsToRead)
	if err != nil {
		return nil, err
	}
	defer dir.drop()
	const head = int(unsafe.Sizeof(abi.FileEntry{}))
	var words [512]uint64
	for from := uint64(0); ; {
		n, next, e := sys.FileList(dir.c, words[:], from)
		if e != abi.OK {
			return nil, errorOfFile(e)
		}
		if n == 0 {
			return all, nil
		}
		// SAFETY: the kernel has written so many bytes, of entries as abi has them.
		b := unsafe.Slice((*byte)(unsafe.Pointer(&words)), n)
		for len(b) >= head {
			o := (*abi.FileEntry)(unsafe.Pointer(&b[0]))
			i := Info{Name: string(b[head : head+int(o.Len)])}
			if c, mode, size, e := sys.FileOpen(dir.c, i.Name, rightsToRead); e == abi.OK {
				sys.CapDelete(c)
				i = (&found{mode: mode, size: size}).info(i.Name)
			}
			all = append(all, i)
			b = b[min(len(b), (head+int(o.Len)+7)&^7):]
		}
		from = next
	}
}

func removeMounted(root sys.Cap, rest string) error {
	return within(root, rest, func(dir sys.Cap, name string) abi.Errno {
		e := sys.FileRemove(dir, name, 0)
		if e == abi.IsDirectory {
			e = sys.FileRemove(dir, name, 1)
		}
		return e
	})
}

func renameMounted(root sys.Cap, from, to string) error {
	return within(root, from, func(dir sys.Cap, name string) abi.Errno {
		e := abi.OK
		err := within(root, to, func(dir2 sys.Cap, target string) abi.Errno {
			e = sys.FileRename(dir, name, dir2, target)
			return e
		})
		if e == abi.OK && err != nil {
			return abi.NotFound
		}
		return e
	})
}

// Sync returns when all that was written below /disk outlasts a loss of power.
func Sync() error {
	root := sys.StartCap(startpage.RoleRoot, 0)
	if root == 0 {
		return ErrNone
	}
	return errorOfFile(sys.FileSync(root, true))
}

// gifts are the files' capabilities that children hold others below: these are deleted when the last such child has ended, and no
// descriptor is for them.
var gifts struct {
	lock mem.Lock
	all  []gift
}

type gift struct {
	name    sys.Cap
	process uint64
}

// giveFile derives a child's capability for an open file.
func giveFile(f *startpage.File, process uint64, give func(name sys.Cap, rights uint64) sys.Cap) sys.Cap {
	rights := uint64(rightsToRead)
	if Flags(f.Flags)&Write != 0 {
		rights |= abi.RightWrite
	}
	g := &gifts
	g.lock.Lock()
	if len(g.all) == cap(g.all) {
		heap.Keep()
	}
	g.all = append(g.all, gift{f.Name, process})
	g.lock.Unlock()
	return give(f.Name, rights)
}

// dropFile deletes a capability that a descriptor was for, unless somebody needs it.
func dropFile(name sys.Cap) {
	g := &gifts
	g.lock.Lock()
	defer g.lock.Unlock()
	for _, o := range g.all {
		if o.name == name {
			return
		}
	}
	if !isOpen(name) {
		sys.CapDelete(name)
	}
}

// takeBack notes that a child needs none any more.
func takeBack(process uint64) {
	g := &gifts
	if len(g.all) == 0 {
		return
	}
	for i := 0; i < len(g.all); {
		g.lock.Lock()
		o := g.all[i]
		if o.process == process {
			g.all[i] = g.all[len(g.all)-1]
			g.all = g.all[:len(g.all)-1]
		} else {
			i++
		}
		g.lock.Unlock()
		if o.process == process {
			dropFile(o.name)
		}
	}
}

// isOpen says whether a descriptor has a capability.
func isOpen(name sys.Cap) bool {
	for i, t := 0, table(); i < len(t); i++ {
		if t[i].Kind == isFile && t[i].Name == name {
			return true
		}
	}
	return false
}

func (fd FD) statFile(c sys.Cap) (Info, error) {
	var i abi.FileInfo
	if e := sys.FileStat(c, &i); e != abi.OK {
		return Info{}, errorOfFile(e)
	}
	info := (&found{mode: i.Mode, size: i.Size}).info("")
	info.tell(&i)
	return info, nil
}

// writeFile writes all of p, or says why not.
func writeFile(f *startpage.File, p []byte) (n int, err error) {
	for n < len(p) {
		at := f.Offset
		if Flags(f.Flags)&Append != 0 {
			at = abi.Forever
		}
		k, where, e := sys.FileWrite(f.Name, p[n:], at)
		if e != abi.OK {
			return n, errorOfFile(e)
		}
		if k == 0 {
			return n, ErrFull
		}
		n += k
		f.Offset = where + uint64(k)
	}
	return n, nil
}

func errorOfFile(e abi.Errno) error {
	switch e {
	case abi.OK:
		return nil
	case abi.NotFound, abi.Stale, abi.NoFiles:
		return ErrNone
	case abi.Exists:
		return ErrExists
	case abi.IsDirectory:
		return ErrFolder
	case abi.NotDirectory:
		return ErrNoFolder
	case abi.NotEmpty:
		return ErrNotEmpty
	case abi.ReadOnly:
		return ErrFixed
	case abi.BadRights:
		return ErrAccess
	case abi.NoSpace, abi.NoInodes:
		return ErrFull
	case abi.BadName, abi.TooLong, abi.Loop:
		return ErrName
	}
	return e
}
