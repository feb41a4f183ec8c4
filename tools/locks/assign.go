package main

import (
	"go/token"
	"go/types"
	"slices"
	"strings"

	"golang.org/x/tools/go/ssa"
)

// findCopies looks for assignments of locks as a whole: that is how a composite literal gets into a variable.
func (c *catalogue) findCopies(fn *ssa.Function) {
	for _, b := range fn.Blocks {
		for _, in := range b.Instrs {
			if s, ok := in.(*ssa.Store); ok && locksIn(s.Val.Type()) != "" {
				if from, ok := s.Val.(*ssa.UnOp); ok {
					c.setCopy(from.X, s.Addr)
				}
			}
		}
	}
}

// findClasses looks for calls of Init and for assignments to a lock's field Class.
func (c *catalogue) findClasses(fn *ssa.Function) {
	for _, b := range fn.Blocks {
		for _, in := range b.Instrs {
			switch in := in.(type) {
			case *ssa.Store:
				f, ok := in.Addr.(*ssa.FieldAddr)
				if !ok || lockType(f.X.Type().Underlying().(*types.Pointer).Elem()) == "" {
					continue
				}
				if field := locationOf(f).(*types.Var); strings.EqualFold(field.Name(), "class") {
					c.setClass(f.X, in.Val, in.Pos())
				}
			case ssa.CallInstruction:
				args := arguments(in.Common())
				for _, to := range c.callees[in] {
					if f := functionOf(to); operationOf(f) == opInit && len(args) == 2 {
						c.setClass(args[0], args[1], in.Pos())
					}
				}
			}
		}
	}
}

func (c *catalogue) setClass(lock, class ssa.Value, pos token.Pos) {
	objects, known := c.locks(nil, lock)
	numbers, constant := c.numbers(class)
	if len(objects) > 0 && !slices.ContainsFunc(objects, func(o *object) bool { return !o.anyClass && !o.anyCopy() }) {
		return
	}
	if !known {
		c.report(pos, "cannot tell which lock is given a class here")
	}
	if !constant {
		c.report(pos, "cannot tell which class is given to a lock here")
	}
	for _, o := range objects {
		for _, n := range numbers {
			c.give(o, n, pos)
		}
	}
}

func (c *catalogue) give(o *object, n int, pos token.Pos) {
	switch {
	case o.anyClass || o.anyCopy():
	case n <= 0 || n >= len(c.order.classes) || c.order.classes[n] == nil:
		c.report(pos, "%s is given number %d, which is no class", o, n)
	case o.class == 0:
		o.class, o.classAt = n, pos
	case o.class != n:
		c.report(pos, "%s is given class %s here and %s at %s", o, c.order.classes[n].name, c.order.classes[o.class].name,
			c.at(o.classAt))
	}
}

// setCopy notes that the locks at one address are assigned those at another.
func (c *catalogue) setCopy(from, to ssa.Value) {
	sources, _ := c.locks(nil, from)
	targets, _ := c.locks(nil, to)
	for _, s := range sources {
		s.copies = append(s.copies, targets...)
	}
}

// copyClass gives o's class to what o is assigned to.
func (c *catalogue) copyClass(o *object) {
	for _, to := range o.copies {
		first := to.class == 0
		if o.class != 0 && to.class != o.class {
			c.give(to, o.class, o.classAt)
			if first {
				c.copyClass(to)
			}
		}
	}
}

// anyCopy says whether o is assigned to locks of any class.
func (o *object) anyCopy() bool {
	return slices.ContainsFunc(o.copies, func(to *object) bool { return to.anyClass })
}

// findRaw refuses locks without a class outside kernel/sync.
func (c *catalogue) findRaw() {
	for _, pk := range c.loader.order {
		if !inModule(pk.path) || pk.path == syncPath {
			continue
		}
		for id, use := range pk.info.Uses {
			t, ok := use.(*types.TypeName)
			if !ok || t.Pkg() == nil || t.Pkg().Path() != syncPath || lockTypes[t.Name()] != rawLock {
				continue
			}
			file, _, _ := strings.Cut(c.at(id.Pos()), ":")
			if _, allowed := c.rules.rawUses[file]; allowed {
				c.used[file] = true
				continue
			}
			c.report(id.Pos(), "sync.%s has no class and so no place in the lock order: use Spinlock", t.Name())
		}
	}
}
