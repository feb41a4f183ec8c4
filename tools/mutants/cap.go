package main

// capExplored is the command that explores interleavings of the capability table, capHost that runs its other tests.
func capExplored(tests string) string {
	return "go test -tags explore -timeout 100s -run 'TestExplore_Cap_(" + tests + ")' ./kernel/cap"
}

func capHost(tests string) string {
	return "go test -timeout 60s -run '" + tests + "' ./kernel/cap"
}

// capMutants are faults in the capability table.
var capMutants = []mutant{
	{"cap: a child is linked under what is being revoked", "kernel/cap/derive.go", []edit{{"\t\tif h&closed != 0 {", "\t\tif false {"}}, capHost("TestTable_G3_BoundedSteps")},
	{"cap: a child is linked under what is dead", "kernel/cap/derive.go", []edit{{"p.owner.Load() != parent.key(by) || h&dead != 0 {", "p.owner.Load() != parent.key(by) {"}}, capExplored("G4")},
	{"cap: a child is linked under the slot's next capability", "kernel/cap/derive.go", []edit{{"p.owner.Load() != parent.key(by) || h&dead != 0 {", "h&dead != 0 {"}, {"\tif p.owner.Load() != parent.key(by) { // given away", "\tif false { // given away"}}, capExplored("G6")},
	{"cap: a child is linked without CAS", "kernel/cap/derive.go", []edit{{"if swap(&pl.head, h, h.to(i, 0)) { //", "if pl.head.Store(uint64(h.to(i, 0))); true { //"}}, capExplored("G4|Siblings")},
	{"cap: a child is found before it is linked", "kernel/cap/derive.go", []edit{{"\tembryo, fresh := r.owner.Load(), link(l.head.Load())\n", "\tembryo, fresh := r.owner.Load(), link(l.head.Load())\n\tr.owner.StoreRelease(nameOf(i, embryo).key(d.To))\n"}}, capExplored("Hatch")},
	{"cap: a child hatches without CAS", "kernel/cap/derive.go", []edit{{"r.owner.CompareAndSwap(embryo, name.key(d.To)) //", "r.owner.StoreRelease(name.key(d.To)) //"}}, capExplored("G4|G3")},
	{"cap: a child is linked below what was given away", "kernel/cap/derive.go", []edit{{"\tif p.owner.Load() != parent.key(by) { // given away", "\tif false { // given away"}}, capExplored("G9")},
	{"cap: what could not be taken back is found", "kernel/cap/derive.go", []edit{{"\t\treturn name, nil // no lookup is", "\t\t// no lookup is"}}, capExplored("G4")},
	{"cap: a Delete stops when its capability is given away", "kernel/cap/revoke.go", []edit{{"\t\t\tbegun = true\n", ""}, {"begun = swap(&l.head, h, h.to(h.slot(), dead))", "swap(&l.head, h, h.to(h.slot(), dead))"}}, capExplored("G3_DeleteWhile")},
	{"cap: rights grow", "kernel/cap/derive.go", []edit{{"case d.Rights&^m.rights() != 0 || d.To", "case d.To"}}, capHost("TestTable_G2")},
	{"cap: a transfer without CAS", "kernel/cap/derive.go", []edit{{"case !r.owner.CompareAndSwap(name.key(by), name.key(to)): //", "case r.owner.Swap(name.key(to)) == 0: //"}}, capExplored("G9")},
	{"cap: what is taken out is found", "kernel/cap/detach.go", []edit{{"\t\tr.owner.StoreRelease(r.owner.Load() | gone) //", "\t\t//"}}, capExplored("G3|Together")},
	{"cap: what is being torn down is found", "kernel/cap/detach.go", []edit{{"\tr.hide(n)\n\tdown(", "\tdown("}}, capExplored("G1")},
	{"cap: who helps leaves it to be found", "kernel/cap/detach.go", []edit{{"\t\tr.hide(n)\n\t\tm := x.to(", "\t\tm := x.to("}}, capExplored("G3|Together")},
	{"cap: who helps frees", "kernel/cap/detach.go", []edit{{"\t\tm := x.to(x.slot(), marked|helped)", "\t\tm := x.to(x.slot(), marked)"}}, capExplored("G3|Together")},
	{"cap: whoever takes out frees", "kernel/cap/detach.go", []edit{{"\tif x&helped == 0 {\n", "\tif true {\n"}}, capExplored("G3|Together")},
	{"cap: what was helped is not freed", "kernel/cap/detach.go", []edit{{"\tif x&helped != 0 {\n", "\tif false {\n"}}, capExplored("G3|G4|Siblings")},
	{"cap: what is said to be no more is found again", "kernel/cap/detach.go", []edit{{"\tif h&dead != 0 {\n\t\tr.hide(n)", "\tif false {\n\t\tr.hide(n)"}}, capExplored("G1")},
	{"cap: what is being deleted is found until its children are gone", "kernel/cap/revoke.go", []edit{{"\t\t\tbegun = true\n\t\t\tr.hide(name)\n", "\t\t\tbegun = true\n"}}, capHost("TestTable_G1_Holders")},
	{"cap: the next may be no sibling any more", "kernel/cap/revoke.go", []edit{{"\t\tif link(l.head.Load()) != h { // else it is a child", "\t\tif false { // else it is a child"}}, capExplored("G3|Together")},
	{"cap: a row is taken out without CAS", "kernel/cap/revoke.go", []edit{{"\tif swap(&l.head, h, h.to(next.slot(), flags)) {", "\tif l.head.Store(uint64(h.to(next.slot(), flags))); true {"}}, capExplored("G3|Together")},
	{"cap: what is left of a row is not taken out", "kernel/cap/revoke.go", []edit{{"\t\tif x := link(l.next.Load()); r.lives(n) {", "\t\tif x := link(l.next.Load()); false {"}}, capExplored("G3|Together")},
	{"cap: what is left of a row may be a later life", "kernel/cap/revoke.go", []edit{{"\t\tif x := link(l.next.Load()); r.lives(n) {", "\t\tif x := link(l.next.Load()); true {"}}, capExplored("G3|Together")},
	{"cap: a parent is claimed while it has a child", "kernel/cap/revoke.go", []edit{{"\tclaim = claim && next.slot() == 0\n", ""}}, capExplored("G3|Together")},
	{"cap: the root of a revocation is claimed", "kernel/cap/revoke.go", []edit{{"t.leaves(cpu, l, h, n != root, child, c, steps)", "t.leaves(cpu, l, h, true, child, c, steps)"}}, capExplored("G3|G4")},
	{"cap: who climbs kills what is below the living", "kernel/cap/revoke.go", []edit{{" || h&dead == 0 && (n != root || h&closed == 0) {", " {"}}, capHost("TestTable_G3_AForeignPlace")},
	{"cap: who climbs does not count", "kernel/cap/revoke.go", []edit{{"\t\tif *steps--; *steps <= 1 ||", "\t\tif"}}, capHost("TestTable_G3_BoundedSteps")},
	{"cap: a hint may lead to what is in no list", "kernel/cap/table.go", []edit{{"uint64(link(l.next.Load()).to(0, marked))) //", "l.next.Load()) //"}}, capHost("TestTable_G3_AHint")},
	{"cap: a lookup does not look at the owner again", "kernel/cap/lookup.go", []edit{{"\tif r.owner.Load() != key {\n\t\treturn Object{}, ErrNone\n\t}\n\tif !m", "\tif !m"}}, capExplored("G6")},
	{"cap: anybody may use a name", "kernel/cap/lookup.go", []edit{{"\tif r.owner.Load() != key { //", "\tif r.owner.Load()>>32 != key>>32 { //"}, {"\tif r.owner.Load() != key {\n\t\treturn Object{}, ErrNone\n\t}\n\tif !m", "\tif r.owner.Load()>>32 != key>>32 {\n\t\treturn Object{}, ErrNone\n\t}\n\tif !m"}}, capHost("TestTable_G1")},
	{"cap: a holder's number may say gone", "kernel/cap/rights.go", []edit{{"return int32(h) > 0 }", "return h != Nobody }"}}, capHost("TestTable_G1_Holders")},
	{"cap: of the dead two are claimed", "kernel/cap/revoke.go", []edit{{"\t\tcase swap(&cl.head, ch, ch.to(0, dead|claimed)): // order: as in kill", "\t\tcase cl.head.Swap(uint64(ch.to(0, dead|claimed))) > 0: // order: as in kill"}}, capExplored("G3|G4")},
	{"cap: a capability with a child is claimed", "kernel/cap/revoke.go", []edit{{"\t\tcase h.slot() == 0:\n\t\t\tif swap", "\t\tcase h.slot() == 0 || h&dead == 0:\n\t\t\tif swap"}}, capExplored("G4")},
	{"cap: nothing is marked", "kernel/cap/detach.go", []edit{{"m := x.to(x.slot(), marked); swap(&l.next, x, m)", "m := x; swap(&l.next, x, m)"}}, capExplored("Siblings")},
	{"cap: the hint is trusted", "kernel/cap/detach.go", []edit{{"\tcase Holder(q.owner.Load()&^gone) == Nobody: //", "\tcase false: //"}}, capExplored("Hint")},
	{"cap: behind the hint may be a later life", "kernel/cap/detach.go", []edit{{"\tcase link(l.next.Load()) != x: // after w: so w leads to n, and not to a later life\n\t\treturn false\n", ""}}, capExplored("Siblings")},
	{"cap: the first may be a later life", "kernel/cap/detach.go", []edit{{"h.slot() != n.slot() || link(l.next.Load()) != x {", "h.slot() != n.slot() {"}}, capExplored("Siblings|G6|G3|Random")},
	{"cap: the child may be another's by now", "kernel/cap/revoke.go", []edit{{"\t\tif link(l.head.Load()) != h { // else c was", "\t\tif false { // else c was"}}, capExplored("G3|G6|Random")},
	{"cap: the list is not looked at again", "kernel/cap/detach.go", []edit{{"\t\tif link(from.Load()) != w { //", "\t\tif false { //"}}, capExplored("Siblings|Random")},
	{"cap: what is being torn down is taken out", "kernel/cap/detach.go", []edit{{"\t\tif t.kinds[k].Teardown != nil {\n\t\t\treturn false", "\t\tif t.kinds[k].Teardown == nil {\n\t\t\treturn false"}}, capExplored("G3")},
	{"cap: torn down when it is out of the list", "kernel/cap/detach.go", []edit{{"\tt.tearDown(cpu, n, r)\n\tt.detach(cpu, n, r, l)\n", "\tt.detach(cpu, n, r, l)\n\tt.tearDown(cpu, n, r)\n"}}, capExplored("G3|G4|Siblings")},
	{"cap: a revocation begins anew each time", "kernel/cap/revoke.go", []edit{{"\tn := at\n\tif n == 0 ||", "\tn := at\n\tif true ||"}}, capHost("TestTable_G3_BoundedSteps")},
	{"cap: Revoke does not close", "kernel/cap/revoke.go", []edit{{"h.to(h.slot(), closed)) { // order", "h.to(h.slot(), 0)) { // order"}}, capHost("TestTable_G3")},
	{"cap: a slot's next life has the same name", "kernel/cap/table.go", []edit{{"next := n.generation() + 1", "next := n.generation()"}}, capHost("TestTable_G6")},
	{"cap: names come round", "kernel/cap/table.go", []edit{{"if next != lastGeneration {", "if next != 0 {"}}, capHost("TestTable_G6")},
	{"cap: links do not count", "kernel/cap/record.go", []edit{{"l&^(change-1) + change | flags", "l&^(change-1) | flags"}}, capExplored("G6|Siblings|Random")},
	{"cap: a use is counted without CAS", "kernel/cap/bucket.go", []edit{{"if b.due.CompareAndSwap(w, (due+every)<<tagBits|w&(1<<tagBits-1)) {", "if b.due.Store((due+every)<<tagBits | w&(1<<tagBits-1)); true {"}}, capExplored("G7")},
	{"cap: a bucket's next life is the same", "kernel/cap/bucket.go", []edit{{"tag := (b.due.Load() + 1) &", "tag := b.due.Load() &"}}, capExplored("G7")},
	{"cap: a chunk is put over another", "kernel/cap/cells.go", []edit{{"mine := p[k%perPage].CompareAndSwap(nil, cells) //", "mine := p[k%perPage].Swap(cells) != cells //"}}, capExplored("G8")},
	{"cap: a batch is taken by a store", "kernel/cap/cells.go", []edit{{"\t\tif swap(&c.depot, top, top.to(below, 0)) {\n", "\t\tif c.depot.Store(uint64(top.to(below, 0))); true {\n"}}, capExplored("Depot")},
}
