// Package explore runs small concurrent programs under every schedule of a bounded kind, to find the interleaving that
// breaks them. It is compiled with the tag "explore" only, as are the words (package atom) that it controls.
//
//	program ──► threads, coroutines that stop before each operation on an atomic word
//	               │
//	  Exhaustive ──┤  who goes on?  continue · switch to another · flush the oldest store of a buffer
//	  PCT        ──┤
//	  replay     ──┘  failed? ──► the schedule, one line per operation, and the command that repeats it
//
// One execution is a list of choices; exhaustive.go walks the tree of them depth first, by running the program again and
// again from its beginning (stateless model checking: Godefroid, POPL 1997), with at most so many preemptions, first 0,
// then 1, … (Musuvathi & Qadeer, PLDI 2007). pct.go takes a random path that has a known chance to meet a bug of a given
// depth (Burckhardt et al., ASPLOS 2010).
//
// # The memory model
//
// x86-TSO (Sewell et al., CACM 2010): a StoreRelease goes to the thread's own store buffer, first in first out; its own
// loads look there first; every other store and every read-modify-write waits until the buffer is empty. At some later
// moment of the scheduler's choice the oldest store of a buffer is flushed, and then all threads see it.
//
// What a choice costs is what bounds the search. A switch away from a thread that could go on is a preemption and costs
// 1. That a store arrives costs nothing if it can have arrived while nobody ran, between two turns; so all that sequential
// consistency allows within the bound is included, and so is every run in which stores wait for the next switch, or the
// one after, or the end. (Atig, Bouajjani & Parlato, CAV 2011, bound contexts under TSO in the same way.) If it must have
// arrived in the middle of another thread's turn, because that thread had looked already and missed it, it costs 1.
//
// When a store arrives is decided late: when another thread is about to touch the word (arrivals in choice.go), for until
// then it makes no difference. Unbounded and random searches do without this: there, a buffer is like a thread.
//
// A thread that waits says so (Yield, Wait): it does not run again before one of the words that it looked at since its last
// Yield has changed, and who spins cannot keep the others from running (Musuvathi & Qadeer, "Fair stateless model
// checking", PLDI 2008). When all threads spin and no store is on its way, that is a deadlock, and a failure; before it is,
// those that count their rounds get a few.
//
// Not modelled: accesses to plain memory happen with the operation after them, or with Config.Plain between the two, and are
// taken to be free of races (the race detector's business); the compiler's reordering.
//
// Start reading: run.go, then exhaustive.go.
package explore
