package virtio

import (
	"testing"

	"github.com/stretchr/testify/require"

	"exo/kernel/fs/block"
	"exo/kernel/fs/errno"
	"exo/kernel/pci"
)

// FuzzDevice has a device do what the bytes say: right, wrong, or anything anywhere in the memory that it shares with the driver.
// No request is completed twice (block panics at that), none stays open, the driver touches nothing but its own.
//
// Also kernel/virtio/disk.go: G5.
func FuzzDevice(f *testing.F) {
	f.Add([]byte{0, 0, 1, 2, 0, 3, 9, 4, 1, 1, 5, 6, 7, 200, 8, 0, 2, 2, 3}, false)
	f.Add([]byte{1, 1, 1, 0, 2, 0, 3, 6, 0, 40, 255, 6, 1, 0, 1, 4}, true)
	f.Add([]byte{0, 0, 2, 5, 255, 255, 255, 255, 4}, false)
	f.Fuzz(func(t *testing.T, script []byte, legacy bool) {
		v := newDevice(t, func(v *device) { v.legacy = legacy; v.maxQueue = 64 })
		at := 0
		next := func() byte {
			if at == len(script) {
				return 0
			}
			at++
			return script[at-1]
		}
		if next()&1 != 0 { // registers that lie from the start on
			v.lies = func(x uint32) uint32 {
				if b := next(); b&7 == 1 {
					return x ^ uint32(b)<<(next()&31)
				}
				return x
			}
		}
		d, err := v.start()
		if err != nil {
			return
		}
		v.lies = nil
		require.Positive(t, d.geometry.Depth)
		require.Positive(t, d.geometry.MaxPages)
		var all []*block.Request
		for at < len(script) {
			switch next() % 9 {
			case 0, 1:
				op := block.Op(next() % 3)
				n := 1 + int(next())%d.geometry.MaxPages
				if op == block.Flush {
					n = 0
				}
				all = append(all, ask(d, op, 0, n))
			case 2, 3: // what it should; unless it has overwritten its own rings
				if v.state&statusDriverOK != 0 && int(v.given) < 1<<16 && d.intact() {
					v.work(int(next()), next()&3)
				}
			case 4:
				d.Check()
			case 5: // an entry of its own
				v.push(uint32(next())|uint32(next()&1)<<31, uint32(next())<<(next()&31))
			case 6: // anywhere
				i := int(next())<<8 | int(next())
				v.memory[i%len(v.memory)] ^= next()
			case 7:
				v.now.Add(uint64(next()) * 8)
			case 8:
				v.state ^= next() & 0x44
			}
			d.Interrupt()
		}
		v.now.Add(5000)
		d.Check()
		d.Check()
		for _, r := range all {
			require.True(t, r.Finished())
			require.Contains(t, []errno.Errno{errno.OK, errno.IO, errno.Range, errno.BadArgument, errno.ReadOnly}, r.Result())
		}
	})
}

// work has the device finish a chain, unless it cannot, for what it has done to itself.
func (v *device) work(i int, result byte) {
	defer func() { _ = recover() }()
	if n := v.fetch(); n > 0 {
		v.finish(i%n, result)
	}
}

// intact says whether the chains of the slots in use are as the driver wrote them: the fake device insists on that.
func (d *Disk) intact() bool {
	for i := range d.slots {
		r := d.slots[i].r
		if r == nil {
			continue
		}
		var want [64]descriptor
		chain, _ := d.q.chainOf(uint16(i))
		copy(want[:], chain)
		h := d.headers[i]
		d.describe(uint16(i), r)
		same := h == d.headers[i]
		for n := range chain {
			same = same && chain[n] == want[n]
		}
		if !same {
			return false
		}
	}
	for i := range d.q.heads {
		if d.q.heads[i]%d.q.chain != 0 || d.q.heads[i] >= d.q.slots*d.q.chain {
			return false
		}
	}
	return d.q.avail.Load() == uint32(d.q.added)<<16
}

