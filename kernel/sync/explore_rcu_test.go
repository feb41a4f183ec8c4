//go:build explore

package sync

import (
	"fmt"
	"strings"
	"testing"

	"exo/kernel/sync/atom"
	"exo/kernel/sync/explore"
)

// entry is an object that RCU protects.
type entry struct {
	Head
	word  atom.Uint64
	index int
}

// rcuProgram plays scripts, one on each CPU, on a word that points at an entry:
//
//	r  a read section that uses the entry         q  a quiescent state          t  a tick
//	R  the same, with a tick in the middle        i  idle, and back             e  idle, for good
//	s  replaces the entry, Synchronize, frees it  c  replaces it, Call          a  Advance
//	b  Barrier: all that was known to be queued before, on any CPU, has run
func rcuProgram(scripts ...string) explore.Program {
	return func(x *explore.Run) (threads []func(), check func() error) {
		r := newRCU(x, len(scripts))
		at := new(atom.Pointer[entry])
		x.Name("at", at)
		var entries []*entry
		fresh := func() *entry {
			e := &entry{index: len(entries)}
			e.word.StoreRelease(1)
			entries = append(entries, e)
			x.Name(fmt.Sprintf("entry%d", e.index), e)
			return e
		}
		barriers := strings.Contains(fmt.Sprint(scripts), "b") // then nobody leaves with callbacks
		freed := 0
		free := func(e *entry) {
			freed++
			x.Forbid(fmt.Sprintf("entry%d", e.index), e)
		}
		last := make([]int, len(scripts)) // of each CPU's callbacks, the last that ran
		queued := make([]atom.Uint64, len(scripts))
		x.Name("queued", queued)
		at.Store(fresh())
		for cpu, script := range scripts {
			threads = append(threads, func() {
				c := &Context{CPU: cpu}
				mine := 0 // callbacks queued here
				wait := func(int) {
					r.Quiescent(cpu)
					r.Advance(cpu, 10)
					explore.Yield()
				}
				read := func(middle func()) {
					c.ReadLock()
					e := at.Load()
					middle()
					if e.word.Load() != 1 {
						panic("the entry is not what it was made")
					}
					c.ReadUnlock()
				}
				for _, letter := range script {
					switch letter {
					case 'r':
						read(func() {})
					case 'R':
						read(func() { r.Tick(cpu, c) })
					case 'q':
						r.Quiescent(cpu)
					case 't':
						r.Tick(cpu, c)
					case 'i':
						r.IdleEnter(cpu)
						r.IdleExit(cpu)
					case 'e':
						r.IdleEnter(cpu)
					case 's':
						old := at.Swap(fresh())
						r.Synchronize(c, wait)
						free(old)
					case 'c':
						old := at.Swap(fresh())
						mine++
						order := mine
						r.Call(cpu, &old.Head, func(on int, h *Head) {
							if on != cpu || last[cpu] != order-1 { // G4
								panic("a callback runs on another CPU, or out of order, or twice")
							}
							explore.Step("a callback")
							free(old)
							last[cpu] = order
						})
						queued[cpu].StoreRelease(uint64(order))
					case 'a':
						r.Advance(cpu, 10)
					case 'b':
						var want [maxExplored]uint64
						for i := range queued {
							want[i] = queued[i].Load()
						}
						r.Barrier(c, wait)
						for i := range queued {
							if last[i] < int(want[i]) { // G5
								panic("Barrier returns before a callback has run")
							}
						}
					}
				}
				for barriers && r.Pending(cpu) {
					wait(0)
				}
				r.IdleEnter(cpu) // nobody waits for it (G6)
			})
		}
		return threads, func() error {
			for cpu := range scripts {
				r.IdleExit(cpu)
			}
			for range 5 {
				for cpu := range scripts {
					r.Quiescent(cpu)
					r.Advance(cpu, 10)
				}
			}
			for cpu := range scripts {
				if r.Pending(cpu) {
					return fmt.Errorf("CPU %d still has callbacks", cpu)
				}
			}
			if freed != len(entries)-1 {
				return fmt.Errorf("%d of %d entries are freed", freed, len(entries)-1)
			}
			return nil
		}
	}
}

const maxExplored = 8 // threads

func TestExplore_RCU(t *testing.T) {
	for _, s := range []struct {
		name        string
		preemptions int
		scripts     []string
	}{
		{"G1/section", 3, []string{"s", "rq"}},
		{"G1/sections", 2, []string{"s", "rqrq"}},
		{"G1/tick_inside", 3, []string{"s", "Rt"}},
		{"G1/two_updaters", 2, []string{"s", "s"}},
		{"G1/updaters_that_read", 2, []string{"rsr", "rsr"}},
		{"G1/two_readers", 1, []string{"s", "rqr", "rqr"}},
		{"G3/out_of_idle", 3, []string{"s", "ir"}},
		{"G3/idle_between", 3, []string{"s", "rirR"}},
		{"G6/idle_for_good", 1, []string{"s", "rqe", "re"}},
		{"G2_G4/callback", 2, []string{"caqaqa", "rq"}},
		{"G2_G4/callbacks", 2, []string{"ccaqcaqa", "rqrq"}},
		{"G2/late_callback", 2, []string{"cacaqaqa", "rqrqr"}},
		{"G2/all_idle", 3, []string{"caeaicaa", "eir"}},
		{"G2/out_of_idle", 2, []string{"caqaqa", "irir"}},
		{"G2/two_CPUs", 2, []string{"caqa", "caqra"}},
		{"G5/Barrier", 2, []string{"cb", "rq"}},
		{"G5/Barriers", 2, []string{"cb", "rcb"}},
		{"G5/of_another_CPU", 2, []string{"caqaqa", "b"}},
		{"G1_G2/both", 1, []string{"s", "caqa", "rqr"}},
	} {
		t.Run(s.name, func(t *testing.T) {
			explore.Exhaustive(t, explore.Config{Preemptions: s.preemptions}, rcuProgram(s.scripts...))
		})
	}
	t.Run("random", func(t *testing.T) {
		explore.PCT(t, explore.PCTConfig{Runs: 3000, Depth: 4}, rcuProgram("rscaqrb", "riRqrcaqa", "rqrirts"))
	})
}
