//go:build exouser

package runtime

import (
	"internal/abi"
	"internal/runtime/sys"
	"unsafe"
)

// How a program ends that cannot go on: a line on its console that names it, why, and where, and a status of 2.

// Write puts text where a dying program, and print, are heard. It must not allocate.
var Write func(text []byte)

// Exit ends the program. It does not return.
var Exit func(status int)

// Name is what the program is called.
var Name string

// StatusPanic is the status of a program that panicked.
const StatusPanic = 2

// throw ends the program: something is wrong that no panic can mend.
func throw(text string) {
	pc := sys.GetCallerPC()
	begin("fatal error: ")
	printstring(text)
	end(pc)
}

// Die ends the program from the library OS, with the heap's lock held or not.
func Die(what, why string) {
	pc := sys.GetCallerPC()
	begin(what)
	printstring(why)
	end(pc)
}

//go:linkname fatal
func fatal(text string) { throw(text) }

func begin(what string) {
	printlock()
	printstring(Name)
	printstring(": ")
	printstring(what)
}

func end(pc uintptr) {
	printstring(" at ")
	printhex(uint64(pc))
	printnl()
	printunlock()
	Exit(StatusPanic)
	for {
		Pause()
	}
}

// diePanicking says what p and the panics before it were called with. Methods of the values run before the line begins.
func diePanicking(p *panicking, pc uintptr) {
	text := panicText(p.arg)
	getg().panics = nil
	begin("panic: ")
	for q := p.link; q != nil; q = q.link {
		printbasic(q.arg)
		printstring(", then ")
	}
	if text != "" {
		printstring(text)
	} else {
		printbasic(p.arg)
	}
	end(pc)
}

func panicText(v any) string {
	switch v := v.(type) {
	case error:
		return v.Error()
	case interface{ String() string }:
		return v.String()
	}
	return ""
}

// printbasic prints a value of a basic type, or says which type it is of.
func printbasic(v any) {
	e := (*eface)(unsafe.Pointer(&v))
	if e._type == nil {
		printstring("nil")
		return
	}
	t := (*abi.Type)(e._type)
	named := t.TFlag&abi.TFlagUncommon != 0 && t.Uncommon().PkgPath != 0 && isBasic(t.Kind())
	if named {
		printstring(typeString(t))
		printstring("(")
	}
	switch p := e.data; t.Kind() {
	case abi.Bool:
		printbool(*(*bool)(p))
	case abi.Int, abi.Int64:
		printint(*(*int64)(p))
	case abi.Int8:
		printint(int64(*(*int8)(p)))
	case abi.Int16:
		printint(int64(*(*int16)(p)))
	case abi.Int32:
		printint(int64(*(*int32)(p)))
	case abi.Uint, abi.Uint64, abi.Uintptr:
		printuint(*(*uint64)(p))
	case abi.Uint8:
		printuint(uint64(*(*uint8)(p)))
	case abi.Uint16:
		printuint(uint64(*(*uint16)(p)))
	case abi.Uint32:
		printuint(uint64(*(*uint32)(p)))
	case abi.Float32:
		printfloat64(float64(*(*float32)(p)))
	case abi.Float64:
		printfloat64(*(*float64)(p))
	case abi.String:
		printstring(*(*string)(p))
	default:
		printstring("a ")
		printstring(typeString(t))
	}
	if named {
		printstring(")")
	}
}

func isBasic(k abi.Kind) bool {
	return k == abi.String || k >= abi.Bool && k <= abi.Uintptr || k == abi.Float32 || k == abi.Float64
}

// overflowed runs on the stack for upcalls: the function at pc found its stack too small.
func overflowed(pc uintptr, gp *g) {
	begin("stack overflow: [")
	printhex(uint64(gp.StackLo))
	printstring(", ")
	printhex(uint64(gp.StackHi))
	printstring(") is used up,")
	end(pc)
}

// overflowLock is for the first one; others wait for the end.
var overflowLock uint32
