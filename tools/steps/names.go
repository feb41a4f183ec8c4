package main

import (
	"debug/dwarf"
	"debug/elf"
	"fmt"
	"sort"
	"strings"
)

// names knows whose each instruction is.
type names struct {
	entry   uint64 // where SYSCALL goes
	symbols []elf.Symbol
	spans   []span
}

// span is a part of a function, or of one that was put into it, at a depth.
type span struct {
	low, high uint64
	depth     int
	name      string
}

// atoms are what every function is made of: they count as part of it.
var atoms = []string{"sync/atomic.", "internal/runtime/atomic.", "exo/kernel/sync/atom.", "math/bits."}

func readNames(path string) (*names, error) {
	f, err := elf.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading the kernel's symbols (make build makes it): %w", err)
	}
	defer f.Close()
	n := &names{}
	if n.symbols, err = f.Symbols(); err != nil {
		return nil, fmt.Errorf("reading symbols of %s: %w", path, err)
	}
	for _, s := range n.symbols {
		if s.Name == "exo/arch/amd64.sysEntry" {
			n.entry = s.Value
		}
	}
	sort.Slice(n.symbols, func(i, j int) bool { return n.symbols[i].Value < n.symbols[j].Value })
	d, err := f.DWARF()
	if err != nil {
		return nil, fmt.Errorf("reading debug information of %s: %w", path, err)
	}
	return n, n.readSpans(d)
}

// readSpans reads which functions were put into which.
func (n *names) readSpans(d *dwarf.Data) error {
	depth := 0
	for r := d.Reader(); ; {
		e, err := r.Next()
		switch {
		case err != nil:
			return fmt.Errorf("reading debug information: %w", err)
		case e == nil:
			return nil
		case e.Tag == 0:
			depth--
			continue
		}
		if e.Tag == dwarf.TagSubprogram || e.Tag == dwarf.TagInlinedSubroutine {
			ranges, err := d.Ranges(e)
			if err != nil {
				return fmt.Errorf("reading debug information: %w", err)
			}
			for _, p := range ranges {
				n.spans = append(n.spans, span{p[0], p[1], depth, nameOf(d, e)})
			}
		}
		if e.Children {
			depth++
		}
	}
}

func nameOf(d *dwarf.Data, e *dwarf.Entry) string {
	if name, ok := e.Val(dwarf.AttrName).(string); ok {
		return name
	}
	if at, ok := e.Val(dwarf.AttrAbstractOrigin).(dwarf.Offset); ok {
		r := d.Reader()
		r.Seek(at)
		if origin, err := r.Next(); err == nil && origin != nil {
			name, _ := origin.Val(dwarf.AttrName).(string)
			return name
		}
	}
	return "?"
}

// of is the function that an instruction is of: the innermost that is more than an atom.
func (n *names) of(pc uint64) string {
	best := span{depth: -1}
	for _, s := range n.spans {
		if s.low <= pc && pc < s.high && s.depth > best.depth && !isAtom(s.name) {
			best = s
		}
	}
	if best.depth >= 0 {
		return best.name
	}
	if i := sort.Search(len(n.symbols), func(i int) bool { return n.symbols[i].Value > pc }); i > 0 {
		return n.symbols[i-1].Name
	}
	return "?"
}

func isAtom(name string) bool {
	for _, a := range atoms {
		if strings.HasPrefix(name, a) {
			return true
		}
	}
	return false
}
