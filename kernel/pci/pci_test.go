package pci

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"exo/internal/seeds"
	"exo/kernel/text"
)

// fake is a configuration space in which registers have bits that can be written.
type fake struct {
	regs   map[Address]*[64]uint32
	fixed  map[Address]*[64]uint32 // bits that keep their value
	reads  int
	forked func(a Address, reg uint8, v uint32) uint32 // what a reader gets in place of v, unless nil
}

func newFake() *fake {
	return &fake{regs: map[Address]*[64]uint32{}, fixed: map[Address]*[64]uint32{}}
}

func (s *fake) Read(a Address, reg uint8) uint32 {
	s.reads++
	if reg%4 != 0 {
		panic("not a register")
	}
	v := uint32(1<<32 - 1)
	if r := s.regs[a]; r != nil {
		v = r[reg/4]
	}
	if s.forked != nil {
		v = s.forked(a, reg, v)
	}
	return v
}

func (s *fake) Write(a Address, reg uint8, v uint32) {
	if r := s.regs[a]; r != nil {
		keep := s.fixed[a][reg/4]
		r[reg/4] = r[reg/4]&keep | v&^keep
	}
}

// add makes a function whose registers cannot be written but for command, and BARs as says size.
func (s *fake) add(a Address, id, class uint32) *[64]uint32 {
	r, k := &[64]uint32{}, &[64]uint32{}
	for i := range k {
		k[i] = 1<<32 - 1
	}
	k[regCommand/4] = 0xffff0000
	r[0], r[regClass/4] = id, class<<8
	s.regs[a], s.fixed[a] = r, k
	return r
}

func (s *fake) bar(a Address, i int, v, writable uint32) {
	s.regs[a][regBAR0/4+i], s.fixed[a][regBAR0/4+i] = v, ^writable
}

func (s *fake) bridge(a Address, to uint8) {
	r := s.add(a, 0x00011b36, 0x060400)
	r[regHeader/4] = headerBridge << 16
	r[regBuses/4] = uint32(to) << 8
}

func found(s Space) (all []Address) {
	for f := range Functions(s).All {
		all = append(all, f.At)
	}
	return all
}

func TestFunctions_FindsFunctionsAndBusesBehindBridges(t *testing.T) {
	s := newFake()
	s.add(At(0, 0, 0), 0x29c08086, 0x060000)
	s.add(At(0, 3, 0), 0x10421af4, 0x010000)
	s.add(At(0, 4, 1), 0x10421af4, 0x010000) // no function 0: nobody is there
	s.add(At(0, 31, 0), 0x29188086, 0x060100)[regHeader/4] = multifunction
	s.add(At(0, 31, 7), 0x29228086, 0x010601)
	s.add(At(0, 5, 0), 0, 0)
	s.bridge(At(0, 6, 0), 9)
	s.bridge(At(9, 1, 0), 200)
	s.add(At(200, 0, 0), 0x10011af4, 0x010000)
	s.add(At(3, 0, 0), 0x10011af4, 0x010000) // behind no bridge
	require.Equal(t, []Address{At(0, 0, 0), At(0, 3, 0), At(0, 6, 0), At(0, 31, 0), At(0, 31, 7), At(9, 1, 0), At(200, 0, 0)}, found(s))
}

// Bridges that lead in circles, or all to different buses, are a bounded walk.
func TestFunctions_IsBounded(t *testing.T) {
	s := newFake()
	for bus := range 256 {
		for device := range uint8(32) {
			s.bridge(At(uint8(bus), device, 0), uint8(bus)+device)
		}
	}
	all, distinct := found(s), map[Address]bool{}
	for _, a := range all {
		distinct[a] = true
	}
	require.Len(t, all, 256*32)
	require.Len(t, distinct, 256*32, "each once")
	s.reads = 0
	found(s)
	require.Less(t, s.reads, 256*32*8*8)
}

func TestPrint(t *testing.T) {
	s, l := newFake(), text.Line{}
	s.add(At(0, 3, 0), 0x10421af4, 0x010000)
	s.add(At(0, 31, 0), 0x29228086, 0x010601)
	s.add(At(0, 7, 0), 0x12345678, 0xff0000)
	for f := range Functions(s).All {
		f.Print(&l).Byte('\n')
	}
	require.Equal(t, "00:03.0 1af4:1042 virtio-blk\n00:07.0 5678:1234 device\n00:1f.0 8086:2922 sata\n", string(l.Bytes()))
}

func first(s Space) (f Function) {
	for f = range Functions(s).All {
		break
	}
	return f
}

