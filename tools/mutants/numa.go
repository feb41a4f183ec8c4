package main

// numaMutants are faults in which node memory comes from, and how it moves.
var numaMutants = []mutant{
	{"numa: Bind spills", "kernel/numa/alloc.go", []edit{{"\t\tmay &= c.policy.Nodes()\n", ""}}, "go test -timeout 60s -skip TestExplore ./kernel/numa"},
	{"numa: Preferred goes by the CPU's distances", "kernel/numa/alloc.go", []edit{{"\t\tnear = c.policy.Nodes().member(0)\n\t\tmay &= a.usable[near]", "\t\tmay &= a.usable[c.policy.Nodes().member(0)]"}}, "go test -timeout 60s -skip TestExplore ./kernel/numa"},
	{"numa: Preferred spills to what its node cannot reach", "kernel/numa/alloc.go", []edit{{"\t\tmay &= a.usable[near]\n", ""}}, "go test -timeout 60s -skip TestExplore ./kernel/numa"},
	{"numa: what the CPU cannot reach is asked", "kernel/numa/alloc.go", []edit{{"a.memory.Has(n) && t.Distance(from, n) != Unreachable", "a.memory.Has(n)"}}, "go test -timeout 60s -skip TestExplore ./kernel/numa"},
	{"numa: nodes without memory take turns", "kernel/numa/alloc.go", []edit{{"set = c.policy.Nodes() & a.memory", "set = c.policy.Nodes()"}}, "go test -timeout 60s -skip TestExplore ./kernel/numa"},
	{"numa: interleave takes no turn", "kernel/numa/interleave.go", []edit{{"c.turns.Add(1) - 1", "c.turns.Load()"}}, "go test -timeout 60s -skip TestExplore ./kernel/numa"},
	{"numa: a turn is taken by two", "kernel/numa/interleave.go", []edit{{"\treturn int((c.turns.Add(1) - 1) % uint64(n))", "\tturn := c.turns.Load()\n\tc.turns.Store(turn + 1)\n\treturn int(turn % uint64(n))"}}, "go test -tags explore -timeout 100s -run TestExplore ./kernel/numa"},
	{"numa: a full node's turn is nobody's", "kernel/numa/alloc.go", []edit{{"n = set.member((turn + i) % steps)", "n = set.member(turn)"}}, "go test -timeout 60s -skip TestExplore ./kernel/numa"},
	{"numa: single calls take the task's turns", "kernel/numa/alloc.go", []edit{{"return Call{t, p, &t.callTurns}", "return Call{t, p, &t.turns}"}}, "go test -timeout 60s -skip TestExplore ./kernel/numa"},
	{"numa: local memory is counted first", "kernel/numa/alloc.go", []edit{{"\tt.got[n].Add(k)\n\tif n == home {\n\t\tt.local.Add(k) // order: after got; pairs with the first load in Stats\n\t}\n", "\tif n == home {\n\t\tt.local.Add(k)\n\t}\n\tt.got[n].Add(k)\n"}}, "go test -tags explore -timeout 100s -run TestExplore ./kernel/numa"},
	{"numa: spilled counts for who gave", "kernel/numa/alloc.go", []edit{{"t.spilled[first].Add(k)", "t.spilled[n].Add(k)"}}, "go test -timeout 60s -skip TestExplore ./kernel/numa"},
	{"numa: 2 MiB count as a frame", "kernel/numa/alloc.go", []edit{{"\t\treturn mm.HugeFrames\n", "\t\treturn 1\n"}}, "go test -timeout 60s -skip TestExplore ./kernel/numa"},
	{"numa: a run of no length takes a turn", "kernel/numa/alloc.go", []edit{{"\t\treturn 0, mm.ErrRunLength // before it takes a turn\n", "\t\t_ = n\n"}}, "go test -timeout 60s -skip TestExplore ./kernel/numa"},
	{"numa: a set with unknown nodes makes a policy", "kernel/numa/policy.go", []edit{{"set == 0 || set>>t.nodes != 0", "set == 0"}}, "go test -timeout 60s -skip TestExplore ./kernel/numa"},
	{"numa: a frame that could not be copied keeps its references", "kernel/numa/migrate.go", []edit{{"\t\tm.Thaw(src, src)\n\t\ta.drop(cpu, dst, refs)", "\t\tm.Thaw(src, src)\n\t\ta.drop(cpu, dst, 1)"}}, "go test -timeout 60s -skip TestExplore ./kernel/numa"},
	{"numa: a moved frame has one reference", "kernel/numa/migrate.go", []edit{{"for range refs - 1 {", "for range refs - refs {"}}, "go test -timeout 60s -skip TestExplore ./kernel/numa"},
	{"numa: samples are added without CAS", "kernel/numa/hints.go", []edit{{"w.CompareAndSwap(c, c+min(n, maxCount-c)) {\n", "w.Swap(c+min(n, maxCount-c)) > maxCount-1 || true {\n"}}, "go test -tags explore -timeout 100s -run TestExplore ./kernel/numa"},
	{"numa: counts of samples wrap", "kernel/numa/hints.go", []edit{{"c+min(n, maxCount-c)", "c+n"}}, "go test -timeout 60s -skip TestExplore ./kernel/numa"},
}
