//go:build explore

package cap

import (
	"fmt"
	"strings"
	"testing"

	"exo/kernel/sync/explore"
)

// world is a table that scripts play on, and what they know of it. The threads run one at a time, so plain variables will do.
type world struct {
	host
	root   Name
	names  []Name        // derived, in the order in which Derive returned
	parent map[Name]Name // of those
	torn   map[Name]int  // when each was torn down
	tears  int
	killed map[Name]bool // what somebody has begun to revoke from, or to delete
}

// newWorld is a table with one chunk, whose free slots are CPU 0's, and a capability of holder 1 with as many children.
func newWorld(x *explore.Run, k Kind, cpus, children int) *world {
	w := &world{parent: map[Name]Name{}, torn: map[Name]int{}, killed: map[Name]bool{}}
	w.limit = 1 << 10
	w.Table.cpus, w.Table.kinds, w.Table.memory, w.Table.clock = make([]CPU, cpus), &w.host.kinds, &w.host, &w.host
	if k == torn {
		w.host.kinds[torn].Teardown = func(_ int, n Name, _ Rights, _ Object) {
			w.tears++
			if w.torn[n] != 0 {
				panic(fmt.Sprintf("G5: %x is torn down twice", n))
			}
			w.torn[n] = w.tears
			explore.Step("teardown")
		}
	}
	w.root = w.rootOf(k, 1)
	for range children {
		w.derive(0, w.root)
	}
	for cpu := 1; cpu < cpus; cpu++ { // a free slot each, to begin with
		i, r := w.caps.get(0, &w.Table.cpus[0].caps, &w.host)
		w.caps.put(&w.Table.cpus[cpu].caps, i, r)
	}
	x.Name("page", w.caps.top[0].Load())
	x.Name("slots", w.caps.top[0].Load()[0].Load())
	x.Name("table", &w.Table)
	return w
}

func (w *world) derive(cpu int, from Name) {
	n, err := w.child(cpu, from, 1, 0)
	switch err {
	case nil:
		w.names, w.parent[n] = append(w.names, n), from
	case ErrNone, ErrRevoking:
	default:
		panic(err)
	}
}

// below are those derived from a capability, at any depth.
func (w *world) below(top Name) (all []Name) {
	for _, n := range w.names {
		for p := w.parent[n]; p != 0; p = w.parent[p] {
			if p == top {
				all = append(all, n)
				break
			}
		}
	}
	return all
}

func (w *world) gone(all []Name, why string) {
	for _, n := range all {
		if w.finds(n, 1) {
			panic(fmt.Sprintf("G3: %x is found after %s", n, why))
		}
		if w.host.kinds[torn].Teardown != nil && w.torn[n] == 0 {
			panic(fmt.Sprintf("G3: %x is not torn down after %s", n, why))
		}
	}
}

// safe says whether nobody has meant to kill a capability.
func (w *world) safe(n Name) bool {
	for p := n; p != 0; p = w.parent[p] {
		if w.killed[p] {
			return false
		}
	}
	return true
}

func (w *world) revoke(cpu int, n Name) {
	w.killed[n] = true
	all := w.below(n)
	for at := Name(0); ; explore.Yield() {
		var err error
		if at, err = w.Revoke(cpu, n, 1, at, 4); err != nil {
			return
		}
		if at == 0 {
			break
		}
	}
	w.gone(all, "Revoke")
}

func (w *world) delete(cpu int, n Name) {
	w.killed[n] = true
	all := append(w.below(n), n)
	mine := false
	for at := Name(0); ; explore.Yield() {
		var err error
		if at, err = w.Delete(cpu, n, 1, at, 4); err != nil {
			if mine {
				break
			}
			return
		}
		if mine = true; at == 0 {
			break
		}
	}
	w.gone(all, "Delete")
}

// do is one letter of a script. Of what was derived, i is the one of that number, if there is one.
func (w *world) do(cpu int, letter byte, i int) {
	var n Name
	if i < len(w.names) {
		n = w.names[i]
	}
	switch letter {
	case 'd':
		w.derive(cpu, w.root)
	case 'r':
		w.revoke(cpu, w.root)
	case 'D':
		if n != 0 {
			w.derive(cpu, n)
		}
	case 'R':
		if n != 0 {
			w.revoke(cpu, n)
		}
	case 'X':
		if n != 0 {
			w.delete(cpu, n)
		}
	case 'L':
		if n != 0 {
			dead := w.torn[n] != 0
			if o, err := w.Lookup(n, 1, w.kindOf(w.root), Read); err == nil && (dead || o != Object{100, 50}) {
				panic(fmt.Sprintf("G1: %x is found, torn down before: %t, with %v", n, dead, o))
			}
		}
	default:
		panic("no such letter")
	}
}

