//go:build exokernel

package main

import (
	"exo/arch/amd64"
	envs "exo/kernel/env"
	"exo/kernel/fs"
	"exo/kernel/mm"
	"exo/kernel/mm/paging"
	"exo/kernel/sched"
	"exo/kernel/sync"
	"exo/kernel/text"
)

// envLocals has each CPU's view of each environment's space.
var envLocals []paging.Local

// reserveEnvs takes the memory for the tables of environments, threads and capabilities, before there are frames.
func reserveEnvs() {
	bytes := physical.Intersect(0, uint64(mm.PhysLimit))
	n := int(min(max(bytes>>20, minEnvs), maxEnvs))
	envTable = pieces[env](n, mm.Range{})
	envLocals = pieces[paging.Local](n*ncpu, mm.Range{})
	envPool.Init(pieces[sync.Link](n, mm.Range{}), pieces[sync.PoolCPU](ncpu, mm.Range{}))
	threads := min(taskSlots(), maxThreads)
	threadTable = pieces[thread](threads, mm.Range{})
	threadPool.Init(pieces[sync.Link](threads, mm.Range{}), pieces[sync.PoolCPU](ncpu, mm.Range{}))
	slots := min(max(bytes>>14, minSlots), maxSlots) &^ (slotsPerFrame - 1)
	capSlots = pieces[envs.Slot](int(slots), mm.Range{})
	keepers := int(slots)/2 + fileTaskCount // capabilities that environments may have, and those that are being made
	heads := 1
	for heads < keepers {
		heads *= 2
	}
	files.opens.Init(pieces[fs.Open](keepers, mm.Range{}), pieces[uint32](heads, mm.Range{}), scramble(amd64.TSC()))
	reserveGates()
	for i := range envTable {
		envTable[i].slot = uint32(i)
	}
}

const (
	maxThreads = 2048
	minSlots   = 1024    // of capabilities
	maxSlots   = 1 << 20 // that is a fourth as many as frames, on a machine of 16 GiB
)

// ownTasks is how many tasks the kernel has from boot on: the reaper, the keeper, the repossessor, that of
// files, and those that watch disks.
func ownTasks() int { return 4 + ndisks }

// startEnvs makes ring 3 ready.
func startEnvs() {
	startCaps()
	startInfo()
	amd64.SetSyscalls(calls[:], badCall)
	amd64.OnUserTrap, amd64.OnForeign, amd64.BeforeUser = onUserTrap, onForeign, beforeUser
	amd64.OnResume, amd64.OnLate = handResumed, handLate
	ownTask("reaper", sched.DefaultWeight, reap)
	ownTask("keeper", sched.MaxWeight, keeper)
	ownTask("repossessor", sched.DefaultWeight, repossessor)
	var l text.Line
	put(l.Str("envs: ").Int(len(envTable) - 1).Str(" environments, ").Int(len(threadTable) - 1).Str(" threads, ").
		Int(len(capSlots)).Str(" capabilities"))
}

// ownTask starts one of the kernel's.
func ownTask(name string, weight uint32, fn func(uint64) uint64) {
	if _, err := spawn(&sched.Start{Name: name, Detached: true, Weight: weight}, fn, 0); err != nil {
		giveUp("out of memory", err)
	}
}
