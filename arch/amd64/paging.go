//go:build exokernel

package amd64

// Page tables: 4 levels, 4 KiB / 2 MiB / 1 GiB pages (SDM vol. 3A §4.5).

const (
	pteP   = 1 << 0
	pteW   = 1 << 1
	pteU   = 1 << 2
	ptePWT = 1 << 3
	ptePCD = 1 << 4
	ptePS  = 1 << 7
	pteG   = 1 << 8
	pteNX  = 1 << 63

	pteAddr = 0x000ffffffffff000
)

// Perm is what a mapping allows. There is no writable and executable one.
type Perm uint8

const (
	PermR      Perm = iota // read
	PermRX                 // read, execute
	PermRW                 // read, write
	PermDevice             // read, write, uncached
)

func (p Perm) bits() uint64 {
	v := uint64(pteP)
	if p == PermRW || p == PermDevice {
		v |= pteW
	}
	if p == PermDevice {
		v |= ptePCD | ptePWT
	}
	if p != PermRX && CPUFeatures.NX {
		v |= pteNX
	}
	return v
}

// PageTable is the root of an address space. Changes need a lock of the caller's: at boot there is one CPU.
type PageTable struct{ root PhysAddr }

// KernelTable is the kernel's own address space, the upper half of every other.
var KernelTable PageTable

// AllocTable returns a zeroed frame below 4 GiB for a page table, and panics if there is none. Set by the kernel.
var AllocTable func() PhysAddr

type table [512]uint64

func tableAt(pa uint64) *table { return (*table)(PhysAddr(pa & pteAddr).Ptr()) }

// shift of the index into a table of the given level (1 = 4 KiB pages … 4 = root).
func levelShift(level int) uint { return uint(12 + 9*(level-1)) }

// NewPageTable returns an empty address space.
func NewPageTable() PageTable { return PageTable{AllocTable()} }

// Activate makes this CPU use the table.
func (t PageTable) Activate() { writeCR3(uint64(t.root)) }

// Root is the physical address of the top table.
func (t PageTable) Root() PhysAddr { return t.root }

// Map maps [va, va+size) to [pa, pa+size), all multiples of 4 KiB, with the largest pages that fit. Mapping an
// address that is mapped already is a bug and panics. New mappings need no shoot-down.
func (t PageTable) Map(va uintptr, pa PhysAddr, size uint64, perm Perm) {
	if (uint64(va)|uint64(pa)|size)%PageSize != 0 {
		panic("paging: Map of something that is not whole pages")
	}
	for size > 0 {
		level := 1
		fits := func(s uint64) bool { return size >= s && (uint64(va)|uint64(pa))%s == 0 }
		switch {
		case CPUFeatures.Page1G && fits(HugePageSize):
			level = 3
		case fits(LargePageSize):
			level = 2
		}
		// A table that is there already (a neighbour needed smaller pages) rules the larger page out.
		e, level := t.entry(va, level)
		if *e&pteP != 0 {
			panic("paging: Map over an existing mapping")
		}
		v := uint64(pa) | perm.bits()
		if va >= DirectMap {
			v |= pteG // the same in every address space
		}
		if level > 1 {
			v |= ptePS
		}
		*e = v
		n := uint64(1) << levelShift(level)
		va, pa, size = va+uintptr(n), pa+PhysAddr(n), size-n
	}
}

// entry returns the entry for va at the given level, or at a lower one if a table stands there; it makes tables on
// the way.
func (t PageTable) entry(va uintptr, level int) (*uint64, int) {
	tab := tableAt(uint64(t.root))
	for l := 4; ; l-- {
		e := &tab[va>>levelShift(l)&511]
		if l == level && (l == 1 || *e&pteP == 0 || *e&ptePS != 0) {
			return e, l
		}
		if *e&pteP == 0 {
			if l == 4 && sealed {
				panic("paging: the kernel's part of the root table is complete")
			}
			*e = uint64(AllocTable()) | pteP | pteW
		} else if *e&ptePS != 0 {
			return e, l // a large page in the way; the caller sees it present
		}
		if l == level {
			level--
		}
		tab = tableAt(*e)
	}
}

// Unmap removes one 4 KiB mapping, on this CPU's TLB only.
func (t PageTable) Unmap(va uintptr) {
	if m, ok := t.Lookup(va); !ok || m.Size != PageSize {
		panic("paging: Unmap of a page that is not mapped")
	}
	e, _ := t.entry(va, 1)
	*e = 0
	invlpg(va)
}

// Mapping is one leaf entry as a walk finds it.
type Mapping struct {
	VA                          uintptr
	PA                          PhysAddr
	Size                        uint64
	Write, Exec, User, Uncached bool
}

// Lookup finds the mapping that covers va.
func (t PageTable) Lookup(va uintptr) (m Mapping, ok bool) {
	tab, write, nx, user := tableAt(uint64(t.root)), true, false, true
	for l := 4; ; l-- {
		e := tab[va>>levelShift(l)&511]
		if e&pteP == 0 {
			return m, false
		}
		write, nx, user = write && e&pteW != 0, nx || e&pteNX != 0, user && e&pteU != 0
		if l == 1 || e&ptePS != 0 {
			size := uint64(1) << levelShift(l)
			return Mapping{
				VA: va &^ uintptr(size-1), PA: PhysAddr(e & pteAddr &^ (size - 1)), Size: size,
				Write: write, Exec: !nx, User: user, Uncached: e&ptePCD != 0,
			}, true
		}
		tab = tableAt(e)
	}
}

// Leaves calls fn for every leaf of the table and stops when fn returns false. Bounded by the table, not recursive.
func (t PageTable) Leaves(fn func(Mapping) bool) {
	for va := uintptr(0); ; {
		m, ok := t.Lookup(va)
		step := uintptr(PageSize)
		if ok {
			if !fn(m) {
				return
			}
			step = uintptr(m.Size)
		} else {
			step = t.hole(va)
		}
		next := va + step
		if next>>47 == 1 { // the hole in the middle of canonical addresses
			next = DirectMap
		}
		if next < va || next == 0 {
			return
		}
		va = next
	}
}

// hole returns how far the unmapped range around va reaches from va, as far as one table entry tells.
func (t PageTable) hole(va uintptr) uintptr {
	tab := tableAt(uint64(t.root))
	for l := 4; ; l-- {
		e := tab[va>>levelShift(l)&511]
		if e&pteP == 0 || l == 1 {
			size := uintptr(1) << levelShift(l)
			return size - va&(size-1)
		}
		tab = tableAt(e)
	}
}

// MapDevice maps device registers, uncached, where the direct map would show them, and returns that address. A page that
// is mapped already becomes one of registers: the caller has made sure that it is no RAM.
func MapDevice(pa PhysAddr, size uint64) uintptr { return mapDirect(pa, size, PermDevice) }

// MapFirmware maps firmware tables, read-only, where the direct map would show them; RAM is mapped there already.
func MapFirmware(pa PhysAddr, size uint64) uintptr { return mapDirect(pa, size, PermR) }

func mapDirect(pa PhysAddr, size uint64, perm Perm) uintptr {
	for p := pa &^ (PageSize - 1); p < pa+PhysAddr(size); p += PageSize {
		m, ok := KernelTable.Lookup(p.Virt())
		if ok && perm == PermDevice && m.Size == PageSize && !m.Write {
			KernelTable.Unmap(p.Virt()) // a firmware table's neighbour; at boot there is one TLB
			ok = false
		}
		if !ok {
			KernelTable.Map(p.Virt(), p, PageSize, perm)
		}
	}
	return pa.Virt()
}
