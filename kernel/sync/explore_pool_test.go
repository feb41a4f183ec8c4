//go:build explore

package sync

import (
	"fmt"
	"strings"
	"testing"

	"exo/kernel/sync/explore"
)

// poolProgram plays scripts on a pool: g gets a slot, p puts the oldest one that this CPU has. CPU 0 has all in the
// beginning, and puts those of them that it need not keep.
func poolProgram(slots int, scripts string) explore.Program {
	words := strings.Fields(scripts)
	return func(x *explore.Run) (threads []func(), check func() error) {
		p := new(Pool)
		p.Init(make([]Link, slots), make([]PoolCPU, len(words)))
		x.Name("pool", p)
		var (
			owned = make([]int, slots) // by whom; plain: each is in one pair of hands
			free  = slots - 1          // that nobody has or is about to get
			least = make([]int, len(words))
			few   = 2 * int(p.batch) * (len(words) - 1)
		)
		get := func(cpu int) uint32 {
			free--
			least[cpu] = free + 1
			for i := range least {
				least[i] = min(least[i], free+1)
			}
			i := p.Get(cpu)
			switch {
			case i == 0:
				free++
				if few <= least[cpu] {
					panic(fmt.Sprintf("Get fails with %d slots free", least[cpu])) // G3
				}
			case owned[i] != 0:
				panic(fmt.Sprintf("slot %d is got twice", i)) // G1
			default:
				owned[i] = cpu + 1
			}
			return i
		}
		put := func(cpu int, i uint32) {
			if owned[i] != cpu+1 {
				panic("the program puts what it does not have")
			}
			owned[i] = 0
			p.Put(cpu, i)
			free++
		}
		for cpu, script := range words {
			threads = append(threads, func() {
				var mine []uint32
				for _, letter := range script {
					if letter == 'g' {
						if i := get(cpu); i != 0 {
							mine = append(mine, i)
						}
					} else if len(mine) > 0 {
						put(cpu, mine[0])
						mine = mine[1:]
					}
				}
				for _, i := range mine {
					put(cpu, i)
				}
			})
		}
		return threads, func() error {
			if n := p.Free(); n != slots-1 {
				return fmt.Errorf("Free says %d of %d", n, slots-1)
			}
			return allFree(p, slots-1)
		}
	}
}

func TestExplore_Pool_G1_G3(t *testing.T) {
	for _, s := range []struct {
		slots       int
		scripts     string
		preemptions int
	}{
		{5, "gggg gggg", 3},     // batches of one
		{5, "ggpgpg gggpgp", 3}, //
		{8, "ggg ggg ggg", 2},
		{8, "gggpgg ggpggp gpgg", 2},
		{17, "gggg ggggpp", 2}, // batches of two
		{17, "gggggggg gggggpg", 2},
		{25, "gggg gggg gggg", 2},
	} {
		t.Run(fmt.Sprintf("%d/%s", s.slots, strings.ReplaceAll(s.scripts, " ", "|")), func(t *testing.T) {
			explore.Exhaustive(t, explore.Config{Preemptions: s.preemptions, Plain: true}, poolProgram(s.slots, s.scripts))
		})
	}
	t.Run("random", func(t *testing.T) {
		explore.PCT(t, explore.PCTConfig{Runs: 5000, Plain: true}, poolProgram(17, "gggggpgpgpgg ggggppgggppg gggggggppppg"))
	})
}
