//go:build exokernel

// Package amd64 is the only place with privileged instructions, and with assembly other than the runtime shim's.
//
//	rt0_amd64.s, handoff.go      the way in from boot/boot.S
//	insn.go, insn_amd64.s        one function per privileged instruction
//	cpu.go, features.go          this CPU's block; what the CPU can do and what was switched on
//	desc.go                      GDT, TSS, IDT: one of each per CPU
//	trap.go, trap_amd64.s        every exception and interrupt; fatal ones end in OnFatal
//	syscall_amd64.s, usermode.go SYSCALL, ring 3's traps, and the ways back; what a thread of ring 3 has
//	user.go, user_amd64.s        copies from and to ring 3's memory
//	samples.go, samples_amd64.s  ring-3 code for tests
//	stack.go                     kernel stacks with guard pages
//	paging.go, memory.go         page tables; the address space drawn in memory.go
//	apic.go, ioapic.go           interrupt controllers
//	timer.go, hpet.go, pit.go    time
//	smp.go                       waking the other CPUs
//	uart.go, power.go            the serial line; ending it all
//
// The subpackage acpi reads firmware tables and is portable. Nothing here imports kernel/; what this package needs
// from above (a frame for a page table, somebody who reports a fatal trap) is handed to it in a variable.
//
// References: SDM is Intel's Software Developer's Manual (2023), APM is AMD's Architecture Programmer's Manual.
package amd64
