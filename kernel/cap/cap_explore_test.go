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

// Tables grow from both sides.
func TestExplore_Cap_G8_GrowAndInsert(t *testing.T) {
	for _, first := range []bool{true, false} {
		explore.Exhaustive(t, explore.Config{Preemptions: 1}, func(x *explore.Run) ([]func(), func() error) {
			w := newWorld(x, page0, 2, 0)
			if first {
				w = &world{}
				w.limit = 1 << 10
				w.Table.cpus, w.Table.kinds, w.Table.memory, w.Table.clock = make([]CPU, 2), &w.host.kinds, &w.host, &w.host
			}
			for cpu := range w.Table.cpus { // nothing is free
				w.Table.cpus[cpu] = CPU{}
			}
			var got [2]Name
			thread := func(cpu int) func() {
				return func() {
					n, err := w.Create(cpu, Capability{Kind: page0, Holder: Holder(1 + cpu)})
					if err != nil {
						panic(err)
					}
					explore.Fence() // names go through memory, and come after what Create wrote
					if got[cpu] = n; !w.finds(n, Holder(1+cpu)) {
						panic("G8: it is made, and not found")
					}
					if other := got[1-cpu]; other != 0 && !w.finds(other, Holder(2-cpu)) {
						panic("G8: it was made, and is not found")
					}
				}
			}
			return []func(){thread(0), thread(1)}, func() error {
				if got[0].slot() == got[1].slot() {
					return fmt.Errorf("one slot for two")
				}
				used := len(w.frames) - len(w.spare)
				want := 1 + int(w.caps.slots())/perChunk
				if used != want {
					return fmt.Errorf("%d frames are in use, not %d", used, want)
				}
				return nil
			}
		})
	}
}

// A capability has one holder at a time, and a transfer does not bring back what was deleted.
func TestExplore_Cap_G9_Transfer(t *testing.T) {
	explore.Exhaustive(t, explore.Config{Preemptions: 2}, func(x *explore.Run) ([]func(), func() error) {
		w := newWorld(x, page0, 3, 1)
		n := w.names[0]
		given, deleted := false, false
		return []func(){
				func() { given = w.Transfer(n, 1, 2) == nil },
				func() {
					was := given
					if w.finds(n, 1) && was {
						panic("G9: its old holder still has it")
					}
				},
				func() {
					_, err := w.Delete(2, n, 1, 0, 9)
					if deleted = err == nil; deleted && (w.finds(n, 1) || w.finds(n, 2)) {
						panic("G3: found after Delete")
					}
				},
			}, func() error {
				if !given && !deleted || w.finds(n, 2) == deleted || w.finds(n, 1) {
					return fmt.Errorf("given %t, deleted %t, found by 2: %t", given, deleted, w.finds(n, 2))
				}
				return nil
			}
	})
}

// Of two transfers by the same holder one takes place.
func TestExplore_Cap_G9_TwoTransfers(t *testing.T) {
	explore.Exhaustive(t, explore.Config{Preemptions: 3}, func(x *explore.Run) ([]func(), func() error) {
		w := newWorld(x, page0, 2, 1)
		n := w.names[0]
		var given [2]bool
		give := func(to int) func() {
			return func() { given[to] = w.Transfer(n, 1, Holder(2+to)) == nil }
		}
		return []func(){give(0), give(1)}, func() error {
			if given[0] == given[1] || w.finds(n, 2) != given[0] || w.finds(n, 3) != given[1] {
				return fmt.Errorf("given: %v", given)
			}
			return nil
		}
	})
}

