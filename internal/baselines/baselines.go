// Package baselines has what two other systems need for what Exo's primitives do, in instructions: docs/baselines.md says how
// that was measured. It holds data alone, so that programs in ring 3 can print it, too.
package baselines

// Primitive is one operation, by the name of the benchmark of user/bench, and what others need for what is nearest to it; 0: there is nothing
// of that kind, or it was not measured.
type Primitive struct {
	Name  string
	What  string // that others do
	Linux uint64
	XV6   uint64
}

// Primitives are those of user/bench, in its order.
var Primitives = [...]Primitive{
	{"null-call", "getppid", 328, 1_399},
	{"yield", "sched_yield, alone", 800, 0},
	{"directed-yield", "2 switches by sched_yield", 4_434, 0},
	{"map+touch+unmap", "mmap, touch, munmap; sbrk", 19_774, 9_300},
	{"page-map+touch+unmap", "mmap, touch, munmap; sbrk", 19_774, 9_300},
	{"demand-zero-fault-per-page", "anonymous fault", 3_125, 1_876},
	{"fault+protect", "SIGSEGV, mprotect, retry", 8_938, 0},
	{"ipc-call+reply", "futex ping-pong; pipe", 8_821, 27_266},
	{"notify", "futex wake, no waiter", 491, 0},
	{"thread-create+join", "pthread_create, join", 29_419, 0},
	{"pipe-round-trip", "pipe ping-pong", 12_027, 27_266},
	{"fork+exit+wait", "fork, exit, wait", 94_514, 2_003_219},
	{"spawn+exit+wait", "fork, exec, wait", 210_273, 4_115_916},
}

// Kernel are those of benchmarks of the kernel's own, by their names.
var Kernel = [...]Primitive{
	{"sched/yield", "sched_yield, each switch between two processes", 2_217, 0},
	{"sched/spawn-join", "pthread_create, join", 29_419, 0},
	{"env/null", "getppid", 328, 1_399},
	{"env/map+touch+unmap", "mmap, touch, munmap; sbrk", 19_774, 9_300},
	{"ipc/call-reply", "futex ping-pong; pipe", 8_821, 27_266},
	{"fs/create+write-4K+unlink", "create, write 4 KiB (xv6: 512 bytes), unlink", 24_014, 1_168_583},
	{"fs/read-64K", "read 64 KiB", 16_395, 2_102_950},
	{"fs/write-64K", "write 64 KiB", 19_851, 0},
	{"fs/open+close", "open, close", 6_027, 0},
	{"fs/stat", "stat", 3_561, 0},
}

// Of returns the entry of a benchmark; nil: there is none.
func Of(name string) *Primitive {
	for _, all := range [][]Primitive{Primitives[:], Kernel[:]} {
		for i := range all {
			if all[i].Name == name {
				return &all[i]
			}
		}
	}
	return nil
}
