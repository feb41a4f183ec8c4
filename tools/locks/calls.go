package main

import (
	"fmt"
	"go/token"
	"slices"
	"strings"

	"golang.org/x/tools/go/ssa"
)

// analysis follows locks through the calls of a whole program, in three passes over all functions: what each does to its
// caller's locks, innermost first, until nothing changes; then what callers hold when each is called, until nothing
// changes; then, once, the checks.
type analysis struct {
	*catalogue
	contexts map[string]*context
	list     []*context
	descend  bool // the second pass and the third: tell callees what is held

	nestings map[[2]int]map[token.Pos]bool
	calls    map[token.Pos]bool // acquisitions
}

// taking is an acquisition.
type taking struct {
	pos   token.Pos
	class int
}

// outCall is the first call that leads to a context.
type outCall struct {
	pos token.Pos
	to  *context
}

func (c *catalogue) follow() (*analysis, error) {
	a := &analysis{
		catalogue: c,
		contexts:  map[string]*context{},
		nestings:  map[[2]int]map[token.Pos]bool{},
		calls:     map[token.Pos]bool{},
	}
	for _, fn := range c.fns {
		hasLock := false
		for _, p := range fn.Params {
			hasLock = hasLock || mayBeLock(p.Type())
		}
		if !hasLock { // the others are looked at for each call of theirs
			a.contextOf(fn, nil)
		}
	}
	if err := a.settle(); err != nil {
		return nil, err
	}
	a.descend = true
	for _, ctx := range a.list {
		ctx.changed = true
	}
	if err := a.settle(); err != nil {
		return nil, err
	}
	for _, ctx := range a.list {
		if _, err := flow(ctx, a, true); err != nil {
			return nil, err
		}
	}
	a.checkHandlers()
	return a, nil
}

// settle visits the contexts that changed, and those that their changes concern, until none does.
func (a *analysis) settle() error {
	for round, again := 0, true; again; round++ {
		if round > 1000 {
			return fmt.Errorf("the analysis of the calls does not settle")
		}
		again = false
		for i := 0; i < len(a.list); i++ { // visits may add contexts
			ctx := a.list[i]
			if !ctx.changed {
				continue
			}
			ctx.changed, again = false, true
			sum, err := flow(ctx, a, false)
			if err != nil {
				return err
			}
			if !a.descend && !sum.equal(ctx.summary) {
				ctx.summary = sum
				for caller := range ctx.callers {
					caller.changed = true
				}
			}
		}
	}
	return nil
}

// contextOf is the context of fn when its parameters are these locks.
func (a *analysis) contextOf(fn *ssa.Function, bind [][]*object) *context {
	if bind == nil {
		bind = make([][]*object, len(fn.Params))
	}
	var key strings.Builder
	fmt.Fprintf(&key, "%s@%d", fn, fn.Pos())
	for i, objects := range bind {
		if objects != nil {
			fmt.Fprintf(&key, " %d:", i)
			for _, o := range objects {
				fmt.Fprintf(&key, "%d,", o.order)
			}
		}
	}
	ctx := a.contexts[key.String()]
	if ctx == nil {
		ctx = &context{fn: fn, bind: bind, key: key.String(), changed: true}
		ctx.entry, ctx.callers = map[lockKey]*holding{}, map[*context]bool{}
		a.contexts[ctx.key] = ctx
		a.list = append(a.list, ctx)
	}
	return ctx
}

