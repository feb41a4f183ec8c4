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

// Of returns the entry of a benchmark; nil: there is none.
func Of(name string) *Primitive {
	for i := range Primitives {
		if Primitives[i].Name == name {
			return &Primitives[i]
		}
	}
	return nil
}
