//go:build !explore

package atom

import (
	"sync/atomic"
	"unsafe"
)

// Uint64 is a word. Loads acquire; CompareAndSwap, Swap, Add, Or and Store are full fences on amd64.
type Uint64 struct {
	_ noCopy
	v uint64
}

func (x *Uint64) Load() uint64   { return atomic.LoadUint64(&x.v) }
func (x *Uint64) Store(v uint64) { atomic.StoreUint64(&x.v, v) }
func (x *Uint64) CompareAndSwap(old, new uint64) bool {
	return atomic.CompareAndSwapUint64(&x.v, old, new)
}
func (x *Uint64) Swap(v uint64) uint64 { return atomic.SwapUint64(&x.v, v) }
func (x *Uint64) Add(d uint64) uint64  { return atomic.AddUint64(&x.v, d) }
func (x *Uint64) Or(mask uint64)       { atomic.OrUint64(&x.v, mask) }

// Int64 is Uint64 with a sign.
type Int64 struct {
	_ noCopy
	v int64
}

func (x *Int64) Load() int64   { return atomic.LoadInt64(&x.v) }
func (x *Int64) Store(v int64) { atomic.StoreInt64(&x.v, v) }
func (x *Int64) CompareAndSwap(old, new int64) bool {
	return atomic.CompareAndSwapInt64(&x.v, old, new)
}
func (x *Int64) Add(d int64) int64 { return atomic.AddInt64(&x.v, d) }

// Uint32 is half a word.
type Uint32 struct {
	_ noCopy
	v uint32
}

func (x *Uint32) Load() uint32   { return atomic.LoadUint32(&x.v) }
func (x *Uint32) Store(v uint32) { atomic.StoreUint32(&x.v, v) }
func (x *Uint32) CompareAndSwap(old, new uint32) bool {
	return atomic.CompareAndSwapUint32(&x.v, old, new)
}
func (x *Uint32) Swap(v uint32) uint32 { return atomic.SwapUint32(&x.v, v) }
func (x *Uint32) Add(d uint32) uint32  { return atomic.AddUint32(&x.v, d) }

// Pointer points at a T.
type Pointer[T any] struct {
	_ noCopy
	_ [0]*T
	v unsafe.Pointer
}

func (x *Pointer[T]) Load() *T     { return (*T)(atomic.LoadPointer(&x.v)) }
func (x *Pointer[T]) Store(p *T)   { atomic.StorePointer(&x.v, unsafe.Pointer(p)) }
func (x *Pointer[T]) Swap(p *T) *T { return (*T)(atomic.SwapPointer(&x.v, unsafe.Pointer(p))) }
func (x *Pointer[T]) CompareAndSwap(old, new *T) bool {
	return casPointer(&x.v, unsafe.Pointer(old), unsafe.Pointer(new))
}
