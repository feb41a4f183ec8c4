//go:build exokernel

package main

import (
	"unsafe"

	"exo/arch/amd64"
	"exo/kernel/ktest"
	"exo/kernel/sync"
	"exo/kernel/sync/atom"
	"exo/kernel/text"
)

// torture/rcu: a table of nodes that everybody reads in sections, and replaces. The age of a node is 0 while it is in the
// table, 1 once it is out, and one more after each grace period from then on; so a reader that finds more than 1 at the
// end of its section held on to a node for which a grace period had ended too early (after rcutorture, in Linux'
// kernel/rcu). A node that is four grace periods old is poisoned and used again.

// rcuNode is an entry of the table.
type rcuNode struct {
	sync.Head // first: the callback's
	version   atom.Uint64
	words     [3]atom.Uint64 // all made of the version
	age       atom.Uint64
	next      *rcuNode // in a free list
}

const (
	rcuEntries   = 4
	rcuNodesEach = 48 // for each CPU
	rcuOldest    = 4
)

var rcuTest struct {
	table [rcuEntries]atom.Pointer[rcuNode]
	cpus  []rcuTortured
}

// rcuTortured is one CPU's part; all but the first three words is its own.
type rcuTortured struct {
	section     atom.Uint64 // odd while the task is in a section
	queued, ran atom.Uint64 // callbacks
	_           [40]byte

	free    *rcuNode // touched with preemption off, and by callbacks
	version uint64
	handler ktest.Rand

	ages, handlerAges                                [rcuOldest + 1]uint64
	updates, short, syncs, expedited, barriers, idle uint64
	open                                             [amd64.MaxCPUs]uint64 // other CPUs' section, before waiting
}

func (n *rcuNode) fill(version uint64) {
	n.version.StoreRelease(version)
	for i := range n.words {
		n.words[i].StoreRelease(scramble(version + uint64(i)))
	}
	n.age.StoreRelease(0)
}

// sound says whether the node is as when it was filled with that version.
func (n *rcuNode) sound(version uint64) bool {
	for i := range n.words {
		if n.words[i].Load() != scramble(version+uint64(i)) {
			return false
		}
	}
	return n.version.Load() == version && version != poison
}

// put frees a node. Preemption is off.
func (w *rcuTortured) put(n *rcuNode) {
	n.version.StoreRelease(poison)
	for i := range n.words {
		n.words[i].StoreRelease(poison)
	}
	n.next, w.free = w.free, n
}

// get returns a node, filled, or nil.
func (w *rcuTortured) get(cpu int) *rcuNode {
	c := preemptOff()
	n := w.free
	if n != nil {
		w.free = n.next
		w.version++
		n.fill(uint64(cpu)<<48 | w.version)
	} else {
		w.short++
	}
	c.PreemptEnable()
	return n
}

func prepareRCU(t *ktest.T) {
	rcuTest.cpus = room[rcuTortured](t.CPUs)
	nodes := room[rcuNode](rcuEntries + t.CPUs*rcuNodesEach)
	for i := range rcuEntries {
		nodes[i].fill(uint64(i))
		rcuTest.table[i].Store(&nodes[i])
	}
	for i := rcuEntries; i < len(nodes); i++ {
		rcuTest.cpus[i%t.CPUs].put(&nodes[i])
	}
	for cpu := range rcuTest.cpus {
		rcuTest.cpus[cpu].handler = ktest.NewRand(t.Rand(cpu).Uint64())
	}
}

