package cap

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/stretchr/testify/require"

	"exo/internal/seeds"
	"exo/internal/timescale"
)

// Linearizability (Herlihy & Wing, TOPLAS 1990) of random histories, decided by porcupine. A revocation is not one moment:
// capabilities go one after another. So it is two operations in the history, with its call and its return both: from the
// first on what is below may be gone, and from the second on it is.

type opKind byte

const (
	opDerive   opKind = 'd'
	opLookup   opKind = 'l'
	opTransfer opKind = 't'
	opRevoke   opKind = 'r' // its beginning
	opDelete   opKind = 'x' // so too
	opEnd      opKind = 'e' // of either
)

type linearCall struct {
	op     opKind
	worker int
	name   Name
	by, to Holder
	rights Rights // asked for
}

type linearAnswer struct {
	name Name
	err  error
	late bool // of a Delete: it was told that there is more to do, and then that there is no such capability
}

// entry is a capability of the model.
type entry struct {
	name, parent Name
	holder       Holder
	rights       Rights
	doom         uint8 // revocations under way, by worker, that it will not outlive
	closed       uint8 // revocations under way of what is below it
	left         bool  // a revocation of what is below it was given up, for it was not the caller's any more
	dead         bool  // seen to be gone
	soft         bool  // derived from one that is being revoked, after one revocation and before the end of another: may go
}

const maxEntries = 12

type tree struct {
	all [maxEntries]entry
	n   int
}

func (s *tree) find(n Name) *entry {
	for i := range s.n {
		if s.all[i].name == n {
			return &s.all[i]
		}
	}
	return nil
}

func (s *tree) add(e entry) bool {
	if s.n == maxEntries {
		return false
	}
	i := s.n
	for ; i > 0 && s.all[i-1].name > e.name; i-- {
		s.all[i] = s.all[i-1]
	}
	s.all[i] = e
	s.n++
	return true
}

func (s *tree) keep(f func(e *entry) bool) {
	var kept tree
	for i := range s.n {
		if f(&s.all[i]) {
			kept.all[kept.n] = s.all[i]
			kept.n++
		}
	}
	*s = kept
}

// explains is the model: whether a call may have that answer, and what follows.
func explains(s tree, c linearCall, a linearAnswer) (bool, tree) {
	e := s.find(c.name)
	present := e != nil && !e.dead && e.holder == c.by
	mayBeGone := e == nil || e.dead || e.holder != c.by || e.doom != 0 || e.soft
	if a.err == ErrNone && c.op != opEnd {
		if mayBeGone && e != nil && e.holder == c.by && !e.dead {
			e.dead = true
		}
		return mayBeGone, s
	}
	if c.op == opEnd {
		bit := uint8(1) << c.worker
		for i := range s.n {
			e := &s.all[i]
			e.left = e.left || a.err != nil && e.closed&bit != 0
			e.closed &^= bit
			if a.err != nil && e.doom&bit != 0 { // it was given up, as the capability was the caller's no more
				e.doom, e.soft = e.doom&^bit, true
			}
		}
		s.keep(func(e *entry) bool { return e.doom&bit == 0 })
		return true, s
	}
	helps := c.op == opDelete && a.err == nil && e != nil && e.holder == c.by // what is dead may be deleted again, until it is gone
	if a.late && e == nil {
		return true, s // another was about to free it
	}
	if !present && !helps {
		return false, s
	}
	e.soft = e.soft && !present
	switch c.op {
	case opLookup:
		if a.err == ErrRights {
			return e.rights&c.rights != c.rights, s
		}
		return a.err == nil && e.rights&c.rights == c.rights, s
	case opTransfer:
		if a.err == ErrRights {
			return e.rights&Transfer == 0, s
		}
		e.holder = c.to
		return a.err == nil && e.rights&Transfer != 0, s
	case opDerive:
		may := e.rights&Derive != 0 && c.rights&^e.rights == 0 && (c.to == c.by || e.rights&Transfer != 0)
		switch a.err {
		case ErrRights:
			return !may, s
		case ErrRevoking:
			return e.closed != 0 || e.left, s
		}
		child := entry{name: a.name, parent: c.name, holder: c.to, rights: c.rights, doom: e.doom, soft: e.closed != 0}
		return may && s.find(a.name) == nil && s.add(child), s
	case opRevoke, opDelete:
		if a.err == ErrRights {
			return c.op == opRevoke && e.rights&Revoke == 0 || c.op == opDelete && e.rights&Delete == 0, s
		}
		if c.op == opRevoke && e.rights&Revoke == 0 || c.op == opDelete && e.rights&Delete == 0 {
			return false, s
		}
		bit := uint8(1) << c.worker
		below := map[Name]bool{c.name: true}
		for range s.n {
			for i := range s.n {
				below[s.all[i].name] = below[s.all[i].name] || below[s.all[i].parent]
			}
		}
		for i := range s.n {
			if below[s.all[i].name] && s.all[i].name != c.name {
				s.all[i].doom |= bit
			}
		}
		if c.op == opDelete {
			e.doom |= bit
		} else {
			e.closed |= bit
		}
		return a.err == nil, s
	}
	return false, s
}

