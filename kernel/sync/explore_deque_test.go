//go:build explore

package sync

import (
	"fmt"
	"testing"

	"exo/kernel/sync/atom"
	"exo/kernel/sync/explore"
)

// heap is where buffers come from: new each time, and not to be touched once they are back (G5).
type heap struct {
	x   *explore.Run
	out int
}

func (h *heap) Get(elements int) *Buffer {
	h.out++
	return &Buffer{Elements: make([]atom.Uint64, elements)}
}

func (h *heap) Put(b *Buffer) {
	h.out--
	h.x.Forbid("an outgrown buffer", b.Elements)
}

// quiet is an RCU machine without a clock.
type quiet struct{}

func (quiet) Interrupt(int)               {}
func (quiet) NowNs() uint64               { return 0 }
func (quiet) Stalled(int, uint64, uint64) {}

func newRCU(x *explore.Run, cpus int) *RCU {
	r := new(RCU)
	r.Init(make([]RCUCPU, cpus), quiet{}, 0)
	for cpu := range cpus {
		r.IdleExit(cpu)
	}
	x.Name("rcu", r)
	return r
}

// buildDeque: CPU 0 is the owner.
func buildDeque(elements int) func(*explore.Run, int) container {
	return func(x *explore.Run, cpus int) container {
		d, h, r := new(Deque), &heap{x: x}, newRCU(x, cpus)
		if !d.Init(elements, h, r) {
			panic("no buffer")
		}
		x.Name("deque", d)
		contexts := make([]Context, cpus)
		taking, taken := 0, 0 // operations under way that may take, and how often one did
		return container{
			put: func(cpu int, v uint64) bool { return d.Push(cpu, v) },
			last: func(int) (uint64, bool) {
				taking++
				v, ok := d.Pop()
				taking--
				if ok {
					taken++
				}
				return v, ok
			},
			maybe: func(cpu int) (uint64, bool) {
				c := &contexts[cpu]
				c.ReadLock()
				others, before := taking, taken
				taking++
				v, how := d.Steal()
				taking--
				c.ReadUnlock()
				switch how {
				case Taken:
					taken++
					return v, true
				case Empty:
					return 1, false // for the model: it must be
				default:
					if others == 0 && taking == 0 && taken == before {
						panic("Steal says Lost, and nobody else takes anything") // G4
					}
					return 0, false
				}
			},
			quiescent: func(cpu int) {
				r.Quiescent(cpu)
				if cpu == 0 {
					r.Advance(0, 10)
				}
			},
			atRest: func() error {
				if n := d.Len(); n != 0 {
					return fmt.Errorf("an empty deque has %d elements", n)
				}
				for range 3 {
					for cpu := range cpus {
						r.Quiescent(cpu)
					}
					r.Advance(0, 10)
				}
				if h.out != 1 {
					return fmt.Errorf("%d buffers are in use, not one", h.out)
				}
				return nil
			},
		}
	}
}

// The races for the last elements: the owner pops, thieves steal. play drains with Pop.
func TestExplore_Deque_G1_G3_G4(t *testing.T) {
	exploreStages(t, []stage{
		{1, "l m", 3},
		{1, "l m m", 2},
		{1, "lpl mm", 2},
		{2, "ll mm", 3},
		{2, "ll m m", 2},
		{2, "l mm m", 2},
		{2, "lpl m m", 2},
		{3, "ll mm m", 2},
		{0, "pppp mmmm", 2},
		{0, "plpl mmmm", 2},
		{0, "ppll mm", 2},
		{0, "plp m m", 2},
		{2, "lplp mmm mmm", 1},
	}, false, explore.Sequence, buildDeque(4))
}

// Growth, with thieves inside: they must not touch a buffer that is back.
func TestExplore_Deque_G5(t *testing.T) {
	exploreStages(t, []stage{
		{1, "pl m", 2},
		{1, "pp mm", 2},
		{1, "pppl mmm", 2},
		{1, "pl m m", 2},
		{1, "pp m m", 1},
	}, false, explore.Sequence, buildDeque(1))
}

func TestExplore_Deque_Random(t *testing.T) {
	for _, elements := range []int{1, 8} {
		exploreRandom(t, 3000, []stage{
			{1, "pplplplppl mmmm mmmm", 4},
			{1, "plplppllpl mmmm mmm", 3},
		}, false, explore.Sequence, buildDeque(elements))
	}
}
