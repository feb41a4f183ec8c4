package paging

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"exo/internal/seeds"
	"exo/kernel/mm"
)

// tlbKey is where a TLB holds what it knows about a page: under a PCID, by its first address.
type tlbKey struct {
	pcid uint16
	va   uint64
}

// fakeCPU is a CPU as hardware: CR3, a TLB that forgets only when it is told, and an interrupt line. All but the line is
// touched by its goroutine only.
type fakeCPU struct {
	line        atomic.Bool
	interrupted atomic.Int64
	_           [64]byte
	root        mm.Frame
	pcid        uint16
	tlb         map[tlbKey]Mapping
	hits        int
	kept        int // loads that kept something
}

// fakeMachine is the CPUs. tagged: they have PCIDs.
type fakeMachine struct {
	cpus   []fakeCPU
	tlbs   TLBs
	memory *fakeMemory
	tagged bool
}

func newFakeMachine(cpus, pcids int, memory *fakeMemory) *fakeMachine {
	m := &fakeMachine{cpus: make([]fakeCPU, cpus), memory: memory, tagged: pcids > 0}
	for i := range m.cpus {
		m.cpus[i].tlb = map[tlbKey]Mapping{}
		m.cpus[i].root = kernelRoot
	}
	m.tlbs.Init(make([]CPU, cpus), m, kernelRoot, pcids)
	return m
}

func (m *fakeMachine) Interrupt(cpu int) {
	m.cpus[cpu].interrupted.Add(1)
	m.cpus[cpu].line.Store(true)
}

func (m *fakeMachine) Load(cpu int, root mm.Frame, pcid uint16, keep bool) {
	c := &m.cpus[cpu]
	if !m.tagged && (keep || pcid != 0) {
		panic("this machine has no PCIDs")
	}
	c.root, c.pcid = root, pcid
	if !keep {
		m.InvalidateAll(cpu)
	} else if len(c.tlb) > 0 {
		c.kept++
	}
}

func (m *fakeMachine) InvalidatePage(cpu int, va uint64) {
	c := &m.cpus[cpu]
	delete(c.tlb, tlbKey{c.pcid, va &^ 4095})
	delete(c.tlb, tlbKey{c.pcid, va &^ (mib2 - 1)}) // a large page is under its first address
}

func (m *fakeMachine) InvalidateAll(cpu int) {
	c := &m.cpus[cpu]
	for k := range c.tlb {
		if k.pcid == c.pcid {
			delete(c.tlb, k)
		}
	}
}

func (m *fakeMachine) Relax(int, int) { runtime.Gosched() }

// poll takes an interrupt, if there is one.
func (m *fakeMachine) poll(cpu int) {
	if m.cpus[cpu].line.CompareAndSwap(true, false) {
		m.tlbs.Serve(cpu)
	}
}

// translate is what an instruction does with an address: the TLB's word counts, if it has one.
func (m *fakeMachine) translate(cpu int, va uint64) (mm.Frame, bool) {
	c := &m.cpus[cpu]
	for _, at := range []uint64{va &^ 4095, va &^ (mib2 - 1)} {
		if p, ok := c.tlb[tlbKey{c.pcid, at}]; ok && p.VA == at && va < at+p.Size.Bytes() {
			c.hits++
			return p.Frame, true
		}
	}
	p, _, ok := mmu(m.memory, c.root, va, true, false)
	if ok {
		c.tlb[tlbKey{c.pcid, p.VA}] = p
	}
	return p.Frame, ok
}

// lockedSpace is a space, its lock, and what is mapped in it.
type lockedSpace struct {
	*Space
	mu     sync.Mutex
	id     int64
	mapped map[uint64]mm.Frame
}

