//go:build exokernel

package main

import (
	"sync/atomic"

	"exo/arch/amd64"
	"exo/kernel/ktest"
)

// benches is every benchmark, beside what it is to be compared with.
var benches = [...]ktest.Bench{
	{Name: "sync/counter", Ops: 10_000, Run: benchCounter, Baseline: benchCounterLocked},
	{Name: "sync/ticket", Ops: 10_000, Run: benchTicket, BaselineName: "irqs-off", Baseline: benchTicketIRQ},
	{Name: "sync/mcs", Ops: 10_000, Run: benchMCS, BaselineName: "ticket", Baseline: benchTicketPlain},
	{Name: "sync/spinlock", Ops: 10_000, Run: benchSpinlock, BaselineName: "ticket", Baseline: benchTicketPlain},
	{Name: "sync/spinlock-irqs-off", Ops: 10_000, Run: benchSpinlockIRQ, BaselineName: "ticket-irqs-off", Baseline: benchTicketPlainIRQ},
	{Name: "sync/sleeplock", Ops: 10_000, Run: benchSleeplock, BaselineName: "ticket", Baseline: benchTicketPlain},
	{Name: "sync/sleeplock-nested", Ops: 10_000, Run: benchNested, BaselineName: "ticket", Baseline: benchTicketPlain},
	{Name: "sync/queue-pair", Ops: 10_000, Run: benchQueue, Baseline: benchPlainFIFO},
	{Name: "sync/hazard-queue-pair", Ops: 10_000, Run: benchHazardQueue, Baseline: benchPlainFIFO},
	{Name: "sync/ring-pair", Ops: 10_000, Run: benchRing, Baseline: benchPlainFIFO},
	{Name: "sync/stack-pair", Ops: 10_000, Run: benchStack, Baseline: benchPlainLIFO},
	{Name: "sync/deque-push-pop", Ops: 10_000, Run: benchDeque, Baseline: benchPlainLIFO},
	{Name: "sync/deque-push-steal", Ops: 10_000, Run: benchSteal, Baseline: benchPlainFIFO},
	{Name: "sync/hazard-protect", Ops: 10_000, Run: benchProtect, BaselineName: "locked-count", Baseline: benchPlainCount},
	{Name: "sync/rcu-read", Ops: 10_000, Run: benchReadSection, Baseline: benchPlainRead},
	{Name: "sync/rcu-quiescent", Ops: 10_000, Run: benchQuiescent, Baseline: benchPlainRead},
	{Name: "sync/rcu-call", Ops: 9_600, Run: benchCall, Baseline: benchPlainFree},
	{Name: "sync/rcu-synchronize", Ops: 10_000, Run: benchSynchronize, Baseline: benchPlainRead},
	{Name: "sync/seqlock-read", Ops: 10_000, Run: benchSeqlock, Baseline: benchPlainReadTwo},
	{Name: "sync/this-context", Ops: 10_000, Run: benchThis, BaselineName: "this-cpu", Baseline: benchThisCPU},
	{Name: "mm/frame-pair", Ops: 10_000, Run: benchFrame, BaselineName: "buddy", Baseline: benchBuddy},
	{Name: "mm/frame-pair-by-node", Ops: 10_000, Run: benchFrameByNode, BaselineName: "stack", Baseline: benchFrameStack},
	{Name: "mm/frame-pair-by-policy", Ops: 10_000, Run: benchFrameByPolicy, BaselineName: "buddy", Baseline: benchBuddy},
	{Name: "mm/huge-frame-pair", Ops: 1_000, Run: benchHugeFrame, BaselineName: "buddy", Baseline: benchBuddyHuge},
	{Name: "mm/frames-512", Ops: 100, Run: benchFrames512, BaselineName: "buddy", Baseline: benchBuddy512},
	{Name: "mm/slab-pair", Ops: 10_000, Run: benchSlab, Baseline: benchSlabLocked},
	{Name: "mm/slab-burst-256", Ops: 10_240, Run: benchSlabBurst, Baseline: benchSlabLocked},
	{Name: "mm/map-unmap", Ops: 9_600, Run: benchMapUnmap, BaselineName: "each-shot", Baseline: benchMapShoot},
	{Name: "mm/protect", Ops: 9_600, Run: benchProtectPage, BaselineName: "each-shot", Baseline: benchProtectShoot},
	{Name: "mm/enter-leave", Ops: 10_000, Run: benchEnter, BaselineName: "enter-drop", Baseline: benchEnterDrop},
	{Name: "ring3/null-call", Ops: 100_000, Run: benchNullCall, BaselineName: "exception", Baseline: benchRing3Trap},
	{Name: "ring3/yield", Ops: 10_000, Run: benchRing3Yield, BaselineName: "kernel-task", Baseline: benchYield},
	{Name: "ring3/foreign-call", Ops: 10_000, Run: benchForeign, BaselineName: "exception", Baseline: benchRing3Trap},
	{Name: "mm/copyin-64", Ops: 10_000, Run: benchCopyIn, BaselineName: "plain-copy", Baseline: benchCopyPlain},
	{Name: "mm/copyinstr-16", Ops: 10_000, Run: benchCopyInString, BaselineName: "copyin-64", Baseline: benchCopyIn},
	{Name: "sched/ready-pair", Ops: 10_000, Run: benchReadyPair, BaselineName: "one-queue", Baseline: benchReadyPairOne,
		SecondName: "queue-each", Second: benchReadyPairEach},
	{Name: "sched/state-pair", Ops: 10_000, Run: benchStatePair, BaselineName: "one-queue", Baseline: benchStatePairOne,
		SecondName: "queue-each", Second: benchStatePairEach},
	{Name: "sched/steal", Ops: 10_000, Run: benchStealTask, BaselineName: "one-queue", Baseline: benchStealTaskOne,
		SecondName: "queue-each", Second: benchStealTaskEach},
	{Name: "sched/yield", Ops: 10_000, Run: benchYield, BaselineName: "one-queue", Baseline: benchYieldOne,
		SecondName: "queue-each", Second: benchYieldEach},
	{Name: "sched/yield-alone", Ops: 10_000, Run: benchYieldAlone, BaselineName: "one-queue", Baseline: benchYieldAloneOne,
		SecondName: "queue-each", Second: benchYieldAloneEach},
	{Name: "sched/block-wake", Ops: 10_000, Run: benchBlockWake, BaselineName: "one-queue", Baseline: benchBlockWakeOne,
		SecondName: "queue-each", Second: benchBlockWakeEach},
	{Name: "sched/spawn-join", Ops: 3_000, Run: benchSpawnJoin, BaselineName: "one-queue", Baseline: benchSpawnJoinOne,
		SecondName: "queue-each", Second: benchSpawnJoinEach},
	{Name: "env/null", Ops: 10_000, Run: benchEnvNull, BaselineName: "loop", Baseline: benchEnvLoop},
	{Name: "env/map+unmap", Ops: 5_000, Run: benchEnvMapUnmap, BaselineName: "null", Baseline: benchEnvNull},
	{Name: "env/map+touch+unmap", Ops: 5_000, Run: benchEnvMapTouchUnmap, BaselineName: "null", Baseline: benchEnvNull},
	{Name: "env/protect", Ops: 300, Run: benchEnvProtect, BaselineName: "null", Baseline: benchEnvNull},
	{Name: "env/fault+2protect", Ops: 5_000, Run: benchEnvFault, BaselineName: "by-iretq", Baseline: benchEnvFaultIRETQ},
	{Name: "env/yield", Ops: 5_000, Run: benchEnvYield, BaselineName: "null", Baseline: benchEnvNull},
	{Name: "env/frame", Ops: 2_000, Run: benchEnvFrame, BaselineName: "null", Baseline: benchEnvNull},
	{Name: "env/thread", Ops: 2_000, Run: benchEnvThread, BaselineName: "yield", Baseline: benchEnvYield},
	{Name: "env/create+destroy", Ops: 200, Run: benchEnvEnv, BaselineName: "null", Baseline: benchEnvNull},
	{Name: "ipc/call-reply", Ops: 20_000, Run: benchCallReply, BaselineName: "same-space", Baseline: benchCallReplySame,
		SecondName: "null", Second: benchEnvNull},
	{Name: "ipc/notify", Ops: 5_000, Run: benchNotify, BaselineName: "null", Baseline: benchEnvNull},
	{Name: "cap/check", Ops: 10_000, Run: benchCapCheck, Baseline: benchCapLookupLocked},
	{Name: "cap/lookup", Ops: 10_000, Run: benchCapLookup, Baseline: benchCapLookupLocked},
	{Name: "cap/derive-delete", Ops: 10_000, Run: benchCapDeriveDelete, Baseline: benchCapPairLocked},
	{Name: "cap/derive-revoke", Ops: 10_000, Run: benchCapDeriveRevoke, Baseline: benchCapPairLocked},
	{Name: "fs/create+write-4K+unlink", Ops: 1_000, Run: benchFileCreate, BaselineName: "kernel-task", Baseline: benchFileCreateTask},
	{Name: "fs/read-64K", Ops: 500, Run: benchFileRead, BaselineName: "kernel-task", Baseline: benchFileReadTask,
		SecondName: "copy", Second: benchFileCopy},
	{Name: "fs/write-64K", Ops: 500, Run: benchFileWrite, BaselineName: "kernel-task", Baseline: benchFileWriteTask,
		SecondName: "copy", Second: benchFileCopy},
	{Name: "fs/open+close", Ops: 2_048, Run: benchFileOpen, BaselineName: "lookup", Baseline: benchFileFind},
	{Name: "fs/open+close-of-1000", Ops: 2_048, Run: benchFileOpen1K, BaselineName: "lookup", Baseline: benchFileFind1K},
	{Name: "fs/open+close-of-100000", Ops: 2_048, Run: benchFileOpen100K, BaselineName: "lookup", Baseline: benchFileFind100K},
	{Name: "fs/stat", Ops: 5_000, Run: benchFileStat, BaselineName: "kernel-task", Baseline: benchFileStatTask},
	{Name: "fs/open+stat+close", Ops: 2_048, Run: benchFileStatName, BaselineName: "lookup", Baseline: benchFileFind},
	{Name: "runtime/memmove-4K", Ops: 500, Run: benchMove, BaselineName: "words", Baseline: benchMoveWords},
	{Name: "runtime/memclr-4K", Ops: 500, Run: benchClear, BaselineName: "words", Baseline: benchClearWords},
	{Name: "arch/this-cpu", Ops: 10_000, Run: benchThisCPU, BaselineName: "rdmsr", Baseline: benchThisCPUByMSR},
}

