package main

// fuzzBoot has ring 3 make random calls, and looks at all that environments have in between.
const fuzzBoot = "go run ./qemu/exo-run -cpus 4 -append 'tests=fuzz/* ops=1000000 exit'"

// fuzzMutants are faults in what system calls check and pay.
var fuzzMutants = []mutant{
	{"isolation: protecting a page does not ask for rights", "kernel/pagecalls.go", []edit{{"m, err := t.bound(name, from, n, need)", "_ = need\n\tm, err := t.bound(name, from, n, 0)"}}, "go run ./qemu/exo-run -cpus 4 -append 'tests=isolation/* exit'"},
	{"fuzz: an environment that cannot be made keeps its frames", "kernel/envcalls.go", []edit{{"\t\tme.frames.Grow(frames)\n\t\tme.discharge(0)\n\t\treturn int64(abi.NoQuota)", "\t\tme.discharge(0)\n\t\treturn int64(abi.NoQuota)"}}, fuzzBoot},
	{"fuzz: co-owners do not pay", "kernel/framecalls.go", []edit{{"e.charge(o.Second)", "e.charge(0)"}}, fuzzBoot},
	{"fuzz: a predicate may be of any length", "kernel/waituntil.go", []edit{{" || n > predicateMost", ""}}, fuzzBoot},
	{"fuzz: CapHeld tells of any number", "kernel/capcalls.go", []edit{{"names[:min(f.RDX, heldNames)]", "names[:f.RDX]"}}, fuzzBoot},
	{"isolation: the base of FS may be anything", "kernel/threadcalls.go", []edit{{"if max(f.RDI, f.RSI) >= abi.UserTop {", "if max(f.RDI, f.RSI) == 1 {"}}, "go run ./qemu/exo-run -cpus 4 -append 'tests=isolation/* exit'"},
	{"fuzz: frames that there are not are paid for", "kernel/framecalls.go", []edit{{"\tif err != abi.OK {\n\t\te.discharge(r.n)\n", "\tif err != abi.OK {\n"}}, fuzzBoot},
	{"fuzz: a capability that cannot be derived is paid for", "kernel/capcalls.go", []edit{{"\t\te.discharge(0)\n\t\treturn int64(capErrno(err))\n\t}\n\te.made", "\t\treturn int64(capErrno(err))\n\t}\n\te.made"}}, fuzzBoot},
	{"fuzz: a thread whose capability cannot be made stays", "kernel/threadcalls.go", []edit{{"me.env.charge(0); no != abi.OK {\n\t\tt.forget()\n", "me.env.charge(0); no != abi.OK {\n"}}, fuzzBoot},
	{"fuzz: a thread costs nothing", "kernel/thread.go", []edit{{"\te.caps.Give(1) // before anybody can see that it has ended\n", ""}}, fuzzBoot},
	{"fuzz: what is copied out may go anywhere", "arch/amd64/user.go", []edit{{"\treturn isUser(to, len(from)) &&\n", "\treturn "}}, fuzzBoot},
	{"fuzz: who waits for TLBs may be switched from", "kernel/pagefast.go", []edit{{"c := preemptOff() // it may", "c := this() // it may"}, {"\tc.PreemptEnable()\n}", "\t_ = c\n}"}}, fuzzBoot},
	{"env: environments may own each other in a circle", "kernel/capcalls.go", []edit{{".born <= to.born {", ".born == 0 {"}}, envBoot},
	{"ipc: who waits for itself waits", "kernel/ipc.go", []edit{{"if t.deadlocked(p) && t.leaves(p) {", "if t.deadlocked(p) && false {"}}, ipcBoot},
	{"ipc: of a circle only the first step is seen", "kernel/deadlock.go", []edit{{"walkMost     = 8", "walkMost     = 1"}}, ipcBoot},
	{"schedule: a reservation outlives the capability for the CPU", "kernel/account.go", []edit{{"\tcapKinds[abi.KindCPU].Teardown = tearCPU\n", ""}}, envBoot},
	{"schedule: what a task had reserved stays so", "kernel/sched/change.go", []edit{{"\t\ts.Admission.Release(c.id, t.reservation)\n", ""}}, "go test -timeout 100s -run TestChange ./kernel/sched"},
	{"irqcalls: a refused bind has bound", "kernel/irqcalls.go", []edit{{"\tif openLine(i) {\n\t\tlines.bound[i], lines.by[i] = w, cap.Name(f.RDI)\n", "\tif lines.bound[i], lines.by[i] = w, cap.Name(f.RDI); openLine(i) {\n"}}, "go run ./qemu/exo-run -cpus 4 -append 'tests=notify/* exit'"},
	{"isolation: ring 3 may read what the kernel keeps from it", "arch/amd64/user.go", []edit{{"\treturn isUser(from, len(to)) &&\n", "\treturn "}}, "go run ./qemu/exo-run -cpus 4 -append 'tests=isolation/* exit'"},
}
