package main

import (
	"fmt"
	"maps"
	"sort"
	"strings"

	"golang.org/x/tools/go/ssa"
)

// context is a function together with the locks that its parameters may be, where callers pass locks: so that one that
// takes a lock it is given is looked at once for each lock.
type context struct {
	fn   *ssa.Function
	bind [][]*object // of each parameter; nil if it is no lock
	key  string

	entry   map[lockKey]*holding // what callers may hold
	summary *summary             // nil as long as it is not known to return
	changed bool                 // entry or the summary of a callee is another since the last visit
	callers map[*context]bool
	calls   []outCall
	taken   []taking
}

// visitor is told of each call with the state before it. The flow of a function is visited several times; checking is
// true the last time.
type visitor interface {
	call(ctx *context, s *state, call ssa.CallInstruction, checking bool) *state
	// releases says which lock a call releases, if that is all it does.
	releases(ctx *context, call ssa.CallInstruction) (classes []int, path string)
}

// flow follows a function's control flow from what is held on entry, and returns its summary.
func flow(ctx *context, v visitor, checking bool) (*summary, error) {
	blocks := ctx.fn.Blocks
	in := make([]*state, len(blocks))
	in[0] = newState()
	for k, h := range ctx.entry {
		c := *h
		c.facts = h.facts.clone()
		in[0].held[k] = &c
	}
	run := func(b *ssa.BasicBlock, checking bool, returned func(*state, *ssa.Return)) []*state {
		s := in[b.Index].clone()
		for _, i := range b.Instrs {
			if s = step(ctx, v, s, i, checking); s == nil {
				return nil
			}
			if r, ok := i.(*ssa.Return); ok && returned != nil {
				returned(s, r)
			}
		}
		return leave(ctx, v, b, s)
	}
	work := map[int]bool{0: true}
	for visits := 0; len(work) > 0; visits++ {
		if visits > 200*len(blocks) {
			return nil, fmt.Errorf("the analysis of %s does not settle", ctx.fn)
		}
		next := len(blocks)
		for i := range work {
			next = min(next, i)
		}
		delete(work, next)
		b := blocks[next]
		for i, s := range run(b, false, nil) {
			if s == nil {
				continue
			}
			to := b.Succs[i]
			old := in[to.Index]
			var merged *state
			if old == nil {
				merged = s
			} else {
				merged = old.clone().join(s)
			}
			if !merged.equal(old) {
				in[to.Index] = merged
				work[to.Index] = true
			}
		}
	}
	var sum *summary
	for _, b := range blocks {
		if in[b.Index] != nil {
			run(b, checking, func(s *state, r *ssa.Return) { sum = sum.add(ctx.fn, s, r) })
		}
	}
	return sum, nil
}

// leave is the state on each edge out of b.
func leave(ctx *context, v visitor, b *ssa.BasicBlock, s *state) []*state {
	out := make([]*state, len(b.Succs))
	for i, to := range b.Succs {
		e := s.clone()
		if cond, ok := b.Instrs[len(b.Instrs)-1].(*ssa.If); ok && b.Succs[0] != b.Succs[1] {
			possible := true
			for _, f := range conditionFacts(cond.Cond, i == 0) {
				possible = possible && e.learn(f)
			}
			if !possible {
				continue
			}
		}
		leaveLoop(ctx, v, b, to, e)
		out[i] = enter(b, to, e)
	}
	return out
}

// stale begins the path of a lock that has no name any more: a loop has gone on to the next.
const stale = "V:old "

