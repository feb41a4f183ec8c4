//go:build explore

package sync

import (
	"fmt"
	"testing"
	"unsafe"

	"exo/kernel/sync/atom"
	"exo/kernel/sync/explore"
)

// thing is an object that hazard pointers protect.
type thing struct {
	Retired
	word    atom.Uint64
	retired bool
	freed   bool
}

type things struct {
	x     *explore.Run
	all   []*thing
	alive int
}

func (ts *things) get() *thing {
	t := new(thing)
	ts.x.Name(fmt.Sprintf("thing%d", len(ts.all)), t)
	ts.all = append(ts.all, t)
	ts.alive++
	return t
}

func (ts *things) Reclaim(cpu int, o *Retired) {
	for i, t := range ts.all {
		if &t.Retired == o {
			if !t.retired || t.freed {
				panic("reclaimed twice, or never retired") // G2
			}
			t.freed = true
			ts.alive--
			ts.x.Forbid(fmt.Sprintf("thing%d", i), t)
			return
		}
	}
	panic("reclaims what is none")
}

// hazardProgram: threads read the thing that a word points at (r), replace it (w), or drain (d).
func hazardProgram(scripts ...string) explore.Program {
	return func(x *explore.Run) (threads []func(), check func() error) {
		ts := &things{x: x}
		h := new(Hazards)
		h.Init(make([]HazardCPU, len(scripts)), ts)
		x.Name("hazards", h)
		at := new(atom.Pointer[thing])
		x.Name("at", at)
		at.Store(ts.get())
		for cpu, script := range scripts {
			threads = append(threads, func() {
				for _, letter := range script {
					switch letter {
					case 'r':
						o := at.Load()
						for {
							h.Protect(cpu, 0, &o.Retired)
							again := at.Load()
							if again == o {
								break
							}
							o = again
						}
						o.word.Load()
						o.word.StoreRelease(1) // late: before the slot is clear all the same
						h.Clear(cpu, 0)
					case 'w':
						old := at.Swap(ts.get())
						old.retired = true
						h.Retire(cpu, &old.Retired)
						h.Drain(cpu)
					}
				}
			})
		}
		return threads, func() error {
			for cpu := range scripts {
				if n := h.Drain(cpu); n != 0 { // G4
					return fmt.Errorf("CPU %d keeps %d with no slot set", cpu, n)
				}
			}
			if ts.alive != 1 {
				return fmt.Errorf("%d are alive, not one", ts.alive)
			}
			return nil
		}
	}
}

func TestExplore_Hazards_G1_G2_G4(t *testing.T) {
	for _, s := range []struct {
		preemptions int
		scripts     []string
	}{
		{4, []string{"r", "w"}},
		{3, []string{"rr", "ww"}},
		{2, []string{"rrrr", "wwww"}},
		{2, []string{"rw", "wr"}},
		{2, []string{"r", "r", "w"}},
		{1, []string{"rr", "w", "w"}},
		{1, []string{"rw", "wr", "rw"}},
	} {
		t.Run(fmt.Sprint(s.scripts), func(t *testing.T) {
			explore.Exhaustive(t, explore.Config{Preemptions: s.preemptions}, hazardProgram(s.scripts...))
		})
	}
	t.Run("random", func(t *testing.T) {
		explore.PCT(t, explore.PCTConfig{Runs: 3000}, hazardProgram("rrwr", "wrrw", "wwrr"))
	})
}

// graveyard is in place of HazardNodes as the Reclaimer. It keeps what it gets, spoilt, or gives it back to the pool.
type graveyard struct {
	*HazardNodes
	x    *explore.Run
	keep bool
	kept int
}

const spoilt = 255

func (g *graveyard) Reclaim(cpu int, o *Retired) {
	n := (*HazardNode)(toNode(o))
	n.value = spoilt
	if !g.keep {
		g.HazardNodes.Reclaim(cpu, o)
		return
	}
	g.kept++
	g.x.ForbidStores("a reclaimed node", n) // a load that is not trusted is allowed
}

// buildHazardQueue makes queues over few nodes. With keep no node comes back, and no store to one that should is allowed
// (G5).
func buildHazardQueue(nodes int, keep bool) func(*explore.Run, int) container {
	return func(x *explore.Run, cpus int) container {
		q, n := new(HazardQueue), new(HazardNodes)
		n.Init(make([]HazardNode, nodes), make([]Link, nodes), make([]PoolCPU, cpus), make([]HazardCPU, cpus))
		g := &graveyard{n, x, keep, 0}
		n.hazards.owner = g
		x.Name("nodes", n.nodes)
		x.Name("hazards", &n.hazards)
		x.Name("pool", &n.pool)
		if !q.Init(0, n) {
			panic("no node for the dummy")
		}
		x.Name("q", q)
		return container{
			put:   q.Enqueue,
			first: q.Dequeue,
			// So that nodes come back after one operation, not after a multiple of the slots.
			quiescent: func(cpu int) { n.Drain(cpu) },
			atRest: func() error {
				q.Close(0)
				for cpu := range cpus {
					if left := n.Drain(cpu); left != 0 {
						return fmt.Errorf("CPU %d keeps %d nodes with no slot set", cpu, left)
					}
				}
				if free := n.Free() + g.kept; free != nodes-1 {
					return fmt.Errorf("%d of %d nodes are free", free, nodes-1)
				}
				return nil
			},
		}
	}
}

func TestExplore_HazardQueue_G1_G3_G4_G5(t *testing.T) {
	for _, keep := range []bool{false, true} {
		t.Run(fmt.Sprintf("keep=%t", keep), func(t *testing.T) {
			exploreStages(t, []stage{
				{0, "p f", 3},
				{1, "pf f", 2},
				{1, "f fp", 2},
				{1, "pf fp", 2},
				{1, "p ffp", 2},
				{1, "fpfp pfpf", 1},
				{1, "f f p", 1},
				{1, "f fp fp", 1},
			}, false, explore.Sequence, buildHazardQueue(24, keep))
		})
	}
}

// Stops after operations too: a node's value is plain memory.
func TestExplore_HazardQueue_G2(t *testing.T) {
	exploreStages(t, []stage{{0, "p f", 2}, {1, "pf f", 1}}, true, explore.Sequence, buildHazardQueue(12, false))
}

func TestExplore_HazardQueue_Random(t *testing.T) {
	for _, keep := range []bool{false, true} {
		t.Run(fmt.Sprintf("keep=%t", keep), func(t *testing.T) {
			exploreRandom(t, 2000, []stage{{1, "pfpfpf fpfpfp pfffpp", 4}}, false, explore.Sequence, buildHazardQueue(32, keep))
			exploreRandom(t, 20_000, []stage{{1, "f fpfp", 4}}, false, explore.Sequence, buildHazardQueue(16, keep))
		})
	}
}

func toNode(o *Retired) unsafe.Pointer { return unsafe.Pointer(o) } // SAFETY: it is a HazardNode's first field
