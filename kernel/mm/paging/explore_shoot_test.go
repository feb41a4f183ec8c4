//go:build explore

package paging

import (
	"fmt"
	"strings"
	"testing"

	"exo/kernel/mm"
	"exo/kernel/sync/atom"
	"exo/kernel/sync/explore"
)

// exploredMachine is CPUs with a TLB each, in which there is one page per space. A thread is a CPU; it is interrupted between
// the letters of its script, and where it waits. A CPU uses its TLB without being asked too: it may read a page ahead of the
// program until the moment when it forgets it or loads another root, and it fills the TLB as soon as it has loaded a root.
type exploredMachine struct {
	tlbs   TLBs
	line   []atom.Uint64 // interrupts under way
	root   []mm.Frame    // CR3 of each CPU
	cached [][3]uint64   // what each TLB holds of the space with that root: a page's number; 0: nothing
	entry  atom.Uint64   // the page table of the space with root 1: which page is mapped, from 1
	pages  []atom.Uint64 // 1: given away
}

func (m *exploredMachine) Interrupt(cpu int) { m.line[cpu].Store(1) }

// use reads a page by what the TLB says, for root 1.
func (m *exploredMachine) use(cpu int, fill bool) {
	if m.root[cpu] != 1 {
		return
	}
	page := &m.cached[cpu][1]
	if *page == 0 && fill {
		*page = m.entry.Load()
	}
	if *page != 0 && m.pages[*page].Load() != 0 {
		panic("a page is used that was given away")
	}
}

func (m *exploredMachine) Load(cpu int, root mm.Frame, _ uint16, keep bool) {
	m.use(cpu, false)
	m.root[cpu] = root
	if !keep {
		m.cached[cpu][root] = 0
	}
	if root == 1 && m.cached[cpu][1] == 0 {
		m.cached[cpu][1] = m.entry.Load()
	}
}

func (m *exploredMachine) InvalidatePage(cpu int, _ uint64) { m.InvalidateAll(cpu) }

func (m *exploredMachine) InvalidateAll(cpu int) {
	m.use(cpu, false)
	m.cached[cpu][m.root[cpu]] = 0
}

func (m *exploredMachine) Relax(int, int) { explore.Yield() }

// protocol is what is explored: faults can be put in the place of a part.
type protocol struct {
	enter func(*TLBs, int, *Space)
	serve func(*TLBs, int)
	shoot func(*TLBs, int, *Space, *Batch)
}

func right() protocol {
	return protocol{
		enter: (*TLBs).Enter,
		serve: (*TLBs).Serve,
		shoot: func(t *TLBs, cpu int, s *Space, b *Batch) { t.Shoot(cpu, s, b, nil) },
	}
}

// shootProgram plays scripts, one on each CPU, on a space a whose one page is mapped, and a space b:
//
//	e  enters a      o  enters b      l  leaves lazily      d  drops
//	u  uses the page of a, if the CPU is in a: reads it, perhaps out of the TLB, and looks whether it is still a's
//	s  takes the page away, shoots, and gives it to somebody else; another page comes in its place
//	m  the same, with more pages in the batch than are listed
func shootProgram(pcids int, p protocol, scripts ...string) explore.Program {
	return func(x *explore.Run) (threads []func(), check func() error) {
		n := len(scripts)
		m := &exploredMachine{line: make([]atom.Uint64, n), root: make([]mm.Frame, n), cached: make([][3]uint64, n)}
		changes := 0
		for _, s := range scripts {
			changes += strings.Count(s, "s") + strings.Count(s, "m")
		}
		m.pages = make([]atom.Uint64, 2+changes)
		cpus := make([]CPU, n)
		m.tlbs.Init(cpus, m, 0, pcids)
		spaces := [3]*Space{}
		for i := 1; i <= 2; i++ {
			spaces[i] = &Space{Table: Table{root: mm.Frame(i)}, locals: make([]Local, n)}
		}
		a := spaces[1]
		m.entry.Store(1)
		last := 1
		x.Name("mailboxes", &cpus[0])
		x.Name("set", &a.set)
		x.Name("generation", &a.generation)
		x.Name("entry", &m.entry)
		x.Name("pages", &m.pages[0])
		over := new(atom.Uint64)
		for cpu, script := range scripts {
			poll := func() {
				if m.line[cpu].Load() != 0 {
					m.line[cpu].Store(0)
					p.serve(&m.tlbs, cpu)
				}
			}
			threads = append(threads, func() {
				for _, letter := range script {
					poll()
					switch letter {
					case 'e':
						p.enter(&m.tlbs, cpu, a)
					case 'o':
						p.enter(&m.tlbs, cpu, spaces[2])
					case 'l':
						m.tlbs.Leave(cpu)
					case 'd':
						m.tlbs.Drop(cpu)
					case 'u':
						if !m.tlbs.cpus[cpu].lazy {
							m.use(cpu, true)
						}
					case 's', 'm':
						last++
						old := m.entry.Swap(uint64(last))
						var b Batch
						if b.page(0); letter == 'm' {
							b.All()
						}
						p.shoot(&m.tlbs, cpu, a, &b)
						m.pages[old].Store(1)
					}
				}
				over.Add(1)
				for over.Load() < uint64(n) {
					poll()
					explore.Yield()
				}
			})
		}
		return threads, func() error {
			for cpu := range cpus {
				if cpus[cpu].missing.Load() != 0 {
					return fmt.Errorf("CPU %d still waits", cpu)
				}
				in := a.set.Load()>>cpu&1 != 0
				if in != (cpus[cpu].loaded == a) {
					return fmt.Errorf("CPU %d: in the set %t, space loaded %t", cpu, in, !in)
				}
			}
			return nil
		}
	}
}

