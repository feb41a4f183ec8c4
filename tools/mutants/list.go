package main

import "slices"

// mutant is a fault put into the code on purpose, and the test that must notice.
type mutant struct {
	name  string
	file  string
	edits []edit
	// caught is the command that must fail: "boot" runs the in-kernel tests, anything else is run as it stands.
	caught string
}

type edit struct{ old, new string }

// mutants is the list; each says in its name what is broken.
var mutants = slices.Concat(machineMutants, syncMutants, exploredMutants, frameMutants, numaMutants, pagingMutants, slabMutants, spaceMutants, capMutants, schedClassMutants, workMutants, schedCoreMutants, bpfMutants, ring3Mutants, schedRateMutants, envMutants, ipcMutants, fuzzMutants, userMutants, fsMutants, filesMutants)

// machineMutants are faults in start-up, traps, memory and panics.
var machineMutants = []mutant{
	{"trap: X7 neither saved nor restored", "arch/amd64/frame_amd64.h", []edit{{"; MOVUPS X7, Frame_XMM+112(SP)", ""}, {"; MOVUPS Frame_XMM+112(SP), X7", ""}}, "boot"},
	{"trap: only the lower half of X3 saved", "arch/amd64/frame_amd64.h", []edit{{"MOVUPS X3, Frame_XMM+48(SP)", "MOVQ X3, Frame_XMM+48(SP)"}}, "boot"},
	{"trap: direction flag left as it was", "arch/amd64/frame_amd64.h", []edit{{"\tCLD \\\n", ""}}, "boot"},
	{"paranoid entry: FS not restored", "arch/amd64/trap_amd64.s", []edit{{"\tMOVQ 16(SP), AX\n\tMOVQ 16(SP), DX\n\tSHRQ $32, DX\n\tMOVL $MSR_FS_BASE, CX\n\tWRMSR\n", ""}}, "boot"},
	{"paranoid entry: GS not restored", "arch/amd64/trap_amd64.s", []edit{{"\tMOVQ 24(SP), AX\n\tMOVQ 24(SP), DX\n\tSHRQ $32, DX\n\tMOVL $MSR_GS_BASE, CX\n\tWRMSR\n", ""}}, "boot"},
	{"descriptors: all CPUs use the boot CPU's IDT", "arch/amd64/desc.go", []edit{{"lidt(uintptr(unsafe.Pointer(&c.idt))", "lidt(uintptr(unsafe.Pointer(&bootCPU.idt))"}}, "boot"},
	{"timer: a one-shot timer is periodic", "arch/amd64/timer.go", []edit{{"lvtTimerOneShot|VectorTimer", "lvtTimerPeriodic|VectorTimer"}}, "boot"},
	{"paging: no INVLPG after Unmap", "arch/amd64/paging.go", []edit{{"\tinvlpg(va)\n", ""}}, "boot"},
	{"shim: memequal128 compares half", "boot/runtime/alg.go", []edit{{"return *(*[2]int64)(p) == *(*[2]int64)(q)", "return *(*int64)(p) == *(*int64)(q)"}}, "boot"},
	{"shim: compare-and-swap of a pointer always succeeds", "boot/runtime/atomic_amd64.s", []edit{{"\tSETEQ    AX", "\tMOVL $1, AX"}}, "boot"},
	{"shim: typedslicecopy copies one too few", "boot/runtime/mem.go", []edit{{"n := min(dstLen, srcLen)", "n := min(dstLen, srcLen) - 1"}}, "boot"},
	{"clock: 30 % slow", "arch/amd64/timer.go", []edit{{"Clock.TSCKHz, Clock.TimerKHz = max(Clock.TSCKHz, 1)", "Clock.TSCKHz, Clock.TimerKHz = max(Clock.TSCKHz*7/10, 1)"}}, "boot"},
	{"timer: three times too late", "arch/amd64/timer.go", []edit{{"max(ns*Clock.TimerKHz/1_000_000, 1)", "max(3*ns*Clock.TimerKHz/1_000_000, 1)"}}, "boot"},
	{"features: SMEP not switched on", "arch/amd64/features.go", []edit{{"\t\t{f.SMEP, cr4SMEP},\n", ""}}, "boot"},
	{"stacks: no guard below the IST stacks", "arch/amd64/stack.go", []edit{{"lo, hi := NewStack(ISTStackSize, alloc)", "lo, hi := NewStack(ISTStackSize, alloc)\n\t\tKernelTable.Map(lo-PageSize, alloc(), PageSize, PermRW)"}}, "boot"},
	{"ioapic: MaskGSI does nothing", "arch/amd64/ioapic.go", []edit{{"\t\tio.write(ioapicTable+2*pin, routeMasked)\n\t}\n}\n\nfunc findGSI", "\t\t_ = pin\n\t}\n}\n\nfunc findGSI"}}, "boot"},
	{"shim: IRQRestore always turns interrupts on", "boot/runtime/hot_amd64.s", []edit{{"\tPUSHQ AX\n\tPOPFQ", "\tSTI"}}, "boot"},
	{"shim: IRQDisable does not disable", "boot/runtime/hot_amd64.s", []edit{{"\tCLI\n", ""}}, "boot"},
	{"boot: the ticket lock admits two", "kernel/sync/ticket.go", []edit{{"for l.owner.Load() != my {", "for my-l.owner.Load() > 1 {"}}, "boot"},
	{"paging: device registers cached", "arch/amd64/paging.go", []edit{{"v |= ptePCD | ptePWT", "v |= 0"}}, "boot"},
	{"tss: the double fault has no stack", "arch/amd64/desc.go", []edit{{"\tt.ist[i-1] =", "\tif i == 2 {\n\t\treturn\n\t}\n\tt.ist[i-1] ="}}, "boot"},
	{"idle: a trap between STI and HLT returns to the HLT", "arch/amd64/trap.go", []edit{{"\t\tf.RIP++\n", ""}}, "boot"},
	{"trap: interrupts never acknowledged", "arch/amd64/trap.go", []edit{{"\t\tlocalAPIC.eoi()\n", ""}}, "boot"},
	{"smp: a CPU's memory comes from anywhere", "kernel/firmware.go", []edit{{"\tif known {\n\t\tfor e := range srat", "\tif known && false {\n\t\tfor e := range srat"}}, "boot"},
	{"memory: no page is protected from execution", "arch/amd64/paging.go", []edit{{"\tif p != PermRX && CPUFeatures.NX {", "\tif p == PermR && CPUFeatures.NX {"}}, "boot"},
	{"memory: the direct map shows the kernel's text writable", "kernel/memory.go", []edit{{"mapDirect(max(lo, constLo), min(hi, constHi), amd64.PermR)", "mapDirect(max(lo, constLo), min(hi, constHi), amd64.PermRW)"}}, "boot"},
	{"memory: the image is not reserved", "kernel/memory.go", []edit{{"\treserve(image.Start, image.Size())\n", ""}}, "boot"},
	{"smp: the trampoline stays mapped", "kernel/smp.go", []edit{{"\t\ts.Close()\n", ""}}, "boot"},
	{"ktest: Barrier does not wait", "kernel/ktest/t.go", []edit{{"t.arrived.Load() < (round+1)*n", "t.arrived.Load() < round*n"}}, "boot"},
	{"stacks: the overflow check is off", "boot/runtime/g.go", []edit{{"gp.stackguard0 = lo + stackGuard", "gp.stackguard0 = 0*lo"}}, "go test ./qemu -run TestCrash/overflow"},
	{"panic: the other CPUs are not stopped", "arch/amd64/trap.go", []edit{{"\t\t\tlocalAPIC.sendNMI(c.APICID)\n", ""}}, "go test ./qemu -run TestCrashOnABusyMachine"},
	{"console: lines are not kept whole", "kernel/console.go", []edit{{"\tconsoleLock.Lock(me)\n", "\t_ = me\n"}, {"\tconsoleLock.Unlock(me)\n", ""}}, "go test ./qemu -run TestCrashOnABusyMachine"},
	{"trap: #GP's error code is taken for a register", "arch/amd64/trap_amd64.s", []edit{{"\tSTUBE(·trapCommon)   // 13", "\tSTUB(·trapCommon)   // 13"}}, "go test ./qemu -run TestCrash/gp"},
	{"symtab: a return address is looked up one byte late", "kernel/panic.go", []edit{{"pc, bp = ret-1, next", "pc, bp = ret+400, next"}}, "go test ./qemu -run TestCrash/nil"},
	{"ticket: Unlock lets nobody in", "kernel/sync/ticket.go", []edit{{"l.owner.StoreRelease(l.owner.Load() + 1)", "l.owner.StoreRelease(l.owner.Load() + 2)"}}, "go test -timeout 20s ./kernel/sync"},
}
