package main

// schedRateMutants are faults in real-time tasks by rate, and in the locked scheduler that the benchmarks compare with.
var schedRateMutants = []mutant{
	{"rate: who is due first goes first", "kernel/sched/edf.go", []edit{{"\t\tu = r.Period\n", "\t\tu = r.deadline\n"}}, tasks("TestRate")},
	{"rate: CPUs do not know of it", "kernel/sched/sched.go", []edit{{"p.rt.monotonic = c.RateMonotonic", "p.rt.monotonic = false"}}, tasks("TestRate")},
	{"rate: admission does not know of it", "kernel/sched/sched.go", []edit{{"c.RealTimeLimit, c.RateMonotonic)", "c.RealTimeLimit, false)"}}, tasks("TestRate")},
	{"rate: the bound is 1.6 % too high", "kernel/sched/admit.go", []edit{{"a.limit = log2(1<<30+limit<<10, 0)", "a.limit = log2(1<<30+limit<<10, 0) * 65 / 64"}}, tasks("TestRate")},
	{"locked: a permit is forgotten", "kernel/sched/locked.go", []edit{{"\t\tt.permit = true\n", ""}}, "go test -timeout 20s -run TestLockedSched ./kernel/sched"},
	{"locked: a task that was stolen is guarded by the lock of its old queue", "kernel/sched/locked.go", []edit{{"\t\ts.tasks[task].queue.Store(uint32(cpu))\n", ""}}, "go test -race -count 10 -timeout 90s -run TestLockedSched ./kernel/sched"},
}