func TestBAR(t *testing.T) {
	for name, c := range map[string]struct {
		i    int
		bars [][2]uint32 // value and writable bits, from BAR 0 on
		want BAR
	}{
		"32 bits":                {0, [][2]uint32{{0xfebd1000, 0xfffff000}}, BAR{0xfebd1000, 0x1000, false}},
		"I/O":                    {0, [][2]uint32{{0xc041, 0xffffffc0}}, BAR{0xc040, 0x40, true}},
		"I/O of 16 bits":         {0, [][2]uint32{{0xc041, 0xffc0}}, BAR{0xc040, 0x40, true}},
		"64 bits":                {1, [][2]uint32{{}, {0x0000400c, 0xffffc000}, {0x12, 0xffffffff}}, BAR{0x12_0000_4000, 0x4000, false}},
		"64 bits of 8 GiB":       {0, [][2]uint32{{0xc, 0}, {0x12, 0xfffffffe}}, BAR{0x12_0000_0000, 2 << 32, false}},
		"none":                   {0, [][2]uint32{{0, 0}}, BAR{}},
		"no address":             {0, [][2]uint32{{0, 0xfffff000}}, BAR{}},
		"a mask with a hole":     {0, [][2]uint32{{0xfe000000, 0xff0ff000}}, BAR{}},
		"not aligned":            {0, [][2]uint32{{0xfebd1000, 0xffffe000}}, BAR{0xfebd1000, 0x2000, false}},
		"all ones":               {0, [][2]uint32{{0xffffffff, 0}}, BAR{}},
		"ports beyond the last":  {0, [][2]uint32{{0x1c041, 0xffffffc0}}, BAR{}},
		"64 bits in the last":    {5, [][2]uint32{{}, {}, {}, {}, {}, {0xc, 0xfffff000}}, BAR{}},
		"below 1 MiB, as it was": {0, [][2]uint32{{0xa0002, 0xfffff000}}, BAR{}},
		"number 6":               {6, nil, BAR{}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newFake()
			s.add(At(0, 1, 0), 0x10421af4, 0x010000)[regCommand/4] = 0x107
			for i, b := range c.bars {
				s.bar(At(0, 1, 0), i, b[0], b[1])
			}
			before := *s.regs[At(0, 1, 0)]
			f := first(s)
			if name == "not aligned" { // a register cannot hold such an address: this one lies
				s.fixed[f.At][regBAR0/4] = 0xfff
				s.forked = func(_ Address, reg uint8, v uint32) uint32 {
					if reg == regBAR0 && v == 0xfffff000 {
						return 0xffffe000
					}
					return v
				}
				c.want = BAR{}
			}
			b, ok := f.BAR(s, c.i)
			require.Equal(t, c.want, b)
			require.Equal(t, c.want != BAR{}, ok)
			require.Equal(t, before, *s.regs[At(0, 1, 0)], "all is as it was")
		})
	}
}

// capable is a function with a list of capabilities: each number a register, in the order given.
func capable(caps ...[2]uint32) (*fake, Function) {
	s := newFake()
	r := s.add(At(0, 1, 0), 0x10421af4, 0x010000)
	r[regCommand/4] = hasList
	if len(caps) > 0 {
		r[regList/4] = caps[0][0]
	}
	for i, c := range caps {
		next := uint32(0)
		if i+1 < len(caps) {
			next = caps[i+1][0]
		}
		r[c[0]/4] = c[1] | next<<8
	}
	return s, first(s)
}

func listed(s Space, f Function) (all []Capability) {
	for c := range f.Capabilities(s).All {
		all = append(all, c)
	}
	return all
}

func TestCapabilities(t *testing.T) {
	s, f := capable([2]uint32{0x98, CapMSIX | 2<<16}, [2]uint32{0x84, CapVendor}, [2]uint32{0x40, CapVendor})
	require.Equal(t, []Capability{{CapMSIX, 0x98}, {CapVendor, 0x84}, {CapVendor, 0x40}}, listed(s, f))
	s.regs[f.At][0x9c/4] = 1 | 0x800
	m, ok := f.MSIX(s)
	require.True(t, ok)
	require.Equal(t, MSIX{At: 0x98, Entries: 3, BAR: 1, Offset: 0x800}, m)
	s.fixed[f.At][0x98/4] = 0x3fffffff
	f.EnableMSIX(s, m, true)
	require.Equal(t, uint32(msixEnable), s.regs[f.At][0x98/4]&(msixEnable|msixMask))

	s.regs[f.At][regCommand/4] = 0
	require.Empty(t, listed(s, f), "no list")
}

func TestCapabilities_BrokenListsEnd(t *testing.T) {
	s, f := capable([2]uint32{0x40, CapVendor})
	s.regs[f.At][0x40/4] |= 0x40 << 8 // its own successor
	require.Len(t, listed(s, f), maxCaps)
	s.regs[f.At][0x40/4] = 0xffffffff // gone meanwhile
	require.Empty(t, listed(s, f))
	s.regs[f.At][regList/4] = 0x10 // into the header
	require.Empty(t, listed(s, f))
	s, f = capable([2]uint32{0xfc, CapMSIX}) // without room for its table
	_, ok := f.MSIX(s)
	require.False(t, ok)
	s, f = capable([2]uint32{0x40, CapMSIX})
	s.regs[f.At][0x44/4] = 7 // no such BAR
	_, ok = f.MSIX(s)
	require.False(t, ok)
}

