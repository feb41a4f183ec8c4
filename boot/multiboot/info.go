package multiboot

import "unsafe"

// Limits of what Info holds.
const (
	MaxRanges      = 128
	MaxModules     = 16
	MaxCommandLine = 2048 // bytes, without NUL
	MaxModuleText  = 128
	MaxLoaderName  = 64
	MaxRSDP        = 64
	MaxWarnings    = 8
)

// Kind is the type of a memory range; numbers not named here are reserved
// (0.6.96 §3.3, 2.0 §3.6.8).
type Kind uint32

// The kinds of memory.
const (
	Usable      Kind = 1
	Reserved    Kind = 2
	Reclaimable Kind = 3 // holds ACPI tables; usable once they are read
	NVS         Kind = 4 // ACPI's, never to be used
	Bad         Kind = 5
)

// Range is a piece of the physical address space. Ranges come in the loader's
// order; they may overlap, and then the one that is not usable counts.
type Range struct {
	Base, Len uint64 // bytes; Len is never 0, Base+Len is at most 2^64-1
	Kind      Kind
}

// Module is a file that the loader put into memory.
type Module struct {
	Base, Len uint64 // bytes; Base+Len does not wrap
	text      [MaxModuleText]byte
	nText     int
}

// CommandLine returns the text that goes with the module.
func (m *Module) CommandLine() string { return text(m.text[:m.nText]) }

// Warning is something that was dropped or cut, for the boot log.
type Warning struct {
	Text string
	Arg  uint64 // what it is about: an address, a size or a count, as Text says
}

// Info is what the loader said, checked and copied. It is about 8 KiB: a variable
// of the package that uses it, not of a function. The texts it returns lie in it and
// change with the next Parse.
type Info struct {
	Version int // of the protocol: 1 or 2

	Ranges  [MaxRanges]Range
	NRanges int

	// Modules whose memory must be reserved: all other blocks of the loader are copied.
	Modules  [MaxModules]Module
	NModules int

	Warnings  [MaxWarnings]Warning // the first ones
	NWarnings int                  // all, also those for which there was no place

	commandLine  [MaxCommandLine]byte
	nCommandLine int
	loaderName   [MaxLoaderName]byte
	nLoaderName  int
	rsdp         [MaxRSDP]byte
	nRSDP        int
}

// CommandLine returns the kernel's command line, "" if there is none.
func (i *Info) CommandLine() string { return text(i.commandLine[:i.nCommandLine]) }

// LoaderName returns what the loader calls itself, "" if it does not say.
func (i *Info) LoaderName() string { return text(i.loaderName[:i.nLoaderName]) }

// RSDP returns the loader's copy of ACPI's root pointer, nil if there is none: then
// it is to be searched for in memory. It is not verified here.
func (i *Info) RSDP() []byte {
	if i.nRSDP == 0 {
		return nil
	}
	return i.rsdp[:i.nRSDP]
}

// text views bytes as a string without a copy.
func text(b []byte) string {
	// SAFETY: b lies in an Info, which outlives the string and changes only in Parse.
	// A slice's pointer and length come first in it, as a string's do. unsafe.String would
	// check for lengths that a slice cannot have, and those checks have no place in ring 0.
	return *(*string)(unsafe.Pointer(&b))
}

// warn notes something that was dropped or cut; text is a constant.
func (i *Info) warn(text string, arg uint64) {
	if i.NWarnings < MaxWarnings {
		i.Warnings[i.NWarnings] = Warning{text, arg}
	}
	i.NWarnings++
}

// addRange takes over one entry of the memory map.
func (i *Info) addRange(base, n uint64, kind Kind) {
	if n == 0 {
		return
	}
	if base+n < base {
		if kind == Usable {
			i.warn("dropped a usable memory range that wraps around, at address", base)
			return
		}
		// The part below the top is reserved whatever the rest was meant to be.
		if n = ^uint64(0) - base; n == 0 {
			return
		}
	}
	if i.NRanges < MaxRanges {
		i.Ranges[i.NRanges] = Range{base, n, kind}
		i.NRanges++
		return
	}
	// The table is full. Better to lose memory than to lose a reservation of it.
	if kind != Usable {
		for j := MaxRanges - 1; j >= 0; j-- {
			if r := &i.Ranges[j]; r.Kind == Usable {
				i.warn("dropped a usable memory range beyond the limit of 128, at address", r.Base)
				*r = Range{base, n, kind}
				return
			}
		}
	}
	i.warn("dropped a memory range beyond the limit of 128, at address", base)
}

// addBasic takes over the two sizes in KiB that loaders give besides the map:
// memory from 0, and memory from 1 MiB up to the first hole (0.6.96 §3.3, 2.0 §3.6.4).
func (i *Info) addBasic(lowerKiB, upperKiB uint32) {
	i.addRange(0, uint64(min(lowerKiB, 640))<<10, Usable)
	i.addRange(1<<20, uint64(upperKiB)<<10, Usable)
}

// addModule takes over one module, the bytes from start up to end, and returns
// where its text goes; nil if it is dropped.
func (i *Info) addModule(start, end uint64) *Module {
	if end < start {
		i.warn("dropped a module that ends before it starts, at address", start)
		return nil
	}
	if i.NModules == MaxModules {
		i.warn("dropped a module beyond the limit of 16, at address", start)
		return nil
	}
	m := &i.Modules[i.NModules]
	i.NModules++
	m.Base, m.Len = start, end-start
	return m
}

// hasUsable says whether a range of this kind is in the map.
func (i *Info) hasUsable() bool {
	for j := range i.NRanges {
		if i.Ranges[j].Kind == Usable {
			return true
		}
	}
	return false
}

// finish checks what can be checked only when everything has been read.
func (i *Info) finish() error {
	if !i.hasUsable() {
		return ErrNoMemory
	}
	kept := 0
	for j := range i.NModules {
		m := &i.Modules[j]
		if !i.inMemory(m) {
			i.warn("dropped a module that lies outside usable memory, at address", m.Base)
			continue
		}
		if kept != j {
			i.Modules[kept] = *m
		}
		kept++
	}
	i.NModules = kept
	return nil
}

// inMemory says whether any of the module's bytes is usable memory. An empty
// module is nowhere, and harmless.
func (i *Info) inMemory(m *Module) bool {
	if m.Len == 0 {
		return true
	}
	for j := range i.NRanges {
		r := &i.Ranges[j]
		if r.Kind == Usable && m.Base < r.Base+r.Len && r.Base < m.Base+m.Len {
			return true
		}
	}
	return false
}
