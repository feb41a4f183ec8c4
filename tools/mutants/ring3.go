package main

// ring3Mutants are faults in the way to ring 3 and back.
var ring3Mutants = []mutant{
	{"ring3: call: XMM7 is not cleared", "arch/amd64/syscall_amd64.s", []edit{{"PXOR X6, X6; PXOR X7, X7;", "PXOR X6, X6;"}}, ring3Boot},
	{"ring3: call: RBX does not come back", "arch/amd64/syscall_amd64.s", []edit{{"\tMOVQ SysFrame_rbx(SP), BX \\\n", ""}}, ring3Boot},
	{"ring3: call: the call's arguments are where Go spills its own", "arch/amd64/usermode.go", []edit{{"\t_                            [2]uint64 // where the called may put its arguments\n", ""}}, ring3Boot},
	{"ring3: call: ring 3's MXCSR is the kernel's", "arch/amd64/syscall_amd64.s", []edit{{"\tLDMXCSR ·defaultMXCSR(SB) \\\n", ""}}, ring3Boot},
	{"ring3: call: the kernel's MXCSR is ring 3's", "arch/amd64/syscall_amd64.s", []edit{{"\tJNE  pending \\\n\tLDMXCSR UserState_mxcsr(BX)\n", "\tJNE  pending\n"}}, ring3Boot},
	{"ring3: call: FS is not saved", "arch/amd64/syscall_amd64.s", []edit{{"\tMOVQ CX, UserState_fs(BX)\n\tMOVQ CPU_fsBase(GS), CX\n\tWRFSBASEQ CX\n\tPERFORM", "\tMOVQ CPU_fsBase(GS), CX\n\tWRFSBASEQ CX\n\tPERFORM"}}, ring3Boot},
	{"ring3: call: nobody looks at Pending", "arch/amd64/syscall_amd64.s", []edit{{"\tJNE  pending \\\n", ""}}, ring3Boot},
	{"ring3: call: none is foreign", "arch/amd64/syscall_amd64.s", []edit{{"TEXT ·sysEntry(SB), NOSPLIT|NOFRAME, $0\n\tENTER\n\tJCC  foreign\n", "TEXT ·sysEntry(SB), NOSPLIT|NOFRAME, $0\n\tENTER\n"}}, ring3Boot},
	{"ring3: call: one in the text is foreign if it ends there", "arch/amd64/usermode.go", []edit{{"s.low, s.length = low+1, 0 //", "s.low, s.length = low, 0 //"}}, ring3Boot},
	{"ring3: call: AC stays set in the kernel", "arch/amd64/usermode.go", []edit{{"flagNT|flagRF|FlagAC)", "flagNT|flagRF)"}}, ring3Boot},
	{"ring3: call: NT stays set in the kernel", "arch/amd64/usermode.go", []edit{{"flagIOPL|flagNT|flagRF|FlagAC)", "flagIOPL|flagRF|FlagAC)"}}, ring3Boot},
	{"ring3: call: TF stays set in the kernel", "arch/amd64/usermode.go", []edit{{"wrmsr(msrSFMASK, flagTF|", "wrmsr(msrSFMASK, "}}, ring3Boot},
	{"ring3: trap: FS is not saved", "arch/amd64/syscall_amd64.s", []edit{{"\tJEQ  msr\n\tRDFSBASEQ CX\n\tMOVQ CX, UserState_fs(BX)\n", "\tJEQ  msr\n"}}, ring3Boot},
	{"ring3: trap: MXCSR is not saved", "arch/amd64/syscall_amd64.s", []edit{{"\tSTMXCSR UserState_mxcsr(BX)\n\tLDMXCSR ·defaultMXCSR(SB)\n", "\tLDMXCSR ·defaultMXCSR(SB)\n"}}, ring3Boot},
	{"ring3: switch: x87 is not saved", "arch/amd64/syscall_amd64.s", []edit{{"\tFXSAVE64 UserState_fx(SI)\n", ""}}, ring3Boot},
	{"ring3: switch: GS is not saved", "arch/amd64/syscall_amd64.s", []edit{{"\tMOVQ AX, UserState_gs(SI)\n", ""}}, ring3Boot},
	{"ring3: switch: GS is not restored", "arch/amd64/syscall_amd64.s", []edit{{"\tSWAPGS\n\tWRGSBASEQ AX\n\tSWAPGS\n", ""}}, ring3Boot},
	{"ring3: switch: segment registers are the next thread's", "arch/amd64/syscall_amd64.s", []edit{{"\tJNE  null\nsaved:", "saved:"}}, ring3Boot},
	{"ring3: switch: the next thread's traps are on the last one's stack", "arch/amd64/syscall_amd64.s", []edit{{"\tMOVQ R9, (CPU_tss+taskState_rsp)(DI)\n", ""}}, ring3Boot},
	{"ring3: segments: firmware's local descriptor table stays", "arch/amd64/syscall_amd64.s", []edit{{"\tBYTE $0x0F; BYTE $0x00; BYTE $0xD0 // LLDT AX\n", ""}}, ring3Boot},
	{"ring3: return: an IRETQ that faults is the kernel's fault", "arch/amd64/trap_amd64.s", []edit{{"\tJEQ  faulted\n", ""}}, ring3Boot},
	{"ring3: return: ring 3 gets the IOPL that somebody left", "arch/amd64/usermode.go", []edit{{"f.RFLAGS&userFlags | flagIF | 2", "f.RFLAGS | flagIF | 2"}}, ring3Boot},
	{"ring3: return: CS is what somebody left", "arch/amd64/usermode.go", []edit{{"\tf.CS, f.SS = selUserCode|3, selUserData|3\n", ""}}, ring3Boot},
	{"ring3: debug: no stack of its own", "arch/amd64/desc.go", []edit{{"\tcase VectorDebug:\n\t\treturn istDebug\n", ""}}, ring3Boot},
	{"ring3: debug: on the stack in RSP even where that is ring 3's", "arch/amd64/trap_amd64.s", []edit{{"\tJCS  window\n", ""}}, ring3Boot},
	{"ring3: debug: from ring 3 it stays on its own stack", "arch/amd64/trap_amd64.s", []edit{{"\tPUSHQ AX\n\tPUSHQ BX\n\tMOVQ CPU_kernelSP(GS), AX\n\tMOVEFRAME\n\tJMP  ·trapUserSwapped(SB)", "\tJMP  ·trapUserSwapped(SB)"}}, ring3Boot},
	{"ring3: nmi: GS is not looked at", "arch/amd64/trap_amd64.s", []edit{{"\tMOVL $MSR_GS_BASE, CX\n\tMOVQ BX, AX\n\tMOVQ BX, DX\n\tSHRQ $32, DX\n\tWRMSR\n\tMOVL $MSR_FS_BASE", "\tMOVL $MSR_FS_BASE"}}, ring3Boot},
	{"ring3: gates: ring 3 has no INT3", "arch/amd64/desc.go", []edit{{"c.idt[v].lo |= 3 << 45", "c.idt[v].lo |= 0 << 45"}}, ring3Boot},
}

// ring3Boot runs the tests of that on two CPUs.
const ring3Boot = "go run ./qemu/exo-run -cpus 2 -mem 256M -silence 20s -append 'tests=ring3/*,arch/nmi* exit'"
