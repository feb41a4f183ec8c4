//go:build exouser

package runtime

import (
	"unsafe"
)

// print and println, for a program's last words and for debugging: through a small buffer to Write.

var printing struct {
	lock uint32
	n    int
	buf  [256]byte
}

func printlock() { lock(&printing.lock) }
func printunlock() {
	flush()
	unlock(&printing.lock)
}

func flush() {
	if printing.n > 0 && Write != nil {
		Write(printing.buf[:printing.n])
	}
	printing.n = 0
}

func printstring(s string) {
	for len(s) > 0 {
		n := copy(printing.buf[printing.n:], s)
		s = s[n:]
		if printing.n += n; printing.n == len(printing.buf) {
			flush()
		}
	}
}

func printnl() { printstring("\n") }
func printsp() { printstring(" ") }
func printquoted(s string) {
	printstring(`"`)
	printstring(s)
	printstring(`"`)
}

func printbool(b bool) {
	if b {
		printstring("true")
	} else {
		printstring("false")
	}
}

func printdigits(v uint64, base uint64) {
	var b [20]byte
	i := len(b)
	for {
		i--
		b[i] = "0123456789abcdef"[v%base]
		if v /= base; v == 0 {
			break
		}
	}
	printstring(unsafe.String(&b[i], len(b)-i))
}

func printuint(v uint64) { printdigits(v, 10) }
func printint(v int64) {
	if v < 0 {
		printstring("-")
		v = -v
	}
	printuint(uint64(v))
}
func printhex(v uint64) {
	printstring("0x")
	printdigits(v, 16)
}
func printuintptr(v uintptr)        { printuint(uint64(v)) }
func printpointer(p unsafe.Pointer) { printhex(uint64(uintptr(p))) }
func printeface(e eface)            { printpair(e._type, e.data) }
func printiface(i iface)            { printpair(i.tab, i.data) }
func printpair(a, b unsafe.Pointer) {
	printstring("(")
	printpointer(a)
	printstring(",")
	printpointer(b)
	printstring(")")
}
func printslice(s []byte) {
	printstring("[")
	printint(int64(len(s)))
	printstring("/")
	printint(int64(cap(s)))
	printstring("]")
	printpointer(unsafe.Pointer(unsafe.SliceData(s)))
}

func printfloat32(v float32) { printfloat64(float64(v)) }

// printfloat64 prints seven digits and an exponent, as Go does.
func printfloat64(v float64) {
	switch {
	case v != v:
		printstring("NaN")
		return
	case v+v == v && v > 0:
		printstring("+Inf")
		return
	case v+v == v && v < 0:
		printstring("-Inf")
		return
	}
	const n = 7
	var buf [n + 7]byte
	buf[0] = '+'
	e := 0
	if v == 0 {
		if 1/v < 0 {
			buf[0] = '-'
		}
	} else {
		if v < 0 {
			v = -v
			buf[0] = '-'
		}
		for v >= 10 {
			e++
			v /= 10
		}
		for v < 1 {
			e--
			v *= 10
		}
		h := 5.0
		for range n {
			h /= 10
		}
		v += h
		if v >= 10 {
			e++
			v /= 10
		}
	}
	for i := range n {
		s := int(v)
		buf[i+2] = byte(s + '0')
		v -= float64(s)
		v *= 10
	}
	buf[1] = buf[2]
	buf[2] = '.'
	buf[n+2] = 'e'
	buf[n+3] = '+'
	if e < 0 {
		e = -e
		buf[n+3] = '-'
	}
	buf[n+4] = byte(e/100) + '0'
	buf[n+5] = byte(e/10)%10 + '0'
	buf[n+6] = byte(e%10) + '0'
	printstring(unsafe.String(&buf[0], len(buf)))
}

func printcomplex128(c complex128) {
	printstring("(")
	printfloat64(real(c))
	printfloat64(imag(c))
	printstring("i)")
}
func printcomplex64(c complex64) { printcomplex128(complex128(c)) }
