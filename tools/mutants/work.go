package main

// workMutants are faults in fork and join on deques, and in tasks that depend on each other. All are found on the host.
var workMutants = []mutant{
	{"work: Fork reads the idle set without a fence", "kernel/sched/work/worker.go", []edit{{"w.given.Store(w.given.Load() + 1) //", "w.given.StoreRelease(w.given.Load() + 1) //"}}, workExplored("G4_ForkAgainstIdle")},
	{"work: a worker falls asleep without a second look", "kernel/sched/work/idle.go", []edit{{"takes && w.sees() ||", "takes && w.sees() && j != nil ||"}}, workExplored("G4_SubmitAgainstIdle")},
	{"work: a worker looks before it sets its bit", "kernel/sched/work/idle.go", []edit{{"\tif takes {\n\t\tp.idle.Or(bit) //", "\tseen := w.sees()\n\tif takes {\n\t\tp.idle.Or(bit) //"}, {"takes && w.sees() ||", "takes && seen ||"}}, workExplored("G4_SubmitAgainstIdle")},
	{"work: who joins reads pending without a fence", "kernel/sched/work/idle.go", []edit{{"j.waiter.Store(uint32(w.index) + 1) //", "j.waiter.StoreRelease(uint32(w.index) + 1) //"}}, workExplored("G1_G2_JoinAgainstTheft")},
	{"work: who syncs reads pending without a fence", "kernel/sched/work/idle.go", []edit{{"j.syncer.Store(1) //", "j.syncer.StoreRelease(1) //"}}, workExplored("G4_SyncAndJoin")},
	{"work: who waits from outside reads pending without a fence", "kernel/sched/work/pool.go", []edit{{"j.waiter.Store(uint32(me) + 1) //", "j.waiter.StoreRelease(uint32(me) + 1) //"}}, workExplored("G4_SubmitAgainstIdle")},
	{"work: Sync and Join wait by the same word", "kernel/sched/work/idle.go", []edit{{"j.syncer.Store(1) //", "j.syncer.Store(1)\n\t\t\tj.waiter.Store(uint32(w.index) + 1) //"}}, workExplored("G4_SyncAndJoin")},
	{"work: Drop reads who waits before it is done", "kernel/sched/work/fork.go", []edit{{"\t\tswitch j.pending.Add(", "\t\twaiter := j.waiter.Load()\n\t\tswitch j.pending.Add("}, {"if i := j.waiter.Load(); i != 0 {", "if i := waiter; i != 0 {"}}, workExplored("(G1_G2|G4_SubmitAgainstIdle)")},
	{"work: two jobs wake the same sleeper", "kernel/sched/work/idle.go", []edit{{"if p.idle.CompareAndSwap(s, s&^(1<<i)) {", "if p.idle.Load() == s {"}}, workExplored("G4_TwoForks")},
	{"work: a wake-up is not passed on", "kernel/sched/work/fork.go", []edit{{"\tif w.owes {\n\t\tw.passOn() // it", "\tif w.owes && left > 9 {\n\t\tw.passOn() // it"}}, workExplored("G4_AWakeUp")},
	{"work: an inbox is taken without an exchange", "kernel/sched/work/worker.go", []edit{{"i := v.inbox.Swap(0) //", "i := v.inbox.Load()\n\tv.inbox.Store(0) //"}}, workExplored("(Random|G4_SubmitAgainstIdle|G1)")},
	{"work: Submit without compare-and-swap", "kernel/sched/work/pool.go", []edit{{"if w.inbox.CompareAndSwap(newest, j.self) {", "if w.inbox.Store(j.self); true {"}}, workExplored("G1_TwoSubmitters")},
	{"work: a leap on top of a stranger's job", "kernel/sched/work/fork.go", []edit{{"if w.strange || thief == 0", "if thief == 0"}}, workExplored("G5")},
	{"work: a leap that came too late brings no stranger", "kernel/sched/work/fork.go", []edit{{"w.strange = j.runner.Load() != thief", "w.strange = j.runner.Load() == thief+1000"}}, workExplored("G5")},
	{"work: what a late leap brings goes to an inbox", "kernel/sched/work/fork.go", []edit{{"\tw.strange = j.runner.Load() != thief", "\tif j.runner.Load() != thief {\n\t\tw.context.PreemptDisable()\n\t\tw.pool.Submit(w.index, next, !next.frees)\n\t\tw.context.PreemptEnable()\n\t\treturn nil\n\t}\n\tw.strange = j.runner.Load() != thief"}}, workExplored("G3")},
	{"work: Join does not wait for what was spawned", "kernel/sched/work/fork.go", []edit{{"w.help(j, 0)", "w.help(j, 1)"}}, workRaced},
	{"work: a spawned job is not counted", "kernel/sched/work/fork.go", []edit{{"j.parent, j.frees = w.Hold().self, true", "j.parent, j.frees = 0, true"}}, workRaced},
	{"work: Stop wakes nobody", "kernel/sched/work/pool.go", []edit{{"if s>>i&1 != 0 {\n\t\t\t\t\tp.machine", "if s>>i&1 != 0 && s == 0 {\n\t\t\t\t\tp.machine"}}, workExplored("G4_SubmitAgainstIdle")},
	{"work: Run looks for Stop after it looked for jobs", "kernel/sched/work/worker.go", []edit{{"\t\tif stopping {\n", "\t\tstopping = p.stop.Load() != 0\n\t\tif stopping {\n"}}, workExplored("G4_SubmitAgainstIdle")},
	{"work: thieves begin with the farthest", "kernel/sched/work/worker.go", []edit{{"i > 0 && far(v[i-1]) > far(x)", "i > 0 && far(v[i-1]) < far(x)"}}, workRaced},
	{"work: thieves take from any of the nearest", "kernel/sched/work/worker.go", []edit{{"n > most {", "n > 0 && most >= 0 {"}}, workRaced},
	{"work: an inbox comes out the wrong way round", "kernel/sched/work/worker.go", []edit{{"\tback := uint32(0)\n\tfor i != 0 {", "\tback := i\n\tfor i = 0; i != 0; {"}}, workRaced},
	{"work: a slot is given back twice", "kernel/sched/work/fork.go", []edit{{"\t\tif frees {\n\t\t\tp.slots.Put(cpu, self)\n", "\t\tif frees || parent == 0 {\n\t\t\tp.slots.Put(cpu, self)\n"}}, workRaced},
	{"work: Range's upper half begins too late", "kernel/sched/work/span.go", []edit{{"[4]uint64{middle, hi, grain, arg}", "[4]uint64{middle + 1, hi, grain, arg}"}}, workRaced},
	{"work: what did not fit in the deque does not run", "kernel/sched/work/worker.go", []edit{{"\tif !ok {\n\t\tbump(&w.counters.inlined)\n\t\tw.run(j)\n", "\tif !ok {\n\t\tbump(&w.counters.inlined)\n"}}, "go test -timeout 30s -run TestWork_G2 ./kernel/sched/work"},
	{"dag: a sum of demands wraps", "kernel/sched/dag/demand.go", []edit{{"sum[i] < d[i] {", "sum[i] < d[i] && i == 0 {"}}, dagRaced},
	{"dag: a difference of demands wraps", "kernel/sched/dag/demand.go", []edit{{"if !e.Fits(d) {", "if d.Fits(e) && *d != *e {"}}, dagRaced},
	{"dag: capacity is taken without compare-and-swap", "kernel/sched/dag/capacity.go", []edit{{"if c.used[i].CompareAndSwap(u, u+n) {", "if c.used[i].Store(u + n); true {"}}, dagExplored},
	{"dag: a refused Admit keeps what it took", "kernel/sched/dag/capacity.go", []edit{{"for k := range i {\n\t\t\t\tc.put(k, d[k])", "for k := range i {\n\t\t\t\tc.put(k, 0)"}}, dagExplored},
	{"dag: a refused Admit tells nobody", "kernel/sched/dag/capacity.go", []edit{{"\t\t\tc.tell(who)\n\t\t\treturn false", "\t\t\t_ = who\n\t\t\treturn false"}}, dagExplored},
	{"dag: Release tells nobody", "kernel/sched/dag/capacity.go", []edit{{"\tc.tell(but)\n}\n\nfunc (c *Capacity) tell", "\t_ = but\n}\n\nfunc (c *Capacity) tell"}}, dagExplored},
	{"dag: the end of a node lets in only those that needed it", "kernel/sched/dag/admit.go", []edit{{"\treturn g.kick()\n}\n\n// dispatch", "\tif ready.first == 0 {\n\t\treturn list{}\n\t}\n\treturn g.kick()\n}\n\n// dispatch"}}, dagExplored},
	{"dag: the dispatcher does not look again", "kernel/sched/dag/admit.go", []edit{{"if g.busy.CompareAndSwap(come, 0) {", "if g.busy.Store(0); come > 0 {"}}, dagExplored},
	{"dag: two dispatch at the same time", "kernel/sched/dag/admit.go", []edit{{"if g.busy.Add(1) != 1 {", "if g.busy.Add(1) > 9 {"}}, dagExplored},
	{"dag: a node says too late that it waits", "kernel/sched/dag/admit.go", []edit{{"\t\tg.waiting.Add(1) //", "\t\tdefer g.waiting.Add(1) //"}}, dagExplored},
	{"dag: an end is counted without atomicity", "kernel/sched/dag/admit.go", []edit{{"t.waits.Add(^uint32(0)) == 0 {", "func() bool { v := t.waits.Load() - 1; t.waits.Store(v); return v == 0 }() {"}}, dagExplored},
	{"dag: incoming nodes are taken without an exchange", "kernel/sched/dag/admit.go", []edit{{"l := link(g.incoming.Swap(0)); l != 0;", "l := link(g.incoming.Load()); l != 0;"}}, "go test -timeout 20s -run TestDAG_G2_G3_G4 ./kernel/sched/dag"},
	{"dag: one node more than MaxRunning", "kernel/sched/dag/admit.go", []edit{{"g.running.Load() >= a.MaxRunning", "g.running.Load() > a.MaxRunning"}}, dagRaced},
	{"dag: the last of the queue is lost", "kernel/sched/dag/admit.go", []edit{{"\tif l == q.last {\n\t\tq.last = before\n", "\tif l == q.last {\n\t\tq.last = l\n"}}, dagRaced},
	{"dag: nobody sets the bucket's timer", "kernel/sched/dag/admit.go", []edit{{"\tif g.timer.CompareAndSwap(0, 1) {", "\tif g.timer.CompareAndSwap(2, 1) {"}}, dagRaced},
	{"dag: a bucket lets one more in", "kernel/sched/dag/bucket.go", []edit{{"every*uint64(burst-1)", "every*uint64(burst)"}}, dagRaced},
	{"dag: tickets do not count", "kernel/sched/dag/admit.go", []edit{{"weight = uint64(n.tickets)", "weight = min(uint64(n.tickets), 1)"}}, dagRaced},
	{"dag: golden order is never used", "kernel/sched/dag/mix.go", []edit{{"m.due < 100 {", "m.due < 1000 {"}}, dagRaced},
	{"dag: golden order is not golden", "kernel/sched/dag/mix.go", []edit{{"m.turn += golden // modulo 1", "m.turn += golden >> 3 // modulo 1"}}, dagRaced},
	{"dag: a circle is overlooked", "kernel/sched/dag/check.go", []edit{{"\t\tcase grey:\n\t\t\treturn g.circle", "\t\tcase grey + 9:\n\t\t\treturn g.circle"}}, dagRaced},
	{"dag: a circle is named with the way to it", "kernel/sched/dag/check.go", []edit{{"for l := last; l != first; l = g.at(l).from {", "for l := last; g.at(l).from != 0; l = g.at(l).from {"}}, dagRaced},
	{"dag: what never fits is not refused", "kernel/sched/dag/check.go", []edit{{"if !g.nodes[i].demand.Fits(&c.total) {", "if !g.nodes[i].demand.Fits(&c.total) && i == g.n {"}}, dagRaced},
	{"dag: the critical path forgets a node's own time", "kernel/sched/dag/report.go", []edit{{"add(v.longest, u.took(measured))", "add(v.longest, 0)"}}, dagRaced},
	{"dag: estimates wrap", "kernel/sched/dag/report.go", []edit{{"return sum | -carry", "return sum | carry"}}, dagRaced},
	{"dag: a refused Start keeps jobs", "kernel/sched/dag/run.go", []edit{{"\t\t\tfor k := range i {\n\t\t\t\tw.Free(g.nodes[k].job)", "\t\t\tfor k := range min(i, 1) {\n\t\t\t\tw.Free(g.nodes[k].job)"}}, "go test -timeout 20s -run TestDAG_StartRefuses ./kernel/sched/dag"},
	{"dag: a run is over before its last node", "kernel/sched/dag/admit.go", []edit{{"g.left.Store(g.n)", "g.left.Store(max(g.n, 2) - 1)"}}, dagRaced},
}

// The tests that find them.
const (
	workRaced   = "go test -failfast -race -timeout 100s -run TestWork ./kernel/sched/work"
	dagExplored = "go test -failfast -tags explore -timeout 100s -run TestExplore ./kernel/sched/dag"
	dagRaced    = "go test -failfast -race -timeout 100s -run 'Test(Demand|Capacity|Bucket|Mix|Check|Graph|Report|DAG)_' ./kernel/sched/dag"
)

// workExplored is the explorer's test of that name.
func workExplored(name string) string {
	return "go test -failfast -tags explore -timeout 150s -run 'TestExplore_Work_" + name + "' ./kernel/sched/work"
}
