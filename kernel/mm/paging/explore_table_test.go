//go:build explore

package paging

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"exo/kernel/mm"
	"exo/kernel/sync/explore"
)

// tableProgram plays scripts, each on a CPU, on a page that is mapped and that no CPU has used:
//
//	w  writes: the CPU's walker sets Dirty     u  unmaps     r, d  makes it read-only, or a device
//
// Another page stays in the table, so that no walker meets one that was taken out. Each Dirty bit that was set comes back.
func tableProgram(start *fakeMemory, s *Space, scripts ...string) explore.Program {
	const va = 1 << 30
	return func(x *explore.Run) (threads []func(), check func() error) {
		memory := &fakeMemory{words: make([]Words, len(start.words)), taken: map[mm.Frame]bool{}, left: -1}
		for f := range start.words {
			for i := range start.words[f] {
				memory.words[f][i].Store(start.words[f][i].Load())
			}
		}
		memory.free = append(memory.free, start.free...)
		for f := range start.taken {
			memory.taken[f] = true
		}
		table := &Table{memory: memory.memory(), frames: memory, root: s.root}
		table.top = table.memory.words(s.root)
		x.Name("entry", table.slot(va, 1))
		set, returned, unmapped := 0, 0, false
		for _, script := range scripts {
			threads = append(threads, func() {
				var b Batch
				for _, letter := range script {
					switch letter {
					case 'w':
						if _, took, _ := mmu(memory, s.root, va, true, false); took {
							set++
						}
					case 'u':
						unmapped = true // from now on, for others
						old, err := table.Unmap(va, Small, &b)
						if err != nil {
							panic(err)
						}
						if old.Frame() != 7 {
							panic(fmt.Sprintf("G1: Unmap returns frame %d", old.Frame()))
						}
						if old.Dirty() {
							returned++
						}
					case 'r', 'd':
						perm := Read
						if letter == 'd' {
							perm = Read | Write | Device
						}
						if _, err := table.Protect(va, Small, perm, &b); err != nil && (err != ErrNotMapped || !unmapped) {
							panic(err)
						}
					}
				}
			})
		}
		return threads, func() error {
			p, mapped := table.Lookup(va)
			if mapped == unmapped {
				return fmt.Errorf("G1: mapped %t, unmapped %t", mapped, unmapped)
			}
			if mapped && p.Dirty {
				returned++
			}
			if returned != set {
				return fmt.Errorf("G3: a CPU set Dirty %d times, and %d came back", set, returned)
			}
			return nil
		}
	}
}

func TestExplore_Table_G1_G3(t *testing.T) {
	memory := newFakeMemory(12)
	s := new(Space)
	require.NoError(t, s.Init(memory.memory(), memory, kernelRoot, make([]Local, 1)))
	require.NoError(t, s.Map(1<<30, 7, Small, Read|Write))
	require.NoError(t, s.Map(1<<30+4096, 8, Small, Read))
	for _, scripts := range [][]string{{"w", "u"}, {"w", "d"}, {"w", "r"}, {"w", "u", "d"}, {"ww", "d", "r"}, {"w", "du"}} {
		explore.Exhaustive(t, explore.Config{Preemptions: 3}, tableProgram(memory, s, scripts...))
	}
}
