package multiboot

// Tags of the Multiboot 2 information block (2.0 §3.6).
const (
	tagEnd         = 0
	tagCommandLine = 1
	tagLoaderName  = 2
	tagModule      = 3
	tagBasic       = 4
	tagMap         = 6
	tagOldRSDP     = 14
	tagNewRSDP     = 15
)

const (
	head2 = 8       // bytes of the block's header, and of each tag's
	max2  = 1 << 20 // bytes of the whole block
)

// parse2 walks the tags: type and size of each in 32 bits, the next one after it
// at a multiple of 8 from the block's start.
func (i *Info) parse2(mem Memory, addr uint64) error {
	b := read(mem, addr, head2)
	if b == nil {
		return ErrUnreadable
	}
	total := uint64(le32(b))
	if total < head2 {
		return ErrShort
	}
	if total > max2 {
		return ErrTooLong
	}
	if b = read(mem, addr, total); b == nil {
		return ErrUnreadable
	}
	var basic []byte
	ended := false
	for off := uint64(head2); off < total && total-off >= head2; {
		typ, size := le32(b[off:]), uint64(le32(b[off+4:]))
		if size < head2 || size > total-off {
			i.warn("cut the information block at a tag of absurd size, bytes", size)
			ended = true
			break
		}
		if typ == tagEnd {
			ended = true
			break
		}
		body := b[off+head2 : off+size : off+size]
		if typ == tagBasic {
			basic = body
		} else {
			i.tag2(typ, body)
		}
		off = (off + size + 7) &^ 7
	}
	if !ended {
		i.warn("the information block has no end tag, bytes", total)
	}
	if len(basic) >= 8 && !i.hasUsable() {
		i.warn("there is no memory map with anything usable, took the basic sizes; KiB above 1 MiB", uint64(le32(basic[4:])))
		i.addBasic(le32(basic), le32(basic[4:]))
	}
	return nil
}

// tag2 takes over one tag; those it does not know are skipped without a word.
func (i *Info) tag2(typ uint32, b []byte) {
	var whole bool
	switch typ {
	case tagCommandLine:
		if i.nCommandLine, whole = copyText(b, i.commandLine[:]); !whole {
			i.warn("cut the command line, bytes kept", uint64(i.nCommandLine))
		}
	case tagLoaderName:
		if i.nLoaderName, whole = copyText(b, i.loaderName[:]); !whole {
			i.warn("cut the loader's name, bytes kept", uint64(i.nLoaderName))
		}
	case tagModule:
		if len(b) < 8 {
			i.warn("dropped a module tag without addresses, bytes", uint64(len(b)))
			return
		}
		m := i.addModule(uint64(le32(b)), uint64(le32(b[4:])))
		if m == nil {
			return
		}
		if m.nText, whole = copyText(b[8:], m.text[:]); !whole {
			i.warn("cut the text of the module at address", m.Base)
		}
	case tagMap:
		i.map2(b)
	case tagOldRSDP, tagNewRSDP:
		i.rsdp2(typ, b)
	}
}

// map2 reads the memory map: entries of base, length and type, of a size given
// once (2.0 §3.6.8).
func (i *Info) map2(b []byte) {
	if len(b) < 8 {
		i.warn("dropped a memory map without header, bytes", uint64(len(b)))
		return
	}
	size := uint64(le32(b))
	if size < 24 {
		i.warn("dropped a memory map with entries of absurd size, bytes", size)
		return
	}
	b = b[8:]
	for uint64(len(b)) >= size {
		i.addRange(le64(b), le64(b[8:]), Kind(le32(b[16:])))
		b = b[size:]
	}
	if len(b) != 0 {
		i.warn("dropped an entry that the memory map ends within, bytes", uint64(len(b)))
	}
}

// rsdp2 keeps the copy of the RSDP; one of ACPI 2.0 replaces one of ACPI 1.0, which
// lacks the address of the XSDT, and not the other way round.
func (i *Info) rsdp2(typ uint32, b []byte) {
	if len(b) == 0 || len(b) > MaxRSDP {
		i.warn("dropped a copy of the RSDP of absurd size, bytes", uint64(len(b)))
		return
	}
	if typ == tagOldRSDP && i.nRSDP != 0 {
		return
	}
	i.nRSDP = copy(i.rsdp[:], b)
}
