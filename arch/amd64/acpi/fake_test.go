package acpi

import "encoding/binary"

// physical is memory with holes. What it returns has no spare capacity, so that any
// read past what was asked for panics.
type physical struct{ blocks []block }

type block struct {
	addr uint64
	b    []byte
}

func (p *physical) Bytes(addr, n uint64) []byte {
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

func (p *physical) put(addr uint64, b []byte) { p.blocks = append(p.blocks, block{addr, b}) }

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

func zeros(n int) []byte { return make([]byte, n) }

// seal makes the bytes from 0 to n sum to zero by the one at offset at.
func seal(b []byte, at, n int) {
	if at < n && n <= len(b) {
		b[at] -= sum(b[:n])
	}
}

// makeTable puts a header in front of a body, which starts at byte 36.
func makeTable(sig string, rev uint8, body ...any) []byte {
	rest := bytes(body...)
	b := bytes(sig, uint32(headerLen+len(rest)), rev, uint8(0), "EXO   ", "TESTTABL", uint32(1), "TEST", uint32(1), rest)
	seal(b, 9, len(b))
	return b
}

func makeRSDP(rev uint8, rsdt uint32, xsdt uint64) []byte {
	b := bytes("RSD PTR ", uint8(0), "EXO   ", rev, rsdt)
	seal(b, 8, rsdpLen1)
	if rev >= 2 {
		b = bytes(b, uint32(rsdpLen2), xsdt, uint8(0), zeros(3))
		seal(b, 32, rsdpLen2)
	}
	return b
}

// Entries of the MADT.
func madtCPU(uid, id uint8, flags uint32) []byte {
	return bytes(uint8(0), uint8(8), uid, id, flags)
}
func madtX2(id, flags, uid uint32) []byte {
	return bytes(uint8(9), uint8(16), uint16(0), id, flags, uid)
}
func madtIOAPIC(id uint8, addr, gsi uint32) []byte {
	return bytes(uint8(1), uint8(12), id, uint8(0), addr, gsi)
}
func madtOverride(irq uint8, gsi uint32, flags uint16) []byte {
	return bytes(uint8(2), uint8(10), uint8(0), irq, gsi, flags)
}
func madtNMI(uid uint8, flags uint16, lint uint8) []byte {
	return bytes(uint8(4), uint8(6), uid, flags, lint)
}
func madtX2NMI(uid uint32, flags uint16, lint uint8) []byte {
	return bytes(uint8(10), uint8(12), flags, uid, lint, zeros(3))
}
func madtAddress(addr uint64) []byte {
	return bytes(uint8(5), uint8(12), uint16(0), addr)
}

// Entries of the SRAT.
func sratCPU(domain uint32, id uint8, flags uint32) []byte {
	return bytes(uint8(0), uint8(16), uint8(domain), id, flags, uint8(0),
		uint8(domain>>8), uint8(domain>>16), uint8(domain>>24), uint32(0))
}
func sratMemory(domain uint32, base, n uint64, flags uint32) []byte {
	return bytes(uint8(1), uint8(40), domain, uint16(0), base, n, uint32(0), flags, uint64(0))
}
func sratX2(domain, id, flags uint32) []byte {
	return bytes(uint8(2), uint8(24), uint16(0), domain, id, flags, uint32(0), uint32(0))
}

func makeSLIT(n uint64, distances ...uint8) []byte { return makeTable("SLIT", 1, n, distances) }

func makeGAS(space, bits uint8, addr uint64) []byte {
	return bytes(space, bits, uint8(0), uint8(0), addr)
}

func makeHPET(space uint8, base uint64) []byte {
	return makeTable("HPET", 1, uint32(0x8086a201), makeGAS(space, 64, base), uint8(0), uint16(100), uint8(0))
}

func makeMCFG(base uint64, segment uint16, first, last uint8) []byte {
	return bytes(base, segment, first, last, uint32(0))
}

func soundMCFG() []byte {
	return makeTable("MCFG", 1, uint64(0), makeMCFG(0xb0000000, 0, 0, 255), makeMCFG(0x10_0000_0000, 1, 64, 127))
}

// makeFADT is a table of revision 3 whose fields set may change before it is sealed.
func makeFADT(set func(b []byte)) []byte {
	b := makeTable("FACP", 3, zeros(244-headerLen))
	b[89] = 2
	set(b)
	seal(b, 9, len(b))
	return b
}

func put32(b []byte, off int, v uint32) { binary.LittleEndian.PutUint32(b[off:], v) }
func put64(b []byte, off int, v uint64) { binary.LittleEndian.PutUint64(b[off:], v) }

// makeS5 is a DSDT in which Name(\_S5_, Package{a, b, 0, 0}) stands between other bytes.
func makeS5(a, b uint8) []byte {
	return makeTable("DSDT", 1, "\x10\x20_SB_", "\x08\\_S5_\x12\x08\x04\x0a", a, "\x0a", b, "\x00\x00", "\x5b\x82tail")
}

// The addresses of the tables in newMachine.
const (
	atRSDP = 0xf0040
	atRSDT = 0x7fe0000
	atXSDT = 0x7fe1000
	atMADT = 0x7fe2000
	atSRAT = 0x7fe3000
	atSLIT = 0x7fe4000
	atFADT = 0x7fe5000
	atHPET = 0x7fe6000
	atDSDT = 0x7fe7000
	atMCFG = 0x7fe8000
)

func soundMADT() []byte {
	return makeTable("APIC", 3, uint32(0xfee00000), uint32(1),
		madtCPU(0, 0, 1), madtCPU(1, 4, 1), madtX2(300, 1, 2), madtX2(0x10000, 2, 3),
		madtIOAPIC(1, 0xfec00000, 0), madtOverride(9, 9, 0xd), madtNMI(0xff, 0, 1),
		madtX2NMI(AllCPUs, 5, 1), madtAddress(0xfee00000))
}

func soundSRAT() []byte {
	return makeTable("SRAT", 3, uint32(1), uint64(0),
		sratCPU(0, 0, 1), sratCPU(0x01020304, 4, 1), sratX2(7, 300, 1),
		sratMemory(0, 0, 0xa0000, 1), sratMemory(7, 1<<32, 1<<30, 3), sratMemory(9, 0, 0, 0))
}

func soundFADT() []byte {
	return makeFADT(func(b []byte) {
		put32(b, 40, atDSDT)
		put32(b, 48, 0xb2)
		b[52] = 2
		put32(b, 64, 0x604)
		put32(b, 112, resetSupport)
		copy(b[116:], makeGAS(SpaceIO, 8, 0xcf9))
		b[128] = 0xf
		copy(b[172:], makeGAS(SpaceIO, 16, 0x604))
	})
}

// newMachine is a machine of two nodes with all tables sound.
func newMachine() *physical {
	p := &physical{}
	p.put(atRSDP, makeRSDP(2, atRSDT, atXSDT))
	p.put(atRSDT, makeTable("RSDT", 1, uint32(atFADT), uint32(atMADT), uint32(atHPET), uint32(0), uint32(atSRAT), uint32(atSLIT), uint32(atMCFG)))
	p.put(atXSDT, makeTable("XSDT", 1, uint64(atFADT), uint64(atMADT), uint64(atHPET), uint64(0), uint64(atSRAT), uint64(atSLIT), uint64(atMCFG)))
	p.put(atMADT, soundMADT())
	p.put(atSRAT, soundSRAT())
	p.put(atSLIT, makeSLIT(2, 10, 21, 31, 10))
	p.put(atFADT, soundFADT())
	p.put(atHPET, makeHPET(SpaceMemory, 0xfed00000))
	p.put(atDSDT, makeS5(5, 5))
	p.put(atMCFG, soundMCFG())
	return p
}

// replace puts b where a block of the machine was.
func (p *physical) replace(addr uint64, b []byte) {
	for i := range p.blocks {
		if p.blocks[i].addr == addr {
			p.blocks[i].b = b
		}
	}
}
