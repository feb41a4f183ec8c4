package bpf

import "testing"

var sink uint32

// run measures one program, and the time of one of its instructions.
func run(b *testing.B, steps int, prog []Insn, data []byte) {
	if _, err := Verify(prog); err != nil {
		b.Fatal(err)
	}
	env := Env{TimeNs: 1 << 40}
	for b.Loop() {
		sink += Run(prog, data, &env)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(steps), "ns/insn")
}

// The programs: the shortest; 255 additions; 127 loads, each with a test; 251 scratch words; and the ready ones.
func BenchmarkRun(b *testing.B) {
	data := make([]byte, 64)
	repeat := func(some ...Insn) (prog []Insn) {
		for len(prog)+len(some) < MaxLen {
			prog = append(prog, some...)
		}
		return append(prog, Return(1))
	}
	for _, c := range []struct {
		name string
		prog []Insn
	}{
		{"return", []Insn{Return(1)}},
		{"add", repeat(Math(Add, 3))},
		{"addX", repeat(MathX(Add))},
		{"load", repeat(LoadWord(8))},
		{"loadX", repeat(LoadWordX(8))},
		{"test", repeat(JumpEqual(1, 0, 0))},
		{"load-test", repeat(LoadWord(8), JumpEqual(1, 0, 0))},
		{"scratch", append([]Insn{Store(1)}, repeat(LoadScratch(1), Math(Add, 1), Store(1))[3:]...)},
	} {
		b.Run(c.name, func(b *testing.B) { run(b, len(c.prog), c.prog, data) })
	}
	equal, least := Equal32(8, 5), AtLeast64(8, 5<<32)
	b.Run("Equal32", func(b *testing.B) { run(b, 3, equal[:], data) })
	b.Run("AtLeast64", func(b *testing.B) { run(b, 8, least[:], data) })
}

func BenchmarkVerify(b *testing.B) {
	var prog [MaxLen]Insn
	for i := range prog {
		prog[i] = JumpEqual(1, 0, 0)
	}
	prog[MaxLen-1] = Return(1)
	for b.Loop() {
		if _, err := Verify(prog[:]); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/MaxLen, "ns/insn")
}
