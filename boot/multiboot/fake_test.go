package multiboot

import "encoding/binary"

// physical is memory with holes. What it returns has no spare capacity, so that any
// read past what was asked for panics.
type physical struct {
	blocks []region
	reads  int // how often it was asked: a measure of work
}

type region struct {
	addr uint64
	b    []byte
}

func (p *physical) Bytes(addr, n uint64) []byte {
	p.reads++
	if addr+n < addr {
		panic("asked for a range that wraps around")
	}
	for _, k := range p.blocks {
		if addr >= k.addr && addr+n <= k.addr+uint64(len(k.b)) {
			o := addr - k.addr
			return k.b[o : o+n : o+n]
		}
	}
	return nil
}

func (p *physical) put(addr uint64, b []byte) *physical {
	p.blocks = append(p.blocks, region{addr, b})
	return p
}

// bytes concatenates numbers in little endian and texts.
func bytes(parts ...any) []byte {
	var b []byte
	for _, p := range parts {
		switch v := p.(type) {
		case string:
			b = append(b, v...)
		case []byte:
			b = append(b, v...)
		default:
			var err error
			if b, err = binary.Append(b, binary.LittleEndian, v); err != nil {
				panic(err)
			}
		}
	}
	return b
}

func put32(b []byte, off int, v uint32) { binary.LittleEndian.PutUint32(b[off:], v) }

// at1 is where block1 lies: a page below 1 MiB, as with loaders in firmware's memory.
const at1 = 0x9000

// block1 makes the bytes at at1 with a Multiboot 1 block in front; what tail returns is
// put after it, and knows its own address.
func block1(flags uint32, set func(b []byte, tail func(parts ...any) uint32)) []byte {
	b := make([]byte, len1, 16<<10)
	put32(b, off1Flags, flags)
	set(b, func(parts ...any) uint32 {
		addr := at1 + len(b)
		b = append(b, bytes(parts...)...)
		return uint32(addr)
	})
	return b
}

func entry1(base, n uint64, kind Kind) []byte { return bytes(uint32(20), base, n, kind) }

// sound1 is what a machine with 512 MiB, two modules and all fields gives.
func sound1() []byte {
	return block1(flagBasic|flagCommandLine|flagModules|flagMap|flagLoaderName, func(b []byte, tail func(...any) uint32) {
		put32(b, off1Lower, 639)
		put32(b, off1Upper, 523136)
		put32(b, off1CommandLine, tail("kernel.bin test=all\x00"))
		put32(b, off1LoaderName, tail("qemu\x00"))
		m := bytes(entry1(0, 0x9fc00, Usable), entry1(0x9fc00, 0x400, Reserved), entry1(0xf0000, 0x10000, Reserved),
			entry1(0x100000, 0x1fee0000, Usable), entry1(0x1ffe0000, 0x20000, Reclaimable), entry1(0xfffc0000, 0x40000, Reserved))
		put32(b, off1MapLen, uint32(len(m)))
		put32(b, off1Map, tail(m))
		text := tail("initramfs x=1\x00b\x00")
		put32(b, off1NModules, 2)
		put32(b, off1Modules, tail(uint32(0x200000), uint32(0x200123), text, uint32(0),
			uint32(0x201000), uint32(0x202000), text+14, uint32(0)))
	})
}

// at2 is where block2 lies.
const at2 = 0x10a7c8

func tag(typ uint32, parts ...any) []byte {
	body := bytes(parts...)
	b := bytes(typ, uint32(head2+len(body)), body)
	for len(b)%8 != 0 {
		b = append(b, 0)
	}
	return b
}

func block2(tags ...[]byte) []byte {
	b := make([]byte, head2)
	for _, t := range tags {
		b = append(b, t...)
	}
	put32(b, 0, uint32(len(b)))
	return b
}

func entry2(base, n uint64, kind Kind) []byte { return bytes(base, n, kind, uint32(0)) }

func map2(entries ...[]byte) []byte {
	parts := []any{uint32(24), uint32(0)}
	for _, e := range entries {
		parts = append(parts, e)
	}
	return tag(tagMap, parts...)
}

func module2(start, end uint32, text string) []byte { return tag(tagModule, start, end, text) }

func sound2() []byte {
	return block2(
		tag(tagCommandLine, "test=all\x00"),
		tag(tagLoaderName, "GRUB 2.12\x00"),
		module2(0x200000, 0x200123, "initramfs x=1\x00"),
		module2(0x201000, 0x202000, "b\x00"),
		tag(tagBasic, uint32(639), uint32(523136)),
		map2(entry2(0, 0x9fc00, Usable), entry2(0x9fc00, 0x400, Reserved), entry2(0x100000, 0x1fee0000, Usable),
			entry2(0x1ffe0000, 0x20000, Reclaimable)),
		tag(8, make([]byte, 23)), // a frame buffer: not ours
		tag(tagOldRSDP, "RSD PTR 678901234567"),
		tag(tagNewRSDP, "RSD PTR 67890123456789012345678901234"),
		tag(tagEnd),
	)
}
