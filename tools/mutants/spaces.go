package main

// spaceMutants are faults in how the kernel runs address spaces, and copies from and to them.
var spaceMutants = []mutant{
	{"spaces: a page is not forgotten", "kernel/spaces.go", []edit{{"amd64.ForgetPage(uintptr(va))", "_ = va"}}, "boot"},
	{"spaces: a lazy CPU stays in its space", "arch/amd64/space.go", []edit{{"\truntime.LoadCR3(v)\n", "\tif pcid != 0 || uint64(root) != uint64(KernelTable.root) {\n\t\truntime.LoadCR3(v)\n\t}\n"}}, "boot"},
	{"spaces: every CPU is interrupted", "kernel/spaces.go", []edit{{"\there().shot++\n", "\there().shot++\n\tfor i := range ncpu {\n\t\tif i != cpu {\n\t\t\there().shot++\n\t\t\tamd64.SendIPI(amd64.CPUByIndex(i).APICID, vectorShoot)\n\t\t}\n\t}\n"}}, "boot"},
	{"spaces: tables are not counted", "kernel/spaces.go", []edit{{"\ta.used++\n", ""}}, "boot"},
	{"spaces: a space is destroyed that lazy CPUs have loaded", "kernel/spaces.go", []edit{{"\tif s.InUse() { // lazily", "\tif false { // lazily"}}, "boot"},
	{"migrate: it may be written while it is copied", "kernel/migrate.go", []edit{{"return m.permit(m.page.Perm &^ paging.Write)", "return m.permit(m.page.Perm)"}}, "boot"},
	{"migrate: the old frame is free while TLBs have it", "kernel/migrate.go", []edit{{"\t\treturn err\n\t}\n\tm.space.shoot(&b, nil)\n\treturn nil\n}\n\nfunc (m *pageMover) Thaw", "\t\treturn err\n\t}\n\treturn nil\n}\n\nfunc (m *pageMover) Thaw"}}, "boot"},
	{"migrate: it stays read-only", "kernel/migrate.go", []edit{{"\tif m.perm != m.page.Perm {", "\tif m.perm != m.page.Perm && false {"}}, "boot"},
	{"user: ring 3's memory stays open after a copy", "arch/amd64/user_amd64.s", []edit{{"#define CLOSE CMPB ·smap(SB), $0; JEQ 2(PC); CLAC", "#define CLOSE CMPB ·smap(SB), $0; JEQ 2(PC); NOP"}}, "boot"},
	{"user: the last bytes of a copy are not copied", "arch/amd64/user_amd64.s", []edit{{"\tADDQ $8, CX\n\tJEQ  done\nbyte:", "\tADDQ $8, CX\n\tJMP  done\nbyte:"}}, "boot"},
	{"user: a string's 0 in a whole word is not seen", "arch/amd64/user_amd64.s", []edit{{"\tTESTQ R9, BX // some byte is 0\n\tJNE  one\n", ""}}, "boot"},
	{"user: kernel addresses can be copied from", "arch/amd64/user.go", []edit{{"return va <= userTop && uint64(n) <= userTop-va", "return true"}}, "boot"},
}