// observed is what workers did with one table.
type observed struct {
	*host
	clock atomic.Int64
	mu    sync.Mutex
	known []Name // to all
	live  atomic.Int32
}

func (o *observed) some(r *rand.Rand) Name {
	o.mu.Lock()
	defer o.mu.Unlock()
	if r.IntN(20) == 0 {
		return o.known[r.IntN(len(o.known))] + 1<<32 // a later life of the slot
	}
	return o.known[max(r.IntN(len(o.known)), r.IntN(len(o.known)))]
}

// one does an operation, and returns it as one or two of the history.
func (o *observed) one(w int, r *rand.Rand, root Name) []porcupine.Operation {
	c := linearCall{worker: w, name: o.some(r), by: Holder(1 + r.IntN(2)), to: Holder(1 + r.IntN(2))}
	c.rights = Rights(r.Uint32()) & (AllRights >> 16 >> 9) // any of the seven
	c.op = opKind("ddddlllltrx"[r.IntN(11)])
	if c.op == opDerive {
		c.rights |= Derive
		if r.IntN(3) > 0 {
			c.rights |= Revoke | Delete
		}
		if o.live.Load() >= maxEntries/2 {
			c.op = opLookup
		}
	}
	if c.op == opDelete && c.name == root {
		c.op = opRevoke
	}
	if c.op == opLookup && r.IntN(2) > 0 {
		c.rights = 0
	}
	var a linearAnswer
	begun := false
	call := o.clock.Add(1)
	switch c.op {
	case opDerive:
		o.live.Add(1)
		a.name, a.err = o.Derive(w, c.name, c.by, Derivation{To: c.to, Rights: c.rights})
		if a.err != nil {
			o.live.Add(-1)
		}
	case opLookup:
		_, a.err = o.Lookup(c.name, c.by, page0, c.rights)
	case opTransfer:
		a.err = o.Transfer(c.name, c.by, c.to)
	case opRevoke, opDelete:
		do := o.Revoke
		if c.op == opDelete {
			do = o.Delete
		}
		for at := Name(0); ; runtime.Gosched() {
			if at, a.err = do(w, c.name, c.by, at, 1+r.IntN(3)); at == 0 || a.err != nil {
				break
			}
			begun = true
		}
	}
	end := o.clock.Add(1)
	if a.err == nil && a.name != 0 {
		o.mu.Lock()
		o.known = append(o.known, a.name)
		o.mu.Unlock()
	}
	first := porcupine.Operation{ClientId: w, Input: c, Output: a, Call: call, Return: end}
	if c.op != opRevoke && c.op != opDelete || a.err != nil && !begun {
		return []porcupine.Operation{first}
	}
	first.Output = linearAnswer{late: c.op == opDelete && a.err != nil}
	if c.op == opDelete {
		a.err = nil // ErrNone: somebody else did the last step
	}
	c.op = opEnd
	return []porcupine.Operation{first, {ClientId: w + 8, Input: c, Output: a, Call: call, Return: end}}
}

// orderly has each end come after its beginning: the checker may not put them the other way round.
type orderly struct {
	tree
	begun uint8
}