func testTortureRCU(t *ktest.T, cpu int) {
	if !beginTorture(t, cpu, "torture/rcu", prepareRCU, tickRCU) {
		return
	}
	w, r, c := &rcuTest.cpus[cpu], t.Rand(cpu), this()
	for {
		for range 16 {
			switch n := r.N(1000); {
			case n < 800:
				w.read(t, cpu, c, r)
			case n < 960:
				w.update(cpu, r)
			case n < 980:
				w.synchronize(t, cpu, c, r)
			case n < 982:
				w.barrier(t, cpu, c)
			case n < 990:
				w.rest(r)
			case n < 993:
				w.hold(t, cpu)
			default:
				rcuPoll()
			}
		}
		if !going(t, cpu) {
			break
		}
	}
	t.Barrier()
	if cpu == 0 {
		for range rcuOldest { // callbacks queue themselves again
			kernelRCU.Barrier(c, rcuWait)
		}
	}
	t.Barrier()
	t.Check(cpu, !kernelRCU.Pending(cpu), "Barrier returned, and a callback has not run")
	t.Count(sumOf(w.ages[:]) + w.updates + w.syncs + w.expedited + w.barriers)
	endTorture(t, cpu)
	if cpu == 0 {
		finishRCU(t)
	}
}

func sumOf(a []uint64) (sum uint64) {
	for _, n := range a {
		sum += n
	}
	return sum
}

// read makes one read section.
func (w *rcuTortured) read(t *ktest.T, cpu int, c *sync.Context, r *ktest.Rand) {
	c.ReadLock()
	w.section.StoreRelease(w.section.Load() + 1)
	n := rcuTest.table[r.N(rcuEntries)].Load()
	version := n.version.Load()
	ok := n.sound(version)
	if r.N(8) == 0 { // a section in a section
		c.ReadLock()
		spend(r)
		c.ReadUnlock()
	}
	if r.N(8) == 0 {
		amd64.DelayUs(r.N(500))
	}
	spend(r)
	ok = n.sound(version) && ok
	age := n.age.Load()
	w.section.StoreRelease(w.section.Load() + 1)
	c.ReadUnlock()
	w.ages[min(age, rcuOldest)]++
	t.Check(cpu, ok, "a node changed, or was freed, while a reader had it")
	t.Check(cpu, age <= 1, "a grace period ended that a section should have kept from ending")
}

// tickRCU reads in the timer's handler, also on an idle CPU.
func tickRCU(me *local) {
	w, c := &rcuTest.cpus[me.cpu], this()
	c.ReadLock()
	n := rcuTest.table[w.handler.N(rcuEntries)].Load()
	version := n.version.Load()
	ok := n.sound(version)
	if w.handler.N(4) == 0 {
		amd64.DelayUs(w.handler.N(500))
	}
	ok = n.sound(version) && ok
	age := n.age.Load()
	c.ReadUnlock()
	w.handlerAges[min(age, rcuOldest)]++
	torture.t.Check(me.cpu, ok, "a node changed, or was freed, while a handler had it")
	torture.t.Check(me.cpu, age <= 1, "a grace period ended that a handler's section should have kept from ending")
}

// replace puts a new node into the table and returns the old one.
func (w *rcuTortured) replace(cpu int, r *ktest.Rand) *rcuNode {
	n := w.get(cpu)
	if n == nil {
		return nil
	}
	old := rcuTest.table[r.N(rcuEntries)].Swap(n)
	old.age.StoreRelease(1)
	return old
}

// update replaces a node, and has callbacks age the old one.
func (w *rcuTortured) update(cpu int, r *ktest.Rand) {
	old := w.replace(cpu, r)
	if old == nil {
		return
	}
	c := preemptOff()
	w.queued.StoreRelease(w.queued.Load() + 1)
	kernelRCU.Call(cpu, &old.Head, ageRCU)
	c.PreemptEnable()
	w.updates++
}

// ageRCU is the callback: a grace period has passed over a node.
func ageRCU(cpu int, h *sync.Head) {
	n := (*rcuNode)(unsafe.Pointer(h)) // SAFETY: the head is a node's first field
	w := &rcuTest.cpus[cpu]
	age := n.age.Load() + 1
	n.age.StoreRelease(age)
	if age == rcuOldest {
		w.put(n)
	} else {
		w.queued.StoreRelease(w.queued.Load() + 1)
		kernelRCU.Call(cpu, h, ageRCU)
	}
	w.ran.StoreRelease(w.ran.Load() + 1)
}

