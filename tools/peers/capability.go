package main

import (
	"math/rand/v2"
	std "sync"

	"exo/kernel/cap"
)

// Capabilities beside hash tables that hold the same: name, holder, rights, object. A lookup finds the name, compares the
// holder and the rights, and uses the object. c/cap.c has the C side.

const (
	capHolder = 7
	capKind   = 3
)

// capHost gives a table its frames.
type capHost struct{ frames []*cap.Frame }

func (h *capHost) GetFrame(int) *cap.Frame {
	f := new(cap.Frame)
	h.frames = append(h.frames, f)
	return f
}

func (*capHost) PutFrame(int, *cap.Frame) {}
func (*capHost) NowNs() uint64            { return 0 }

// capWorld is a table, a root in it, and so many names below in random order.
type capWorld struct {
	t     *cap.Table
	host  *capHost
	root  cap.Name
	names []cap.Name
	at    [2]struct {
		next int
		_    [56]byte
	}
}

func newCapWorld(cpus, n int) *capWorld {
	w := &capWorld{t: new(cap.Table), host: new(capHost)}
	must(w.t.Init(make([]cap.CPU, cpus), new([cap.Kinds]cap.Ops), w.host, w.host) == nil)
	c := cap.Capability{Kind: capKind, Rights: cap.AllRights, Holder: capHolder, Object: cap.Object{First: 1, Second: 2}}
	var err error
	w.root, err = w.t.Create(0, c)
	must(err == nil)
	for range n {
		name, err := w.t.Derive(0, w.root, capHolder, cap.Derivation{To: capHolder, Rights: cap.AllRights})
		must(err == nil)
		w.names = append(w.names, name)
	}
	rand.New(rand.NewPCG(1, 2)).Shuffle(n, func(i, j int) { w.names[i], w.names[j] = w.names[j], w.names[i] })
	if n > 0 {
		w.at[1].next = n / 2
	}
	return w
}

type capLookup struct{ *capWorld }

func newCapLookup(n int) func(int) body {
	return func(cpus int) body {
		b := capLookup{newCapWorld(cpus, n)}
		for len(b.names) < 1024 { // so that what goes round is not what is measured
			b.names = append(b.names, b.names...)
		}
		return b
	}
}

func (b capLookup) run(id, n int) (done int) {
	t, k := b.t, b.at[id].next
	for n > 0 {
		if k >= len(b.names) {
			k = 0
		}
		some := b.names[k:min(k+n, len(b.names))]
		for _, name := range some {
			if o, err := t.Lookup(name, capHolder, capKind, cap.Read); err == nil {
				done += int(o.First)
			}
		}
		k, n = k+len(some), n-len(some)
	}
	b.at[id].next = k
	return done
}

type capCheck struct{ *capWorld }

func newCapCheck(n int) func(int) body {
	return func(cpus int) body { return capCheck{newCapWorld(cpus, n)} }
}

func (b capCheck) run(id, n int) (done int) {
	k := b.at[id].next
	for done < n {
		if k >= len(b.names) {
			k = 0
		}
		some, err := b.t.CheckAll(b.names[k:min(k+n-done, len(b.names))], capHolder, capKind, cap.Read)
		if err != nil {
			break
		}
		k, done = k+some, done+some
	}
	b.at[id].next = k
	return done
}

// capPair derives a capability and takes it away again, each thread below a parent of its own.
type capPair struct {
	*capWorld
	parents [2]cap.Name
	revoke  bool
}

func newCapPair(revoke bool) func(int) body {
	return func(cpus int) body {
		b := capPair{capWorld: newCapWorld(cpus, 64), revoke: revoke}
		copy(b.parents[:], b.names)
		return b
	}
}

func (b capPair) run(id, n int) (done int) {
	t, p, revoke := b.t, b.parents[id], b.revoke
	for range n {
		name, err := t.Derive(id, p, capHolder, cap.Derivation{To: capHolder, Rights: cap.AllRights})
		if err != nil {
			return done
		}
		if revoke {
			_, err = t.Revoke(id, p, capHolder, 0, 10)
		} else {
			_, err = t.Delete(id, name, capHolder, 0, 10)
		}
		if err == nil {
			done++
		}
	}
	return done
}

// capTree derives a tree of capabilities, each below one before it, and revokes it whole; an operation is one of them, derived
// and revoked.
type capTree struct{ *capWorld }

const treeNodes = 1000

func newCapTree(cpus int) body {
	b := capTree{newCapWorld(cpus, 0)}
	b.names = make([]cap.Name, treeNodes)
	return b
}

