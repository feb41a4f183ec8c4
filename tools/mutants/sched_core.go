package main

// tasks is the command that runs tests of kernel/sched on the host, and tasksExplored that which explores it.
func tasks(tests string) string {
	return "go test -short -timeout 60s -run '" + tests + "' ./kernel/sched"
}

func tasksExplored(tests string) string {
	return "go test -tags explore -timeout 150s -run '" + tests + "' ./kernel/sched"
}

// schedCoreMutants are faults in the scheduler's core: rings, inboxes, waking, stealing, going idle, lent urgency.
var schedCoreMutants = []mutant{
	{"sched: a Wake of a task that runs is forgotten", "kernel/sched/wake.go", []edit{{"\t\t\tif t.word.CompareAndSwap(uint64(w), uint64(w|permit)) {\n\t\t\t\treturn true", "\t\t\tif w&permit == 0 {\n\t\t\t\treturn true"}}, tasksExplored("TestExplore_Wake_G1")},
	{"sched: block does not look at the permit", "kernel/sched/leave.go", []edit{{"\t\tif w&permit != 0 {\n\t\t\tif t.word.CompareAndSwap(uint64(w), uint64(w&^permit)) {\n\t\t\t\treturn false", "\t\tif w == 0 {\n\t\t\tif t.word.CompareAndSwap(uint64(w), uint64(w&^permit)) {\n\t\t\t\treturn false"}}, tasksExplored("TestExplore_Wake_G1")},
	{"sched: into the idle set without a fence", "kernel/sched/idle.go", []edit{{"\tc.sched.idle.Or(1 << c.id) // order", "\tc.sched.idle.StoreRelease(c.sched.idle.Load() | 1<<c.id) // order"}}, tasksExplored("TestExplore_Wake_G1")},
	{"sched: a CPU goes idle on its inbox", "kernel/sched/idle.go", []edit{{"if !c.hasWork() && !c.worthStealing() {", "if !c.worthStealing() {"}}, tasksExplored("TestExplore_Wake_G1")},
	{"sched: an idle CPU is sent a task and not kicked", "kernel/sched/wake.go", []edit{{"if s.leaveIdle(to) || t.urgent()", "if t.urgent()"}}, tasksExplored("TestExplore_Wake_G1")},
	{"sched: who ends looks for a joiner first", "kernel/sched/wake.go", []edit{{"\tt.become(Done) // order: before joiner", "\tj := t.joiner.Load()\n\tt.become(Done) // order: before joiner"}, {"\tif j := t.joiner.Load(); j != 0 {\n\t\ts.Wake", "\tif j != 0 {\n\t\ts.Wake"}}, tasksExplored("TestExplore_Join_G4")},
	{"sched: a permit is lost when a task is started", "kernel/sched/wake.go", []edit{{"\tt.becomeReadySlowly() // by", "\tt.word.Store(uint64(word(t.word.Load()).in(Ready) + counted)) // by"}}, tasksExplored("TestExplore_Go_G1")},
	{"sched: a late Wake does not look at the ID", "kernel/sched/wake.go", []edit{{"case t.id.Load() != uint64(id) || w.state() == Free", "case w.state() == Free"}}, tasksExplored("TestExplore_Wake_G3")},
	{"sched: a ring's head is moved by a store", "kernel/sched/ring.go", []edit{{"\tif r.head.CompareAndSwap(h, h+1) { // order: t is what was there", "\tif r.head.Store(h + 1); t != nil { // order: t is what was there"}}, tasksExplored("TestExplore_Ring_G1")},
	{"sched: Pass takes what others may have taken", "kernel/sched/pass.go", []edit{{"\t\tif !r.head.CompareAndSwap(h, h+1) { // order: as ring.take's", "\t\tif r.head.Swap(h+1) > h+99 { // order: as ring.take's"}}, tasksExplored("TestExplore_Pass")},
	{"sched: half a ring is taken by a store", "kernel/sched/ring.go", []edit{{"\tif n == 0 || !r.head.CompareAndSwap(h, h+n) {", "\tif r.head.Store(h + n); n == 0 {"}}, tasksExplored("TestExplore_Ring_G1")},
	{"sched: thieves take all there is", "kernel/sched/ring.go", []edit{{"n = min(n-n/2, uint64(len(to)))", "n = min(n, uint64(len(to)))"}}, tasks("TestRing_G1")},
	{"sched: an inbox gives the newest first", "kernel/sched/inbox.go", []edit{{"\tfor t := b.newest.Swap(nil); t != nil; {\n\t\tt, t.next, oldest = t.next, oldest, t\n\t}\n\treturn oldest", "\treturn b.newest.Swap(nil)"}}, tasks("TestInbox_G1")},
	{"sched: thieves take what they may not run", "kernel/sched/ring.go", []edit{{"to[i].affinity.Load()&bit == 0 {", "to[i] == nil {"}}, tasks("TestSched_G1|TestSteal")},
	{"sched: CPUs are called for what they may not run", "kernel/sched/idle.go", []edit{{"\t\tidle := s.idle.Load() & by\n\t\tif idle == 0 {", "\t\tidle := s.idle.Load()\n\t\tif idle == 0 || by == 0 {"}}, tasks("TestSteal")},
	{"sched: the last task is stolen", "kernel/sched/steal.go", []edit{{"n+int(c.busy.Load()) < c.sched.tuning.StealLeast {", "n+int(c.busy.Load()) < 1 {"}}, tasks("TestSteal")},
	{"sched: the farthest is stolen from first", "kernel/sched/steal.go", []edit{{"for ; i > 0 && distance(c.id, v[i-1].id) > distance(c.id, cpu); i-- {", "for ; i > 0 && distance(c.id, v[i-1].id) < distance(c.id, cpu); i-- {"}}, tasks("TestSteal")},
	{"sched: what becomes urgent while it is stolen waits", "kernel/sched/steal.go", []edit{{"\tif first.urgent() || c.rt.ready.n != 0 {", "\tif c.rt.ready.n > 99 {"}}, tasks("TestSteal")},
	{"sched: nobody looks at who runs and is lent urgency", "kernel/sched/wake.go", []edit{{"\tcase Running:\n\t\ts.machine.Kick(int(t.cpu.Load()))\n", ""}}, tasks("TestPick")},
	{"sched: who is throttled stays so, though others wait for it", "kernel/sched/file.go", []edit{{"\tc.relend(&c.rt.throttled, now)\n", ""}}, tasks("TestPick")},
	{"sched: lent urgency stays", "kernel/sched/account.go", []edit{{"\tt.reservation.lent = t.lent()\n\treturn c.rt.charge(t, ran)", "\treturn c.rt.charge(t, ran)"}}, tasks("TestPick")},
	{"sched: who was lent urgency is preempted by real-time tasks", "kernel/sched/cpu.go", []edit{{"\t\tif prev.reservation.lent = prev.lent(); t == nil", "\t\tif t == nil"}}, tasks("TestPick")},
	{"sched: who yields and is urgent is queued as others are", "kernel/sched/pass.go", []edit{{"\tif prev.becomeReady(); prev.urgent() {", "\tif prev.becomeReady(); prev == nil {"}}, tasks("TestPick")},
	{"sched: a task that was stolen back is looked for elsewhere", "kernel/sched/steal.go", []edit{{"\tc.settle(first)\n", ""}}, tasks("TestPick")},
	{"sched: who is yielded to is taken by a store", "kernel/sched/ring.go", []edit{{"\t\tif !r.head.CompareAndSwap(h, h+1) { // order: as take's\n\t\t\tcontinue", "\t\tif r.head.Store(h + 1); u == nil {\n\t\t\tcontinue"}}, tasksExplored("TestExplore_YieldTo_G1")},
	{"sched: who is yielded to stays in the ring", "kernel/sched/ring.go", []edit{{"\t\t\tfound = true\n\t\t} else {\n\t\t\tr.push(u)\n\t\t}", "\t\t\tfound = true\n\t\t}\n\t\tr.push(u)"}}, tasks("TestYieldTo")},
	{"sched: who is yielded to gets a quantum of its own", "kernel/sched/pass.go", []edit{{"\tnext.claim()\n\tc.goTo(prev, next, now)", "\tnext.claim()\n\tc.until = now + c.fair.quantum\n\tc.goTo(prev, next, now)"}}, tasks("TestYieldTo")},
	{"sched: who ends passes on, though others wait", "kernel/sched/pass.go", []edit{{"c.rt.ready.n+c.shared.len()+c.pinned.len() != 0 || c.urgent", "c.rt.ready.n != 0 || c.urgent"}}, tasks("TestPassToJoiner")},
	{"sched: who joins is taken by a store", "kernel/sched/pass.go", []edit{{"\tif !next.word.CompareAndSwap(w, w-uint64(Blocked-Running)+uint64(counted)) {", "\tif next.word.Store(w - uint64(Blocked-Running) + uint64(counted)); next == prev {"}}, tasksExplored("TestExplore_Join_G4_PassedOn")},
	{"sched: a task is done before its stack is left", "kernel/sched/pass.go", []edit{{"\tc.Counters.WakesHere++\n\tc.fair.enter(next)\n", "\tc.Counters.WakesHere++\n\tprev.become(Done)\n\tc.fair.enter(next)\n"}}, tasks("TestPassToJoiner")},
	{"sched: send does not say where the task goes", "kernel/sched/wake.go", []edit{{"\tt.cpu.StoreRelease(uint32(to)) // order", "\t// order"}}, tasksExplored("TestExplore_Lend_G3")},
	{"sched: a stolen task comes twice", "kernel/sched/steal.go", []edit{{"for i := 1; i < len(loot); i++ {", "for i := 0; i < len(loot); i++ {"}}, tasks("TestSched_G1|TestSteal")},
	{"sched: a sleeper's timer wakes it in a later sleep, never in this one", "kernel/sched/sleep.go", []edit{{"return t != nil && t.sleep.Load() == number", "return t != nil && t.sleep.Load() > number"}}, tasks("TestSched_G1")},
}
