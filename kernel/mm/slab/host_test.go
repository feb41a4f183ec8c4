package slab

import (
	"fmt"
	"sync/atomic"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"exo/kernel/mm"
	"exo/kernel/sync/atom"
)

// host is fake memory of several nodes, with a frame allocator, and a cache over it.
type host struct {
	Cache
	t      testing.TB
	frames *mm.Frames
	mem    []byte // from a frame's start; frame 0 is nobody's
	nodeOf []int  // by CPU
	got    []atomic.Int64
	twice  bool // something is freed twice at once: a slab without a frame may have hints, then
}

func (h *host) Get(cpu, node int, owner mm.Owner) (mm.Frame, bool) {
	f, err := h.frames.Alloc(cpu, node, mm.Slab, owner)
	if err != nil {
		return 0, false
	}
	h.got[node].Add(1)
	clear(h.mem[f*mm.FrameSize:][:mm.FrameSize])
	return f, true
}

func (h *host) Put(cpu int, f mm.Frame) {
	node := h.frames.Info(f).Node()
	if freed, err := h.frames.Free(cpu, f); !freed || err != nil {
		panic(fmt.Sprintf("frame %d is put back: %t, %v", f, freed, err))
	}
	h.got[node].Add(-1)
}

// newHost has nodes of so many frames, CPUs on the nodes given, and for each node so many slabs and two magazines more than the
// CPUs need.
func newHost(t testing.TB, g Config, slabs int, nodes []int, nodeOf ...int) *host {
	h := &host{t: t, frames: new(mm.Frames), nodeOf: nodeOf, got: make([]atomic.Int64, len(nodes))}
	top := 1
	for _, n := range nodes {
		top += n
	}
	h.frames.Init(make([]atom.Uint64, top))
	b := make([]byte, (top+1)*mm.FrameSize)
	skip := -uintptr(unsafe.Pointer(&b[0])) % mm.FrameSize
	h.mem = b[skip:][:top*mm.FrameSize]
	g.Memory, g.Frames, g.Base, g.CPUs = h, h.frames, unsafe.Pointer(&h.mem[0]), make([]CPU, len(nodeOf))
	h.Init(&g)
	words, objects := g.Words(slabs)
	first := mm.Frame(1)
	for n, frames := range nodes {
		areas := int(first)/mm.HugeFrames + (frames+2*mm.HugeFrames)/mm.HugeFrames
		h.frames.SetNode(n, mm.NodeMemory{
			Counts: make([]atom.Uint32, areas), Bits: make([]atom.Uint64, 8*areas), CPUs: make([]mm.FrameCPU, len(nodeOf)),
		})
		h.frames.Add(n, first, uint64(frames))
		first += mm.Frame(frames)
		magazines := 2
		for _, node := range nodeOf {
			if node == n {
				magazines += 2
			}
		}
		if frames > 0 {
			h.SetNode(n, NodeMemory{
				make([]Slab, slabs), make([]atom.Uint64, words), make([]atom.Uint32, objects), make([]Magazine, magazines),
			})
		}
	}
	for cpu, n := range nodeOf {
		h.SetCPU(cpu, n)
	}
	return h
}

// nodeOfObject is where the object lies.
func (h *host) nodeOfObject(p unsafe.Pointer) int {
	return h.frames.Info(mm.Frame((uintptr(p) - uintptr(h.base)) / mm.FrameSize)).Node()
}

// consistent sees, when nothing runs, that every object is in one place: held are taken, the bits say which are in their slabs,
// and the magazines have the rest; and that as many frames are out as there are slabs.
func (h *host) consistent(held int) error {
	for n := range h.got {
		d := &h.nodes[n]
		entries := map[uint32]uint32{} // object to mark
		add := func(m *Magazine, n uint32) {
			for _, id := range m.objects[:n] {
				if d.Objects[id].Load() == m.mark {
					entries[id] = m.mark
				}
			}
		}
		for i := range h.cpus {
			if c := &h.cpus[i]; c.home == d && c.loaded != nil {
				add(c.loaded, c.n)
				add(c.previous, c.spare)
				if c.loaded.mark != c.mark {
					return fmt.Errorf("CPU %d has not the mark of its magazine", i)
				}
			}
		}
		for at := d.full.top.Load() & topMask; at != 0; at = uint64(d.Magazines[at-1].next.Load()) {
			add(&d.Magazines[at-1], h.limit)
		}
		slabs, idle := 0, 0
		for slab := range d.Slabs {
			live, free := hasFrame(d.Slabs[slab].at.Load()), 0
			for i := range h.count {
				id := uint32(slab)<<h.shift + i
				bit := d.Bits[slab*h.words+int(i/64)].Load()>>(i%64)&1 != 0
				w := d.Objects[id].Load()
				switch {
				case w == inSlab:
					free++
				case w&taken != 0:
					held--
				case w != entries[id]:
					return fmt.Errorf("node %d object %d: its word names magazine %d, which has it not", n, id, w-firstMark)
				}
				if (w == inSlab && live != bit || w != inSlab && !live) && (live || !h.twice) {
					return fmt.Errorf("node %d object %d: word %d, bit %t, with a frame: %t", n, id, w, bit, live)
				}
			}
			if live {
				slabs++
				if free == int(h.count) {
					idle++
				}
			}
		}
		if int64(idle) != d.idle.Load() || slabs != h.Stats(n).Slabs || int64(slabs) != h.got[n].Load() {
			return fmt.Errorf("node %d: %d slabs, %d idle; counted %d and %d; %d frames are out", n, slabs, idle,
				h.Stats(n).Slabs, d.idle.Load(), h.got[n].Load())
		}
	}
	if held != 0 {
		return fmt.Errorf("objects that are taken differ by %d from those that have words that say so", held)
	}
	return nil
}

func (h *host) check(held int) {
	h.t.Helper()
	require.NoError(h.t, h.consistent(held))
}

// emptied drains and reaps all, and sees that the nodes have their frames back (G6).
func (h *host) emptied() error {
	for cpu := range h.cpus {
		h.Drain(cpu)
	}
	for n := range h.got {
		h.Reap(0, n)
		if out := h.got[n].Load(); out != 0 || h.frames.Total(n) != h.frames.FreeCount(n) {
			return fmt.Errorf("G6: node %d has %d frames not back", n, out)
		}
	}
	return h.consistent(0)
}

func (h *host) empty() {
	h.t.Helper()
	require.NoError(h.t, h.emptied())
}

var shapes = []Config{
	{Size: 8}, {Size: 24, Rounds: 3}, {Size: 56, Align: 64}, {Size: 64}, {Size: 100, Align: 4}, {Size: 1000, Align: 8},
	{Size: 1024}, {Size: 2048, Rounds: 1}, {Size: 1400, Align: 16, Rounds: 5}, {Size: 4096},
}
