package multiboot

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"exo/internal/seeds"
)

// A block damaged in this many ways is parsed without a panic, without reading what
// it may not, and to nothing that Info does not promise.
const mutations = 20000

func TestMutatedMultiboot1_IsSafe(t *testing.T) { testMutated(t, Magic1, at1, sound1()) }
func TestMutatedMultiboot2_IsSafe(t *testing.T) { testMutated(t, Magic2, at2, sound2()) }

func testMutated(t *testing.T, magic uint32, addr uint64, sound []byte) {
	var i Info
	good := 0
	seeds.Each(t, mutations, func(r *rand.Rand) {
		p := &physical{}
		p.put(addr, mutate(r, sound))
		if Parse(p, magic, addr, &i) == nil {
			good++
		}
		check(&i, p)
	})
	require.Greater(t, good, mutations/4, "the mutations broke too much to test anything")
}

// mutate returns a damaged copy of b without spare capacity.
func mutate(r *rand.Rand, sound []byte) []byte {
	b := append([]byte(nil), sound...)
	for range 1 + r.IntN(4) {
		if len(b) < 8 {
			break
		}
		i := r.IntN(len(b))
		switch r.IntN(7) {
		case 0, 1:
			b[i] ^= 1 << r.IntN(8)
		case 2:
			b[i] = []byte{0, 1, 2, 0x7f, 0x80, 0xfe, 0xff}[r.IntN(7)]
		case 3: // the end is missing, and the length says so or not
			if r.IntN(4) == 0 {
				b = b[:i]
				if r.IntN(2) == 0 && i >= 4 {
					put32(b, 0, uint32(i))
				}
			}
		case 4: // a number that lies
			v := []uint32{0, 1, 7, 8, 19, 20, uint32(len(b)), max2, max2 + 1, 0x7fffffff, 0xffffffff, at1, at2}
			if j := i &^ 3; j+4 <= len(b) {
				put32(b, j, v[r.IntN(len(v))])
			}
		case 5:
			for j := i; j < min(i+8, len(b)); j++ {
				b[j] = 0xff
			}
		case 6: // bytes moved about
			copy(b[i:], b[r.IntN(len(b)):])
		}
	}
	return b[:len(b):len(b)]
}

// check panics if i breaks a promise.
func check(i *Info, p *physical) {
	must := func(ok bool) {
		if !ok {
			panic("a promise is broken")
		}
	}
	must(i.NRanges >= 0 && i.NRanges <= MaxRanges)
	for _, r := range i.Ranges[:i.NRanges] {
		must(r.Len > 0 && r.Base+r.Len > r.Base)
	}
	must(i.NModules >= 0 && i.NModules <= MaxModules)
	for j := range i.Modules[:i.NModules] {
		m := &i.Modules[j]
		must(m.Base+m.Len >= m.Base && m.Base+m.Len < 1<<32)
		must(len(m.CommandLine()) <= MaxModuleText)
	}
	must(len(i.CommandLine()) <= MaxCommandLine && len(i.LoaderName()) <= MaxLoaderName && len(i.RSDP()) <= MaxRSDP)
	must(i.NWarnings >= 0)
	for _, w := range warnings(i) {
		must(w.Text != "")
	}
	// Texts byte by byte, two reads per entry of a map that is at most 64 KiB long.
	must(p.reads <= MaxCommandLine+MaxLoaderName+MaxModules*(MaxModuleText+2)+2*max1Map/24+100)
}

func FuzzParse(f *testing.F) {
	f.Add(sound1(), true)
	f.Add(sound2(), false)
	f.Fuzz(func(t *testing.T, data []byte, first bool) {
		magic, addr := uint32(Magic2), uint64(at2)
		if first {
			magic, addr = Magic1, at1
		}
		b := append(make([]byte, 0, len(data)), data...)
		p := (&physical{}).put(addr, b[:len(b):len(b)])
		var i Info
		_ = Parse(p, magic, addr, &i)
		check(&i, p)
	})
}
