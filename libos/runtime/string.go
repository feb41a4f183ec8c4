//go:build exouser

package runtime

import "unsafe"

// Strings. Where the compiler knows that a result does not escape it passes a buffer of its stack.

const tmpStringBufSize = 32

type tmpBuf [tmpStringBufSize]byte

func rawbytes(n int) []byte { return unsafe.Slice((*byte)(mallocgc(uintptr(n), nil, false)), n) }

// buffer returns n bytes, of buf if they fit.
func buffer(buf *tmpBuf, n int) []byte {
	if buf != nil && n <= len(buf) {
		return buf[:n]
	}
	return rawbytes(n)
}

// concatstrings joins: if only one is not empty and it may be returned as it is, it is.
func concatstrings(buf *tmpBuf, a []string) string {
	n, last, count := 0, 0, 0
	for i, x := range a {
		if len(x) > 0 {
			if n += len(x); n < 0 {
				throw("string concatenation too long")
			}
			last, count = i, count+1
		}
	}
	if count == 0 {
		return ""
	}
	if count == 1 && (buf != nil || !onStack(a[last])) {
		return a[last]
	}
	b := buffer(buf, n)[:0]
	for _, x := range a {
		b = b[:len(b)+len(x)]
		copy(b[len(b)-len(x):], x)
	}
	return unsafe.String(unsafe.SliceData(b), n)
}

// onStack says whether a string lies on the stack, where a result may not.
func onStack(s string) bool {
	p := uintptr(unsafe.Pointer(unsafe.StringData(s)))
	gp := getg()
	return gp.StackLo <= p && p < gp.StackHi
}

func concatstring2(buf *tmpBuf, a0, a1 string) string { return concatstrings(buf, []string{a0, a1}) }
func concatstring3(buf *tmpBuf, a0, a1, a2 string) string {
	return concatstrings(buf, []string{a0, a1, a2})
}
func concatstring4(buf *tmpBuf, a0, a1, a2, a3 string) string {
	return concatstrings(buf, []string{a0, a1, a2, a3})
}
func concatstring5(buf *tmpBuf, a0, a1, a2, a3, a4 string) string {
	return concatstrings(buf, []string{a0, a1, a2, a3, a4})
}

func concatbytes(buf *tmpBuf, a []string) []byte {
	n := 0
	for _, x := range a {
		if n += len(x); n < 0 {
			throw("string concatenation too long")
		}
	}
	if n == 0 && buf == nil {
		return []byte{}
	}
	b := buffer(buf, n)
	at := 0
	for _, x := range a {
		at += copy(b[at:], x)
	}
	return b
}

func concatbyte2(buf *tmpBuf, a0, a1 string) []byte { return concatbytes(buf, []string{a0, a1}) }
func concatbyte3(buf *tmpBuf, a0, a1, a2 string) []byte {
	return concatbytes(buf, []string{a0, a1, a2})
}
func concatbyte4(buf *tmpBuf, a0, a1, a2, a3 string) []byte {
	return concatbytes(buf, []string{a0, a1, a2, a3})
}
func concatbyte5(buf *tmpBuf, a0, a1, a2, a3, a4 string) []byte {
	return concatbytes(buf, []string{a0, a1, a2, a3, a4})
}

func slicebytetostring(buf *tmpBuf, p *byte, n int) string {
	if n == 0 {
		return ""
	}
	b := buffer(buf, n)
	memmove(unsafe.Pointer(unsafe.SliceData(b)), unsafe.Pointer(p), uintptr(n))
	return unsafe.String(unsafe.SliceData(b), n)
}

func slicebytetostringtmp(p *byte, n int) string { return unsafe.String(p, n) }

func stringtoslicebyte(buf *tmpBuf, s string) []byte {
	b := buffer(buf, len(s))
	copy(b, s)
	return b
}

func stringtoslicerune(buf *[tmpStringBufSize]rune, s string) []rune {
	n := countrunes(s)
	var a []rune
	if buf != nil && n <= len(buf) {
		*buf = [tmpStringBufSize]rune{}
		a = buf[:n]
	} else {
		a = unsafe.Slice((*rune)(mallocgc(uintptr(n)*4, nil, false)), n)
	}
	n = 0
	for _, r := range s {
		a[n] = r
		n++
	}
	return a
}

func slicerunetostring(buf *tmpBuf, a []rune) string {
	var tmp [4]byte
	n := 0
	for _, r := range a {
		n += encoderune(tmp[:], r)
	}
	if n == 0 {
		return ""
	}
	b := buffer(buf, n)
	at := 0
	for _, r := range a {
		size := encoderune(tmp[:], r)
		at += copy(b[at:], tmp[:size])
	}
	return unsafe.String(unsafe.SliceData(b), n)
}

func intstring(buf *[4]byte, v int64) string {
	if int64(rune(v)) != v {
		v = runeError
	}
	if buf == nil {
		buf = (*[4]byte)(mallocgc(4, nil, false))
	}
	return unsafe.String(&buf[0], encoderune(buf[:], rune(v)))
}
