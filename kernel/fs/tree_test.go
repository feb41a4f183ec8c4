package fs_test

import (
	"fmt"
	"slices"
	"strings"

	"exo/kernel/fs"
	"exo/kernel/fs/disk"
	"exo/kernel/fs/errno"
)

// A node is what a test sees of an inode, and a tree what it sees of a file system: nodes by path.
type node struct {
	typ          uint16
	mode         uint16
	links        uint32
	size         uint64
	mtime, ctime int64
	data         string // of a file; the text of a link
}

type tree map[string]node

// String is the tree but for data, a line for each node.
func (tr tree) String() string {
	var lines []string
	for p, n := range tr {
		lines = append(lines, fmt.Sprintf("%s type=%o mode=%o links=%d size=%d mtime=%d ctime=%d", p, n.typ, n.mode, n.links, n.size, n.mtime, n.ctime))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// look reads a whole file system.
func look(f *fs.FS, t *fs.Task) (tree, error) {
	tr := tree{}
	root, e := f.Root(t)
	if e != errno.OK {
		return nil, fmt.Errorf("root: %w", e)
	}
	return tr, lookAt(f, t, root, "/", tr, 0)
}

// lookAt reads what is below an inode, and puts it.
func lookAt(f *fs.FS, t *fs.Task, ip *fs.Inode, path string, tr tree, depth int) error {
	defer f.Put(t, ip)
	var st fs.Stat
	f.Stat(t, ip, &st)
	n := node{typ: st.Mode & disk.TypeMask, mode: st.Mode &^ disk.TypeMask, links: st.Links, size: st.Size, mtime: st.Mtime, ctime: st.Ctime}
	if _, there := tr[path]; there || depth > 20 {
		return fmt.Errorf("%s: twice, or too deep", path)
	}
	switch n.typ {
	case disk.TypeFile:
		if st.Size < 1<<24 {
			b := make([]byte, st.Size)
			if k, e := f.Read(t, ip, 0, b); e != errno.OK || k != len(b) {
				return fmt.Errorf("%s: read %d of %d bytes: %w", path, k, len(b), e)
			}
			n.data = string(b)
		}
	case disk.TypeLink:
		b := make([]byte, disk.MaxLink)
		k, e := f.ReadLink(t, ip, b)
		if e != errno.OK {
			return fmt.Errorf("%s: %w", path, e)
		}
		n.data = string(b[:k])
	case disk.TypeDir:
		var from, seen uint64
		for {
			var es [16]fs.Entry
			k, e := f.ReadDir(t, ip, from, es[:])
			if e != errno.OK {
				return fmt.Errorf("%s: %w", path, e)
			}
			if k == 0 {
				break
			}
			for _, x := range es[:k] {
				seen++
				from = x.Next
				name := x.Name[:x.Len]
				child, e := f.Lookup(t, ip, name)
				if e != errno.OK {
					return fmt.Errorf("%s%s: %w", path, name, e)
				}
				if uint16(x.Type)<<12 != child.Type() || child.Number() != x.Ino {
					f.Put(t, child)
					return fmt.Errorf("%s%s: the name says another type or inode", path, name)
				}
				below := path + string(name)
				if child.Type() == disk.TypeDir {
					below += "/"
				}
				if err := lookAt(f, t, child, below, tr, depth+1); err != nil {
					return err
				}
			}
		}
		if seen != st.Size {
			return fmt.Errorf("%s: %d names, and says %d", path, seen, st.Size)
		}
	}
	tr[path] = n
	return nil
}
