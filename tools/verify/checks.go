package main

// method is how SPIN looks at a model.
type method struct {
	name string
	cc   []string // for the verifier's compilation
	pan  []string // for its run
}

var (
	// safety visits every state: assertions, and states where nobody can go on.
	safety = method{"safety", []string{"-DSAFETY", "-DNOCLAIM"}, nil}
	// ends looks for executions that never end, whoever is scheduled.
	ends = method{"ends under any scheduler", []string{"-DNP", "-DNOCLAIM"}, []string{"-l"}}
	// endsFair is the same if nobody who can go on is left out for ever.
	endsFair = method{"ends under a fair scheduler", []string{"-DNP", "-DNOCLAIM", "-DNFAIR=3"}, []string{"-l", "-f"}}
)

// fairly looks for fair executions that break the model's ltl formula of that name.
func fairly(formula string) method {
	return method{"ltl " + formula, []string{"-DNFAIR=3"}, []string{"-a", "-f", "-N", formula}}
}

// check is one run of SPIN.
type check struct {
	model  string
	proves string // the guarantees, as the model's header names them
	method method
	bounds string // macros
	fault  string // the macro that breaks the model; then SPIN must find an error
	partly string // proctypes of which these bounds do not reach every state
}

// checks must all hold. The long ones come first, so that they do not run alone at the end.
var checks = []check{
	{model: "hqueue", proves: "G1 G2 G3 G4 G5", method: safety, bounds: "NCPU=3 OPS=1 NODES=5 PRE=2"},
	{model: "sleeplock", proves: "G1 G2 G3 G4", method: safety, bounds: "TASKS=4 TURNS=1", partly: "Setter init"},
	{model: "rcu", proves: "G1 G2 G3 G4", method: safety, bounds: "NCPU=3 SYNCS=1 CALLS=1"},
	{model: "rcu", proves: "G6 Progress", method: fairly("runs"), bounds: "LIVE NCPU=3 SYNCS=0 CALLS=1"},
	{model: "deque", proves: "G1 G2 G3 G4 G5", method: safety, bounds: "OPS=5 THIEVES=2 STEALS=2"},
	{model: "sched", proves: "G1 G2 G4", method: safety, bounds: "NCPU=2 TASKS=3 YIELDS=1"},
	{model: "hqueue", proves: "Progress", method: ends, bounds: "NCPU=2 OPS=2"},
	{model: "cap", proves: "Progress", method: ends, bounds: "SLOTS=3 DERIVERS=1 KILLERS=2"},
	{model: "cap", proves: "G1", method: safety, bounds: "SLOTS=3 DERIVERS=2 KILLERS=1 LOOKERS=1", partly: "Killer"},
	{model: "cap", proves: "G1 G2 G3 G4 G5", method: safety, bounds: "SLOTS=3 DERIVERS=1 KILLERS=2 GIVES", partly: "Looker init"},
	{model: "deque", proves: "Progress", method: ends, bounds: "OPS=4 THIEVES=2 STEALS=2"},
	{model: "hqueue", proves: "G1 G2 G3 G4 G5", method: safety, bounds: "NCPU=2 OPS=3 NODES=3 PRE=1"},
	{model: "sleeplock", proves: "G1 G2 G3 G4", method: safety, bounds: "TASKS=3 TURNS=1 SETS=1"},
	{model: "sleeplock", proves: "G1 G2 G3 G4", method: safety, bounds: "TASKS=2 TURNS=2 SETS=1"},
	{model: "deque", proves: "G1 G2 G3 G4 G5", method: safety, bounds: "OPS=6 THIEVES=2 STEALS=1"},
	{model: "rcu", proves: "G6 Progress", method: fairly("returns"), bounds: "LIVE NCPU=3 SYNCS=1 CALLS=0"},
	{model: "sleeplock", proves: "Progress", method: endsFair, bounds: "TASKS=3 TURNS=1"},
	{model: "sleeplock", proves: "G1 G2 G3 G4", method: safety, bounds: "TASKS=3 TURNS=1 SPURIOUS", partly: "Setter init"},
	{model: "rcu", proves: "G1 G2 G3 G4", method: safety, bounds: "NCPU=2 SYNCS=2 CALLS=2"},
	{model: "rcu", proves: "G6 Progress", method: fairly("returns"), bounds: "LIVE NCPU=2 SYNCS=1 CALLS=1"},
	{model: "rcu", proves: "G6 Progress", method: fairly("runs"), bounds: "LIVE NCPU=2 SYNCS=1 CALLS=1"},
	{model: "hqueue", proves: "G1 G2 G3 G4 G5", method: safety, bounds: "NCPU=2 OPS=2 NODES=4 PRE=1"},
	{model: "deque", proves: "G1 G2 G3 G4 G5", method: safety, bounds: "OPS=5 THIEVES=2 STEALS=1 BUFFERS=1", partly: "Owner Rcu"},
	{model: "litmus", proves: "G1 G2 G3 G4 G5", method: safety},
	{model: "cap", proves: "G2 G3 G4 G5", method: safety, bounds: "SLOTS=4 DERIVERS=2 KILLERS=1", partly: "Looker Killer init"},
	{model: "cap", proves: "G2 G3 G4 G5", method: safety, bounds: "SLOTS=4 DERIVERS=0 KILLERS=2 WIDE", partly: "Looker Deriver Killer init"},
}

