//go:build exouser

package sys

import (
	"sync/atomic"
	"unsafe"

	"exo/kernel/abi"
	"exo/libos/startpage"
)

var page *startpage.Page

// Closing is called when the program ends by itself; nil: nothing is to be done.
var Closing func()

// SetStart says where the start page is. Once, by libos/start.
func SetStart(p *startpage.Page) { page = p }

// Start returns the start page.
func Start() *startpage.Page { return page }

// Texts are strings of the start page. They stay where they are.
type Texts struct{ table *startpage.Table }

// Args are the program's name and its arguments.
func Args() Texts { return Texts{&page.Args} }

// Env is the environment as programs know it: NAME=VALUE.
func Env() Texts { return Texts{&page.Env} }

// Len is how many there are.
func (t Texts) Len() int { return int(t.table.Entries) }

// At returns the i-th.
func (t Texts) At(i int) string {
	e := entries[startpage.Text](t.table)[i]
	return unsafe.String((*byte)(at(e.Offset)), e.Bytes)
}

// StartCaps are the capabilities that the program was started with.
func StartCaps() []startpage.Cap { return entries[startpage.Cap](&page.Caps) }

// StartCap returns the name of one, 0 if there is none.
func StartCap(role, index uint64) Cap {
	all := StartCaps()
	for i := range all {
		if c := &all[i]; c.Role == role && c.Index == index {
			return Held(c)
		}
	}
	return 0
}

// Held is the name of one of StartCaps, which is taken if it has not been yet; 0: there is none, or it cannot be taken now.
func Held(c *startpage.Cap) Cap {
	name := atomic.LoadUint64(&c.Name)
	if name&startpage.ToTake == 0 {
		return name
	}
	got, err := CapTake(name &^ startpage.ToTake)
	if err != abi.OK {
		return 0
	}
	if !atomic.CompareAndSwapUint64(&c.Name, name, got) { // another thread was faster
		CapDelete(got)
		return atomic.LoadUint64(&c.Name)
	}
	return got
}

func at(offset uint64) unsafe.Pointer { return unsafe.Add(unsafe.Pointer(page), offset) }

// SAFETY: whoever wrote the page, the parent or the kernel, can do what it likes with this program anyhow.
func entries[T any](t *startpage.Table) []T { return unsafe.Slice((*T)(at(t.Offset)), t.Entries) }

// AddStartCap adds a capability to those, for the program and whom it starts: the initial environment, whose start page has
// room for a few.
func AddStartCap(c startpage.Cap) {
	n := page.Caps.Entries
	page.Caps.Entries++
	entries[startpage.Cap](&page.Caps)[n] = c
}
