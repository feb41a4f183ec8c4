package acpi

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"exo/internal/seeds"
)

// Each kind of table, damaged in this many ways, is parsed without a panic, without
// reading what it may not, and to nothing that the parser does not promise.
const mutations = 20000

func TestMutatedTables_AreSafe(t *testing.T) {
	for _, k := range []struct {
		name  string
		addr  uint64
		sound func() []byte
	}{
		{"RSDP", atRSDP, func() []byte { return makeRSDP(2, atRSDT, atXSDT) }},
		{"RSDT", atRSDT, func() []byte { return newMachine().Bytes(atRSDT, 36+7*4) }},
		{"XSDT", atXSDT, func() []byte { return newMachine().Bytes(atXSDT, 36+7*8) }},
		{"MADT", atMADT, soundMADT},
		{"SRAT", atSRAT, soundSRAT},
		{"SLIT", atSLIT, func() []byte { return makeSLIT(3, 10, 20, 30, 20, 10, 20, 30, 20, 10) }},
		{"FADT", atFADT, soundFADT},
		{"HPET", atHPET, func() []byte { return makeHPET(SpaceMemory, 0xfed00000) }},
		{"MCFG", atMCFG, soundMCFG},
		{"DSDT", atDSDT, func() []byte { return makeS5(5, 5) }},
	} {
		t.Run(k.name, func(t *testing.T) {
			p, sound := newMachine(), k.sound()
			if k.name == "RSDT" { // otherwise nobody would read it
				p.replace(atRSDP, makeRSDP(0, atRSDT, 0))
			}
			// Half the damage keeps the machine usable, so that there is something to check.
			good := 0
			seeds.Each(t, mutations, func(r *rand.Rand) {
				p.replace(k.addr, mutate(r, sound, k.name == "RSDP"))
				good += useAll(p)
				if r.IntN(500) == 0 {
					FindRSDP(p)
				}
			})
			require.Greater(t, good, mutations, "the mutations broke too much to test anything")
		})
	}
}

// mutate returns a damaged copy of b without spare capacity. Half the copies get their
// checksums right again.
func mutate(r *rand.Rand, sound []byte, isRSDP bool) []byte {
	b := append(make([]byte, 0, len(sound)+64), sound...)
	for range 1 + r.IntN(3) {
		if len(b) == 0 {
			break
		}
		i := r.IntN(len(b))
		switch r.IntN(8) {
		case 0, 1:
			b[i] ^= 1 << r.IntN(8)
		case 2:
			b[i] = []byte{0, 1, 2, 0x7f, 0x80, 0xfe, 0xff}[r.IntN(7)]
		case 3: // truncate, and let the length lie or not
			b = b[:i]
			if r.IntN(2) == 0 && i >= 8 {
				put32(b, 4, uint32(i))
			}
		case 4: // a length that lies
			if len(b) >= 24 {
				off := 4
				if isRSDP {
					off = 20
				}
				if off+4 <= len(b) {
					v := []uint32{0, 1, 35, 36, uint32(len(b) - 1), uint32(len(b) + 1), MaxTableLen, MaxTableLen + 1, 0x7fffffff, 0xffffffff}
					put32(b, off, v[r.IntN(len(v))])
				}
			}
		case 5: // a word of extremes
			for j := i; j < min(i+8, len(b)); j++ {
				b[j] = 0xff
			}
		case 6: // bytes moved about: entries in entries
			copy(b[i:], b[r.IntN(len(b)):])
		case 7: // longer, and says so
			if len(b) >= 8 && len(b) < cap(b)-8 {
				for range 1 + r.IntN(8) {
					b = append(b, byte(r.Uint32()))
				}
				if !isRSDP {
					put32(b, 4, uint32(len(b)))
				}
			}
		}
	}
	if r.IntN(2) == 0 {
		if isRSDP {
			seal(b, 8, rsdpLen1)
			seal(b, 32, rsdpLen2)
		} else if len(b) >= 10 {
			seal(b, 9, min(int(le32(b[4:])), len(b)))
		}
	}
	return b[:len(b):len(b)]
}

