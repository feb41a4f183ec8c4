package slab

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"exo/internal/seeds"
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

func TestSlab_G1_G3_G4_AllOfANodeAndNoMore(t *testing.T) {
	for _, g := range shapes {
		t.Run(fmt.Sprintf("size=%d", g.Size), func(t *testing.T) {
			h := newHost(t, g, 12, []int{11, 12, 13}, 0, 1, 1)
			align := uintptr(max(g.Align, 8))
			var all []unsafe.Pointer
			ends := map[uintptr]bool{}
			for n, frames := range []int{11, 12, 12} {
				for k := 0; ; k++ {
					p, err := h.Alloc(n%2, n)
					if err != nil {
						require.Equal(t, frames*h.PerFrame(), k)
						require.Equal(t, []Error{ErrNoMemory, ErrNoSlab, ErrNoSlab}[n], err)
						break
					}
					require.Equal(t, n, h.nodeOfObject(p))
					require.Zero(t, uintptr(p)%align)
					require.Equal(t, uintptr(p)/mm.FrameSize, (uintptr(p)+uintptr(g.Size)-1)/mm.FrameSize, "an object is in one frame")
					b := unsafe.Slice((*byte)(p), g.Size)
					for i := range b {
						require.Zero(t, b[i], "of a new frame")
						b[i] = 0xff
						require.False(t, ends[uintptr(p)+uintptr(i)])
					}
					ends[uintptr(p)], ends[uintptr(p)+uintptr(g.Size)-1] = true, true
					all = append(all, p)
				}
			}
			h.check(len(all))
			rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
			for i, p := range all {
				require.NoError(t, h.Free(i%3, p))
				require.Equal(t, ErrNotTaken, orForeign(h.Free(i%2, p)))
			}
			require.Positive(t, h.Stats(2).Remote)
			h.empty()
		})
	}
}

// orForeign is ErrNotTaken also for an object whose frame has gone.
func orForeign(err error) error {
	if err == ErrForeign {
		return ErrNotTaken
	}
	return err
}

func TestSlab_G5_WrongFreesAreErrorsAndChangeNothing(t *testing.T) {
	for _, g := range shapes {
		h := newHost(t, g, 8, []int{8, 8}, 0, 1)
		other := newHost(t, Config{Size: 64, ID: 1}, 8, []int{8}, 0)
		other.frames, other.Cache.frames, other.base, other.mem, other.got = h.frames, h.frames, h.base, h.mem, h.got
		theirs, err := other.Alloc(0, 0)
		require.NoError(t, err)
		p, err := h.Alloc(0, 0)
		require.NoError(t, err)
		check := func() {
			h.got[0].Add(-1) // theirs
			h.check(1)
			h.got[0].Add(1)
		}
		foreign := []unsafe.Pointer{
			nil, h.base, theirs, unsafe.Pointer(&h.mem[len(h.mem)-1]), unsafe.Pointer(new(uint64)), unsafe.Pointer(t),
		}
		for i := 1; i < int(h.size); i *= 2 {
			foreign = append(foreign, unsafe.Add(p, i))
		}
		if rest := mm.FrameSize % h.size; rest > 0 {
			frame := uintptr(p) - uintptr(p)%mm.FrameSize
			foreign = append(foreign, unsafe.Add(p, frame+mm.FrameSize-uintptr(rest)-uintptr(p))) // where another object would be
		}
		for _, cpu := range []int{0, 1} {
			for _, f := range foreign {
				require.Equal(t, ErrForeign, h.Free(cpu, f), "%d %x", g.Size, f)
				check()
			}
			require.Equal(t, ErrForeign, other.Free(0, p))
			if h.PerFrame() > 1 {
				next := unsafe.Add(p, int(h.size))
				if uintptr(next)%mm.FrameSize == 0 || uintptr(p)%mm.FrameSize+2*uintptr(h.size) > mm.FrameSize {
					next = unsafe.Add(p, -int(h.size))
				}
				require.Equal(t, ErrNotTaken, h.Free(cpu, next), "in a magazine, or in its slab")
				check()
			}
		}
		require.NoError(t, h.Free(1, p)) // to its slab
		require.Equal(t, ErrNotTaken, orForeign(h.Free(0, p)))
		q, err := h.Alloc(1, 1)
		require.NoError(t, err)
		require.NoError(t, h.Free(1, q)) // to a magazine
		for range 3 {
			require.Equal(t, ErrNotTaken, h.Free(1, q))
			require.Equal(t, ErrNotTaken, h.Free(0, q))
		}
		for i := range h.got {
			require.Zero(t, h.Stats(i).Twice)
		}
		require.NoError(t, other.Free(0, theirs))
		other.Drain(0)
		require.Zero(t, other.Stats(0).Slabs)
		h.empty()
	}
}

