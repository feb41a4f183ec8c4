package paging

import (
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"exo/internal/seeds"
	"exo/internal/tsan"
	"exo/kernel/mm"
)

const mib2 = 2 << 20

// someVA draws addresses from few places, so that pages meet each other, and tables fill and empty; some are wrong.
func someVA(r *rand.Rand) uint64 {
	tops := []uint64{0, 1 << 30, 1 << 39, 5<<39 | 7<<30, 1<<47 - 4*mib2, 1<<47 - mib2, 1 << 47, 0xffff_8000_0000_0000}
	top := tops[r.IntN(5)]
	if r.IntN(8) == 0 {
		top = tops[r.IntN(len(tops))]
	}
	va := top + uint64(r.IntN(3))*mib2 + uint64(r.IntN(4))<<12
	switch r.IntN(20) {
	case 0:
		va += uint64(r.IntN(4096))
	case 1, 2, 3, 4, 5, 6:
		va &^= mib2 - 1
	case 7:
		va |= 511 << 12
	}
	return va
}

// model is what the table is to be: pages by address.
type model map[uint64]Mapping

func (m model) covering(va uint64) (Mapping, bool) {
	if p, ok := m[va&^(mib2-1)]; ok && p.Size == Large {
		return p, true
	}
	p, ok := m[va&^4095]
	return p, ok && p.Size == Small
}

func (m model) overlaps(va uint64, s Size) bool {
	for off := uint64(0); off < s.Bytes(); off += 4096 {
		if _, ok := m.covering(va + off); ok {
			return true
		}
	}
	return false
}

// fault is what Unmap and Protect say, "" if they do it.
func (m model) fault(va uint64, s Size) Error {
	if e := badAddress(va, s); e != "" {
		return e
	}
	if p, ok := m.covering(va); ok && p.Size == s {
		return ""
	}
	if m.overlaps(va, s) {
		return ErrSize
	}
	return ErrNotMapped
}

func badAddress(va uint64, s Size) Error {
	switch {
	case va%s.Bytes() != 0:
		return ErrMisaligned
	case va == 0, va >= 1<<47, va+s.Bytes() > 1<<47-4096:
		return ErrAddress
	}
	return ""
}

func requireError(t *testing.T, want Error, err error) {
	t.Helper()
	if want == "" {
		require.NoError(t, err)
	} else {
		require.Equal(t, want, err)
	}
}

