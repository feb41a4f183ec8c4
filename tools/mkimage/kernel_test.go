package main

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pierrec/lz4/v4"
	"github.com/stretchr/testify/require"

	"exo/internal/seeds"
)

// TestTheSameSourcesGiveTheSameBytesInAnyFolder builds copies of the module elsewhere.
func TestTheSameSourcesGiveTheSameBytesInAnyFolder(t *testing.T) {
	first := buildOnce(t)
	module := copyModule(t)
	out := filepath.Join(module, "some", "deep folder")
	require.NoError(t, buildKernel(module, filepath.Join(out, "exo.img"), filepath.Join(out, "kernel.elf")))
	for _, f := range []string{"kernel.elf", "exo.img", "symbols.bin", "text.bin", "rodata.bin", "data.bin"} {
		require.True(t, bytes.Equal(read(t, filepath.Join(first, f)), read(t, filepath.Join(out, f))), "%s differs", f)
	}
}

func TestTheImageCarriesTheKernelsSegmentsWhereTheyBelongAndNoneIsWritableAndExecutable(t *testing.T) {
	dir := buildOnce(t)
	k, err := readKernel(filepath.Join(dir, "kernel.elf"))
	require.NoError(t, err)
	path := filepath.Join(dir, "exo.img")
	raw := read(t, path)
	require.LessOrEqual(t, len(raw), maxImage)
	img, err := elf.Open(path)
	require.NoError(t, err)
	defer img.Close()
	require.Equal(t, elf.ELFCLASS32, img.Class)
	require.Less(t, bytes.Index(raw, []byte{0x02, 0xb0, 0xad, 0x1b}), 8192, "the magic of multiboot 1 lies where a loader looks")
	require.Less(t, bytes.Index(raw, []byte{0xd6, 0x50, 0x52, 0xe8}), 32768, "and that of multiboot 2")
	memory := func(at uint64, n int) (data []byte, flags elf.ProgFlag) {
		for _, p := range img.Progs {
			if p.Type == elf.PT_LOAD && at >= p.Paddr && at+uint64(n) <= p.Paddr+p.Filesz {
				data = make([]byte, n)
				_, err := p.ReadAt(data, int64(at-p.Paddr))
				require.NoError(t, err)
				return data, p.Flags
			}
		}
		return nil, 0
	}
	for _, p := range img.Progs {
		require.NotEqual(t, elf.PF_W|elf.PF_X, p.Flags&(elf.PF_W|elf.PF_X), "segment at %#x", p.Paddr)
	}
	data, flags := memory(phys(k.data.start), len(k.data.data))
	require.True(t, bytes.Equal(k.data.data, data))
	require.Equal(t, elf.PF_R|elf.PF_W, flags)
	symbols, err := img.Symbols()
	require.NoError(t, err)
	at := map[string]uint64{}
	for _, s := range symbols {
		at[s.Name] = s.Value
	}
	for name, s := range map[string]segment{"text": k.text, "rodata": k.rodata} {
		require.Equal(t, phys(s.start), at["k"+name+"_start"], "where it is unpacked")
		packed, flags := memory(at["packed_"+name], int(at["packed_"+name+"_end"]-at["packed_"+name]))
		require.Equal(t, elf.PF_R, flags)
		data := make([]byte, len(s.data))
		n, err := lz4.UncompressBlock(packed, data)
		require.NoError(t, err)
		require.Equal(t, len(data), n)
		require.True(t, bytes.Equal(s.data, data), name)
	}
	require.Equal(t, phys(k.data.start)+uint64(len(k.data.data)), at["kbss_start"])
	require.Equal(t, phys(k.data.end), at["kbss_end"])
	require.GreaterOrEqual(t, at["symbols_start"], at["packed_rodata_end"])
	require.GreaterOrEqual(t, at["symbols_start"], at["kbss_end"])
}

func TestTheELFMayGoToAFolderOfItsOwnThatIsMade(t *testing.T) {
	module := copyModule(t)
	elf := filepath.Join(module, "debug", "info", "kernel.elf")
	require.NoError(t, buildKernel(module, filepath.Join(module, "build", "exo.img"), elf))
	require.FileExists(t, elf)
}

// patched writes a changed copy of the linked kernel and returns what readKernel, and then symbolTable, say of it.
func patched(t *testing.T, change func(b []byte) []byte) error {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kernel.elf")
	write(t, path, change(read(t, filepath.Join(buildOnce(t), "kernel.elf"))))
	return check(path)
}

