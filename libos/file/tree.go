//go:build exouser

package file

import (
	"slices"
	"strings"
	"unsafe"

	"exo/kernel/abi"
	"exo/kernel/initramfs"
	"exo/libos/disk"
	"exo/libos/mem"
	"exo/libos/startpage"
	"exo/libos/sys"
)

// The tree of files: those of the initramfs, which do not change, and over them those that user/fsd
// keeps, which all programs share; and below /disk the kernel's.

var trees struct {
	lock  mem.Lock
	files []byte // the initramfs
	tree  initramfs.Archive
}

// archive is the initramfs.
func archive() ([]byte, error) {
	g := &trees
	g.lock.Lock()
	defer g.lock.Unlock()
	if g.files == nil {
		files, e := mem.MapFiles()
		if e != abi.OK {
			return nil, e
		}
		tree, err := initramfs.Open(files)
		if err != nil {
			return nil, err
		}
		g.files, g.tree = files, tree
	}
	return g.files, nil
}

// lookup finds a file of the initramfs, following symbolic links.
func lookup(path string) (initramfs.Entry, bool) {
	if _, err := archive(); err != nil {
		return initramfs.Entry{}, false
	}
	for range 8 {
		e, ok := trees.tree.Lookup(path)
		if !ok || e.Type() != initramfs.TypeSymlink {
			return e, ok
		}
		folder, _ := split(path)
		to := string(e.Data)
		if !strings.HasPrefix(to, "/") {
			to = folder + "/" + to
		}
		path = clean(to)
	}
	return initramfs.Entry{}, false
}

func infoOfEntry(path string, e initramfs.Entry) Info {
	_, name := split(path)
	i := Info{Name: name, Size: uint64(len(e.Data)), Fixed: true, Runs: e.Mode&0o111 != 0}
	switch e.Type() {
	case initramfs.TypeDir:
		i.Kind, i.Size = Folder, 0
	case initramfs.TypeSymlink:
		i.Kind = Link
	}
	return i
}

func infoOf(i disk.Info) Info {
	_, name := split(i.Path)
	info := Info{Name: name, Size: i.Size}
	if i.Folder {
		info.Kind = Folder
	}
	return info
}

// Stat tells about a file.
func Stat(path string) (Info, error) { return stat(absolute(path)) }

func stat(p string) (Info, error) {
	switch p {
	case "":
		return Info{Kind: Folder, Fixed: true}, nil
	case null:
		return Info{Name: "null", Kind: Null, Fixed: true}, nil
	}
	if root, rest, ok := mounted(p); ok {
		return statMounted(root, rest)
	}
	if d, err := theDisk(); err == nil {
		if _, i, err := d.Lookup(p); err == nil {
			return infoOf(i), nil
		}
	}
	if e, ok := lookup(p); ok {
		return infoOfEntry(p, e), nil
	}
	return Info{}, ErrNone
}

// isFolder says whether something may be put there.
func isFolder(path string) bool {
	i, err := stat(path)
	return err == nil && i.Kind == Folder
}

// Open opens a file.
func Open(path string, flags Flags) (FD, error) {
	p := absolute(path)
	if p == null {
		return take(startpage.File{Kind: isNull, Flags: uint32(flags)})
	}
	if root, rest, ok := mounted(p); ok {
		return openMounted(root, rest, flags)
	}
	d, errDisk := theDisk()
	if errDisk == nil {
		ref, i, err := d.Lookup(p)
		e, ok := initramfs.Entry{}, false
		if err != nil {
			e, ok = lookup(p)
		}
		switch {
		case err == nil && i.Folder || p == "":
			return -1, ErrFolder
		case err == nil && flags&Exclusive != 0:
			return -1, ErrExists
		case err == nil && flags&Truncate != 0 && flags&Write != 0:
			d.Truncate(ref)
		case err == nil:
		case ok && flags&Write == 0:
			return openFixed(p, e, flags)
		case ok:
			return -1, ErrFixed
		case flags&Create == 0:
			return -1, ErrNone
		default:
			folder, _ := split(p)
			if !isFolder(folder) {
				return -1, ErrNone
			}
			if ref, err = d.Create(p, false); err != nil {
				return -1, errorOfDisk(err)
			}
		}
		return take(startpage.File{Kind: isDisk, Flags: uint32(flags), At: uint64(ref.Index), More: uint64(ref.Life)})
	}
	if flags&(Write|Create) != 0 {
		return -1, errDisk
	}
	e, ok := lookup(p)
	if !ok {
		return -1, ErrNone
	}
	return openFixed(p, e, flags)
}

