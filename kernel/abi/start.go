package abi

// Where the kernel puts things for the initial environment; others do as their parents like.
const (
	InitStart      = LibOS + 0x1e_1000 // a page with Start; RDI points at it
	InitUpcallLow  = LibOS + 0x1e_2000 // its first thread's upcall stack
	InitUpcallHigh = Image
	InitStackLow   = LibOS + 0xe_0000 // and its stack
	InitStackHigh  = LibOS + 0x10_0000
)

// Start is what the initial environment is given: names of its capabilities. It finds those of its own frames by CapHeld.
type Start struct {
	Version      uint64 // Version
	Memory       uint64 // its account: all frames but what the kernel keeps
	Console      uint64
	Ports        uint64     // all of them
	Archive      uint64     // frames of the initramfs, to be read
	ArchiveAt    uint64     // where in the first of them it begins
	ArchiveBytes uint64     // how long it is
	CPUs         [64]uint64 // each CPU's time; 0: there is none
	Interrupts   [16]uint64 // lines of devices, by their old numbers
	Image        uint64     // bytes of init.bin in memory, page by page
	ImageHigh    uint64     // first address past it
	LineBytes    uint64     // of Line
	Line         [1024]byte // the kernel's command line
	Env          uint64     // itself; and so, by CapDerive, every environment
	Files        uint64     // the root directory; 0: there are no files
	Extent       uint64     // what of the disk its file system leaves; 0: nothing
}

// ImageMagic is how a program's image begins.
const ImageMagic = "EXOUSER1"

// ImageHeader begins an image; so many ImageSegments follow.
type ImageHeader struct {
	Magic    [8]byte
	Entry    uint64
	Segments uint64 // at most 16
}

// ImageSegment is a part of an image that is in memory in one piece.
type ImageSegment struct {
	VA     uint64 // a multiple of the page size
	Offset uint64 // where it is in the file
	Bytes  uint64 // how much of it
	Memory uint64 // bytes in memory; what the file does not have is zero
	Perm   Perm
}