// Frames change hands between spaces, as fast as they can. No CPU may reach one through a mapping of its former owner.
func TestShoot_G1_G3_G4_Frames(t *testing.T) {
	const (
		cpus, spaces = 4, 3
		frames       = 24  // pages that change hands
		first        = 512 // their frames are multiples of this, so that any may be a large page's too
	)
	for _, pcids := range []int{0, 1, 2, MaxPCID} {
		t.Run(fmt.Sprintf("pcids%d", pcids), func(t *testing.T) {
			hits, kept, shots, protected, interrupts := 0, 0, 0, 0, int64(0)
			seeds.Each(t, 6, func(r *rand.Rand) {
				memory := newFakeMemory(200)
				m := newFakeMachine(cpus, pcids, memory)
				var owner [frames]atomic.Int64 // 0: free
				var freeMu sync.Mutex
				var free []int
				for i := range frames {
					free = append(free, i)
				}
				all := make([]*lockedSpace, spaces)
				for i := range all {
					all[i] = &lockedSpace{Space: newSpace(t, memory, cpus), id: int64(i + 1), mapped: map[uint64]mm.Frame{}}
				}
				var wg sync.WaitGroup
				var ended atomic.Int64
				failed := make([]string, cpus)
				made, protects := make([]int, cpus), make([]int, cpus)
				stop := yieldInside()
				for cpu := range cpus {
					r := rand.New(rand.NewPCG(r.Uint64(), 0))
					wg.Go(func() {
						var in *lockedSpace
						lock := func(s *lockedSpace) { // interrupts are off: who waits, serves
							for !s.mu.TryLock() {
								m.tlbs.Serve(cpu)
								runtime.Gosched()
							}
						}
						drawVA := func() (uint64, Size) {
							n := uint64(r.IntN(6))
							if n < 2 {
								return (1 + n) * mib2, Large
							}
							return 5*mib2 + n>>1*mib2 + n<<12, Small // few pages in a table: tables come and go
						}
						change := func() {
							s := all[r.IntN(spaces)]
							if in != nil && r.IntN(2) == 0 {
								s = in
							}
							var b Batch
							lock(s)
							for range 1 + r.IntN(4) {
								va, size := drawVA()
								if old, is := s.mapped[va]; is {
									m, err := s.Unmap(va, size, &b)
									if err != nil || m.Frame() != old {
										failed[cpu] = fmt.Sprintf("Unmap: %v, frame %d for %d", err, m.Frame(), old)
									}
									delete(s.mapped, va)
									continue
								}
								freeMu.Lock()
								f := -1
								if len(free) > 0 {
									f, free = free[0], free[1:]
								}
								freeMu.Unlock()
								if f < 0 {
									continue
								}
								owner[f].Store(s.id)
								frame := mm.Frame(first * (f + 1))
								if err := s.Map(va, frame, size, Read|Write); err != nil {
									failed[cpu] = "Map: " + err.Error()
								}
								s.mapped[va] = frame
							}
							s.mu.Unlock()
							if r.IntN(8) == 0 {
								b.All()
							}
							if !b.Empty() {
								made[cpu]++
							}
							m.tlbs.Shoot(cpu, s.Space, &b, func(f mm.Frame, _ Size) {
								owner[f/first-1].Store(0)
								freeMu.Lock()
								free = append(free, int(f/first-1))
								freeMu.Unlock()
							})
						}
						for range 1500 {
							m.poll(cpu)
							switch n := r.IntN(32); {
							case n == 0:
								in = all[r.IntN(spaces)]
								m.tlbs.Enter(cpu, in.Space)
							case n == 1:
								in = nil
								m.tlbs.Leave(cpu)
							case n == 2:
								in = nil
								m.tlbs.Drop(cpu)
							case n < 6:
								change()
							case in != nil && n < 12: // in the set, taking no interrupt: what it finds stays until it is done
								va, size := drawVA()
								page, ok := in.Lookup(va)
								runtime.Gosched()
								if ok && owner[page.Frame/first-1].Load() != in.id {
									failed[cpu] = "Lookup finds a frame of another space"
								}
								var b Batch
								perm := Read | Write | Device*Perm(r.IntN(2))
								if _, err := in.Protect(va, size, perm, &b); err == nil {
									protects[cpu]++
								} else if err != ErrNotMapped {
									failed[cpu] = "Protect: " + err.Error()
								}
								m.tlbs.Shoot(cpu, in.Space, &b, nil)
							case in != nil:
								va, _ := drawVA()
								f, ok := m.translate(cpu, va)
								if r.IntN(4) == 0 {
									runtime.Gosched() // in the middle of an instruction
								}
								if ok && owner[f/first-1].Load() != in.id {
									failed[cpu] = fmt.Sprintf("CPU %d reaches a frame of space %d through space %d", cpu,
										owner[f/first-1].Load(), in.id)
									in = nil
								}
							}
						}
						for ended.Add(1); ended.Load() < cpus; runtime.Gosched() {
							m.poll(cpu)
						}
						m.tlbs.Serve(cpu)
						m.tlbs.Drop(cpu)
					})
				}
				wg.Wait()
				stop()
				for cpu := range cpus {
					require.Empty(t, failed[cpu])
					hits += m.cpus[cpu].hits
					kept += m.cpus[cpu].kept
					shots += made[cpu]
					protected += protects[cpu]
					interrupts += m.cpus[cpu].interrupted.Load()
				}
				for _, s := range all {
					requireSound(t, memory, &s.Table)
					n := 0
					done, err := s.Destroy(1<<20, func(Mapping) { n++ })
					require.NoError(t, err)
					require.True(t, done)
					require.Equal(t, len(s.mapped), n)
				}
				require.Zero(t, memory.out())
				require.Empty(t, memory.wrong)
				require.NotZero(t, memory.retired)
			})
			require.NotZero(t, hits)
			require.NotZero(t, shots)
			require.NotZero(t, protected)
			require.NotZero(t, interrupts)
			if pcids > 1 {
				require.NotZero(t, kept)
			}
			t.Logf("%d shots, %d interrupts, %d TLB hits, %d loads kept entries", shots, interrupts, hits, kept)
		})
	}
}

