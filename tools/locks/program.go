package main

import (
	"go/types"
	"sort"

	"golang.org/x/tools/go/callgraph/vta"
	"golang.org/x/tools/go/ssa"
)

// program is the SSA of a whole kernel and what can be asked of it: who calls whom, and what is stored where.
//
// Calls through interfaces and function values go where variable type analysis says (Sundaresan et al., OOPSLA 2000):
// to each function or type that flows to the place of the call.
type program struct {
	*loader
	fns     []*ssa.Function                         // of the module, by position
	callees map[ssa.CallInstruction][]*ssa.Function // where a call may go
	callers map[*ssa.Function][]ssa.CallInstruction // and the other way round
	stores  map[any][]ssa.Value                     // what is stored at a location, see locationOf
	closed  map[*ssa.Function][]*ssa.MakeClosure    // where a function's closures are made
}

func analyse(l *loader) *program {
	prog := l.build()
	all := allFunctions(prog)
	graph := vta.CallGraph(all, vta.CallGraph(all, nil)) // the second time, what cannot be called passes nothing on
	p := &program{
		loader:  l,
		callees: map[ssa.CallInstruction][]*ssa.Function{},
		callers: map[*ssa.Function][]ssa.CallInstruction{},
		stores:  map[any][]ssa.Value{},
		closed:  map[*ssa.Function][]*ssa.MakeClosure{},
	}
	for fn := range all {
		if fn.Blocks != nil && fn.TypeParams().Len() == len(fn.TypeArgs()) {
			p.fns = append(p.fns, fn)
		}
	}
	sort.Slice(p.fns, func(i, j int) bool {
		a, b := p.fns[i], p.fns[j]
		if a.Pos() != b.Pos() {
			return a.Pos() < b.Pos()
		}
		return a.String() < b.String()
	})
	rank := map[*ssa.Function]int{}
	for i, fn := range p.fns {
		rank[fn] = i
	}
	for _, fn := range p.fns {
		for _, b := range fn.Blocks {
			for _, in := range b.Instrs {
				p.indexClosure(in)
			}
		}
		node := graph.Nodes[fn]
		if node == nil {
			continue
		}
		for _, e := range node.Out {
			p.callees[e.Site] = append(p.callees[e.Site], e.Callee.Func)
		}
	}
	for _, to := range p.callees {
		sort.Slice(to, func(i, j int) bool {
			if a, b := rank[to[i]], rank[to[j]]; a != b {
				return a < b
			}
			return to[i].String() < to[j].String()
		})
	}
	for _, fn := range p.fns {
		for _, b := range fn.Blocks {
			for _, in := range b.Instrs {
				if call, ok := in.(ssa.CallInstruction); ok {
					for _, to := range p.callees[call] {
						p.callers[to] = append(p.callers[to], call)
					}
				}
			}
		}
	}
	for _, fn := range p.fns {
		for _, b := range fn.Blocks {
			for _, in := range b.Instrs {
				p.indexStore(in)
			}
		}
	}
	return p
}

// allFunctions are the functions and methods that packages declare, and all that these mention: literals, wrappers,
// instances of generic functions.
func allFunctions(prog *ssa.Program) map[*ssa.Function]bool {
	seen := map[*ssa.Function]bool{}
	var work []*ssa.Function
	add := func(fn *ssa.Function) {
		if fn != nil && !seen[fn] {
			seen[fn] = true
			work = append(work, fn)
		}
	}
	methods := func(t types.Type) {
		for m := range prog.MethodSets.MethodSet(t).Methods() {
			add(prog.MethodValue(m))
		}
	}
	for _, pkg := range prog.AllPackages() {
		if !inModule(pkg.Pkg.Path()) {
			continue
		}
		for _, member := range pkg.Members {
			switch m := member.(type) {
			case *ssa.Function:
				add(m)
			case *ssa.Type:
				if n, ok := m.Type().(*types.Named); ok && n.TypeParams() == nil && !types.IsInterface(n) {
					methods(n)
					methods(types.NewPointer(n))
				}
			}
		}
	}
	for _, t := range prog.RuntimeTypes() {
		if !types.IsInterface(t) {
			methods(t)
		}
	}
	for len(work) > 0 {
		fn := work[len(work)-1]
		work = work[:len(work)-1]
		for _, b := range fn.Blocks {
			for _, in := range b.Instrs {
				for _, op := range in.Operands(nil) {
					if f, ok := (*op).(*ssa.Function); ok {
						add(f)
					}
				}
			}
		}
	}
	return seen
}

func (p *program) indexClosure(in ssa.Instruction) {
	if m, ok := in.(*ssa.MakeClosure); ok {
		fn := m.Fn.(*ssa.Function)
		p.closed[fn] = append(p.closed[fn], m)
	}
}

func (p *program) indexStore(in ssa.Instruction) {
	s, ok := in.(*ssa.Store)
	if !ok {
		return
	}
	addresses := []ssa.Value{s.Addr}
	if _, ok := s.Addr.(*ssa.FreeVar); ok { // a variable of the function around this one
		if w := p.origins(nil, s.Addr, false); !w.lost {
			addresses = w.found
		}
	}
	for _, a := range addresses {
		at := locationOf(a)
		p.stores[at] = append(p.stores[at], s.Val)
	}
}

// elements is the location of all elements of arrays and slices of a type.
type elements struct{ of string }

// anywhere is where pointers lead of which nothing is known but the type: into any variable of it.
type anywhere struct{ of string }

// locationOf names what addr is the address of: a global, a local, a field of a type (one location for all values of the
// type), elements, anywhere.
func locationOf(addr ssa.Value) any {
	switch a := addr.(type) {
	case *ssa.Global, *ssa.Alloc:
		return a
	case *ssa.FieldAddr:
		return fieldOf(a.X.Type().Underlying().(*types.Pointer).Elem(), a.Field)
	case *ssa.IndexAddr:
		return elements{pointee(addr)}
	}
	return anywhere{pointee(addr)}
}

func pointee(addr ssa.Value) string {
	return addr.Type().Underlying().(*types.Pointer).Elem().String()
}

// fieldOf is field i of struct type t, the same one for all instances of a generic type.
func fieldOf(t types.Type, i int) *types.Var {
	return t.Underlying().(*types.Struct).Field(i).Origin()
}

// arguments are a call's arguments as the callee's parameters see them.
func arguments(c *ssa.CallCommon) []ssa.Value {
	if c.IsInvoke() {
		return append([]ssa.Value{c.Value}, c.Args...)
	}
	return c.Args
}
