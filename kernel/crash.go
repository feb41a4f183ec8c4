//go:build exokernel

package main

import (
	"sync/atomic"

	"exo/arch/amd64"
	"exo/kernel/cmdline"
	"exo/kernel/sync"
	"exo/kernel/text"
)

// crashOnPurpose crashes one CPU, or all, in the way that the command line asks for, while the others are as busy as
// they can be, printing.
func crashOnPurpose() {
	n := options.CrashCPU
	if n >= ncpu {
		var l text.Line
		put(l.Str("crash: there is no CPU ").Int(n))
		return
	}
	if options.Crash == cmdline.RCUStall {
		stallOnPurpose(max(n, 0))
		return
	}
	crashReady.Store(int64(ncpu))
	machine.Parallel(ncpu, func(cpu int) {
		crashReady.Add(-1)
		for crashReady.Load() > 0 {
			amd64.Pause()
		}
		if options.CrashCPU == cmdline.AllCPUs || options.CrashCPU == cpu {
			for ncpu > 1 && options.CrashCPU == cpu && chatter.Load() < 20 {
				amd64.Pause()
			}
			crash(options.Crash)
		}
		for ncpu > 1 {
			say("crash: another CPU is busy printing this line")
			chatter.Add(1)
		}
	})
}

// crashReady counts down to the start, chatter counts the lines of the busy CPUs.
var crashReady, chatter atomic.Int64

// What crash breaks; variables, so that the compiler cannot see it coming.
var (
	crashPointer *int
	crashSlice   = []int{1, 2, 3}
	crashIndex   = 5
	crashZero    int
	crashSink    int
	crashLocks   = [2]sync.Sleeplock{{Class: sync.ClassTestC}, {Class: sync.ClassTestA}} // the wrong way round
)

//go:noinline
func crash(kind cmdline.Crash) {
	switch kind {
	case cmdline.CrashNil:
		crashSink = *crashPointer
	case cmdline.CrashBounds:
		crashSink = crashSlice[crashIndex]
	case cmdline.CrashDivide:
		crashSink = 1 / crashZero
	case cmdline.CrashOverflow:
		crashSink = crashRecurse(1)
	case cmdline.CrashPanic:
		panic("crash=panic on the command line")
	case cmdline.CrashDoubleFault:
		amd64.PushOntoGuard()
	case cmdline.CrashGP:
		crashSink = *(*int)(amd64.Pointer(0x0badbadbadbad000))
	case cmdline.CrashNMI:
		amd64.SendNMI(amd64.APICID())
		for range 1_000_000 {
			amd64.Pause()
		}
	case cmdline.CrashLockOrder:
		c := this()
		crashLocks[0].Lock(c)
		crashLocks[1].Lock(c)
	case cmdline.CrashHang:
		amd64.IRQDisable()
		for {
			amd64.Pause()
		}
	}
}

// crashRecurse needs more stack than there is.
//
//go:noinline
func crashRecurse(n int) int {
	var frame [64]int
	frame[n&63] = n
	return crashRecurse(n+1) + frame[(n+1)&63]
}

// stallOnPurpose has one CPU stay in a read section, with interrupts off, until somebody has complained; then all goes on.
func stallOnPurpose(holder int) {
	if ncpu == 1 {
		say("crash: rcustall needs a second CPU")
		return
	}
	stallHolder = holder
	machine.Parallel(ncpu, func(cpu int) {
		c := this()
		switch cpu {
		case stallHolder:
			flags := amd64.IRQDisable()
			c.ReadLock()
			crashReady.Store(1)
			holdSection()
			c.ReadUnlock()
			amd64.IRQRestore(flags)
		case (stallHolder + 1) % ncpu:
			for crashReady.Load() == 0 {
				amd64.Pause()
			}
			kernelRCU.Synchronize(c, rcuWait)
			say("rcu: the grace period has ended")
		}
	})
}

var stallHolder int

//go:noinline
func holdSection() {
	start := amd64.NowNs()
	for theRCUMachine.stalls.Load() < 2 && amd64.NowNs()-start < 20_000_000_000 {
		amd64.Pause()
	}
}
