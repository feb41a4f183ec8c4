package main

// slabMutants are faults in the slabs.
var slabMutants = []mutant{
	{"slabs: a bit is taken without CAS", "kernel/mm/slab/frames.go", []edit{{"\t\tif !word.CompareAndSwap(v, rest) {", "\t\tif word.Load() == v {\n\t\t\tword.Store(rest)\n\t\t} else {"}}, "go test -tags explore -timeout 100s -run 'TestExplore_Slab_(G1|Random)' ./kernel/mm/slab"},
	{"slabs: a magazine is popped without CAS", "kernel/mm/slab/depot.go", []edit{{"\t\tif k.top.CompareAndSwap(t, (t|topMask)+1+uint64(below)) {", "\t\tif k.top.Load() == t {\n\t\t\tk.top.Store((t | topMask) + 1 + uint64(below))"}}, "go test -tags explore -timeout 100s -run 'TestExplore_Slab_(G1|Random)' ./kernel/mm/slab"},
	{"slabs: the depot has no generations", "kernel/mm/slab/depot.go", []edit{{"(t|topMask)+1+uint64(m.mark-firstMark+1)", "t&^topMask|uint64(m.mark-firstMark+1)"}, {"(t|topMask)+1+uint64(below)", "t&^topMask|uint64(below)"}}, "go test -tags explore -timeout 100s -run 'TestExplore_Slab_(G1|Random)' ./kernel/mm/slab"},
	{"slabs: what is in a magazine can be freed", "kernel/mm/slab/slab.go", []edit{{"\tif x.Load() != was {", "\tif x.Load() == inSlab {"}}, "go test -timeout 60s -run TestSlab ./kernel/mm/slab"},
	{"slabs: Alloc does not look at the word", "kernel/mm/slab/slab.go", []edit{{"if w.Load() == c.mark && at >= mm.FrameSize {", "if at >= mm.FrameSize {"}}, "go test -tags explore -timeout 100s -run 'TestExplore_Slab_(G1|Random)' ./kernel/mm/slab"},
	{"slabs: Alloc does not look whether there is a frame", "kernel/mm/slab/slab.go", []edit{{"if w.Load() == c.mark && at >= mm.FrameSize {", "if w.Load() == c.mark {"}}, "go test -tags explore -timeout 100s -run 'TestExplore_Slab_(G1|Random)' ./kernel/mm/slab"},
	{"slabs: flush does not look at the word", "kernel/mm/slab/frames.go", []edit{{"\tif !d.Objects[id].CompareAndSwap(from, inSlab) {", "\tif d.Objects[id].Swap(inSlab) == inSlab {"}}, "go test -tags explore -timeout 100s -run 'TestExplore_Slab_(G1|Random)' ./kernel/mm/slab"},
	{"slabs: a slab goes back with objects out", "kernel/mm/slab/frames.go", []edit{{"!d.Bits[int(slab)*s.words+k].CompareAndSwap(s.all(k), 0) {", "d.Bits[int(slab)*s.words+k].Swap(0) == 0 {"}}, "go test -timeout 60s -run TestSlab ./kernel/mm/slab"},
	{"slabs: a slab of many words goes back by the first", "kernel/mm/slab/frames.go", []edit{{"\t\t\tfor k > 0 {\n\t\t\t\tk--\n\t\t\t\td.setBits(s, slab, k, s.all(k))\n\t\t\t}\n\t\t\treturn false", "\t\t\treturn false"}}, "go test -timeout 60s -run TestSlab ./kernel/mm/slab"},
	{"slabs: a slab goes back without a look at the words", "kernel/mm/slab/frames.go", []edit{{"\tif d.missing(s, slab) {", "\tif d.missing(s, slab) && false {"}}, "go test -timeout 60s -run TestSlab ./kernel/mm/slab"},
	{"slabs: a remote object goes to the CPU's magazine", "kernel/mm/slab/slab.go", []edit{{"n < s.limit && c.home == d {", "n < s.limit {"}}, "go test -timeout 60s -run TestSlab ./kernel/mm/slab"},
	{"slabs: a slab's lives are all the same", "kernel/mm/slab/frames.go", []edit{{"life := (last + 2) & lifeMask", "life := last & lifeMask"}}, "go test -timeout 60s -run TestSlab ./kernel/mm/slab"},
	{"slabs: one spare slab too few", "kernel/mm/slab/frames.go", []edit{{"d.idle.Load() > s.spare {", "d.idle.Load() >= s.spare {"}}, "go test -timeout 60s -run TestSlab ./kernel/mm/slab"},
	{"slabs: frames never go back by themselves", "kernel/mm/slab/frames.go", []edit{{"d.idle.Load() > s.spare {", "d.idle.Load() > s.spare+99 {"}}, "go test -timeout 60s -run TestSlab ./kernel/mm/slab"},
	{"slabs: a slab without a frame is seen late", "kernel/mm/slab/frames.go", []edit{{"b.at.Store(last) //", "b.at.StoreRelease(last) //"}}, "go test -tags explore -timeout 150s -run TestExplore_Slab_EveryPair ./kernel/mm/slab"},
	{"slabs: a full magazine counts as empty", "kernel/mm/slab/magazine.go", []edit{{"d.full.push(c.previous)", "d.empty.push(c.previous)"}}, "go test -timeout 60s -run TestSlab ./kernel/mm/slab"},
	{"slabs: the other magazine's mark", "kernel/mm/slab/magazine.go", []edit{{"c.loaded, c.n, c.mark = m, n, m.mark }", "c.loaded, c.n = m, n }"}}, "go test -timeout 60s -run TestSlab ./kernel/mm/slab"},
	{"slabs: no division check", "kernel/mm/slab/slab.go", []edit{{"uint32(q) >= uint32(s.inverse) || i", "i"}}, "go test -timeout 60s -run TestSlab ./kernel/mm/slab"},
	{"slabs: other caches' objects are taken back", "kernel/mm/slab/slab.go", []edit{{"w.Kind() != mm.Slab || owner>>ownerID != s.id {", "w.Kind() != mm.Slab {"}}, "go test -timeout 60s -run TestSlab ./kernel/mm/slab"},
	{"slabs: an exact cache is not", "kernel/mm/slab/slab.go", []edit{{"} else if !x.CompareAndSwap(was, c.mark) {", "} else if x.StoreRelease(c.mark); false {"}}, "go test -tags explore -timeout 100s -run 'TestExplore_Slab_(G1|Random)' ./kernel/mm/slab"},
	{"slabs: Drain forgets the previous magazine", "kernel/mm/slab/reap.go", []edit{{"\ts.flush(cpu, c.home, c.previous, c.spare)\n", ""}}, "go test -timeout 60s -run TestSlab ./kernel/mm/slab"},
	{"slabs: the kernel's slabs are all of node 0", "kernel/slab.go", []edit{{"frames.Alloc(cpu, node, mm.Slab, owner)", "frames.Alloc(cpu, 0, mm.Slab, owner)"}}, "go run ./qemu/exo-run -silence 20s -append 'tests=mm/slab* exit'"},
}
