//go:build exouser

package sys

import (
	"runtime"

	"exo/kernel/abi"
)

// CapDerive makes a capability for environment to, with these rights, narrowed to an object if that is not nil.
func CapDerive(c Cap, rights uint64, to Cap, object *abi.Object) (Cap, abi.Errno) {
	return call6(abi.CapDerive, c, rights, to, in(object), 0, 0)
}

// CapTransfer gives it away.
func CapTransfer(c, to Cap) abi.Errno { return only3(abi.CapTransfer, c, to, 0) }

// CapRevoke ends all that was derived from it.
func CapRevoke(c Cap) abi.Errno { return only3(abi.CapRevoke, c, 0, 0) }

// CapDelete ends it, too.
func CapDelete(c Cap) abi.Errno { return only3(abi.CapDelete, c, 0, 0) }

// CapInspect tells what it is.
func CapInspect(c Cap, into *abi.CapInfo) abi.Errno {
	return only3(abi.CapInspect, c, out(into), 0)
}

// CapHeld puts names of capabilities that the caller holds into names, from slot on; next is where to go on, 0 at the end.
func CapHeld(slot uint64, names []Cap) (n int, next uint64, err abi.Errno) {
	at, count := outAll(names)
	r, next := runtime.Syscall3(uint64(abi.CapHeld), slot, at, count)
	v, err := value(r)
	return int(v), next, err
}

// FrameAlloc takes frames of an account; first is the number of the first of them.
func FrameAlloc(memory Cap, how abi.How, where, frames, align uint64) (c Cap, first uint64, err abi.Errno) {
	r, first, _, _, _ := runtime.Syscall(uint64(abi.FrameAlloc), memory, uint64(how), where, frames, align, 0)
	c, err = value(r)
	return c, first, err
}

// FrameShare makes env a co-owner, and returns its name for them.
func FrameShare(frames, env Cap, rights uint64) (Cap, abi.Errno) {
	return call3(abi.FrameShare, frames, env, rights)
}

// PageMap maps the frames in env at an address.
func PageMap(frames, env Cap, at uint64, perm abi.Perm) abi.Errno {
	_, err := call6(abi.PageMap, frames, env, at, uint64(perm), 0, 0)
	return err
}

// PageProtect changes what n of the pages, from the first-th on, permit; n 0: all from there on.
func PageProtect(frames Cap, first, n uint64, perm abi.Perm) abi.Errno {
	_, err := call6(abi.PageProtect, frames, first, n, uint64(perm), 0, 0)
	return err
}

// PageUnmap unmaps them.
func PageUnmap(frames Cap, first, n uint64) abi.Errno { return only3(abi.PageUnmap, frames, first, n) }

// PageOps makes several calls in order; done is how many were. Each has its result in it.
func PageOps(ops []abi.PageOp) (done int, err abi.Errno) {
	at, n := outAll(ops)
	v, err := call3(abi.PageOps, at, n, 0)
	return int(v), err
}

// RevokeRequest asks env to give back so many capabilities of a kind until a deadline.
func RevokeRequest(env Cap, kind, n, deadline uint64) abi.Errno {
	_, err := call6(abi.RevokeRequest, env, kind, n, deadline, 0, 0)
	return err
}

// Repossessed tells which capabilities the kernel took, and forgets it.
func Repossessed(into []abi.Lost) (n int, err abi.Errno) {
	at, count := outAll(into)
	v, err := call3(abi.Repossessed, at, count, 0)
	return int(v), err
}

// CapOffer offers a capability, with rights, under a number to those that the caller has made, or will, as heirs; 0: no more.
func CapOffer(number uint64, name Cap, rights uint64) abi.Errno {
	return only3(abi.CapOffer, number, name, rights)
}

// CapTake takes what who made the caller offers under a number.
func CapTake(number uint64) (Cap, abi.Errno) { return call3(abi.CapTake, number, 0, 0) }
