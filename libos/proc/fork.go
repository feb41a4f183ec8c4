//go:build exouser

package proc

import (
	"runtime"
	"unsafe"

	"exo/kernel/abi"
	"exo/libos/file"
	"exo/libos/mem"
	"exo/libos/startpage"
	"exo/libos/sys"
	"exo/libos/upcall"
	"exo/libos/wait"
)

// checkpoint calls forkFrom, and returns what that returns; in the copy, 0.
func checkpoint() (id int64)

// Fork starts a copy of the caller, with its memory as it is, and returns 0 there. Only the calling thread is in the copy; what
// others hold stays held there.
func Fork() (ID, error) {
	if full() {
		return 0, ErrMany
	}
	switch id := checkpoint(); {
	case id == 0:
		children.n = 0 // they are the parent's
		making = mem.Lock{}
		wait.AfterFork()
		file.AfterFork()
		return 0, nil
	case id < 0:
		return 0, abi.Errno(id)
	default:
		return ID(id), nil
	}
}

// A copy that has less left than this is not worth starting: it ends with its first few writes.
const (
	aliveFrames = 32
	aliveCaps   = 16
)

// forkFrom makes the copy. sp is checkpoint's stack pointer: below it is the address to go on at, above the result.
func forkFrom(sp uintptr) int64 {
	frames, caps, err := quotas(&Attr{})
	if err != nil {
		return int64(abi.NoQuota)
	}
	making.Lock()
	defer making.Unlock()
	c := &newborn
	if e := c.Make(frames, caps); e != abi.OK {
		return int64(e)
	}
	*(*int64)(unsafe.Pointer(sp + 8)) = 0
	page, e := c.Copy(uint64(sp) - 8)
	copied := e == abi.OK
	var info abi.EnvInfo
	if e == abi.OK {
		e = sys.EnvInspect(c.Env, &info)
	}
	if e == abi.OK && (info.FrameLimit-info.Frames < aliveFrames || info.CapLimit-info.Caps < aliveCaps) {
		e = abi.NoQuota
	}
	if e == abi.OK {
		e = upcall.Inherit(c.Env)
	}
	if e != abi.OK {
		c.Abandon()
		if copied {
			mem.Forgotten()
		}
		return int64(e)
	}
	page.Parent, page.Self = uint64(Self()), info.Number
	names(page, c)
	pipes := file.Forked(page, info.Number, c.Give)
	g := runtime.Getg()
	t := abi.ThreadStart{
		RIP: *(*uint64)(unsafe.Pointer(sp - 8)), RSP: uint64(sp), FS: uint64((*runtime.Thread)(unsafe.Pointer(g)).TLS()),
		UpcallLow: uint64(g.Upcall.StackLo), UpcallHigh: uint64(g.Upcall.StackHi),
	}
	id, err := start(c, &t, true, ID(info.Number), pipes)
	if err != nil {
		mem.Forgotten()
		if no, ok := err.(abi.Errno); ok {
			return int64(no)
		}
		return int64(abi.NoSlots)
	}
	return int64(id)
}

// names puts the copy's names for capabilities into its start page.
func names(page *startpage.Page, c *mem.Child) {
	all := unsafe.Slice((*startpage.Cap)(unsafe.Add(unsafe.Pointer(page), page.Caps.Offset)), page.Caps.Entries)
	for i := range all {
		switch rights := rightsOf(all[i].Role); {
		case all[i].Role == startpage.RoleMemory:
			all[i].Name = c.Account
		case rights != 0:
			all[i].Name = c.Give(all[i].Name, rights)
		default:
			all[i].Name = 0
		}
	}
}
