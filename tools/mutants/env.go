package main

// envBoot boots the tests of environments; envHost runs those of kernel/env.
const (
	envBoot = "go run ./qemu/exo-run -cpus 4 -append 'tests=env/*,torture/env* torture=3s exit'"
	envTree = "go run ./qemu/exo-run -cpus 2 -append 'tests=env/tree* exit'"
	envHost = "go test -race -timeout 60s ./kernel/env"
)

// envMutants are faults in environments: accounts, bindings, calls, upcalls, ends.
var envMutants = []mutant{
	{"env: a quota is not looked at", "kernel/env/quota.go", []edit{{"if w&closed != 0 || n > limitOf(w)-w&usedMask {\n\t\t\treturn false\n\t\t}\n\t\tif q.word.CompareAndSwap(w, w+n) {", "if w&closed != 0 {\n\t\t\treturn false\n\t\t}\n\t\tif q.word.CompareAndSwap(w, w+n) {"}}, envHost},
	{"env: what is given back is subtracted by a store", "kernel/env/quota.go", []edit{{"\t\tif q.word.CompareAndSwap(w, w-n) {\n\t\t\treturn\n\t\t}", "\t\tq.word.Store(w - n)\n\t\treturn"}}, envHost},
	{"env: a closed quota is open", "kernel/env/quota.go", []edit{{"!q.word.CompareAndSwap(w, w|closed)", "!q.word.CompareAndSwap(w, w)"}}, envHost},
	{"env: Made does not see that it is gone", "kernel/env/payer.go", []edit{{"if w>>32 >= uint64(n)>>32 {", "if w>>32 > uint64(n)>>32 {"}}, envHost},
	{"env: Moved gives back to the wrong one", "kernel/env/payer.go", []edit{{"case p.word.CompareAndSwap(w, wordOf(n, to)):\n\t\t\treturn from", "case p.word.CompareAndSwap(w, wordOf(n, to)):\n\t\t\treturn to"}}, envHost},
	{"env: a binding lets two in", "kernel/env/binding.go", []edit{{"!b.lock.CompareAndSwap(0, 1); spins++ {", "b.lock.Swap(1) > 1; spins++ {"}}, envHost},
	{"env: frames keep what was in them", "kernel/framecalls.go", []edit{{"\t\tamd64.ClearFrames(amd64.PhysAddr((first + i).Addr()), 1)\n", "\t\t_ = i\n"}}, envBoot},
	{"env: a teardown leaves pages mapped", "kernel/account.go", []edit{{"\tunbind(b, mm.Frame(o.First), o.Second)\n", ""}}, envBoot},
	{"env: frames are not given back", "kernel/account.go", []edit{{"\tif rights&owns != 0 {\n\t\tfreeRun(", "\tif false {\n\t\tfreeRun("}}, envBoot},
	{"env: ownership can be derived", "kernel/capcalls.go", []edit{{"cap.Rights(f.RSI) &^ owns}", "cap.Rights(f.RSI)}"}}, envBoot},
	{"env: a page may be written and executed", "kernel/pagecalls.go", []edit{{" && p != uint64(abi.PermRead|abi.PermWrite|abi.PermExecute)", ""}}, envBoot},
	{"env: a mapping does not ask for rights", "kernel/pagecalls.go", []edit{{"cap.Kind(abi.KindFrames), need) // under the lock", "cap.Kind(abi.KindFrames), 0) // under the lock"}}, envBoot},
	{"env: the old place stays mapped", "kernel/pagecalls.go", []edit{{"\tif moves {\n\t\tunbind(", "\tif false {\n\t\tunbind("}}, envBoot},
	{"env: unmapping takes what others have mapped there", "kernel/mm/paging/run.go", []edit{{"\n\t\tif e&present == 0 || e.Frame() != frame+mm.Frame(done) {", "\n\t\tif e&present == 0 {"}}, envBoot},
	{"env: an offer is taken by who is no heir", "kernel/offers.go", []edit{{"\tcase !me.heir:\n", "\tcase false:\n"}}, envBoot},
	{"env: an offer is taken with all rights", "kernel/offers.go", []edit{{"cap.Derivation{Rights: o.rights}", "cap.Derivation{Rights: cap.Rights(abi.RightRead | abi.RightDerive | abi.RightTransfer | abi.RightDelete)}"}}, envBoot},
	{"env: the last pages of a grant permit what the others do", "kernel/binding.go", []edit{{"\treturn p.lastPerm, n\n", "\treturn p.perm, n\n"}}, envBoot},
	{"env: what a refused grant made stays", "kernel/envgive.go", []edit{{"\t\tcapTab.DropOne(cpu, cap.Name(g.Name), e.holder(), revokeSteps) // it has hardly anything below it yet\n", ""}}, envBoot},
	{"env: a part begins where the whole does", "kernel/envgive.go", []edit{{"First: o.First + first, Second: n}", "First: o.First, Second: n}"}}, envBoot},
	{"env: what others have is written alone", "kernel/pagecalls.go", []edit{{" && !alone(m.first, m.n) {", " && false {"}}, envBoot},
	{"env: who awaits an end may end it", "kernel/envcalls.go", []edit{{"\t\tneed |= cap.Delete\n", "\t\tneed |= 0\n"}}, envBoot},
	{"env: a part may be larger than the whole", "kernel/account.go", []edit{{"part.First-whole.First <= whole.Second-part.Second", "true"}}, envBoot},
	{"env: an upcall begins at the top again", "kernel/upcall.go", []edit{{"\t\treturn (rsp - redZone - size) &^ 15\n", "\t\treturn (t.start.UpcallHigh - size) &^ 15\n"}}, envBoot},
	{"env: a page that permits less is written on", "kernel/pagefast.go", []edit{{"if old.Loses(bits) {", "if false {"}}, envBoot},
	{"env: a page that is gone is written on", "kernel/pagefast.go", []edit{{"\t\t\t\t\t\t\tt.shootPage(b.Binding.VA)\n\t\t\t\t\t\t\tb.Binding.Unbind()", "\t\t\t\t\t\t\tb.Binding.Unbind()"}}, envBoot},
	{"env: a mapping of one page does not ask for rights", "kernel/pagefast.go", []edit{{"cap.Rights(p), 1); o != nil {\n\t\t\t\t\tif l", "0, 1); o != nil {\n\t\t\t\t\tif l"}}, envBoot},
	{"env: one page may be written and executed", "kernel/pagefast.go", []edit{{"< uint64(abi.PermRead|abi.PermWrite|abi.PermExecute)\n}", "<= uint64(abi.PermRead|abi.PermWrite|abi.PermExecute)\n}"}}, envBoot},
	{"env: quotas do not come back", "kernel/env.go", []edit{{"g.frames.Grow(frames)", "_ = frames"}}, envBoot},
	{"env: an environment ends and keeps what it holds", "kernel/envend.go", []edit{{"\te.sweepCaps()\n", ""}}, envBoot},
	{"env: a suspended thread goes on", "kernel/thread.go", []edit{{"p&(pendSuspend|pendEnvSuspend) != 0 && p&pendEnd == 0", "p == 1<<31"}}, envBoot},
	{"env: everybody may use any port", "kernel/devicecalls.go", []edit{{"!within(o, cap.Object{First: port, Second: bytes})", "!within(o, o)"}}, envBoot},
	{"env: others' environments are seen", "kernel/envtree.go", []edit{{"below := e != nil && e.below(root)", "below := e != nil"}}, envTree},
	{"env: a name for an environment is one for any", "kernel/envtree.go", []edit{{"below := e.below(cap.Holder(whole.First))", "below := true"}}, envTree},
	{"env: a transfer costs nobody", "kernel/capcalls.go", []edit{{"\tpayerOf(slotOf(name).Payer.Moved(name, from.holder(), to.holder())).discharge(cost)\n", ""}}, envBoot},
}