// play makes a program of scripts: words of letters, where a capital is followed by the number of a name. Before, the root
// has so many children. In the end the root is deleted, and everything must have come back.
func play(k Kind, children int, scripts string) explore.Program {
	words := strings.Fields(scripts)
	return func(x *explore.Run) (threads []func(), check func() error) {
		w := newWorld(x, k, len(words), children)
		for cpu, script := range words {
			threads = append(threads, func() {
				for i := 0; i < len(script); i++ {
					letter := script[i]
					number := 0
					if letter < 'a' {
						i++
						number = int(script[i] - '0')
					}
					w.do(cpu, letter, number)
				}
			})
		}
		return threads, func() error {
			alive := 0
			for _, n := range w.names {
				for p := n; w.finds(n, 1) && p != w.root; p = w.parent[p] {
					if !w.finds(p, 1) {
						return fmt.Errorf("G4: %x lives, and %x above it does not", n, p)
					}
				}
				if w.finds(n, 1) {
					alive++
				} else if w.safe(n) {
					return fmt.Errorf("%x is gone, and nobody has deleted it", n)
				}
			}
			if got := int(w.caps.slots()) - 1 - w.freeSlots(); got != alive+1 {
				return fmt.Errorf("%d slots are in use, for %d capabilities", got, alive+1)
			}
			w.delete(0, w.root)
			if k == torn {
				for n, p := range w.parent {
					if w.torn[n] == 0 || w.torn[n] > w.torn[p] {
						return fmt.Errorf("G5: %x is torn down as number %d, its parent as %d", n, w.torn[n], w.torn[p])
					}
				}
			}
			return w.whole()
		}
	}
}

// whole is an error if slots are missing, or there are two of one.
func (w *world) whole() error {
	seen := map[uint32]bool{}
	last := w.caps.slots()
	for cpu := range w.Table.cpus {
		for {
			i, _ := w.caps.get(cpu, &w.Table.cpus[cpu].caps, noMemory{})
			if i == 0 {
				break
			}
			if seen[i] {
				return fmt.Errorf("slot %d is free twice", i)
			}
			seen[i] = true
		}
	}
	if len(seen) != int(last)-1 {
		return fmt.Errorf("%d slots are free, not %d", len(seen), last-1)
	}
	return nil
}

type noMemory struct{}

func (noMemory) GetFrame(int) *Frame  { return nil }
func (noMemory) PutFrame(int, *Frame) {}

// stage is one exhaustive exploration.
type stage struct {
	kind        Kind
	children    int
	scripts     string
	preemptions int
}

func exploreStages(t *testing.T, stages []stage) {
	t.Helper()
	for _, s := range stages {
		t.Run(fmt.Sprintf("%d+%d+%s", s.kind, s.children, strings.ReplaceAll(s.scripts, " ", "|")), func(t *testing.T) {
			explore.Exhaustive(t, explore.Config{Preemptions: s.preemptions}, play(s.kind, s.children, s.scripts))
		})
	}
}

// Published C code leaked a child that was derived while its parent was being revoked.
func TestExplore_Cap_G4_DeriveRevokeRaceLeaksNoChild(t *testing.T) {
	exploreStages(t, []stage{
		{page0, 0, "d r", 2},
		{page0, 1, "d r", 2},
		{page0, 1, "D0 r", 2},
		{page0, 1, "D0 X0", 2},
		{page0, 1, "D0 X0d", 2},
		{torn, 1, "D0 X0", 2},
		{torn, 1, "D0 r", 2},
		{page0, 1, "D0D1 r", 2},
		{page0, 1, "D0 D0 X0", 1},
		{page0, 1, "D0 r d", 1},
	})
}

func TestExplore_Cap_G3_DoubleRevoke(t *testing.T) {
	exploreStages(t, []stage{
		{page0, 1, "r r", 2},
		{page0, 2, "r r", 2},
		{torn, 2, "r r", 2},
		{page0, 1, "D0r r", 2},
		{torn, 1, "D0r r", 2},
		{page0, 1, "D0R0 r", 2},
		{page0, 1, "D0X0 r", 2},
		{page0, 1, "D0D0X1 X0", 2},
		{page0, 1, "r X0 r", 1},
		{torn, 1, "r X0 r", 1},
		{page0, 1, "dr rd", 2},
	})
}

