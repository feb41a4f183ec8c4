//go:build exokernel

package main

import (
	"exo/kernel/abi"
	"exo/kernel/ktest"
	"exo/kernel/text"
)

// Threads that compute on one CPU: one that is told of its slices, and yields when one ends; one that is told, and does not care; and one that
// is told nothing.

const (
	sliceCount = 16 + iota // rounds
	sliceEnded             // how often it was told that its slice ends,
	sliceUntil             // and until when it may run
	sliceBegun             // how often that one begins,
	sliceAway              // and for how long others had run
)

// slicer writes such a program; the handler is at handler.
func slicer(b []byte, yields bool) (handler int) {
	a := &fuzzAsm
	*a = assembler{b: b}
	data := func() { // whatever is in the registers, for the handler may come before the first instruction, and changes some
		a.put(0x49, 0xBF) // mov r15, imm64
		a.word32(pupData)
		a.word32(0)
	}
	data()
	loop := a.n
	a.count(sliceCount)
	a.jump(0xE9, loop)
	handler = a.n
	data()
	a.put(0x48, 0x83, 0x3C, 0x24, byte(abi.SliceEnds)) // cmp qword [rsp], imm8
	begun := a.ahead(0x85)
	a.put(0x48, 0x8B, 0x44, 0x24, 16) // mov rax, [rsp+16]
	a.store(sliceUntil, rAX)
	a.count(sliceEnded)
	if yields {
		a.call(abi.Yield, none)
	}
	over := a.ahead(0xE9)
	a.here(begun)
	a.put(0x48, 0x8B, 0x44, 0x24, 8) // mov rax, [rsp+8]
	a.store(sliceAway, rAX)
	a.count(sliceBegun)
	a.here(over)
	a.put(0x48, 0x83, 0xC4, 32, 0x48, 0xCF) // add rsp, 32; iretq
	return handler
}

// makeSlicer makes an environment with such a thread.
func makeSlicer(t *ktest.T, cpu int, yields bool, flags uint64) puppet {
	handler := 0
	p, ok := makeProgram(t, nil, 80, 40, func(b []byte) { handler = slicer(b, yields) })
	if ok {
		p.addThread(1<<cpu, 0)
		p.env.first.start.Flags = flags // it has not been in ring 3 yet
		p.env.slice.Store(pupCode + uint64(handler))
	}
	return p
}

func testSlices(t *ktest.T, _ int) {
	envTest(t, func(uint64) uint64 {
		t := taskTest.t
		cpu := ncpu - 1
		const told = abi.ThreadSlices | abi.ThreadSliceEnds
		plain := makeSlicer(t, cpu, false, 0)
		for _, yields := range [...]bool{true, false} {
			p := makeSlicer(t, cpu, yields, told)
			p.env.goOn()
			plain.env.goOn()
			d := p.data
			t.Check(0, eventually(func() bool { // who has yielded knows that others have run
				return d[sliceEnded].Load() >= 20 && (yields || d[sliceBegun].Load() >= 10)
			}), "it is told when a slice ends, and begins")
			rounds, others, ended := d[sliceCount].Load(), plain.data[sliceCount].Load(), d[sliceEnded].Load()
			t.Check(0, eventually(func() bool {
				return d[sliceCount].Load() > rounds && plain.data[sliceCount].Load() > others && d[sliceEnded].Load() > ended+10
			}), "whether it yields or not, all go on")
			t.Check(0, d[sliceUntil].Load() != 0 && (yields || d[sliceAway].Load() != 0), "until when, and how long others had run")
			ended = d[sliceEnded].Load()
			p.env.suspend(nil, true)
			u := p.usage()
			t.Check(0, ended <= u.Quanta+u.Switches, "once in a slice")
			var l text.Line
			put(l.Str("# env/slices: told=").Uint(ended).Str(" begun=").Uint(d[sliceBegun].Load()).Str(" quanta=").Uint(u.Quanta).Str(" switches=").Uint(u.Switches))
			t.Check(0, plain.data[sliceEnded].Load()+plain.data[sliceBegun].Load() == 0, "who did not ask is not told")
			t.Count(ended)
			p.end()
		}
		plain.end()
		return 0
	})
}
