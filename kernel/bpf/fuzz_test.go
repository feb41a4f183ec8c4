package bpf

import "testing"

// FuzzVerify takes any bytes for a program.
func FuzzVerify(f *testing.F) {
	at64, head := AtLeast64(8, 1<<33), []Insn{LoadHeader(14), LoadHalfX(16), JumpEqual(80, 0, 1), Return(96), Return(0)}
	f.Add(encode(at64[:]), []byte("abcdefghijklmnopqrstuvwxyz"))
	f.Add(encode(head), make([]byte, 60))
	f.Add(encode([]Insn{JumpEqual(0, 0, 2), Store(0), Jump(1), StoreX(0), LoadScratch(0), ReturnA()}), []byte{})
	inData, inCode := newFence(f), newFence(f)
	f.Fuzz(func(t *testing.T, code, data []byte) {
		check(t, inData, inCode, decode(code), data)
	})
}

// FuzzRun takes bytes for a program most of whose instructions there are, and whose jumps and constants fit.
func FuzzRun(f *testing.F) {
	f.Add([]byte{3, 0, 0, 0, 38, 1, 2, 7, 42, 0, 0, 1}, []byte("abcdefgh"))
	inData, inCode := newFence(f), newFence(f)
	f.Fuzz(func(t *testing.T, code, data []byte) {
		var prog []Insn
		n := len(code) / 4
		for i := range n {
			c := code[4*i:]
			in := Insn{Op: opcodes[int(c[0])%len(opcodes)], Jt: c[1], Jf: c[2], K: uint32(c[3])}
			after := n - 1 - i
			if in.Op&7 == 5 && after > 0 {
				in.Jt, in.Jf, in.K = uint8(int(in.Jt)%after), uint8(int(in.Jf)%after), in.K%uint32(after)|in.K&^uint32(255)
			}
			if in.Op == ldAbsW && c[1] > 200 {
				in.K = ExtTimeLow + in.K%6
			}
			prog = append(prog, in)
		}
		check(t, inData, inCode, append(prog, ReturnA()), data)
	})
}

// check is what holds of every program: Verify does not panic, and agrees with the slow check if the program has few paths; what it
// accepts runs without a fault, to its end, with the oracle's result.
func check(t *testing.T, inData, inCode fence, prog []Insn, data []byte) {
	_, err := Verify(prog)
	branches := 0
	for _, in := range prog {
		if in.Op&7 == 5 && in.Op != ja {
			branches++
		}
	}
	if branches < 12 && (err == nil) != sound(prog) {
		t.Fatalf("%v: %v", prog, err)
	}
	if err == nil {
		prog = inCode.program(prog)
		data = data[:min(len(data), len(inData.page))]
		agrees(t, prog, inData.back(data), Env{TimeNs: 1<<40 + 7, CPU: 3, Reason: 1 << 31})
		agrees(t, prog, inData.front(data), Env{})
		Run(prog, data, nil)
	}
}
