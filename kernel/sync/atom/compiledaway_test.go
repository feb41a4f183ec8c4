package atom

import (
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/arch/x86/x86asm"
)

// TestHooksAreCompiledAway shows by the machine code that the words cost nothing without the tag "explore": each method is
// the instructions of its sync/atomic twin, StoreRelease is a plain MOV, and kernel/sync calls nothing of this package.
func TestHooksAreCompiledAway(t *testing.T) {
	twins := build(t, "build", "./testdata/twins")

	t.Run("every method is its twin's instructions", func(t *testing.T) {
		methods := 0
		for name, word := range map[string]any{
			"Uint64": new(Uint64), "Int64": new(Int64), "Uint32": new(Uint32), "Pointer": new(Pointer[int]),
		} {
			for m := range reflect.TypeOf(word).Methods() {
				method := name + "_" + m.Name
				ours, theirs := twins.function(t, "main.atom_"+method), twins.function(t, "main.twin_"+method)
				require.NotEmpty(t, ours)
				require.Equal(t, theirs, ours, method)
				methods++
			}
		}
		require.Greater(t, methods, 20)
	})

	t.Run("StoreRelease is a plain MOV", func(t *testing.T) {
		checked := 0
		for name := range twins.symbols {
			if !strings.HasPrefix(name, "main.atom_") {
				continue
			}
			code := strings.Join(twins.function(t, name), "\n")
			fences := strings.Contains(code, "LOCK") || strings.Contains(code, "XCHG")
			switch method := name[strings.LastIndexByte(name, '_')+1:]; method {
			case "StoreRelease":
				require.False(t, fences, code)
				require.Equal(t, 1, strings.Count(code, "MOV"), code)
				require.Len(t, twins.function(t, name), 2, "MOV and RET: %s", code)
				checked++
			case "Load":
				require.False(t, fences, code)
			default: // the runtime has no intrinsics for what may need a write barrier
				require.True(t, fences || strings.Contains(code, "CALL sync/atomic."), code)
			}
		}
		require.Equal(t, 4, checked)
	})

	t.Run("kernel/sync calls nothing of this package", func(t *testing.T) {
		const ours, here = "exo/kernel/sync.", "exo/kernel/sync/atom."
		sync := build(t, "test", "-c", "exo/kernel/sync")
		require.NotContains(t, sync.symbols, here+"Hook")
		functions, fences := 0, 0
		for name, s := range sync.symbols {
			if !strings.HasPrefix(name, ours) || elf.ST_TYPE(s.Info) != elf.STT_FUNC || strings.Contains(name, ".Test") {
				continue
			}
			functions++
			for _, line := range sync.function(t, name) {
				require.NotContains(t, line, here, "%s: %s", name, line)
				if strings.Contains(line, "LOCK") || strings.Contains(line, "XCHG") {
					fences++
				}
			}
		}
		require.Greater(t, functions, 5)
		require.Positive(t, fences)
	})
}

// image is a built program.
type image struct {
	text    []byte
	base    uint64
	symbols map[string]elf.Symbol
	sorted  []elf.Symbol
}

// build runs go, for the machine and with the compiler's flags of ring 0, and without the tag.
func build(t *testing.T, args ...string) *image {
	t.Helper()
	out := filepath.Join(t.TempDir(), "image")
	last := len(args) - 1
	args = append(slices.Clone(args[:last]), "-tags=", "-gcflags=exo/...=-wb=false", "-o", out, args[last])
	cmd := exec.Command("go", args...)
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=0", "GOFLAGS=")
	said, err := cmd.CombinedOutput()
	require.NoError(t, err, "go %s\n%s", strings.Join(args, " "), said)
	f, err := elf.Open(out)
	require.NoError(t, err)
	defer f.Close()
	section := f.Section(".text")
	require.NotNil(t, section)
	text, err := section.Data()
	require.NoError(t, err)
	all, err := f.Symbols()
	require.NoError(t, err)
	im := &image{text: text, base: section.Addr, symbols: map[string]elf.Symbol{}, sorted: all}
	for _, s := range all {
		im.symbols[s.Name] = s
	}
	slices.SortFunc(im.sorted, func(a, b elf.Symbol) int {
		switch {
		case a.Value < b.Value:
			return -1
		case a.Value > b.Value:
			return 1
		}
		return 0
	})
	return im
}

// function disassembles one function, with addresses outside of it by name and those inside relative.
func (im *image) function(t *testing.T, name string) (lines []string) {
	t.Helper()
	s, ok := im.symbols[name]
	require.True(t, ok, "there is no %s", name)
	code := im.text[s.Value-im.base:][:s.Size]
	for at := uint64(0); at < s.Size; {
		inst, err := x86asm.Decode(code[at:], 64)
		require.NoError(t, err, "%s+%#x", name, at)
		at += uint64(inst.Len)
		next := s.Value + at
		if inst.Op == x86asm.NOP {
			continue // stands for a call that was inlined, so that tracebacks can name it
		}
		line := inst.Op.String()
		for _, p := range inst.Prefix {
			if p&^x86asm.PrefixImplicit == x86asm.PrefixLOCK {
				line = "LOCK " + line
			}
		}
		for _, arg := range inst.Args {
			switch a := arg.(type) {
			case nil:
			case x86asm.Rel:
				line += " " + im.place(s, next+uint64(a))
			case x86asm.Mem:
				if a.Base == x86asm.RIP {
					line += " [" + im.place(s, next+uint64(a.Disp)) + "]"
					continue
				}
				line += " " + a.String()
			default:
				line += " " + a.String()
			}
		}
		lines = append(lines, line)
	}
	return lines
}

// place names an address, seen from function s.
func (im *image) place(s elf.Symbol, addr uint64) string {
	if addr >= s.Value && addr < s.Value+s.Size {
		return fmt.Sprintf("+%#x", addr-s.Value)
	}
	i, exact := slices.BinarySearchFunc(im.sorted, addr, func(x elf.Symbol, addr uint64) int {
		switch {
		case x.Value < addr:
			return -1
		case x.Value > addr:
			return 1
		}
		return 0
	})
	if !exact {
		i--
	}
	if i < 0 {
		return fmt.Sprintf("%#x", addr)
	}
	return fmt.Sprintf("%s+%#x", im.sorted[i].Name, addr-im.sorted[i].Value)
}
