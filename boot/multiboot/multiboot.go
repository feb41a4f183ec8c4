// Package multiboot reads what a boot loader leaves for the kernel: the map of
// physical memory, the command line, the modules and the RSDP, in the format of
// Multiboot 1 (specification 0.6.96) or Multiboot 2 (specification 2.0).
//
//	magic, address ── Parse ──▶ Info    Ranges, Modules, CommandLine, RSDP, Warnings
//	                   ├─ v1.go          flags say which fields of a fixed block count
//	                   ├─ v2.go          a list of tags
//	                   └─ info.go        what both fill in, and what they drop
//
// Start reading at Parse. The loader's blocks lie in memory that the kernel is about
// to reuse, so Info holds copies; only the modules stay where they are, and their
// memory must be reserved. Nothing the loader says is trusted: whatever makes no sense
// is dropped with a warning, and only what the kernel cannot start without is an error.
//
// The package uses no heap; it runs on the boot CPU before anything else is up.
package multiboot

// What a loader leaves in EAX (0.6.96 §3.2; 2.0 §3.3).
const (
	Magic1 = 0x2badb002
	Magic2 = 0x36d76289
)

// Memory gives access to physical memory.
type Memory interface {
	// Bytes returns the n bytes at physical address addr, or nil if any of them
	// cannot be read. It is never asked for a range that wraps around 2^64.
	Bytes(addr, n uint64) []byte
}

// Error is a reason why the kernel cannot start.
type Error string

func (e Error) Error() string { return string(e) }

// What Parse returns. All else is a Warning.
const (
	ErrMagic      = Error("multiboot: the magic number is of no loader that is known")
	ErrUnreadable = Error("multiboot: the information block lies outside readable memory")
	ErrShort      = Error("multiboot: the information block is shorter than its fixed fields")
	ErrTooLong    = Error("multiboot: the information block is longer than the limit of 1 MiB")
	ErrNoMemory   = Error("multiboot: the loader names no usable memory")
)

// Parse fills in *into from the block at physical address addr, of the format that
// magic stands for. What *into held before is gone, also after an error.
func Parse(mem Memory, magic uint32, addr uint64, into *Info) error {
	*into = Info{}
	err := error(ErrMagic)
	switch magic {
	case Magic1:
		into.Version = 1
		err = into.parse1(mem, addr)
	case Magic2:
		into.Version = 2
		err = into.parse2(mem, addr)
	}
	if err != nil {
		return err
	}
	return into.finish()
}

// read returns n bytes at addr, or nil. It is the only caller of Memory.Bytes.
func read(mem Memory, addr, n uint64) []byte {
	if addr+n < addr {
		return nil
	}
	b := mem.Bytes(addr, n)
	if uint64(len(b)) < n {
		return nil
	}
	return b[:n:n]
}

// readText copies the text at addr up to its NUL into dst and returns its length.
// It is not whole if dst was too small or the text runs out of readable memory.
func readText(mem Memory, addr uint64, dst []byte) (n int, whole bool) {
	// Byte by byte, for nothing says how far the text may be read.
	for ; ; n++ {
		b := read(mem, addr+uint64(n), 1)
		if b == nil {
			return n, false
		}
		if b[0] == 0 {
			return n, true
		}
		if n == len(dst) {
			return n, false
		}
		dst[n] = b[0]
	}
}

// copyText does the same with text that lies in src.
func copyText(src, dst []byte) (n int, whole bool) {
	for ; n < len(src); n++ {
		if src[n] == 0 {
			return n, true
		}
		if n == len(dst) {
			return n, false
		}
		dst[n] = src[n]
	}
	return n, false
}

func le32(b []byte) uint32 {
	_ = b[3]
	return uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24
}

func le64(b []byte) uint64 { return uint64(le32(b)) | uint64(le32(b[4:]))<<32 }
