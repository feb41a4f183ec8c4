package main

import (
	"fmt"
	"go/token"
	"go/types"
	"slices"
	"sort"
	"strings"

	"golang.org/x/tools/go/ssa"
)

// object is a lock as the program text has it: a variable, a field of a struct type, or an array or slice of locks in one
// of these. All locks of one object have one class.
type object struct {
	name  string
	typ   string // in lockTypes
	pos   token.Pos
	order int
	// class is what it belongs to, 0 if nothing says so; classAt is where that is said.
	class    int
	classAt  token.Pos
	acquired map[token.Pos]bool // where it is taken
	copies   []*object          // what it is assigned to, as a whole
	anyClass bool               // it is in unclassed
	literal  bool               // it is a composite literal on its way to a variable
}

func (o *object) raw() bool { return lockTypes[o.typ] == rawLock }

// catalogue is every lock of a program.
type catalogue struct {
	*program
	*findings
	order  *order
	byDecl map[any]*object // by *types.Var, or by ssa.Value for what has no name
	all    []*object
}

// catalog finds the locks and their classes. What it finds wrong goes to f.
func (p *program) catalog(o *order, f *findings) *catalogue {
	c := &catalogue{program: p, findings: f, order: o, byDecl: map[any]*object{}}
	c.findObjects()
	for _, fn := range p.fns {
		c.findCopies(fn)
	}
	for _, fn := range p.fns {
		if lockTypes[receiverOf(fn)] == "" || pathOfPackage(fn) != syncPath { // the locks' own methods are as they are
			c.findClasses(fn)
		}
	}
	for _, o := range c.all {
		c.copyClass(o)
	}
	c.all = slices.DeleteFunc(c.all, func(o *object) bool { return o.literal && len(o.copies) > 0 })
	for _, o := range c.all {
		switch {
		case o.raw() || o.anyClass:
		case o.class == 0:
			c.report(o.pos, "%s has no class: call its Init, or write the class where it is declared", o)
		case c.order.classes[o.class].sleeps() != (lockTypes[o.typ] == "sleeplock"):
			c.report(o.classAt, "%s is given class %s, which is not one of %ss", o, c.order.classes[o.class].name, lockTypes[o.typ])
		}
	}
	c.findRaw()
	return c
}

// findObjects lists the variables and fields that are locks, in packages and in functions.
func (c *catalogue) findObjects() {
	for _, pk := range c.loader.order {
		if inModule(pk.path) {
			for _, def := range pk.info.Defs {
				if v, ok := def.(*types.Var); ok && (v.IsField() || v.Parent() == pk.types.Scope()) {
					if typ := locksIn(v.Type()); typ != "" {
						c.add(v, typ, v.Pos(), pk.path+"."+nameOf(pk, v))
					}
				}
			}
		}
	}
	for _, fn := range c.fns {
		for _, b := range fn.Blocks {
			for _, in := range b.Instrs {
				switch in := in.(type) {
				case *ssa.Alloc:
					if typ := locksIn(in.Type().(*types.Pointer).Elem()); typ != "" {
						o := c.add(in, typ, in.Pos(), nameOfFunction(fn)+"."+in.Comment)
						if o.literal = in.Comment == "complit"; o.literal {
							o.name = "literal"
						}
					}
				case *ssa.MakeSlice:
					if typ := locksIn(in.Type()); typ != "" {
						c.add(in, typ, in.Pos(), nameOfFunction(fn)+".make")
					}
				}
			}
		}
	}
	sort.Slice(c.all, func(i, j int) bool { return c.less(c.all[i].pos, c.all[j].pos) })
	for i, o := range c.all {
		o.order = i
	}
}

func (c *catalogue) add(key any, typ string, pos token.Pos, name string) *object {
	if v, ok := key.(*types.Var); ok && v.Pkg().Path() == syncPath && lockTypes[ownerOf(v)] != "" {
		return nil // a part of another lock
	}
	o := &object{name: strings.TrimPrefix(name, modulePath+"/"), typ: typ, pos: pos, acquired: map[token.Pos]bool{}}
	if _, o.anyClass = c.rules.unclassed[o.name]; o.anyClass {
		c.used[o.name] = true
	}
	c.byDecl[key] = o
	c.all = append(c.all, o)
	return o
}

// nameOf is v's name, after that of its struct type if it is a field of one that has a name.
func nameOf(p *pkg, v *types.Var) string {
	if !v.IsField() {
		return v.Name()
	}
	if owner := ownerOf(v); owner != "" {
		return owner + "." + v.Name()
	}
	for _, name := range p.types.Scope().Names() { // var x struct{ lock … }
		if x, ok := p.types.Scope().Lookup(name).(*types.Var); ok && x.Pos() <= v.Pos() && hasField(x.Type(), v) {
			return name + "." + v.Name()
		}
	}
	return v.Name()
}

func ownerOf(v *types.Var) string {
	if !v.IsField() {
		return ""
	}
	for _, name := range v.Pkg().Scope().Names() {
		if t, ok := v.Pkg().Scope().Lookup(name).(*types.TypeName); ok && hasField(t.Type().Underlying(), v) {
			return name
		}
	}
	return ""
}

func hasField(t types.Type, v *types.Var) bool {
	for {
		if a, ok := t.(*types.Array); ok {
			t = a.Elem()
			continue
		}
		s, ok := t.(*types.Struct)
		if !ok {
			return false
		}
		for f := range s.Fields() {
			if f == v || hasField(f.Type(), v) {
				return true
			}
		}
		return false
	}
}

func receiverOf(fn *ssa.Function) string {
	if f, ok := fn.Object().(*types.Func); ok {
		return receiver(f)
	}
	return ""
}

func pathOfPackage(fn *ssa.Function) string {
	if fn.Pkg == nil {
		return ""
	}
	return fn.Pkg.Pkg.Path()
}

// locks are the objects that v may point at. known is false if it may point at something else.
func (c *catalogue) locks(ctx *context, v ssa.Value) (objects []*object, known bool) {
	w := c.origins(ctx, v, true)
	known = !w.lost
	seen := map[*object]bool{}
	add := func(o *object) {
		if !seen[o] {
			seen[o] = true
			objects = append(objects, o)
		}
	}
	for _, o := range w.given {
		add(o)
	}
	for _, f := range w.found {
		var key any = f
		switch f := f.(type) {
		case *ssa.Global:
			key = f.Object()
		case *ssa.FieldAddr:
			key = locationOf(f)
		}
		if o := c.byDecl[key]; o != nil {
			add(o)
		} else {
			known = false
		}
	}
	sort.Slice(objects, func(i, j int) bool { return objects[i].order < objects[j].order })
	return objects, known
}

func (c *catalogue) less(a, b token.Pos) bool {
	p, q := c.fset.Position(a), c.fset.Position(b)
	if p.Filename != q.Filename {
		return p.Filename < q.Filename
	}
	return p.Offset < q.Offset
}

func (o *object) String() string { return fmt.Sprintf("%s %s", o.typ, o.name) }
