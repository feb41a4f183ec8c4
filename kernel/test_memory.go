//go:build exokernel

package main

import (
	"unsafe"

	"exo/arch/amd64"
	"exo/kernel/ktest"
	"exo/kernel/mm"
	"exo/kernel/numa"
)

func testWriteXorExecute(t *ktest.T, cpu int) {
	s := amd64.Boot.Segments()
	nx := amd64.CPUFeatures.NX
	large := false
	for m := range amd64.KernelTable.Leaves {
		t.Count(1)
		large = large || m.Size > amd64.PageSize
		if !t.Check(cpu, !m.Write || !m.Exec || !nx, "a page is writable and executable") {
			return
		}
		t.Check(cpu, !m.User, "a kernel page is open to ring 3")
		va := uint64(m.VA)
		switch {
		case va >= s.Text.Start && va < s.Text.End:
			t.Check(cpu, m.Exec && !m.Write, "the text is executable and read-only")
		case va >= s.ROData.Start && va < s.ROData.End:
			t.Check(cpu, !m.Write && (!m.Exec || !nx), "constants are read-only")
		default:
			t.Check(cpu, !m.Exec || !nx, "something outside the text is executable")
		}
		// No second, writable view of text and constants.
		if m.Write {
			pa, end := uint64(m.PA), uint64(m.PA)+m.Size
			lo, hi := s.Text.Start-amd64.KernelBase, s.ROData.End-amd64.KernelBase
			t.Check(cpu, end <= lo || pa >= hi, "the direct map shows the kernel's text writable")
		}
	}
	_, ok := amd64.KernelTable.Lookup(0)
	t.Check(cpu, !ok, "address 0 is mapped")
	t.Check(cpu, large || physical.UsableBytes() < 8<<20, "memory is mapped by large pages where it can be")
	if !amd64.X2APIC() {
		m, ok := amd64.KernelTable.Lookup(amd64.APICBase().Virt())
		t.Check(cpu, ok && m.Uncached && m.Write && m.Size == amd64.PageSize, "device registers are uncached")
	}
}

func testPaging(t *ktest.T, cpu int) {
	r := t.Rand(cpu)
	const window = 0xffffc04000000000 // far above all stacks, below the same entry of the root
	two := [2]amd64.PhysAddr{allocFrame(), allocFrame()}
	defer freeFrame(two[0])
	defer freeFrame(two[1])
	// One address for one frame and then the other: a stale TLB entry would show the first.
	for i := range 10 {
		f := two[i&1]
		amd64.KernelTable.Map(window, f, amd64.PageSize, amd64.PermRW)
		*(*uint64)(amd64.Pointer(window)) = uint64(i)
		t.Equal(cpu, *(*uint64)(f.Ptr()), uint64(i), "a write went to the frame that was mapped here before")
		amd64.KernelTable.Unmap(window)
	}
	frame := two[0]
	for range 200 {
		// In 8 GiB, and in 8 pieces of each: the kernel's tables are not given back, and 8 MiB are to be enough.
		va := uintptr(window + r.N(8)<<30 + r.N(8)<<21 + r.N(512)<<12)
		if _, ok := amd64.KernelTable.Lookup(va); ok {
			continue
		}
		amd64.KernelTable.Map(va, frame, amd64.PageSize, amd64.PermRW)
		m, ok := amd64.KernelTable.Lookup(va + uintptr(r.N(amd64.PageSize)))
		t.Check(cpu, ok && m.PA == frame && m.Size == amd64.PageSize && m.Write && m.VA == va, "what was mapped is found")
		v := r.Uint64()
		*(*uint64)(amd64.Pointer(va)) = v
		t.Equal(cpu, *(*uint64)(frame.Ptr()), v, "a write through the mapping reaches the frame")
		amd64.KernelTable.Unmap(va)
		_, ok = amd64.KernelTable.Lookup(va)
		t.Check(cpu, !ok, "what was unmapped is gone")
		t.Count(1)
	}
}

