package symtab

// The table is a fifth of the image, and half of what it would be: it is packed as an LZ4 block (Collet, "LZ4 Block Format Description").
//
//	packed   "EXOLZ4\n\0", u32 bytes of the table, a block
//	block    sequences of: token: how many literals << 4, how many more than 4 to copy; each 15: and bytes to add, up to one below 255
//	         literals
//	         u16 how far back to copy from; the last sequence ends before it
const (
	packedMagic = "EXOLZ4\n\x00"
	packedSize  = 8 + 4
)

// MaxSize is how large a table may be, in bytes, for a kernel has room for it before it has memory.
const MaxSize = 320 << 10

// Expand unpacks what is packed in b into to. False: it is no such thing, or does not fit.
func Expand(to, b []byte) (table []byte, ok bool) {
	if len(b) < packedSize || str(b[:8]) != packedMagic {
		return nil, false
	}
	size := le32(b[8:])
	if uint64(size) > uint64(len(to)) {
		return nil, false
	}
	to, b = to[:size], b[packedSize:]
	n := 0
	for len(b) > 0 {
		token := b[0]
		b = b[1:]
		var count int
		if count, b, ok = length(int(token>>4), b); !ok || count > len(b) || count > len(to)-n {
			return nil, false
		}
		n += copy(to[n:], b[:count])
		if b = b[count:]; n == len(to) { // what follows, if anything, is no more of it
			return to, true
		}
		if len(b) < 2 {
			return nil, false
		}
		back := int(b[0]) | int(b[1])<<8
		if count, b, ok = length(int(token&15), b[2:]); !ok || back == 0 || back > n || count+4 > len(to)-n {
			return nil, false
		}
		for range count + 4 { // one by one: what is copied may begin in what is being made
			to[n] = to[n-back]
			n++
		}
	}
	return nil, false
}

// length reads the rest of a length.
func length(n int, b []byte) (int, []byte, bool) {
	if n < 15 {
		return n, b, true
	}
	for i, more := range b {
		if n += int(more); more < 255 {
			return n, b[i+1:], true
		}
		if n > MaxSize {
			break
		}
	}
	return 0, nil, false
}