// useAll does with a machine's tables all that can be done, checks what the package
// promises of the results, and returns how many tables were good.
func useAll(p *physical) (good int) {
	r, err := Open(p, atRSDP)
	if err != nil {
		return 0
	}
	n := 0
	for range r.Tables {
		n++
	}
	must(n <= MaxTables)
	if b, err := r.Find("APIC"); err == nil {
		good += useMADT(b)
	}
	if b, err := r.Find("SRAT"); err == nil {
		good += useSRAT(b)
	}
	if b, err := r.Find("SLIT"); err == nil {
		good += useSLIT(b)
	}
	if b, err := r.Find("FACP"); err == nil {
		good += useFADT(b)
	}
	if b, err := r.Find("HPET"); err == nil {
		good += useHPET(b)
	}
	if b, err := r.Find("MCFG"); err == nil {
		good += useMCFG(b)
	}
	if b, err := r.DSDT(); err == nil {
		good += useS5(b)
	}
	return good
}

func must(ok bool) {
	if !ok {
		panic("a promise is broken")
	}
}

func useMADT(b []byte) int {
	m, err := ParseMADT(b)
	must(err == nil || err == ErrEntry || m.body == nil)
	n := 0
	for e := range m.Entries {
		must(e.Kind >= MADTCPU && e.Kind <= MADTNMI)
		must(!e.Enabled || !e.OnlineCapable)
		n++
	}
	must(n <= len(b)/6)
	return bit(err == nil)
}

func useSRAT(b []byte) int {
	s, err := ParseSRAT(b)
	must(err == nil || err == ErrEntry || s.body == nil)
	n := 0
	for e := range s.Entries {
		must(e.Kind == SRATCPU || e.Kind == SRATMemory && e.Len > 0 && e.Base+e.Len-1 >= e.Base)
		n++
	}
	must(n <= len(b)/16)
	return bit(err == nil)
}

func useSLIT(b []byte) int {
	s, err := ParseSLIT(b)
	if err != nil {
		return 0
	}
	for i := range s.N() {
		for j := range s.N() {
			must(s.At(i, j) >= 10 && (i != j || s.At(i, j) == 10))
		}
	}
	return 1
}

func useFADT(b []byte) int {
	f, err := ParseFADT(b)
	for _, a := range []Address{f.PM1aControl, f.PM1bControl, f.Reset} {
		must(a.Space <= SpacePCI && (a.Space != SpaceIO || a.Addr <= 0xffff))
	}
	return bit(err == nil)
}

func useHPET(b []byte) int {
	h, err := ParseHPET(b)
	must((err == nil) == (h.Base != 0))
	return bit(err == nil)
}

func useMCFG(b []byte) int {
	m, err := ParseMCFG(b)
	n := 0
	for e := range m.Entries {
		must(e.First <= e.Last && e.Base != 0 && e.Base+256<<20 > e.Base)
		n++
	}
	must(n <= len(b)/16)
	return bit(err == nil)
}

func useS5(b []byte) int {
	s, ok := ParseS5(b)
	must(s.TypeA <= 7 && s.TypeB <= 7)
	return bit(ok)
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// FuzzTables feeds the same bytes to each parser, and as each table of a machine.
func FuzzTables(f *testing.F) {
	for _, k := range newMachine().blocks {
		f.Add(k.b, true)
		f.Add(k.b[:len(k.b)-1], false)
	}
	f.Fuzz(func(t *testing.T, data []byte, sealed bool) {
		b := append(make([]byte, 0, len(data)), data...)
		b = b[:len(b):len(b)]
		if sealed && len(b) >= 10 {
			seal(b, 9, min(int(le32(b[4:])), len(b)))
		}
		useMADT(b)
		useSRAT(b)
		useSLIT(b)
		useFADT(b)
		useHPET(b)
		useMCFG(b)
		useS5(b)
		for _, at := range []uint64{atRSDP, atXSDT, atFADT, atDSDT} {
			p := newMachine()
			p.replace(at, b)
			useAll(p)
			_, _ = OpenRSDP(p, b)
		}
	})
}
