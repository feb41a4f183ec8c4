//go:build exokernel

package main

import (
	"exo/kernel/abi"
	"exo/kernel/ktest"
)

// ipc/deadlock: three puppets, each with an endpoint of its own, and a capability for each of the others'.

const (
	vE = vFree     // endpoints
	vC = vFree + 3 // of puppet i for the endpoint of j: vC + 3i + j
)

var deadlockSteps = [...]step{
	{0, gets, abi.EndpointCreate, 0, vE, [6]value{variable + vMem}},
	{1, gets, abi.EndpointCreate, 0, vE + 1, [6]value{variable + vMem + 1}},
	{2, gets, abi.EndpointCreate, 0, vE + 2, [6]value{variable + vMem + 2}},
	{0, does, 0, 0, 0, [6]value{0}},
	// Nobody has received yet: that may be anybody.
	{0, gets, abi.IPCTimeout, 0, 0, [6]value{soon + 2}},
	{0, gets, abi.IPCCall, int16(abi.TimedOut), 0, [6]value{variable + vE, 1}},
	{0, gets, abi.IPCReceive, int16(abi.Again), 0, [6]value{variable + vE, 0}},
	{1, gets, abi.IPCReceive, int16(abi.Again), 0, [6]value{variable + vE + 1, 0}},
	{2, gets, abi.IPCReceive, int16(abi.Again), 0, [6]value{variable + vE + 2, 0}},
	// One, which nobody else will answer; two; three.
	{0, gets, abi.IPCCall, int16(abi.Deadlock), 0, [6]value{variable + vE, 1}},
	{1, begins, abi.IPCCall, 0, 0, [6]value{variable + vC + 3 + 0, 10, 11, 12, 13}},
	{0, gets, abi.IPCCall, int16(abi.Deadlock), 0, [6]value{variable + vC + 1, 1}},
	{2, begins, abi.IPCCall, 0, 0, [6]value{variable + vC + 6 + 1, 20, 21, 22, 23}},
	{0, gets, abi.IPCCall, int16(abi.Deadlock), 0, [6]value{variable + vC + 2, 1}},
	// So too when the first call has been received, and waits for its answer.
	{0, asks, abi.IPCReceive, 0, 0, [6]value{variable + vE, forever}},
	{0, hears, 0, 10, 0, [6]value{}},
	{0, gets, abi.IPCCall, int16(abi.Deadlock), 0, [6]value{variable + vC + 2, 1}},
	{0, gets, abi.IPCReply, 0, 0, [6]value{30, 31, 32, 33}},
	{1, hears, 0, 30, 0, [6]value{}},
	// Then there is none: 1 can receive.
	{0, begins, abi.IPCCall, 0, 0, [6]value{variable + vC + 2, 40, 41, 42, 43}},
	{1, asks, abi.IPCReceive, 0, 0, [6]value{variable + vE + 1, forever}},
	{1, hears, 0, 20, 0, [6]value{}},
	{1, gets, abi.IPCReply, 0, 0, [6]value{50, 51, 52, 53}},
	{2, hears, 0, 50, 0, [6]value{}},
	{2, asks, abi.IPCReceive, 0, 0, [6]value{variable + vE + 2, forever}},
	{2, hears, 0, 40, 0, [6]value{}},
	{2, gets, abi.IPCReply, 0, 0, [6]value{60, 61, 62, 63}},
	{0, hears, 0, 60, 0, [6]value{}},
	// Where another thread has received, too, it may again.
	{1, does, 0, 0, 0, [6]value{1}},
	{0, gets, abi.IPCTimeout, 0, 0, [6]value{soon + 2}},
	{0, gets, abi.IPCCall, int16(abi.TimedOut), 0, [6]value{variable + vE, 1}},
	// Who has received has ended.
	{1, begins, abi.IPCCall, 0, 0, [6]value{variable + vC + 3 + 2, 10, 11, 12, 13}},
	{2, dies, 0, 0, 0, [6]value{}},
	{1, comes, 0, int16(abi.Revoked), 0, [6]value{}},
}

var deadlockFns = [...]func(*script){
	func(s *script) {
		for i := range s.p {
			for j := range s.p {
				if i != j {
					s.v[vC+3*i+j] = s.p[j].lends(&s.p[i], s.v[vE+j], abi.RightExecute)
				}
			}
		}
	},
	func(s *script) { // puppet 1 receives at the endpoint of puppet 0
		name := s.p[0].lends(&s.p[1], s.v[vE], abi.RightReceive)
		s.p[1].refused(abi.Again, "nobody calls", abi.IPCReceive, name, 0)
	},
}

func testDeadlock(t *ktest.T, _ int) {
	envTest(t, func(uint64) uint64 {
		theScript.run(taskTest.t, 3, 8, 12, deadlockSteps[:], deadlockFns[:])
		return 0
	})
}
