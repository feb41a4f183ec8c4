package qemu

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Boots with mutated input from outside. Each subtest is named by its seed, so that
//
//	go test ./qemu -run 'TestAcpiMutated/seed=7$'
//
// makes the same one again.

const mutations = 12

// TestCmdlineMutated: whatever stands on the command line, the kernel ends in good order.
func TestCmdlineMutated(t *testing.T) {
	for seed := range uint64(mutations) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			t.Parallel()
			r := boot(t, kernel(t, mutatedCmdline(seed)), Options{Limits: DefaultLimits})
			assert.Contains(t, []string{Passed.String(), Failed.String()}, r.End.String(), "%v", r.Err())
			assert.False(t, r.Panic)
		})
	}
}

// keptCmdline is a length of command line that the kernel certainly keeps.
const keptCmdline = 1500

// mutatedCmdline strings odd words together, of each kind that a parser may stumble over:
// no value, huge value, only separators, control characters, bytes beyond ASCII, great length.
func mutatedCmdline(seed uint64) string {
	rnd := rand.New(rand.NewPCG(seed, 1))
	pick := func(from ...string) string { return from[rnd.IntN(len(from))] }
	junk := func(n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(1 + rnd.IntN(255)) // anything but NUL, which ends the line
		}
		return string(b)
	}
	words := []string{"tests=none"}
	for range 1 + rnd.IntN(12) {
		words = append(words, pick(
			pick("tests", "bench", "seed", "exit", "crash", "nosuch", "")+pick("", "=", "==", "=,", "=,,,", "= "),
			"tests="+pick("none", "*/*/*", "****nosuch", "[", "none,none", ",none", "\xff"),
			"bench=nosuch"+pick("", "*", ",", "?"),
			"seed="+pick("0", "-1", "0x", "0xffffffffffffffff", "0x10000000000000000", "99999999999999999999999", "1e9", "seed=1"),
			"crash="+pick("", "nosuch", "nosuch@3", "@", "@3", "@all", ","),
			"exit"+pick("=", "=1", "=0", "x"),
			pick(" ", "\t", "\n", `"`, `'`, `\`, "\x01", "\x7f", "é", "=", ",")+junk(rnd.IntN(20)),
			strings.Repeat(pick("a", "tests=none,", " ", "=", "\xff"), 1+rnd.IntN(1500)),
		))
	}
	rnd.Shuffle(len(words), func(i, j int) { words[i], words[j] = words[j], words[i] })
	line := strings.Join(words, pick(" ", " ", "  ", "\t"))
	if len(line) > keptCmdline {
		return "exit " + line // the kernel may cut off the end
	}
	return line + " exit"
}

// TestAcpiMutated: firmware tables full of nonsense cost what they describe, never the boot. The tests are those of what the
// tables describe.
func TestAcpiMutated(t *testing.T) {
	for seed := range uint64(mutations) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			t.Parallel()
			m := kernel(t, "tests=arch/*,smp/*,mm/*,numa/*,torture/frames*,env/frames*,sched/near*,sched/sleep* torture=100ms exit")
			m.Topo = "uma" // no SRAT or SLIT of QEMU's own that would come first
			rnd := rand.New(rand.NewPCG(seed, 2))
			signatures := []string{"SRAT", "SLIT", "HPET", "ZZZZ"}
			for i, s := range signatures {
				if i != int(seed)%len(signatures) && rnd.IntN(2) == 0 {
					continue // a different table is certain in each boot, the others by chance
				}
				if s == "HPET" {
					m.Extra = append(m.Extra, "-machine", "hpet=off") // so that ours is the only one
				}
				path := filepath.Join(t.TempDir(), s)
				require.NoError(t, os.WriteFile(path, mutatedTable(rnd, s), 0o644))
				m.Extra = append(m.Extra, "-acpitable", "sig="+s+",data="+path)
			}
			r := boot(t, m, Options{Limits: DefaultLimits, Min: 30})
			inKernelTests(t, r)
			assert.NoError(t, r.Err())
		})
	}
}

// mutatedTable makes the body of an ACPI table (QEMU puts the header before it, with a good
// checksum): random bytes, or a sound table with some bytes changed, cut off or added.
func mutatedTable(rnd *rand.Rand, signature string) []byte {
	table := soundTable(rnd, signature)
	if rnd.IntN(4) == 0 {
		table = make([]byte, 1+rnd.IntN(400))
		for i := range table {
			table[i] = byte(rnd.Uint32())
		}
		return table
	}
	for range 1 + rnd.IntN(8) {
		table[rnd.IntN(len(table))] = []byte{0, 1, 0x7f, 0xff, byte(rnd.Uint32())}[rnd.IntN(5)]
	}
	switch rnd.IntN(3) {
	case 0:
		table = table[:1+rnd.IntN(len(table))]
	case 1:
		table = append(table, make([]byte, 1+rnd.IntN(64))...)
	}
	return table
}

// soundTable is a body as ACPI 6.4 wants it (5.2.16 SRAT, 5.2.17 SLIT; IA-PC HPET 1.0a).
func soundTable(rnd *rand.Rand, signature string) []byte {
	le := binary.LittleEndian
	nodes := 1 + rnd.IntN(20)
	switch signature {
	case "SRAT":
		b := append(le.AppendUint32(nil, 1), make([]byte, 8)...)
		for n := range nodes {
			b = append(b, 0, 16, byte(n), byte(n), 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0) // a CPU
			b = append(b, 1, 40)                                                       // memory
			b = le.AppendUint32(b, uint32(n))
			b = append(b, 0, 0)
			b = le.AppendUint64(b, uint64(n)<<25)
			b = le.AppendUint64(b, 1<<25)
			b = append(b, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
		}
		return b
	case "SLIT":
		b := le.AppendUint64(nil, uint64(nodes))
		for i := range nodes * nodes {
			b = append(b, byte(20+rnd.IntN(100)))
			if i%(nodes+1) == 0 {
				b[len(b)-1] = 10
			}
		}
		return b
	case "HPET":
		b := le.AppendUint32(nil, 0x8086a201)
		b = append(b, 0, 64, 0, 0) // in memory, 64 bits wide
		b = le.AppendUint64(b, 0xfed00000)
		return append(b, 0, 0x80, 0, 0)
	}
	return make([]byte, 64)
}
