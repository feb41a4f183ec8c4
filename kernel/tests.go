//go:build exokernel

package main

import "exo/kernel/ktest"

// tests is every in-kernel test; the functions are in the test_*.go files.
var tests = [...]ktest.Test{
	{"runtime/language: interfaces, generics, closures, defers, range functions", 1, testLanguage},
	{"runtime/memmove: any size, alignment and overlap moves what a byte loop moves", 1, testMemmove},
	{"runtime/memclr: clears what it should and nothing else", 1, testMemclr},
	{"runtime/memequal: sees every difference", 1, testMemequal},
	{"runtime/symbols: code addresses have names and lines", 1, testSymbols},

	{"arch/cpu: g, FS, GS and the stack agree", ktest.All, testConsistent},
	{"arch/cpu: protections that CPUID offers are on", ktest.All, testProtections},
	{"arch/cpu: descriptor tables are each CPU's own", ktest.All, testDescriptors},
	{"arch/apic: ids are distinct and as firmware says", ktest.All, testAPICIDs},
	{"arch/apic: an interrupt reaches the CPU it is sent to", ktest.All, testIPI},
	{"arch/nmi: an NMI at any instruction changes nothing", ktest.All, testNMI},
	{"arch/trap: interrupts preserve every register", ktest.All, testRegisters},
	{"arch/irq: off means off, and restore as before", ktest.All, testIRQFlag},
	{"arch/idle: a trap between STI and HLT does not lose the wake-up", ktest.All, testHaltWindow},
	{"arch/timer: fires once, not early", ktest.All, testTimer},
	{"arch/timer: ticks until stopped", ktest.All, testTicks},
	{"arch/timer: counts at the clock's rate", ktest.All, testTimerRate},
	{"arch/clock: agrees with the timer it was measured by", 1, testCalibration},
	{"arch/clock: does not run backwards", ktest.All, testClock},
	{"arch/ioapic: a device line reaches each CPU in turn", 1, testIOAPIC},
	{"arch/paging: no page is writable and executable", 1, testWriteXorExecute},
	{"arch/paging: map, look up, unmap", 1, testPaging},
	{"arch/paging: a guard lies below every stack", ktest.All, testGuards},

	{"smp/parallel: every CPU makes each call once", ktest.All, testParallel},
	{"smp/atomics: no addition is lost", ktest.All, testAtomics},
	{"sync/ticket: G1 G2 one at a time, and it sees the last one's writes", ktest.All, testTicket}, {"sync/mcs: G1 G2 one at a time, and it sees the last one's writes", ktest.All, testMCS},

	{"torture/queue: no element is lost, doubled or overtaken, no slot is lost", ktest.All, testTortureQueue},
	{"torture/hazard: what is protected is not reclaimed, what is not is", ktest.All, testTortureHazard},
	{"torture/ring: handlers and tasks pass elements, none is lost, doubled or overtaken", ktest.All, testTortureRing},
	{"torture/deque: each element is taken once, oldest by thieves, newest by the owner", ktest.All, testTortureDeque},
	{"torture/sleeplock: one at a time, nobody sleeps on, priorities travel", ktest.All, testTortureSleep},
	{"torture/order: what is declared legal is accepted, in tasks and in handlers", ktest.All, testTortureOrder},
	{"torture/rcu: no grace period ends while a reader from before it reads", ktest.All, testTortureRCU},
	{"torture/frames: every frame is one owner's, of its node, and comes back", ktest.All, testTortureFrames},
	{"torture/spaces: nobody reads or writes by a mapping that was taken away", ktest.All, testTortureSpaces},

	{"mm/frames: G1 G3 all of each node, as much as firmware says, and all back", 1, testFramesAll},
	{"mm/frames: G5 what boot took stays taken, and errors change nothing", 1, testFramesBoot},
	{"numa/policy: local, bind, preferred and interleave, by distance", ktest.All, testPolicies},
	{"numa/policy: a full node", 1, testPolicyFull},
	{"mm/spaces: tables are the space's own, the CPU honours them, all come back", 1, testSpaceTables},
	{"mm/spaces: a shootdown interrupts those who ran the space, nobody else", ktest.All, testShootdown},
	{"mm/user: copies at the edges of pages, and what faults ends them", 1, testUserCopy},
	{"numa/migrate: a page moves with its content, and stays where it was mapped", 1, testMigrate},
	{"numa/hints: what is read from afar moves to its reader", ktest.All, testHints},
	{"mm/direct map: shows every node's memory", 1, testDirectMap},
	{"numa/topology: CPUs, distances and orders are sound", 1, testTopology},
	{"numa/topology: the nodes hold all memory, once", 1, testNodeMemory},
	{"numa/locality: a CPU's own data is on its node", ktest.All, testLocality},
	{"initramfs: files are there, whole", 1, testInitramfs},
}