func TestTable_G1_G4_G5_G6_Model(t *testing.T) {
	tsan.Alone(t)
	counted := map[Error]int{}
	done, walks := 0, 0
	seeds.Each(t, 60, func(r *rand.Rand) {
		memory := newFakeMemory(120)
		s := newSpace(t, memory, 1)
		var tlbs TLBs
		tlbs.Init(make([]CPU, 1), oneCPU{}, kernelRoot, 0)
		want := model{}
		var b Batch
		pending := 0
		count := func(err Error) {
			if counted[err]++; err == "" {
				done++
			}
		}
		for range 400 {
			va, size, perm := someVA(r), Size(r.IntN(2)), Read|Perm(r.IntN(16))
			if perm&(Write|Device) != 0 && r.IntN(4) != 0 {
				perm &^= Exec
			}
			if r.IntN(20) == 0 {
				perm &^= Read
			}
			switch r.IntN(8) {
			case 0, 1, 2: // Map
				frame := mm.Frame(r.IntN(1<<20)) << (9 * uint(size) * uint(min(1, r.IntN(8))))
				if r.IntN(50) == 0 {
					frame |= 1 << 40
				}
				e := badAddress(va, size)
				switch {
				case e != "":
				case perm&Read == 0 || perm&Exec != 0 && perm&(Write|Device) != 0:
					e = ErrPerm
				case frame >= 1<<40:
					e = ErrFrame
				case size == Large && frame%512 != 0:
					e = ErrMisaligned
				case want.overlaps(va, size):
					e = ErrMapped
				}
				requireError(t, e, s.Map(va, frame, size, perm))
				if count(e); e == "" {
					want[va] = Mapping{VA: va, Frame: frame, Size: size, Perm: perm}
				}
			case 3, 4: // Unmap
				e := want.fault(va, size)
				if e == "" && pending == BatchFrames {
					e = ErrBatch
				}
				old, err := s.Unmap(va, size, &b)
				requireError(t, e, err)
				if count(e); e == "" {
					require.Equal(t, want[va], old.page(va, size))
					delete(want, va)
					pending++
				}
			case 5: // Protect
				e := want.fault(va, size)
				if badAddress(va, size) == "" && (perm&Read == 0 || perm&Exec != 0 && perm&(Write|Device) != 0) {
					e = ErrPerm
				}
				old, err := s.Protect(va, size, perm, &b)
				requireError(t, e, err)
				if count(e); e == "" {
					p := want[va]
					require.Equal(t, p, old.page(va, size))
					p.Perm = perm
					want[va] = p
				}
			case 6: // a CPU uses it
				if va >= 1<<47 {
					continue
				}
				p, ok := want.covering(va)
				write, exec := r.IntN(2) == 0, r.IntN(3) == 0
				_, _, did := mmu(memory, s.Root(), va, write, exec)
				ok = ok && !(write && p.Perm&Write == 0) && !(exec && p.Perm&Exec == 0)
				require.Equal(t, ok, did)
				if ok {
					p.Accessed, p.Dirty = true, p.Dirty || write
					want[p.VA] = p
					walks++
				}
			case 7:
				if r.IntN(4) == 0 {
					told := 0
					tlbs.Shoot(0, s, &b, func(mm.Frame, Size) { told++ })
					require.Equal(t, pending, told)
					pending = 0
				}
				got, ok := s.Lookup(va)
				p, is := want.covering(va)
				require.Equal(t, is, ok)
				require.Equal(t, p, got)
				from, to := someVA(r)&(1<<47-1), someVA(r)
				met := model{}
				last := uint64(0)
				s.Range(from, to, func(m Mapping) bool {
					require.Greater(t, m.VA, last)
					last = m.VA
					met[m.VA] = m
					return true
				})
				expected := model{}
				for va, p := range want {
					if va < to && va+p.Size.Bytes() > from && from < to {
						expected[va] = p
					}
				}
				require.Equal(t, expected, met)
			}
		}
		tables := requireSound(t, memory, &s.Table)
		require.LessOrEqual(t, tables, 1+3*len(want)) // G5
		tlbs.Shoot(0, s, &b, nil)
		require.Equal(t, tables, memory.out()) // G6
		for {
			steps := 1 + r.IntN(300)
			over, err := s.Destroy(steps, func(m Mapping) {
				require.Equal(t, want[m.VA], m)
				delete(want, m.VA)
			})
			require.NoError(t, err)
			if over {
				break
			}
		}
		require.Empty(t, want)
		require.Zero(t, memory.out())
		require.Empty(t, memory.wrong)
	})
	for _, e := range []Error{"", ErrAddress, ErrMisaligned, ErrSize, ErrMapped, ErrNotMapped, ErrPerm, ErrFrame} {
		require.NotZero(t, counted[e], "%q", e)
	}
	require.Greater(t, done, 1000)
	require.Greater(t, walks, 100)
	t.Logf("%d operations done, %d walks", done, walks)
}

func TestTable_G2_OutOfFrames(t *testing.T) {
	refused := 0
	const va = 1<<39 + 1<<30
	for _, c := range []struct {
		size      Size
		neighbour uint64 // where a large page is mapped already
		needs     int    // so many tables are missing
	}{
		{Small, 2 << 39, 3}, {Small, va + 1<<30, 2}, {Small, va + mib2, 1},
		{Large, 2 << 39, 2}, {Large, va + 1<<30, 1}, {Large, va + mib2, 0},
	} {
		memory := newFakeMemory(40)
		s := newSpace(t, memory, 1)
		require.NoError(t, s.Map(c.neighbour, 512, Large, Read))
		out := memory.out()
		for left := range c.needs {
			before := memory.snapshot()
			memory.left = left
			require.Equal(t, ErrTables, s.Map(va, 1024, c.size, Read|Write))
			require.Equal(t, before, memory.snapshot())
			require.Equal(t, out, memory.out())
			refused++
		}
		memory.left = c.needs
		require.NoError(t, s.Map(va, 1024, c.size, Read|Write))
		require.Equal(t, out+c.needs, memory.out())
		requireSound(t, memory, &s.Table)
	}
	require.Equal(t, 3+2+1+2+1, refused)
	memory := newFakeMemory(40)
	memory.left = 0
	require.Equal(t, ErrTables, new(Space).Init(memory.memory(), memory, kernelRoot, nil))
}

func TestTable_G2_BatchFull(t *testing.T) {
	memory := newFakeMemory(40)
	s := newSpace(t, memory, 1)
	var b Batch
	for i := range uint64(BatchFrames + 1) {
		require.NoError(t, s.Map(mib2+i<<12, mm.Frame(i), Small, Read))
	}
	for i := range uint64(BatchFrames) {
		_, err := s.Unmap(mib2+i<<12, Small, &b)
		require.NoError(t, err)
	}
	before := memory.snapshot()
	_, err := s.Unmap(mib2+BatchFrames<<12, Small, &b)
	require.Equal(t, ErrBatch, err)
	require.Equal(t, before, memory.snapshot())
}

