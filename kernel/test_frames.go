//go:build exokernel

package main

import (
	"exo/arch/amd64"
	"exo/kernel/ktest"
	"exo/kernel/mm"
	"exo/kernel/numa"
)

const testOwner mm.Owner = 0x7e57

// testFramesAll takes every frame of every node and gives it back: as many as firmware says that there are, less those that
// boot took, each of its node, and each once.
func testFramesAll(t *ktest.T, cpu int) {
	c := preemptOff()
	defer c.PreemptEnable()
	for n := range topology.Nodes() {
		ram, boot, free := uint64(0), uint64(0), frames.FreeCount(n)
		mapRAM(func(lo, hi mm.PhysAddr) {
			for f := lo.Frame(); f < hi.Frame(); f++ {
				if int(topology.NodeOfAddr(f.Addr())) == n {
					ram++
				}
			}
		})
		kernels := uint64(0)
		countFrames(n, func(f mm.Frame, i mm.Info) {
			switch i.Kind() {
			case mm.Boot:
				boot++
			case mm.FreeFrame:
			default:
				kernels++ // since boot
			}
		})
		t.Equal(cpu, free+boot+kernels, ram, "free frames, those taken at boot and the kernel's, of all that the node has")
		got := uint64(0)
		for {
			f, err := frames.Alloc(cpu, n, mm.User, testOwner)
			if err != nil {
				break
			}
			i := frames.Info(f)
			if !t.Check(cpu, i.Node() == n && int(topology.NodeOfAddr(f.Addr())) == n && i.Owner() == testOwner && i.Refs() == 1,
				"a frame is of the node that was asked for, and its owner's") {
				return
			}
			got++
			t.Count(1)
		}
		t.Equal(cpu, got, free, "frames that were given out, of those that were free")
		t.Equal(cpu, frames.FreeCount(n), 0, "frames that are left")
		returned := uint64(0)
		countFrames(n, func(f mm.Frame, i mm.Info) {
			if i.Owner() == testOwner && i.Kind() == mm.User {
				if _, err := frames.Free(cpu, f); err == nil {
					returned++
				}
			}
		})
		t.Equal(cpu, returned, got, "frames found by their owner, of those that were given out")
		t.Equal(cpu, frames.FreeCount(n), free, "free frames at the end")
	}
}

// testFramesBoot looks at what must not be given out, and at errors.
func testFramesBoot(t *ktest.T, cpu int) {
	c := preemptOff()
	defer c.PreemptEnable()
	taken := func(start, end uint64, what string) {
		for a := start; a < end; a += mm.FrameSize {
			f := mm.PhysAddr(a).Frame()
			t.Check(cpu, frames.Info(f).Kind() == mm.Boot, what)
			t.Check(cpu, frames.AllocAt(cpu, f, mm.User, testOwner) == mm.ErrTaken, "a frame that boot took is given out")
			_, err := frames.Free(cpu, f)
			t.Check(cpu, err == mm.ErrNotTaken, "a frame that boot took is freed")
			t.Count(1)
		}
	}
	taken(amd64.Boot.Image.Start, amd64.Boot.Image.End, "the kernel's image is taken")
	for i := range loader.NModules {
		m := &loader.Modules[i]
		taken(m.Base, m.Base+m.Len, "a module is taken")
	}
	t.Check(cpu, frames.Info(mm.Frame(amd64.APICBase()>>mm.FrameShift)).Kind() == mm.NoFrame, "a device is no frame")
	for n := range topology.Nodes() {
		f, err := frames.Alloc(cpu, n, mm.User, testOwner)
		if err != nil {
			continue
		}
		_, err = frames.Free(cpu, f)
		t.Check(cpu, err == nil, "what was allocated can be freed")
		_, err = frames.Free(cpu, f)
		t.Check(cpu, err == mm.ErrNotTaken, "and not twice")
		t.Check(cpu, frames.AllocAt(cpu, f, mm.User, testOwner) == nil, "it can be had by its number")
		frames.Free(cpu, f)
		t.Count(3)
	}
}

// policyTest is the task whose policy is tried, and the frames it has got.
var policyTest struct {
	task numa.TaskPolicy
	got  [8 * numa.MaxNodes]mm.Frame
	n    int
}

// allocBy takes a frame under a policy and returns its node, or MaxNodes if there was none.
func allocBy(p numa.Policy, cpu int) numa.Node {
	f, err := memory.Alloc(numa.CPU(cpu), policyTest.task.With(p), mm.User, testOwner)
	if err != nil {
		return numa.MaxNodes
	}
	policyTest.got[policyTest.n] = f
	policyTest.n++
	return numa.Node(frames.Info(f).Node())
}

