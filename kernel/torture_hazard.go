//go:build exokernel

package main

import (
	"unsafe"

	"exo/kernel/ktest"
	"exo/kernel/sync"
	"exo/kernel/sync/atom"
	"exo/kernel/text"
)

// torture/hazard: a table of objects that everybody protects, reads, and replaces; a reclaimed object is poisoned and soon
// used again. And a HazardQueue through which all pass elements meanwhile.

// hazardObject is an entry of the table.
type hazardObject struct {
	sync.Retired // first
	version      atom.Uint64
	words        [3]atom.Uint64 // all made of the version
	link         *hazardObject  // in a free list
}

const (
	hazardEntries   = 4
	hazardSlot      = 2 // the queue has slots 0 and 1
	hazardQueueEach = 8
)

// hazardTest is the test, and the Reclaimer of its objects.
type hazardTest struct {
	table   [hazardEntries]atom.Pointer[sync.Retired]
	objects sync.Hazards
	cpus    []hazardTortured
	nodes   sync.HazardNodes
	queue   sync.HazardQueue
	flow    flow
	count   int // objects that are in no table, in all
}

var theHazardTest hazardTest

// hazardTortured is one CPU's part, its own.
type hazardTortured struct {
	free                                           *hazardObject
	version                                        uint64
	retired, reclaimed, reads, retries, short, max uint64
}

// Reclaim poisons the object and makes it free, for Hazards.
func (h *hazardTest) Reclaim(cpu int, r *sync.Retired) {
	o := (*hazardObject)(unsafe.Pointer(r)) // SAFETY: the first field of an object of the test
	w := &h.cpus[cpu]
	w.reclaimed++
	h.put(w, o)
}

func (h *hazardTest) put(w *hazardTortured, o *hazardObject) {
	o.version.StoreRelease(poison)
	for i := range o.words {
		o.words[i].StoreRelease(poison)
	}
	o.link, w.free = w.free, o
}

func (o *hazardObject) fill(version uint64) {
	o.version.StoreRelease(version)
	for i := range o.words {
		o.words[i].StoreRelease(scramble(version + uint64(i)))
	}
}

func (o *hazardObject) sound(version uint64) bool {
	for i := range o.words {
		if o.words[i].Load() != scramble(version+uint64(i)) {
			return false
		}
	}
	return o.version.Load() == version && version != poison
}

func prepareHazard(t *ktest.T) {
	h := &theHazardTest
	n := t.CPUs
	h.cpus = room[hazardTortured](n)
	h.objects.Init(room[sync.HazardCPU](n), h)
	h.count = n * (h.objects.Bound() + 8)
	objects := room[hazardObject](hazardEntries + h.count)
	for i := range hazardEntries {
		objects[i].fill(uint64(i))
		h.table[i].Store(&objects[i].Retired)
	}
	for i := range h.count {
		h.put(&h.cpus[i%n], &objects[hazardEntries+i])
	}
	nodes := 2 + n*(h.objects.Bound()+hazardQueueEach)
	h.nodes.Init(room[sync.HazardNode](nodes), room[sync.Link](nodes), room[sync.PoolCPU](n), room[sync.HazardCPU](n))
	t.Check(0, h.queue.Init(0, &h.nodes), "there is a node for the queue's dummy")
	h.flow.init(n)
}

func testTortureHazard(t *ktest.T, cpu int) {
	if !beginTorture(t, cpu, "torture/hazard", prepareHazard, nil) {
		return
	}
	h, r := &theHazardTest, t.Rand(cpu)
	for {
		for range 16 {
			h.step(t, cpu, r)
		}
		jostle(t, r)
		if !going(t, cpu) {
			break
		}
	}
	h.end(t, cpu)
	endTorture(t, cpu)
	if cpu == 0 {
		h.finish(t)
	}
}

// end has each CPU reclaim what it has retired.
func (h *hazardTest) end(t *ktest.T, cpu int) {
	t.Barrier()
	c := preemptOff()
	t.Equal(cpu, uint64(h.objects.Drain(cpu)), 0, "objects that are left though nobody protects any")
	t.Equal(cpu, uint64(h.nodes.Drain(cpu)), 0, "nodes that are left though nobody protects any")
	c.PreemptEnable()
}