func (b capTree) run(id, n int) (done int) {
	for done < n {
		nodes := min(treeNodes, n-done)
		for i := range nodes {
			p := b.root
			if i > 0 {
				p = b.names[(i-1)/4]
			}
			b.names[i], _ = b.t.Derive(id, p, capHolder, cap.Derivation{To: capHolder, Rights: cap.AllRights})
		}
		if at, err := b.t.Revoke(id, b.root, capHolder, 0, 4*nodes); at != 0 || err != nil {
			break
		}
		done += nodes
	}
	return done
}

// What Go has for it.

type grant struct {
	holder cap.Holder
	rights cap.Rights
	kind   cap.Kind
	object cap.Object
}

type goMap struct {
	*capWorld
	plain map[cap.Name]*grant
	lock  *std.RWMutex
	m     *std.Map
}

func (goMap) blocks() {}

func newGoMap(n int, shared bool) func(int) body {
	return func(cpus int) body {
		b := goMap{newCapWorld(cpus, n), map[cap.Name]*grant{}, new(std.RWMutex), nil}
		if shared {
			b.m = new(std.Map)
		}
		for _, name := range b.names {
			g := &grant{capHolder, cap.AllRights, capKind, cap.Object{First: 1, Second: 2}}
			if shared {
				b.m.Store(name, g)
			} else {
				b.plain[name] = g
			}
		}
		return b
	}
}

func (b goMap) run(id, n int) (done int) {
	k := b.at[id].next
	for range n {
		if k >= len(b.names) {
			k = 0
		}
		var g *grant
		if b.m != nil {
			v, _ := b.m.Load(b.names[k])
			g, _ = v.(*grant)
		} else {
			b.lock.RLock()
			g = b.plain[b.names[k]]
			b.lock.RUnlock()
		}
		if g != nil && g.holder == capHolder && g.kind == capKind && g.rights&cap.Read != 0 {
			done += int(g.object.First)
		}
		k++
	}
	b.at[id].next = k
	return done
}

// The targets are those of the machine they were set on, as ratios: the nanoseconds set for Exo to what the peer needs there.
var capPlan = []row{
	{name: "capability lookup, 1", threads: 1, exo: newCapLookup(1), lone: true, peers: []target{{"cds_lfht lookup 1", 0}, {"ck_ht lookup 1", 0}}},
	{name: "capability lookup, 64 k random", threads: 1, exo: newCapLookup(1 << 16), lone: true, peers: []target{{"cds_lfht lookup 64k", 6.0 / 25}, {"ck_ht lookup 64k", 6.0 / 16}}},
	{name: "capability lookup, 1 M random", threads: 1, exo: newCapLookup(1 << 20), lone: true, peers: []target{{"cds_lfht lookup 1M", 1}, {"ck_ht lookup 1M", 0}}},
	{name: "capability lookup, 64 k random", threads: 2, exo: newCapLookup(1 << 16), lone: true, peers: []target{{"cds_lfht lookup 64k", 6.0 / 25}, {"ck_ht lookup 64k", 6.0 / 16}}},
	{name: "capability check of many, 64 k random", threads: 1, exo: newCapCheck(1 << 16), lone: true, peers: []target{{"cds_lfht lookup 64k", 0}, {"ck_ht lookup 64k", 0}}},
	{name: "the same in a sync.Map, 1", threads: 1, exo: newGoMap(1, true), lone: true, peers: []target{{"cds_lfht lookup 1", 0}}},
	{name: "the same in a sync.Map, 64 k random", threads: 1, exo: newGoMap(1<<16, true), lone: true, peers: []target{{"cds_lfht lookup 64k", 0}}},
	{name: "the same in a sync.Map, 64 k random", threads: 2, exo: newGoMap(1<<16, true), lone: true, peers: []target{{"cds_lfht lookup 64k", 0}}},
	{name: "the same in a map under an RWMutex, 1", threads: 1, exo: newGoMap(1, false), lone: true, peers: []target{{"cds_lfht lookup 1", 0}}},
	{name: "the same in a map under an RWMutex, 64 k random", threads: 1, exo: newGoMap(1<<16, false), lone: true, peers: []target{{"cds_lfht lookup 64k", 0}}},
	{name: "the same in a map under an RWMutex, 64 k random", threads: 2, exo: newGoMap(1<<16, false), lone: true, peers: []target{{"cds_lfht lookup 64k", 0}}},
	{name: "capability derive+delete", threads: 1, exo: newCapPair(false), lone: true, peers: []target{{"cds_lfht add+del bare", 0}, {"ck_ht put+remove", 0}}},
	{name: "capability derive+revoke", threads: 1, exo: newCapPair(true), lone: true, peers: []target{{"cds_lfht add+del bare", 0}, {"ck_ht put+remove", 0}}},
	{name: "capability derive+revoke in a tree of 1000", threads: 1, exo: newCapTree, lone: true, peers: []target{{"cds_lfht add+del bare", 0}}},
}

func init() { plan = append(plan, capPlan...) }
