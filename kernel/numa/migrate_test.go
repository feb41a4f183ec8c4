package numa

import (
	"errors"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"exo/internal/seeds"
	"exo/internal/tsan"
	"exo/kernel/mm"
)

// space is an address space that maps frames, and the Mover that knows it.
type space struct {
	maps    map[int]mm.Frame    // page: frame
	content map[mm.Frame]uint64 // of the first word
	frozen  map[mm.Frame]bool
	calls   []string
	thawed  [2]mm.Frame // Thaw's arguments
	fail    string      // the method that returns errMover
}

var errMover = errors.New("the mover cannot")

func newSpace() *space {
	return &space{maps: map[int]mm.Frame{}, content: map[mm.Frame]uint64{}, frozen: map[mm.Frame]bool{}}
}

func (s *space) step(name string) error {
	s.calls = append(s.calls, name)
	if s.fail == name {
		return errMover
	}
	return nil
}

func (s *space) Freeze(src mm.Frame) error {
	if err := s.step("freeze"); err != nil {
		return err
	}
	s.frozen[src] = true
	return nil
}

func (s *space) Copy(dst, src mm.Frame) error {
	if err := s.step("copy"); err != nil {
		return err
	}
	s.content[dst] = s.content[src]
	return nil
}

func (s *space) Switch(src, dst mm.Frame) error {
	if err := s.step("switch"); err != nil {
		return err
	}
	for page, f := range s.maps {
		if f == src {
			s.maps[page] = dst
		}
	}
	return nil
}

func (s *space) Thaw(src, now mm.Frame) {
	s.step("thaw")
	s.thawed = [2]mm.Frame{src, now}
	delete(s.frozen, src)
	for _, f := range s.maps {
		if f == src && now != src {
			panic("a mapping was left behind")
		}
	}
}

func (m *rig) freeCounts() (free []uint64) {
	for n := range m.mem {
		free = append(free, m.frames.FreeCount(n))
	}
	return free
}

func TestMigrate_G1_G2_G3_AllOrNothingWhereverItFails(t *testing.T) {
	tsan.Alone(t)
	moved, failed := 0, map[string]int{}
	seeds.Each(t, 200, func(r *rand.Rand) {
		m := newRig(t, randomShape(r))
		s, refs, size := newSpace(), map[mm.Frame]int{}, map[mm.Frame]uint64{}
		var task TaskPolicy
		pages := 0
		for range 1 + r.IntN(8) {
			size1, alloc := uint64(1), m.alloc.Alloc
			if r.IntN(4) == 0 {
				size1, alloc = mm.HugeFrames, m.alloc.AllocHuge
			}
			f, err := alloc(0, task.Default(), []mm.FrameKind{mm.User, mm.Table, mm.Kernel}[r.IntN(3)], mm.Owner(r.Uint32()))
			if err != nil {
				continue
			}
			s.content[f], refs[f], size[f] = r.Uint64(), 1+r.IntN(5), size1
			for i := range refs[f] {
				if i > 0 {
					require.NoError(t, m.frames.Share(f))
				}
				s.maps[pages] = f
				pages++
			}
		}
		for range 30 {
			if len(refs) == 0 {
				return
			}
			src := slices.Sorted(maps.Keys(refs))[r.IntN(len(refs))]
			was, maps0, content, free := m.frames.Info(src), maps.Clone(s.maps), s.content[src], m.freeCounts()
			cpu, to := r.IntN(len(m.cpu)), r.IntN(len(m.mem)+1)
			s.calls, s.fail = nil, []string{"", "", "freeze", "copy", "switch"}[r.IntN(5)]
			dst, err := m.alloc.Migrate(CPU(cpu), src, Node(to), s)
			require.Empty(t, s.frozen)
			if len(s.calls) > 1 {
				require.Equal(t, [2]mm.Frame{src, dst}, s.thawed)
			}
			switch {
			case err != nil:
				require.Equal(t, src, dst)
				require.Equal(t, was, m.frames.Info(src))
				require.Equal(t, maps0, s.maps)
				require.Equal(t, content, s.content[src])
				require.Equal(t, free, m.freeCounts())
				switch err {
				case errMover:
					steps := map[string][]string{"freeze": {"freeze"}, "copy": {"freeze", "copy", "thaw"},
						"switch": {"freeze", "copy", "switch", "thaw"}}
					require.Equal(t, steps[s.fail], s.calls)
				case ErrNodes:
					require.Equal(t, len(m.mem), to)
				default:
					require.Equal(t, mm.ErrNoMemory, err)
					require.Empty(t, s.calls)
					require.NotEqual(t, was.Node(), to)
				}
				failed[err.Error()+s.fail]++
			case dst == src:
				require.Equal(t, to, was.Node())
				require.Equal(t, was, m.frames.Info(src))
				require.Empty(t, s.calls)
				failed["there"]++
			default:
				now := m.frames.Info(dst)
				require.Equal(t, to, now.Node())
				require.NotEqual(t, 255, m.distance(m.cpu[cpu], to))
				require.Equal(t, []any{was.Kind(), was.Owner(), was.Refs(), was.Huge()},
					[]any{now.Kind(), now.Owner(), now.Refs(), now.Huge()})
				require.Equal(t, mm.FreeFrame, m.frames.Info(src).Kind())
				require.Equal(t, content, s.content[dst])
				for page, f := range maps0 {
					if f == src {
						maps0[page] = dst
					}
				}
				require.Equal(t, maps0, s.maps)
				require.Equal(t, []string{"freeze", "copy", "switch", "thaw"}, s.calls)
				free[was.Node()] += size[src]
				free[to] -= size[src]
				require.Equal(t, free, m.freeCounts())
				refs[dst], size[dst] = refs[src], size[src]
				delete(refs, src)
				moved++
			}
		}
	})
	require.Positive(t, moved)
	for _, why := range []string{"there", errMover.Error() + "freeze", errMover.Error() + "copy", errMover.Error() + "switch",
		ErrNodes.Error(), mm.ErrNoMemory.Error()} {
		require.Positive(t, failed[why], why)
	}
}