// A CPU sets Dirty while others change the rights: each Dirty that it set comes out of an Unmap.
func TestTable_G3_AccessedDirty(t *testing.T) {
	memory := newFakeMemory(40)
	s := newSpace(t, memory, 1)
	var tlbs TLBs
	tlbs.Init(make([]CPU, 1), oneCPU{}, kernelRoot, 0)
	const va = 3 << 30
	unhook := yieldInside()
	var set atomic.Int64
	var stop atomic.Bool
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for !stop.Load() {
				if _, took, _ := mmu(memory, s.Root(), va, true, false); took {
					set.Add(1)
				}
				runtime.Gosched()
			}
		})
		wg.Go(func() {
			var b Batch
			for i := 0; !stop.Load(); i++ {
				if m, ok := s.Lookup(va); ok && m.Frame != 7 {
					panic("another page than the one that is ever mapped")
				}
				_, err := s.Protect(va, Small, []Perm{Read | Write, Read | Write | Device}[i%2], &b)
				if err != nil && err != ErrNotMapped {
					panic(err)
				}
				runtime.Gosched()
			}
		})
	}
	// A neighbour keeps the tables: that they are not reused under the walkers is the shootdown's business, tested there.
	require.NoError(t, s.Map(va+4096, 8, Small, Read))
	returned, rounds := int64(0), 0
	for rounds = 0; rounds < 3000 || returned < 50; rounds++ {
		require.NoError(t, s.Map(va, 7, Small, Read|Write))
		if rounds%2 == 0 {
			runtime.Gosched()
		}
		if rounds%4 == 0 {
			mmu(memory, s.Root(), va, false, false)
		}
		var b Batch
		old, err := s.Unmap(va, Small, &b)
		require.NoError(t, err)
		if old.Dirty() {
			require.True(t, old.Accessed())
			returned++
		}
		tlbs.Shoot(0, s, &b, nil)
	}
	stop.Store(true)
	wg.Wait()
	unhook()
	require.Equal(t, set.Load(), returned)
	t.Logf("%d of %d pages were dirty", returned, rounds)
	requireSound(t, memory, &s.Table)
}

func TestTable_G2_SizesMeet(t *testing.T) {
	memory := newFakeMemory(40)
	s := newSpace(t, memory, 1)
	var b Batch
	require.NoError(t, s.Map(mib2, 512, Large, Read))
	require.Equal(t, ErrMapped, s.Map(mib2+4096, 1, Small, Read))
	_, err := s.Unmap(mib2, Small, &b)
	require.Equal(t, ErrSize, err)
	_, err = s.Protect(mib2+4096, Small, Read, &b)
	require.Equal(t, ErrSize, err)
	require.NoError(t, s.Map(2*mib2+5<<12, 1, Small, Read))
	require.Equal(t, ErrMapped, s.Map(2*mib2, 512, Large, Read))
	_, err = s.Unmap(2*mib2, Large, &b)
	require.Equal(t, ErrSize, err)
	_, err = s.Unmap(2*mib2, Small, &b)
	require.Equal(t, ErrNotMapped, err)
	require.True(t, b.Empty())
	_, err = s.Unmap(2*mib2+5<<12, Small, &b) // its table is empty now, so a large page has room
	require.NoError(t, err)
	require.NoError(t, s.Map(2*mib2, 512, Large, Read))
	requireSound(t, memory, &s.Table)
}

// A page is another frame from one moment to the next, with all that it permits, and with the bits that the CPU has set.
func TestTable_G2_G3_Replace(t *testing.T) {
	memory := newFakeMemory(40)
	s := newSpace(t, memory, 1)
	const va = 5 << 30
	var b Batch
	_, err := s.Replace(va, 8, Small, &b)
	require.Equal(t, ErrNotMapped, err)
	require.NoError(t, s.Map(va, 7, Small, Read|Write))
	mmu(memory, s.Root(), va, true, false)
	for _, bad := range []struct {
		va    uint64
		frame mm.Frame
		size  Size
		err   error
	}{
		{va + 1, 8, Small, ErrMisaligned}, {va, 8, Large, ErrMisaligned}, {va, 512, Large, ErrSize}, {UserLimit, 8, Small, ErrAddress},
		{va, frameLimit, Small, ErrFrame}, {va + 4096, 8, Small, ErrNotMapped},
	} {
		_, err := s.Replace(bad.va, bad.frame, bad.size, &b)
		require.Equal(t, bad.err, err)
	}
	require.True(t, b.Empty(), "an error is in no batch")
	old, err := s.Replace(va, 9, Small, &b)
	require.NoError(t, err)
	require.Equal(t, mm.Frame(7), old.Frame())
	require.False(t, b.Empty(), "it is to be shot")
	m, ok := s.Lookup(va)
	require.True(t, ok)
	require.Equal(t, Mapping{VA: va, Frame: 9, Perm: Read | Write, Accessed: true, Dirty: true}, m)
	requireSound(t, memory, &s.Table)
}
