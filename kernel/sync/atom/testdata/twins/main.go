// Twins is each operation of package atom beside the one of sync/atomic that it should be, as machine code. It is built and
// disassembled, never run.
package main

import (
	"sync/atomic"

	"exo/kernel/sync/atom"
)

//go:noinline
func atom_Uint64_Load(x *atom.Uint64) uint64 { return x.Load() }

//go:noinline
func twin_Uint64_Load(x *uint64) uint64 { return atomic.LoadUint64(x) }

//go:noinline
func atom_Uint64_Store(x *atom.Uint64, v uint64) { x.Store(v) }

//go:noinline
func twin_Uint64_Store(x *uint64, v uint64) { atomic.StoreUint64(x, v) }

//go:noinline
func atom_Uint64_StoreRelease(x *atom.Uint64, v uint64) { x.StoreRelease(v) }

//go:noinline
func twin_Uint64_StoreRelease(x *uint64, v uint64) { *x = v }

//go:noinline
func atom_Uint64_CompareAndSwap(x *atom.Uint64, o, n uint64) bool { return x.CompareAndSwap(o, n) }

//go:noinline
func twin_Uint64_CompareAndSwap(x *uint64, o, n uint64) bool {
	return atomic.CompareAndSwapUint64(x, o, n)
}

//go:noinline
func atom_Uint64_Swap(x *atom.Uint64, v uint64) uint64 { return x.Swap(v) }

//go:noinline
func twin_Uint64_Swap(x *uint64, v uint64) uint64 { return atomic.SwapUint64(x, v) }

//go:noinline
func atom_Uint64_Add(x *atom.Uint64, d uint64) uint64 { return x.Add(d) }

//go:noinline
func twin_Uint64_Add(x *uint64, d uint64) uint64 { return atomic.AddUint64(x, d) }

//go:noinline
func atom_Uint64_Or(x *atom.Uint64, m uint64) { x.Or(m) }

//go:noinline
func twin_Uint64_Or(x *uint64, m uint64) { atomic.OrUint64(x, m) }

//go:noinline
func atom_Int64_Load(x *atom.Int64) int64 { return x.Load() }

//go:noinline
func twin_Int64_Load(x *int64) int64 { return atomic.LoadInt64(x) }

//go:noinline
func atom_Int64_Store(x *atom.Int64, v int64) { x.Store(v) }

//go:noinline
func twin_Int64_Store(x *int64, v int64) { atomic.StoreInt64(x, v) }

//go:noinline
func atom_Int64_StoreRelease(x *atom.Int64, v int64) { x.StoreRelease(v) }

//go:noinline
func twin_Int64_StoreRelease(x *int64, v int64) { *x = v }

//go:noinline
func atom_Int64_CompareAndSwap(x *atom.Int64, o, n int64) bool { return x.CompareAndSwap(o, n) }

//go:noinline
func twin_Int64_CompareAndSwap(x *int64, o, n int64) bool { return atomic.CompareAndSwapInt64(x, o, n) }

//go:noinline
func atom_Int64_Add(x *atom.Int64, d int64) int64 { return x.Add(d) }

//go:noinline
func twin_Int64_Add(x *int64, d int64) int64 { return atomic.AddInt64(x, d) }

//go:noinline
func atom_Uint32_Load(x *atom.Uint32) uint32 { return x.Load() }

//go:noinline
func twin_Uint32_Load(x *uint32) uint32 { return atomic.LoadUint32(x) }

//go:noinline
func atom_Uint32_Store(x *atom.Uint32, v uint32) { x.Store(v) }

//go:noinline
func twin_Uint32_Store(x *uint32, v uint32) { atomic.StoreUint32(x, v) }

//go:noinline
func atom_Uint32_StoreRelease(x *atom.Uint32, v uint32) { x.StoreRelease(v) }

//go:noinline
func twin_Uint32_StoreRelease(x *uint32, v uint32) { *x = v }

//go:noinline
func atom_Uint32_CompareAndSwap(x *atom.Uint32, o, n uint32) bool { return x.CompareAndSwap(o, n) }

//go:noinline
func twin_Uint32_CompareAndSwap(x *uint32, o, n uint32) bool {
	return atomic.CompareAndSwapUint32(x, o, n)
}

//go:noinline
func atom_Uint32_Swap(x *atom.Uint32, v uint32) uint32 { return x.Swap(v) }

//go:noinline
func twin_Uint32_Swap(x *uint32, v uint32) uint32 { return atomic.SwapUint32(x, v) }

//go:noinline
func atom_Uint32_Add(x *atom.Uint32, d uint32) uint32 { return x.Add(d) }

//go:noinline
func twin_Uint32_Add(x *uint32, d uint32) uint32 { return atomic.AddUint32(x, d) }

//go:noinline
func atom_Pointer_Load(x *atom.Pointer[int]) *int { return x.Load() }

//go:noinline
func twin_Pointer_Load(x *atomic.Pointer[int]) *int { return x.Load() }

//go:noinline
func atom_Pointer_Store(x *atom.Pointer[int], p *int) { x.Store(p) }

//go:noinline
func twin_Pointer_Store(x *atomic.Pointer[int], p *int) { x.Store(p) }

//go:noinline
func atom_Pointer_StoreRelease(x *atom.Pointer[int], p *int) { x.StoreRelease(p) }

//go:noinline
func twin_Pointer_StoreRelease(x **int, p *int) { *x = p }

//go:noinline
func atom_Pointer_Swap(x *atom.Pointer[int], p *int) *int { return x.Swap(p) }

//go:noinline
func twin_Pointer_Swap(x *atomic.Pointer[int], p *int) *int { return x.Swap(p) }

//go:noinline
func atom_Pointer_CompareAndSwap(x *atom.Pointer[int], o, n *int) bool {
	return x.CompareAndSwap(o, n)
}

//go:noinline
func twin_Pointer_CompareAndSwap(x *atomic.Pointer[int], o, n *int) bool {
	return x.CompareAndSwap(o, n)
}

// functions keeps them all in the image.
var functions = []any{
	atom_Uint64_Load, twin_Uint64_Load,
	atom_Uint64_Store, twin_Uint64_Store,
	atom_Uint64_StoreRelease, twin_Uint64_StoreRelease,
	atom_Uint64_CompareAndSwap, twin_Uint64_CompareAndSwap,
	atom_Uint64_Swap, twin_Uint64_Swap,
	atom_Uint64_Add, twin_Uint64_Add,
	atom_Uint64_Or, twin_Uint64_Or,
	atom_Int64_Load, twin_Int64_Load,
	atom_Int64_Store, twin_Int64_Store,
	atom_Int64_StoreRelease, twin_Int64_StoreRelease,
	atom_Int64_CompareAndSwap, twin_Int64_CompareAndSwap,
	atom_Int64_Add, twin_Int64_Add,
	atom_Uint32_Load, twin_Uint32_Load,
	atom_Uint32_Store, twin_Uint32_Store,
	atom_Uint32_StoreRelease, twin_Uint32_StoreRelease,
	atom_Uint32_CompareAndSwap, twin_Uint32_CompareAndSwap,
	atom_Uint32_Swap, twin_Uint32_Swap,
	atom_Uint32_Add, twin_Uint32_Add,
	atom_Pointer_Load, twin_Pointer_Load,
	atom_Pointer_Store, twin_Pointer_Store,
	atom_Pointer_StoreRelease, twin_Pointer_StoreRelease,
	atom_Pointer_Swap, twin_Pointer_Swap,
	atom_Pointer_CompareAndSwap, twin_Pointer_CompareAndSwap,
}

func main() { println(len(functions)) }
