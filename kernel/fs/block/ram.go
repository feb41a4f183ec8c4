package block

import (
	"exo/kernel/fs/errno"
	"exo/kernel/sync"
)

// RAM is a disk in memory: it completes requests before Submit returns, and forgets everything with the memory.
//
//	         Submit     -: may run together, on different blocks
//	Submit     -
//
// G1–G3 are Device's. Progress: wait-free. Callers: anybody. Memory: the pages it was given.
type RAM struct {
	Pages []Page
}

// Geometry is the device's size.
func (d *RAM) Geometry() Geometry {
	return Geometry{Blocks: uint64(len(d.Pages)), MaxPages: 1 << 20, Depth: 1}
}

// Submit copies.
func (d *RAM) Submit(_ *sync.Context, r *Request) {
	for i, p := range r.Pages {
		at := &d.Pages[r.Block+uint64(i)]
		if r.Op == Read {
			*p = *at
		} else {
			*at = *p
		}
	}
	r.Complete(errno.OK)
}