func openFixed(path string, e initramfs.Entry, flags Flags) (FD, error) {
	switch e.Type() {
	case initramfs.TypeDir:
		return -1, ErrFolder
	case initramfs.TypeRegular:
	default:
		return -1, ErrKind
	}
	files, err := archive()
	if err != nil {
		return -1, err
	}
	at := uintptr(unsafe.Pointer(unsafe.SliceData(e.Data))) - uintptr(unsafe.Pointer(unsafe.SliceData(files)))
	return take(startpage.File{Kind: isFixed, Flags: uint32(flags | Read), At: uint64(at), More: uint64(len(e.Data))})
}

// ReadFile returns all of a file; for one of the initramfs without copying: it cannot be changed.
func ReadFile(path string) ([]byte, error) {
	p := absolute(path)
	if root, rest, ok := mounted(p); ok {
		return readMounted(root, rest)
	}
	if d, err := theDisk(); err == nil {
		if ref, i, err := d.Lookup(p); err == nil {
			if i.Folder {
				return nil, ErrFolder
			}
			data := make([]byte, i.Size)
			n, err := d.Read(ref, 0, data)
			return data[:n], errorOfDisk(err)
		}
	}
	e, ok := lookup(p)
	switch {
	case !ok:
		return nil, ErrNone
	case e.Type() == initramfs.TypeDir:
		return nil, ErrFolder
	}
	return e.Data, nil
}

// ReadDir tells about what is in a folder, in order of names.
func ReadDir(path string) ([]Info, error) {
	p := absolute(path)
	if i, err := stat(p); err != nil {
		return nil, err
	} else if i.Kind != Folder {
		return nil, ErrNoFolder
	}
	var all []Info
	if root, rest, ok := mounted(p); ok {
		all, err := listMounted(root, rest)
		slices.SortFunc(all, byName)
		return all, err
	}
	if _, _, ok := mounted(mountPoint); ok && p == "" {
		all = append(all, Info{Name: mountPoint, Kind: Folder})
	}
	if d, err := theDisk(); err == nil {
		d.List(p, func(i disk.Info) bool {
			all = append(all, infoOf(i))
			return true
		})
	}
	if _, err := archive(); err == nil {
		trees.tree.Entries(func(e initramfs.Entry) bool {
			folder, name := split(e.Name)
			same := func(i Info) bool { return i.Name == name }
			if folder == p && name != "." && !slices.ContainsFunc(all, same) {
				all = append(all, infoOfEntry(e.Name, e))
			}
			return true
		})
	}
	slices.SortFunc(all, byName)
	return all, nil
}

func byName(a, b Info) int { return strings.Compare(a.Name, b.Name) }

// Remove removes a file or an empty folder.
func Remove(path string) error {
	if root, rest, ok := mounted(absolute(path)); ok {
		return removeMounted(root, rest)
	}
	d, p, err := changeable(path)
	if err != nil {
		return err
	}
	return errorOfDisk(d.Remove(p))
}

// Mkdir makes a folder.
func Mkdir(path string) error {
	if root, rest, ok := mounted(absolute(path)); ok {
		if rest == "" {
			return ErrExists
		}
		return within(root, rest, func(dir sys.Cap, name string) abi.Errno { return sys.FileMake(dir, name, abi.FileTypeFolder|0o755) })
	}
	d, err := theDisk()
	if err != nil {
		return err
	}
	p := absolute(path)
	if _, err := stat(p); err == nil {
		return ErrExists
	}
	if folder, _ := split(p); !isFolder(folder) {
		return ErrNone
	}
	_, err = d.Create(p, true)
	return errorOfDisk(err)
}

// Rename gives a file another name; a file of that name is replaced. ErrKind: it would have to be copied.
func Rename(from, to string) error {
	root, rest, ok := mounted(absolute(from))
	_, target, ok2 := mounted(absolute(to))
	switch {
	case ok != ok2:
		return ErrKind
	case ok:
		return renameMounted(root, rest, target)
	}
	d, p, err := changeable(from)
	if err != nil {
		return err
	}
	q := absolute(to)
	if _, ok := lookup(q); ok {
		return ErrFixed
	}
	if folder, _ := split(q); !isFolder(folder) {
		return ErrNone
	}
	return errorOfDisk(d.Rename(p, q))
}

// changeable finds a file that is not of the initramfs.
func changeable(path string) (store, string, error) {
	d, err := theDisk()
	if err != nil {
		return nil, "", err
	}
	p := absolute(path)
	if _, _, err := d.Lookup(p); err == nil {
		return d, p, nil
	}
	if _, ok := lookup(p); ok || p == "" {
		return nil, "", ErrFixed
	}
	return nil, "", ErrNone
}

func errorOfDisk(err error) error {
	switch err {
	case nil:
		return nil
	case error(disk.ErrNone):
		return ErrNone
	case error(disk.ErrExists):
		return ErrExists
	case error(disk.ErrFull):
		return ErrFull
	case error(disk.ErrName):
		return ErrName
	case error(disk.ErrNotEmpty):
		return ErrNotEmpty
	case error(disk.ErrFolder):
		return ErrFolder
	}
	return err
}
