package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Programs carry no backtrace tables: the program's unstripped copy has them, for the debugger. What they need of Go's own
// function table is small: for recover, which functions defer calls and where each goes on afterwards, and which functions
// the compiler made to wrap another. libos/runtime/module.go reads it, at the place of the table that it is made from:
//
//	magic, number n of functions, number m of itabs                     64 bits each
//	m ×   address of an itab: what type assertions must find, which the linker's list behind Go's table says otherwise
//	n ×   start, end (from the text's beginning), where deferred calls are run from start on, 1 if it wraps another

const functionMagic = "XODEFER1"

// Of Go's table, as internal/abi and runtime describe it.
const (
	goTableMagic  = 0xfffffff1
	funcIDWrapper = 23
	funcHeader    = 44
)

func functionTable(go_ []byte, itabs []uint64) ([]byte, error) {
	le := binary.LittleEndian
	if len(go_) < 72 || le.Uint32(go_) != goTableMagic || go_[7] != 8 {
		return nil, errors.New("the function table is none of Go 1.20 or later")
	}
	n, at := le.Uint64(go_[8:]), le.Uint64(go_[64:])
	if at > uint64(len(go_)) || n > uint64(len(go_)) || uint64(len(go_))-at < 8*n+4 {
		return nil, errors.New("the function table is cut off")
	}
	funcs := go_[at:]
	table := append([]byte(functionMagic), make([]byte, 8)...)
	table = le.AppendUint64(table, uint64(len(itabs)))
	for _, at := range itabs {
		table = le.AppendUint64(table, at)
	}
	count := uint64(0)
	for i := range n {
		start, off, end := le.Uint32(funcs[8*i:]), uint64(le.Uint32(funcs[8*i+4:])), le.Uint32(funcs[8*i+8:])
		if off+funcHeader > uint64(len(funcs)) {
			return nil, fmt.Errorf("function %d of the table is cut off", i)
		}
		f := funcs[off:]
		deferreturn, wrapper := le.Uint32(f[12:]), uint32(0)
		if f[40] == funcIDWrapper {
			wrapper = 1
		}
		if deferreturn != 0 || wrapper != 0 {
			for _, v := range []uint32{start, end, deferreturn, wrapper} {
				table = le.AppendUint32(table, v)
			}
			count++
		}
	}
	le.PutUint64(table[8:], count)
	if len(table) > len(go_) {
		return nil, errors.New("the table of deferring functions is larger than that of all")
	}
	return table, nil
}

// itabs returns the addresses of the itabs that the linker made.
func (k *kernel) itabs() ([]uint64, error) {
	syms, err := k.file.Symbols()
	if err != nil {
		return nil, fmt.Errorf("reading the symbols of %s: %w", k.path, err)
	}
	var at []uint64
	for _, s := range syms {
		if strings.HasPrefix(s.Name, "go:itab.") && s.Value >= k.rodata.start && s.Value < k.rodata.end {
			at = append(at, s.Value)
		}
	}
	slices.Sort(at)
	at = slices.Compact(at)
	if list := k.file.Section(".itablink"); list != nil && list.Size != uint64(8*len(at)) {
		return nil, fmt.Errorf("%s: %d itabs have names, and .itablink has %d bytes", k.path, len(at), list.Size)
	}
	return at, nil
}
