package acpi

// Root is the list of all tables: the XSDT, or the RSDT where there is no sound
// XSDT (ACPI 6.5 §5.2.7, §5.2.8). The zero Root names no table.
type Root struct {
	mem     Memory
	addr    uint64
	entries []byte // the table's body: width bytes of physical address per entry
	width   int
	xsdtErr error
}

// Table is one line of the boot log: a table that the root names.
type Table struct {
	Signature [4]byte // zero if the header cannot be read
	Addr      uint64  // physical
	Len       uint32  // bytes, as the header claims
	Revision  uint8
	Err       error // what makes it unusable, or nil
}

// Open reads the RSDP at physical address addr and the root table it names.
// Errors are those of the RSDP, or of the last root table that was tried.
func Open(mem Memory, addr uint64) (Root, error) {
	p, err := readRSDP(mem, addr)
	if err != nil {
		return Root{}, err
	}
	return open(mem, p)
}

// OpenRSDP does what Open does with a copy of the RSDP, as a loader hands it over
// (Multiboot2 §3.6.15, §3.6.16). A copy of 20 bytes is taken as revision 0.
func OpenRSDP(mem Memory, copied []byte) (Root, error) {
	p, err := parseRSDP(copied)
	if err != nil {
		return Root{}, err
	}
	return open(mem, p)
}

func open(mem Memory, p rsdp) (Root, error) {
	xsdtErr := error(nil)
	if p.xsdt != 0 {
		r, err := openTable(mem, p.xsdt, "XSDT", 8)
		if err == nil {
			return r, nil
		}
		xsdtErr = err
	}
	if p.rsdt == 0 {
		if xsdtErr == nil {
			xsdtErr = ErrAbsent
		}
		return Root{}, xsdtErr
	}
	r, err := openTable(mem, p.rsdt, "RSDT", 4)
	r.xsdtErr = xsdtErr
	return r, err
}

func openTable(mem Memory, addr uint64, sig string, width int) (Root, error) {
	b, err := table(mem, addr)
	if err != nil {
		return Root{}, err
	}
	if string(b[:4]) != sig {
		return Root{}, ErrSignature
	}
	// Bytes that do not make up a whole entry say nothing and are left out.
	body := b[headerLen:]
	if len(body)/width > MaxTables {
		return Root{}, ErrTooManyTables
	}
	return Root{mem: mem, addr: addr, entries: body, width: width}, nil
}

// Addr returns the physical address of the root table, for the boot log.
func (r *Root) Addr() uint64 { return r.addr }

// Extended says whether the root is an XSDT.
func (r *Root) Extended() bool { return r.width == 8 }

// Fallback returns why the RSDT is used although the RSDP names an XSDT; nil if
// it is not so.
func (r *Root) Fallback() error { return r.xsdtErr }

// len returns the number of entries.
func (r *Root) len() int {
	if r.width == 0 {
		return 0
	}
	return len(r.entries) / r.width
}

// entry returns the physical address of the i-th table; 0 is an empty entry.
func (r *Root) entry(i int) uint64 {
	b := r.entries[i*r.width:]
	if r.width == 8 {
		return le64(b)
	}
	return uint64(le32(b))
}

// Find returns the bytes of the first sound table with this signature of four
// characters. If there are only unsound ones it returns what is wrong with the
// first of them, and if there is none ErrAbsent. The DSDT is not in the root: see DSDT.
func (r *Root) Find(sig string) ([]byte, error) {
	found := error(ErrAbsent)
	for i := range r.len() {
		addr := r.entry(i)
		if addr == 0 {
			continue
		}
		h := read(r.mem, addr, headerLen)
		if h == nil || string(h[:4]) != sig {
			continue
		}
		b, err := table(r.mem, addr)
		if err == nil {
			return b, nil
		}
		if found == ErrAbsent {
			found = err
		}
	}
	return nil, found
}

// Tables yields each table that the root names, sound or not:
//
//	for t := range root.Tables { ... }
func (r *Root) Tables(yield func(Table) bool) {
	for i := range r.len() {
		t := Table{Addr: r.entry(i)}
		if t.Addr == 0 {
			continue
		}
		if h := read(r.mem, t.Addr, headerLen); h != nil {
			copy(t.Signature[:], h)
			t.Len = le32(h[4:])
			t.Revision = revision(h)
		}
		_, t.Err = table(r.mem, t.Addr)
		if !yield(t) {
			return
		}
	}
}

// At returns the bytes of the table at a physical address that another table gave.
func (r *Root) At(addr uint64, sig string) ([]byte, error) {
	if addr == 0 || r.mem == nil {
		return nil, ErrAbsent
	}
	b, err := table(r.mem, addr)
	if err != nil {
		return nil, err
	}
	if string(b[:4]) != sig {
		return nil, ErrSignature
	}
	return b, nil
}

// DSDT returns the bytes of the differentiated system description table, which
// only the FADT names (ACPI 6.5 §5.2.11.1).
func (r *Root) DSDT() ([]byte, error) {
	b, err := r.Find("FACP")
	if err != nil {
		return nil, err
	}
	t, err := ParseFADT(b)
	if err != nil {
		return nil, err
	}
	return r.At(t.DSDT, "DSDT")
}
