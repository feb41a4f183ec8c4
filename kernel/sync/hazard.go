// Package sync … hazard.go: hazard pointers (Michael, IEEE TPDS 2004).
//
//	CPU 0: slots [ A – – – ]  retired: B → C → A         CPU 1: slots [ – C – – ]  retired: D
//	                scan by CPU 0: A and C are somebody's, B is reclaimed
//
//	           Protect  Clear  Retire  Drain    X: callers exclude each other; -: may run together
//	each          -       -       -      -      and own: not twice on one CPU
//
// G1. An object that was found where it had been after its Protect is not reclaimed until that slot is cleared or set
// again.
// G2. A retired object is reclaimed once at most, and by the CPU that retired it.
// G3. A CPU has never more than Bound objects retired and not reclaimed.
// G4. Drain with no slot set reclaims everything that the CPU has retired.
//
// Progress: Protect, Clear wait-free; Retire as Reclaim is, and amortised O(1): a scan looks at every slot once, H = CPUs × 4
// of them, and is made when 2 H objects are retired, of which it reclaims H at least.
// Callers: a task on its CPU, preemption off while a slot is set; not interrupt handlers. The slots are the CPU's that
// runs: never those of the CPU that a structure belongs to.
// Memory: slots, lists and scan tables are the CPU's, given at Init.
//
// Proof sketch of G1. Protect sets the slot, fence, and then its caller reads again where the object was found. Whoever
// retires the object first takes it from there, fence (a compare-and-swap), and then scans. Of two fences one comes
// first: either the scan sees the slot, or the second read sees that the object has gone. Without the fence the slot may
// still be in the CPU's store buffer while the second read is made, and both miss.
package sync

import (
	"unsafe"

	"exo/kernel/sync/atom"
)

// HazardSlots is how many objects a CPU can protect at once.
const HazardSlots = 4

// Retired is the head of an object that hazard pointers protect, its first field.
type Retired struct {
	next *Retired // in the list of the CPU that retired it
}

// Reclaimer takes back what nobody uses any more.
type Reclaimer interface {
	// Reclaim is called on the CPU that retired the object, inside Retire or Drain.
	Reclaim(cpu int, o *Retired)
}

// Hazards protects objects of one kind.
type Hazards struct {
	cpus  []HazardCPU
	owner Reclaimer
}

// HazardCPU is one CPU's part.
type HazardCPU struct {
	slots [HazardSlots]atom.Uint64 // addresses, 0: none; written by the CPU, read by all
	_     [32]byte
	list  *Retired // touched by the CPU alone, as is the rest
	count int
	table [2 * HazardSlots * maxHazardCPUs]uint64 // a hash table of what is protected, for the scan
	_     [48]byte
}

const maxHazardCPUs = 64

// Init makes h ready for len(cpus) CPUs, at most 64.
func (h *Hazards) Init(cpus []HazardCPU, owner Reclaimer) {
	if len(cpus) == 0 || len(cpus) > maxHazardCPUs {
		panic("sync: hazard pointers are for 1 to 64 CPUs")
	}
	clear(cpus)
	h.cpus, h.owner = cpus, owner
}

// Bound is how many objects a CPU may have retired and not yet reclaimed.
func (h *Hazards) Bound() int { return 2 * HazardSlots * len(h.cpus) }

// Protect sets a slot to o, which the caller found somewhere, and must then find there again before it uses o:
// the order of the two is all there is to hazard pointers, so Protect is a full fence.
func (h *Hazards) Protect(cpu, slot int, o *Retired) { h.cpus[cpu].slots[slot].Store(addressOf(o)) }

// ProtectBefore sets a slot without the fence. A Protect by the same CPU must follow before o is looked for again.
func (h *Hazards) ProtectBefore(cpu, slot int, o *Retired) {
	h.cpus[cpu].slots[slot].StoreRelease(addressOf(o))
}

// Clear empties a slot.
func (h *Hazards) Clear(cpu, slot int) {
	h.cpus[cpu].slots[slot].StoreRelease(0) // order: after all that was done with the object; pairs with scan's load (G1)
}

// Retire hands over an object that can no longer be found anywhere, to be reclaimed when nobody protects it.
func (h *Hazards) Retire(cpu int, o *Retired) {
	c := &h.cpus[cpu]
	o.next = c.list
	c.list = o
	if c.count++; c.count >= h.Bound() {
		h.scan(cpu)
	}
}

// Drain reclaims what it can at once, and returns how many objects are left because they are protected.
func (h *Hazards) Drain(cpu int) int {
	h.scan(cpu)
	return h.cpus[cpu].count
}

// scan reclaims each object on the CPU's list that is in no slot.
func (h *Hazards) scan(cpu int) {
	c := &h.cpus[cpu]
	table := c.table[:tableSize(len(h.cpus))]
	clear(table)
	for i := range h.cpus {
		for j := range h.cpus[i].slots {
			// order: after the objects were taken out, by a compare-and-swap; pairs with the fence in Protect (G1)
			if o := h.cpus[i].slots[j].Load(); o != 0 {
				insert(table, o)
			}
		}
	}
	list := c.list
	c.list, c.count = nil, 0
	for list != nil {
		o := list
		list = o.next
		if contains(table, addressOf(o)) {
			o.next = c.list
			c.list = o
			c.count++
		} else {
			h.owner.Reclaim(cpu, o)
		}
	}
}

// tableSize is a power of two, twice the number of slots at least.
func tableSize(cpus int) int {
	n := 2 * HazardSlots
	for n < 2*HazardSlots*cpus {
		n *= 2
	}
	return n
}

// addressOf is o as a number. Go's atomic stores of pointers are calls, with a look at the collector's write barrier; and a
// slot need not keep its object alive.
//
// SAFETY: the number is compared and never made a pointer again; objects do not move.
func addressOf(o *Retired) uint64 { return uint64(uintptr(unsafe.Pointer(o))) }

// place is where o's search begins (Fibonacci hashing: Knuth, vol. 3, §6.4).
func place(table []uint64, o uint64) int {
	return int(o*0x9e3779b97f4a7c15>>40) & (len(table) - 1)
}

func insert(table []uint64, o uint64) {
	i := place(table, o)
	for table[i] != 0 && table[i] != o {
		i = (i + 1) & (len(table) - 1)
	}
	table[i] = o
}

func contains(table []uint64, o uint64) bool {
	for i := place(table, o); table[i] != 0; i = (i + 1) & (len(table) - 1) {
		if table[i] == o {
			return true
		}
	}
	return false
}
