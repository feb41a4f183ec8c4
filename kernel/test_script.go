//go:build exokernel

package main

import (
	"exo/arch/amd64"
	"exo/kernel/abi"
	"exo/kernel/cap"
	"exo/kernel/ktest"
)

// Tests of what puppets do with each other are scripts, for they are many steps, and code for each would be long: a table of who does
// what, and what is to come of it. A step that fails is reported by its number, from 0.

// step is one of them. Puppet who does something.
type step struct {
	who  uint8
	do   action
	call abi.Call
	want int16 // what a call returns; of is, a word's value if it is not in args
	to   uint8 // the variable that a call's result goes into, 0: none; then it is a name
	args [6]value
}

// action is what is done.
type action uint8

const (
	gets   action = iota // a call, and it returns
	begins               // a call that blocks
	asks                 // a call
	comes                // a call that was begun returns
	hears                // a message came: four numbers in a row, from want on
	is                   // word args[0] of the page is args[1]
	takes                // the kernel takes the capability args[0]
	dies                 // its environment ends
	does                 // args[0] is the number of a function of the test's
)

// value is a number, or where one is found.
type value uint32

const (
	variable value = 1<<31 + iota<<24 // + its number
	at                                // the address of a word of the page: + its number
	soon                              // a time, so many ms from now
	big                               // 1 << the number
	minus                             // -number
	forever                           // abi.Forever
)

// Variables that there are from the beginning: each puppet's account and number. Those of a test follow.
const (
	vMem    = iota + 1
	vNumber = vMem + 3
	vFree   = vNumber + 3
)

// script is a test that runs.
type script struct {
	t    *ktest.T
	p    [3]puppet
	v    [32]uint64
	step int
	fns  []func(*script)
}

var theScript script

//go:noinline
func (s *script) value(p *puppet, v value) uint64 {
	n := uint64(v & (1<<24 - 1))
	switch v &^ (1<<24 - 1) {
	case variable:
		return s.v[n%uint64(len(s.v))]
	case at:
		return p.place(int(n))
	case soon:
		return amd64.NowNs() + n*1_000_000
	case big:
		return 1 << n
	case minus:
		return -n
	case forever:
		return abi.Forever
	}
	return uint64(v)
}

// run does the steps, with puppets that have so many frames and capabilities, which end at the end.
func (s *script) run(t *ktest.T, puppets int, frames, caps uint64, steps []step, fns []func(*script)) {
	s.t, s.fns = t, fns
	s.v = [32]uint64{}
	for i := range puppets {
		s.make(i, frames, caps)
	}
	for i := range steps {
		if t.Failed() {
			break
		}
		s.step = i
		s.take(&steps[i])
		t.Count(1)
	}
	for i := range puppets {
		if s.p[i].env != nil {
			s.p[i].end()
		}
	}
}

func (s *script) make(i int, frames, caps uint64) {
	s.p[i], _ = makePuppet(s.t, frames, caps)
	s.v[vMem+i], s.v[vNumber+i] = s.p[i].mem, uint64(s.p[i].h)
}

// same checks a number.
//
//go:noinline
func (s *script) same(got, want uint64) {
	if got != want {
		s.t.Equal(0, uint64(s.step), ^uint64(0), "all steps are done; the step")
		s.t.Equal(0, got, want, "what came of it")
	}
}

func (s *script) take(a *step) {
	p := &s.p[a.who]
	if s.t.Failed() {
		return
	}
	var args [6]uint64
	for i, v := range a.args {
		args[i] = s.value(p, v)
	}
	switch a.do {
	case gets:
		got := p.do(a.call, args[:]...)
		if a.to != 0 {
			s.v[a.to] = uint64(got)
			s.same(min(uint64(max(got, 0)), 1), 1)
		} else {
			s.same(uint64(got), uint64(int64(a.want)))
		}
	case begins:
		p.begins(a.call, args[:]...)
	case asks:
		p.ask(uint64(a.call), args[:]...)
	case comes:
		p.wait()
		s.same(p.data[pupRAX].Load(), uint64(int64(a.want)))
	case hears:
		p.wait()
		for i, word := range [...]int{pupRAX, pupRDX, pupR8, pupR9} {
			s.same(p.data[word].Load(), uint64(a.want)+uint64(i))
		}
	case is:
		s.same(p.data[args[0]].Load(), args[1])
	case takes:
		if !takeFrom(p.h, cap.Name(args[0])) {
			s.same(0, 1)
		}
	case dies:
		p.end()
		p.env = nil
	case does:
		s.fns[args[0]](s)
	}
}