func patience(t *testing.T) time.Duration {
	d, err := timescale.Stretch(20 * time.Second)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func linearListing(h []porcupine.Operation) string {
	h = slices.Clone(h)
	slices.SortStableFunc(h, func(a, b porcupine.Operation) int { return cmp.Compare(a.Call, b.Call) })
	var s strings.Builder
	for _, o := range h {
		c, a := o.Input.(linearCall), o.Output.(linearAnswer)
		fmt.Fprintf(&s, "%4d-%4d CPU %d: %c %x by %d to %d, rights %x = %x, %v\n", o.Call, o.Return, c.worker, c.op, c.name, c.by,
			c.to, c.rights, a.name, a.err)
	}
	return s.String()
}

var linearModel = func(root Name) porcupine.Model {
	return porcupine.Model{
		Init: func() any {
			var s orderly
			s.add(entry{name: root, holder: 1, rights: AllRights})
			return s
		},
		Step: func(s, in, out any) (bool, any) {
			st, c := s.(orderly), in.(linearCall)
			bit := uint8(1) << c.worker
			if c.op == opEnd {
				if st.begun&bit == 0 {
					return false, st
				}
				st.begun &^= bit
			}
			ok, next := explains(st.tree, c, out.(linearAnswer))
			st.tree = next
			if ok && out.(linearAnswer).err == nil && (c.op == opRevoke || c.op == opDelete) {
				st.begun |= bit
			}
			return ok, st
		},
	}
}

func TestTable_G1_G2_G3_G9_Linearizable(t *testing.T) {
	const histories, perWorker = 400, 14
	old := runtime.GOMAXPROCS(max(4, runtime.GOMAXPROCS(0)))
	t.Cleanup(func() { runtime.GOMAXPROCS(old) })
	t.Cleanup(yieldInside())
	good, bad := map[opKind]int{}, map[opKind]int{}
	overlapped := 0
	seeds.Each(t, histories, func(r *rand.Rand) {
		workers := 3 + r.IntN(2)
		o := &observed{host: newHost(workers)}
		root := o.root(1)
		o.known = []Name{root}
		done := make([][]porcupine.Operation, workers)
		var wg sync.WaitGroup
		var there atomic.Int32
		for w := range workers {
			r := rand.New(rand.NewPCG(r.Uint64(), 0))
			wg.Go(func() {
				for there.Add(1); int(there.Load()) < workers; {
					runtime.Gosched()
				}
				for range perWorker {
					done[w] = append(done[w], o.one(w, r, root)...)
					if r.IntN(3) == 0 {
						runtime.Gosched()
					}
				}
			})
		}
		wg.Wait()
		h := slices.Concat(done...)
		end := o.clock.Add(1)
		for _, n := range o.known { // what is left, seen by each holder
			for by := Holder(1); by <= 2; by++ {
				_, err := o.Lookup(n, by, page0, 0)
				h = append(h, porcupine.Operation{Input: linearCall{op: opLookup, name: n, by: by}, Output: linearAnswer{err: err},
					Call: end, Return: end + 1})
				end += 2
			}
		}
		for i, x := range h {
			if x.Output.(linearAnswer).err == nil {
				good[x.Input.(linearCall).op]++
			} else {
				bad[x.Input.(linearCall).op]++
			}
			for _, y := range h[:i] {
				if x.ClientId != y.ClientId && y.Call < x.Return && x.Call < y.Return {
					overlapped++
					break
				}
			}
		}
		if v := porcupine.CheckOperationsTimeout(linearModel(root), h, patience(t)); v != porcupine.Ok {
			t.Fatalf("not linearizable (%s):\n%s", v, linearListing(h))
		}
		for by := Holder(1); by <= 2; by++ {
			slot, _ := o.Drop(0, by, 0, 0, 10000)
			require.Zero(t, slot)
		}
		o.allBack(t)
	})
	t.Logf("succeeded %v, failed %v, overlapped %d", good, bad, overlapped)
	require.Greater(t, overlapped, histories)
	for _, op := range []opKind{opDerive, opLookup, opTransfer, opRevoke, opDelete, opEnd} {
		require.Positive(t, good[op], string(rune(op)))
		if op != opEnd {
			require.Positive(t, bad[op], string(rune(op)))
		}
	}
}

// The model must refuse what no correct table does.
func TestTable_TheModelRefuses(t *testing.T) {
	const root, a, b = Name(1<<32 | 1), Name(1<<32 | 2), Name(1<<32 | 3)
	derive := func(from, to Name) porcupine.Operation {
		return porcupine.Operation{Input: linearCall{op: opDerive, name: from, by: 1, to: 1, rights: AllRights}, Output: linearAnswer{name: to}}
	}
	op := func(op opKind, n Name, err error) porcupine.Operation {
		return porcupine.Operation{Input: linearCall{op: op, name: n, by: 1, to: 2}, Output: linearAnswer{err: err}}
	}
	for _, c := range []struct {
		name string
		ok   bool
		ops  []porcupine.Operation
	}{
		{"found", true, []porcupine.Operation{derive(root, a), op('l', a, nil)}},
		{"not found", false, []porcupine.Operation{derive(root, a), op('l', a, ErrNone)}},
		{"never derived", false, []porcupine.Operation{op('l', a, nil)}},
		{"found after revoke", false, []porcupine.Operation{derive(root, a), op('r', root, nil), op('e', root, nil), op('l', a, nil)}},
		{"leaked", false, []porcupine.Operation{derive(root, a), derive(a, b), op('r', root, nil), op('e', root, nil), op('l', b, nil)}},
		{"found while it is revoked", true, []porcupine.Operation{derive(root, a), op('r', root, nil), op('l', a, nil), op('e', root, nil), op('l', a, ErrNone)}},
		{"found again", false, []porcupine.Operation{derive(root, a), op('r', root, nil), op('l', a, ErrNone), op('l', a, nil), op('e', root, nil)}},
		{"the root stays", false, []porcupine.Operation{op('r', root, nil), op('e', root, nil), op('l', root, ErrNone)}},
		{"end without beginning", false, []porcupine.Operation{op('e', root, nil)}},
		{"found by its old holder", false, []porcupine.Operation{derive(root, a), op('t', a, nil), op('l', a, nil)}},
		{"deleted", false, []porcupine.Operation{derive(root, a), op('x', a, nil), op('e', a, nil), op('l', a, nil)}},
	} {
		for i := range c.ops {
			c.ops[i].Call, c.ops[i].Return = int64(2*i), int64(2*i+1)
		}
		require.Equal(t, c.ok, porcupine.CheckOperations(linearModel(root), c.ops), c.name)
	}
}
