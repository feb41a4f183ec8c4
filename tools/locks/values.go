package main

import (
	"go/constant"
	"go/token"
	"go/types"
	"slices"

	"golang.org/x/tools/go/ssa"
)

// walk follows values back to where they come from, through variables, parameters and results, without regard to the
// order in which things happen: it finds all that a value can be, and perhaps more.
type walk struct {
	p     *program
	ctx   *context // whose parameters are known; may be nil
	lock  bool     // looks for locks: elements of an array are the array, a slice is the variable that holds it
	seen  map[ssa.Value]bool
	found []ssa.Value // the ends of the ways
	given []*object   // those that the context gives
	lost  bool        // a way ended where nothing is known
}

func (p *program) origins(ctx *context, v ssa.Value, lock bool) *walk {
	w := &walk{p: p, ctx: ctx, lock: lock, seen: map[ssa.Value]bool{}}
	w.value(v)
	return w
}

func (w *walk) value(v ssa.Value) {
	if w.seen[v] {
		return
	}
	w.seen[v] = true
	switch v := v.(type) {
	case *ssa.Const:
		if !v.IsNil() {
			w.found = append(w.found, v)
		}
	case *ssa.Global, *ssa.FieldAddr, *ssa.Alloc, *ssa.Function, *ssa.MakeClosure, *ssa.MakeSlice:
		w.found = append(w.found, v)
	case *ssa.IndexAddr:
		if w.lock {
			w.value(v.X)
		} else {
			w.found = append(w.found, v)
		}
	case *ssa.Phi:
		for _, e := range v.Edges {
			w.value(e)
		}
	case *ssa.ChangeType:
		w.value(v.X)
	case *ssa.Convert:
		if v.X.Type().Underlying() == types.Typ[types.Uintptr] && v.Type().Underlying() == types.Typ[types.UnsafePointer] {
			w.lost = true // a pointer made of a number
			return
		}
		w.value(v.X)
	case *ssa.SliceToArrayPointer:
		w.value(v.X)
	case *ssa.MakeInterface:
		w.value(v.X)
	case *ssa.ChangeInterface:
		w.value(v.X)
	case *ssa.TypeAssert:
		w.value(v.X)
	case *ssa.Slice:
		w.value(v.X)
	case *ssa.UnOp:
		if v.Op == token.MUL {
			w.load(v)
		} else {
			w.lost = true
		}
	case *ssa.Field:
		w.stored(fieldOf(v.X.Type(), v.Field), v.Type())
	case *ssa.Index:
		w.stored(elements{v.Type().String()}, v.Type())
	case *ssa.Extract:
		switch t := v.Tuple.(type) {
		case *ssa.Call:
			w.result(t, v.Index)
		case *ssa.TypeAssert:
			w.value(t.X)
		default:
			w.lost = true
		}
	case *ssa.Call:
		w.result(v, 0)
	case *ssa.Parameter:
		w.parameter(v)
	case *ssa.FreeVar:
		for i, f := range v.Parent().FreeVars {
			if f == v {
				for _, c := range w.p.closed[v.Parent()] {
					w.value(c.Bindings[i])
				}
			}
		}
	default:
		w.lost = true
	}
}

func (w *walk) load(v *ssa.UnOp) {
	if _, slice := v.Type().Underlying().(*types.Slice); slice && w.lock && locksIn(v.Type()) != "" {
		w.value(v.X) // the variable stands for the locks in it
		return
	}
	at := w.p.origins(w.ctx, v.X, false)
	w.lost = w.lost || at.lost
	for _, a := range at.found {
		w.stored(locationOf(a), v.Type())
	}
}

// stored follows what was stored in a location of type t.
func (w *walk) stored(location any, t types.Type) {
	for _, v := range w.p.stores[location] {
		w.value(v)
	}
	for _, v := range w.p.stores[anywhere{t.String()}] {
		w.value(v)
	}
}

func (w *walk) result(c *ssa.Call, i int) {
	to := w.p.callees[c]
	if len(to) == 0 {
		w.lost = true
	}
	for _, fn := range to {
		if fn.Blocks == nil {
			w.lost = true
		}
		for _, b := range fn.Blocks {
			if r, ok := b.Instrs[len(b.Instrs)-1].(*ssa.Return); ok && i < len(r.Results) {
				w.value(r.Results[i])
			}
		}
	}
}

func (w *walk) parameter(v *ssa.Parameter) {
	fn := v.Parent()
	for i, p := range fn.Params {
		if p != v {
			continue
		}
		if w.ctx != nil && w.ctx.fn == fn && w.ctx.bind[i] != nil {
			w.given = append(w.given, w.ctx.bind[i]...)
			return
		}
		for _, c := range w.p.callers[fn] {
			if args := arguments(c.Common()); i < len(args) {
				w.value(args[i])
			}
		}
	}
}

// numbers are the constants that v can be; ok is false if it can be something else.
func (p *program) numbers(v ssa.Value) (n []int, ok bool) {
	w := p.origins(nil, v, false)
	ok = !w.lost
	for _, f := range w.found {
		c, isConst := f.(*ssa.Const)
		if !isConst || c.Value == nil || c.Value.Kind() != constant.Int {
			ok = false
			continue
		}
		n = append(n, int(c.Int64()))
	}
	slices.Sort(n)
	return n, ok
}

// functions are the functions that v can be; ok is false if it can be something else.
func (p *program) functions(v ssa.Value) (fns []*ssa.Function, ok bool) {
	w := p.origins(nil, v, false)
	ok = !w.lost
	for _, f := range w.found {
		switch f := f.(type) {
		case *ssa.Function:
			fns = append(fns, f)
		case *ssa.MakeClosure:
			fns = append(fns, f.Fn.(*ssa.Function))
		default:
			ok = false
		}
	}
	return fns, ok
}

// pathOf names what v points at as seen from inside its function: P:0 is the first parameter, F:0 what the function closes
// over, G: a global, V: any other value. After that .field, [index] and * for what lies behind a pointer. Two equal names
// are taken for the same lock.
func pathOf(v ssa.Value) string {
	switch v := v.(type) {
	case *ssa.Global:
		return "G:" + v.String()
	case *ssa.FieldAddr:
		return pathOf(v.X) + "." + fieldOf(v.X.Type().Underlying().(*types.Pointer).Elem(), v.Field).Name()
	case *ssa.IndexAddr:
		if c, ok := v.Index.(*ssa.Const); ok {
			return pathOf(v.X) + "[" + c.Value.String() + "]"
		}
		return pathOf(v.X) + "[" + v.Index.Name() + "]"
	case *ssa.UnOp:
		if v.Op == token.MUL {
			return pathOf(v.X) + "*"
		}
	case *ssa.Parameter:
		for i, p := range v.Parent().Params {
			if p == v {
				return param(i)
			}
		}
	case *ssa.FreeVar:
		for i, f := range v.Parent().FreeVars {
			if f == v {
				return free(i)
			}
		}
	case *ssa.ChangeType:
		return pathOf(v.X)
	case *ssa.Convert:
		return pathOf(v.X)
	case *ssa.MakeInterface:
		return pathOf(v.X)
	case *ssa.ChangeInterface:
		return pathOf(v.X)
	case *ssa.TypeAssert:
		if !v.CommaOk {
			return pathOf(v.X)
		}
	case *ssa.Extract:
		return "V:" + v.Tuple.Name() + "#" + resultIndex(v.Index).String()
	}
	return "V:" + v.Name()
}