func check(path string) error {
	k, err := readKernel(path)
	if err == nil {
		_, err = k.symbolTable()
	}
	return err
}

// Fields of an ELF64 program header.
const (
	phType  = 0
	phFlags = 4
	phVaddr = 16
	phFile  = 32
	phMem   = 40
)

// loads returns the offsets of the load segments' program headers: text, rodata, data.
func loads(t *testing.T, b []byte) (at []int) {
	t.Helper()
	off, n := int(binary.LittleEndian.Uint64(b[32:])), int(binary.LittleEndian.Uint16(b[56:]))
	for i := range n {
		if binary.LittleEndian.Uint32(b[off+56*i:]) == uint32(elf.PT_LOAD) {
			at = append(at, off+56*i)
		}
	}
	require.Len(t, at, 3)
	return at
}

func TestAKernelThatBreaksTheImagesRulesIsRefusedInOneLine(t *testing.T) {
	put32 := func(b []byte, at int, v uint32) { binary.LittleEndian.PutUint32(b[at:], v) }
	put64 := func(b []byte, at int, v uint64) { binary.LittleEndian.PutUint64(b[at:], v) }
	require.NoError(t, patched(t, func(b []byte) []byte { return b }))
	for _, c := range []struct {
		name   string
		change func(b []byte, load []int)
		says   string
	}{
		{"text writable", func(b []byte, l []int) { put32(b, l[0]+phFlags, 7) }, "W^X"},
		{"read-only data writable and executable", func(b []byte, l []int) { put32(b, l[1]+phFlags, 7) }, "W^X"},
		{"data executable", func(b []byte, l []int) { put32(b, l[2]+phFlags, 7) }, "W^X"},
		{"writable and executable, unreadable", func(b []byte, l []int) { put32(b, l[2]+phFlags, 3) }, "W^X"},
		{"two texts", func(b []byte, l []int) { put32(b, l[1]+phFlags, 5) }, "more than one PF_X+PF_R segment"},
		{"two data", func(b []byte, l []int) { put32(b, l[1]+phFlags, 6) }, "more than one PF_W+PF_R segment"},
		{"no text", func(b []byte, l []int) { put32(b, l[0]+phType, 0) }, "no text segment"},
		{"no data", func(b []byte, l []int) { put32(b, l[2]+phType, 0) }, "no data segment"},
		{"inside a page", func(b []byte, l []int) { put64(b, l[1]+phVaddr, kernelBase+0x400010) }, "not a page above"},
		{"below the kernel's half", func(b []byte, l []int) { put64(b, l[0]+phVaddr, 0x400000) }, "not a page above"},
		{"shared page", func(b []byte, l []int) {
			put64(b, l[0]+phMem, binary.LittleEndian.Uint64(b[l[1]+phVaddr:])-
				binary.LittleEndian.Uint64(b[l[0]+phVaddr:])+1)
		}, "share a page"},
		{"more in the file than in memory", func(b []byte, l []int) { put64(b, l[1]+phMem, 1) }, "cut off"},
		{"huge", func(b []byte, l []int) { put64(b, l[1]+phFile, 1<<62); put64(b, l[1]+phMem, 1<<62) }, "kernel.elf"},
		{"32 bits", func(b []byte, l []int) { b[elf.EI_CLASS] = 1 }, "kernel.elf"},
	} {
		err := patched(t, func(b []byte) []byte {
			c.change(b, loads(t, b))
			return b
		})
		require.Error(t, err, c.name)
		oneLine(t, err, "kernel.elf", c.says)
	}
}

func TestAKernelWithoutSymbolsOrLinesIsRefused(t *testing.T) {
	hide := func(section string) func([]byte) []byte {
		return func(b []byte) []byte {
			f, err := elf.NewFile(bytes.NewReader(b))
			require.NoError(t, err)
			off := int(binary.LittleEndian.Uint64(b[40:]))
			i := slices.IndexFunc(f.Sections, func(s *elf.Section) bool { return s.Name == section })
			require.Positive(t, i)
			binary.LittleEndian.PutUint32(b[off+64*i+4:], uint32(elf.SHT_NULL))
			return b
		}
	}
	oneLine(t, patched(t, hide(".symtab")), "kernel.elf", "symbols", "no symbol section")
}

func TestATruncatedKernelIsRefusedWithoutAPanic(t *testing.T) {
	whole := tinyKernel(t)
	path := filepath.Join(t.TempDir(), "kernel.elf")
	for i := range 100 {
		write(t, path, whole[:i*len(whole)/100])
		oneLine(t, check(path), "kernel.elf")
	}
	write(t, path, whole[:len(whole)-1])
	oneLine(t, check(path), "kernel.elf")
	oneLine(t, check(filepath.Join(t.TempDir(), "none.elf")), "none.elf")
}