func TestExplore_Cap_G1_DeleteAndLookup(t *testing.T) {
	exploreStages(t, []stage{
		{torn, 1, "L0L0 X0", 2},
		{torn, 1, "L0L0 r", 2},
		{torn, 1, "L0 X0 X0", 1},
		{page0, 1, "L0 X0d", 2},
	})
}

// Siblings are taken out of one list at the same time, while others are put in.
func TestExplore_Cap_Siblings(t *testing.T) {
	exploreStages(t, []stage{
		{page0, 2, "X0 X1", 2},
		{page0, 3, "X0 X1", 2},
		{page0, 3, "X1 X2", 2},
		{page0, 3, "X1 X0", 2},
		{page0, 3, "X0 X1 X2", 1},
		{page0, 2, "X0 d", 2},
		{page0, 2, "X1 d", 2},
		{page0, 1, "X0 dd", 2},
		{page0, 2, "X0 X1d", 2},
		{page0, 2, "X1d X0d", 2},
		{page0, 2, "X0 X1 d", 1},
		{page0, 3, "X1 X0ddd", 2},
		{page0, 4, "X0 X1D3", 2},
		{page0, 3, "X1d X2 r", 1},
		{torn, 2, "X0 X1 r", 1},
	})
}

// Siblings are taken out together, while others take out one of them, or put one in.
func TestExplore_Cap_Together(t *testing.T) {
	exploreStages(t, []stage{
		{page0, 3, "r X0", 2},
		{page0, 3, "r X1", 2},
		{page0, 3, "r X2", 2},
		{torn, 3, "r X1", 2},
		{page0, 3, "r rd", 2},
		{page0, 3, "r d", 2},
		{page0, 3, "r D1X2", 2},
		{page0, 2, "D0D0r r", 2},
		{page0, 2, "D0D0r X2", 2},
		{page0, 1, "D0D1r r", 2},
		{page0, 1, "D0D1X0 r", 2},
		{torn, 1, "D0D1X0 r", 2},
		{page0, 3, "r X1 X2", 1},
		{page0, 3, "r r X1", 1},
	})
}

// A slot that is used again is another capability, for whoever still has the old name.
func TestExplore_Cap_G6_SlotReuse(t *testing.T) {
	exploreStages(t, []stage{
		{page0, 1, "X0d L0X0", 2},
		{page0, 1, "X0d D0", 2},
		{page0, 1, "X0d R0", 2},
		{page0, 2, "X0dX2d X1", 2},
		{page0, 2, "X1dd X0", 2},
	})
	var reused int
	explore.Exhaustive(t, explore.Config{Preemptions: 3}, func(x *explore.Run) ([]func(), func() error) {
		w := newWorld(x, page0, 2, 0)
		other := Object{1, 1}
		old, err := w.Create(1, Capability{Kind: page0, Rights: AllRights, Holder: 1, Object: Object{100, 50}})
		if err != nil {
			panic(err)
		}
		return []func(){
			func() {
				o, err := w.Lookup(old, 1, page0, Read)
				if err == nil && o != (Object{100, 50}) {
					panic(fmt.Sprintf("G1: the old name finds %v", o))
				}
				if _, err := w.Inspect(old, 1); err == ErrNone {
					reused++
				}
			},
			func() {
				w.Delete(1, old, 1, 0, 9)
				n, err := w.Create(1, Capability{Kind: page0, Rights: AllRights, Holder: 1, Object: other})
				if err != nil || n.slot() != old.slot() {
					panic("the slot is not used again")
				}
			},
		}, nil
	})
	if reused == 0 {
		t.Fatal("never late")
	}
}

// Longer programs, at random.
func TestExplore_Cap_Random(t *testing.T) {
	for _, s := range []stage{
		{page0, 2, "dX0dX1 D0D2rd X1R0dd", 4},
		{torn, 2, "dX0dX1 D0D2rd X1R0dd", 4},
		{page0, 3, "X0X1dd X2dX3 D1D1r ddR1", 5},
		{torn, 3, "X0X1dd X2dX3 D1D1r ddR1", 5},
		{page0, 1, "dddX1X2X3 dddX4X5 X0dX6 L0L1L2L3", 5},
	} {
		t.Run(fmt.Sprintf("%d+%d+%s", s.kind, s.children, strings.ReplaceAll(s.scripts, " ", "|")), func(t *testing.T) {
			explore.PCT(t, explore.PCTConfig{Depth: s.preemptions, Runs: 10_000}, play(s.kind, s.children, s.scripts))
		})
	}
}
