package main

import (
	"go/constant"
	"go/token"
	"maps"

	"golang.org/x/tools/go/ssa"
)

// fact is that v is, or is not, the constant c; v is an ssa.Value. A *ssa.Defer as v with c "true": it was executed.
type fact struct {
	v  any
	eq bool
	c  string
}

type facts map[fact]bool

// refuted says whether g cannot be true if all of f is.
func (f facts) refuted(g fact) bool {
	for h := range f {
		if h.v == g.v && (h.eq && g.eq && h.c != g.c || h.eq != g.eq && h.c == g.c) {
			return true
		}
	}
	return false
}

func (f facts) keepCommon(g facts) { maps.DeleteFunc(f, func(x fact, _ bool) bool { return !g[x] }) }

// lockKey tells locks that are held apart: by class, and by how the function names the lock (pathOf).
type lockKey struct {
	class int
	path  string
}

// section is the class of RCU read sections.
const section = -1

// holding is a lock that may be held.
type holding struct {
	facts facts     // true whenever it is held
	pos   token.Pos // where it was taken
	fn    *ssa.Function
	outer *chain // how it came into this function, if a caller holds it
}

// chain is a list of calls, innermost first.
type chain struct {
	pos  token.Pos
	fn   *ssa.Function // that makes the call
	next *chain
}

func (c *chain) length() (n int) {
	for ; c != nil; c = c.next {
		n++
	}
	return n
}

// state is what is known at a point in a function: what is true there on each way that leads there, which locks may be
// held on some way, which of the callers' locks were released on each, and which deferred calls may be pending.
type state struct {
	facts    facts
	held     map[lockKey]*holding
	released map[lockKey]bool
	defers   map[*ssa.Defer]bool
}

func newState() *state {
	return &state{facts{}, map[lockKey]*holding{}, map[lockKey]bool{}, map[*ssa.Defer]bool{}}
}

func (s *state) clone() *state {
	t := &state{maps.Clone(s.facts), make(map[lockKey]*holding, len(s.held)), maps.Clone(s.released), maps.Clone(s.defers)}
	for k, h := range s.held {
		c := *h
		c.facts = maps.Clone(h.facts)
		t.held[k] = &c
	}
	return t
}

// join adds what other has, which came another way. Either may be nil: no way leads here.
func (s *state) join(other *state) *state {
	if s == nil {
		return other
	}
	if other == nil {
		return s
	}
	s.facts.keepCommon(other.facts)
	for k, h := range other.held {
		s.hold(k, h)
	}
	maps.DeleteFunc(s.released, func(k lockKey, _ bool) bool { return !other.released[k] })
	maps.Copy(s.defers, other.defers)
	return s
}

// hold adds a lock that may be held.
func (s *state) hold(k lockKey, h *holding) {
	old := s.held[k]
	if old == nil {
		s.held[k] = h
		return
	}
	old.facts.keepCommon(h.facts)
	if h.outer.length() < old.outer.length() || h.outer.length() == old.outer.length() && h.pos < old.pos {
		old.pos, old.fn, old.outer = h.pos, h.fn, h.outer
	}
}

func (s *state) equal(other *state) bool {
	if s == nil || other == nil {
		return s == other
	}
	return maps.Equal(s.facts, other.facts) && maps.Equal(s.released, other.released) && maps.Equal(s.defers, other.defers) &&
		maps.EqualFunc(s.held, other.held, func(a, b *holding) bool {
			return (a.outer == nil) == (b.outer == nil) && maps.Equal(a.facts, b.facts)
		})
}

// learn adds a fact, and drops the locks that are not held when it is true. It returns false if it cannot be true.
func (s *state) learn(f fact) bool {
	if s.facts.refuted(f) {
		return false
	}
	s.facts[f] = true
	for k, h := range s.held {
		if h.facts.refuted(f) {
			delete(s.held, k)
		} else {
			h.facts[f] = true
		}
	}
	return true
}

// forget drops what is known of a value that is computed anew.
func (s *state) forget(v ssa.Value) {
	drop := func(x any) {
		del := func(f fact, _ bool) bool { return f.v == x }
		maps.DeleteFunc(s.facts, del)
		for _, h := range s.held {
			maps.DeleteFunc(h.facts, del)
		}
	}
	drop(v)
	if refs := v.Referrers(); refs != nil {
		for _, r := range *refs {
			if e, ok := r.(*ssa.Extract); ok {
				drop(e)
			}
		}
	}
}

func constString(c *ssa.Const) string {
	if c.Value == nil {
		return "nil"
	}
	return c.Value.ExactString()
}

// constFacts is what is known of v if it is the constant c.
func constFacts(v any, c *ssa.Const) []fact {
	f := []fact{{v, true, constString(c)}}
	if c.Value != nil && c.Value.Kind() == constant.Int && constant.Sign(c.Value) != 0 {
		f = append(f, fact{v, false, "0"})
	}
	return f
}

// conditionFacts is what is known on the branch of an if on which v is true, or is false.
func conditionFacts(v ssa.Value, is bool) []fact {
	word := map[bool]string{true: "true", false: "false"}
	all := []fact{{v, true, word[is]}}
	switch v := v.(type) {
	case *ssa.UnOp:
		if v.Op == token.NOT {
			all = append(all, conditionFacts(v.X, !is)...)
		}
	case *ssa.BinOp:
		x, c := v.X, v.Y
		if _, ok := x.(*ssa.Const); ok {
			x, c = c, x
		}
		if c, ok := c.(*ssa.Const); ok && (v.Op == token.EQL || v.Op == token.NEQ) {
			if same := is == (v.Op == token.EQL); same {
				all = append(all, constFacts(x, c)...)
			} else {
				all = append(all, fact{x, false, constString(c)})
			}
		}
	}
	return all
}

// knownNonNil says whether a pointer cannot be nil because of what it is.
func knownNonNil(v ssa.Value) bool {
	switch v.(type) {
	case *ssa.Alloc, *ssa.FieldAddr, *ssa.IndexAddr, *ssa.Global, *ssa.MakeInterface, *ssa.Function, *ssa.MakeClosure:
		return true
	}
	return false
}

// fold computes v where its operands are known, for the state and for each lock.
func (s *state) fold(v *ssa.BinOp) {
	fold := func(f facts) {
		x, y := f.known(v.X), f.known(v.Y)
		if x == nil || y == nil || x.Kind() != constant.Int || y.Kind() != constant.Int {
			return
		}
		switch v.Op {
		case token.ADD, token.SUB:
			if n, _ := constant.Int64Val(constant.BinaryOp(x, v.Op, y)); 0 <= n && n < 1<<7 { // in every type
				f[fact{v, true, constant.MakeInt64(n).ExactString()}] = true
			}
		case token.EQL, token.NEQ, token.LSS, token.LEQ, token.GTR, token.GEQ:
			f[fact{v, true, constant.MakeBool(constant.Compare(x, v.Op, y)).ExactString()}] = true
		}
	}
	fold(s.facts)
	for _, h := range s.held {
		fold(h.facts)
	}
}

// known is the constant that v is, nil if it may be another.
func (f facts) known(v ssa.Value) constant.Value {
	if c, ok := v.(*ssa.Const); ok {
		return c.Value
	}
	for g := range f {
		if g.eq && g.v == any(v) && g.c != "nil" {
			return constant.MakeFromLiteral(g.c, token.INT, 0)
		}
	}
	return nil
}
