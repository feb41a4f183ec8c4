package main

import (
	"bytes"
	"cmp"
	"debug/dwarf"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sort"
	"strings"

	"exo/kernel/symtab"
)

// The symbol table for backtraces, little-endian; kernel/symtab reads it.
//
//	magic   "EXOSYM1\n"
//	u32     number of functions n
//	u32     number of files m
//	u32     bytes of the line program
//	u32     bytes of the strings
//	n+1 ×   u32 pc - kernelBase, u32 string offset of the name | 1<<31 if the function keeps a frame pointer,
//	        u32 offset in the line program; sorted by pc, the last one ends the text
//	m ×     u32 string offset of a file name
//	lines   per function a line program (symtab.Lines) from its start, ended by the next function's offset
//	strings each ended by a NUL
const symbolMagic = "EXOSYM1\n"

const hasFrame = 1 << 31

type row struct {
	pc   uint64
	file string
	line int
}

// symbolTable makes the table from the ELF's function symbols and DWARF lines.
func (k *kernel) symbolTable() ([]byte, error) {
	funcs, err := k.functions()
	if err != nil {
		return nil, err
	}
	rows, err := k.lines()
	if err != nil {
		return nil, err
	}
	var (
		strs, prog bytes.Buffer
		offsets    = map[string]uint32{}
		files      []uint32
		fileIndex  = map[string]int{}
		table      []uint32
	)
	intern := func(s string) uint32 {
		if o, ok := offsets[s]; ok {
			return o
		}
		o := uint32(strs.Len())
		offsets[s] = o
		strs.WriteString(s + "\x00")
		return o
	}
	for _, file := range byUse(rows) { // the smaller the number, the shorter
		fileIndex[file] = len(files)
		files = append(files, intern(file))
	}
	for _, f := range funcs {
		name := intern(strings.TrimSuffix(f.Name, ".abi0")) // the linker's mark, which Go's own backtraces do not show
		if k.keepsFrame(f) {
			name |= hasFrame
		}
		table = append(table, uint32(f.Value-kernelBase), name, uint32(prog.Len()))
		var at symtab.Lines
		pc := f.Value
		first := sort.Search(len(rows), func(i int) bool { return rows[i].pc >= f.Value })
		for i := first; i < len(rows) && rows[i].pc < f.Value+f.Size; i++ {
			r := rows[i]
			if i == first {
				r.pc = f.Value // DWARF leaves line 1, where every sequence begins, unsaid until the next row
			} else if r.file == rows[i-1].file && r.line == rows[i-1].line {
				continue
			}
			prog.Write(at.Append(nil, r.pc-pc, fileIndex[r.file], r.line))
			pc = r.pc
		}
	}
	table = append(table, uint32(k.text.end-kernelBase), intern(""), uint32(prog.Len()))
	var out bytes.Buffer
	out.WriteString(symbolMagic)
	for _, part := range []any{
		[]uint32{uint32(len(funcs)), uint32(len(files)), uint32(prog.Len()), uint32(strs.Len())},
		table, files, prog.Bytes(), strs.Bytes(),
	} {
		if err := binary.Write(&out, binary.LittleEndian, part); err != nil {
			return nil, err
		}
	}
	return out.Bytes(), nil
}

// byUse returns the files of rows, those first that are in most of them.
func byUse(rows []row) []string {
	uses := map[string]int{}
	for _, r := range rows {
		uses[r.file]++
	}
	return slices.SortedFunc(maps.Keys(uses), func(a, b string) int {
		return cmp.Or(uses[b]-uses[a], strings.Compare(a, b))
	})
}

// functions returns the text symbols, sorted, without those that only mark an address.
func (k *kernel) functions() ([]elf.Symbol, error) {
	syms, err := k.file.Symbols()
	if err != nil {
		return nil, fmt.Errorf("reading the symbols of %s: %w", k.path, err)
	}
	var funcs []elf.Symbol
	for _, s := range syms {
		if elf.ST_TYPE(s.Info) == elf.STT_FUNC && s.Size > 0 && s.Value >= k.text.start && s.Value < k.text.end {
			funcs = append(funcs, s)
		}
	}
	sort.SliceStable(funcs, func(i, j int) bool {
		if funcs[i].Value != funcs[j].Value {
			return funcs[i].Value < funcs[j].Value
		}
		return funcs[i].Name < funcs[j].Name
	})
	if len(funcs) == 0 {
		return nil, fmt.Errorf("%s has no function symbols: it was linked with -s", k.path)
	}
	return funcs, nil
}

// keepsFrame says whether the function pushes the frame pointer: PUSH RBP; MOV RBP, RSP.
func (k *kernel) keepsFrame(f elf.Symbol) bool {
	code := k.text.data[min(f.Value-k.text.start, uint64(len(k.text.data))):]
	return bytes.Contains(code[:min(f.Size, 64, uint64(len(code)))], []byte{0x55, 0x48, 0x89, 0xe5})
}

// lines returns DWARF's line table as rows sorted by pc, one for each.
func (k *kernel) lines() ([]row, error) {
	d, err := k.file.DWARF()
	if err != nil {
		return nil, fmt.Errorf("reading the DWARF of %s: %w", k.path, err)
	}
	var rows []row
	for r := d.Reader(); ; {
		cu, err := r.Next()
		if err != nil {
			return nil, fmt.Errorf("reading the DWARF of %s: %w", k.path, err)
		}
		if cu == nil {
			break
		}
		r.SkipChildren()
		if cu.Tag != dwarf.TagCompileUnit {
			continue
		}
		lr, err := d.LineReader(cu)
		if err != nil {
			return nil, fmt.Errorf("reading the line table of %s: %w", k.path, err)
		}
		if lr == nil {
			continue
		}
		for {
			var e dwarf.LineEntry
			if err := lr.Next(&e); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				return nil, fmt.Errorf("reading the line table of %s: %w", k.path, err)
			}
			if !e.EndSequence && e.File != nil {
				rows = append(rows, row{e.Address, shortName(e.File.Name), e.Line})
			}
		}
	}
	sort.SliceStable(rows, func(i, j int) bool { return rows[i].pc < rows[j].pc })
	n := 0
	for _, r := range rows {
		if n > 0 && rows[n-1].pc == r.pc {
			n-- // the last row for an address is the one that counts
		}
		rows[n] = r
		n++
	}
	return rows[:n], nil
}

// shortName makes a trimmed path relative to the module: exo/kernel/main.go is kernel/main.go, and a file that the
// overlay put into Go's runtime is the shim's.
func shortName(name string) string {
	for _, r := range ring0.replaced {
		if file, ok := strings.CutPrefix(name, r.pkg+"/"+shimPrefix); ok {
			return r.shim + "/" + file
		}
	}
	return strings.TrimPrefix(strings.TrimPrefix(name, "exo/"), "./")
}
