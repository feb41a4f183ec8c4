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
	"exo/libos/wait"
)

// checkpoint calls forkFrom, and returns what that returns; in the copy, 0, and then born is its name for its own pages.
func checkpoint() (id int64)

var born sys.Cap

// Step is told what Fork has just done, if it is not nil: for measuring. It must not write to the heap.
var Step func(what int)

// What Step is told, in order.
const (
	MadeEnv    = iota // the environment, with its quotas
	MadePage          // the copy's start page, but for the descriptors
	GaveMemory        // all but its own pages
	GaveState         // these, and capabilities
	MadeThread        // in it
)

func step(what int) {
	if Step != nil {
		Step(what)
	}
}

// Fork starts a copy of the caller, with its memory as it is, and returns 0 there. Only the calling thread is in the copy; what
// others hold stays held there.
func Fork() (ID, error) {
	if full() {
		return 0, ErrMany
	}
	switch id := checkpoint(); {
	case id == 0:
		children.n = 0 // they are the parent's
		offered = [maxStartCaps]sys.Cap{}
		making = mem.Lock{}
		mem.AfterFork(born)
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
	making.Lock()
	id, e := forkLocked(sp)
	making.Unlock()
	if e != abi.OK {
		return int64(e)
	}
	return int64(id)
}

func forkLocked(sp uintptr) (ID, abi.Errno) {
	c := &newborn
	if e := c.Make(usualPart, usualPart, abi.EnvAlike|abi.EnvPart|abi.EnvHeir); e != abi.OK {
		return 0, e
	}
	step(MadeEnv)
	*(*int64)(unsafe.Pointer(sp + 8)) = 0
	page, e := c.Alike()
	if e == abi.OK {
		page.Parent, page.Self = uint64(Self()), c.Number
		names(page, c)
		step(MadePage)
		e = c.Copy(uint64(sp) - 8)
		step(GaveMemory)
	}
	if frames, caps := c.Left(); e == abi.OK && (frames < aliveFrames || caps < aliveCaps) {
		mem.Forgotten()
		e = abi.NoQuota
	}
	if e != abi.OK {
		c.Abandon()
		return 0, e
	}
	pipes := file.Forked(page, c.Number, c.Give)
	g := runtime.Getg()
	t := abi.ThreadStart{
		RIP: *(*uint64)(unsafe.Pointer(sp - 8)), RSP: uint64(sp), FS: uint64((*runtime.Thread)(unsafe.Pointer(g)).TLS()),
		UpcallLow: uint64(g.Upcall.StackLo), UpcallHigh: uint64(g.Upcall.StackHi),
	}
	if e := start(c, &t, true, pipes); e != abi.OK {
		mem.Forgotten()
		return 0, e
	}
	return ID(c.Number), abi.OK
}

// offered are the capabilities that the kernel knows are offered to copies, by their place in the start page.
var offered [maxStartCaps]sys.Cap

// names has the copy's names for capabilities put into its start page, or how to take them: most copies never need them.
func names(page *startpage.Page, c *mem.Child) {
	own := sys.StartCaps()
	all := unsafe.Slice((*startpage.Cap)(unsafe.Add(unsafe.Pointer(page), page.Caps.Offset)), page.Caps.Entries)
	for i := range all {
		switch rights := rightsOf(all[i].Role); {
		case all[i].Role == startpage.RoleMemory:
			all[i].Name = c.Account
		case rights == 0:
			all[i].Name = 0
		case offers(uint64(i), &own[i], rights):
			all[i].Name = startpage.ToTake | uint64(i)
		default:
			c.Derive(sys.Held(&own[i]), rights, &all[i].Name)
		}
	}
}

// offers says whether copies can take a capability by a number.
func offers(number uint64, c *startpage.Cap, rights uint64) bool {
	if number >= uint64(len(offered)) {
		return false
	}
	if offered[number] == c.Name && c.Name != 0 {
		return true
	}
	name := sys.Held(c)
	if name == 0 {
		return false
	}
	if offered[number] != name {
		if sys.CapOffer(number, name, rights) != abi.OK {
			return false
		}
		offered[number] = name
	}
	return true
}
