// Package symtab finds the function, file and line of a code address in the table that tools/mkimage makes.
//
// The format stands at the head of tools/mkimage/symbols.go. The table comes with the kernel's own image, so a fault in
// it is a fault of the build; it is checked all the same, because it is read while a panic is being reported, when
// nothing may go wrong a second time.
package symtab

import "unsafe"

const (
	magic      = "EXOSYM1\n"
	headerSize = 8 + 4*4
	funcSize   = 12
	base       = 0xffffffff80000000 // addresses in the table are relative to this
	hasFrame   = 1 << 31
)

// Table is an opened symbol table; the zero Table knows nothing.
type Table struct {
	funcs, files, lines, strs []byte
	n                         int
}

// Symbol is what the table says about an address.
type Symbol struct {
	Func     string // "" if unknown
	File     string // relative to the module, or the import path of a stock package
	Line     int    // 0 if unknown
	Offset   uint64 // from the function's first byte
	HasFrame bool   // the function keeps a frame pointer, so RBP is its own once its prologue has run
}

// Open checks the table in b, which must stay as it is.
func Open(b []byte) (Table, bool) {
	if len(b) < headerSize || str(b[:8]) != magic {
		return Table{}, false
	}
	n, m := uint64(le32(b[8:])), uint64(le32(b[12:]))
	lines, strs := uint64(le32(b[16:])), uint64(le32(b[20:]))
	if n == 0 || headerSize+(n+1)*funcSize+m*4+lines+strs > uint64(len(b)) {
		return Table{}, false
	}
	b = b[headerSize:]
	t := Table{n: int(n)}
	t.funcs, b = b[:(n+1)*funcSize], b[(n+1)*funcSize:]
	t.files, b = b[:m*4], b[m*4:]
	t.lines, b = b[:lines], b[lines:]
	t.strs = b[:strs]
	return t, true
}

// Len is the number of functions.
func (t *Table) Len() int { return t.n }

func (t *Table) pc(i int) uint64 { return base + uint64(le32(t.funcs[i*funcSize:])) }

// Lookup finds the function that pc is in. For a return address pass pc-1: the call, not what follows it.
func (t *Table) Lookup(pc uint64) (s Symbol, ok bool) {
	if t.n == 0 || pc < t.pc(0) || pc >= t.pc(t.n) {
		return s, false
	}
	lo, hi := 0, t.n // pc(lo) <= pc < pc(hi)
	for hi-lo > 1 {
		if mid := (lo + hi) / 2; t.pc(mid) <= pc {
			lo = mid
		} else {
			hi = mid
		}
	}
	name := le32(t.funcs[lo*funcSize+4:])
	s.Func = t.text(name &^ hasFrame)
	s.HasFrame = name&hasFrame != 0
	s.Offset = pc - t.pc(lo)
	s.File, s.Line = t.line(lo, pc)
	return s, true
}

// line runs function i's line program up to pc.
func (t *Table) line(i int, pc uint64) (string, int) {
	from, to := le32(t.funcs[i*funcSize+8:]), le32(t.funcs[(i+1)*funcSize+8:])
	if from > to || uint64(to) > uint64(len(t.lines)) {
		return "", 0
	}
	at, file, line := t.pc(i), int32(-1), int32(0)
	var l Lines
	for p := t.lines[from:to]; len(p) > 0; {
		step, f, n, rest := l.next(p)
		if at += step; at > pc {
			break
		}
		file, line, p = f, n, rest
	}
	if file < 0 || int(file) >= len(t.files)/4 || line < 0 {
		return "", 0
	}
	return t.text(le32(t.files[file*4:])), int(line)
}

// text returns the NUL-terminated string at an offset.
func (t *Table) text(off uint32) string {
	if uint64(off) >= uint64(len(t.strs)) {
		return ""
	}
	b := t.strs[off:]
	for i, c := range b {
		if c == 0 {
			return str(b[:i])
		}
	}
	return ""
}

func uvarint(b []byte) (v uint64, rest []byte) {
	for i := 0; i < len(b) && i < 10; i++ {
		v |= uint64(b[i]&0x7f) << (7 * uint(i))
		if b[i] < 0x80 {
			return v, b[i+1:]
		}
	}
	return 0, nil
}

func unzigzag(v uint64) int64 { return int64(v>>1) ^ -int64(v&1) }

func le32(b []byte) uint32 {
	return uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24
}

// str views bytes as a string.
//
// SAFETY: the table never changes after Open, and outlives every string made from it.
func str(b []byte) string { return *(*string)(unsafe.Pointer(&b)) }
