//go:build exouser

package runtime

import (
	"internal/abi"
	"internal/runtime/atomic"
	"unsafe"
)

// An itab is a type as seen through an interface; there is one for each such pair, ever, for comparisons compare their
// addresses. The linker made those that the program's text shows; assertions make others as they happen. One whose Fun[0]
// is 0 remembers that the type lacks a method.

type itabNode struct {
	tab  *abi.ITab
	next *itabNode
}

var itabs struct {
	lock   uint32
	bucket [128]*itabNode // read without the lock
}

func itabBucket(inter *abi.InterfaceType, typ *abi.Type) **itabNode {
	return &itabs.bucket[(inter.Type.Hash^typ.Hash)%uint32(len(itabs.bucket))]
}

func findITab(inter *abi.InterfaceType, typ *abi.Type) *abi.ITab {
	head := atomic.Loadp(unsafe.Pointer(itabBucket(inter, typ)))
	for n := (*itabNode)(head); n != nil; n = n.next {
		if n.tab.Inter == inter && n.tab.Type == typ {
			return n.tab
		}
	}
	return nil
}

// addITab adds one that is complete. The lock is held, or there is one thread.
func addITab(tab *abi.ITab) {
	head := itabBucket(tab.Inter, tab.Type)
	n := (*itabNode)(persistent(unsafe.Sizeof(itabNode{})))
	n.tab, n.next = tab, *head
	atomic.StorepNoWB(unsafe.Pointer(head), unsafe.Pointer(n))
}

// getitab returns the itab of typ as inter; if it is none, nil where canfail, and else it panics.
func getitab(inter *abi.InterfaceType, typ *abi.Type, canfail bool) *abi.ITab {
	var tab *abi.ITab
	if typ.TFlag&abi.TFlagUncommon != 0 {
		tab = findITab(inter, typ)
		if tab == nil {
			lock(&itabs.lock)
			if tab = findITab(inter, typ); tab == nil {
				tab = (*abi.ITab)(persistent(unsafe.Sizeof(abi.ITab{}) + uintptr(len(inter.Methods)-1)*8))
				tab.Inter, tab.Type = inter, typ
				fillITab(tab, true)
				addITab(tab)
			}
			unlock(&itabs.lock)
		}
		if tab.Fun[0] != 0 {
			return tab
		}
	}
	if canfail {
		return nil
	}
	missing := resolveName(inter.Methods[0].Name).Name()
	if tab != nil {
		missing = fillITab(tab, false)
	}
	panic(&TypeAssertionError{nil, typ, &inter.Type, missing})
}

// fillITab finds the methods, both lists being sorted by name, and returns the name of the first that is missing.
func fillITab(tab *abi.ITab, write bool) string {
	inter, x := tab.Inter, tab.Type.Uncommon()
	methods := x.Methods()
	fun := unsafe.Slice(&tab.Fun[0], len(inter.Methods))
	var first uintptr
	j := 0
next:
	for k := range inter.Methods {
		want := &inter.Methods[k]
		name := resolveName(want.Name)
		pkg := pkgPath(name)
		if pkg == "" {
			pkg = inter.PkgPath.Name()
		}
		for ; j < len(methods); j++ {
			m := &methods[j]
			got := resolveName(m.Name)
			if m.Mtyp != abi.TypeOff(want.Typ) || got.Name() != name.Name() {
				continue
			}
			gotPkg := pkgPath(got)
			if gotPkg == "" {
				gotPkg = resolveName(x.PkgPath).Name()
			}
			if got.IsExported() || gotPkg == pkg {
				code := firstmoduledata.text + uintptr(m.Ifn)
				if k == 0 {
					first = code // last, for it says that all are there
				} else if write {
					fun[k] = code
				}
				continue next
			}
		}
		return name.Name()
	}
	if write {
		fun[0] = first
	}
	return ""
}

func resolveName(off abi.NameOff) abi.Name {
	if off == 0 {
		return abi.Name{}
	}
	return abi.Name{Bytes: (*byte)(unsafe.Pointer(firstmoduledata.types + uintptr(off)))}
}

// pkgPath is the package that a name which is not exported belongs to, if it says so.
func pkgPath(n abi.Name) string {
	if n.Bytes == nil || *n.Data(0)&(1<<2) == 0 {
		return ""
	}
	i, l := n.ReadVarint(1)
	off := 1 + i + l
	if *n.Data(0)&(1<<1) != 0 {
		i2, l2 := n.ReadVarint(off)
		off += i2 + l2
	}
	var o abi.NameOff
	copy((*[4]byte)(unsafe.Pointer(&o))[:], (*[4]byte)(unsafe.Pointer(n.Data(off)))[:])
	return resolveName(o).Name()
}

// typeString is a type as its program writes it.
func typeString(t *abi.Type) string {
	s := resolveName(t.Str).Name()
	if t.TFlag&abi.TFlagExtraStar != 0 {
		return s[1:]
	}
	return s
}
