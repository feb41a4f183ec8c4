package initramfs

// An entry is a header of 110 characters, the name with its NUL, and the contents;
// name and contents are filled up with zeros to the next multiple of 4, counted from
// the start of the archive. The header is a magic number of six characters and then
// fields of eight hexadecimal digits each, at these offsets.
const (
	magic       = "070701"
	offMode     = 14
	offFileSize = 54
	offNameSize = 94
	headerLen   = 110
	fieldLen    = 8
)

// trailer is the name of the entry that ends an archive.
const trailer = "TRAILER!!!"

// parse decodes the entry that starts b, at a multiple of 4, and returns its size with
// all padding. If there is an error, at is where in b.
func parse(b []byte) (e Entry, size, at int, err error) {
	if len(b) < headerLen {
		return e, 0, len(b), ErrTruncated
	}
	if string(b[:len(magic)]) != magic {
		return e, 0, 0, ErrMagic
	}
	for off := len(magic); off < headerLen; off += fieldLen {
		if _, ok := hex(b[off:]); !ok {
			return e, 0, off, ErrHex
		}
	}
	mode, _ := hex(b[offMode:])
	fileSize, _ := hex(b[offFileSize:])
	nameSize, _ := hex(b[offNameSize:])
	if nameSize < 2 || nameSize > MaxNameLen {
		return e, 0, offNameSize, ErrNameLen
	}
	// All sums are of 32-bit numbers in 64 bits: they do not wrap.
	nameEnd := headerLen + int64(nameSize)
	data := align(nameEnd)
	if fileSize == 0 {
		data = nameEnd // nothing follows here that padding would align
	}
	dataEnd := data + int64(fileSize)
	if dataEnd > int64(len(b)) {
		return e, 0, len(b), ErrTruncated
	}
	name := b[headerLen:nameEnd]
	if !sound(name) {
		return e, 0, headerLen, ErrName
	}
	e = Entry{
		Name: text(trim(name[:len(name)-1])),
		Mode: mode,
		Data: b[data:dataEnd:dataEnd],
	}
	// The archive's very last padding may be missing.
	return e, int(min(align(dataEnd), int64(len(b)))), 0, nil
}

func align(n int64) int64 { return (n + 3) &^ 3 }

// hex decodes the field that starts b.
func hex(b []byte) (v uint32, ok bool) {
	for _, c := range b[:fieldLen] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		v = v<<4 | uint32(c)
	}
	return v, true
}

// sound says whether a name, given with its NUL, is one that cannot lead out of the
// root: its elements are neither empty, as the first one of an absolute name is, nor "..".
func sound(name []byte) bool {
	last := len(name) - 1
	start := 0 // of the current element
	for i, c := range name {
		if c != '/' && c != 0 {
			continue
		}
		if i == start || string(name[start:i]) == ".." || (c == 0) != (i == last) {
			return false
		}
		start = i + 1
	}
	return start == last+1
}

// trim removes "./" in front, as find(1) writes it: "./bin/init" is "bin/init".
func trim(name []byte) []byte {
	for len(name) > 2 && name[0] == '.' && name[1] == '/' {
		name = name[2:]
	}
	return name
}
