package multiboot

// Flags: which fields of the Multiboot 1 information block count (0.6.96 §3.3).
const (
	flagBasic       = 1 << 0
	flagCommandLine = 1 << 2
	flagModules     = 1 << 3
	flagMap         = 1 << 6
	flagLoaderName  = 1 << 9
)

// Offsets of those fields, in bytes.
const (
	off1Flags       = 0
	off1Lower       = 4 // KiB
	off1Upper       = 8 // KiB
	off1CommandLine = 16
	off1NModules    = 20
	off1Modules     = 24
	off1MapLen      = 44
	off1Map         = 48
	off1LoaderName  = 64
	len1            = 68
)

// max1Map bounds the work on a map: it is far more than MaxRanges entries.
const max1Map = 64 << 10

func (i *Info) parse1(mem Memory, addr uint64) error {
	b := read(mem, addr, len1)
	if b == nil {
		return ErrUnreadable
	}
	flags := le32(b[off1Flags:])
	if flags&flagMap != 0 {
		i.map1(mem, uint64(le32(b[off1Map:])), uint64(le32(b[off1MapLen:])))
	}
	if flags&flagBasic != 0 && !i.hasUsable() {
		if flags&flagMap != 0 {
			i.warn("the memory map has nothing usable, took the basic sizes instead; its address is", uint64(le32(b[off1Map:])))
		}
		i.addBasic(le32(b[off1Lower:]), le32(b[off1Upper:]))
	}
	if flags&flagCommandLine != 0 {
		var whole bool
		if i.nCommandLine, whole = readText(mem, uint64(le32(b[off1CommandLine:])), i.commandLine[:]); !whole {
			i.warn("cut the command line, bytes kept", uint64(i.nCommandLine))
		}
	}
	if flags&flagLoaderName != 0 {
		var whole bool
		if i.nLoaderName, whole = readText(mem, uint64(le32(b[off1LoaderName:])), i.loaderName[:]); !whole {
			i.warn("cut the loader's name, bytes kept", uint64(i.nLoaderName))
		}
	}
	if flags&flagModules != 0 {
		i.modules1(mem, uint64(le32(b[off1Modules:])), le32(b[off1NModules:]))
	}
	return nil
}

// map1 reads the memory map: entries of base, length and type, each after its own
// size, which does not count itself.
func (i *Info) map1(mem Memory, addr, n uint64) {
	if n > max1Map {
		i.warn("cut a memory map longer than 64 KiB, bytes claimed", n)
		n = max1Map
	}
	for off := uint64(0); off < n; {
		if n-off < 24 {
			i.warn("dropped an entry that the memory map ends within, bytes", n-off)
			return
		}
		e := read(mem, addr+off, 4)
		if e == nil {
			i.warn("cut an unreadable memory map at address", addr+off)
			return
		}
		// There is no telling where the next entry starts if this size is wrong.
		size := uint64(le32(e))
		if size < 20 || size > n-off-4 {
			i.warn("cut the memory map at an entry of absurd size, bytes", size)
			return
		}
		if e = read(mem, addr+off+4, 20); e == nil {
			i.warn("cut an unreadable memory map at address", addr+off)
			return
		}
		i.addRange(le64(e), le64(e[8:]), Kind(le32(e[16:])))
		off += 4 + size
	}
}

// modules1 reads the module list: start, end and text address of each.
func (i *Info) modules1(mem Memory, addr uint64, n uint32) {
	for j := range uint64(n) {
		if i.NModules == MaxModules {
			i.warn("dropped the modules beyond the limit of 16, count of all", uint64(n))
			return
		}
		b := read(mem, addr+16*j, 16)
		if b == nil {
			i.warn("cut an unreadable module list at address", addr+16*j)
			return
		}
		m := i.addModule(uint64(le32(b)), uint64(le32(b[4:])))
		at := uint64(le32(b[8:]))
		if m == nil || at == 0 {
			continue
		}
		var whole bool
		if m.nText, whole = readText(mem, at, m.text[:]); !whole {
			i.warn("cut the text of the module at address", m.Base)
		}
	}
}
