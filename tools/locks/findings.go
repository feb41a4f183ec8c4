package main

import (
	"fmt"
	"go/token"
	"go/types"
	"sort"
	"strings"

	"golang.org/x/tools/go/ssa"
)

// ruleset is what is allowed where, with reasons: see rules.go. A rule that nothing needs any more is a finding.
type ruleset struct {
	rawUses   map[string]string // by file
	unclassed map[string]string // by lock
	exempt    map[string]string // by function
}

// findings are what is wrong, each once per place.
type findings struct {
	rules    ruleset
	used     map[string]bool // rules
	lines    map[string]bool
	handlers int
	at       func(token.Pos) string
}

func newFindings(r ruleset) *findings {
	return &findings{rules: r, used: map[string]bool{}, lines: map[string]bool{}}
}

func (f *findings) report(pos token.Pos, format string, args ...any) {
	f.lines[f.at(pos)+": "+fmt.Sprintf(format, args...)] = true
}

// sorted are the findings, by file and line.
func (f *findings) sorted() []string {
	all := make([]string, 0, len(f.lines))
	for l := range f.lines {
		all = append(all, l)
	}
	key := func(s string) (file string, line int, rest string) {
		part := strings.SplitN(s, ":", 3)
		if len(part) < 3 {
			return s, 0, ""
		}
		fmt.Sscan(part[1], &line)
		return part[0], line, part[2]
	}
	sort.Slice(all, func(i, j int) bool {
		f1, l1, r1 := key(all[i])
		f2, l2, r2 := key(all[j])
		if f1 != f2 {
			return f1 < f2
		}
		if l1 != l2 {
			return l1 < l2
		}
		return r1 < r2
	})
	return all
}

// stale names the rules that nothing needed.
func (f *findings) stale() (all []string) {
	for _, m := range []map[string]string{f.rules.rawUses, f.rules.unclassed, f.rules.exempt} {
		for name, why := range m {
			if !f.used[name] {
				all = append(all, fmt.Sprintf("tools/locks/rules.go:1: nothing needs the exception for %s (%s): remove it", name, why))
			}
		}
	}
	sort.Strings(all)
	return all
}

// reportChain reports what is wrong at pos in fn, with how control came there, unless one of the functions may do so.
func (f *findings) reportChain(pos token.Pos, c *chain, fn *ssa.Function, format string, args ...any) {
	if f.isExempt(fn) {
		return
	}
	var way []string
	for ; c != nil; c = c.next {
		if f.isExempt(c.fn) {
			return
		}
		way = append([]string{fmt.Sprintf("%s (%s)", nameOfFunction(c.fn), f.at(c.pos))}, way...)
	}
	if len(way) > 0 {
		format += "; called by %s"
		args = append(args, strings.Join(way, " → "))
	}
	f.report(pos, format, args...)
}

func (f *findings) isExempt(fn *ssa.Function) bool {
	name := nameOfFunction(fn)
	_, ok := f.rules.exempt[name]
	if ok {
		f.used[name] = true
	}
	return ok
}

// nameOfFunction is pkg.F or (*pkg.T).M, the package without the module's name. A function literal is part of where it
// stands.
func nameOfFunction(fn *ssa.Function) string {
	for fn.Parent() != nil {
		fn = fn.Parent()
	}
	return strings.ReplaceAll(fn.RelString(nil), modulePath+"/", "")
}

// checkOrder checks an acquisition against all that may be held.
func (a *analysis) checkOrder(ctx *context, s *state, c site, class int) {
	pos := c.call.Pos()
	ctx.taken = append(ctx.taken, taking{pos, class})
	path := pathOf(c.args[0])
	for _, k := range sortedKeys(s.held) {
		h := s.held[k]
		complain := func(format string, args ...any) {
			args = append([]any{a.describe(class)}, args...)
			a.reportChain(pos, h.outer, ctx.fn, "%s is taken while "+format, args...)
		}
		if k.class == section {
			if a.sleeps(class) {
				complain("an RCU read section is open since %s: it may sleep", a.at(h.pos))
			}
			continue
		}
		pair := [2]int{k.class, class}
		if a.nestings[pair] == nil {
			a.nestings[pair] = map[token.Pos]bool{}
		}
		a.nestings[pair][pos] = true
		held := a.describe(k.class) + " is held since " + a.at(h.pos)
		switch {
		case k.class == class && !a.order.classes[class].nests:
			complain("%s: the class does not nest", held)
		case k.class == class && k.path == path && isFixed(path):
			complain("the same lock is held since %s", a.at(h.pos))
		case k.class == class:
		case a.sleeps(class) && !a.sleeps(k.class):
			complain("%s: it may sleep", held)
		case !a.order.may(k.class, class):
			complain("%s: the order has no path %s < %s", held, a.order.classes[k.class].name, a.order.classes[class].name)
		}
	}
}

// isFixed says whether a path names one lock for good.
func isFixed(path string) bool {
	return strings.HasPrefix(path, "G:") && !strings.Contains(path, "*") && !strings.Contains(path, "[t")
}

// checkSleep checks a call of a function in which the caller may sleep.
func (a *analysis) checkSleep(ctx *context, s *state, call ssa.CallInstruction, fn *types.Func) {
	for _, k := range sortedKeys(s.held) {
		h := s.held[k]
		switch {
		case k.class == section:
			a.reportChain(call.Pos(), h.outer, ctx.fn, "%s may sleep, and an RCU read section is open since %s",
				fn.Name(), a.at(h.pos))
		case !a.sleeps(k.class):
			a.reportChain(call.Pos(), h.outer, ctx.fn, "%s may sleep, and %s is held since %s",
				fn.Name(), a.describe(k.class), a.at(h.pos))
		}
	}
}

// describe is a lock of a class in the words of a report.
func (a *analysis) describe(class int) string {
	c := a.order.classes[class]
	kind := map[string]string{kindSleep: "a sleeplock", kindSpin: "a spinlock", kindSpinIRQ: "a spinlock"}[c.kind]
	return kind + " of class " + c.name
}
