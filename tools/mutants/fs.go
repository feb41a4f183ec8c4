package main

// fsHost is the command that runs tests of the file system.
func fsHost(tests string) string {
	return "go test -timeout 150s -run '" + tests + "' ./kernel/fs"
}

// fsExplored is the command that explores its interleavings.
func fsExplored(tests string) string {
	return "go test -tags explore -timeout 150s -run 'TestExplore_FS_(" + tests + ")' ./kernel/fs"
}

const tableExplored = "go test -tags explore -timeout 100s -run TestExplore ./kernel/fs/table"

// fsMutants are faults in the file system, its journal and its check.
var fsMutants = []mutant{
	{"journal: the log is written before the file data last", "kernel/fs/journal/commit.go", []edit{{"\tif e == errno.OK && wrote {\n\t\te = j.out.sync(t.C) // G3\n\t}\n", "\t_ = wrote\n"}}, fsHost("Crashes")},
	{"cache: the first buffer is locked while what was asked for ahead is begun", "kernel/fs/cache/ahead.go", []edit{{"\tblock.Start(h.Device, t.C, &a.req)\n", "\ta.buffers[0].Lock.Lock(t.C)\n\tblock.Start(h.Device, t.C, &a.req)\n\ta.buffers[0].Lock.Unlock(t.C)\n"}}, "go test -timeout 150s -run TestCache_G4 ./kernel/fs/cache"},
	{"journal: a checkpoint writes while the buffer is locked", "kernel/fs/journal/checkpoint.go", []edit{{"\t\t\tk := h.Kind(b)\n\t\t\tb.Lock.Unlock(t.C)\n", "\t\t\tk := h.Kind(b)\n"}, {"\t\t\tj.out.add(t.C, h.Block(b), j.bounce[n])\n", "\t\t\tj.out.add(t.C, h.Block(b), j.bounce[n])\n\t\t\tb.Lock.Unlock(t.C)\n"}}, fsHost("WritesUnderNoLock")},
	{"journal: file data is written while the buffer is locked", "kernel/fs/journal/commit.go", []edit{{"\t\t\tb.Lock.Unlock(t.C)\n\t\t\tj.out.add(t.C, h.Block(b), j.bounce[n])\n", "\t\t\tj.out.add(t.C, h.Block(b), j.bounce[n])\n\t\t\tb.Lock.Unlock(t.C)\n"}}, fsHost("WritesUnderNoLock")},
	{"journal: a commit does not flush", "kernel/fs/journal/commit.go", []edit{{"\treturn j.out.sync(t.C)\n}\n\n// writeFiles", "\treturn errno.OK\n}\n\n// writeFiles"}}, fsHost("Crashes")},
	{"journal: a checkpoint forgets before it flushes", "kernel/fs/journal/checkpoint.go", []edit{{"\tif e := j.out.sync(t.C); e != errno.OK { // before", "\tif e := errno.OK; e != errno.OK { // before"}}, fsHost("Crashes")},
	{"journal: the contents' checksums are not looked at", "kernel/fs/disk/log.go", []edit{{"return get32(p, logEntries+8*i+4) == s.tagSum(Tag(p, i), contents)", "return true || s.tagSum(Tag(p, i), contents) == 0"}}, fsHost("Crashes")},
	{"journal: what was revoked is replayed", "kernel/fs/journal/recover.go", []edit{{"\t\tif table.get(uint32(n)) >= uint32(seq-j.head.Seq)+1 {\n", "\t\tif table.get(uint32(n)) > 1<<31 {\n"}}, fsHost("Revoked")},
	{"journal: a transaction that changed nothing takes a number", "kernel/fs/journal/commit.go", []edit{{"\t\tj.next++ // not", "\t\t// not"}, {"\tj.Commits.Add(1)\n", "\tj.Commits.Add(1)\n\tj.next++\n"}}, fsHost("Crashes")},
	{"journal: the recovery is not flushed before the log begins anew", "kernel/fs/journal/recover.go", []edit{{"\t\tif e := j.out.sync(t.C); e != errno.OK {\n\t\t\treturn 0, e\n\t\t}\n", ""}}, fsHost("Crashes")},
	{"journal: a commit does not wait for open operations", "kernel/fs/journal/wait.go", []edit{{"\tfor j.gate.Load()&gateOps != 0 { //", "\tfor false { //"}}, fsHost("FourTasks|OneDirectory")},
	{"fs: freed blocks are given away before the commit", "kernel/fs/alloc.go", []edit{{"\tf.markBusy(t, g, from, count)\n", ""}}, fsHost("Crashes|Busy")},
	{"fs: a longer file shows what was beyond its end", "kernel/fs/write.go", []edit{{"\tif w.off > d.Size {\n\t\te = f.zeroTail(t, ip)\n\t}\n", ""}}, fsHost("TailIsZero")},
	{"fs: a name is added at any place of its leaf", "kernel/fs/names.go", []edit{{"disk.InsertSlot(b.Page, disk.FindSlot(b.Page, s.Hash), s, name, t.Scratch)", "disk.InsertSlot(b.Page, disk.Count(b.Page), s, name, t.Scratch)"}}, fsHost("Random")},
	{"fs: a split loses the half where the name belongs", "kernel/fs/names.go", []edit{{"\tsecond := hash >= first\n", "\tsecond := false\n"}}, fsHost("ManyNames")},
	{"fs: an open file without a name is freed", "kernel/fs/unlink.go", []edit{{"if f.table.Users(int(ip.index)) > 1 || d.Depth > 0 ||", "if d.Depth > 0 ||"}}, fsHost("Crashes|Open")},
	{"fs: what is kept is freed with its last name", "kernel/fs/unlink.go", []edit{{" || f.opens.has(t.C, ip.OpenKey()) {", " {"}}, fsHost("Opens")},
	{"fs: what is kept is freed with its last use", "kernel/fs/inodes.go", []edit{{" || f.opens.keep(t.C, ip.OpenKey()) //", " //"}}, fsHost("Opens")},
	{"fs: who lets go the last is not told that the name is gone", "kernel/fs/opens.go", []edit{{"return o.mark(c, key, unnamed)", "return o.mark(c, key, 0)"}}, fsHost("Opens")},
	{"fs: what is let go is left by who has just seen it kept", "kernel/fs/opens.go", []edit{{"\t\tip.lock.Lock(t.C) // who has seen it kept, in Put, has ended his use\n\t\tip.lock.Unlock(t.C)\n", ""}}, fsExplored("Opens")},
	{"fs: what is being freed can be had", "kernel/fs/opens.go", []edit{{" && !ip.going\n", "\n"}}, fsExplored("Opens")},
	{"fs: orphans are not looked for", "kernel/fs/fs.go", []edit{{"\treturn f.reapAll(t)\n}\n\nfunc (t *Task) base", "\treturn errno.OK\n}\n\nfunc (t *Task) base"}}, fsHost("OpenWithoutAName")},
	{"fs: a rename makes a loop", "kernel/fs/rename.go", []edit{{"\t\tcase ino == m.what.ino:\n\t\t\treturn errno.Loop\n", ""}}, fsHost("Random")},
	{"fs: a directory that has names is replaced", "kernel/fs/rename.go", []edit{{" || m.over.d.Size > 0):", "):"}}, fsHost("RenameOver")},
	{"fs: nodes of a directory belong to anybody", "kernel/fs/names.go", []edit{{"(disk.Owner(b.Page) != dir.ino || disk.Level(b.Page) != level || disk.Count(b.Page) == 0)", "disk.Level(b.Page) == 99"}}, fsHost("Mutated|Owner")},
	{"fs: a block of inodes is given away before it is made", "kernel/fs/ialloc.go", []edit{{"\tslot, need, e = f.takeInode(t, g, need)\n", ""}, {"\tb, e := f.cache.Fresh(", "\tslot, need, e = f.takeInode(t, g, need)\n\tb, e := f.cache.Fresh("}}, fsExplored("G1")},
	{"fs: two make the same block of inodes", "kernel/fs/ialloc.go", []edit{{"\t\tf.super.Lock(t.C)\n\t\ti, e = f.takeFresh(t, g)\n\t\tf.super.Unlock(t.C)\n", "\t\ti, e = f.takeFresh(t, g)\n"}}, fsExplored("G1")},
	{"journal: a checkpoint uses what it writes", "kernel/fs/journal/checkpoint.go", []edit{{"\t\t\tj.moving[n] = b //", "\t\t\th.Use(b)\n\t\t\tj.moving[n] = b //"}, {"\t\t\t\tj.unlink(j.moving[i])\n\t\t\t}\n", "\t\t\t\tj.unlink(j.moving[i])\n\t\t\t}\n\t\t\th.Drop(j.moving[i])\n"}}, fsExplored("G1_Check")},
	{"fs: no space is final once what was freed is committed", "kernel/fs/alloc.go", []edit{{"|| seq+1 < t.Seq {", "|| seq <= f.journal.Committed() {"}}, fsExplored("G1_Check")},
	{"journal: what an earlier transaction wrote is discarded", "kernel/fs/journal/journal.go", []edit{{"\tif b.DataSeq == t.Seq {\n", "\tif true {\n"}}, fsExplored("G2_G4")},
	{"power: a Sync returns before the commit", "kernel/fs/attr.go", []edit{{"\treturn f.journal.Commit(t.base(), ip.seq.Load())", "\treturn errno.OK"}}, "go test ./qemu -run TestPowerCut"},
	{"power: a flush never gets to the device", "kernel/virtio/disk.go", []edit{{"if r.Op == block.Flush && !d.flushes {", "if r.Op == block.Flush {"}}, "go test ./qemu -run TestPowerCut/volatile"},
	{"fs: an inode in a new slot was never changed", "kernel/fs/inodes.go", []edit{{"\tip.seq.Store(f.journal.Running()) //", "\tip.seq.Store(0) //"}}, fsHost("SyncOfWhatWasForgotten")},
	{"fs: who puts the last use of a file is not told that its name is gone", "kernel/fs/unlink.go", []edit{{"\tf.table.Set(int(ip.index), doomed) // pairs", "\t// pairs"}}, fsExplored("G1_Unlink")},
	{"table: a flag comes between a look and the end of a use", "kernel/fs/table/table.go", []edit{{"if t.nodes[i].state.CompareAndSwap(s, s-One) { // order: pairs with Set's", "if t.nodes[i].state.Add(^uint64(0)); true { // order: pairs with Set's"}}, tableExplored},
	{"fs: a block that could not be written keeps what was there", "kernel/fs/write.go", []edit{{"\t\t\t*b.Page = block.Page{}\n\t\t}\n\t\tf.journal.Data", "\t\t}\n\t\tf.journal.Data"}, {"import (\n\t\"exo/kernel/fs/block\"\n", "import (\n"}}, fsHost("SourceFails")},
	{"table: the key is not looked at after the state", "kernel/fs/table/table.go", []edit{{"s&dying != 0 || n.key.Load() != key {", "s&dying != 0 {"}}, tableExplored},
	{"table: a slot has one life", "kernel/fs/table/table.go", []edit{{"dying|(s+life)&lives)", "dying|s&lives)"}}, tableExplored},
	{"cache: who brings a block is its user", "kernel/fs/cache/ahead.go", []edit{{"\t\th.Drop(b) // it stays as long as it is being read, and nobody is its user who only brings it (Fresh)\n\t\tif !empty {\n", "\t\tif !empty {\n\t\t\th.Drop(b)\n"}, {"\t\t\tw.Sleeper.Unpark()\n\t\t}\n", "\t\t\tw.Sleeper.Unpark()\n\t\t}\n\t\ta.cache.Drop(b)\n"}}, "go test -tags explore -timeout 100s -run TestExplore ./kernel/fs/cache"},
	{"cache: a block that is replaced is zeros although it is there", "kernel/fs/cache/cache.go", []edit{{"\tcase !h.Has(b, Valid):\n\t\t*b.Page", "\tcase k == disk.None:\n\t\t*b.Page"}, {"\tcase k == disk.None:\n\t\th.setKind(b, disk.Data)", "\tcase !h.Has(b, Valid):\n\t\th.setKind(b, disk.Data)"}}, "go test -timeout 60s -run TestCache_G1_G6 ./kernel/fs/cache"},
	{"fs: an inode that is being made is corrupt", "kernel/fs/inodes.go", []edit{{"\tcase ip.d.Mode == 0: //", "\tcase ip.d.Mode == 1: //"}}, "go test -tags explore -timeout 150s -run 'TestExplore_FS_G1_G5_Pairs/create_and_get' ./kernel/fs"},
	{"cache: a block may be two kinds of things", "kernel/fs/cache/cache.go", []edit{{"\t\tcase have != disk.None || !h.Shape.Check(k, n, b.Page):\n\t\t\te = errno.Corrupt\n", ""}}, "go test -timeout 60s -run TestCache_G3_G6 ./kernel/fs/cache"},
	{"fsck: blocks may be in use twice", "kernel/fs/fsck/fsck.go", []edit{{"free = free && *w>>(k%64)&1 == 0", "free = free && *w>>(k%64) != 1<<63"}}, fsHost("Mutated|Found")},
	{"fsck: names are not counted", "kernel/fs/fsck/compare.go", []edit{{"\t\tif names != d.Links {", "\t\tif names > 1<<30 {"}}, fsHost("Found")},
}