// short is that with Change and ShootHere, as the kernel's short ways have them.
func short() protocol {
	p := right()
	p.enter = func(t *TLBs, cpu int, s *Space) {
		c := t.CPU(cpu)
		if c.loaded == nil || c.Runs(s) {
			t.Enter(cpu, s)
			return
		}
		c.lazy = false
		cr3, set := c.Change(s.Local(cpu), s)
		t.machine.Load(cpu, s.root, uint16(cr3&MaxPCID), cr3&KeepTLB != 0)
		set.Add(-c.bit)
	}
	p.shoot = func(t *TLBs, cpu int, s *Space, b *Batch) {
		if c := t.CPU(cpu); b.n > 1 || !c.Runs(s) || c.lazy || !c.ShootHere(s.Local(cpu), s) {
			t.Shoot(cpu, s, b, nil)
			return
		}
		t.machine.InvalidatePage(cpu, b.pages[0])
	}
	return p
}

func TestExplore_Shoot_G1_G4_ShortWays(t *testing.T) {
	for _, s := range []struct {
		preemptions int
		pcids       int
		scripts     []string
	}{
		{3, 0, []string{"es", "oeuu"}},
		{3, 0, []string{"eos", "euu"}},
		{2, MaxPCID, []string{"eus", "euoeu"}},
		{3, MaxPCID, []string{"s", "euoeu"}},
		{2, MaxPCID, []string{"esus", "oeuoeu"}},
		{2, 0, []string{"eusu", "oeusu"}},
		{1, 0, []string{"es", "es", "oeus"}},
	} {
		t.Run(strings.Join(s.scripts, "_"), func(t *testing.T) {
			explore.Exhaustive(t, explore.Config{Preemptions: s.preemptions}, shootProgram(s.pcids, short(), s.scripts...))
		})
	}
}

func TestExplore_Shoot_G1_G3_G4(t *testing.T) {
	for _, s := range []struct {
		name        string
		preemptions int
		pcids       int
		scripts     []string
	}{
		{"enter_races", 3, 0, []string{"s", "euu"}},
		{"enter_races_tagged", 3, MaxPCID, []string{"s", "euoeu"}},
		{"comes_back", 2, MaxPCID, []string{"ss", "eudeudeu"}},
		{"lazy", 3, MaxPCID, []string{"s", "eulleu"}},
		{"lazy_twice", 2, 0, []string{"ss", "eulelu"}},
		{"mutual", 3, 0, []string{"eusu", "eusu"}},
		{"mutual_outside", 2, MaxPCID, []string{"s", "euosu"}},
		{"all", 2, MaxPCID, []string{"mu", "eusu"}},
		{"two_shooters", 1, MaxPCID, []string{"s", "s", "euuu"}},
		{"three_shooters", 1, 0, []string{"es", "es", "eus"}},
		{"pcids_run_out", 2, 1, []string{"s", "euoeuoeu"}},
	} {
		t.Run(s.name, func(t *testing.T) {
			explore.Exhaustive(t, explore.Config{Preemptions: s.preemptions},
				shootProgram(s.pcids, right(), s.scripts...))
		})
	}
	t.Run("random", func(t *testing.T) {
		explore.PCT(t, explore.PCTConfig{Runs: 3000, Depth: 4},
			shootProgram(2, right(), "eusuosu", "ueumleu", "seuoeuls"))
	})
}

