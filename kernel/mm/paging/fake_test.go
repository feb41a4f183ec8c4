package paging

import (
	"sync"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"exo/kernel/mm"
)

// fakeMemory is physical memory for tables: frames 0 to len-1. It is also the Frames of a space.
type fakeMemory struct {
	words []Words

	mu      sync.Mutex
	free    []mm.Frame
	taken   map[mm.Frame]bool
	left    int // how many more Gets succeed; below 0: all that have a frame
	gets    int
	retired int
	wrong   string
}

const kernelRoot mm.Frame = 1

func newFakeMemory(n int) *fakeMemory {
	m := &fakeMemory{words: make([]Words, n), taken: map[mm.Frame]bool{}, left: -1}
	for f := mm.Frame(n - 1); f > kernelRoot; f-- {
		m.free = append(m.free, f)
	}
	for i := 256; i < 512; i++ {
		m.words[kernelRoot][i].Store(uint64(i)<<12 | 3)
	}
	return m
}

func (m *fakeMemory) memory() Memory { return Memory{unsafe.Pointer(&m.words[0])} }

func (m *fakeMemory) Get() (mm.Frame, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.left == 0 || len(m.free) == 0 {
		return 0, false
	}
	m.left--
	m.gets++
	f := m.free[len(m.free)-1]
	m.free = m.free[:len(m.free)-1]
	m.taken[f] = true
	return f, true
}

// GetRoot gives every other root as PutRoot had it.
func (m *fakeMemory) GetRoot() (f mm.Frame, filled, ok bool) {
	f, ok = m.Get()
	if filled = ok && m.gets%2 == 0; filled {
		for i := 256; i < 512; i++ {
			m.words[f][i].Store(m.words[kernelRoot][i].Load())
		}
	}
	return f, filled, ok
}

func (m *fakeMemory) PutRoot(f mm.Frame) {
	for i := 256; i < 512; i++ {
		if m.words[f][i].Swap(0) != m.words[kernelRoot][i].Load() {
			m.wrong = "a root is given back without the kernel's half"
		}
	}
	m.Put(f)
}

func (m *fakeMemory) Put(f mm.Frame) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.taken[f] {
		m.wrong = "a frame is given back that was not taken"
	}
	for i := range m.words[f] {
		if m.words[f][i].Load() != 0 {
			m.wrong = "a frame is given back that is not zeroes"
		}
	}
	delete(m.taken, f)
	m.free = append(m.free, f)
}

func (m *fakeMemory) Retire(f mm.Frame) {
	m.mu.Lock()
	m.retired++
	m.mu.Unlock()
	m.Put(f)
}

func (m *fakeMemory) out() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.taken)
}

// snapshot is all of memory, word for word.
func (m *fakeMemory) snapshot() []uint64 {
	s := make([]uint64, 0, 512*len(m.words))
	for f := range m.words {
		for i := range m.words[f] {
			s = append(s, m.words[f][i].Load())
		}
	}
	return s
}

// mmu does what a CPU does with an address of ring 3: it walks the table, sets Accessed in all entries and Dirty in the
// page's, and faults (ok false) if the access is not permitted. tookDirty: it was this walk that set Dirty.
func mmu(m *fakeMemory, root mm.Frame, va uint64, write, exec bool) (page Mapping, tookDirty, ok bool) {
again:
	words := &m.words[root]
	for level := 4; ; level-- {
		w := &words[va>>(3+9*level)&511]
		e := w.Load()
		if e&1 == 0 || e&4 == 0 || write && e&2 == 0 || exec && e>>63 != 0 {
			return page, false, false
		}
		leaf := level == 1 || e&(1<<7) != 0
		next := e | 1<<5
		if leaf && write {
			next |= 1 << 6
		}
		if next != e && !w.CompareAndSwap(e, next) {
			goto again
		}
		if leaf {
			size := Size(level - 1)
			return entry(next).page(va, size), next&^e&(1<<6) != 0, true
		}
		words = &m.words[e>>12&(1<<40-1)]
	}
}

// requireSound looks at every table: counts, rights, no table empty; and returns how many tables there are.
func requireSound(t *testing.T, m *fakeMemory, table *Table) int {
	t.Helper()
	tables := 0
	var visit func(f mm.Frame, level int) int
	visit = func(f mm.Frame, level int) int {
		tables++
		used := 0
		for i := range m.words[f] {
			if level == 4 && i >= 256 {
				require.Equal(t, m.words[kernelRoot][i].Load(), m.words[f][i].Load(), "the kernel's half")
				continue
			}
			e := m.words[f][i].Load()
			if e == 0 {
				continue
			}
			used++
			require.Equal(t, uint64(5), e&5, "an entry that is not present, or not the user's: %#x", e)
			require.Zero(t, e&(1<<8), "a global page: %#x", e)
			if level == 1 || level == 2 && e&(1<<7) != 0 {
				require.False(t, e&2 != 0 && e>>63 == 0, "writable and executable: %#x", e)
				require.Zero(t, e>>52&0x7ff, "%#x", e)
				continue
			}
			require.Zero(t, e>>63|e&(1<<7), "%#x", e)
			n := visit(mm.Frame(e>>12&(1<<40-1)), level-1)
			require.NotZero(t, n, "an empty table")
			require.Equal(t, uint64(n), e>>52&0x7ff, "the count of a table")
		}
		return used
	}
	visit(table.root, 4)
	require.Empty(t, m.wrong)
	return tables
}

// oneCPU is a machine with no other CPUs and no TLB.
type oneCPU struct{}

func (oneCPU) Interrupt(int)                    { panic("there is one CPU") }
func (oneCPU) Load(int, mm.Frame, uint16, bool) {}
func (oneCPU) InvalidatePage(int, uint64)       {}
func (oneCPU) InvalidateAll(int)                {}
func (oneCPU) Relax(int, int)                   {}

func newSpace(t *testing.T, m *fakeMemory, cpus int) *Space {
	t.Helper()
	s := new(Space)
	require.NoError(t, s.Init(m.memory(), m, kernelRoot, make([]Local, cpus)))
	return s
}
