//go:build exouser

// Dies ends in the way that its argument names.
package main

import (
	"unsafe"

	"exo/libos/heap"
	"exo/libos/sys"
)

type failure string

func (f failure) Error() string { return "failure " + string(f) }

type broken struct{ next *broken }

//go:noinline
func dive(n int) int {
	var a [200]int
	a[n%200] = n
	return dive(n+1) + a[(n+1)%200]
}

//go:noinline
func five() int { return 5 }

func main() {
	var none *broken
	switch how := sys.Args().At(1); how {
	case "exit":
		sys.EnvExit(7)
	case "return":
	case "panic":
		panic("on purpose")
	case "error":
		panic(failure("x"))
	case "number":
		panic(int16(-7))
	case "value":
		panic(broken{})
	case "nil":
		none.next = none.next.next
	case "bounds":
		var a [4]int
		a[five()] = 1
	case "divide":
		println(1 / (five() - 5))
	case "overflow":
		println(dive(0))
	case "again":
		defer func() { panic("second") }()
		panic("first")
	case "memory":
		for {
			_ = append([]byte(nil), make([]byte, 100<<20)...)
		}
	case "released":
		kept := heap.Mark()
		lost := make([]byte, 1000*five())
		lost[0] = 1
		kept.Release()
		again := make([]byte, 1000*five())
		println(unsafe.SliceData(lost) == unsafe.SliceData(again), again[0])
	case "print":
		var e any = 1
		println("p", 1, -2, uint8(3), true, 2.5, 'x', none == nil, nil == e, 1+2i)
	}
}
