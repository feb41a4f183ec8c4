package proc

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"testing"

	"exo/kernel/abi"

	"github.com/stretchr/testify/require"
)

// program makes an ELF file of segments whose data begin at a page each.
func program(entry uint64, segments ...elf.Prog64) []byte {
	var b bytes.Buffer
	binary.Write(&b, binary.LittleEndian, elf.Header64{
		Ident: [16]byte{0x7f, 'E', 'L', 'F', 2, 1, 1}, Type: 2, Machine: 62, Version: 1, Entry: entry, Phoff: 64, Ehsize: 64,
		Phentsize: 56, Phnum: uint16(len(segments)),
	})
	for _, s := range segments {
		binary.Write(&b, binary.LittleEndian, s)
	}
	return append(b.Bytes(), make([]byte, 5*pageSize-b.Len())...)
}

const text = abi.LibOS + 2<<20

func good() []elf.Prog64 {
	return []elf.Prog64{
		{Type: 1, Flags: 5, Off: pageSize, Vaddr: text, Filesz: pageSize, Memsz: pageSize},
		{Type: 2, Flags: 7}, // not to be loaded
		{Type: 1, Flags: 4, Off: 2 * pageSize, Vaddr: text + pageSize, Filesz: 10, Memsz: 10},
		{Type: 1, Flags: 6, Off: 3 * pageSize, Vaddr: text + 4*pageSize, Filesz: 100, Memsz: 3*pageSize + 1},
	}
}

func TestParseELF(t *testing.T) {
	file := program(text+16, good()...)
	file[2*pageSize] = 77
	var s [maxSegments]segment
	entry, n, err := parseELF(file, &s)
	require.NoError(t, err)
	require.EqualValues(t, text+16, entry)
	require.Equal(t, 3, n)
	require.Equal(t, []abi.Perm{5, 1, 3}, []abi.Perm{s[0].perm, s[1].perm, s[2].perm})
	require.Equal(t, []uint64{1, 1, 4}, []uint64{s[0].pages, s[1].pages, s[2].pages})
	require.Equal(t, byte(77), s[1].data[0])
	require.Len(t, s[2].data, 100)
}

func TestParseELF_refusesWhatIsNoProgram(t *testing.T) {
	for name, change := range map[string]func(s []elf.Prog64){
		"below the library OS":     func(s []elf.Prog64) { s[0].Vaddr = 1 << 20 },
		"not at a page":            func(s []elf.Prog64) { s[2].Vaddr++ },
		"behind the end":           func(s []elf.Prog64) { s[3].Filesz = 3 * pageSize },
		"begins behind the end":    func(s []elf.Prog64) { s[3].Off = 1 << 60 },
		"more in file than memory": func(s []elf.Prog64) { s[2].Filesz = 11 },
		"to be written and run":    func(s []elf.Prog64) { s[0].Flags = 7 },
		"over another":             func(s []elf.Prog64) { s[2].Vaddr = text },
		"very large":               func(s []elf.Prog64) { s[3].Memsz = 1 << 40 },
		"entry not in the text":    func(s []elf.Prog64) { s[0].Flags = 4 },
		"of nothing":               func(s []elf.Prog64) { s[3].Filesz, s[3].Memsz = 0, 0 },
	} {
		segments := good()
		change(segments)
		var s [maxSegments]segment
		_, _, err := parseELF(program(text+16, segments...), &s)
		require.Equal(t, ErrNoProgram, err, name)
	}
	file := program(text+16, good()...)
	var s [maxSegments]segment
	for _, n := range []int{0, 10, 63, 64, 100} {
		_, _, err := parseELF(file[:n], &s)
		require.Equal(t, ErrNoProgram, err, "%d bytes", n)
	}
}

func FuzzParseELF(f *testing.F) {
	f.Add(program(text+16, good()...))
	f.Fuzz(func(t *testing.T, file []byte) {
		var s [maxSegments]segment
		_, n, err := parseELF(file, &s)
		if err != nil {
			return
		}
		for i := range s[:n] {
			require.LessOrEqual(t, uint64(len(s[i].data)), s[i].pages*pageSize)
			require.GreaterOrEqual(t, s[i].va, uint64(abi.Image))
		}
	})
}
