//go:build exouser

package file

import (
	"io"
	"unsafe"

	"exo/kernel/abi"
	"exo/libos/mem"
	"exo/libos/pipe"
	"exo/libos/startpage"
	"exo/libos/sys"
	"exo/libos/wait"
)

func ring(f *startpage.File) *pipe.Ring { return (*pipe.Ring)(unsafe.Pointer(uintptr(f.At))) }

func relax() { sys.Yield(0) }

func self() uint32 {
	p := sys.Start()
	if p.Self == 0 {
		var info abi.EnvInfo
		sys.EnvInspect(0, &info)
		p.Self = info.Number
	}
	return uint32(p.Self)
}

// Pipe makes a pipe. What is written to w can be read from r. When all descriptors for w are closed, in all programs, r ends;
// when all for r are, writing fails with ErrBroken.
func Pipe() (r, w FD, err error) {
	const frames = uint64(pipe.Bytes / mem.PageSize)
	c, _, e := sys.FrameAlloc(mem.Account(), abi.HowNear, 0, frames, 0)
	if e != abi.OK {
		return -1, -1, e
	}
	at, e := mem.MapFrames(c, frames, abi.PermRead|abi.PermWrite, mem.FlagShared)
	if e != abi.OK {
		sys.CapDelete(c)
		return -1, -1, e
	}
	bell := wait.NewBell()
	rf := startpage.File{Kind: isReadEnd, Flags: uint32(Read), At: at, Name: bell}
	wf := startpage.File{Kind: isWriteEnd, Flags: uint32(Write), At: at, Name: bell}
	attach(&rf)
	attach(&wf)
	if r, err = take(rf); err == nil {
		if w, err = take(wf); err == nil {
			return r, w, nil
		}
		table()[r] = startpage.File{}
	}
	detach(&rf)
	detach(&wf)
	return -1, -1, err
}

// kept are the pipes that are mapped: how many descriptors are for each, and children that were given some.
var kept struct {
	lock mem.Lock
	used bool
	all  [MaxFiles]struct {
		at   uint64
		n    int
		bell sys.Cap
	}
}

// keep notes uses of a pipe, and unmaps it when there is none left.
func keep(at uint64, n int, bell sys.Cap) {
	g := &kept
	g.lock.Lock()
	g.used = true
	k := -1
	for i := range g.all {
		if g.all[i].at == at {
			k = i
			break
		}
		if g.all[i].at == 0 && k < 0 {
			k = i
		}
	}
	if k < 0 {
		g.lock.Unlock()
		return // too many: it stays mapped
	}
	g.all[k].at = at
	g.all[k].n += n
	if bell != 0 {
		g.all[k].bell = bell
	}
	gone := g.all[k].n <= 0
	if gone {
		bell = g.all[k].bell
		g.all[k].at, g.all[k].n, g.all[k].bell = 0, 0, 0
	}
	g.lock.Unlock()
	if gone {
		if bell != 0 {
			sys.CapDelete(bell) // and with it those of children
		}
		mem.Unmap(at, uint64(pipe.Bytes))
	}
}

// count notes that a process, the caller or a child of its, has so many more ends as f is.
func count(r *pipe.Ring, f *startpage.File, process uint32, n int) {
	me, parent := self(), self()
	if process == me {
		parent = uint32(sys.Start().Parent)
	}
	readers, writers := n, 0
	if f.Kind == isWriteEnd {
		readers, writers = 0, n
	}
	r.Attach(process, parent, readers, writers, me, relax)
}

func attach(f *startpage.File) {
	if PipeOf(f) != 0 {
		count(ring(f), f, self(), 1)
		keep(f.At, 1, f.Name)
	}
}

func detach(f *startpage.File) {
	count(ring(f), f, self(), -1)
	wait.Ring(f.Name, pipe.BellRead|pipe.BellWrite) // it may have been the last end
	keep(f.At, -1, 0)
}

// AfterFork has the copy forget the pipes that only its parent's children use. For libos/proc.
func AfterFork() {
	theRemote.client.AfterFork()
	gifts.all, gifts.lock = nil, mem.Lock{}
	g := &kept
	if !g.used {
		return
	}
	for i := range g.all {
		at := g.all[i].at
		if at == 0 {
			continue
		}
		n := 0
		for k := range table() {
			if PipeOf(&table()[k]) == at {
				n++
				g.all[i].bell = table()[k].Name
			}
		}
		g.all[i].n = n
		if n == 0 {
			g.all[i].at, g.all[i].bell = 0, 0
			mem.Unmap(at, uint64(pipe.Bytes))
		}
	}
}

func readPipe(f *startpage.File, p []byte, patient bool) (n int, err error) {
	r := ring(f)
	for try := uint64(1); ; try++ {
		if try > wait.Tries {
			r.ReadWaits()
		}
		if n = r.Read(p, self(), relax); n > 0 {
			ring1(f, r.DidRead())
			return n, nil
		}
		if r.Writers() == 0 && r.Len() == 0 { // in this order (G3)
			return 0, io.EOF
		}
		if !patient {
			return 0, ErrAgain
		}
		wait.For(try, f.Name, pipe.BellRead)
	}
}

func writePipe(f *startpage.File, p []byte) (n int, err error) {
	r := ring(f)
	for try := uint64(1); ; try++ {
		if try > wait.Tries {
			r.WriteWaits()
		}
		if r.Readers() == 0 {
			return n, ErrBroken
		}
		k := r.Write(p[n:], self(), relax)
		if k > 0 {
			ring1(f, r.Wrote())
			try = 1
		}
		if n += k; n == len(p) {
			return n, nil
		}
		wait.For(try, f.Name, pipe.BellWrite)
	}
}

func ring1(f *startpage.File, bits uint64) {
	if bits != 0 {
		wait.Ring(f.Name, bits)
	}
}

// ringOf rings the bell of a pipe: somebody who had ends of it is no more.
func ringOf(at uint64) {
	g := &kept
	g.lock.Lock()
	bell := sys.Cap(0)
	for i := range g.all {
		if g.all[i].at == at {
			bell = g.all[i].bell
		}
	}
	g.lock.Unlock()
	wait.Ring(bell, pipe.BellRead|pipe.BellWrite)
}
