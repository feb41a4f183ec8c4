//go:build exokernel

package main

import (
	"exo/arch/amd64"
	"exo/boot/multiboot"
	"exo/kernel/initramfs"
	"exo/kernel/text"
)

// loader is what the boot loader said, copied out of its memory.
var loader multiboot.Info

// bootMemory reads physical memory through boot.S's tables: the first 4 GiB.
type bootMemory struct{}

func (*bootMemory) Bytes(addr, n uint64) []byte {
	if addr >= 4<<30 || n > 4<<30-addr {
		return nil
	}
	return amd64.PhysAddr(addr).Bytes(n)
}

var theBootMemory bootMemory

// readLoader reads the loader's information block; without a memory map there is nothing to run in.
func readLoader() {
	b := amd64.Boot
	var l text.Line
	if err := multiboot.Parse(&theBootMemory, b.Magic, uint64(b.Info), &loader); err != nil {
		giveUp("the boot loader's information is unusable", err)
	}
	put(l.Str("loader: ").Printable(loader.LoaderName()).Str(", multiboot ").Int(loader.Version))
	for _, w := range loader.Warnings[:min(loader.NWarnings, len(loader.Warnings))] {
		put(l.Reset().Str("loader: ").Str(w.Text).Str(" (").Hex(w.Arg).Str(")"))
	}
	put(l.Reset().Str("cmdline: ").Printable(loader.CommandLine()))
}

// giveUp ends the boot with a reason: there is no way on, and nothing to report but that.
func giveUp(what string, err error) {
	var l text.Line
	put(l.Str("exo: cannot boot: ").Str(what).Str(": ").Str(err.Error()))
	amd64.DebugExit(amd64.ExitFail)
	amd64.HaltForever()
}

// openInitramfs finds the archive among the loader's modules: the first one.
func openInitramfs() {
	var l text.Line
	if loader.NModules == 0 {
		say("initramfs: none")
		return
	}
	m := &loader.Modules[0]
	a, err := initramfs.Open(amd64.PhysAddr(m.Base).Bytes(m.Len))
	if err != nil {
		put(l.Str("initramfs: unusable, at byte ").Int(a.Offset).Str(": ").Str(err.Error()))
		return
	}
	archive = a
	put(l.Str("initramfs: ").Int(a.Len()).Str(" entries, ").Uint(m.Len).Str(" bytes"))
}
