//go:build explore

package sync

import (
	"fmt"
	"testing"

	"exo/kernel/sync/atom"
	"exo/kernel/sync/explore"
)

// occupancy watches G5 of a Ring: how many data words can hold an element or be in an operation's hands.
type occupancy struct {
	now    int
	during []*int // for each Enqueue under way: the most there were
}

func (o *occupancy) add(n int) {
	o.now += n
	for _, most := range o.during {
		*most = max(*most, o.now)
	}
}

func buildRing(n int) func(*explore.Run, int) container {
	return func(x *explore.Run, cpus int) container {
		r := new(Ring)
		r.Init(make([]atom.Uint64, RingWords(n)), 4)
		x.Name("ring", r)
		o := &occupancy{during: make([]*int, cpus)}
		for i := range o.during {
			o.during[i] = new(int)
		}
		return container{
			put: func(cpu int, v uint64) bool {
				*o.during[cpu] = o.now
				o.add(1)
				ok := r.Enqueue(v)
				if !ok {
					o.add(-1)
					if *o.during[cpu]-1 < n {
						panic("Enqueue fails with room in the ring")
					}
				}
				return ok
			},
			first: func(int) (uint64, bool) {
				v, ok := r.Dequeue()
				if ok {
					o.add(-1)
				}
				return v, ok
			},
			atRest: func() error {
				for round := range 3 { // all words are there still
					for i := range n {
						if !r.Enqueue(uint64(i)) {
							return fmt.Errorf("round %d: an empty ring of %d takes only %d", round, n, i)
						}
					}
					if r.Enqueue(0) {
						return fmt.Errorf("round %d: a ring of %d takes more", round, n)
					}
					for i := range n {
						if v, ok := r.Dequeue(); !ok || v != uint64(i) {
							return fmt.Errorf("round %d: element %d is %d, %t", round, i, v, ok)
						}
					}
					if _, ok := r.Dequeue(); ok {
						return fmt.Errorf("round %d: an empty ring has an element", round)
					}
				}
				return nil
			},
		}
	}
}

func TestExplore_Ring_G1_G3_G4_G5(t *testing.T) {
	for _, n := range []int{1, 2, 4} {
		t.Run(fmt.Sprintf("of%d", n), func(t *testing.T) {
			exploreStages(t, []stage{
				{0, "p f", 3},
				{0, "pf pf", 3},
				{1, "fp pf", 2},
				{1, "ff pp", 2},
				{0, "pfpf pfpf", 2},
				{0, "pppp ffff", 2},
				{0, "p p ff", 2},
				{1, "pf f p", 2},
				{1, "pf pf f", 2},
				{0, "pf pf pf", 2},
			}, false, explore.Sequence, buildRing(n))
		})
	}
}

func TestExplore_Ring_Random(t *testing.T) {
	for _, n := range []int{2, 4} {
		t.Run(fmt.Sprintf("of%d", n), func(t *testing.T) {
			exploreRandom(t, 3000, []stage{
				{1, "pfpfpf fpfpfp pfffpp", 4},
				{0, "pppp ffff pfpf fpfp", 4},
			}, false, explore.Sequence, buildRing(n))
		})
	}
}
