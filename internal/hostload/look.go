package hostload

import (
	"fmt"

	"exo/kernel/fs"
	"exo/kernel/fs/disk"
	"exo/kernel/fs/errno"
)

// Tree is what is on a disk: paths, without a slash at their beginning, and what they lead to.
type Tree map[string]*Node

// Node is a file or a directory.
type Node struct {
	Ino, Links uint32
	Size       uint64
	Data       string // of a file
	dir        bool
}

// most is how long a file may be that is looked at.
const most = 1 << 20

// Look reads all that is on a mounted disk.
func Look(f *fs.FS, t *fs.Task) (Tree, error) {
	root, e := f.Root(t)
	if e != errno.OK {
		return nil, fmt.Errorf("getting the root: %w", e)
	}
	defer f.Put(t, root)
	all := Tree{}
	return all, look(f, t, root, "", all)
}

func look(f *fs.FS, t *fs.Task, dir *fs.Inode, at string, all Tree) error {
	entries := make([]fs.Entry, 16)
	for from := uint64(0); ; {
		n, e := f.ReadDir(t, dir, from, entries)
		if e != errno.OK || n == 0 {
			return failed("listing", at, e)
		}
		for i := range n {
			x := &entries[i]
			from = x.Next
			name := x.Name[:x.Len]
			ip, e := f.Lookup(t, dir, name)
			if e != errno.OK {
				return failed("finding", at+string(name), e)
			}
			err := node(f, t, ip, at+string(name), all)
			f.Put(t, ip)
			if err != nil {
				return err
			}
		}
	}
}

func node(f *fs.FS, t *fs.Task, ip *fs.Inode, path string, all Tree) error {
	var st fs.Stat
	f.Stat(t, ip, &st)
	x := &Node{Ino: st.Ino, Links: st.Links, Size: st.Size, dir: ip.Type() == disk.TypeDir}
	all[path] = x
	switch {
	case x.dir:
		return look(f, t, ip, path+"/", all)
	case st.Size > most:
		return fmt.Errorf("%s is of %d bytes: nobody has made such a file", path, st.Size)
	}
	b := make([]byte, st.Size)
	n, e := f.Read(t, ip, 0, b)
	if e == errno.OK && uint64(n) != st.Size {
		return fmt.Errorf("reading %s: %d of %d bytes", path, n, st.Size)
	}
	x.Data = string(b)
	return failed("reading", path, e)
}

func failed(doing, path string, e errno.Errno) error {
	if e == errno.OK {
		return nil
	}
	return fmt.Errorf("%s %q: %w", doing, path, e)
}

// same says whether another tree is as this one.
func (was Tree) same(is Tree) error {
	for path, x := range was {
		switch y := is[path]; {
		case y == nil:
			return fmt.Errorf("%q is lost", path)
		case *x != *y:
			return fmt.Errorf("%q has changed", path)
		}
	}
	for path := range is {
		if was[path] == nil {
			return fmt.Errorf("%q is new", path)
		}
	}
	return nil
}
