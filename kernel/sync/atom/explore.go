//go:build explore

package atom

import (
	"sync/atomic"
	"unsafe"
)

// The words as the explorer wants them: the same types, sizes and zero values, but each operation first asks Hook, which
// may let other threads run, and tells it the outcome. With no Hook they are sync/atomic's operations.

// Op is one of the operations.
type Op uint8

const (
	Load Op = iota
	StoreRelease
	Store
	CompareAndSwap
	Swap
	Add
	Or
)

// Fences says whether the operation waits until the caller's earlier stores are visible.
func (op Op) Fences() bool { return op >= Store }

// Size says how a word is written.
type Size uint8

const (
	Bits64 Size = iota
	Bits32
	Address // a pointer, which the collector must see
)

// Value is a word's content: Ptr of an Address, Bits of all others.
type Value struct {
	Bits uint64
	Ptr  unsafe.Pointer
}

// Explorer decides when each thread's operations happen.
type Explorer interface {
	// Before returns when the calling thread may do op at addr; no other thread runs until its next call. If op
	// fences, the thread's store buffer is then empty.
	Before(op Op, addr unsafe.Pointer)
	// Newest returns the latest store to addr in the caller's own buffer.
	Newest(addr unsafe.Pointer) (v Value, ok bool)
	// Delay puts a store in the caller's buffer.
	Delay(addr unsafe.Pointer, size Size, v Value)
	// After tells what became of it: the arguments, and the result or whether it took place.
	After(op Op, addr unsafe.Pointer, a, b, result Value)
}

// Hook is asked before and told after each operation. It is not nil exactly while an explored program runs.
var Hook Explorer

func before(op Op, addr unsafe.Pointer) {
	if Hook != nil {
		Hook.Before(op, addr)
	}
}

func after(op Op, addr unsafe.Pointer, a, b, result Value) {
	if Hook != nil {
		Hook.After(op, addr, a, b, result)
	}
}

// newest is what a load finds in the caller's store buffer.
func newest(addr unsafe.Pointer) (Value, bool) {
	if Hook == nil {
		return Value{}, false
	}
	return Hook.Newest(addr)
}

// delay reports whether the store went to a buffer; if not, the caller stores.
func delay(addr unsafe.Pointer, size Size, v Value) bool {
	if Hook == nil {
		return false
	}
	Hook.Before(StoreRelease, addr)
	Hook.Delay(addr, size, v)
	Hook.After(StoreRelease, addr, v, Value{}, Value{})
	return true
}

// Write performs a store that was delayed.
func Write(addr unsafe.Pointer, size Size, v Value) {
	// SAFETY: addr is that of a word of this size, as its StoreRelease gave it to Delay.
	switch size {
	case Bits64:
		atomic.StoreUint64((*uint64)(addr), v.Bits)
	case Bits32:
		atomic.StoreUint32((*uint32)(addr), uint32(v.Bits))
	case Address:
		atomic.StorePointer((*unsafe.Pointer)(addr), v.Ptr)
	}
}

func bits[W uint32 | uint64 | int64](v W) Value { return Value{Bits: uint64(v)} }
func pointer[T any](p *T) Value                 { return Value{Ptr: unsafe.Pointer(p)} }

func truth(ok bool) Value {
	if ok {
		return Value{Bits: 1}
	}
	return Value{}
}

// Uint64 is a word. Loads acquire; CompareAndSwap, Swap, Add, Or and Store are full fences on amd64.
type Uint64 struct {
	_ noCopy
	v uint64
}

func (x *Uint64) at() unsafe.Pointer { return unsafe.Pointer(&x.v) }

func (x *Uint64) Load() uint64 {
	before(Load, x.at())
	d, ok := newest(x.at())
	if !ok {
		d = bits(atomic.LoadUint64(&x.v))
	}
	after(Load, x.at(), Value{}, Value{}, d)
	return d.Bits
}

func (x *Uint64) Store(v uint64) {
	before(Store, x.at())
	atomic.StoreUint64(&x.v, v)
	after(Store, x.at(), bits(v), Value{}, Value{})
}

func (x *Uint64) StoreRelease(v uint64) {
	if !delay(x.at(), Bits64, bits(v)) {
		atomic.StoreUint64(&x.v, v)
	}
}

func (x *Uint64) CompareAndSwap(old, new uint64) bool {
	before(CompareAndSwap, x.at())
	ok := atomic.CompareAndSwapUint64(&x.v, old, new)
	after(CompareAndSwap, x.at(), bits(old), bits(new), truth(ok))
	return ok
}

func (x *Uint64) Swap(v uint64) uint64 {
	before(Swap, x.at())
	old := atomic.SwapUint64(&x.v, v)
	after(Swap, x.at(), bits(v), Value{}, bits(old))
	return old
}

func (x *Uint64) Add(d uint64) uint64 {
	before(Add, x.at())
	v := atomic.AddUint64(&x.v, d)
	after(Add, x.at(), bits(d), Value{}, bits(v))
	return v
}

