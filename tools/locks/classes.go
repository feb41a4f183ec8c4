package main

import (
	"errors"
	"fmt"
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"sort"
	"strings"
)

// class is a line of kernel/sync/classes.go. Its number is its index in order.classes.
type class struct {
	name   string
	kind   string // kindSleep, kindSpin, kindSpinIRQ, as the kernel calls them
	nests  bool
	before []int // declared
	pos    token.Pos
}

const (
	kindSleep   = "kindSleep"
	kindSpin    = "kindSpin"
	kindSpinIRQ = "kindSpinIRQ"
)

func (c *class) sleeps() bool { return c.kind == kindSleep }
func (c *class) irq() bool    { return c.kind == kindSpinIRQ }

// order is the declared lock order.
type order struct {
	classes []*class
	reach   [][]bool // reach[a][b]: b is declared to follow a, directly or through others
}

// may says whether a lock of class b may be taken while one of class a is held; of two of one class it says nothing.
func (o *order) may(a, b int) bool {
	return o.reach[a][b] || o.classes[a].sleeps() && !o.classes[b].sleeps()
}

// readOrder reads the table of classes. It evaluates what stands there as the compiler does.
func readOrder(l *loader) (*order, error) {
	p := l.pkgs[syncPath]
	if p == nil {
		return nil, errors.New("package " + syncPath + " was not loaded")
	}
	table, err := findTable(p)
	if err != nil {
		return nil, err
	}
	number := func(e ast.Expr) (int64, error) {
		v := p.info.Types[e].Value
		if v == nil || v.Kind() != constant.Int {
			return 0, fmt.Errorf("%s: not a constant", l.at(e.Pos()))
		}
		u, _ := constant.Uint64Val(constant.ToInt(v))
		return int64(u), nil
	}
	o := &order{}
	next := int64(0)
	before := map[int]uint64{}
	for _, e := range table.Elts {
		value := e
		if kv, ok := e.(*ast.KeyValueExpr); ok {
			if next, err = number(kv.Key); err != nil {
				return nil, err
			}
			value = kv.Value
		}
		lit, ok := value.(*ast.CompositeLit)
		if !ok || next < 0 || next >= 64 {
			return nil, fmt.Errorf("%s: a class is a number below 64 and a literal", l.at(value.Pos()))
		}
		c := &class{pos: lit.Pos()}
		for _, f := range lit.Elts {
			kv, ok := f.(*ast.KeyValueExpr)
			if !ok {
				return nil, fmt.Errorf("%s: a class's fields have names", l.at(f.Pos()))
			}
			v := p.info.Types[kv.Value].Value
			if v == nil {
				return nil, fmt.Errorf("%s: not a constant", l.at(kv.Value.Pos()))
			}
			switch kv.Key.(*ast.Ident).Name {
			case "name":
				c.name = constant.StringVal(v)
			case "nests":
				c.nests = constant.BoolVal(v)
			case "kind":
				c.kind = constantName(p.types.Scope(), p.info.Types[kv.Value].Type, v)
			case "before":
				bits, _ := constant.Uint64Val(v)
				before[int(next)] = bits
			default:
				return nil, fmt.Errorf("%s: the check does not know the field %s", l.at(kv.Pos()), kv.Key)
			}
		}
		for int64(len(o.classes)) <= next {
			o.classes = append(o.classes, nil)
		}
		o.classes[next] = c
		next++
	}
	return o, o.close(l, before)
}

// findTable finds var classes = […]classInfo{…}.
func findTable(p *pkg) (*ast.CompositeLit, error) {
	for _, f := range p.files {
		for _, d := range f.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok {
				continue
			}
			for _, s := range g.Specs {
				if v, ok := s.(*ast.ValueSpec); ok && v.Names[0].Name == "classes" && len(v.Values) == 1 {
					if lit, ok := v.Values[0].(*ast.CompositeLit); ok {
						return lit, nil
					}
				}
			}
		}
	}
	return nil, errors.New("there is no table classes in " + syncPath)
}

// constantName is the name of the constant of type t that is v.
func constantName(scope *types.Scope, t types.Type, v constant.Value) string {
	for _, name := range scope.Names() {
		c, ok := scope.Lookup(name).(*types.Const)
		if ok && types.Identical(c.Type(), t) && constant.Compare(c.Val(), token.EQL, v) {
			return name
		}
	}
	return v.String()
}

// close fills in before and reach, and refuses what is no order: what CloseOrder in kernel/sync/order.go refuses too.
func (o *order) close(l *loader, before map[int]uint64) error {
	var bad badOrder
	wrong := func(c *class, format string, args ...any) {
		bad = append(bad, fmt.Sprintf("%s: class %s %s", l.at(c.pos), c.name, fmt.Sprintf(format, args...)))
	}
	o.reach = make([][]bool, len(o.classes))
	for i, c := range o.classes {
		o.reach[i] = make([]bool, len(o.classes))
		if c == nil {
			continue
		}
		if c.kind != kindSleep && c.kind != kindSpin && c.kind != kindSpinIRQ {
			wrong(c, "has the kind %q, which the check does not know", c.kind)
		}
		if c.name == "" {
			wrong(c, "number %d has no name", i)
		}
		for b := range 64 {
			if before[i]>>b&1 == 0 {
				continue
			}
			if b >= len(o.classes) || o.classes[b] == nil {
				wrong(c, "is before number %d, which is no class", b)
				continue
			}
			c.before = append(c.before, b)
			o.reach[i][b] = true
			switch d := o.classes[b]; {
			case !c.sleeps() && d.sleeps():
				wrong(c, "is a spinlock's and before %s, a sleeplock's", d.name)
			case c.sleeps() && !d.sleeps():
				wrong(c, "is a sleeplock's and before %s, a spinlock's: that goes without saying", d.name)
			case c.irq() && !d.irq():
				wrong(c, "is taken by interrupt handlers and before %s, which they must not take", d.name)
			}
		}
	}
	if len(o.classes) == 0 {
		return errors.New("the table of lock classes is empty")
	}
	for k := range o.reach {
		for i := range o.reach {
			for j := range o.reach {
				if o.reach[i][k] && o.reach[k][j] {
					o.reach[i][j] = true
				}
			}
		}
	}
	for i, c := range o.classes {
		if c != nil && o.reach[i][i] {
			wrong(c, "is before itself: %s", strings.Join(o.cycle(i), " < "))
		}
	}
	if len(bad) > 0 {
		return bad
	}
	return nil
}

// badOrder is what is wrong with a declared order.
type badOrder []string

func (b badOrder) Error() string { return strings.Join(b, "\n") }

// cycle names the classes of a shortest way from i back to i.
func (o *order) cycle(i int) []string {
	from := map[int]int{}
	queue := []int{i}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		next := append([]int(nil), o.classes[at].before...)
		sort.Ints(next)
		for _, b := range next {
			if _, seen := from[b]; seen {
				continue
			}
			from[b] = at
			if b == i {
				way := []string{o.classes[i].name}
				for c := at; ; c = from[c] {
					way = append([]string{o.classes[c].name}, way...)
					if c == i {
						return way
					}
				}
			}
			queue = append(queue, b)
		}
	}
	return nil
}

// at is pos as file:line, the file as seen from the module's root.
func (l *loader) at(pos token.Pos) string {
	p := l.fset.Position(pos)
	return fmt.Sprintf("%s:%d", strings.TrimPrefix(p.Filename, l.root+"/"), p.Line)
}