func TestEnable(t *testing.T) {
	s, f := capable()
	f.Enable(s, false)
	require.Equal(t, uint32(cmdIO|cmdMemory|cmdMaster|cmdNoINTx), s.regs[f.At][regCommand/4]&cmdMask)
	f.Enable(s, true)
	require.Equal(t, uint32(cmdIO|cmdMemory|cmdMaster), s.regs[f.At][regCommand/4]&cmdMask)
	f.Disable(s)
	require.Equal(t, uint32(cmdIO|cmdMemory|cmdNoINTx), s.regs[f.At][regCommand/4]&cmdMask)
	require.False(t, f.Gone(s))
	delete(s.regs, f.At)
	require.True(t, f.Gone(s))
}

// ports are those of a machine with mechanism 1.
type ports struct {
	s    *fake
	at   uint32
	dead bool
}

func (p *ports) In(port uint16) uint32 {
	switch {
	case port == portAddress && !p.dead:
		return p.at
	case port == portData && p.at&addressOn != 0:
		return p.s.Read(Address(p.at>>8), uint8(p.at))
	}
	return 1<<32 - 1
}

func (p *ports) Out(port uint16, v uint32) {
	if port == portAddress {
		p.at = v
	} else if p.at&addressOn != 0 {
		p.s.Write(Address(p.at>>8), uint8(p.at), v)
	}
}

// window is memory in which the registers of a few buses are; it refuses what is beyond.
type window struct {
	t    *testing.T
	s    *fake
	base uint64
	end  uint64
}

func (w *window) reach(at uint64) (Address, uint8) {
	require.GreaterOrEqual(w.t, at, w.base)
	require.Less(w.t, at, w.end)
	return Address((at - w.base) >> 12), uint8(at)
}

func (w *window) Read32(at uint64) (uint32, bool) {
	a, reg := w.reach(at)
	return w.s.Read(a, reg), true
}

func (w *window) Write32(at uint64, v uint32) bool {
	a, reg := w.reach(at)
	w.s.Write(a, reg, v)
	return true
}

func TestBothMechanismsShowTheSame(t *testing.T) {
	s := newFake()
	s.bridge(At(0, 2, 0), 1)
	s.bridge(At(1, 0, 0), 2)
	s.add(At(2, 3, 0), 0x10421af4, 0x010000)
	m := &Mechanism1{&ports{s: s}}
	require.True(t, m.Present())
	e := &ECAM{&window{t, s, 0xb0000000, 0xb0000000 + 3<<20}, 0xb0000000, 0, 2}
	require.Equal(t, found(s), found(m))
	require.Equal(t, found(s), found(e))
	require.Len(t, found(e), 3)
	e.Last = 1
	require.Len(t, found(e), 2, "a bus that is not there is empty")
	e.Write(At(0, 2, 0), regCommand, 7)
	require.Equal(t, uint32(7), m.Read(At(0, 2, 0), regCommand))
	m.Write(At(0, 2, 0), regCommand, 3)
	require.Equal(t, uint32(3), e.Read(At(0, 2, 0), regCommand))
	require.False(t, (&Mechanism1{&ports{s: s, dead: true}}).Present())
}

// A space that answers anything: nothing panics or goes on for ever, and what is returned keeps its promises.
func TestRandomSpaces_AreSafe(t *testing.T) {
	sane := 0
	seeds.Each(t, 300, func(r *rand.Rand) {
		s := newFake()
		s.add(At(0, 0, 0), 0x10421af4, 0x010000)
		s.forked = func(a Address, reg uint8, v uint32) uint32 {
			switch r.IntN(4) {
			case 0:
				return r.Uint32()
			case 1:
				return r.Uint32() & r.Uint32() & r.Uint32()
			case 2:
				return 1<<32 - 1
			}
			return v
		}
		n := 0
		for f := range Functions(s).All {
			for i := range 7 {
				if b, ok := f.BAR(s, i); ok {
					require.NotZero(t, b.Size)
					require.Zero(t, b.Size&(b.Size-1)|b.Base&(b.Size-1))
					require.Greater(t, b.Base+b.Size, b.Base)
					require.True(t, !b.IO || b.Base+b.Size <= 1<<16)
					sane++
				}
			}
			require.LessOrEqual(t, len(listed(s, f)), maxCaps)
			if m, ok := f.MSIX(s); ok {
				require.Less(t, m.BAR, uint8(bars))
			}
			if n++; n == 20 {
				break
			}
		}
	})
	require.Greater(t, sane, 100)
}