// step does one operation.
func (h *hazardTest) step(t *ktest.T, cpu int, r *ktest.Rand) {
	switch n := r.N(100); {
	case n < 40:
		h.read(t, cpu, r)
	case n < 60:
		h.replace(t, cpu, r)
	default:
		h.pass(t, cpu, r)
	}
}

// read protects an entry of the table and sees that it stays as it is.
func (h *hazardTest) read(t *ktest.T, cpu int, r *ktest.Rand) {
	w, c := &h.cpus[cpu], preemptOff()
	slot := hazardSlot + int(r.N(sync.HazardSlots-hazardSlot))
	entry := &h.table[r.N(hazardEntries)]
	for {
		p := entry.Load()
		h.objects.Protect(cpu, slot, p)
		if entry.Load() != p {
			w.retries++
			continue
		}
		o := (*hazardObject)(unsafe.Pointer(p)) // SAFETY: the table's entries are first fields of objects
		version := o.version.Load()
		ok := o.sound(version)
		spend(r)
		ok = o.sound(version) && ok
		t.Check(cpu, ok, "an object changed, or was reclaimed, while it was protected")
		break
	}
	h.objects.Clear(cpu, slot)
	c.PreemptEnable()
	w.reads++
	t.Count(1)
}

// replace puts a new object into the table and retires the old one.
func (h *hazardTest) replace(t *ktest.T, cpu int, r *ktest.Rand) {
	w, c := &h.cpus[cpu], preemptOff()
	o := w.free
	if o == nil {
		w.short++
		h.objects.Drain(cpu)
		c.PreemptEnable()
		return
	}
	w.free = o.link
	w.version++
	o.fill(uint64(cpu)<<48 | w.version)
	old := h.table[r.N(hazardEntries)].Swap(&o.Retired)
	w.retired++
	h.objects.Retire(cpu, old)
	waiting := w.retired - w.reclaimed
	t.Check(cpu, waiting <= uint64(h.objects.Bound()), "more objects are retired and not reclaimed than the bound")
	w.max = max(w.max, waiting)
	c.PreemptEnable()
	t.Count(1)
}

// pass enqueues some elements, or dequeues some.
func (h *hazardTest) pass(t *ktest.T, cpu int, r *ktest.Rand) {
	in := r.N(2) == 0
	for range 1 + r.N(8) {
		c := preemptOff()
		if in {
			v := h.flow.element(cpu)
			h.flow.enqueued(cpu, v, h.queue.Enqueue(cpu, v))
		} else if v, ok := h.queue.Dequeue(cpu); ok {
			h.flow.dequeued(t, cpu, cpu, v, true)
		} else {
			h.flow.nothing(cpu)
		}
		c.PreemptEnable()
	}
}

func (h *hazardTest) finish(t *ktest.T) {
	c := preemptOff()
	for v, ok := h.queue.Dequeue(0); ok; v, ok = h.queue.Dequeue(0) {
		h.flow.dequeued(t, 0, 0, v, true)
	}
	h.queue.Close(0)
	h.nodes.Drain(0)
	c.PreemptEnable()
	t.Equal(0, uint64(h.nodes.Free()), uint64(1+t.CPUs*(h.objects.Bound()+hazardQueueEach)), "nodes that are free at the end")
	var all hazardTortured
	free := 0
	for i := range h.cpus {
		w := &h.cpus[i]
		for o := w.free; o != nil; o = o.link {
			free++
		}
		all.reads += w.reads
		all.retries += w.retries
		all.retired += w.retired
		all.short += w.short
		all.max = max(all.max, w.max)
		t.Equal(i, w.reclaimed, w.retired, "objects that were reclaimed, of those retired")
	}
	t.Equal(0, uint64(free), uint64(h.count), "objects that are free at the end")
	var l text.Line
	said(&l, "hazard").Str("reads=").Uint(all.reads).Str(" retries=").Uint(all.retries).Str(" retired=").Uint(all.retired).
		Str(" waiting<=").Uint(all.max).Str(" of ").Int(h.objects.Bound()).Str(" no-object=").Uint(all.short).Str("; queue:")
	t.Count(h.flow.finish(t, &l))
	put(&l)
}