func TestSlab_G4_WhatFailsForLackOfFramesGoesOnAfterDrain(t *testing.T) {
	h := newHost(t, Config{Size: 512, Rounds: 4}, 4, []int{2}, 0, 0)
	var all []unsafe.Pointer
	for range 16 {
		p, err := h.Alloc(0, 0)
		require.NoError(t, err)
		all = append(all, p)
	}
	for _, p := range all[:8] {
		require.NoError(t, h.Free(0, p)) // to CPU 0's two magazines
	}
	_, err := h.Alloc(1, 0)
	require.Equal(t, ErrNoMemory, err)
	for _, p := range all[8:12] {
		require.NoError(t, h.Free(0, p)) // a full one goes to the depot: anybody's
	}
	for range 4 {
		_, err := h.Alloc(1, 0)
		require.NoError(t, err)
	}
	_, err = h.Alloc(1, 0)
	require.Equal(t, ErrNoMemory, err)
	h.Drain(0)
	for range 8 {
		_, err := h.Alloc(1, 0)
		require.NoError(t, err)
	}
	_, err = h.Alloc(1, 0)
	require.Equal(t, ErrNoMemory, err)
	h.check(16)
}

// A CPU of another node has no magazine of this one's: it takes from the slabs, and from the depot.
func TestSlab_G3_G4_FromAnotherNode(t *testing.T) {
	h := newHost(t, Config{Size: 512, Rounds: 4}, 4, []int{1, 1, 0}, 0, 1, 2)
	var all []unsafe.Pointer
	for range 8 {
		p, err := h.Alloc(0, 0)
		require.NoError(t, err)
		all = append(all, p)
	}
	for _, cpu := range []int{1, 2} {
		for i, p := range all {
			if cpu == 1 {
				require.NoError(t, h.Free(0, p))
			} else {
				require.NoError(t, h.Free(cpu, p))
				require.EqualValues(t, i+1, h.Stats(0).Remote)
			}
		}
		got := map[unsafe.Pointer]bool{}
		if cpu == 1 {
			h.nodes[0].full.push(h.cpus[0].previous) // as if CPU 0 had put more
			h.cpus[0].previous, h.cpus[0].spare = h.nodes[0].empty.pop(h.nodes[0].Magazines), 0
			h.Drain(0)
		}
		for range 8 {
			p, err := h.Alloc(cpu, 0)
			require.NoError(t, err)
			require.Equal(t, 0, h.nodeOfObject(p))
			got[p] = true
		}
		require.Len(t, got, 8)
		_, err := h.Alloc(cpu, 0)
		require.Equal(t, ErrNoMemory, err)
	}
	for _, p := range all {
		require.NoError(t, h.Free(0, p))
	}
	_, err := h.Alloc(2, 2)
	require.Equal(t, ErrNoMemory, err, "a node without memory")
	h.empty()
}

func TestSlab_G6_SpareSlabsStayAndOthersGo(t *testing.T) {
	for spare := range 4 {
		h := newHost(t, Config{Size: 64, Spare: spare}, 8, []int{8}, 0)
		var all []unsafe.Pointer
		for range 8 * 64 {
			p, err := h.Alloc(0, 0)
			require.NoError(t, err)
			all = append(all, p)
		}
		require.Equal(t, 8, h.Stats(0).Slabs)
		for _, p := range all {
			require.NoError(t, h.Free(0, p))
		}
		h.Drain(0)
		for h.unload(0, &h.nodes[0]) {
		}
		require.Equal(t, spare, h.Stats(0).Slabs)
		h.check(0)
		h.empty()
	}
}

