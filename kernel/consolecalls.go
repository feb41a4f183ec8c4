//go:build exokernel

package main

import (
	"exo/arch/amd64"
	"exo/kernel/abi"
	"exo/kernel/cap"
	"exo/kernel/sync/atom"
)

// System calls: the console, the serial line. What is written goes out as it is, between the kernel's lines. What comes in waits
// in a ring until it is read; what comes when that is full is lost.

const (
	consoleChunk = 64  // bytes that go out with interrupts off
	consoleMost  = 512 // bytes of one call
)

func sysConsoleWrite(s *amd64.UserState, f *amd64.SysFrame) int64 {
	irqOn()
	if err := capTab.Check(cap.Name(f.RDI), threadOf(s).env.holder(), cap.Kind(abi.KindConsole), cap.Write); err != nil {
		return int64(capErrno(err))
	}
	var b [consoleChunk]byte
	n, at := min(f.RDX, consoleMost), f.RSI
	for done := uint64(0); done < n; {
		chunk := b[:min(n-done, consoleChunk)]
		if !amd64.CopyIn(chunk, at+done) {
			if done == 0 {
				return int64(abi.BadAddress)
			}
			return int64(done)
		}
		flags := amd64.IRQDisable()
		me := this()
		consoleLock.Lock(me)
		for _, c := range chunk {
			amd64.PutByte(c)
		}
		consoleLock.Unlock(me)
		amd64.IRQRestore(flags)
		done += uint64(len(chunk))
	}
	return int64(n)
}

// consoleInput is what has come in. The interrupt of the line puts, on one CPU; who reads claims it first.
var consoleInput struct {
	bytes   [256]byte
	put     atom.Uint64 // how many have been put, and taken, in all
	taken   atom.Uint64
	reading atom.Uint32
	lost    atom.Uint64
}

// onConsole is the interrupt: the line has something.
func onConsole(*amd64.Frame) {
	g := &consoleInput
	before := g.put.Load()
	for range 64 {
		b, ok := amd64.GetByte()
		if !ok {
			break
		}
		at := g.put.Load()
		if at-g.taken.Load() == uint64(len(g.bytes)) {
			g.lost.Add(1)
			continue
		}
		g.bytes[at%uint64(len(g.bytes))] = b
		g.put.StoreRelease(at + 1) // order: publishes the byte; pairs with sysConsoleRead
	}
	if g.put.Load() != before {
		tellConsole()
	}
}

// startConsoleInput has the line interrupt CPU 0.
func startConsoleInput() {
	const vector = amd64.VectorIRQ + amd64.COM1IRQ
	line := isa[amd64.COM1IRQ]
	amd64.Handle(vector, onConsole)
	if amd64.RouteGSI(line.gsi, vector, line.trigger, amd64.CPUByIndex(0).APICID) {
		amd64.UARTReceiveIRQ()
	}
}

func sysConsoleRead(s *amd64.UserState, f *amd64.SysFrame) int64 {
	irqOn()
	if err := capTab.Check(cap.Name(f.RDI), threadOf(s).env.holder(), cap.Kind(abi.KindConsole), cap.Read); err != nil {
		return int64(capErrno(err))
	}
	g := &consoleInput
	var b [consoleChunk]byte
	c := preemptOff()
	defer c.PreemptEnable()
	if !g.reading.CompareAndSwap(0, 1) {
		return 0
	}
	at, end := g.taken.Load(), g.put.Load()
	n := min(end-at, f.RDX, consoleChunk)
	for i := range n {
		b[i%consoleChunk] = g.bytes[(at+i)%uint64(len(g.bytes))]
	}
	ok := amd64.CopyOut(f.RSI, b[:n])
	if ok {
		g.taken.Store(at + n)
	}
	g.reading.StoreRelease(0)
	if !ok {
		return int64(abi.BadAddress)
	}
	return int64(n)
}