func freePolicyTest(cpu int) {
	for ; policyTest.n > 0; policyTest.n-- {
		frames.Free(cpu, policyTest.got[policyTest.n-1])
	}
}

// nearestWith is the nearest node as seen from one that has free frames and can be reached, but for one that is left out.
func nearestWith(from, but numa.Node) numa.Node {
	for i := range topology.Nodes() {
		n := topology.Nearest(from, i)
		if n != but && frames.FreeCount(int(n)) > 0 && topology.Distance(from, n) != numa.Unreachable {
			return n
		}
	}
	return numa.MaxNodes
}

// testPolicies tries each policy on each node, one CPU after the other, and compares with the distances.
func testPolicies(t *ktest.T, cpu int) {
	for turn := range t.CPUs {
		if turn == cpu {
			c := preemptOff()
			tryPolicies(t, cpu)
			c.PreemptEnable()
		}
		t.Barrier()
	}
}

func tryPolicies(t *ktest.T, cpu int) {
	home := topology.NodeOf(numa.CPU(cpu))
	none := numa.Node(numa.MaxNodes)
	t.Equal(cpu, uint64(allocBy(numa.Policy{}, cpu)), uint64(nearestWith(home, none)), "local is the nearest node with memory")
	all, each := numa.NodeSet(0), uint64(4)
	for n := range numa.Node(topology.Nodes()) {
		reach := topology.Distance(home, n) != numa.Unreachable
		if frames.Total(int(n)) > 0 && reach {
			all |= n.Set()
		}
		bind, err := topology.Bind(n.Set())
		t.Check(cpu, err == nil, "a node can be bound to")
		want := none
		if frames.FreeCount(int(n)) > 0 && reach {
			want = n
		}
		t.Equal(cpu, uint64(allocBy(bind, cpu)), uint64(want), "bind is that node or nothing")
		preferred, _ := topology.Preferred(n)
		if reach {
			t.Equal(cpu, uint64(allocBy(preferred, cpu)), uint64(nearestWith(n, none)), "preferred is the nearest to that node")
		}
		t.Count(2)
	}
	freePolicyTest(cpu)
	interleave, err := topology.Interleave(all)
	t.Check(cpu, err == nil, "all nodes with memory can be interleaved over")
	var by [numa.MaxNodes + 1]uint64
	for n := range numa.Node(topology.Nodes()) {
		for range each {
			if all.Has(n) {
				by[allocBy(interleave, cpu)]++
				t.Count(1)
			}
		}
	}
	for n := range numa.Node(topology.Nodes()) {
		if all.Has(n) {
			t.Equal(cpu, by[n], each, "interleave gives each node as many")
		}
	}
	freePolicyTest(cpu)
}

// testPolicyFull fills one node: bind fails then, and preferred goes on to the nearest.
func testPolicyFull(t *ktest.T, cpu int) {
	c := preemptOff()
	defer c.PreemptEnable()
	home := topology.NodeOf(numa.CPU(cpu))
	full := numa.Node(numa.MaxNodes)
	for n := range numa.Node(topology.Nodes()) { // the smallest one that this CPU reaches
		free := frames.FreeCount(int(n))
		if free > 0 && topology.Distance(home, n) != numa.Unreachable &&
			(full == numa.MaxNodes || free < frames.FreeCount(int(full))) {
			full = n
		}
	}
	free := frames.FreeCount(int(full))
	for frames.FreeCount(int(full)) > 0 {
		if _, err := frames.Alloc(cpu, int(full), mm.User, testOwner); err != nil {
			break
		}
		t.Count(1)
	}
	before := policyTest.task.Stats()
	bind, _ := topology.Bind(full.Set())
	t.Equal(cpu, uint64(allocBy(bind, cpu)), numa.MaxNodes, "bind to a full node fails")
	preferred, _ := topology.Preferred(full)
	next := nearestWith(full, full)
	if topology.Distance(home, min(next, numa.MaxNodes-1)) != numa.Unreachable || next == numa.MaxNodes {
		t.Equal(cpu, uint64(allocBy(preferred, cpu)), uint64(next), "preferred goes on to the nearest that has memory")
	}
	after := policyTest.task.Stats()
	t.Check(cpu, after.Failed > before.Failed, "the failure was counted")
	if next != numa.MaxNodes && policyTest.n > 0 {
		t.Equal(cpu, after.Spilled[full], before.Spilled[full]+1, "the spill was counted")
	}
	freePolicyTest(cpu)
	countFrames(int(full), func(f mm.Frame, i mm.Info) {
		if i.Owner() == testOwner && i.Kind() == mm.User {
			frames.Free(cpu, f)
		}
	})
	t.Equal(cpu, frames.FreeCount(int(full)), free, "free frames at the end")
}
