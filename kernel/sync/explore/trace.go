//go:build explore

package explore

import (
	"fmt"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"unsafe"

	"exo/kernel/sync/atom"
)

type eventKind uint8

const (
	eventOp eventKind = iota
	eventStep
	eventFlush
	eventSwitch
)

// event is a line of a trace.
type event struct {
	kind         eventKind
	thread       int
	op           atom.Op
	addr         unsafe.Pointer
	a, b, result atom.Value
	what         string
	where        string
}

// root is memory with a name.
type root struct {
	name string
	v    reflect.Value
}

// Name gives what p, a pointer or a slice, points at a name in traces; its fields, elements and what they point at are named
// after it.
func (x *Run) Name(name string, p any) {
	if x.tracing {
		x.roots = append(x.roots, root{name, reflect.ValueOf(p)})
	}
}

// where is the function and line that called an operation.
func where(skip int) string {
	var pcs [8]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(skip, pcs[:])])
	for {
		f, more := frames.Next()
		inside := strings.Contains(f.Function, "/sync/atom.") ||
			strings.Contains(f.Function, "/sync/explore.") && !strings.HasSuffix(f.File, "_test.go")
		if !inside || !more {
			name := f.Function[strings.LastIndexByte(f.Function, '/')+1:]
			name = name[strings.IndexByte(name, '.')+1:]
			return fmt.Sprintf("%s:%d %s", filepath.Base(f.File), f.Line, name)
		}
	}
}

// leaving says why the current thread stops.
func (x *Run) leaving() string {
	switch th := x.cur; {
	case th.done:
		return fmt.Sprintf("T%d has ended", th.id)
	case th.cond != nil:
		return fmt.Sprintf("T%d waits", th.id)
	case th.yielded:
		return fmt.Sprintf("T%d spins", th.id)
	default:
		return fmt.Sprintf("T%d is preempted", th.id)
	}
}

// trace is the execution, readable.
func (x *Run) trace() string {
	n := x.names()
	var b strings.Builder
	step := 0
	for _, e := range x.events {
		if e.kind != eventSwitch {
			step++
		}
		switch e.kind {
		case eventSwitch:
			fmt.Fprintf(&b, "      -- %s; T%d runs\n", e.what, e.thread)
		case eventFlush:
			fmt.Fprintf(&b, "%4d  T%d  (buffer) %s = %s is visible now\n", step, e.thread, n.word(e.addr), n.value(e.a))
		case eventStep:
			fmt.Fprintf(&b, "%4d  T%d  %-55s %s\n", step, e.thread, e.what, e.where)
		case eventOp:
			fmt.Fprintf(&b, "%4d  T%d  %-55s %s\n", step, e.thread, n.operation(e), e.where)
		}
	}
	return b.String()
}

func (n *names) operation(e event) string {
	w, a := n.word(e.addr), n.value(e.a)
	switch e.op {
	case atom.Load:
		return fmt.Sprintf("%s is %s", w, n.value(e.result))
	case atom.StoreRelease:
		return fmt.Sprintf("%s = %s, buffered", w, a)
	case atom.Store:
		return fmt.Sprintf("%s = %s", w, a)
	case atom.CompareAndSwap:
		outcome := "fails"
		if e.result.Bits != 0 {
			outcome = "done"
		}
		return fmt.Sprintf("%s: %s → %s %s", w, a, n.value(e.b), outcome)
	case atom.Swap:
		return fmt.Sprintf("%s = %s, was %s", w, a, n.value(e.result))
	case atom.Add:
		return fmt.Sprintf("%s += %d, now %s", w, int64(e.a.Bits), n.value(e.result))
	default:
		return fmt.Sprintf("%s |= %s", w, a)
	}
}

// names knows which word lies where.
type names struct {
	words   map[uintptr]string
	objects map[uintptr]string // the outermost one at an address
	unknown int
}

// names walks from the roots.
func (x *Run) names() *names {
	n := &names{words: map[uintptr]string{}, objects: map[uintptr]string{}}
	for _, r := range x.roots { // what has a name of its own is not named after what points at it
		n.objects[r.v.Pointer()] = r.name
	}
	for _, r := range x.roots {
		n.walk(r.name, r.v, 0)
	}
	return n
}

const (
	maxDepth    = 12
	maxElements = 256
)

func (n *names) walk(name string, v reflect.Value, depth int) {
	if depth > maxDepth {
		return
	}
	if v.CanAddr() {
		at := uintptr(v.Addr().UnsafePointer())
		if strings.HasPrefix(v.Type().PkgPath(), "exo/kernel/sync/atom") {
			n.words[at] = name
			return
		}
		if _, seen := n.objects[at]; !seen {
			n.objects[at] = name
		}
	}
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return
		}
		if _, seen := n.objects[v.Pointer()]; seen && depth > 0 {
			return // it has a name
		}
		n.walk(name, v.Elem(), depth+1)
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.Name != "_" && f.Type.Size() > 0 {
				if f.Anonymous {
					n.walk(name, v.Field(i), depth+1)
				} else {
					n.walk(name+"."+f.Name, v.Field(i), depth+1)
				}
			}
		}
	case reflect.Slice, reflect.Array:
		for i := range min(v.Len(), maxElements) {
			n.walk(fmt.Sprintf("%s[%d]", name, i), v.Index(i), depth+1)
		}
	}
}

func (n *names) word(addr unsafe.Pointer) string {
	name, ok := n.words[uintptr(addr)]
	if !ok {
		name = fmt.Sprintf("word%d", n.unknown)
		n.unknown++
		n.words[uintptr(addr)] = name
	}
	return name
}

// value is a word's content: small numbers in decimal, others in two halves, pointers by what they point at.
func (n *names) value(v atom.Value) string {
	if v.Ptr != nil {
		if name, ok := n.objects[uintptr(v.Ptr)]; ok {
			return "&" + name
		}
		return fmt.Sprintf("%p", v.Ptr)
	}
	switch b := int64(v.Bits); {
	case b >= -1000 && b < 1<<20:
		return fmt.Sprint(b)
	default:
		return fmt.Sprintf("%#x", v.Bits)
	}
}