func TestShoot_G2_OnlyTheSet(t *testing.T) {
	memory := newFakeMemory(60)
	m := newFakeMachine(5, MaxPCID, memory)
	a, b := newSpace(t, memory, 5), newSpace(t, memory, 5)
	interrupted := func() (got [5]int) {
		for i := range m.cpus {
			got[i] = int(m.cpus[i].interrupted.Swap(0))
		}
		return got
	}
	// shoot unmaps a page of a, on CPU 0, while the others take interrupts.
	shoot := func() [5]int {
		require.NoError(t, a.Map(mib2, 7, Small, Read|Write))
		var batch Batch
		_, err := a.Unmap(mib2, Small, &batch)
		require.NoError(t, err)
		var over atomic.Bool
		var wg sync.WaitGroup
		for cpu := 1; cpu < 5; cpu++ {
			wg.Go(func() {
				for !over.Load() {
					m.poll(cpu)
					runtime.Gosched()
				}
			})
		}
		told := 0
		m.tlbs.Shoot(0, a, &batch, func(f mm.Frame, s Size) {
			require.Equal(t, mm.Frame(7), f)
			told++
		})
		over.Store(true)
		wg.Wait()
		require.Equal(t, 1, told)
		return interrupted()
	}
	require.Equal(t, [5]int{}, shoot())
	m.tlbs.Enter(1, a)
	m.tlbs.Enter(2, b)
	m.tlbs.Enter(3, a)
	require.Equal(t, [5]int{1: 1, 3: 1}, shoot())
	m.tlbs.Enter(0, a) // itself needs no interrupt
	require.Equal(t, [5]int{1: 1, 3: 1}, shoot())
	m.tlbs.Enter(3, b) // another space: left for good
	require.Equal(t, [5]int{1: 1}, shoot())
	m.tlbs.Leave(1) // lazily: once more
	require.Equal(t, [5]int{1: 1}, shoot())
	require.Equal(t, [5]int{}, shoot())
	m.tlbs.Enter(1, a)
	m.tlbs.Leave(1)
	m.tlbs.Enter(1, a) // it came back: nothing was loaded, and it is in the set
	require.Equal(t, [5]int{1: 1}, shoot())
	m.tlbs.Drop(1)
	require.Equal(t, [5]int{}, shoot())

	done, err := a.Destroy(1, nil)
	require.False(t, done)
	require.Equal(t, ErrInUse, err)
	m.tlbs.Leave(0)
	var batch Batch
	batch.All()
	m.tlbs.Shoot(0, a, &batch, nil)
	require.False(t, a.InUse())
	require.Equal(t, [5]int{}, interrupted())
}

// Two CPUs with interrupts off shoot at each other, again and again: nobody polls.
func TestShoot_G3_Mutual(t *testing.T) {
	for _, cpus := range []int{2, 4} {
		memory := newFakeMemory(60)
		m := newFakeMachine(cpus, 0, memory)
		s := newSpace(t, memory, cpus)
		for cpu := range cpus {
			m.tlbs.Enter(cpu, s)
		}
		var wg sync.WaitGroup
		var ended atomic.Int64
		stop := yieldInside()
		for cpu := range cpus {
			wg.Go(func() {
				for i := range 2000 {
					var b Batch
					b.page(uint64(i) << 12)
					m.tlbs.Shoot(cpu, s, &b, nil)
				}
				for ended.Add(1); ended.Load() < int64(cpus); runtime.Gosched() {
					m.tlbs.Serve(cpu)
				}
			})
		}
		wg.Wait()
		stop()
		require.Equal(t, uint64(2000*cpus), s.generation.Load())
		for cpu := range cpus {
			require.Equal(t, int64(2000*(cpus-1)), m.cpus[cpu].interrupted.Load())
			require.Equal(t, uint64(2000*cpus), s.locals[cpu].followed)
		}
	}
}

