//go:build exokernel

package main

import (
	"exo/kernel/abi"
	"exo/kernel/cap"
	"exo/kernel/ktest"
	"exo/kernel/sched"
)

// scheduled is what is asked for, by which capability: none, for the CPU, for an account, for the CPU without the right, for nothing.
var scheduled = [...]struct {
	want           int8
	cpu, class     uint8
	weight         uint16
	budget, period uint32
	has, last      bool // it has a reservation then; first the CPU is taken back
}{
	{int8(abi.BadArgument), 1, 3, 0, 0, 0, false, false},
	{int8(abi.BadArgument), 1, 0, sched.MaxWeight + 1, 0, 0, false, false},
	{int8(abi.BadArgument), 1, 2, 0, 0, ms, false, false},
	{int8(abi.BadArgument), 1, 2, 0, 2 * ms, ms, false, false},
	{int8(abi.BadArgument), 1, 2, 0, 10, 1000, false, false},
	{int8(abi.BadCap), 0, 2, 0, ms, 10 * ms, false, false},
	{int8(abi.BadKind), 2, 2, 0, ms, 10 * ms, false, false},
	{int8(abi.BadRights), 3, 2, 0, ms, 10 * ms, false, false},
	{int8(abi.BadCap), 4, 2, 0, ms, 10 * ms, false, false},
	{int8(abi.NotAdmitted), 1, 2, 0, 97 * ms, 100 * ms, false, false},
	{0, 1, 2, 0, 3 * ms, 10 * ms, true, false},
	{int8(abi.NotAdmitted), 1, 2, 0, 70 * ms, 100 * ms, true, false}, // while it has the other
	{0, 1, 0, 128, 0, 0, false, false},
	{0, 0, 1, 0, 0, 0, false, false},
	{0, 1, 2, 0, 3 * ms, 10 * ms, true, false},
	{0, 1, 2, 0, 2 * ms, 10 * ms, true, true},
}

// testSchedule: a thread's class, weight and reservation, on a CPU that its environment has a capability for.
func testSchedule(t *ktest.T, _ int) {
	isolated(t, func(p, q *puppet, _ uint64) {
		t := p.t
		q.end() // a thread of the last class runs when no other is to
		n := ncpu - 1
		cpu := p.given(abi.KindCPU, cap.Object{First: uint64(n)})
		names := [...]uint64{0, cpu, p.mem, p.makes("a CPU to be looked at", abi.CapDerive, cpu, abi.RightRead), 5}
		reserved := func() uint64 { used, _ := tasks.Admission.Load(n); return used }
		before := reserved()
		for i := range scheduled {
			a := &scheduled[i]
			if a.last {
				p.gets(0, "the CPU is taken back", abi.CapDelete, cpu)
				names[1] = p.given(abi.KindCPU, cap.Object{First: uint64(n)})
				p.gets(0, "it goes on", abi.Null)
				t.Equal(0, reserved(), before, "reserved without the capability")
			}
			for i, v := range [...]uint64{uint64(a.class), uint64(a.weight), uint64(a.budget), uint64(a.period)} {
				p.data[pupFree+i].Store(v)
			}
			p.gets(int64(a.want), "a schedule", abi.ThreadSchedule, 0, names[a.cpu], p.place(pupFree))
			p.gets(0, "it goes on", abi.Null)
			t.Check(0, (reserved() > before) == a.has, "what is reserved is what was admitted, and no more")
			t.Check(0, a.want != 0 || a.cpu == 0 || p.env.first.cpu.Load() == uint32(n), "it runs there")
		}
		p.env.finish(abi.StatusKilled)
		t.Check(0, eventually(func() bool { return reserved() == before }), "what a thread has reserved ends with it")
	})
}
