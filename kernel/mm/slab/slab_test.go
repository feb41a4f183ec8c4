package slab

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"exo/internal/tsan"
	"exo/kernel/mm"
)

func TestSlab_G1_G3_G4_AllOfANodeAndNoMore(t *testing.T) {
	for _, g := range shapes {
		t.Run(fmt.Sprintf("size=%d", g.Size), func(t *testing.T) {
			tsan.Alone(t)
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
