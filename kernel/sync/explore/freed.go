//go:build explore

package explore

import (
	"fmt"
	"reflect"
	"unsafe"
)

// span is memory that no thread may touch.
type span struct {
	from, to uintptr
	what     string
	stores   bool // loads are allowed
}

// Forbid has every later operation on an atomic word in *p fail, and every flush of a store to one: for memory that has been
// freed. p is a pointer, or a slice.
func (x *Run) Forbid(what string, p any) { x.forbid(what, p, false) }

// ForbidStores is Forbid that allows loads, for memory that stays of its type and may be read, but not trusted.
func (x *Run) ForbidStores(what string, p any) { x.forbid(what, p, true) }

func (x *Run) forbid(what string, p any, stores bool) {
	v := reflect.ValueOf(p)
	size := uintptr(0)
	if v.Kind() == reflect.Slice {
		size = v.Type().Elem().Size() * uintptr(v.Len())
	} else {
		size = v.Type().Elem().Size()
	}
	x.freed = append(x.freed, span{v.Pointer(), v.Pointer() + size, what, stores})
}

// assertNotFreed fails a thread that is about to touch freed memory.
func (x *Run) assertNotFreed(addr unsafe.Pointer, store bool, how string) {
	for _, s := range x.freed {
		if at := uintptr(addr); at >= s.from && at < s.to && (store || !s.stores) {
			panic(fmt.Sprintf("%s freed memory: %s", how, s.what))
		}
	}
}
