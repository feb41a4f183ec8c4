//go:build exokernel

package main

import (
	"sync/atomic"

	"exo/arch/amd64"
	"exo/kernel/ktest"
	"exo/kernel/numa"
	"exo/kernel/sched"
	"exo/kernel/text"
)

// testNear has CPU 0 of a scheduler that runs nothing, with as many CPUs at the same distances as here, steal until nobody has two
// tasks to spare: each time from one of the nearest that have.
func testNear(t *ktest.T, _ int) {
	const each = 6
	cpus := min(ncpu, 8)
	if !freshRoom() || !startHandSched(cpus, each*(cpus-1)+1) {
		t.Skip("there is no memory for it")
		return
	}
	defer freshRoom()
	at := 0
	for cpu := 1; cpu < cpus; cpu++ {
		for range each {
			handSched.ByHand(cpu).Push(handSched.tasks[at])
			at++
		}
	}
	thief := handSched.ByHand(0)
	var taken [sched.MaxRanks]uint64
	last := 0
	for {
		nearest := 1 << 30
		for cpu := 1; cpu < cpus; cpu++ {
			if handSched.ByHand(cpu).Queued() >= 2 {
				nearest = min(nearest, cpuDistance(0, cpu))
			}
		}
		var before [amd64.MaxCPUs]int
		for cpu := range cpus {
			before[cpu] = handSched.ByHand(cpu).Queued()
		}
		if thief.Steal(0) == nil {
			t.Check(0, nearest == 1<<30, "who has tasks to spare is stolen from")
			break
		}
		for cpu := 1; cpu < cpus; cpu++ {
			if handSched.ByHand(cpu).Queued() < before[cpu] {
				t.Equal(0, uint64(cpuDistance(0, cpu)), uint64(nearest), "distance of who was stolen from, and of the nearest to spare")
			}
		}
		for thief.Take() != nil { // it has run them
		}
		rank := 0
		for i, n := range handSched.CPU(0).Counters.Steals {
			if n > taken[i] {
				taken[i], rank = n, i
			}
		}
		t.Check(0, rank >= last, "thieves go farther only when nothing is left nearer")
		last = rank
		t.Count(1)
	}
	var l text.Line
	l.Str("# sched/near: tasks stolen, nearest CPUs first: by hand")
	for _, n := range taken[:last+1] {
		l.Byte(' ').Uint(n)
	}
	l.Str("; each node making work for itself")
	for _, n := range nearLive(t) {
		l.Byte(' ').Uint(n)
	}
	put(&l)
}

const (
	nearRounds = 60
	nearBurst  = 10
)

// nearTest is what the tasks of nearLive share.
var nearTest struct {
	ended atomic.Uint64
	ids   [amd64.MaxCPUs][nearBurst]sched.ID
}

// nearLive has a task on the first CPU of each node make tasks, again and again, more than the node has CPUs, that may run anywhere;
// and says how many were stolen over which distance. How many that are depends on the host; it is counted, not tested.
func nearLive(t *ktest.T) []uint64 {
	g := &nearTest
	g.ended.Store(0)
	before := sumCounters()
	makers := uint64(0)
	for node, last := numa.Node(0), -1; int(node) < int(topology.Nodes()); node++ {
		for cpu := range ncpu {
			if topology.NodeOf(numa.CPU(cpu)) != node || int(node) == last {
				continue
			}
			last = int(node)
			_, err := spawn(&sched.Start{Name: "maker", Affinity: 1 << cpu, Detached: true}, nearMaker, uint64(cpu))
			if t.Check(0, err == nil, "a task can be made") {
				makers++
			}
		}
	}
	for g.ended.Load() < makers*nearRounds*nearBurst {
		machine.Relax(200)
	}
	t.Count(g.ended.Load())
	after := sumCounters()
	n := 1
	for i := range after.Steals {
		if after.Steals[i] -= before.Steals[i]; after.Steals[i] != 0 {
			n = i + 1
		}
	}
	stolenNear = after.Steals
	return stolenNear[:n]
}

// stolenNear is nearLive's result.
var stolenNear [sched.MaxRanks]uint64

func nearMaker(cpu uint64) uint64 {
	g := &nearTest
	for range nearRounds {
		made := 0
		for ; made < nearBurst; made++ {
			id, err := spawn(&sched.Start{Name: "near"}, func(uint64) uint64 {
				spinFor(30_000)
				return 0
			}, 0)
			if err != nil {
				break
			}
			g.ids[cpu][made] = id
		}
		for i := range made {
			join(g.ids[cpu][i])
		}
		g.ended.Add(nearBurst)
	}
	return 0
}
