package main

import (
	"debug/dwarf"
	"debug/elf"
	"debug/gosym"
	"io"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"exo/internal/seeds"
	"exo/kernel/symtab"

	"github.com/stretchr/testify/require"
)

// debugInfo is what Go's own readers say about the kernel.
type debugInfo struct {
	funcs []elf.Symbol // sorted
	text  segment
	gosym *gosym.Table
	lines []dwarf.LineEntry // of all units, by address; the end of a sequence has no file
}

func readDebugInfo(t *testing.T, path string) *debugInfo {
	t.Helper()
	f, err := elf.Open(path)
	require.NoError(t, err)
	defer f.Close()
	d := &debugInfo{}
	syms, err := f.Symbols()
	require.NoError(t, err)
	section := f.Section(".text")
	for _, s := range syms {
		if elf.ST_TYPE(s.Info) == elf.STT_FUNC && s.Size > 0 {
			d.funcs = append(d.funcs, s)
		}
	}
	slices.SortFunc(d.funcs, func(a, b elf.Symbol) int { return int(int64(a.Value) - int64(b.Value)) })
	pcln, err := f.Section(".gopclntab").Data()
	require.NoError(t, err)
	d.gosym, err = gosym.NewTable(nil, gosym.NewLineTable(pcln, section.Addr))
	require.NoError(t, err)
	dw, err := f.DWARF()
	require.NoError(t, err)
	for r := dw.Reader(); ; r.SkipChildren() {
		cu, err := r.Next()
		require.NoError(t, err)
		if cu == nil {
			break
		}
		lr, err := dw.LineReader(cu)
		require.NoError(t, err)
		for lr != nil {
			var e dwarf.LineEntry
			if err := lr.Next(&e); err == io.EOF {
				break
			}
			require.NoError(t, err)
			d.lines = append(d.lines, e)
		}
	}
	return d
}

// line is the last row of the line table's sequence that pc is in, up to pc.
func (d *debugInfo) line(pc uint64) (file string, line int) {
	var best *dwarf.LineEntry
	start := 0
	for i := range d.lines {
		e := &d.lines[i]
		if !e.EndSequence {
			continue
		}
		if d.lines[start].Address <= pc && pc < e.Address {
			for j := start; j < i && d.lines[j].Address <= pc; j++ {
				best = &d.lines[j]
			}
		}
		start = i + 1
	}
	if best == nil {
		return "", 0
	}
	return best.File.Name, best.Line
}

// TestTheSymbolTableSaysWhatGosOwnReadersSay takes every function's first and last byte and random addresses.
func TestTheSymbolTableSaysWhatGosOwnReadersSay(t *testing.T) {
	path := filepath.Join(buildOnce(t), "kernel.elf")
	k, err := readKernel(path)
	require.NoError(t, err)
	raw, err := k.symbolTable()
	require.NoError(t, err)
	require.Equal(t, read(t, filepath.Join(buildOnce(t), "symbols.bin")), raw)
	table, ok := symtab.Open(raw)
	require.True(t, ok)
	d := readDebugInfo(t, path)
	require.Equal(t, len(d.funcs), table.Len())

	dwarfLines, goLines := 0, 0
	compare := func(f elf.Symbol, pc uint64) {
		s, ok := table.Lookup(pc)
		require.True(t, ok, "%#x in %s", pc, f.Name)
		require.Equal(t, strings.TrimSuffix(f.Name, ".abi0"), s.Func, "%#x", pc)
		require.Equal(t, pc-f.Value, s.Offset)
		if file, line := d.line(pc); line > 0 {
			require.Equal(t, shortName(file), s.File, "%#x in %s", pc, f.Name)
			require.Equal(t, line, s.Line, "%#x in %s", pc, f.Name)
			dwarfLines++
		}
		if file, line, fn := d.gosym.PCToLine(pc); fn != nil && line > 0 {
			require.Equal(t, fn.Name, s.Func)
			require.Equal(t, shortName(file), s.File, "%#x in %s", pc, f.Name)
			require.Equal(t, line, s.Line, "%#x in %s", pc, f.Name)
			goLines++
		}
	}
	for _, f := range d.funcs {
		compare(f, f.Value)
		compare(f, f.Value+f.Size-1)
	}
	seeds.Each(t, 3000, func(r *rand.Rand) {
		f := d.funcs[r.IntN(len(d.funcs))]
		compare(f, f.Value+r.Uint64N(f.Size))
	})
	t.Logf("%d functions; of the lines looked up, DWARF agreed on %d and gosym on %d", table.Len(), dwarfLines, goLines)
	require.Greater(t, dwarfLines, 3000)
	require.Greater(t, goLines, 3000)

	first, last := d.funcs[0].Value, k.text.end
	_, ok = table.Lookup(first - 1)
	require.False(t, ok)
	_, ok = table.Lookup(last)
	require.False(t, ok)
	_, ok = table.Lookup(k.data.start)
	require.False(t, ok)
}

func TestTheSymbolTableKnowsWhoKeepsAFrame(t *testing.T) {
	k, err := readKernel(filepath.Join(buildOnce(t), "kernel.elf"))
	require.NoError(t, err)
	raw, err := k.symbolTable()
	require.NoError(t, err)
	table, ok := symtab.Open(raw)
	require.True(t, ok)
	frames := map[string]bool{}
	for _, f := range readDebugInfo(t, k.path).funcs {
		s, ok := table.Lookup(f.Value)
		require.True(t, ok)
		frames[s.Func] = s.HasFrame
	}
	require.True(t, frames["main.main"])
	require.True(t, frames["exo/kernel/ktest.Run"])
	require.False(t, frames["runtime.panicBounds"], "it must not push anything")
	require.False(t, frames["runtime.Pause"])
}

func TestFilesAreNamedAsTheyAreFoundInTheModule(t *testing.T) {
	for from, to := range map[string]string{
		"exo/kernel/main.go": "kernel/main.go", "./kernel/main.go": "kernel/main.go", "exo/kernel/mm/map.go": "kernel/mm/map.go",
		"runtime/exo_hot_amd64.s": "boot/runtime/hot_amd64.s", "internal/runtime/maps/exo_maps.go": "boot/maps/maps.go",
		"runtime/memmove_amd64.s": "runtime/memmove_amd64.s", "internal/bytealg/equal_amd64.s": "internal/bytealg/equal_amd64.s",
	} {
		require.Equal(t, to, shortName(from))
	}
	d := readDebugInfo(t, filepath.Join(buildOnce(t), "kernel.elf"))
	for _, e := range d.lines {
		if e.File == nil || e.File.Name == "<autogenerated>" {
			continue
		}
		if name := shortName(e.File.Name); name != e.File.Name {
			require.FileExists(t, filepath.Join(built.dir, "module", name))
		}
	}
}
