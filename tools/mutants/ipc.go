package main

// ipcBoot boots the tests of IPC.
const ipcBoot = "go run ./qemu/exo-run -cpus 4 -silence 20s -append 'tests=ipc/* exit'"

// ipcMutants are faults in how environments meet.
var ipcMutants = []mutant{
	{"ipc: the deserted caller is not told", "kernel/ipc.go", []edit{{"\t\tc.over(int64(abi.Dead))\n\t\tc.wake()\n", "\t\tc.over(int64(abi.Dead))\n"}}, ipcBoot},
	{"ipc: a thread ends without answering", "kernel/thread.go", []edit{{"\tt.deserts()\n", ""}}, ipcBoot},
	{"ipc: who gives up stays in the list", "kernel/endpoint.go", []edit{{"\t\t\t\t\tp.waiters.remove(t)\n", ""}}, ipcBoot},
	{"ipc: an endpoint's end tells no receiver", "kernel/endpoint.go", []edit{{"\tp.revoke(&p.receivers, name, all)\n", ""}}, ipcBoot},
	{"ipc: the end of one capability ends waits by all", "kernel/endpoint.go", []edit{{"if all || t.wait.name == name {", "if true {"}}, ipcBoot},
	{"ipc: a late answer arrives in another wait", "kernel/ipc.go", []edit{{"\tif !c.wait.word.CompareAndSwap(asked|stageAnswer, asked|stageTaken) {", "\tif c.wait.word.Store(asked | stageTaken); false {"}}, ipcBoot},
	{"ipc: a receiver takes an error for a word", "kernel/ipc.go", []edit{{"\tif int64(f.RSI) < 0 {", "\tif false {"}}, ipcBoot},
	{"ipc: the sender keeps what it gave", "kernel/ipc.go", []edit{{"\t\tif no := transfer(cap.Name(f.R9), t.env, r.env); no != abi.OK {", "\t\tif no := abi.OK; no != abi.OK {"}}, ipcBoot},
	{"handover: the other one need not be blocked", "kernel/sched/handover.go", []edit{{"word(w).state() != Blocked ||", "word(w).state() == Done ||"}}, "go test -run HandOver ./kernel/sched"},
	{"handover: nobody looks at the affinity", "kernel/sched/handover.go", []edit{{"&& !c.mayTake(next)", "&& false"}}, "go test -run HandOver ./kernel/sched"},
	{"handover: a new quantum", "kernel/sched/handover.go", []edit{{"\tc.current = next\n", "\tc.current, c.until = next, now+c.fair.quantum\n"}}, "go test -run HandOver ./kernel/sched"},
	{"handover: a store makes it run", "kernel/sched/handover.go", []edit{{"\tif !next.word.CompareAndSwap(w, w-uint64(Blocked-Running)+uint64(counted)) {", "\tif next.word.Store(w - uint64(Blocked-Running) + uint64(counted)); false {"}}, "go test -tags explore -run Explore_HandOver ./kernel/sched"},
}
