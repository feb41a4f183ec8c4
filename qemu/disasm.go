package qemu

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/arch/x86/x86asm"
)

// Disassemble lists the instructions around RIP, one a line, as the Go assembler writes them;
// => marks the one at RIP.
//
//	   0xffffffff80212341  48 89 c1        MOVQ AX, CX
//	=> 0xffffffff80212344  48 8b 01        MOVQ 0(CX), AX
//
// The code before RIP begins at no known instruction boundary, so decoding starts at the
// first byte from which it falls exactly on RIP; the first line or two may still be wrong.
func (c *Crash) Disassemble() string {
	if len(c.Code) == 0 {
		return "no code to disassemble: " + c.CodeNote + "\n"
	}
	rip := max(c.CodeRIP, 0)
	from, to := functionAround(c.Code, rip)
	if ok, _ := reaches(c.Code, from, rip); from == 0 || !ok {
		from = alignedStart(c.Code, rip)
	}
	var b strings.Builder
	for at := from; at < to; {
		pc := c.CodeStart + uint64(at)
		text, size, err := decode(c.Code[at:to], pc)
		if errors.Is(err, errCut) && at > rip {
			break
		}
		if err != nil {
			text, size = "?", 1
		}
		mark := "  "
		if at == c.CodeRIP {
			mark = "=>"
		}
		fmt.Fprintf(&b, "%s %#016x  %-30s  %s\n", mark, pc, fmt.Sprintf("% x", c.Code[at:at+size]), text)
		at += size
	}
	return b.String()
}

// functionAround returns where the function at rip begins and ends within code: Go's linker
// fills the room between functions with INT $3. from is 0 if the beginning is not in sight.
func functionAround(code []byte, rip int) (from, to int) {
	gap := []byte{0xcc, 0xcc, 0xcc}
	to = len(code)
	if i := bytes.LastIndex(code[:rip], gap); i >= 0 {
		from = i + len(gap)
	}
	if i := bytes.Index(code[min(rip+1, to):], gap); i >= 0 {
		to = rip + 1 + i
	}
	return from, to
}

// alignedStart returns the first offset from which instructions end exactly at rip. If it
// can, it chooses one without ADDB AL, 0(AX), which no compiler writes: its bytes, 00 00, are
// what the inside of another instruction looks like.
func alignedStart(code []byte, rip int) int {
	second := rip
	for start := range rip {
		ok, zeros := reaches(code, start, rip)
		if ok && !zeros {
			return start
		}
		if ok && second == rip {
			second = start
		}
	}
	return second
}

// reaches says whether instructions decoded from start end exactly at rip, and whether one of
// them is 00 00.
func reaches(code []byte, start, rip int) (ok, zeros bool) {
	at := start
	for at < rip {
		_, size, err := decode(code[at:], 0)
		if err != nil {
			return false, zeros
		}
		zeros = zeros || size == 2 && code[at] == 0 && code[at+1] == 0
		at += size
	}
	return at == rip, zeros
}

var (
	errUnknown = errors.New("no instruction that x86asm knows")
	errCut     = errors.New("the instruction goes on beyond the bytes")
)

// maxInstruction is the length of the longest x86 instruction (Intel SDM vol. 2, 2.3.11).
const maxInstruction = 15

// decode returns the first instruction's text and size.
func decode(code []byte, pc uint64) (text string, size int, err error) {
	// x86asm reports a cut instruction in several ways, so none is shown to it.
	var window [maxInstruction]byte
	copy(window[:], code)
	inst, err := x86asm.Decode(window[:], 64)
	switch {
	case err != nil || inst.Len == 0 || inst.Op == 0:
		return "", 0, errUnknown
	case inst.Len > len(code):
		return "", 0, errCut
	}
	return x86asm.GoSyntax(inst, pc, nil), inst.Len, nil
}
