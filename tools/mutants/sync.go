package main

import "fmt"

// torture is the command that runs a torture test in the kernel, on four CPUs, for so many seconds.
func torture(name string, seconds int) string {
	return fmt.Sprintf("go run ./qemu/exo-run -silence 20s -cpus 4 -append 'tests=torture/%s* torture=%d exit'", name, seconds)
}

// host is the command that runs tests of kernel/sync on the host.
func host(tests string) string { return "go test -timeout 100s -run '" + tests + "' ./kernel/sync" }

// race is host with the race detector.
func race(tests string) string {
	return "go test -race -timeout 100s -run '" + tests + "' ./kernel/sync"
}

// yielding is race with threads that yield between any two operations on atomic words.
func yielding(tests string) string {
	return "go test -race -tags explore -timeout 100s -skip TestExplore -run '" + tests + "' ./kernel/sync"
}

// explored is the command that explores interleavings.
func explored(tests string) string {
	return "go test -tags explore -timeout 100s -run '" + tests + "' ./kernel/sync"
}

// syncMutants are faults in kernel/sync and in what the kernel gives it.
var syncMutants = []mutant{
	{"rcu: Synchronize returns at once", "kernel/sync/rcu.go", []edit{{"\tfor rounds := 0; !r.isOver(g)", "\tfor rounds := 0; false && !r.isOver(g)"}}, torture("rcu", 5)},
	{"rcu: a tick inside a section is quiescent", "kernel/sync/rcu.go", []edit{{"if interrupted.preempt == 0 && r.cpus", "if r.cpus"}}, torture("rcu", 5)},
	{"rcu: a callback waits for the period before", "kernel/sync/rcu.go", []edit{{"c.waitFor = r.begin()", "c.waitFor = r.begin() - 1"}}, torture("rcu", 5)},
	{"rcu: callbacks do not wait", "kernel/sync/rcu.go", []edit{{"\t\tif r.isOver(c.waitFor) {", "\t\tif true {"}}, torture("rcu", 5)},
	{"rcu: a CPU is not looked at", "kernel/sync/rcu.go", []edit{{"\tfor i := range r.cpus {\n\t\tdone = min", "\tfor i := range r.cpus[1:] {\n\t\tdone = min"}}, torture("rcu", 5)},
	{"rcu: an idle CPU's handler reads while the CPU counts as idle", "kernel/local.go", []edit{{"\tif me.idle {\n\t\tkernelRCU.IdleExit(me.cpu)\n\t}\n", ""}}, torture("rcu", 5)},
	{"rcu: a CPU that halts in a section counts as idle", "kernel/local.go", []edit{{"\tcase !c.Preemptible():\n\t\tamd64.Idle()\n\t\tamd64.IRQDisable()\n", "\tcase !c.Preemptible():\n\t\tkernelRCU.IdleEnter(me.cpu)\n\t\tamd64.Idle()\n\t\tamd64.IRQDisable()\n\t\tkernelRCU.IdleExit(me.cpu)\n"}}, torture("rcu", 5)},
	{"rcu: Barrier does not wait", "kernel/sync/rcu.go", []edit{{"for ; cpu.ran.Load() < queued; rounds++ {", "for ; cpu.ran.Load()+1000 < queued; rounds++ {"}}, torture("rcu", 5)},
	{"rcu: callbacks are lost when lists are joined", "kernel/sync/rcu.go", []edit{{"\t\tl.last.next = m.first\n\t}\n\tl.last = m.last", "\t\t_ = m.first\n\t}\n\tl.last = m.last"}}, torture("rcu", 5)},
	{"rcu: a CPU that waits reports for all", "kernel/rcu.go", []edit{{"\tkernelRCU.Quiescent(c.CPU)\n", "\tfor i := range ncpu {\n\t\tkernelRCU.Quiescent(i)\n\t}\n"}}, torture("rcu", 5)},
	{"rcu: a tick runs callbacks though preemption is off", "kernel/rcu.go", []edit{{"\tif me.interrupted.Preemptible() {\n", "\t{\n"}}, torture("rcu", 5)},
	{"hazard: an object is reclaimed without looking", "kernel/sync/hazard.go", []edit{{"if contains(table, addressOf(o)) {", "if contains(table, addressOf(o)) && false {"}}, torture("hazard", 5)},
	{"hazard: the scan misses a slot", "kernel/sync/hazard.go", []edit{{"if o := h.cpus[i].slots[j].Load(); o != 0 {", "if o := h.cpus[i].slots[j].Load(); o != 0 && j != 2 {"}}, torture("hazard", 5)},
	{"refs: generations stay", "kernel/sync/ref.go", []edit{{"return (r | indexMask) + 1 + Ref(i)", "return r&^indexMask + Ref(i)"}}, torture("queue", 20)},
	{"queue: Dequeue gives back the wrong slot", "kernel/sync/queue.go", []edit{{"q.pool.Put(cpu, h.index())\n\t\t\treturn", "q.pool.Put(cpu, n.index())\n\t\t\treturn"}}, torture("queue", 5)},
	{"stack: Pop takes the element by a store", "kernel/sync/stack.go", []edit{{"if s.top.CompareAndSwap(uint64(t), uint64(below)) {", "s.top.Store(uint64(below))\n\t\t{"}}, torture("queue", 5)},
	{"pool: a batch is taken by a store", "kernel/sync/pool.go", []edit{{"if p.depot.CompareAndSwap(uint64(top), uint64(top.later(below))) {", "p.depot.Store(uint64(top.later(below)))\n\t\t{"}}, torture("queue", 5)},
	{"deque: a buffer is free as soon as it is outgrown", "kernel/sync/deque.go", []edit{{"\td.rcu.Call(cpu, &b.Head, putBuffer)\n\treturn n", "\tputBuffer(cpu, &b.Head)\n\treturn n"}}, torture("deque", 5)},
	{"deque: Pop takes the last element without asking", "kernel/sync/deque.go", []edit{{"ok = d.top.CompareAndSwap(t, t+1)", "d.top.Store(t + 1)\n\t\tok = true"}}, torture("deque", 5)},
	{"deque: growth forgets an element", "kernel/sync/deque.go", []edit{{"for j := top; j < i; j++ {", "for j := top + 1; j < i; j++ {"}}, torture("deque", 5)},
	{"ring: take does not look at the cycle", "kernel/sync/ring.go", []edit{{"if r.cycleOf(x) == r.cycle(h) {", "if r.cycleOf(x) >= r.cycle(h) {"}}, torture("ring", 5)},
	{"ring: an entry is filled by a store", "kernel/sync/ring.go", []edit{{"if e.CompareAndSwap(x, r.cycle(t)|r.safe()|i) {", "e.Store(r.cycle(t) | r.safe() | i)\n\t\t\t{"}}, torture("ring", 5)},
	{"sleeplock: Unlock does not wake", "kernel/sync/sleeplock.go", []edit{{"\ts.Unpark()\n", "\t_ = s\n"}}, torture("sleeplock", 5)},
	{"sleeplock: priorities are not lent", "kernel/sync/sleeplock.go", []edit{{"\t\t\tp = max(p, l.first.effective.Load())\n", "\t\t\t_ = l\n"}}, torture("sleeplock", 5)},
	{"sleeplock: priorities do not travel", "kernel/sync/sleeplock.go", []edit{{"\t\tl.dequeue(c)\n\t\tl.enqueue(c)\n\t\tc = l.holder\n", "\t\treturn\n"}}, torture("sleeplock", 5)},
	{"sleeplock: TryLock takes what is held", "kernel/sync/sleeplock.go", []edit{{"\tif !l.owner.CompareAndSwap(nil, c) { // order: as in Lock\n\t\treturn false\n\t}\n", "\tl.owner.Store(c)\n"}}, torture("sleeplock", 5)},
	{"park: Unpark sends no interrupt", "kernel/local.go", []edit{{"me.permit.Swap(1) == 0 && me != here()", "me.permit.Swap(1) == 2"}}, torture("sleeplock", 5)},
	{"mcs: two at once", "kernel/sync/mcs.go", []edit{{"for l.locked.Load() != 0 || !l.locked.CompareAndSwap(0, 1) {", "for l.locked.Load() > 1 {"}}, torture("order", 5)},
	{"mcs: a waiter is forgotten", "kernel/sync/mcs.go", []edit{{"mcsAt(n.next.Load()).first.StoreRelease(1)", "_ = mcsAt(n.next.Load())"}}, torture("order", 5)},
	{"order: only what is declared directly is allowed", "kernel/sync/order.go", []edit{{"follows[c] |= follows[via]", "_ = via"}}, torture("order", 5)},
	{"order: release takes the last lock off", "kernel/sync/order.go", []edit{{"\tfor ; i < int(c.n); i++ {", "\tfor ; false; i++ {"}}, torture("order", 5)},
	{"relax: who waits for a lock halts with interrupts off", "kernel/local.go", []edit{{"\tif amd64.InterruptsOff() {\n", "\tif spins < 0 {\n"}}, torture("order", 5)},
	{"trap: handlers run in the task's context", "kernel/local.go", []edit{{"\tg.Context = unsafe.Pointer(&me.interrupt)\n", ""}}, torture("order", 5)},
	{"trap: the task's context is not restored", "kernel/local.go", []edit{{"\tg.Context = interrupted\n}", "}"}}, torture("order", 5)},

	{"nmi: a look at a CPU is not answered", "arch/amd64/nmi.go", []edit{{"\t\tc.seenAt.take(f, c.g)\n\t\tc.looked.Store(1)\n", ""}}, "go test ./qemu -run TestStall"},
	{"nmi: a look at a CPU finds no callers", "arch/amd64/nmi.go", []edit{{"\t\ts.N++\n", ""}}, "go test ./qemu -run TestStall"},
	{"stall: nobody looks", "kernel/sync/stall.go", []edit{{"\tif now >= w.next {", "\tif now < w.start {"}}, "go test ./qemu -run TestStall"},
	{"panic: the report about lock order is lost", "kernel/local.go", []edit{{"\t\tr.n++\n", ""}}, "go test ./qemu -run TestCrashByLockOrder"},
	{"panic: the locks held are not named", "kernel/local.go", []edit{{"\t\tme.task.PrintLocks(l)\n", "\t\tl.Str(\"none\")\n"}}, "go test ./qemu -run TestCrashByLockOrder"},

	{"ring: a slow dequeuer's entry stays safe", "kernel/sync/ring.go", []edit{{"spoilt := x &^ r.safe()", "spoilt := x"}}, host("Ring_")},
	{"ring: an unsafe entry is filled", "kernel/sync/ring.go", []edit{{"x&r.safe() == 0 && r.head.Load() > t", "false"}}, race("Ring_")},
	{"ring: dequeuers give up as if there were one user", "kernel/sync/ring.go", []edit{{"len(entries) + users - 1", "len(entries)"}}, host("Ring_")},
	{"deque: the last element is the owner's without asking", "kernel/sync/deque.go", []edit{{"if t < i {", "if t <= i {"}}, yielding("Deque_")},
	{"deque: one element too many", "kernel/sync/deque.go", []edit{{"d.limit = top + size\n", "d.limit = top + size + 1\n"}}, race("Deque_")},
	{"hazard: one more than the bound", "kernel/sync/hazard.go", []edit{{"c.count >= h.Bound()", "c.count > h.Bound()"}}, race("Hazard_")},
	{"hazard queue: Dequeue does not look at head again", "kernel/sync/hqueue.go", []edit{{"if q.head.Load() != h || dummy.next.Load() != n {", "if dummy.next.Load() != n {"}}, yielding("HazardQueue_")},
	{"rcu: idle CPUs are over the newest period and beyond", "kernel/sync/rcu.go", []edit{{"done := r.newest.Load()", "done := uint64(idle)"}}, host("RCU_")},
	{"rcu: a callback joins those that wait already", "kernel/sync/rcu.go", []edit{{"c.next.add(h)", "c.wait.add(h)"}}, host("RCU_")},
	{"rcu: callbacks are tagged with the current period", "kernel/sync/rcu.go", []edit{{"c.waitFor = r.begin()", "c.waitFor = r.newest.Load()"}}, host("RCU_")},
	{"rcu: expedited interrupts CPUs that it does not wait for", "kernel/sync/rcu.go", []edit{{"if r.cpus[i].seen.Load() < g {\n\t\t\tr.machine.Interrupt", "if r.cpus[i].seen.Load() != g+1 {\n\t\t\tr.machine.Interrupt"}}, host("RCU_")},
	{"stall: reported once only", "kernel/sync/stall.go", []edit{{"w.next = now + r.stallNs", "w.next = ^uint64(0)"}}, host("RCU_")},
	{"mcs: TryLock passes those who wait", "kernel/sync/mcs.go", []edit{{"return l.tail.Load() == 0 && l.locked", "return l.locked"}}, host("MCS_")},
	{"mcs: a level of waiting is never free again", "kernel/sync/mcs.go", []edit{{"\tc.depth--\n", ""}}, host("MCS_")},
	{"seqlock: a reading that began during a write is taken", "kernel/sync/seqlock.go", []edit{{"return l.n.Load() != n", "return l.n.Load()&^1 != n"}}, host("Seqlock_")},
	{"ticket: comparison instead of equality", "kernel/sync/ticket.go", []edit{{"l.owner.Load() != my", "l.owner.Load() < my"}}, host("Ticket_")},

	{"sleeplock: waits with a spinlock held", "kernel/sync/sleeplock.go", []edit{{"\trefresh(l.holder)\n\tguard.Unlock(c)\n", "\trefresh(l.holder)\n"}}, "go run ./tools/locks check"},
	{"console: of a class that handlers do not take", "kernel/console.go", []edit{{"sync.Spinlock{Class: sync.ClassConsole}", "sync.Spinlock{Class: sync.ClassPI}"}}, "go run ./tools/locks check"},
	{"console: taken again while it is held", "kernel/console.go", []edit{{"\tamd64.PutByte('\\n')\n", "\tamd64.PutByte('\\n')\n\tsay(\"\")\n"}}, "go run ./tools/locks check"},
}
