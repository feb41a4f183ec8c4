//go:build explore

package sync

import (
	"fmt"
	"testing"

	"exo/kernel/sync/explore"
)

// slotsFor is a pool with few slots, so that they are soon used again.
func slotsFor(x *explore.Run, slots, cpus int) ([]Slot, *Pool) {
	s, p := make([]Slot, slots), new(Pool)
	p.Init(make([]Link, slots), make([]PoolCPU, cpus))
	x.Name("slots", s)
	x.Name("pool", p)
	return s, p
}

func buildQueue(slots int) func(*explore.Run, int) container {
	return func(x *explore.Run, cpus int) container {
		q := new(Queue)
		s, p := slotsFor(x, slots, cpus)
		if !q.Init(0, s, p) {
			panic("no slot for the dummy")
		}
		x.Name("q", q)
		return container{
			put:   q.Enqueue,
			first: q.Dequeue,
			atRest: func() error {
				if !q.Empty() {
					return fmt.Errorf("Dequeue fails and the queue is not empty")
				}
				q.Close(0)
				return allFree(p, slots-1)
			},
		}
	}
}

// allFree is an error if slots are missing, or there are two of one.
func allFree(p *Pool, want int) error {
	seen := map[uint32]bool{}
	for cpu := range p.cpus {
		for i := p.Get(cpu); i != 0; i = p.Get(cpu) {
			if seen[i] {
				return fmt.Errorf("slot %d is free twice", i)
			}
			seen[i] = true
		}
	}
	if len(seen) != want {
		return fmt.Errorf("%d slots are free, not %d", len(seen), want)
	}
	return nil
}

func TestExplore_Queue_G1_G3_G4(t *testing.T) {
	exploreStages(t, []stage{
		{0, "p f", 3},
		{0, "pf pf", 3},
		{1, "pf fp", 3},
		{1, "ff pp", 3},
		{2, "fff pff", 2},
		{0, "pppp ffff", 2},
		{2, "pfpf fpfp", 2},
		{0, "pp pp ff", 2},
		{1, "pf pf pf", 2},
		{1, "pff fp f", 2},
		{1, "pfpf fpfp pf", 2},
	}, false, explore.Sequence, buildQueue(24))
}

// Few slots: each is soon the dummy, the end and free again, and stays in somebody's hands meanwhile.
func TestExplore_Queue_SlotsComeBackAtOnce(t *testing.T) {
	exploreStages(t, []stage{
		{1, "fpfp pfpf", 2},
		{1, "pfpf ff fp", 2},
	}, false, explore.Sequence, buildQueue(7))
}

func TestExplore_Queue_Random(t *testing.T) {
	exploreRandom(t, 3000, []stage{
		{1, "pfpfpf fpfpfp pfffpp", 4},
		{0, "pppp ffff pfpf fpfp", 4},
	}, false, explore.Sequence, buildQueue(16))
}

func buildStack(slots int) func(*explore.Run, int) container {
	return func(x *explore.Run, cpus int) container {
		st := new(Stack)
		s, p := slotsFor(x, slots, cpus)
		st.Init(s, p)
		x.Name("stack", st)
		return container{
			put:  st.Push,
			last: st.Pop,
			atRest: func() error {
				if !st.Empty() {
					return fmt.Errorf("Pop fails and the stack is not empty")
				}
				return allFree(p, slots-1)
			},
		}
	}
}

func TestExplore_Stack_G1_G3_G4(t *testing.T) {
	exploreStages(t, []stage{
		{0, "p l", 3},
		{1, "pl pl", 3},
		{2, "ll llp", 3},
		{2, "l llp", 3},
		{2, "ll lplp", 2},
		{0, "pppp llll", 2},
		{1, "plpl lplp", 2},
		{2, "llp llp lp", 2},
		{1, "pl pl pl", 2},
		{2, "lplp plpl lplp", 2},
	}, false, explore.Sequence, buildStack(24))
}

func TestExplore_Stack_SlotsComeBackAtOnce(t *testing.T) {
	exploreStages(t, []stage{
		{2, "lplp llpp", 2},
		{2, "lp llp lpl", 2},
	}, false, explore.Sequence, buildStack(7))
}

func TestExplore_Stack_Random(t *testing.T) {
	exploreRandom(t, 3000, []stage{
		{2, "plplpl lplplp llpplp", 4},
		{1, "pppp llll plpl lplp", 4},
	}, false, explore.Sequence, buildStack(16))
}