// faults are the ways in which a model can be broken. A model whose fault SPIN does not find proves nothing.
var faults = []check{
	{model: "rcu", fault: "NEWEST_LAST", method: safety, bounds: "NCPU=3 SYNCS=1 CALLS=1"},
	{model: "rcu", fault: "EARLY_FREE", method: safety, bounds: "NCPU=2 CALLS=2"},
	{model: "rcu", fault: "TICK_IN_SECTION", method: safety, bounds: "NCPU=2 CALLS=2"},
	{model: "rcu", fault: "EXIT_NO_FENCE", method: safety, bounds: "NCPU=2 CALLS=2"},
	{model: "rcu", fault: "BEGIN_NO_FENCE", method: safety, bounds: "NCPU=2 CALLS=2"},
	{model: "rcu", fault: "UNLINK_AFTER", method: safety, bounds: "NCPU=2 CALLS=2"},
	{model: "rcu", fault: "CURRENT_GP", method: safety, bounds: "NCPU=2 CALLS=2"},
	{model: "rcu", fault: "SEEN_AHEAD", method: safety, bounds: "NCPU=2 CALLS=2"},
	{model: "rcu", fault: "SKIPS_LAST", method: safety, bounds: "NCPU=2 CALLS=2"},
	{model: "rcu", fault: "JOINS_WAIT", method: safety, bounds: "NCPU=2 CALLS=2"},
	{model: "rcu", fault: "RUNS_TWICE", method: safety, bounds: "NCPU=2 CALLS=2"},
	{model: "rcu", fault: "NO_TICKS", method: fairly("returns"), bounds: "LIVE NCPU=2"},
	{model: "rcu", fault: "NEVER_MOVED", method: fairly("runs"), bounds: "LIVE NCPU=2"},
	{model: "rcu", fault: "IDLE_WAITED_FOR", method: fairly("returns"), bounds: "LIVE NCPU=3 CALLS=0"},

	{model: "hqueue", fault: "NO_NEXT_RECHECK", method: safety, bounds: "OPS=3 NODES=3"},
	{model: "hqueue", fault: "ENQ_NO_FENCE", method: safety, bounds: "OPS=2"},
	{model: "hqueue", fault: "DEQ_NO_FENCE", method: safety, bounds: "OPS=2"},
	{model: "hqueue", fault: "EMPTY_NO_FENCE", method: safety, bounds: "OPS=2"},
	{model: "hqueue", fault: "NO_TAIL_RECHECK", method: safety, bounds: "OPS=2"},
	{model: "hqueue", fault: "NO_HEAD_RECHECK", method: safety, bounds: "OPS=2"},
	{model: "hqueue", fault: "EMPTY_NO_RECHECK", method: safety, bounds: "OPS=2"},
	{model: "hqueue", fault: "NO_SLOT_1", method: safety, bounds: "OPS=2"},
	{model: "hqueue", fault: "NO_SCAN", method: safety, bounds: "OPS=2"},
	{model: "hqueue", fault: "RETIRE_NEXT", method: safety, bounds: "OPS=2"},
	{model: "hqueue", fault: "EARLY_CLEAR", method: safety, bounds: "OPS=2"},
	{model: "hqueue", fault: "LEAVES_SLOT_1", method: safety, bounds: "OPS=2"},
	{model: "hqueue", fault: "NO_HELP", method: ends, bounds: "OPS=2"},

	{model: "deque", fault: "POP_NO_FENCE", method: safety},
	{model: "deque", fault: "POP_TOP_FIRST", method: safety},
	{model: "deque", fault: "POP_NO_CAS", method: safety},
	{model: "deque", fault: "POP_NO_RESTORE", method: safety},
	{model: "deque", fault: "PUSH_BOTTOM_FIRST", method: safety},
	{model: "deque", fault: "STEAL_NO_CAS", method: safety},
	{model: "deque", fault: "STEAL_BOTTOM_FIRST", method: safety},
	{model: "deque", fault: "STEAL_LATE", method: safety},
	{model: "deque", fault: "NO_ROOM_CHECK", method: safety},
	{model: "deque", fault: "NO_COPY", method: safety},
	{model: "deque", fault: "GROW_BUFFER_LATE", method: safety},
	{model: "deque", fault: "EARLY_FREE", method: safety},
	{model: "deque", fault: "POP_WAITS", method: ends},

	{model: "sleeplock", fault: "NO_CONTEND", method: safety},
	{model: "sleeplock", fault: "CONTEND_BLIND", method: safety},
	{model: "sleeplock", fault: "FREE_ON_HANDOVER", method: safety},
	{model: "sleeplock", fault: "KEEPS_CONTENDED", method: safety},
	{model: "sleeplock", fault: "NO_PERMIT", method: safety},
	{model: "sleeplock", fault: "TRUSTS_PARK", method: safety, bounds: "SPURIOUS"},
	{model: "sleeplock", fault: "NO_UNPARK", method: safety},
	{model: "sleeplock", fault: "LAST_COME", method: safety},
	{model: "sleeplock", fault: "BEFORE_EQUALS", method: safety, bounds: "SETS=1"},
	{model: "sleeplock", fault: "NO_INHERITANCE", method: safety},
	{model: "sleeplock", fault: "NO_CHAIN", method: safety},
	{model: "sleeplock", fault: "NO_RETURN", method: safety},
	{model: "sleeplock", fault: "NO_CONTEND", method: endsFair, bounds: "SPURIOUS"},

	{model: "sched", fault: "IDLE_NO_FENCE", method: safety, bounds: "TASKS=2"},
	{model: "sched", fault: "LOOKS_FIRST", method: safety, bounds: "TASKS=2"},
	{model: "sched", fault: "SET_FIRST", method: safety, bounds: "TASKS=2"},
	{model: "sched", fault: "NO_KICK", method: safety, bounds: "TASKS=2"},
	{model: "sched", fault: "NO_PERMIT", method: safety, bounds: "TASKS=2"},
	{model: "sched", fault: "PERMIT_BLIND", method: safety, bounds: "TASKS=2"},
	{model: "sched", fault: "BLOCK_BLIND", method: safety, bounds: "TASKS=2"},
	{model: "sched", fault: "EARLY_FINISH", method: safety, bounds: "TASKS=2 YIELDS=1"},
	{model: "sched", fault: "TAKE_BLIND", method: safety, bounds: "TASKS=2"},
	{model: "sched", fault: "LEAVE_BLIND", method: safety, bounds: "TASKS=3 YIELDS=1"},

	{model: "litmus", fault: "SB_NO_FENCE", method: safety},
	{model: "litmus", fault: "MP_STORES", method: safety},
	{model: "litmus", fault: "MP_LOADS", method: safety},
	{model: "litmus", fault: "LB_SWAPPED", method: safety},
	{model: "litmus", fault: "IRIW_LOADS", method: safety},
	{model: "litmus", fault: "OWN_FROM_MEMORY", method: safety},

	{model: "cap", fault: "LOOKS_ONCE", method: safety, bounds: "SLOTS=3 DERIVERS=2 KILLERS=1 LOOKERS=1"},
	{model: "cap", fault: "NO_DEAD_CHECK", method: safety, bounds: "SLOTS=3 DERIVERS=1 KILLERS=2"},
	{model: "cap", fault: "NO_OWNER_CHECK", method: safety, bounds: "SLOTS=3 DERIVERS=2 KILLERS=2"},
	{model: "cap", fault: "LINK_NO_CAS", method: safety, bounds: "SLOTS=3 DERIVERS=1 KILLERS=2"},
	{model: "cap", fault: "HATCH_EARLY", method: safety, bounds: "SLOTS=3 DERIVERS=1 KILLERS=2"},
	{model: "cap", fault: "NO_TAKE_BACK", method: safety, bounds: "SLOTS=3 DERIVERS=1 KILLERS=1 GIVES"},
	{model: "cap", fault: "HATCH_KILLED", method: safety, bounds: "SLOTS=3 DERIVERS=1 KILLERS=2 GIVES"},
	{model: "cap", fault: "NO_CLOSE", method: safety, bounds: "SLOTS=3 DERIVERS=1 KILLERS=2"},
	{model: "cap", fault: "ONLY_BLIND", method: safety, bounds: "SLOTS=3 DERIVERS=1 KILLERS=2"},
	{model: "cap", fault: "ONLY_FIRST", method: safety, bounds: "SLOTS=3 DERIVERS=1 KILLERS=2"},
	{model: "cap", fault: "CLAIM_WITH_CHILD", method: safety, bounds: "SLOTS=3 DERIVERS=1 KILLERS=2"},
	{model: "cap", fault: "NO_LINK_RECHECK", method: safety, bounds: "SLOTS=3 DERIVERS=2 KILLERS=2"},
	{model: "cap", fault: "CLAIM_TWICE", method: safety, bounds: "SLOTS=3 DERIVERS=1 KILLERS=2"},
	{model: "cap", fault: "ROW_BLIND", method: safety, bounds: "SLOTS=4 DERIVERS=1 KILLERS=2 WIDE"},
	{model: "cap", fault: "CLAIM_TOO_MUCH", method: safety, bounds: "SLOTS=4 DERIVERS=0 KILLERS=2 WIDE"},
	{model: "cap", fault: "NO_MARK", method: safety, bounds: "SLOTS=3 DERIVERS=1 KILLERS=2"},
	{model: "cap", fault: "NO_COUNT", method: safety, bounds: "SLOTS=3 DERIVERS=2 KILLERS=2"},
	{model: "cap", fault: "TEAR_LATE", method: safety, bounds: "SLOTS=3 DERIVERS=1 KILLERS=2"},
	{model: "cap", fault: "NOT_GONE", method: safety, bounds: "SLOTS=3 DERIVERS=1 KILLERS=2"},
	{model: "cap", fault: "HELPS_TOO_MUCH", method: safety, bounds: "SLOTS=3 DERIVERS=1 KILLERS=2"},
	{model: "cap", fault: "HELPED_FREED", method: safety, bounds: "SLOTS=3 DERIVERS=1 KILLERS=2"},
	{model: "cap", fault: "BYPASS_EMBRYO", method: safety, bounds: "SLOTS=3 DERIVERS=1 KILLERS=2"},
	{model: "cap", fault: "BYPASS_BLIND", method: safety, bounds: "SLOTS=3 DERIVERS=2 KILLERS=2"},
}

