//go:build exouser

package runtime

import (
	"internal/abi"
	"internal/runtime/sys"
	"unsafe"
)

// Panics and deferred calls.
//
// Programs are compiled with -d=noopendefer, so that each defer statement calls deferproc (deferprocStack, with a record on
// the stack, where it runs once at most) and each function that has one ends in a call of deferreturn. A panic runs the
// deferred calls, innermost first. When one recovers, the function that deferred it goes on at its deferreturn, with its
// stack and frame pointer, which the record remembers; where that is, mkimage's table says (module.go).

// _defer is the compiler's record of a defer statement, up to fp (where stock Go has a field for records on the heap only).
type _defer struct {
	heap      bool
	rangefunc bool // the calls are in head's list: defers in the body of a range over a function
	sp, pc    uintptr
	fn        func()
	link      *_defer
	fp        uintptr
	head      *_defer // not in records on the stack
}

// panicking is a panic that runs deferred calls; it lies on the stack.
type panicking struct {
	arg       any
	link      *panicking
	fp        uintptr // frame pointer of the function that runs them
	recovered bool
}

// framePointer returns the frame pointer of its caller, where the caller's caller's is.
func framePointer() uintptr

// resume goes on elsewhere.
func resume(sp, fp, pc uintptr)

func load(p uintptr) uintptr { return *(*uintptr)(unsafe.Pointer(p)) }

func newDeferred() *_defer {
	gp := getg()
	d := gp.spare
	if d == nil {
		d = (*_defer)(persistent(unsafe.Sizeof(_defer{})))
		d.heap = true
	} else {
		gp.spare = d.link
	}
	d.rangefunc, d.head = false, nil
	return d
}

//go:nosplit
func deferprocStack(d *_defer) {
	gp := getg()
	d.heap, d.rangefunc = false, false
	d.sp, d.pc, d.fp = sys.GetCallerSP(), sys.GetCallerPC(), load(framePointer())
	d.link, gp.defers = gp.defers, d
}

func deferproc(fn func()) {
	d := newDeferred()
	gp := getg()
	d.fn = fn
	d.sp, d.pc, d.fp = sys.GetCallerSP(), sys.GetCallerPC(), load(framePointer())
	d.link, gp.defers = gp.defers, d
}

// deferrangefunc begins a list of calls that the body of a range over a function defers for the function around it.
func deferrangefunc() any {
	d := newDeferred()
	gp := getg()
	d.rangefunc = true
	d.sp, d.pc, d.fp = sys.GetCallerSP(), sys.GetCallerPC(), load(framePointer())
	d.link, gp.defers = gp.defers, d
	return d
}

// deferprocat adds to that list.
func deferprocat(fn func(), frame any) {
	list := frame.(*_defer)
	if !list.rangefunc {
		throw("defer after range func returned")
	}
	d := newDeferred()
	d.fn, d.link = fn, list.head
	list.head = d
}

// pop takes the innermost deferred call off, if there is one, and it is of the frame sp where sp is not 0.
func (gp *g) pop(sp uintptr) (fn func(), d _defer, ok bool) {
	for {
		r := gp.defers
		if r == nil || sp != 0 && r.sp != sp {
			return nil, _defer{}, false
		}
		gp.defers = r.link
		if r.rangefunc {
			r.rangefunc = false
			for l := r.head; l != nil; { // innermost first, so the last of the list is to be the outermost
				next := l.link
				l.sp, l.pc, l.fp = r.sp, r.pc, r.fp
				if next == nil {
					l.link, gp.defers = gp.defers, r.head
				}
				l = next
			}
			r.head = nil
			// The record itself is not used again: the list may still be known to a body that runs on.
			continue
		}
		fn, d = r.fn, _defer{sp: r.sp, pc: r.pc, fp: r.fp}
		r.fn = nil
		if r.heap {
			r.link, gp.spare = gp.spare, r
		}
		return fn, d, true
	}
}

func deferreturn() {
	sp := sys.GetCallerSP()
	for {
		fn, _, ok := getg().pop(sp)
		if !ok {
			return
		}
		fn()
	}
}

func gopanic(e any) {
	if e == nil {
		e = new(PanicNilError)
	}
	panicAt(e, sys.GetCallerPC())
}