// TestSlab_G1_G3_G4_G5_AgreesWithAModel plays random operations on one CPU at a time, beside a plain set.
func TestSlab_G1_G3_G4_G5_AgreesWithAModel(t *testing.T) {
	ops, failed, remote, given := 0, 0, uint64(0), 0
	seeds.Each(t, 200, func(r *rand.Rand) {
		g := shapes[r.IntN(len(shapes))]
		g.Rounds, g.Spare = 1+r.IntN(5), r.IntN(3)
		nodes := []int{1 + r.IntN(4), 1 + r.IntN(4)}
		nodeOf := []int{0, 1, r.IntN(2)}
		h := newHost(t, g, 1+r.IntN(4), nodes, nodeOf...)
		m := newReference(h, nodes)
		var everybody []unsafe.Pointer // also those that were freed
		for range 400 {
			cpu, n := r.IntN(3), r.IntN(2)
			switch k := r.IntN(20); {
			case k < 9:
				p, err := h.Alloc(cpu, n)
				if err != nil {
					require.LessOrEqual(t, m.free(n), 2*int(h.limit)*2, "G4: of at most two other CPUs")
					failed++
					break
				}
				m.alloc(p, n)
				everybody = append(everybody, p)
			case k < 10:
				h.Drain(cpu)
			case k < 11:
				given += h.Reap(cpu, n)
			case len(everybody) > 0:
				p := everybody[r.IntN(len(everybody))]
				require.Equal(t, m.release(p), orForeign(h.Free(cpu, p)))
			}
			ops++
		}
		h.check(len(m.node))
		for cpu := range nodeOf {
			h.Drain(cpu)
		}
		for n := range nodes { // now nothing is out of reach
			for k := m.free(n); k > 0; k-- {
				p, err := h.Alloc(0, n)
				require.NoError(t, err)
				m.alloc(p, n)
			}
			_, err := h.Alloc(0, n)
			require.Error(t, err)
		}
		for p := range m.node {
			require.NoError(t, h.Free(r.IntN(3), p))
		}
		remote += h.Stats(0).Remote
		h.empty()
	})
	t.Logf("%d operations, %d failed, %d freed remotely, %d frames given back", ops, failed, remote, given)
	require.Equal(t, 200*400, ops)
	require.Positive(t, failed)
	require.Positive(t, remote)
	require.Positive(t, given)
}

// reference is a cache that is a set with a lock.
type reference struct {
	sync.Mutex
	h     *host
	node  map[unsafe.Pointer]int // of what is taken
	most  []int                  // that a node has
	taken []int
}

func newReference(h *host, frames []int) *reference {
	m := &reference{h: h, node: map[unsafe.Pointer]int{}, taken: make([]int, len(frames))}
	for n, f := range frames {
		m.most = append(m.most, min(f, len(h.nodes[n].Slabs))*h.PerFrame())
	}
	return m
}

func (m *reference) free(n int) int { return m.most[n] - m.taken[n] }

func (m *reference) alloc(p unsafe.Pointer, n int) {
	m.Lock()
	defer m.Unlock()
	if _, ok := m.node[p]; ok {
		panic("G1: an object is given out twice")
	}
	if m.h.nodeOfObject(p) != n {
		panic("G3: an object of another node")
	}
	m.node[p] = n
	m.taken[n]++
}

func (m *reference) release(p unsafe.Pointer) error {
	m.Lock()
	defer m.Unlock()
	n, ok := m.node[p]
	if !ok {
		return ErrNotTaken
	}
	delete(m.node, p)
	m.taken[n]--
	return nil
}

// TestSlab_G1_G2_Race has CPUs allocate, write, pass on, and free what others allocated. The race detector sees whether
// the writes are ordered.
func TestSlab_G1_G2_Race(t *testing.T) {
	for _, g := range []Config{{Size: 8, Rounds: 2}, {Size: 64, Rounds: 4}, {Size: 1024, Rounds: 1}, {Size: 4096, Rounds: 3}} {
		for _, spare := range []int{0, 1} {
			t.Run(fmt.Sprintf("size=%d/spare=%d", g.Size, spare), func(t *testing.T) {
				g := g
				g.Spare = spare
				h := newHost(t, g, 6, []int{5, 5}, 0, 0, 1, 1)
				var (
					wg     sync.WaitGroup
					passed = make(chan unsafe.Pointer, 64)
					ops    atomic.Int64
				)
				for cpu := range h.nodeOf {
					wg.Go(func() {
						r := rand.New(rand.NewPCG(uint64(cpu), uint64(g.Size)))
						var mine []unsafe.Pointer
						drop := func(p unsafe.Pointer) {
							if v := (*uint64)(p); *v != uint64(uintptr(p)) {
								panic("an object was written by somebody who does not have it")
							} else {
								*v = 0xdead
							}
							if err := h.Free(cpu, p); err != nil {
								panic(err)
							}
						}
						for range 20_000 {
							switch k := r.IntN(100); {
							case k < 48:
								p, err := h.Alloc(cpu, r.IntN(8)/7^h.nodeOf[cpu])
								if err != nil {
									break
								}
								if v := (*uint64)(p); *v != 0 && *v != 0xdead {
									panic("an object that somebody has was given out")
								} else {
									*v = uint64(uintptr(p))
								}
								mine = append(mine, p)
								ops.Add(1)
							case k < 60 && len(mine) > 0:
								select {
								case passed <- mine[0]:
									mine = mine[1:]
								default:
								}
							case k < 70:
								select {
								case p := <-passed:
									drop(p)
								default:
								}
							case k < 97 && len(mine) > 0:
								drop(mine[len(mine)-1])
								mine = mine[:len(mine)-1]
							case k == 98:
								h.Drain(cpu)
							case k == 99:
								h.Reap(cpu, r.IntN(2))
							}
						}
						for _, p := range mine {
							drop(p)
						}
						h.Drain(cpu)
					})
				}
				wg.Wait()
				close(passed)
				for p := range passed {
					require.NoError(t, h.Free(0, p))
				}
				require.Positive(t, ops.Load())
				for n := range h.got {
					require.Zero(t, h.Stats(n).Twice)
					require.Positive(t, h.Stats(n).Remote)
				}
				h.empty()
			})
		}
	}
}

