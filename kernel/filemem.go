//go:build exokernel

package main

import (
	"unsafe"

	"exo/arch/amd64"
	"exo/kernel/cap"
	"exo/kernel/fs"
	"exo/kernel/fs/block"
	"exo/kernel/fs/cache"
	layout "exo/kernel/fs/disk"
	"exo/kernel/fs/errno"
	"exo/kernel/fs/fsck"
	"exo/kernel/fs/journal"
	"exo/kernel/fs/table"
	"exo/kernel/mm"
	"exo/kernel/numa"
	"exo/kernel/sync"
	"exo/kernel/sync/atom"
)

// Memory for a file system: runs of frames, cut into what a mount wants.

const (
	fileRun  = 64  // frames that are taken at once
	fileRuns = 512 // at most, of a mount and its disk
)

// fileArena is memory that is given back all at once.
type fileArena struct {
	runs [fileRuns]struct {
		first mm.Frame
		n     int
	}
	n       int
	at, end uintptr // what is left of the last one
	missing bool    // some was not to be had
}

// take cuts bytes off, aligned to 64, or a page if it is that or more; nil: there are none.
func (a *fileArena) take(bytes uintptr) unsafe.Pointer {
	bytes = (bytes + 63) &^ 63
	if bytes >= mm.FrameSize {
		bytes = (bytes + mm.FrameSize - 1) &^ (mm.FrameSize - 1)
		a.at = (a.at + mm.FrameSize - 1) &^ (mm.FrameSize - 1)
	}
	if a.at+bytes > a.end && !a.more(int(max(fileRun, bytes/mm.FrameSize))) {
		a.missing = true
		return nil
	}
	// SAFETY: the run is the arena's, in the direct map, and nobody else's until free.
	p := amd64.Pointer(a.at)
	a.at += bytes
	return p
}

func (a *fileArena) more(n int) bool {
	if a.n == len(a.runs) || n > mm.HugeFrames {
		return false
	}
	c := preemptOff()
	f, err := memory.AllocRun(numa.CPU(c.CPU), kernelMemory.Default(), n, 1, mm.Kernel, 0)
	c.PreemptEnable()
	if err != nil {
		return false
	}
	kernelFrames.Add(int64(n))
	a.runs[a.n].first, a.runs[a.n].n = f, n
	a.n++
	a.at = amd64.PhysAddr(f.Addr()).Virt()
	a.end = a.at + uintptr(n)*mm.FrameSize
	return true
}

func (a *fileArena) free() {
	for i := range a.n {
		r := &a.runs[i]
		c := preemptOff()
		freeRun(c.CPU, r.first, uint64(r.n))
		c.PreemptEnable()
		kernelFrames.Add(-int64(r.n))
	}
	a.n, a.at, a.end, a.missing = 0, 0, 0, false
}

// carve takes n zeroed elements.
func carve[T any](a *fileArena, n int) []T {
	var one T
	p := a.take(uintptr(n) * unsafe.Sizeof(one))
	if p == nil {
		return nil
	}
	s := unsafe.Slice((*T)(p), n) // SAFETY: so many fit, and any type is aligned
	clear(s)
	return s
}

// pageList takes n pages, whatever is in them.
func (a *fileArena) pageList(n int) []*block.Page {
	all := carve[*block.Page](a, n)
	for i := range all {
		all[i] = (*block.Page)(a.take(block.Size))
	}
	return all
}

// heads takes as many heads as a table of n wants.
func (a *fileArena) heads(n int) []atom.Uint32 {
	k := 1
	for k < 2*n {
		k *= 2
	}
	return carve[atom.Uint32](a, k)
}

// fileSizes is how much a mount gets.
type fileSizes struct {
	buffers, inodes, groups, frozen int
	disk                            int // pages of a disk in memory, 0: none
}

const (
	leastBuffers = 512
	mostBuffers  = 8192
	leastRAM     = 512
	mostRAM      = 16384
	checkGroups  = 4 // a check looks at so many at once
)

// frames is about how many frames that is, and some more.
func (s *fileSizes) frames() int {
	structs := s.buffers*int(unsafe.Sizeof(cache.Buffer{})+64) + s.inodes*int(unsafe.Sizeof(fs.Inode{})+64) +
		s.groups*int(unsafe.Sizeof(fs.GroupInfo{})) + 16*int(unsafe.Sizeof(fs.Busy{}))
	return s.buffers + s.frozen + s.disk + structs/mm.FrameSize + 2*fileRun
}

// volume is a file system and what it is on.
type volume struct {
	fs     fs.FS
	device block.Device
	ram    ramDisk
	memory fs.Memory
	check  fsck.Memory
	arena  fileArena
	label  fs.Options
	said   int        // findings of a check that were printed
	spare  cap.Object // blocks of the device that are not its
}

// reserve takes the memory; false: there is too little, and nothing is taken.
func (v *volume) reserve(s *fileSizes) bool {
	a := &v.arena
	v.memory = fs.Memory{
		Cache: cache.Memory{
			Buffers: carve[cache.Buffer](a, s.buffers),
			Nodes:   carve[table.Node](a, s.buffers),
			Pages:   a.pageList(s.buffers),
			Heads:   a.heads(s.buffers),
			Ahead:   carve[cache.Ahead](a, 4),
		},
		Journal: journal.Memory{
			Frozen:  a.pageList(s.frozen),
			Bounce:  a.pageList(32),
			Moving:  carve[*cache.Buffer](a, 32),
			Control: a.pageList(s.frozen/layout.MaxTags + 4),
			List:    carve[*cache.Buffer](a, s.frozen),
			Revokes: carve[uint32](a, 2*s.frozen),
			Writes:  carve[journal.Write](a, 8),
		},
		Inodes: carve[fs.Inode](a, s.inodes),
		Nodes:  carve[table.Node](a, s.inodes),
		Heads:  a.heads(s.inodes),
		Groups: carve[fs.GroupInfo](a, s.groups),
		Busy:   carve[fs.Busy](a, 16),
		Label:  (*block.Page)(a.take(block.Size)),
		Opens:  &files.opens,
	}
	groups := min(s.groups, checkGroups)
	v.check.Marks = carve[uint64](a, groups*layout.BlockWords)
	v.check.Names = carve[uint32](a, groups*layout.MaxPerGroup)
	copy(v.check.Pages[:], a.pageList(len(v.check.Pages)))
	if s.disk > 0 {
		v.ram.pages = a.pageList(s.disk)
	}
	if a.missing {
		a.free()
		return false
	}
	return true
}

// ramDisk is a disk in memory.
type ramDisk struct{ pages []*block.Page }

func (d *ramDisk) Geometry() block.Geometry {
	return block.Geometry{Blocks: uint64(len(d.pages)), MaxPages: 1 << 20, Depth: 1}
}

// Submit copies.
func (d *ramDisk) Submit(_ *sync.Context, r *block.Request) {
	for i, p := range r.Pages {
		at := d.pages[r.Block+uint64(i)]
		if r.Op == block.Read {
			*p = *at
		} else {
			*at = *p
		}
	}
	r.Complete(errno.OK)
}
