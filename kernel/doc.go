//go:build exokernel

// Command kernel is Exo: the composition of the portable packages below it with arch/amd64.
//
//	main.go       boot order
//	console.go    lines on the serial port
//	loader.go     what the boot loader said
//	memory.go     the memory map, page tables, boot-time allocation
//	firmware.go   ACPI: CPUs, I/O APICs, nodes, timers, power
//	pci.go        PCI functions; disk.go the disks among them
//	smp.go        the other CPUs, and how to run something on them
//	local.go      what each CPU has of its own: who runs on it, and how it halts
//	rcu.go        read-copy-update: ticks, waiting, stalls
//	panic.go      the report of a fatal trap
//	crash.go      crashing on purpose
//	tests.go      the in-kernel tests and benchmarks (test_*.go, torture*.go, bench*.go)
//
// Start reading at main.go.
package main
