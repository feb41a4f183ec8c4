//go:build exokernel

package main

import (
	"exo/arch/amd64"
	"exo/kernel/sched"
	"exo/kernel/sched/work"
	"exo/kernel/sync"
	"exo/kernel/sync/atom"
)

// Fork-join work on this machine: kernel/sched/work with a task for each worker, bound to its CPU.

const (
	jobsEach     = 160 // slots for jobs, for each worker
	elementsEach = 256 // elements of a worker's deque
	workerSpins  = 300 // looks before a worker sleeps
)

// workers is a pool and the tasks that are its workers.
type workers struct {
	pool    work.Pool
	n       int
	ids     [amd64.MaxCPUs]sched.ID
	sources [amd64.MaxCPUs]sync.Buffers
	given   []oneBuffer
}

// oneBuffer gives a worker's deque the one buffer that there is for it: more elements than there are jobs are never needed.
type oneBuffer struct {
	buffer sync.Buffer
	taken  bool
}

func (b *oneBuffer) Get(elements int) *sync.Buffer {
	if b.taken || elements > len(b.buffer.Elements) {
		return nil
	}
	b.taken = true
	return &b.buffer
}

func (b *oneBuffer) Put(*sync.Buffer) { b.taken = false }

// Idle and Wake make tasks workers.
func (ws *workers) Idle(int) { park() }

func (ws *workers) Wake(i int) { wake(ws.ids[i]) }

// start makes n workers, on CPUs 0 to n-1, in memory of the torture tests.
func (ws *workers) start(n int) bool {
	jobs := jobsEach*n + 2
	ws.n = n
	ws.given = room[oneBuffer](n)
	for i := range ws.given {
		ws.given[i].buffer.Elements = room[atom.Uint64](elementsEach)
		ws.sources[i] = &ws.given[i]
	}
	ok := ws.pool.Init(&work.Config{
		Jobs: room[work.Job](jobs), Links: room[sync.Link](jobs), PoolCPUs: room[sync.PoolCPU](ncpu),
		Workers: room[work.Worker](n), Victims: room[work.Victim](work.VictimsFor(n)), Distance: cpuDistance,
		Buffers: ws.sources[:n], Elements: elementsEach, RCU: &kernelRCU, Machine: ws,
	})
	for i := 0; ok && i < n; i++ {
		id, err := spawn(&sched.Start{Name: "worker", Affinity: 1 << i, Detached: true}, func(i uint64) uint64 {
			theWorkers.pool.Run(int(i), this())
			return 0
		}, uint64(i))
		ws.ids[i] = id
		ok = err == nil
	}
	return ok
}

// do has the workers do a job, and returns when it is done. A task, or the boot stack.
func (ws *workers) do(fn func(w *work.Worker, j *work.Job), args [4]uint64) (result uint64, ok bool) {
	c := preemptOff()
	j := ws.pool.New(c.CPU, fn)
	if j == nil {
		c.PreemptEnable()
		return 0, false
	}
	j.Arg = args
	ws.pool.Submit(0, j, true)
	c.PreemptEnable()
	for spins := 200; !j.Done(); spins++ {
		machine.Relax(spins)
	}
	result = j.Arg[0]
	c = preemptOff()
	ws.pool.Free(c.CPU, j)
	c.PreemptEnable()
	return result, true
}

// stop ends the workers; nothing is under way.
func (ws *workers) stop() {
	c := preemptOff()
	ws.pool.Stop()
	c.PreemptEnable()
	for i := range ws.n {
		for spins := 200; tasks.Task(ws.ids[i]) != nil; spins++ {
			machine.Relax(spins)
		}
	}
}

// theWorkers is the one pool that there is, for tests and benchmarks.
var theWorkers workers
