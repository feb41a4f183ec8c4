package main

import (
	"errors"
	"go/token"
	"sort"
)

// analyseAll analyses one program after the other, and puts together what was found: a package may be in several.
func analyseAll(loaders []*loader, rules ruleset) (*result, error) {
	r := &result{at: map[*object]string{}, takenAt: map[*object][]string{}}
	f := newFindings(rules)
	functions, acquisitions, nestings := map[string]bool{}, map[string]bool{}, map[string]bool{}
	byPlace := map[string]*object{}
	takenAt := map[string]map[string]bool{}
	for _, l := range loaders {
		f.at = l.at
		o, err := readOrder(l)
		if bad := (badOrder)(nil); errors.As(err, &bad) {
			r.findings = bad
			return r, nil
		}
		if err != nil {
			return nil, err
		}
		if r.order == nil {
			r.order = o
		}
		a, err := analyse(l).catalog(o, f).follow()
		if err != nil {
			return nil, err
		}
		for _, fn := range a.fns {
			functions[l.at(fn.Pos())+fn.String()] = true
		}
		for pos := range a.calls {
			acquisitions[l.place(pos)] = true
		}
		for pair, at := range a.nestings {
			for pos := range at {
				nestings[o.classes[pair[0]].name+" "+o.classes[pair[1]].name+" "+l.place(pos)] = true
			}
		}
		for _, o := range a.all {
			place := l.place(o.pos)
			if byPlace[place] == nil {
				byPlace[place] = o
				takenAt[place] = map[string]bool{}
				r.objects = append(r.objects, o)
				r.at[o] = l.at(o.pos)
			}
			for pos := range o.acquired {
				takenAt[place][l.at(pos)] = true
			}
		}
	}
	for place, o := range byPlace {
		for at := range takenAt[place] {
			r.takenAt[o] = append(r.takenAt[o], at)
		}
		sort.Strings(r.takenAt[o])
	}
	r.findings = append(f.sorted(), f.stale()...)
	r.functions, r.locks, r.acquisitions, r.nestings = len(functions), len(byPlace), len(acquisitions), len(nestings)
	r.handlersCount = f.handlers
	return r, nil
}

// place is pos to the column, the same in each program that has the file.
func (l *loader) place(pos token.Pos) string { return l.fset.Position(pos).String() }