// TestAMutatedKernelIsReadWithoutAPanic changes what says where things are: the headers.
func TestAMutatedKernelIsReadWithoutAPanic(t *testing.T) {
	whole := tinyKernel(t)
	path := filepath.Join(t.TempDir(), "kernel.elf")
	headers := int(binary.LittleEndian.Uint64(whole[40:])) + 64*int(binary.LittleEndian.Uint16(whole[60:]))
	require.Less(t, headers, 8192)
	seeds.Each(t, 150, func(r *rand.Rand) {
		b := slices.Clone(whole)
		for range 1 + r.IntN(3) {
			b[r.IntN(headers)] = byte(r.Uint32())
		}
		write(t, path, b)
		if err := check(path); err != nil {
			oneLine(t, err, "kernel.elf")
		}
	})
}

func TestOnlyFunctionsThatGoRunsBeforeMainAreInitialisers(t *testing.T) {
	for name, pkg := range map[string]string{
		"main.init": "main", "main.init.0": "main", "exo/kernel/mm.init.12": "exo/kernel/mm", "math.init": "math", "runtime.init": "runtime",
		"main.init.func1": "", "exo/kernel/mm.init.0.func2": "", "exo/arch/amd64.(*CPU).init": "", "exo/kernel/mm.CPU.init": "",
		"main.inits": "", "main.init.0x": "", "go:main.inittasks": "", "main..inittask": "", "exo/kernel/initramfs.Open": "",
	} {
		m := initialiser.FindStringSubmatch(name)
		require.Equal(t, pkg != "", m != nil, name)
		if m != nil {
			require.Equal(t, pkg, m[1])
		}
	}
}

// TestAFunctionLiteralInAVariableIsNoInitialiser: Go names it main.init.func1, but it needs no code before main.
func TestAFunctionLiteralInAVariableIsNoInitialiser(t *testing.T) {
	module := tinyModule(t)
	write(t, filepath.Join(module, "kernel", "literal.go"), []byte("//go:build exokernel\n\npackage main\n\n"+
		"var literal = func(n int) int { return n + 1 }\n\n//go:noinline\nfunc useLiteral() { literalUsed = literal(literalUsed) }\n\nvar literalUsed int\n"))
	edit(t, filepath.Join(module, "kernel", "main.go"), "func main() {", "func main() {\n\tuseLiteral()")
	require.NoError(t, build(module))
	b := read(t, filepath.Join(module, "build", "kernel.elf"))
	require.True(t, bytes.Contains(b, []byte("main.init.func1")))
}

func TestAnImageThatIsTooLargeIsRefused(t *testing.T) {
	module := tinyModule(t)
	write(t, filepath.Join(module, "kernel", "large.go"), []byte("//go:build exokernel\n\npackage main\n\n"+
		"var large = [1 << 20]byte{1}\n\n//go:noinline\nfunc useLarge() { large[0]++ }\n"))
	edit(t, filepath.Join(module, "kernel", "main.go"), "func main() {", "func main() {\n\tuseLarge()")
	oneLine(t, build(module), "exo.img", "more than the 1048576 it may have")
}

func TestCommandLinesThatMakeNoSense(t *testing.T) {
	oneLine(t, runKernel([]string{"stray"}), "kernel takes no arguments", "stray")
	oneLine(t, runInitramfs(nil), "initramfs takes one folder or more")
	oneLine(t, runUser(nil), "user wants -o FILE")
	oneLine(t, runUser([]string{"-o", "x"}), "user takes one program's folder, or -all FOLDER")
	oneLine(t, runUser([]string{"-o", "x", "a", "b"}), "user takes one program's folder", "a", "b")
	require.Error(t, writeFile(filepath.Join(t.TempDir(), "none", "f"), nil))
	file := filepath.Join(t.TempDir(), "f")
	require.NoError(t, writeFile(file, []byte("x")))
	require.NoError(t, writeFile(file, []byte("y")))
	require.Equal(t, "y", string(read(t, file)))
	left, err := os.ReadDir(filepath.Dir(file))
	require.NoError(t, err)
	require.Len(t, left, 1, "no temporary file stays")
	for name, c := range commands {
		require.NotNil(t, c.run, name)
		require.False(t, strings.HasSuffix(c.help, "."), name)
	}
}