// follows says which code a model follows, and the names that both give to the same steps.
var follows = []struct{ model, file, names string }{
	{"rcu", "kernel/sync/rcu.go", "Quiescent Tick IdleEnter IdleExit begin isOver Synchronize Call Advance"},
	{"hqueue", "kernel/sync/hqueue.go", "Enqueue Dequeue"},
	{"hqueue", "kernel/sync/hazard.go", "scan"},
	{"deque", "kernel/sync/deque.go", "Push makeRoom Pop"},
	{"cap", "kernel/cap/table.go", "make free"},
	{"cap", "kernel/cap/lookup.go", "Lookup"},
	{"cap", "kernel/cap/derive.go", "Derive takeBack Transfer"},
	{"cap", "kernel/cap/revoke.go", "Revoke revokeOnly Delete kill reap climb leaves"},
	{"cap", "kernel/cap/detach.go", "hide finish tearDown mark detach help takeOut taken bypass sweep"},
	{"sleeplock", "kernel/sync/sleeplock.go", "Lock wait Unlock handOver enqueue dequeue refresh"},
	{"sched", "kernel/sched/cpu.go", "Pick claim"},
	{"sched", "kernel/sched/leave.go", "Finish becomeReady block"},
	{"sched", "kernel/sched/idle.go", "EnterIdle leaveIdle share"},
	{"sched", "kernel/sched/wake.go", "Wake enqueue send"},
}