// call is the visitor's: the state after a call.
func (a *analysis) call(ctx *context, s *state, call ssa.CallInstruction, checking bool) *state {
	args := arguments(call.Common())
	callees := a.callees[call]
	if m := call.Common().Method; checking && operationOf(m) == opSleep { // an interface's, whoever implements it
		a.checkSleep(ctx, s, call, m)
	}
	if len(callees) == 0 {
		return s
	}
	var after *state
	possible := false
	for _, to := range callees {
		c := site{call, to, args}
		t := s
		if len(callees) > 1 {
			t = s.clone()
		}
		op := operationOf(functionOf(to))
		if op == opLock || op == opTryLock || op == opUnlock {
			if objects, _ := a.locks(ctx, args[0]); len(objects) > 0 && !anyOfType(objects, receiverOf(to)) {
				continue // the interface holds a lock of another type
			}
		}
		if op == opSleep && checking {
			a.checkSleep(ctx, t, call, functionOf(to))
		}
		if to.Blocks != nil {
			callee := a.calleeContext(ctx, c)
			if !callee.callers[ctx] {
				callee.callers[ctx] = true
				ctx.calls = append(ctx.calls, outCall{call.Pos(), callee})
			}
			if a.descend {
				a.pass(ctx, t, c, callee, op)
			}
			if op == opNone || op == opSleep {
				t = a.apply(t, c, callee.summary)
			}
		}
		switch op {
		case opLock, opTryLock:
			a.lock(ctx, t, c, op, checking)
		case opUnlock:
			a.unlock(ctx, t, c)
		case opSection:
			a.beginSection(ctx, t, call.Pos())
		case opSectionEnd:
			a.endSection(t)
		}
		after = after.join(t)
		possible = true
	}
	if !possible {
		return s
	}
	return after
}

func anyOfType(objects []*object, typ string) bool {
	return slices.ContainsFunc(objects, func(o *object) bool { return o.typ == typ })
}

// calleeContext is the context that a call leads to.
func (a *analysis) calleeContext(ctx *context, c site) *context {
	bind := make([][]*object, len(c.to.Params))
	for i, p := range c.to.Params {
		if i < len(c.args) && mayBeLock(p.Type()) {
			objects, known := a.locks(ctx, c.args[i])
			if known || len(objects) > 0 {
				bind[i] = append([]*object{}, objects...)
			}
		}
	}
	return a.contextOf(c.to, bind)
}

// pass tells a callee what is held when it is called.
func (a *analysis) pass(ctx *context, s *state, c site, callee *context, op operation) {
	for _, k := range sortedKeys(s.held) {
		h := s.held[k]
		if (op == opLock || op == opTryLock || op == opSleep) && !a.sleeps(k.class) {
			continue // whatever the callee does about it, the call itself is checked
		}
		down := lockKey{k.class, c.down(k.path)}
		given := &holding{pos: h.pos, fn: h.fn, outer: &chain{c.call.Pos(), ctx.fn, h.outer}}
		for i, p := range c.to.Params {
			if i >= len(c.args) {
				break
			}
			if known, ok := c.args[i].(*ssa.Const); ok {
				for _, f := range constFacts(p, known) {
					given.facts.add(f)
				}
			}
			for _, f := range h.facts {
				if f.v == any(c.args[i]) {
					given.facts.add(fact{p, f.eq, f.c})
				}
			}
		}
		old := callee.entry[down]
		if old == nil {
			callee.entry[down] = given
			callee.changed = true
			continue
		}
		before := len(old.facts)
		old.facts.keepCommon(given.facts)
		if len(old.facts) != before {
			callee.changed = true
		}
	}
}

// sleeps says whether locks of a class are sleeplocks; read sections are none.
func (a *analysis) sleeps(class int) bool { return class != section && a.order.classes[class].sleeps() }

// apply is the state after a call with this summary.
func (a *analysis) apply(s *state, c site, sum *summary) *state {
	if sum == nil {
		return nil
	}
	for _, k := range sortedKeys(sum.released) {
		if k.class == section {
			a.endSection(s)
		} else {
			s.release([]int{k.class}, c.up(k.path))
		}
	}
	for _, k := range sortedKeys(sum.held) {
		h := sum.held[k]
		taken := &holding{facts: s.facts.clone(), pos: h.pos, fn: h.fn}
		for _, f := range h.facts {
			for _, v := range c.results(int(f.v.(resultIndex))) {
				taken.facts.add(fact{v, f.eq, f.c})
			}
		}
		s.hold(lockKey{k.class, c.up(k.path)}, taken)
	}
	return s
}

// releases is the visitor's.
func (a *analysis) releases(ctx *context, call ssa.CallInstruction) (classes []int, path string) {
	fn := call.Common().StaticCallee()
	if fn == nil || operationOf(functionOf(fn)) != opUnlock {
		return nil, ""
	}
	c := site{call, fn, call.Common().Args}
	classes, _, _ = a.classesOf(ctx, c)
	return classes, pathOf(c.args[0])
}