// Who is given a capability and revokes what is below it has it alone, though its old holder was just deriving from it.
func TestExplore_Cap_G9_DeriveWhileGivenAway(t *testing.T) {
	var derived, not int
	for _, k := range []Kind{page0, torn} {
		explore.Exhaustive(t, explore.Config{Preemptions: 2}, func(x *explore.Run) ([]func(), func() error) {
			w := newWorld(x, k, 2, 0)
			revoked := false
			return []func(){
					func() { w.derive(0, w.root) },
					func() {
						if w.Transfer(w.root, 1, 2) != nil {
							panic("it can be given away")
						}
						for at := Name(0); ; explore.Yield() {
							if at, _ = w.Revoke(1, w.root, 2, at, 4); at == 0 {
								break
							}
						}
						revoked = true
					},
				}, func() error {
					if not++; len(w.names) == 1 {
						not--
						derived++
						if !revoked || w.finds(w.names[0], 1) {
							return fmt.Errorf("G3: what its old holder derived outlived the revocation by the new one")
						}
						if k == torn && w.tears != 1 {
							return fmt.Errorf("G5: torn down %d times", w.tears)
						}
					} else if w.tears != 0 {
						return fmt.Errorf("G5: what was not derived is torn down")
					}
					if got := int(w.caps.slots()) - 2 - w.freeSlots(); got != 0 {
						return fmt.Errorf("%d slots are lost", got)
					}
					return nil
				}
		})
	}
	if derived == 0 || not == 0 {
		t.Fatalf("%d derived, %d not", derived, not)
	}
}

// Who deletes a capability that is just given away has all of it gone, whoever holds it then.
func TestExplore_Cap_G3_DeleteWhileGivenAway(t *testing.T) {
	given, ended := 0, 0
	for _, steps := range []int{1, 9} {
		explore.Exhaustive(t, explore.Config{Preemptions: 2}, func(x *explore.Run) ([]func(), func() error) {
			w := newWorld(x, page0, 2, 1)
			w.derive(0, w.names[0])
			return []func(){
					func() {
						if w.Transfer(w.names[0], 1, 2) == nil {
							given++
						}
					},
					func() {
						begun := false
						for at := Name(0); ; explore.Yield() {
							var err error
							if at, err = w.Delete(1, w.names[0], 1, at, steps); err != nil && !begun {
								return
							}
							if begun = true; at == 0 {
								break
							}
						}
						ended++
						w.gone(w.names, "Delete")
						if w.finds(w.names[0], 2) {
							panic("G3: its new holder finds it")
						}
					},
				}, func() error {
					if a, b := w.names[0], w.names[1]; !w.finds(a, 1) && !w.finds(a, 2) && w.finds(b, 1) {
						return fmt.Errorf("G4: %x lives, and %x above it does not", b, a)
					}
					w.delete(0, w.root)
					return w.whole()
				}
		})
	}
	if given == 0 || ended == 0 {
		t.Fatalf("%d given away, %d deleted", given, ended)
	}
}

