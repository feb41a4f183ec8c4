//go:build exokernel

package main

import (
	"unsafe"

	"exo/arch/amd64"
	"exo/kernel/cap"
	"exo/kernel/ktest"
	"exo/kernel/mm"
	"exo/kernel/numa"
	"exo/kernel/sync/atom"
)

// capTable is a table of capabilities for tests and benchmarks, over real frames, which it notes to give them back.
type capTable struct {
	cap.Table
	kinds  [cap.Kinds]cap.Ops
	cpus   [amd64.MaxCPUs]cap.CPU
	frames [512]atom.Uint64 // given out, from the first on
	given  atom.Uint64
}

const (
	capTorn  cap.Kind = 1 // has a Teardown
	capPlain cap.Kind = 2
)

// GetFrame is for cap.Memory.
func (t *capTable) GetFrame(cpu int) *cap.Frame {
	i := t.given.Load()
	for !t.given.CompareAndSwap(i, i+1) {
		i = t.given.Load()
	}
	if i >= uint64(len(t.frames)) {
		return nil
	}
	f, err := frames.Alloc(cpu, int(topology.NodeOf(numa.CPU(cpu))), mm.Kernel, testOwner)
	if err != nil {
		return nil
	}
	t.frames[i].Store(uint64(f) + 1)
	b := amd64.PhysAddr(f.Addr()).Bytes(mm.FrameSize)
	clear(b)
	return (*cap.Frame)(unsafe.Pointer(&b[0])) // SAFETY: a frame of nobody else's, mapped, until giveBack
}

// PutFrame is for cap.Memory. The frame goes back with all others.
func (*capTable) PutFrame(int, *cap.Frame) {}

// NowNs is for cap.Clock.
func (*capTable) NowNs() uint64 { return amd64.NowNs() }

func (t *capTable) start(ncpus int) bool {
	t.given.Store(0)
	return t.Init(t.cpus[:ncpus], &t.kinds, t, t) == nil
}

// giveBack frees the table's memory, and returns how many frames it had. Nobody may use the table any more.
func (t *capTable) giveBack(cpu int) (n int) {
	for i := range t.frames {
		if f := t.frames[i].Swap(0); f != 0 {
			if _, err := frames.Free(cpu, mm.Frame(f-1)); err == nil {
				n++
			}
		}
	}
	t.Table = cap.Table{}
	return n
}

var (
	capTested capTable
	capTears  uint64 // in testCap
)

func countTear(int, cap.Name, cap.Rights, cap.Object) { capTears++ }

// testCap makes a table over real frames grow, looks everything up, takes it away, and gives the frames back.
func testCap(t *ktest.T, cpu int) {
	c := preemptOff()
	defer c.PreemptEnable()
	w := &capTested
	free := allFreeFrames()
	w.kinds[capTorn].Teardown = countTear
	if !t.Check(cpu, w.start(1), "there is memory for a table") {
		return
	}
	capTears = 0
	root, err := w.Create(0, cap.Capability{Kind: capTorn, Rights: cap.AllRights, Holder: 1, Object: cap.Object{First: 7, Second: 9}})
	t.Check(cpu, err == nil, "a capability can be made")
	const n = 3000
	first, last := cap.Name(0), root
	for i := range n {
		parent := root
		if i%10 != 0 {
			parent = last
		}
		name, err := w.Derive(0, parent, 1, cap.Derivation{To: 1, Rights: cap.AllRights &^ cap.Write})
		if i == 0 || i%10 == 0 {
			t.Check(cpu, err == nil, "it can be derived from")
		}
		last = name
		if i == 0 {
			first = name
		}
		o, err := w.Lookup(name, 1, capTorn, cap.Read)
		if !t.Check(cpu, err == nil && o == cap.Object{First: 7, Second: 9}, "what was derived is found, with its object") {
			break
		}
		t.Check(cpu, w.Check(name, 2, capTorn, 0) == cap.ErrNone, "by its holder alone")
		t.Check(cpu, w.Check(name, 1, capTorn, cap.Write) == cap.ErrRights, "and for its rights")
		t.Count(4)
	}
	calls := 0
	for at := cap.Name(0); ; calls++ {
		if at, err = w.Revoke(0, root, 1, at, 64); at == 0 {
			break
		}
	}
	t.Check(cpu, err == nil && calls >= n/64, "a revocation goes on where it was")
	t.Equal(cpu, capTears, n, "teardowns, of what was derived")
	t.Check(cpu, w.Check(first, 1, capTorn, 0) == cap.ErrNone && w.Check(last, 1, capTorn, 0) == cap.ErrNone, "nothing is found after it")
	t.Check(cpu, w.Check(root, 1, capTorn, cap.Write) == nil, "but the root")
	w.Delete(0, root, 1, 0, 1)
	left, slots := w.Free()
	t.Equal(cpu, uint64(left), uint64(slots), "free slots, of all")
	t.Check(cpu, slots > n, "the table grew")
	t.Check(cpu, w.giveBack(cpu) > n/64, "the frames come back")
	t.Equal(cpu, allFreeFrames(), free, "free frames at the end")
}

func allFreeFrames() (n uint64) {
	drainTables()
	for i := range topology.Nodes() {
		n += frames.FreeCount(i)
	}
	return n
}
