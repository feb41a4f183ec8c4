//go:build exokernel

package main

import (
	"exo/arch/amd64"
	"exo/kernel/cmdline"
	"exo/kernel/initramfs"
	"exo/kernel/ktest"
	"exo/kernel/text"
)

// options is the kernel's command line.
var options cmdline.Options

// archive is the initramfs, empty if the loader brought none.
var archive initramfs.Archive

// main is the kernel: arch/amd64 calls it on the boot CPU, interrupts off, on boot.S's page tables.
func main() {
	amd64.InitUART()
	amd64.OnFatal = reportFatal
	amd64.InitBootCPU()
	startContexts()
	openSymbols()
	amd64.SilencePIC()
	say("exo: booting")
	printFeatures()

	readLoader()
	cmdline.Parse(loader.CommandLine(), &options)
	for _, c := range options.Complaints() {
		var l text.Line
		put(l.Str("cmdline: ignored \"").Printable(c.Word).Str("\": ").Str(c.Why))
	}
	buildMemory()
	amd64.MoveToGuardedStack(allocFrame, mainOnGuardedStack)
}

// mainOnGuardedStack goes on once there is a stack that can overflow safely.
func mainOnGuardedStack() {
	readFirmware()
	startCPUs()
	buildTopology()
	printTopology()
	startTasks()
	reserveEnvs()
	startFrames()
	startSpaces()
	openInitramfs()
	startEnvs()
	startDisks()
	startFiles()

	if options.Crash != cmdline.NoCrash {
		crashOnPurpose()
	}
	result := runTests()
	if options.Bench != "" && prepareSubjects() {
		ktest.Benchmark(machine, benches[:], wantBench)
	}
	finish(result)
}

func printFeatures() {
	var l text.Line
	f := &amd64.CPUFeatures
	l.Str("cpu: ").Printable(asString(f.Vendor())).Byte(' ').Uint(uint64(f.PhysBits)).Str("-bit addresses")
	for _, p := range [...]struct {
		have bool
		name string
	}{
		{f.NX, " nx"}, {f.SMEP, " smep"}, {f.SMAP, " smap"}, {f.UMIP, " umip"}, {f.FSGSBASE, " fsgsbase"},
		{f.Page1G, " 1gb-pages"}, {f.X2APIC, " x2apic"}, {f.TSCDeadline, " tsc-deadline"}, {f.PCID, " pcid"},
	} {
		if p.have {
			l.Str(p.name)
		}
	}
	put(&l)
}

// runTests runs the tests that were asked for.
func runTests() ktest.Result {
	var l text.Line
	put(l.Str("boot: tsc=").Uint(amd64.TSC() - amd64.Boot.TSC))
	if options.Tests == "none" {
		return ktest.Result{}
	}
	r := ktest.Run(machine, testsHere(), seed(), wantTest)
	l.Reset().Str("tests: ").Int(r.Run - r.Failed - r.Skipped).Str(" passed, ").Int(r.Failed).Str(" failed, ")
	put(l.Int(r.Skipped).Str(" skipped"))
	if n := amd64.Unexpected(); n > 0 {
		put(l.Reset().Str("tests: ").Uint(n).Str(" interrupts came for which there is no handler"))
	}
	if r.Run == 0 {
		put(l.Reset().Str("tests: nothing matches tests=").Printable(options.Tests))
		r.Failed = 1
	}
	return r
}

func wantTest(name string) bool  { return cmdline.Match(options.Tests, name) }
func wantBench(name string) bool { return cmdline.Match(options.Bench, name) }

// seed is the run's seed: the command line's, or one that no two boots share unless time is simulated.
func seed() uint64 {
	if options.HasSeed {
		return options.Seed
	}
	r := ktest.NewRand(amd64.TSC())
	return r.Uint64() >> 32
}

// finish ends QEMU if asked to, else waits for nothing.
func finish(r ktest.Result) {
	if options.Exit && (options.Run == "" || r.Failed > 0) {
		if r.Failed == 0 {
			endFiles()
		}
		code := uint32(amd64.ExitPass)
		if r.Failed > 0 {
			code = amd64.ExitFail
		}
		amd64.DebugExit(code)
		// No such device: real hardware, or another machine monitor.
		softOff.PowerOff()
		say("exo: cannot turn this machine off; it is safe to do so by hand")
	}
	if startInit() {
		startConsoleInput()
	} else {
		say("exo: nothing more to do; Ctrl-A X leaves QEMU")
	}
	for {
		amd64.IRQDisable()
		here().halt()
	}
}
