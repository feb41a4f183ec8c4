package main

// ipcBoot boots the tests of IPC.
const ipcBoot = "go run ./qemu/exo-run -cpus 4 -silence 20s -append 'tests=ipc/* exit'"

// handBoot boots the test of the short way.
const handBoot = "go run ./qemu/exo-run -cpus 4 -silence 20s -append 'tests=ipc/hand* exit'"

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
	{"handover: the other one need not be blocked", "kernel/sched/handover.go", []edit{{"if w&15 != uint64(Blocked) {", "if w&15 == uint64(Done) {"}}, "go test -run HandOver ./kernel/sched"},
	{"handover: nobody looks at the affinity", "kernel/sched/handover.go", []edit{{"&& !c.mayTake(next)", "&& false"}}, "go test -run HandOver ./kernel/sched"},
	{"handover: a new quantum", "kernel/sched/handover.go", []edit{{"\tc.current = next\n", "\tc.current, c.until = next, now+c.fair.quantum\n"}}, "go test -run HandOver ./kernel/sched"},
	{"handover: a store makes it run", "kernel/sched/handover.go", []edit{{"\treturn t.word.CompareAndSwap(w, w-uint64(Blocked-Running)+uint64(counted))", "\tt.word.Store(w - uint64(Blocked-Running) + uint64(counted))\n\treturn true"}}, "go test -run HandOver ./kernel/sched"},
	{"handover: the quantum's end does not matter", "kernel/sched/handover.go", []edit{{"\tif now >= c.until {\n\t\treturn false\n\t}\n", ""}}, "go test -run HandOver ./kernel/sched"},
	{"handover: real-time tasks wait", "kernel/sched/handover.go", []edit{{"if uint64(c.rt.ready.n)|uint64(c.urgent", "if uint64(c.urgent"}}, "go test -run HandOver ./kernel/sched"},
	{"handover: a lent priority does not matter", "kernel/sched/handover.go", []edit{{"\treturn next.Context.Below(Urgent)\n", "\treturn true\n"}}, "go test -run HandOver ./kernel/sched"},
	{"linger: as often as it likes", "kernel/sched/linger.go", []edit{{" || t.lingered == t.turnNumber() {", " {"}}, "go test -run Linger ./kernel/sched"},
	{"linger: a reservation waits", "kernel/sched/linger.go", []edit{{" || c.rt.ready.n != 0", ""}, {" || !c.inbox.empty()", ""}}, "go test -run Linger ./kernel/sched"},
	{"slices: who lingers is told nothing", "kernel/slices.go", []edit{{"Pending.Or(pendSliceEnds)", "Pending.Or(0)"}}, "go run ./qemu/exo-run -cpus 2 -silence 60s -append 'tests=env/slices* exit'"},
	{"hand: a capability that is gone is used", "kernel/hand.go", []edit{{"if t.calls.is.Alive() {", "if true {"}}, handBoot},
	{"hand: who was woken before it was left is lost", "kernel/hand.go", []edit{{"\there().sched.Return(sched.OfWord(word), sched.Parks)\n", "\t_ = sched.OfWord(word)\n"}}, handBoot},
	{"hand: nobody looks whether it was woken", "arch/amd64/syscall_amd64.s", []edit{{"\tCMPXCHGQ R8, (SI) // order: its stack is left; from here on any CPU may go on with it\n\tJNE  late\n", "\tCMPXCHGQ R8, (SI) // order: its stack is left; from here on any CPU may go on with it\n"}}, handBoot},
	{"hand: GS stays", "arch/amd64/syscall_amd64.s", []edit{{"\tRDGSBASEQ R12\n\tWRGSBASEQ R13\n", "\tRDGSBASEQ R12\n"}}, handBoot},
	{"hand: ES stays", "arch/amd64/syscall_amd64.s", []edit{{"\tJNE  null\nclean:", "clean:"}}, handBoot},
	{"hand: x87 stays", "arch/amd64/syscall_amd64.s", []edit{{"\tBYTE $0xDB; BYTE $0xE3 // FNINIT: as in switchUser\n\tFXRSTOR64 UserState_fx(BX)\n", ""}}, handBoot},
	{"hand: one word is lost", "kernel/hand.go", []edit{{"= f.RDX, f.R10, f.R8, 0", "= f.RDX, f.R10, f.R10, 0"}}, handBoot},
	{"hand: the answer is read when another's message may be there", "kernel/hand.go", []edit{{"return t.hand(me, c, prev, result)", "_ = result\n\t\t\t\t\t\t\t\t\t\tfor range 20 {\n\t\t\t\t\t\t\t\t\t\t\tamd64.Pause()\n\t\t\t\t\t\t\t\t\t\t}\n\t\t\t\t\t\t\t\t\t\treturn t.hand(me, c, prev, int64(f.RSI))"}},
		"go run ./qemu/exo-run -topo quad-ring -silence 60s -append 'tests=torture/ipc* torture=10s exit'"},
	{"hand: the space stays", "kernel/hand.go", []edit{{"!tlb.Runs(s) {", "false {"}}, handBoot},
}