func testGuards(t *ktest.T, cpu int) {
	lo, hi := amd64.Stack()
	t.Equal(cpu, uint64(hi-lo), amd64.KernelStackSize, "the stack's size")
	for va := lo; va < hi; va += amd64.PageSize {
		m, ok := amd64.KernelTable.Lookup(va)
		t.Check(cpu, ok && m.Write && m.Size == amd64.PageSize, "the whole stack is mapped")
		t.Count(1)
	}
	stacks := amd64.ThisCPU().Stacks()
	t.Check(cpu, lo == uintptr(stacks[0].Start) && hi == uintptr(stacks[0].End), "a CPU idles on its own stack")
	for i, s := range stacks {
		want := uint64(amd64.KernelStackSize)
		if i >= 2 {
			want = amd64.ISTStackSize
		}
		t.Equal(cpu, s.Size(), want, "the size of a stack, by the TSS for the IST's")
		m, ok := amd64.KernelTable.Lookup(uintptr(s.Start))
		t.Check(cpu, ok && m.Write && m.Size == amd64.PageSize, "a stack's lowest page is mapped")
		_, ok = amd64.KernelTable.Lookup(uintptr(s.Start) - 1)
		t.Check(cpu, !ok && amd64.IsStackGuard(uintptr(s.Start)-1), "a guard lies below the stack")
		_, ok = amd64.KernelTable.Lookup(uintptr(s.End))
		t.Check(cpu, !ok, "a guard lies above the stack")
		for j := range i {
			t.Check(cpu, stacks[j].End != s.End, "two stacks are one")
		}
	}
}

func testDirectMap(t *ktest.T, cpu int) {
	r := t.Rand(cpu)
	for n := range numa.Node(topology.Nodes()) {
		for g := range physical.Free {
			first, frames := g.Frames()
			for range 8 {
				f := first + mm.Frame(r.N(frames))
				if topology.NodeOfAddr(f.Addr()) != n {
					continue
				}
				p := (*uint64)(amd64.PhysAddr(f.Addr()).Ptr())
				old, v := *p, r.Uint64()
				*p = v
				t.Equal(cpu, *p, v, "memory holds what is written")
				*p = old
				t.Count(1)
			}
		}
	}
}

func testTopology(t *ktest.T, cpu int) {
	top := &topology
	t.Equal(cpu, uint64(top.CPUCount()), uint64(ncpu), "every CPU is in the topology")
	seen := numa.CPUSet(0)
	for n := range numa.Node(top.Nodes()) {
		t.Check(cpu, seen&top.CPUs(n) == 0, "a CPU is in two nodes")
		seen |= top.CPUs(n)
		t.Equal(cpu, uint64(top.Distance(n, n)), 10, "a node's distance to itself")
		for i := 1; i < top.Nodes(); i++ {
			t.Check(cpu, top.Distance(n, top.Nearest(n, i-1)) <= top.Distance(n, top.Nearest(n, i)), "nearest nodes come first")
		}
		t.Equal(cpu, uint64(top.Nearest(n, 0)), uint64(n), "a node is nearest to itself")
		t.Count(1)
	}
	for c := range ncpu {
		t.Check(cpu, seen.Has(numa.CPU(c)), "a CPU is in no node")
		t.Check(cpu, top.CPUs(top.NodeOf(numa.CPU(c))).Has(numa.CPU(c)), "a CPU's node knows it")
	}
}

func testNodeMemory(t *ktest.T, cpu int) {
	total := uint64(0)
	for n := range numa.Node(topology.Nodes()) {
		total += topology.Bytes(n)
		t.Count(1)
	}
	t.Equal(cpu, total, physical.Intersect(0, uint64(mm.PhysLimit)), "the nodes' memory adds up to all memory")
}

func testLocality(t *ktest.T, cpu int) {
	node := topology.NodeOf(numa.CPU(cpu))
	t.Count(1)
	if cpu == 0 || topology.Bytes(node) < 2<<20 || topology.NNotes+doubts > 0 {
		return // the boot CPU's block is in the image; a node without memory, or one firmware contradicts itself on, borrows
	}
	block := uintptr(unsafe.Pointer(amd64.ThisCPU())) - amd64.DirectMap
	t.Equal(cpu, uint64(topology.NodeOfAddr(mm.PhysAddr(block))), uint64(node), "the CPU's block is on its node")
	lo, _ := amd64.Stack()
	m, ok := amd64.KernelTable.Lookup(lo)
	t.Check(cpu, ok, "the CPU's stack is mapped")
	t.Equal(cpu, uint64(topology.NodeOfAddr(mm.PhysAddr(m.PA))), uint64(node), "the CPU's stack is on its node")
}

func testInitramfs(t *ktest.T, cpu int) {
	e, ok := archive.Lookup("etc/motd")
	t.Check(cpu, ok && asString(e.Data) == "Welcome to Exo.\n", "etc/motd has the text it was packed with")
	for range archive.Entries {
		t.Count(1)
	}
}
