package main

import (
	"maps"
	"strings"

	"golang.org/x/tools/go/ssa"
)

// summary is what a call does to the caller's locks, in names that begin with P:, F: or G: as in pathOf, or R:n for what
// the n-th result points at. Any other name is one that callers do not know.
type summary struct {
	released map[lockKey]bool // on every way
	held     map[lockKey]*holding
}

// resultIndex as a fact's v is the n-th result.
type resultIndex int

// add adds what is held at one return of fn.
func (sum *summary) add(fn *ssa.Function, s *state, r *ssa.Return) *summary {
	held := &state{held: map[lockKey]*holding{}}
	for _, k := range sortedKeys(s.held) {
		h := s.held[k]
		if h.outer != nil {
			continue
		}
		c := &holding{pos: h.pos, fn: h.fn}
		path := ""
		for i, v := range r.Results {
			if rest, ok := under(k.path, pathOf(v)); ok && path == "" {
				path = "R:" + resultIndex(i).String() + rest
			}
			if known, ok := v.(*ssa.Const); ok {
				for _, f := range constFacts(resultIndex(i), known) {
					c.facts.add(f)
				}
			} else if knownNonNil(v) {
				c.facts.add(fact{resultIndex(i), false, "nil"})
			}
			for _, f := range h.facts {
				if f.v == any(v) {
					c.facts.add(fact{resultIndex(i), f.eq, f.c})
				}
			}
		}
		if path == "" {
			path = k.path
		}
		if strings.HasPrefix(path, "V:") || len(path) > 120 {
			path = "V:in " + fn.String() + " " + strings.TrimPrefix(path, "V:")
			path = path[:min(len(path), 120)]
		}
		held.hold(lockKey{k.class, path}, c)
	}
	if sum == nil {
		return &summary{maps.Clone(s.released), held.held}
	}
	maps.DeleteFunc(sum.released, func(k lockKey, _ bool) bool { return !s.released[k] })
	all := &state{held: sum.held}
	for _, k := range sortedKeys(held.held) {
		all.hold(k, held.held[k])
	}
	return sum
}

func (sum *summary) equal(other *summary) bool {
	if sum == nil || other == nil {
		return sum == other
	}
	return maps.Equal(sum.released, other.released) && maps.EqualFunc(sum.held, other.held, func(a, b *holding) bool {
		return a.facts.equal(b.facts)
	})
}