// enter gives the phis of block to their values for the edge from b.
func enter(b, to *ssa.BasicBlock, s *state) *state {
	edge := 0
	for i, p := range to.Preds {
		if p == b {
			edge = i
		}
	}
	var phis []*ssa.Phi
	for _, in := range to.Instrs {
		if p, ok := in.(*ssa.Phi); ok {
			phis = append(phis, p)
		}
	}
	if len(phis) == 0 {
		return s
	}
	// What each phi will be known to be, in the facts of the state and of each lock.
	translate := func(f facts) (add []fact) {
		for _, p := range phis {
			if c, ok := p.Edges[edge].(*ssa.Const); ok {
				add = append(add, constFacts(p, c)...)
			}
			if knownNonNil(p.Edges[edge]) {
				add = append(add, fact{p, false, "nil"})
			}
			for _, x := range f {
				if x.v == any(p.Edges[edge]) {
					add = append(add, fact{p, x.eq, x.c})
				}
			}
		}
		return add
	}
	common := translate(s.facts)
	own := map[lockKey][]fact{}
	for k, h := range s.held {
		own[k] = translate(h.facts)
	}
	for _, p := range phis {
		s.forget(p)
	}
	for _, f := range common {
		s.facts.add(f)
	}
	for k, add := range own {
		for _, f := range add {
			s.held[k].facts.add(f)
		}
	}
	s.rename(func(path string) string {
		for _, p := range phis {
			if rest, ok := under(path, pathOf(p.Edges[edge])); ok {
				return pathOf(p) + rest
			}
		}
		for _, p := range phis {
			if mentions(path, p.Name()) {
				return stale + strings.TrimPrefix(path, stale)
			}
		}
		return path
	})
	return s
}

// mentions says whether a value's name is part of a path.
func mentions(path, name string) bool {
	_, ok := under(path, "V:"+name)
	return ok || strings.Contains(path, "["+name+"]")
}

// rename gives the locks that are held other names.
func (s *state) rename(name func(string) string) {
	same := true
	for k := range s.held {
		same = same && name(k.path) == k.path
	}
	if same {
		return
	}
	held := make(map[lockKey]*holding, len(s.held))
	moved := &state{held: held}
	for _, k := range sortedKeys(s.held) {
		moved.hold(lockKey{k.class, name(k.path)}, s.held[k])
	}
	s.held = held
}

func sortedKeys[V any](m map[lockKey]V) []lockKey {
	keys := make([]lockKey, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Slice(keys, func(i, j int) bool {
		if keys[i].class != keys[j].class {
			return keys[i].class < keys[j].class
		}
		return keys[i].path < keys[j].path
	})
	return keys
}

// step is the state after an instruction; nil if control does not go on.
func step(ctx *context, v visitor, s *state, in ssa.Instruction, checking bool) *state {
	switch in := in.(type) {
	case *ssa.Phi, *ssa.Extract:
		return s // enter, and the call, have seen to it
	case *ssa.Call:
		s.forget(in)
		return v.call(ctx, s, in, checking)
	case *ssa.Go:
		return s // a goroutine holds nothing
	case *ssa.Defer:
		s.defers[in] = true
		s.learn(fact{in, true, "true"})
		return s
	case *ssa.RunDefers:
		return runDefers(ctx, v, s, checking)
	case *ssa.Panic:
		return nil
	case *ssa.BinOp:
		s.forget(in)
		s.fold(in)
	case ssa.Value:
		s.forget(in)
	}
	return s
}

// runDefers makes the deferred calls, the last first. What was held when a call was deferred, and what was not, go
// separate ways through it.
func runDefers(ctx *context, v visitor, s *state, checking bool) *state {
	pending := make([]*ssa.Defer, 0, len(s.defers))
	for d := range s.defers {
		pending = append(pending, d)
	}
	sort.Slice(pending, func(i, j int) bool { return pending[i].Pos() > pending[j].Pos() })
	for _, d := range pending {
		executed := fact{d, true, "true"}
		if s.facts.has(executed) {
			if s = v.call(ctx, s, d, checking); s == nil {
				return nil
			}
			continue
		}
		without := s.clone()
		maps.DeleteFunc(without.held, func(_ lockKey, h *holding) bool { return h.facts.has(executed) })
		with := s
		maps.DeleteFunc(with.held, func(_ lockKey, h *holding) bool { return !h.facts.has(executed) })
		s = without.join(v.call(ctx, with, d, checking))
	}
	clear(s.defers)
	return s
}