// More pages than a batch lists one by one: all are forgotten.
func TestShoot_G1_ManyPages(t *testing.T) {
	const other = mib2 + 500<<12 // in the same table
	for _, n := range []uint64{1, BatchPages, BatchPages + 1, BatchFrames} {
		memory := newFakeMemory(60)
		m := newFakeMachine(1, MaxPCID, memory)
		s := newSpace(t, memory, 1)
		m.tlbs.Enter(0, s)
		require.NoError(t, s.Map(other, 9, Small, Read|Write))
		_, ok := m.translate(0, other)
		require.True(t, ok)
		var b Batch
		for i := range n {
			va := mib2 + i<<12
			require.NoError(t, s.Map(va, mm.Frame(100+i), Small, Read|Write))
			_, ok := m.translate(0, va)
			require.True(t, ok)
			_, err := s.Unmap(va, Small, &b)
			require.NoError(t, err)
		}
		next := mm.Frame(100)
		m.tlbs.Shoot(0, s, &b, func(f mm.Frame, size Size) {
			require.Equal(t, next, f)
			require.Equal(t, Small, size)
			next++
		})
		require.Equal(t, mm.Frame(100+n), next)
		require.True(t, b.Empty())
		for i := range n {
			_, ok := m.translate(0, mib2+i<<12)
			require.False(t, ok)
		}
		hits := m.cpus[0].hits
		_, ok = m.translate(0, other)
		require.True(t, ok)
		if n <= BatchPages {
			require.Equal(t, hits+1, m.cpus[0].hits, "the other page was forgotten too")
		}
	}
}

// A right that is taken away is noted in the batch; one that is given is not.
func TestTable_ProtectNotesWhatIsTaken(t *testing.T) {
	memory := newFakeMemory(40)
	s := newSpace(t, memory, 1)
	require.NoError(t, s.Map(mib2+4096, 8, Small, Read)) // so that the table stays
	legal := []Perm{Read, Read | Write, Read | Exec, Read | Device, Read | Write | Device}
	for _, from := range legal {
		for _, to := range legal {
			require.NoError(t, s.Map(mib2, 7, Small, from))
			var b Batch
			old, err := s.Protect(mib2, Small, to, &b)
			require.NoError(t, err)
			require.Equal(t, from, old.Perm())
			require.Equal(t, from&^to == 0 && (from^to)&Device == 0, b.Empty(), "%b to %b", from, to)
			old, err = s.Unmap(mib2, Small, &b)
			require.NoError(t, err)
			require.Equal(t, to, old.Perm())
		}
	}
}

func TestPCIDs_Rounds(t *testing.T) {
	seeds.Each(t, 50, func(r *rand.Rand) {
		var p PCIDs
		limit := 1 + r.IntN(5)
		p.Init(limit)
		locals := make([]Local, 8)
		holder := map[uint16]int{} // whose entries a PCID may tag
		kept, fresh := 0, 0
		for range 300 {
			i := r.IntN(1 + r.IntN(len(locals)))
			pcid, isFresh := p.assign(&locals[i])
			require.True(t, pcid >= 1 && int(pcid) <= limit)
			if isFresh {
				holder[pcid] = i
				fresh++
			} else {
				require.Equal(t, i, holder[pcid], "a PCID that tags another space's entries")
				kept++
			}
		}
		require.NotZero(t, kept)
		require.NotZero(t, fresh)
	})
	require.Panics(t, func() { new(PCIDs).Init(MaxPCID + 1) })
}

// Tables that were taken out, and frames, stay out of everybody's hands until the last CPU has answered; and who still
// walks through such a table finds nothing there.
//
// Also kernel/mm/paging/table.go: G6.
func TestShoot_G1_NothingBeforeTheLastAnswer(t *testing.T) {
	memory := newFakeMemory(60)
	m := newFakeMachine(2, 0, memory)
	s := newSpace(t, memory, 2)
	m.tlbs.Enter(1, s)
	var b Batch
	var tables []*Words
	for i := range uint64(3) {
		va := i<<39 + mib2
		require.NoError(t, s.Map(va, mm.Frame(100+i), Small, Read))
		for level := 2; level <= 4; level++ {
			tables = append(tables, s.memory.table(entry(s.slot(va, level).Load())))
		}
		_, err := s.Unmap(va, Small, &b)
		require.NoError(t, err)
	}
	require.Equal(t, 1+9, memory.out())
	for _, words := range tables {
		for i := range words {
			require.Zero(t, words[i].Load()&1)
		}
	}
	var told atomic.Int64
	over := make(chan bool)
	go func() {
		m.tlbs.Shoot(0, s, &b, func(mm.Frame, Size) { told.Add(1) })
		close(over)
	}()
	for !m.cpus[1].line.Load() {
		runtime.Gosched()
	}
	for range 1000 { // it waits for CPU 1
		runtime.Gosched()
		require.Zero(t, told.Load())
		require.Equal(t, 1+9, memory.out())
	}
	m.poll(1)
	<-over
	require.Equal(t, int64(3), told.Load())
	require.Equal(t, 1, memory.out())
	require.Equal(t, 9, memory.retired)
	require.Empty(t, memory.wrong)
}