var (
	benchCount  atomic.Uint64
	benchPlain  uint64
	benchLock   = &ticketLock
	benchSource [512]uint64
	benchTarget [512]uint64
	benchCPU    *amd64.CPU
)

func benchCounter(ops uint64) {
	for range ops {
		benchCount.Add(1)
	}
}

func benchCounterLocked(ops uint64) {
	for range ops {
		benchLock.Lock(pause)
		benchPlain++
		benchLock.Unlock()
	}
}

func benchTicket(ops uint64) {
	for range ops {
		benchLock.Lock(pause)
		benchLock.Unlock()
	}
}

func benchTicketPlain(ops uint64) {
	for range ops {
		plainLock.Lock(nil)
		plainLock.Unlock()
	}
}

func benchTicketPlainIRQ(ops uint64) {
	for range ops {
		flags := amd64.IRQDisable()
		plainLock.Lock(nil)
		plainLock.Unlock()
		amd64.IRQRestore(flags)
	}
}

func benchTicketIRQ(ops uint64) {
	for range ops {
		flags := amd64.IRQDisable()
		benchLock.Lock(pause)
		benchLock.Unlock()
		amd64.IRQRestore(flags)
	}
}

func benchMove(ops uint64) {
	for range ops {
		copy(benchTarget[:], benchSource[:])
	}
}

func benchMoveWords(ops uint64) {
	for range ops {
		for i := range benchSource {
			benchTarget[i] = benchSource[i]
		}
	}
}

func benchClear(ops uint64) {
	for range ops {
		clear(benchTarget[:])
	}
}

func benchClearWords(ops uint64) {
	for n := range ops {
		for i := range benchTarget {
			benchTarget[i] = n >> 63 // a plain 0 would be compiled into a clear
		}
	}
}

func benchThisCPU(ops uint64) {
	for range ops {
		benchCPU = amd64.ThisCPU()
	}
}

func benchThisCPUByMSR(ops uint64) {
	for range ops {
		benchCPU = amd64.ThisCPUByMSR()
	}
}
