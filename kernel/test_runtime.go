//go:build exokernel

package main

import (
	"sync/atomic"
	"unsafe"

	"exo/arch/amd64"
	"exo/kernel/ktest"
)

// What compiled Go relies on the shim for.

type shape interface{ area() int }

type square struct{ side int }
type rectangle struct{ a, b int }

func (s *square) area() int    { return s.side * s.side }
func (r *rectangle) area() int { return r.a * r.b }

type ring[T any] struct {
	a [4]T
	n int
}

func (r *ring[T]) push(v T) { r.a[r.n%len(r.a)] = v; r.n++ }

var (
	squares    = [2]square{{3}, {4}}
	rectangle1 = rectangle{2, 5}
	shapes     = [...]shape{&squares[0], &squares[1], &rectangle1}
	ring1      ring[uint64]
	anything   any = &squares[0]

	wide                       = [4]any{[2]uint64{1, 2}, [2]uint64{1, 2}, [2]uint64{1, 3}, [2]uint64{2, 2}}
	casPointer                 = atomic.CompareAndSwapPointer
	swapPointer                = atomic.SwapPointer
	slot        unsafe.Pointer // a local would escape through the function values

	deferred int
)

const errTest = failure("test")

//go:noinline
func deferring(n int) {
	defer func() { deferred += n }()
	if n > 0 {
		defer func() { deferred *= 10 }()
	}
	deferred++
}

func count(n int) func(func(int) bool) {
	return func(yield func(int) bool) {
		for i := range n {
			if !yield(i) {
				return
			}
		}
	}
}

//go:noinline
func fails(yes bool) error {
	if yes {
		return errTest
	}
	return nil
}

func testLanguage(t *ktest.T, cpu int) {
	sum := 0
	for _, s := range shapes {
		sum += s.area()
	}
	t.Equal(cpu, uint64(sum), 35, "interface calls")
	switch v := anything.(type) {
	case *rectangle:
		t.Check(cpu, false, "type switch took the wrong case")
	case *square:
		t.Equal(cpu, uint64(v.side), 3, "type switch")
	}
	_, isRect := anything.(*rectangle)
	t.Check(cpu, !isRect, "a type assertion that must not hold")
	for i := range uint64(6) {
		ring1.push(i)
	}
	t.Equal(cpu, ring1.a[1], 5, "generic type")
	sum = 0
	for i := range count(100) {
		if i == 5 {
			break
		}
		sum += i
	}
	t.Equal(cpu, uint64(sum), 10, "range over a function")
	deferred = 0
	deferring(2)
	t.Equal(cpu, uint64(deferred), 12, "defers run in reverse order")
	t.Check(cpu, fails(true) == errTest && fails(false) == nil && fails(true) != failure("other"), "error comparison")
	t.Check(cpu, shapes[0] == shape(&squares[0]) && shapes[0] != shapes[1], "interface comparison")
	t.Check(cpu, wide[0] == wide[1] && wide[0] != wide[2] && wide[0] != wide[3], "comparison of 16-byte values behind interfaces")
	x, y := &squares[0], &squares[1]
	slot = unsafe.Pointer(x)
	t.Check(cpu, !casPointer(&slot, unsafe.Pointer(y), nil) && slot == unsafe.Pointer(x) &&
		casPointer(&slot, unsafe.Pointer(x), unsafe.Pointer(y)) && slot == unsafe.Pointer(y) &&
		swapPointer(&slot, nil) == unsafe.Pointer(y) && slot == nil, "atomic pointers through function values")
	from, to := [4]*square{x, y, x, y}, [4]*square{}
	t.Check(cpu, copy(to[:3], from[:]) == 3 && to == [4]*square{x, y, x, nil}, "copy of pointers")
	clear(to[1:])
	t.Check(cpu, to == [4]*square{x}, "clear of pointers")
	t.Check(cpu, rectangle1 == rectangle{2, 5} && squares != [2]square{{3}, {5}}, "struct and array comparison")
	t.Count(13)
}

var bufA, bufB, bufC [1 << 12]byte

func testMemmove(t *ktest.T, cpu int) {
	r := t.Rand(cpu)
	try := func(to, from, n int) {
		for i := range bufA {
			bufA[i] = byte(i*7 + i>>8)
		}
		bufB = bufA
		copy(bufA[to:to+n], bufA[from:from+n])
		if from < to { // the byte loop, in the direction that overlap allows
			for i := n - 1; i >= 0; i-- {
				bufB[to+i] = bufB[from+i]
			}
		} else {
			for i := range n {
				bufB[to+i] = bufB[from+i]
			}
		}
		for i := range bufA {
			if !t.Equal(cpu, uint64(bufA[i]), uint64(bufB[i]), "byte after memmove") {
				return
			}
		}
		t.Count(1)
	}
	for n := range 70 {
		try(100+n%9, 100+n%5, n)
		try(100+n%5, 100+n%9, n)
	}
	for range 60 {
		n := int(r.N(2500))
		try(int(r.N(uint64(len(bufA)-n))), int(r.N(uint64(len(bufA)-n))), n)
	}
	try(0, 1, 4000)
	try(1, 0, 4000)
}

func testMemclr(t *ktest.T, cpu int) {
	r := t.Rand(cpu)
	for k := range 200 {
		n := k
		if k >= 100 {
			n = int(r.N(3000))
		}
		at := int(r.N(64))
		for i := range bufA {
			bufA[i] = 0xff
		}
		clear(bufA[at : at+n])
		for i, b := range bufA {
			want := uint64(0xff)
			if i >= at && i < at+n {
				want = 0
			}
			if !t.Equal(cpu, uint64(b), want, "byte after clear") {
				return
			}
		}
		t.Count(1)
	}
}

func testMemequal(t *ktest.T, cpu int) {
	r := t.Rand(cpu)
	for i := range bufA {
		bufA[i] = byte(i)
	}
	bufC = bufA
	for n := range 200 {
		a, b := asString(bufA[:n]), asString(bufC[:n])
		t.Check(cpu, a == b, "equal strings compare equal")
		if n > 0 {
			i := int(r.N(uint64(n)))
			bufC[i] ^= 1 << r.N(8)
			t.Check(cpu, a != b, "a single different bit is seen")
			t.Check(cpu, (a < b) == (bufA[i] < bufC[i]), "string order")
			bufC[i] = bufA[i]
		}
		t.Count(1)
	}
}

func testSymbols(t *ktest.T, cpu int) {
	t.Check(cpu, symbols.Len() > 200, "the symbol table has the kernel's functions")
	for i := range 4 {
		s, ok := symbols.Lookup(uint64(amd64.VectorAddress(i * 7)))
		t.Check(cpu, ok && s.Func == "exo/arch/amd64.vectors" && s.File == "arch/amd64/trap_amd64.s" && s.Line > 0,
			"an address in the trap stubs is named so")
		t.Count(1)
	}
	_, ok := symbols.Lookup(amd64.Boot.Segments().Data.Start)
	t.Check(cpu, !ok, "an address in the data is nobody's")
}
