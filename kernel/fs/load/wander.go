package load

import (
	"exo/kernel/fs"
	"exo/kernel/fs/disk"
	"exo/kernel/fs/errno"
	"exo/kernel/ktest"
)

// Wanderer goes through a file system that may be full of nonsense and does a bit of everything with what it finds. It is one
// task's.
type Wanderer struct {
	Done    uint64 // operations that were not refused
	Refused uint64

	fs      *fs.FS
	task    *fs.Task
	rand    ktest.Rand
	left    int
	names   [wanderDepth][8]fs.Entry
	name    [8]byte
	text    [disk.MaxLink]byte
	content [1000]byte
}

const (
	wanderDepth = 4
	wanderOps   = 300 // at most, and a few more
)

// Wander goes through f, from its root, and returns when it has put whatever it has had in use.
func (w *Wanderer) Wander(f *fs.FS, t *fs.Task, seed uint64) {
	w.fs, w.task, w.rand, w.left, w.Done, w.Refused = f, t, ktest.NewRand(seed), wanderOps, 0, 0
	root, e := f.Root(t)
	if !w.count(e) {
		return
	}
	w.list(root, 0)
	copy(w.name[:], "wandered")
	if ip, e := f.Create(t, root, w.name[:], fs.Attr{}); w.count(e) {
		_, e = f.Write(t, ip, 1<<w.rand.N(31), w.content[:])
		w.count(e)
		f.Put(t, ip)
	}
	w.count(f.SyncAll(t))
	f.Put(t, root)
}

// count says whether an operation was done.
func (w *Wanderer) count(e errno.Errno) bool {
	w.left--
	if e != errno.OK {
		w.Refused++
		return false
	}
	w.Done++
	return true
}

func (w *Wanderer) list(dir *fs.Inode, depth int) {
	for from := uint64(0); w.left > 0; {
		n, e := w.fs.ReadDir(w.task, dir, from, w.names[depth][:])
		if !w.count(e) || n == 0 {
			return
		}
		for i := range n {
			x := &w.names[depth][i]
			from = x.Next
			if w.left > 0 {
				w.visit(dir, x.Name[:x.Len], depth)
			}
		}
	}
}

func (w *Wanderer) visit(dir *fs.Inode, name []byte, depth int) {
	f, t := w.fs, w.task
	ip, e := f.Lookup(t, dir, name)
	if !w.count(e) {
		return
	}
	var st fs.Stat
	f.Stat(t, ip, &st)
	switch ip.Type() {
	case disk.TypeDir:
		if depth+1 < wanderDepth {
			w.list(ip, depth+1)
		}
		if w.rand.N(4) == 0 {
			w.count(f.Rmdir(t, dir, name))
		}
	case disk.TypeLink:
		_, e = f.ReadLink(t, ip, w.text[:])
		w.count(e)
	default:
		for _, at := range [...]uint64{0, w.rand.N(st.Size + 1), st.Size - min(st.Size, 500)} {
			_, e = f.Read(t, ip, at, w.content[:])
			w.count(e)
		}
		if w.rand.N(2) == 0 {
			_, e = f.Write(t, ip, w.rand.N(st.Size%(1<<32)+1), w.content[:])
			w.count(e)
		}
		if w.rand.N(2) == 0 {
			w.count(f.Truncate(t, ip, w.rand.N(st.Size+1)))
		}
	}
	w.name[0], w.name[1] = 'n', 'a'+byte(w.rand.N(26))
	switch w.rand.N(8) {
	case 0, 1:
		w.count(f.Unlink(t, dir, name))
	case 2:
		w.count(f.Rename(t, dir, name, dir, w.name[:2]))
	case 3:
		w.count(f.Link(t, dir, w.name[:2], ip))
	case 4:
		w.count(f.Sync(t, ip))
	}
	f.Put(t, ip)
}
