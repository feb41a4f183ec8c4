package main

import (
	"go/constant"
	"go/token"
	"slices"

	"golang.org/x/tools/go/ssa"
)

// fact is that v is, or is not, the constant c; v is an ssa.Value. A *ssa.Defer as v with c "true": it was executed.
type fact struct {
	v  any
	eq bool
	c  string
}

// facts are some that hold together, in no order. They are few and often copied: copies share what they have, for no element is ever
// changed in its place.
type facts []fact

func (f facts) clone() facts { return slices.Clip(f) }

func (f facts) has(g fact) bool { return slices.Contains(f, g) }

func (f *facts) add(g fact) {
	if !f.has(g) {
		*f = append(*f, g)
	}
}

func (f facts) equal(g facts) bool {
	if len(f) != len(g) {
		return false
	}
	for _, x := range f {
		if !g.has(x) {
			return false
		}
	}
	return true
}

// keep drops those that ok is not true of.
func (f *facts) keep(ok func(fact) bool) {
	for i, x := range *f {
		if ok(x) {
			continue
		}
		kept := slices.Clone((*f)[:i])
		for _, y := range (*f)[i+1:] {
			if ok(y) {
				kept = append(kept, y)
			}
		}
		*f = kept
		return
	}
}

func (f *facts) keepCommon(g facts) { f.keep(g.has) }

func (f *facts) forget(v any) { f.keep(func(x fact) bool { return x.v != v }) }

// refuted says whether g cannot be true if all of f is.
func (f facts) refuted(g fact) bool {
	for _, h := range f {
		if h.v == g.v && (h.eq && g.eq && h.c != g.c || h.eq != g.eq && h.c == g.c) {
			return true
		}
	}
	return false
}

// known is the constant that v is, nil if it may be another.
func (f facts) known(v ssa.Value) constant.Value {
	if c, ok := v.(*ssa.Const); ok {
		return c.Value
	}
	for _, g := range f {
		if g.eq && g.v == any(v) && g.c != "nil" {
			return constant.MakeFromLiteral(g.c, token.INT, 0)
		}
	}
	return nil
}

// askedAgain says whether anything but the one condition that has told about v may ask for it.
func askedAgain(v any) bool {
	value, ok := v.(ssa.Value)
	if !ok || value.Referrers() == nil {
		return true
	}
	return len(*value.Referrers()) > 1
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