func TestMigrate_WhatIsNobodysOrInside2MiBStays(t *testing.T) {
	m := newRig(t, shape{cpu: []int{0}, mem: []int{4, 4}})
	var task TaskPolicy
	h, err := m.alloc.AllocHuge(0, task.Default(), mm.User, 1)
	require.NoError(t, err)
	s := newSpace()
	for f, want := range map[mm.Frame]error{h + 7: mm.ErrSize, h ^ mm.HugeFrames: mm.ErrNotTaken, 1 << 40: mm.ErrWild} {
		got, err := m.alloc.Migrate(0, f, 1, s)
		require.Equal(t, want, err)
		require.Equal(t, f, got)
	}
	require.Empty(t, s.calls)
}

// plain is a Mover whose frames' content is one word each, in plain memory that the race detector watches.
type plain struct{ content []uint64 }

func (p plain) Freeze(mm.Frame) error          { return nil }
func (p plain) Copy(dst, src mm.Frame) error   { p.content[dst] = p.content[src]; return nil }
func (p plain) Switch(src, dst mm.Frame) error { p.content[src] = 0; return nil }
func (p plain) Thaw(src, now mm.Frame)         {}

func TestMigrate_G1_G2_DifferentFramesAtOnce(t *testing.T) {
	const cpus, rounds = 4, 2000
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(cpus))
	m := newRig(t, shape{cpu: []int{0, 0, 1, 1}, mem: []int{1, 1, 1}})
	p := plain{make([]uint64, 3*256)}
	var wg sync.WaitGroup
	var moved, lost [cpus]int
	for cpu := range cpus {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(cpu), 9))
			var task TaskPolicy
			var mine []mm.Frame
			for range 100 {
				f, err := m.alloc.Alloc(CPU(cpu), task.Default(), mm.User, mm.Owner(cpu))
				if err != nil {
					lost[cpu]++
					return
				}
				p.content[f] = uint64(cpu + 1)
				mine = append(mine, f)
			}
			for range rounds {
				i := r.IntN(len(mine))
				now, err := m.alloc.Migrate(CPU(cpu), mine[i], Node(r.IntN(3)), p)
				if err == nil && now != mine[i] {
					moved[cpu]++
				}
				mine[i] = now
				if p.content[now] != uint64(cpu+1) || m.frames.Info(now).Owner() != mm.Owner(cpu) {
					lost[cpu]++
				}
			}
			for _, f := range mine {
				p.content[f] = 0
				if freed, err := m.frames.Free(cpu, f); !freed || err != nil {
					lost[cpu]++
				}
			}
		})
	}
	wg.Wait()
	for cpu := range cpus {
		require.Zero(t, lost[cpu])
		require.Positive(t, moved[cpu])
	}
	require.Equal(t, []uint64{256, 256, 256}, m.freeCounts())
}
