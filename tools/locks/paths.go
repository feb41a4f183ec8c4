package main

import (
	"strconv"
	"strings"

	"golang.org/x/tools/go/ssa"
)

func param(i int) string             { return "P:" + strconv.Itoa(i) }
func free(i int) string              { return "F:" + strconv.Itoa(i) }
func (i resultIndex) String() string { return strconv.Itoa(int(i)) }

// under says whether path is base, or something reached through it, and what comes after base.
func under(path, base string) (rest string, ok bool) {
	rest, ok = strings.CutPrefix(path, base)
	return rest, ok && (rest == "" || strings.ContainsRune(".[*", rune(rest[0])))
}

// site is one way that a call can go.
type site struct {
	call ssa.CallInstruction
	to   *ssa.Function
	args []ssa.Value
}

// bindings are the variables that the callee closes over, if the call makes the closure.
func (c site) bindings() []ssa.Value {
	if m, ok := c.call.Common().Value.(*ssa.MakeClosure); ok && m.Fn == ssa.Value(c.to) {
		return m.Bindings
	}
	return nil
}

// down is how the callee names what the caller calls path.
func (c site) down(path string) string {
	for i, a := range c.args {
		if rest, ok := under(path, pathOf(a)); ok {
			return param(i) + rest
		}
	}
	for i, b := range c.bindings() {
		if rest, ok := under(path, pathOf(b)); ok {
			return free(i) + rest
		}
	}
	if strings.HasPrefix(path, "G:") || strings.HasPrefix(path, "O:") {
		return path
	}
	return "O:" + c.call.Parent().String() + " " + path // the caller's own
}

// up is how the caller names what the callee calls path.
func (c site) up(path string) string {
	for i, a := range c.args {
		if rest, ok := under(path, param(i)); ok {
			return pathOf(a) + rest
		}
	}
	for i, b := range c.bindings() {
		if rest, ok := under(path, free(i)); ok {
			return pathOf(b) + rest
		}
	}
	if rest, ok := strings.CutPrefix(path, "R:"); ok {
		n := strings.IndexAny(rest, ".[*")
		if n < 0 {
			n = len(rest)
		}
		i, _ := strconv.Atoi(rest[:n])
		if v := c.result(i); v != nil {
			return pathOf(v) + rest[n:]
		}
		return "V:unused result of " + c.to.String() + rest[n:]
	}
	if strings.HasPrefix(path, "F:") {
		return "V:in " + c.to.String() + " " + path
	}
	return path
}

// result is the value that the call's i-th result has in the caller; nil if it has none.
func (c site) result(i int) ssa.Value {
	if all := c.results(i); len(all) > 0 {
		return all[0]
	}
	return nil
}

func (c site) results(i int) (all []ssa.Value) {
	v, ok := c.call.(*ssa.Call)
	if !ok {
		return nil
	}
	if v.Common().Signature().Results().Len() == 1 {
		return []ssa.Value{v}
	}
	for _, r := range *v.Referrers() {
		if e, ok := r.(*ssa.Extract); ok && e.Index == i {
			all = append(all, e)
		}
	}
	return all
}
