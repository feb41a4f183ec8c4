//go:build amd64 && !race && !explore

package atom

import "unsafe"

// A plain MOV is a release store on amd64, for two reasons.
//
// The processor: x86-TSO (SDM vol. 3A §9.2; Sewell et al., CACM 2010) makes a CPU's stores visible in program order, and
// none before an earlier load is done. What TSO does not give is that a later load waits for the store: where that
// matters (a hazard pointer, a deque's bottom), Store is called, which is XCHG.
//
// The compiler: gc keeps stores and atomic operations in one chain of memory states, so it moves neither a store nor a
// load across them; it may drop a store that the very next one to the same word overwrites, which no other CPU can tell
// from being slow. An aligned word is written by one instruction. This is gc's practice, not Go's memory model; so under
// -race, and on other machines, these are atomic stores.

func (x *Uint64) StoreRelease(v uint64) { x.v = v }
func (x *Int64) StoreRelease(v int64)   { x.v = v }
func (x *Uint32) StoreRelease(v uint32) { x.v = v }
func (x *Pointer[T]) StoreRelease(p *T) { x.v = unsafe.Pointer(p) }
