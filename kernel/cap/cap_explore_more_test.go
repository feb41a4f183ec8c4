//go:build explore

package cap

import (
	"fmt"
	"testing"

	"exo/kernel/sync/explore"
)

// Programs that are not scripts: growing, transfers, limits, names that are guessed, late hints, batches of free slots.

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
						w.givenAway()
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

// What was derived too late to be its old holder's is not found for a moment either when somebody has claimed it, and is late
// to say that it is gone.
func TestExplore_Cap_G4_GivenAwayAndClaimed(t *testing.T) {
	taken := 0
	explore.Exhaustive(t, explore.Config{Preemptions: 2}, func(x *explore.Run) ([]func(), func() error) {
		w := newWorld(x, page0, 2, 0)
		root := w.caps.at(w.root.slot()).links()
		cleared, ended := false, false
		return []func(){
			func() {
				n, err := w.Derive(0, w.root, 1, Derivation{To: 1, Rights: AllRights})
				if late := cleared; err == nil && w.finds(n, 1) && late {
					panic("G4: its old holder finds it after its new one has revoked")
				}
				ended = true
			},
			func() {
				w.givenAway()
				cleared = true
				for ; link(root.head.Load()).slot() == 0; explore.Yield() {
					if ended {
						return
					}
				}
				late := w.caps.at(link(root.head.Load()).slot()).links()
				if h := link(late.head.Load()); h&claimed == 0 && swap(&late.head, h, h.to(0, dead|claimed)) {
					taken++
				}
			},
		}, func() error { return nil }
	})
	if taken == 0 {
		t.Fatal("never claimed")
	}
}

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
					if a := w.names[0]; w.finds(a, 2) {
						if _, err := w.child(0, a, 2, 0); err != nil {
							return fmt.Errorf("its new holder finds it, and cannot derive from it: %w", err)
						}
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

// A capability that is said to be no more is found no more, though what is below it is still being torn down.
func TestExplore_Cap_G1_NoneIsForGood(t *testing.T) {
	for _, try := range []struct {
		what string
		do   func(w *world, n Name) error
	}{
		{"Derive", func(w *world, n Name) error { _, err := w.child(1, n, 1, 0); return err }},
		{"Revoke", func(w *world, n Name) error { _, err := w.Revoke(1, n, 1, 0, 1); return err }},
		{"Transfer", func(w *world, n Name) error { return w.Transfer(n, 1, 1) }},
		{"Delete", func(w *world, n Name) error { _, err := w.Delete(1, n, 1, 0, 1); return err }},
	} {
		t.Run(try.what, func(t *testing.T) {
			none, found := 0, 0
			explore.Exhaustive(t, explore.Config{Preemptions: 2}, func(x *explore.Run) ([]func(), func() error) {
				w := newWorld(x, page0, 2, 1)
				n := w.names[0]
				w.derive(0, n)
				return []func(){
					func() { w.revoke(0, w.root) },
					func() {
						if try.do(w, n) != ErrNone {
							found++
						} else if none++; w.finds(n, 1) {
							panic("G1: it is found, and was no more")
						}
					},
				}, nil
			})
			if none == 0 || found == 0 {
				t.Fatalf("%d times it was no more, %d times it was", none, found)
			}
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

// givenAway has the root's holder give it to another, who revokes.
func (w *world) givenAway() {
	if w.Transfer(w.root, 1, 2) != nil {
		panic("it can be given away")
	}
	for at := Name(0); ; explore.Yield() {
		if at, _ = w.Revoke(1, w.root, 2, at, 4); at == 0 {
			break
		}
	}
}