// panicAt runs deferred calls until one recovers; if none does, it ends the program. pc is where it happened.
func panicAt(e any, pc uintptr) {
	gp := getg()
	p := panicking{arg: e, link: gp.panics, fp: framePointer()}
	gp.panics = (*panicking)(noescape(unsafe.Pointer(&p)))
	for {
		fn, d, ok := gp.pop(0)
		if !ok {
			break
		}
		fn()
		if p.recovered {
			f := findFunc(d.pc)
			if f == nil || f.deferreturn == 0 {
				throw("recover: a function is not in the table")
			}
			gp.panics = p.link
			for gp.panics != nil && uintptr(unsafe.Pointer(gp.panics)) < d.sp { // those whose stack goes away with this
				gp.panics = gp.panics.link
			}
			resume(d.sp, d.fp, firstmoduledata.text+uintptr(f.start+f.deferreturn))
		}
	}
	diePanicking(gp.panics, pc)
}

// gorecover returns what the innermost panic was called with, and ends it, if the panic called its caller: not counting
// functions that the compiler made. (Where the compiler inlined the caller of recover into one that the panic called, this
// recovers although the language says that it does not.)
func gorecover() any {
	gp := getg()
	p := gp.panics
	if p == nil || p.recovered {
		return nil
	}
	called := 0
	for fp := framePointer(); ; {
		pc := load(fp + 8)
		if fp = load(fp); fp == p.fp {
			break
		}
		if f := findFunc(pc); f == nil || f.wrapper == 0 {
			called++
		}
		if called > 1 || fp < gp.StackLo || fp >= gp.StackHi-16 {
			return nil
		}
	}
	p.recovered = true
	return p.arg
}

// noescape hides a pointer to the stack from escape analysis.
//
//go:nosplit
func noescape(p unsafe.Pointer) unsafe.Pointer {
	x := uintptr(p)
	return unsafe.Pointer(x ^ 0)
}

// Called by compiled code.

func panicBounds()         { panicAt(errBounds, sys.GetCallerPC()) }
func panicdivide()         { panicAt(errDivide, sys.GetCallerPC()) }
func panicshift()          { panicAt(errShift, sys.GetCallerPC()) }
func panicnil()            { panicAt(new(PanicNilError), sys.GetCallerPC()) }
func panicwrap()           { panicAt(plainError("value method called using nil pointer"), sys.GetCallerPC()) }
func panicunsafeslicelen() { panicAt(errorString("unsafe.Slice: len out of range"), sys.GetCallerPC()) }
func panicunsafeslicenilptr() {
	panicAt(errorString("unsafe.Slice: ptr is nil and len is not zero"), sys.GetCallerPC())
}
func panicunsafestringlen() {
	panicAt(errorString("unsafe.String: len out of range"), sys.GetCallerPC())
}
func panicunsafestringnilptr() {
	panicAt(errorString("unsafe.String: ptr is nil and len is not zero"), sys.GetCallerPC())
}
func unreachableMethod() { throw("unreachable method called: the linker removed it") }
func throwinit()         { throw("recursive call during initialization") }

func panicrangestate(state int) {
	switch abi.RF_State(state) {
	case abi.RF_DONE:
		panic(errorString("range function continued iteration after function for loop body returned false"))
	case abi.RF_PANIC:
		panic(errorString("range function continued iteration after loop body panic"))
	case abi.RF_EXHAUSTED:
		panic(errorString("range function continued iteration after whole loop exit"))
	}
	panic(errorString("range function recovered a loop body panic and did not resume panicking"))
}

// FaultEntry is where a fault handler of the library OS makes a thread go on whose Go code touched memory that is not there,
// with the address of the instruction pushed on its stack, as if that had called: then it panics. InjectFault does both.
func FaultEntry() uintptr

// InjectFault changes the state of an interrupted thread accordingly; gp is its g.
func InjectFault(gp *G, rip, rsp *uint64, address uintptr) {
	gp.faultAddress = address
	*rsp -= 8
	*(*uint64)(unsafe.Pointer(uintptr(*rsp))) = *rip
	*rip = uint64(FaultEntry())
}

// faulted is called from FaultEntry.
func faulted(pc uintptr) {
	panicAt(errMemory, pc)
}