// What the proof leans on is needed: each fault is found.
func TestExplore_Shoot_Faults(t *testing.T) {
	// readsFirst is Enter with the generation read before the CPU is in the set.
	readsFirst := right()
	readsFirst.enter = func(t *TLBs, cpu int, s *Space) {
		c := &t.cpus[cpu]
		c.lazy = false
		if c.loaded == s {
			return
		}
		l := &s.locals[cpu]
		g := s.generation.Load()
		pcid, fresh := c.pcids.assign(l)
		t.machine.Load(cpu, s.root, pcid, !fresh && l.followed == g)
		l.followed = g
		s.join(1 << cpu)
		if c.loaded != nil {
			c.loaded.part(1 << cpu)
		}
		c.loaded = s
	}
	// partsFirst is Enter that leaves the old space's set before it has loaded the new one.
	partsFirst := right()
	partsFirst.enter = func(t *TLBs, cpu int, s *Space) {
		if c := &t.cpus[cpu]; c.loaded != nil && c.loaded != s {
			c.loaded.part(1 << cpu)
			c.loaded = nil
		}
		t.Enter(cpu, s)
	}
	// setFirst is Shoot to those that were in the set before the generation grew.
	setFirst := right()
	setFirst.shoot = func(t *TLBs, cpu int, s *Space, b *Batch) {
		before := s.set.Load()
		if before == 0 {
			s.generation.Add(1)
			b.release(&s.Table, nil)
			return
		}
		t.Shoot(cpu, s, b, nil)
	}
	// deaf is Shoot by a CPU that serves nobody while it waits.
	deaf := right()
	deaf.shoot = func(t *TLBs, cpu int, s *Space, b *Batch) {
		c := &t.cpus[cpu]
		c.space, c.n, c.generation = s, b.n, s.generation.Add(1)
		others := s.set.Load() &^ (1 << cpu)
		for to := range t.cpus {
			if others>>to&1 != 0 {
				c.missing.Add(1)
				t.cpus[to].mailbox.Or(1 << cpu)
				t.machine.Interrupt(to)
			}
		}
		t.forget(cpu, c, c)
		for c.missing.Load() != 0 {
			explore.Yield()
		}
	}
	// answersFirst is Serve that acknowledges before it has forgotten.
	answersFirst := right()
	answersFirst.serve = func(t *TLBs, cpu int) {
		c := &t.cpus[cpu]
		for from, asking := 0, c.mailbox.Swap(0); asking != 0; from, asking = from+1, asking>>1 {
			if asking&1 != 0 {
				t.cpus[from].missing.Add(-1)
				t.forget(cpu, c, &t.cpus[from])
			}
		}
	}
	for _, f := range []struct {
		name    string
		pcids   int
		p       protocol
		scripts []string
	}{
		{"the generation is read before the CPU is in the set", MaxPCID, readsFirst, []string{"s", "euoeu"}},
		{"the same without PCIDs", 0, readsFirst, []string{"s", "euu"}},
		{"the set is read before the generation grows", MaxPCID, setFirst, []string{"s", "eudeu"}},
		{"who waits does not serve", 0, deaf, []string{"es", "es"}},
		{"the old set is left before the new root is loaded", 0, partsFirst, []string{"s", "euo"}},
		{"the answer comes before the TLB has forgotten", 0, answersFirst, []string{"s", "eu"}},
	} {
		t.Run(f.name, func(t *testing.T) {
			stats, found := explore.Find(explore.Config{Preemptions: 3}, shootProgram(f.pcids, f.p, f.scripts...))
			if found == nil {
				t.Fatalf("not found in %d executions", stats.Executions)
			}
			t.Log(found.Reason)
		})
	}
}
