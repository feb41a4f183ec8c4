package main

// bpfTests is the command that runs the tests of downloaded programs whose names match.
func bpfTests(tests string) string {
	return "go test -timeout 60s -run '" + tests + "' ./kernel/bpf"
}

// bpfMutants are faults in the verifier and the interpreter of downloaded programs.
var bpfMutants = []mutant{
	{"bpf: a scratch word is written if some path has written it", "kernel/bpf/verify.go", []edit{{"lacks[i+1+int(in.Jt)] |= here", "lacks[i+1+int(in.Jt)] &= here"}}, bpfTests("TestVerify_G3")},
	{"bpf: what the false branch lacks is forgotten", "kernel/bpf/verify.go", []edit{{"\t\t\tlacks[i+1+int(in.Jf)] |= here\n", ""}}, bpfTests("TestVerify_G3")},
	{"bpf: what lies behind a return lacks what the return lacks", "kernel/bpf/verify.go", []edit{{"\t\t\tcontinue // nothing follows\n", ""}, {"if i+1 == len(prog) {", "if i+1 == len(prog) && in.Op&7 == 6 {\n\t\t\treturn 0, nil\n\t\t}\n\t\tif i+1 == len(prog) {"}}, bpfTests("TestVerify_G3")},
	{"bpf: X is loaded from any scratch word", "kernel/bpf/verify.go", []edit{{"case ldMem, ldxMem:\n\t\t\tif here", "case ldMem:\n\t\t\tif here"}}, bpfTests("TestVerify_G3")},
	{"bpf: a jump goes just behind the end", "kernel/bpf/verify.go", []edit{{"uint64(in.K) >= uint64(after)", "uint64(in.K) > uint64(after)"}}, bpfTests("TestVerify_G1")},
	{"bpf: the target of a jump wraps", "kernel/bpf/verify.go", []edit{{"uint64(in.K) >= uint64(after)", "in.K+1 > uint32(after)"}}, bpfTests("TestVerify_G1")},
	{"bpf: a false branch is not checked", "kernel/bpf/verify.go", []edit{{"int(in.Jt) >= after || int(in.Jf) >= after", "int(in.Jt) >= after"}}, bpfTests("TestVerify_G1")},
	{"bpf: the last instruction need not return", "kernel/bpf/verify.go", []edit{{"\t\t\treturn i, ErrNoReturn", "\t\t\treturn 0, nil"}}, bpfTests("TestVerify_G1")},
	{"bpf: a remainder by the constant 0 is accepted", "kernel/bpf/verify.go", []edit{{"case divK, modK:", "case modK:\n\tcase divK:"}}, bpfTests("TestVerify_G1")},
	{"bpf: a shift by 32 is accepted", "kernel/bpf/verify.go", []edit{{"in.K >= 32", "in.K > 32"}}, bpfTests("TestVerify_G1")},
	{"bpf: there are 17 scratch words", "kernel/bpf/verify.go", []edit{{"in.K >= Scratch", "in.K > Scratch"}}, bpfTests("TestVerify_G1")},
	{"bpf: an unknown extension is accepted", "kernel/bpf/verify.go", []edit{{"in.K < ExtTimeLow || in.K >= extEnd", "in.K < ExtTimeLow || in.K > extEnd"}}, bpfTests("TestVerify_G1")},
	{"bpf: Linux's offsets are accepted", "kernel/bpf/verify.go", []edit{{"\tcase ldAbsH, ldAbsB, ldIndW, ldIndH, ldIndB, ldxMsh:\n\t\tif in.K >= maxOffset", "\tcase ldAbsH, ldAbsB, ldIndW, ldIndH, ldIndB, ldxMsh:\n\t\tif in.K >= 2*maxOffset-1"}}, bpfTests("TestVerify_G1")},
	{"bpf: upper bits of an opcode are not looked at", "kernel/bpf/verify.go", []edit{{"\tswitch in.Op {\n\tcase ldImm,", "\tswitch in.Op & 0xff {\n\tcase ldImm,"}}, bpfTests("TestVerify_G1")},
	{"bpf: 257 instructions are accepted", "kernel/bpf/verify.go", []edit{{"len(prog) > MaxLen:", "len(prog) > MaxLen+1:"}}, bpfTests("TestVerify_G1")},
	{"bpf: a word is read three bytes beyond the end", "kernel/bpf/run.go", []edit{{"k+4 > n", "k+1 > n"}}, bpfTests("TestRun_G4|TestRun_G2_G4_G6")},
	{"bpf: a byte is read just behind the end", "kernel/bpf/run.go", []edit{{"k := uint64(in.K)\n\t\t\t\tif k >= n", "k := uint64(in.K)\n\t\t\t\tif k > n"}}, bpfTests("TestRun_G4|TestRun_G2_G4_G6")},
	{"bpf: X and offset wrap", "kernel/bpf/run.go", []edit{{"k := uint64(in.K) + uint64(x)\n\t\t\t\tif k+4", "k := uint64(in.K + x)\n\t\t\t\tif k+4"}}, bpfTests("TestRun_G4")},
	{"bpf: a load behind the end gives 0 and goes on", "kernel/bpf/run.go", []edit{{"\t\t\t\tif k+2 > n {\n\t\t\t\t\treturn 0\n\t\t\t\t}", "\t\t\t\tif k+2 > n {\n\t\t\t\t\ta = 0\n\t\t\t\t\tbreak\n\t\t\t\t}"}}, bpfTests("TestRun_G4|TestRun_G2_G4_G6")},
	{"bpf: a word is read in two halves", "kernel/bpf/run.go", []edit{{"return bits.ReverseBytes32(*(*uint32)(unsafe.Add(data, k)))", "return half(data, k)<<16 | half(data, k+2)"}}, bpfTests("TestRun_G5")},
	{"bpf: a word is in the order of the CPU", "kernel/bpf/run.go", []edit{{"bits.ReverseBytes32(*(*uint32)", "(*(*uint32)"}}, bpfTests("TestRun_G2_G4_G6")},
	{"bpf: an index is read from data twice", "kernel/bpf/run.go", []edit{{"x = octet(base, k) & 0xf * 4", "if x = octet(base, k); x != 0 {\n\t\t\t\t\tx = octet(base, k) &^ 1 & 0xf * 4\n\t\t\t\t}"}}, bpfTests("TestRun_G5")},
	{"bpf: division by X = 0 goes on", "kernel/bpf/run.go", []edit{{"\t\t\t\tif x == 0 {\n\t\t\t\t\treturn 0\n\t\t\t\t}\n\t\t\t\ta %= x", "\t\t\t\tif x != 0 {\n\t\t\t\t\ta %= x\n\t\t\t\t}"}}, bpfTests("TestRun_G6|TestRun_G2_G4_G6")},
	{"bpf: a shift by X counts modulo 32", "kernel/bpf/run.go", []edit{{"a <<= x", "a <<= x % 32"}}, bpfTests("TestRun_G6|TestRun_G2_G4_G6")},
	{"bpf: a test is signed", "kernel/bpf/run.go", []edit{{"in.either(a >= x)", "in.either(int32(a) >= int32(x))"}}, bpfTests("TestRun_G6")},
	{"bpf: a jump goes one too far", "kernel/bpf/run.go", []edit{{"p = unsafe.Add(p, insnSize+skip*insnSize)", "p = unsafe.Add(p, 2*insnSize+skip*insnSize)"}}, bpfTests("TestRun_G2_The")},
	{"bpf: a jump of nothing stays where it is", "kernel/bpf/run.go", []edit{{"p = unsafe.Add(p, insnSize+skip*insnSize)", "p = unsafe.Add(p, max(skip, min(skip, 1))*insnSize)"}}, "go test -timeout 20s -run TestRun_G2 ./kernel/bpf"},
	{"bpf: the words of the time change places", "kernel/bpf/run.go", []edit{{"a = uint32(env.TimeNs >> 32)", "a = uint32(env.TimeNs)"}}, bpfTests("TestRun_Reads|TestRun_G2_G4_G6")},
	{"bpf: scratch words are checked once more", "kernel/bpf/run.go", []edit{{"a = m[in.K%Scratch]", "a = m[in.K]"}}, bpfTests("TestRun_G2_IsCompiled")},
	{"bpf: AtLeast64 loads the high word first", "kernel/bpf/wake.go", []edit{{"\t\tLoadWord(off),\n\t\tLoadSwapped(),\n\t\tAToX(),\n\t\tLoadWord(off + 4),\n\t\tLoadSwapped(),\n\t\tJumpGreater(uint32(v>>32), 3, 0),\n\t\tJumpEqual(uint32(v>>32), 0, 3),\n\t\tXToA(),\n", "\t\tLoadWord(off + 4),\n\t\tLoadSwapped(),\n\t\tJumpGreater(uint32(v>>32), 6, 0),\n\t\tJumpEqual(uint32(v>>32), 0, 6),\n\t\tLoadWord(off),\n\t\tLoadSwapped(),\n\t\tAToX(),\n\t\tXToA(),\n"}}, bpfTests("TestWake_AtLeast64")},
	{"bpf: Differs32 is Equal32", "kernel/bpf/wake.go", []edit{{"JumpEqual(Swap(v), 1, 0)", "JumpEqual(Swap(v), 0, 1)"}}, bpfTests("TestWake")},
}
