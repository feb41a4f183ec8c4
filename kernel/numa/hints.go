package numa

import (
	"exo/kernel/mm"
	"exo/kernel/sync/atom"
)

// Hints: which memory would better be elsewhere. Somebody samples accesses, from faults or from the PMU, and Hints counts
// them for each 2 MiB and node; Hint finds what is used from afar. What to do about it is up to the caller.
//
//	            Count  Decay  Hint        X: callers exclude each other; -: may run together
//	Count         -      -     -
//	Decay         -      -     -
//	Hint          -      -     -
//
// G1. No sample is lost while counts are below maxCount; there they stay, and never wrap.
// G2. Decay halves each count, rounding down: one that is not fed is 0 after as many calls as it has binary digits.
// G3. A group is hinted at exactly if the node that uses it most, other than its own, has made least samples or more, and
// more than factor times those of its own node, and a node with memory is nearer to that node than the group's own.
//
// Progress: Count and Decay lock-free, Hint wait-free. Callers: any CPU, task or interrupt. Memory: the table given at Init.
// Not promised: that Hint sees all counts of a group at one moment, nor that a group in which two nodes meet is judged
// right: it counts as the node's that its first frame is of.

// maxCount is where a count stops.
const maxCount = 1<<32 - 1

// HintGroup counts the samples of 2 MiB, by the node that made the access: one cache line.
type HintGroup struct{ by [MaxNodes]atom.Uint32 }

// Hints counts accesses. Init it before use.
type Hints struct {
	alloc  *Allocator
	first  mm.Frame // of the first group
	groups []HintGroup
}

// Hint says that the 512 frames from First on, which are on node Home, would better be on To.
type Hint struct {
	First    mm.Frame
	Home, To Node
	User     Node   // who uses them most; To is the node with memory that is nearest to it
	Remote   uint32 // samples of User
	Local    uint32 // samples of Home
}

// Init empties the table, which has a group for each 512 frames from first on, a multiple of that.
func (h *Hints) Init(a *Allocator, first mm.Frame, table []HintGroup) {
	if first%mm.HugeFrames != 0 {
		panic("numa: the first group of hints begins inside 2 MiB")
	}
	clear(table)
	*h = Hints{a, first, table}
}

// Count notes n sampled accesses by a CPU to a frame. It says whether the table has the frame.
func (h *Hints) Count(cpu CPU, f mm.Frame, n uint32) bool {
	g := uint64(f-h.first) / mm.HugeFrames // below first it wraps, to more than any table has
	if g >= uint64(len(h.groups)) {
		return false
	}
	w := &h.groups[g].by[h.alloc.top.NodeOf(cpu)]
	for {
		c := w.Load()
		if c == maxCount || w.CompareAndSwap(c, c+min(n, maxCount-c)) {
			return true
		}
	}
}

// Decay lets the past count half. It is called at even intervals.
func (h *Hints) Decay() {
	for g := range h.groups {
		for n := range h.alloc.top.nodes {
			w := &h.groups[g].by[n]
			for c := w.Load(); c != 0 && !w.CompareAndSwap(c, c/2); c = w.Load() {
			}
		}
	}
}

// Hint returns the next hint from group number from on, and the number to go on with; ok is false if there is none.
func (h *Hints) Hint(from int, least, factor uint32) (hint Hint, next int, ok bool) {
	for g := max(from, 0); g < len(h.groups); g++ {
		if hint, ok = h.judge(g, least, factor); ok {
			return hint, g + 1, true
		}
	}
	return Hint{}, len(h.groups), false
}

// judge says whether a group had better move.
func (h *Hints) judge(g int, least, factor uint32) (Hint, bool) {
	t := h.alloc.top
	first := h.first + mm.Frame(g)*mm.HugeFrames
	hint := Hint{First: first, Home: t.NodeOfAddr(first.Addr())}
	hint.Local = h.groups[g].by[hint.Home].Load()
	for n := range Node(t.nodes) {
		if c := h.groups[g].by[n].Load(); n != hint.Home && c > hint.Remote {
			hint.User, hint.Remote = n, c
		}
	}
	if hint.Remote == 0 || hint.Remote < least || uint64(hint.Remote) <= uint64(factor)*uint64(hint.Local) {
		return Hint{}, false
	}
	to, ok := h.alloc.nearestUsable(hint.User)
	if !ok || t.Distance(hint.User, to) >= t.Distance(hint.User, hint.Home) {
		return Hint{}, false
	}
	hint.To = to
	return hint, true
}

// nearestUsable is the node with memory that is nearest to n, full or not.
func (a *Allocator) nearestUsable(n Node) (Node, bool) {
	for i := range a.top.nodes {
		if m := a.top.Nearest(n, i); a.usable[n].Has(m) {
			return m, true
		}
	}
	return 0, false
}