// space is one function's configuration, from the start of it.
type space []byte

func (s space) Read(a pci.Address, reg uint8) uint32 {
	if int(reg)+4 > len(s) || a != 0 {
		return 0
	}
	return uint32(s[reg]) | uint32(s[reg+1])<<8 | uint32(s[reg+2])<<16 | uint32(s[reg+3])<<24
}

// Write changes what can be changed of BARs of 4 KiB of memory or 128 ports; of the last one everything.
func (s space) Write(_ pci.Address, reg uint8, v uint32) {
	if reg >= 0x10 && reg < 0x28 && int(reg)+4 <= len(s) {
		if reg == 0x24 {
		} else if s[reg]&1 == 0 {
			v = v&^0xfff | uint32(s[reg]&15)
		} else {
			v = v&^0x7f | uint32(s[reg]&3)
		}
		s[reg], s[reg+1], s[reg+2], s[reg+3] = byte(v), byte(v>>8), byte(v>>16), byte(v>>24)
	}
}

// located is a function with capabilities as QEMU's have them.
func located() space {
	s := make(space, 256)
	put := func(at int, b ...byte) { copy(s[at:], b) }
	put(0, 0xf4, 0x1a, 0x01, 0x10, 7, 0, 0x10, 0)
	put(0x10, 1, 0xc0)                   // BAR 0: ports
	put(0x20, 0x0c, 0x40, 0, 0xfe, 0x10) // BAR 4: memory above 4 GiB
	put(0x34, 0x40)
	for i, kind := range []byte{capCommon, capISR, capDevice, capNotify} {
		at := 0x40 + i*0x18
		put(at, pci.CapVendor, byte(at+0x18), 20, kind, 4, 0, 0, 0, 0, byte(i), 0, 0, 0, 1, 0, 0)
	}
	put(0x40+3*0x18+1, 0)
	put(0x40+3*0x18+16, 4)
	return s
}

func TestLocate(t *testing.T) {
	s := located()
	f := func() (f pci.Function) {
		for f = range pci.Functions(s).All {
			break
		}
		return f
	}
	disk := f()
	require.True(t, IsDisk(&disk))
	r, err := Locate(s, &disk)
	require.NoError(t, err)
	require.False(t, r.Legacy)
	require.Equal(t, uint64(0x10_fe004000), r.Common.Addr())
	require.Equal(t, uint64(0x10_fe004300), r.Notify.Addr())
	require.Equal(t, uint32(256), r.Notify.Len)
	require.Equal(t, uint32(4), r.Multiplier)

	s[0x40+3*0x18+13] = 0x0e // a region that reaches beyond its BAR
	r, err = Locate(s, &disk)
	require.NoError(t, err)
	require.True(t, r.Legacy)
	s = located()

	s[0x40+12] = 10 // common registers that are too few: the old ones do
	s[0x40+13] = 0
	r, err = Locate(s, &disk)
	require.NoError(t, err)
	require.True(t, r.Legacy)
	require.Equal(t, uint64(0xc000), r.Common.Addr())
	s[2], s[3] = 0x42, 0x10
	disk = f()
	_, err = Locate(s, &disk)
	require.Equal(t, ErrNoRegisters, err, "a modern device has no others")
}

func FuzzLocate(f *testing.F) {
	f.Add([]byte(located()))
	f.Fuzz(func(t *testing.T, b []byte) {
		s := space(append([]byte(nil), b...))
		for f := range pci.Functions(s).All {
			r, err := Locate(s, &f)
			if err != nil {
				continue
			}
			all := []Region{r.Common, r.Notify, r.ISR, r.Device}
			if r.Legacy {
				all = all[:1]
			}
			for _, g := range all {
				require.NotZero(t, g.Len)
				require.Equal(t, r.Legacy, g.IO)
				require.LessOrEqual(t, uint64(g.Offset)+uint64(g.Len), g.Size)
			}
		}
	})
}