// Two CPUs free the same object at once, again and again: it stays one object, and what was believed of the second free is
// noticed later.
func TestSlab_G5_FreedTwiceAtTheSameMoment(t *testing.T) {
	h := newHost(t, Config{Size: 256, Rounds: 2, Spare: 4}, 4, []int{4, 1}, 0, 0, 1)
	old := runtime.GOMAXPROCS(4)
	t.Cleanup(func() { runtime.GOMAXPROCS(old) })
	both, refused := 0, 0
	for range 3000 {
		p, err := h.Alloc(0, 0)
		require.NoError(t, err)
		var (
			wg    sync.WaitGroup
			there atomic.Int32
			ok    atomic.Int32
		)
		for cpu := range h.nodeOf {
			wg.Go(func() {
				for there.Add(1); there.Load() < 3; {
					runtime.Gosched()
				}
				switch err := h.Free(cpu, p); err {
				case nil:
					ok.Add(1)
				case ErrNotTaken:
				default:
					panic(err)
				}
			})
		}
		wg.Wait()
		require.Positive(t, ok.Load())
		both += int(ok.Load()) - 1
		refused += 3 - int(ok.Load())
		h.check(0)
	}
	h.empty()
	require.EqualValues(t, both, h.Stats(0).Twice, "each was noticed")
	require.Positive(t, refused)
	t.Logf("%d refused at once, %d noticed later", refused, both)
}

// Who frees what another frees at the same moment may stop after it has written the object's word. When it goes on and sets the
// bit, the slab can have got another frame, and the object an owner: all bits are set then, and the frame must stay.
func TestSlab_G1_G5_AWrongHintGivesNoFrameBack(t *testing.T) {
	for _, g := range []Config{{Size: 2048}, {Size: 4096}, {Size: 8}} {
		h := newHost(t, g, 1, []int{1}, 0)
		h.twice = true
		d := &h.nodes[0]
		var all []unsafe.Pointer
		for range h.PerFrame() {
			p, err := h.Alloc(0, 0)
			require.NoError(t, err)
			all = append(all, p)
		}
		for k := range h.words {
			d.setBits(&h.Cache, 0, k, h.all(k))
		}
		require.False(t, h.retire(0, d, 0))
		require.EqualValues(t, h.PerFrame(), h.Stats(0).Twice)
		h.check(h.PerFrame())
		_, err := h.Alloc(0, 0)
		require.Equal(t, ErrNoSlab, err)
		for _, p := range all {
			require.NoError(t, h.Free(0, p))
		}
		h.empty()
	}
}

// A Free may stop after it has looked up the slab. When it goes on, the slab can have another frame, and the object of the same
// number an owner.
func TestSlab_G5_ALateFreeFindsAnotherLife(t *testing.T) {
	h := newHost(t, Config{Size: 4096, Rounds: 1}, 1, []int{1}, 0, 0)
	d := &h.nodes[0]
	words := map[uint32]bool{}
	for range 256 {
		p, err := h.Alloc(0, 0)
		require.NoError(t, err)
		for was := range words {
			require.Equal(t, ErrNotTaken, h.freeSlowly(1, d, 0, was))
		}
		was := takenOf(d.Slabs[0].at.Load())
		require.False(t, words[was])
		words[was] = true
		h.check(1)
		require.NoError(t, h.Free(0, p))
		h.Drain(0)
		require.Zero(t, h.Stats(0).Slabs)
	}
}
