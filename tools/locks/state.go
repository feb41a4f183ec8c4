package main

import (
	"go/constant"
	"go/token"
	"go/types"
	"maps"

	"golang.org/x/tools/go/ssa"
)

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
	return &state{nil, map[lockKey]*holding{}, map[lockKey]bool{}, map[*ssa.Defer]bool{}}
}

func (s *state) clone() *state {
	t := &state{s.facts.clone(), make(map[lockKey]*holding, len(s.held)), maps.Clone(s.released), maps.Clone(s.defers)}
	for k, h := range s.held {
		c := *h
		c.facts = h.facts.clone()
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
	return s.facts.equal(other.facts) && maps.Equal(s.released, other.released) && maps.Equal(s.defers, other.defers) &&
		maps.EqualFunc(s.held, other.held, func(a, b *holding) bool {
			return (a.outer == nil) == (b.outer == nil) && a.facts.equal(b.facts)
		})
}

// learn adds a fact, and drops the locks that are not held when it is true. It returns false if it cannot be true.
func (s *state) learn(f fact) bool {
	if s.facts.refuted(f) {
		return false
	}
	asked := askedAgain(f.v)
	if asked {
		s.facts.add(f)
	}
	for k, h := range s.held {
		if h.facts.refuted(f) {
			delete(s.held, k)
		} else if asked {
			h.facts.add(f)
		}
	}
	return true
}

// forget drops what is known of a value that is computed anew.
func (s *state) forget(v ssa.Value) {
	drop := func(x any) {
		s.facts.forget(x)
		for _, h := range s.held {
			h.facts.forget(x)
		}
	}
	drop(v)
	if _, ok := v.Type().(*types.Tuple); !ok {
		return
	}
	for _, r := range *v.Referrers() {
		if e, ok := r.(*ssa.Extract); ok {
			drop(e)
		}
	}
}

// fold computes v where its operands are known, for the state and for each lock.
func (s *state) fold(v *ssa.BinOp) {
	fold := func(f *facts) {
		x, y := f.known(v.X), f.known(v.Y)
		if x == nil || y == nil || x.Kind() != constant.Int || y.Kind() != constant.Int {
			return
		}
		switch v.Op {
		case token.ADD, token.SUB:
			if n, _ := constant.Int64Val(constant.BinaryOp(x, v.Op, y)); 0 <= n && n < 1<<7 { // in every type
				f.add(fact{v, true, constant.MakeInt64(n).ExactString()})
			}
		case token.EQL, token.NEQ, token.LSS, token.LEQ, token.GTR, token.GEQ:
			f.add(fact{v, true, constant.MakeBool(constant.Compare(x, v.Op, y)).ExactString()})
		}
	}
	fold(&s.facts)
	for _, h := range s.held {
		fold(&h.facts)
	}
}
