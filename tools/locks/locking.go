package main

import (
	"fmt"
	"go/token"
	"regexp"
	"sort"
	"strings"

	"golang.org/x/tools/go/ssa"
)

// classesOf are the classes of the lock that a call is given.
func (a *analysis) classesOf(ctx *context, c site) (classes []int, objects []*object, known bool) {
	objects, known = a.locks(ctx, c.args[0])
	seen := map[int]bool{}
	for _, o := range objects {
		if o.class != 0 && o.typ == receiverOf(c.to) && !seen[o.class] {
			seen[o.class] = true
			classes = append(classes, o.class)
		}
	}
	sort.Ints(classes)
	return classes, objects, known
}

func (a *analysis) lock(ctx *context, s *state, c site, op operation, checking bool) {
	classes, objects, known := a.classesOf(ctx, c)
	pos := c.call.Pos()
	if checking {
		if !known && lockTypes[receiverOf(c.to)] != rawLock {
			a.report(pos, "cannot tell which lock this is")
		}
		for _, o := range objects {
			o.acquired[pos] = true
			a.calls[pos] = true
		}
		for _, class := range classes {
			a.checkOrder(ctx, s, c, class)
		}
	}
	for _, class := range classes {
		h := &holding{facts: s.facts.clone(), pos: pos, fn: ctx.fn}
		if v, ok := c.call.(*ssa.Call); ok && op == opTryLock {
			h.facts.add(fact{ssa.Value(v), true, "true"})
		}
		s.hold(lockKey{class, pathOf(c.args[0])}, h)
	}
}

func (a *analysis) unlock(ctx *context, s *state, c site) {
	classes, _, _ := a.classesOf(ctx, c)
	s.release(classes, pathOf(c.args[0]))
}

// release takes a lock of one of the classes from those held: the one of that name. If none has it, but all that are held
// of the class are elements of one array (a loop took them, a loop releases them), or there is just one, these go. Else
// it is the caller's that is released.
func (s *state) release(classes []int, path string) {
	mine, others := map[string]bool{}, map[string]bool{}
	exact := false
	for _, class := range classes {
		for k, h := range s.held {
			if k.class != class {
				continue
			}
			exact = exact || k.path == path
			if h.outer == nil {
				mine[k.path] = true
			} else {
				others[k.path] = true
			}
		}
	}
	names := map[string]bool{path: true}
	if !exact {
		if oneFamily(mine) {
			names = mine
		} else if len(mine) == 0 && oneFamily(others) {
			names = others
		}
	}
	for _, class := range classes {
		own := false
		for name := range names {
			h := s.held[lockKey{class, name}]
			own = own || h != nil && h.outer == nil
			delete(s.held, lockKey{class, name})
		}
		if !own {
			s.released[lockKey{class, path}] = true
		}
	}
}

// oneFamily says whether paths differ in nothing but which element of an array they lead to.
func oneFamily(paths map[string]bool) bool {
	families := map[string]bool{}
	for p := range paths {
		families[family(p)] = true
	}
	return len(families) == 1
}

// family is a path without the indexes that are not constant.
func family(path string) string { return index.ReplaceAllString(strings.TrimPrefix(path, stale), "[]") }

var index = regexp.MustCompile(`\[t\d+\]`)

// beginSection begins a read section, in others or not.
func (a *analysis) beginSection(ctx *context, s *state, pos token.Pos) {
	n := 0
	for k := range s.held {
		if k.class == section {
			n++
		}
	}
	s.hold(lockKey{section, fmt.Sprintf("O:section %d", n)}, &holding{facts: s.facts.clone(), pos: pos, fn: ctx.fn})
}

// endSection ends the innermost read section.
func (a *analysis) endSection(s *state) {
	var last *lockKey
	for _, k := range sortedKeys(s.held) {
		if k.class == section && (last == nil || k.path > last.path || s.held[*last].outer != nil && s.held[k].outer == nil) {
			last = &k
		}
	}
	if last == nil || s.held[*last].outer != nil {
		s.released[lockKey{section, "O:section"}] = true
	}
	if last != nil {
		delete(s.held, *last)
	}
}