// Uses are counted together, and not for another capability that has got the bucket meanwhile.
func TestExplore_Cap_G7_Limit(t *testing.T) {
	explore.Exhaustive(t, explore.Config{Preemptions: 2}, func(x *explore.Run) ([]func(), func() error) {
		w := newWorld(x, page0, 3, 0)
		limit := func() Name {
			n, err := w.Create(2, Capability{Kind: page0, Rights: AllRights, Holder: 1, Limit: Limit{64, 1}})
			if err != nil {
				panic(err)
			}
			return n
		}
		n := limit()
		var next Name
		uses := 0
		user := func() {
			if w.Check(n, 1, page0, Read) == nil {
				uses++
			}
		}
		return []func(){user, user, func() {
				w.Delete(2, n, 1, 0, 9)
				next = limit()
			}}, func() error {
				if uses > 1 {
					return fmt.Errorf("G7: %d uses", uses)
				}
				if err := w.Check(next, 1, page0, Read); err != nil {
					return fmt.Errorf("the next one's use is gone: %w", err)
				}
				return nil
			}
	})
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

// A lookup makes as many accesses whatever the slot: published C code hashed multiples of 256 into one bucket.
func TestExplore_Cap_MultiplesOf256CostWhatOthersDo(t *testing.T) {
	h := newHost(1)
	root := h.root(1)
	var names []Name
	for range 100_000 {
		n := h.mustChild(root, 1)
		names = append(names, n)
	}
	multiples, counts := 0, map[int]int{}
	for i, n := range names {
		if n.slot()%256 != 0 && i%97 != 0 {
			continue
		}
		if n.slot()%256 == 0 {
			multiples++
		}
		counts[countLoads(func() {
			if _, err := h.Lookup(n, 1, page0, Read); err != nil {
				t.Fatal(err)
			}
		})]++
	}
	if multiples < 300 || len(counts) != 1 {
		t.Fatalf("%d multiples; accesses and how often: %v", multiples, counts)
	}
	t.Logf("%d multiples of 256, and others; accesses and how often: %v", multiples, counts)
}

// A name that is only guessed finds nothing before the capability is linked: its parent may be gone by then.
func TestExplore_Cap_HatchesOnceItIsLinked(t *testing.T) {
	found := 0
	explore.Exhaustive(t, explore.Config{Preemptions: 2}, func(x *explore.Run) ([]func(), func() error) {
		w := newWorld(x, page0, 2, 1)
		free := w.Table.cpus[0].caps.current.first()
		guess := nameOf(free, max(w.caps.at(free).owner.Load(), 1<<32))
		return []func(){
			func() { w.derive(0, w.names[0]) },
			func() {
				if w.finds(guess, 1) {
					found++
				}
				w.delete(1, w.names[0])
				if w.finds(guess, 1) {
					panic("G1: it is found, and its parent is gone")
				}
			},
		}, nil
	})
	if found == 0 {
		t.Fatal("the guess is never right")
	}
}

// The hint names a slot that has left the list and is about to come back before the very same sibling.
func TestExplore_Cap_HintOfAnotherLife(t *testing.T) {
	explore.Exhaustive(t, explore.Config{Preemptions: 2}, func(x *explore.Run) ([]func(), func() error) {
		w := newWorld(x, page0, 3, 1)
		w.derive(0, w.root)
		w.delete(0, w.names[1])
		threads := []func(){
			func() { w.do(0, 'd', 0) },
			func() { w.do(1, 'd', 0) },
			func() { w.do(2, 'X', 0) },
		}
		return threads, func() error {
			w.delete(0, w.root)
			return w.whole()
		}
	})
}

// Batches of free slots change hands.
func TestExplore_Cap_Depot(t *testing.T) {
	explore.Exhaustive(t, explore.Config{Preemptions: 2}, func(x *explore.Run) ([]func(), func() error) {
		w := newWorld(x, page0, 2, 0)
		w.caps.grow(0, &w.host)
		for i := range uint32(2) { // whole batches, in the second chunk
			w.caps.deposit(perChunk + i*batch)
		}
		w.Table.cpus[0], w.Table.cpus[1] = CPU{}, CPU{}
		var got [2][]uint32
		thread := func(cpu int) func() {
			return func() {
				for range 2 {
					i := w.caps.withdraw()
					if i == 0 {
						return
					}
					got[cpu] = append(got[cpu], i)
					if cpu == 0 && len(got[0]) == 1 {
						w.caps.deposit(i)
						got[0] = nil
					}
				}
			}
		}
		return []func(){thread(0), thread(1)}, func() error {
			seen := map[uint32]bool{}
			for _, i := range append(got[0], got[1]...) {
				if seen[i] {
					return fmt.Errorf("batch %d is taken twice", i)
				}
				seen[i] = true
			}
			for i := w.caps.withdraw(); i != 0; i = w.caps.withdraw() {
				if seen[i] {
					return fmt.Errorf("batch %d is there twice", i)
				}
				seen[i] = true
			}
			if len(seen) != 2 {
				return fmt.Errorf("%d batches, not 2", len(seen))
			}
			return nil
		}
	})
}