// synchronize replaces a node, waits for its readers, and frees it at once.
func (w *rcuTortured) synchronize(t *ktest.T, cpu int, c *sync.Context, r *ktest.Rand) {
	old := w.replace(cpu, r)
	if old == nil {
		return
	}
	for i := range rcuTest.cpus {
		w.open[i] = rcuTest.cpus[i].section.Load()
	}
	if r.N(2) == 0 {
		kernelRCU.Synchronize(c, rcuWait)
		w.syncs++
	} else {
		kernelRCU.SynchronizeExpedited(c, rcuWait)
		w.expedited++
	}
	for i := range rcuTest.cpus {
		t.Check(cpu, w.open[i]&1 == 0 || rcuTest.cpus[i].section.Load() != w.open[i],
			"Synchronize returned while a section was open that was open when it was called")
	}
	old.age.StoreRelease(2)
	preemptOff()
	w.put(old)
	c.PreemptEnable()
}

// barrier waits for all callbacks that were queued before.
func (w *rcuTortured) barrier(t *ktest.T, cpu int, c *sync.Context) {
	for i := range rcuTest.cpus {
		// One less than queued: it is counted before the call is made.
		w.open[i] = max(rcuTest.cpus[i].queued.Load(), 1) - 1
	}
	kernelRCU.Barrier(c, rcuWait)
	for i := range rcuTest.cpus {
		t.Check(cpu, rcuTest.cpus[i].ran.Load() >= w.open[i], "Barrier returned before a callback that was queued earlier")
	}
	w.barriers++
}

// hold has preemption off while ticks come: callbacks wait until it is on.
func (w *rcuTortured) hold(t *ktest.T, cpu int) {
	c := preemptOff()
	ran := w.ran.Load()
	for range 3 {
		machine.Relax(1 << 20)
	}
	t.Equal(cpu, w.ran.Load(), ran, "callbacks ran while preemption was off")
	c.PreemptEnable()
}

// rest leaves the CPU idle for a while, mostly without ticks.
func (w *rcuTortured) rest(r *ktest.Rand) {
	tickless := r.N(4) != 0
	if tickless {
		stopTimer()
	}
	for range 1 + r.N(4) {
		machine.Relax(1 << 20)
	}
	if tickless {
		startTicks()
	}
	w.idle++
}

func finishRCU(t *ktest.T) {
	var all rcuTortured
	free := 0
	for i := range rcuTest.cpus {
		w := &rcuTest.cpus[i]
		for n := w.free; n != nil; n = n.next {
			free++
		}
		for age := range w.ages {
			all.ages[age] += w.ages[age]
			all.handlerAges[age] += w.handlerAges[age]
		}
		all.updates += w.updates
		all.short += w.short
		all.syncs += w.syncs
		all.expedited += w.expedited
		all.barriers += w.barriers
		all.idle += w.idle
		t.Equal(i, w.ran.Load(), w.queued.Load(), "callbacks that ran, of those that were queued")
		all.version += w.ran.Load()
	}
	t.Equal(0, uint64(free), uint64(t.CPUs*rcuNodesEach), "nodes that are free at the end")
	var l text.Line
	l.Str("# torture/rcu: ages of what readers saw:")
	for age, n := range all.ages {
		l.Byte(' ').Int(age).Byte(':').Uint(n)
	}
	l.Str("; handlers:")
	for age, n := range all.handlerAges {
		l.Byte(' ').Int(age).Byte(':').Uint(n)
	}
	put(&l)
	put(l.Reset().Str("# torture/rcu: updates=").Uint(all.updates).Str(" callbacks=").Uint(all.version).Str(" synchronize=").
		Uint(all.syncs).Str(" expedited=").Uint(all.expedited).Str(" barriers=").Uint(all.barriers).Str(" idle=").
		Uint(all.idle).Str(" no-node=").Uint(all.short))
}
