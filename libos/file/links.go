//go:build exouser

package file

import (
	"exo/kernel/abi"
	"exo/kernel/initramfs"
	"exo/libos/startpage"
	"exo/libos/sys"
)

// Names that lead to other names, and what there is to be known of a file beside its name. Links can be made below /disk only.

// Lstat tells about a file; of a symbolic link, about the link. Below /disk it tells everything.
func Lstat(path string) (Info, error) {
	p := absolute(path)
	if root, rest, ok := mounted(p); ok && rest != "" {
		i := Info{}
		err := within(root, rest, func(dir sys.Cap, name string) abi.Errno {
			c, mode, size, e := sys.FileOpen(dir, name, rightsToRead)
			if e == abi.OK {
				f := found{c: c, mode: mode, size: size}
				i = f.info(name)
				e = i.more(c)
				f.drop()
			}
			return e
		})
		return i, err
	}
	if e, ok := linkOfArchive(p); ok {
		return infoOfEntry(p, e), nil
	}
	return stat(p)
}

// linkOfArchive finds a symbolic link of the initramfs, which nothing lies over.
func linkOfArchive(p string) (initramfs.Entry, bool) {
	if d, err := theDisk(); err == nil {
		if _, _, err := d.Lookup(p); err == nil {
			return initramfs.Entry{}, false
		}
	}
	if _, err := archive(); err != nil {
		return initramfs.Entry{}, false
	}
	e, ok := trees.tree.Lookup(p)
	return e, ok && e.Type() == initramfs.TypeSymlink
}

// more adds what only the inode says.
func (i *Info) more(c sys.Cap) abi.Errno {
	var f abi.FileInfo
	e := sys.FileStat(c, &f)
	i.tell(&f)
	return e
}

func (i *Info) tell(f *abi.FileInfo) {
	i.ID, i.Links, i.Blocks = uint64(f.Life)<<32|uint64(f.Inode), f.Links, f.Blocks
	i.Mode, i.Modified, i.Made = f.Mode, f.Mtime, f.Btime
}

// ReadLink is what a symbolic link says.
func ReadLink(path string) (text string, err error) {
	p := absolute(path)
	root, rest, ok := mounted(p)
	if !ok {
		if e, ok := linkOfArchive(p); ok {
			return string(e.Data), nil
		}
		return "", ErrKind
	}
	err = within(root, rest, func(dir sys.Cap, name string) abi.Errno {
		c, _, _, e := sys.FileOpen(dir, name, rightsToRead)
		if e != abi.OK {
			return e
		}
		b := make([]byte, maxLinkText)
		n, e := sys.FileText(c, b)
		text = string(b[:n])
		sys.CapDelete(c)
		return e
	})
	return text, err
}

// Symlink makes a symbolic link that says text.
func Symlink(text, path string) error {
	root, rest, ok := mounted(absolute(path))
	if !ok {
		return ErrNoLinks
	}
	return within(root, rest, func(dir sys.Cap, name string) abi.Errno { return sys.FileSymlink(dir, name, text) })
}

// Hardlink gives a file one more name.
func Hardlink(from, to string) error {
	root, rest, ok := mounted(absolute(from))
	root2, target, ok2 := mounted(absolute(to))
	if !ok || !ok2 {
		return ErrNoLinks
	}
	f, err := find(root, rest, rightsToAll)
	if err != nil {
		return err
	}
	defer f.drop()
	return within(root2, target, func(dir sys.Cap, name string) abi.Errno { return sys.FileLink(dir, name, f.c) })
}

// Same says whether two descriptors are for the same file.
func Same(a, b FD) bool {
	f, err := a.entry()
	g, err2 := b.entry()
	if err != nil || err2 != nil || f.Kind != g.Kind {
		return false
	}
	switch f.Kind {
	case isDisk, isFixed:
		return f.At == g.At && f.More == g.More
	case isFile:
		i, err := a.Stat()
		j, err2 := b.Stat()
		return err == nil && err2 == nil && i.ID == j.ID
	}
	return false
}

// Empty throws away what is in a file.
func (fd FD) Empty() error {
	f, err := fd.entry()
	switch {
	case err != nil:
		return err
	case Flags(f.Flags)&Write == 0:
		return ErrAccess
	case f.Kind == isFile:
		return errorOfFile(sys.FileTruncate(f.Name, 0))
	case f.Kind == isDisk:
		d, err := theDisk()
		if err != nil {
			return err
		}
		return errorOfDisk(d.Truncate(refOf(f)))
	}
	return nil
}

// Sync returns when what was written to a file outlasts a loss of power. What is in memory never does: nothing is done.
func (fd FD) Sync() error {
	f, err := fd.entry()
	if err != nil || f.Kind != isFile {
		return err
	}
	return errorOfFile(sys.FileSync(f.Name, false))
}

// Space is how much a place for files has, in bytes, and how many files there may be.
type Space struct {
	Place              string
	Bytes, Free        uint64
	MaxFiles, MoreFree uint64
}

// Spaces tells about all places.
func Spaces() (all []Space) {
	if d, err := theDisk(); err == nil {
		if s, err := d.Space(); err == nil {
			all = append(all, Space{"/", s.Bytes, s.Free, s.Files, s.FreeFiles})
		}
	}
	var f abi.FileSystemInfo
	if root := sys.StartCap(startpage.RoleRoot, 0); root != 0 && sys.FileSystem(root, &f) == abi.OK {
		all = append(all, Space{"/" + mountPoint, f.Blocks * 4096, f.Free * 4096, f.Inodes, f.FreeInodes})
	}
	return all
}