func (x *Uint64) Or(mask uint64) {
	before(Or, x.at())
	atomic.OrUint64(&x.v, mask)
	after(Or, x.at(), bits(mask), Value{}, Value{})
}

// Int64 is Uint64 with a sign.
type Int64 struct {
	_ noCopy
	v int64
}

func (x *Int64) at() unsafe.Pointer { return unsafe.Pointer(&x.v) }

func (x *Int64) Load() int64 {
	before(Load, x.at())
	d, ok := newest(x.at())
	if !ok {
		d = bits(atomic.LoadInt64(&x.v))
	}
	after(Load, x.at(), Value{}, Value{}, d)
	return int64(d.Bits)
}

func (x *Int64) Store(v int64) {
	before(Store, x.at())
	atomic.StoreInt64(&x.v, v)
	after(Store, x.at(), bits(v), Value{}, Value{})
}

func (x *Int64) StoreRelease(v int64) {
	if !delay(x.at(), Bits64, bits(v)) {
		atomic.StoreInt64(&x.v, v)
	}
}

func (x *Int64) CompareAndSwap(old, new int64) bool {
	before(CompareAndSwap, x.at())
	ok := atomic.CompareAndSwapInt64(&x.v, old, new)
	after(CompareAndSwap, x.at(), bits(old), bits(new), truth(ok))
	return ok
}

func (x *Int64) Add(d int64) int64 {
	before(Add, x.at())
	v := atomic.AddInt64(&x.v, d)
	after(Add, x.at(), bits(d), Value{}, bits(v))
	return v
}

// Uint32 is half a word.
type Uint32 struct {
	_ noCopy
	v uint32
}

func (x *Uint32) at() unsafe.Pointer { return unsafe.Pointer(&x.v) }

func (x *Uint32) Load() uint32 {
	before(Load, x.at())
	d, ok := newest(x.at())
	if !ok {
		d = bits(atomic.LoadUint32(&x.v))
	}
	after(Load, x.at(), Value{}, Value{}, d)
	return uint32(d.Bits)
}

func (x *Uint32) Store(v uint32) {
	before(Store, x.at())
	atomic.StoreUint32(&x.v, v)
	after(Store, x.at(), bits(v), Value{}, Value{})
}

func (x *Uint32) StoreRelease(v uint32) {
	if !delay(x.at(), Bits32, bits(v)) {
		atomic.StoreUint32(&x.v, v)
	}
}

func (x *Uint32) CompareAndSwap(old, new uint32) bool {
	before(CompareAndSwap, x.at())
	ok := atomic.CompareAndSwapUint32(&x.v, old, new)
	after(CompareAndSwap, x.at(), bits(old), bits(new), truth(ok))
	return ok
}

func (x *Uint32) Swap(v uint32) uint32 {
	before(Swap, x.at())
	old := atomic.SwapUint32(&x.v, v)
	after(Swap, x.at(), bits(v), Value{}, bits(old))
	return old
}

func (x *Uint32) Add(d uint32) uint32 {
	before(Add, x.at())
	v := atomic.AddUint32(&x.v, d)
	after(Add, x.at(), bits(d), Value{}, bits(v))
	return v
}

// Pointer points at a T.
type Pointer[T any] struct {
	_ noCopy
	_ [0]*T
	v unsafe.Pointer
}

func (x *Pointer[T]) at() unsafe.Pointer { return unsafe.Pointer(&x.v) }

func (x *Pointer[T]) Load() *T {
	before(Load, x.at())
	d, ok := newest(x.at())
	if !ok {
		d = Value{Ptr: atomic.LoadPointer(&x.v)}
	}
	after(Load, x.at(), Value{}, Value{}, d)
	return (*T)(d.Ptr)
}

func (x *Pointer[T]) Store(p *T) {
	before(Store, x.at())
	atomic.StorePointer(&x.v, unsafe.Pointer(p))
	after(Store, x.at(), pointer(p), Value{}, Value{})
}

func (x *Pointer[T]) StoreRelease(p *T) {
	if !delay(x.at(), Address, pointer(p)) {
		atomic.StorePointer(&x.v, unsafe.Pointer(p))
	}
}

func (x *Pointer[T]) Swap(p *T) *T {
	before(Swap, x.at())
	old := (*T)(atomic.SwapPointer(&x.v, unsafe.Pointer(p)))
	after(Swap, x.at(), pointer(p), Value{}, pointer(old))
	return old
}

func (x *Pointer[T]) CompareAndSwap(old, new *T) bool {
	before(CompareAndSwap, x.at())
	ok := atomic.CompareAndSwapPointer(&x.v, unsafe.Pointer(old), unsafe.Pointer(new))
	after(CompareAndSwap, x.at(), pointer(old), pointer(new), truth(ok))
	return ok
}
