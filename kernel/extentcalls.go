//go:build exokernel

package main

import (
	"exo/arch/amd64"
	"exo/kernel/abi"
	"exo/kernel/cap"
	"exo/kernel/fs/block"
	"exo/kernel/fs/errno"
)

// System calls: extents, ranges of blocks of the disk which its file system leaves alone. What they are used for is the library OS's
// business: the kernel keeps nothing of them, in no cache, and puts what is read or written through a few pages of its own. The initial
// environment has all that is beyond the file system (beyond in files.go); smaller ones with fewer rights are derived from that.
//
// Guarantees:
//
// G1. A call touches no block that is not in its capability's range, and needs the right for what it does, which is looked at again
// for each piece. A piece that is under way when the capability is revoked goes on to its end.
// G2. What is refused has changed nothing. A call that says less than it was asked has done that much, from the first on.
// G3. Blocks outlast a loss of power when ExtentFlush has returned after ExtentWrite had. Until then each sector may be there or not.
//
// Progress: a call ends when the disk has answered, whatever is pending for the thread.
// Locks: a task of files.go. Not promised: in which order two calls for one block happen, nor that they do not mix, by sectors.

func sysExtentRead(s *amd64.UserState, f *amd64.SysFrame) int64 {
	return moveBlocks(threadOf(s), f, block.Read, cap.Read)
}

func sysExtentWrite(s *amd64.UserState, f *amd64.SysFrame) int64 {
	return moveBlocks(threadOf(s), f, block.Write, cap.Write)
}

func sysExtentFlush(s *amd64.UserState, f *amd64.SysFrame) int64 {
	irqOn()
	t := threadOf(s)
	if no := t.extentCheck(f.RDI, cap.Write); no != abi.OK {
		return int64(no)
	}
	if files.device == nil {
		return int64(abi.NoFiles)
	}
	ft := enterFiles()
	no := t.extentCheck(f.RDI, cap.Write) // that was a while ago
	if no == abi.OK {
		no = fileErrno(ft.task.Flush(files.device))
	}
	ft.leave()
	return int64(no)
}

func (t *thread) extentCheck(name uint64, need cap.Rights) abi.Errno {
	if err := capTab.Check(cap.Name(name), t.env.holder(), cap.Kind(abi.KindExtent), need); err != nil {
		return capErrno(err)
	}
	return abi.OK
}

// moveBlocks reads or writes: extent, where in memory, how many, from which one on.
func moveBlocks(t *thread, f *amd64.SysFrame, op block.Op, need cap.Rights) int64 {
	irqOn()
	o, err := capTab.Lookup(cap.Name(f.RDI), t.env.holder(), cap.Kind(abi.KindExtent), need)
	n := min(f.RDX, fileMost/block.Size)
	switch {
	case err != nil:
		return int64(capErrno(err))
	case f.RSI%block.Size != 0 || f.RDX == 0 || f.R10 >= o.Second || f.RDX > o.Second-f.R10:
		return int64(abi.BadArgument)
	case !amd64.CanRead(f.RSI, n*block.Size):
		return int64(abi.BadAddress)
	case files.device == nil:
		return int64(abi.NoFiles)
	}
	ft := enterFiles()
	done, no := uint64(0), abi.OK
	for done < n && no == abi.OK {
		var k uint64
		if no = t.extentCheck(f.RDI, need); no == abi.OK {
			k, no = ft.movePiece(op, f.RSI+done*block.Size, o.First+f.R10+done, n-done)
		}
		done += k
	}
	ft.leave()
	if done == 0 {
		return int64(no)
	}
	return int64(done)
}

// movePiece reads or writes n blocks of the device, from block first on, or as many as it has pages for, and says how many.
func (t *fileTask) movePiece(op block.Op, at, first, n uint64) (uint64, abi.Errno) {
	n = min(n, uint64(len(t.pages)), uint64(files.device.Geometry().MaxPages))
	pages := t.pages[:n]
	if op == block.Write && !eachPage(pages, at, copyPageIn) {
		return 0, abi.BadAddress
	}
	r := &t.req
	r.Op, r.Block, r.Pages, r.Then = op, first, pages, nil
	if e := block.Do(files.device, t.task.C, r); e != errno.OK {
		return 0, fileErrno(e)
	}
	if op == block.Read && !eachPage(pages, at, copyPageOut) {
		return 0, abi.BadAddress
	}
	return n, abi.OK
}

func eachPage(pages []*block.Page, at uint64, do func(p *block.Page, at uint64) bool) bool {
	for i, p := range pages {
		if !do(p, at+uint64(i)*block.Size) {
			return false
		}
	}
	return true
}

func copyPageIn(p *block.Page, at uint64) bool  { return amd64.CopyIn(p[:], at) }
func copyPageOut(p *block.Page, at uint64) bool { return amd64.CopyOut(at, p[:]) }
