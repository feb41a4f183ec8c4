// Package sched … admit.go: which CPU has room for a reservation.
//
//	          Admit  Release  Load        X: callers exclude each other; -: may run together
//	Admit       -       -      -
//	Release     -       -      -
//	Load        -       -      -
//
// G1. At no moment is more reserved on a CPU than its limit, nor by more tasks than MaxRealTime.
// G2. What is within the limit meets its deadlines (edf.go, G1): by deadline if the sum of Budget/Period is at most 1
// (Liu & Layland, JACM 1973); by rate if the product of (Budget/Period + 1) is at most 2 (Bini, Buttazzo & Buttazzo, IEEE
// ToC 2003).
// G3. Release takes away what Admit added, to the last bit: nothing is lost however often a CPU is filled and emptied.
//
// How: a reservation costs Budget/Period, or its log2(Budget/Period + 1), as the product is at most 2 if those sum up to
// at most 1. Both in parts of 2^20, rounded up. So either is one addition to one word per CPU, by compare-and-swap. By
// rounding, each task may find up to 2^-20 of a CPU less than there is.
// Admit takes the CPU with the most room (worst fit), so that what others have left is alike on all.
//
// Progress: lock-free. Callers: any, also Admit and Release of the same CPU at once. Memory: none.
// Not promised: that tasks are moved to make room: n tasks of just over half a CPU need n CPUs.
package sched

import "exo/kernel/sync/atom"

// What Admit returns, or ErrAffinity; then nothing is reserved.
const (
	ErrBudget = Error("sched: a reservation's budget is 0")
	ErrOver   = Error("sched: a reservation's budget is more than its period")
	ErrShort  = Error("sched: a reservation's period is below 100 µs")
	ErrLong   = Error("sched: a reservation's period is above 4 s")
	ErrFull   = Error("sched: over-subscribed: no CPU it may run on has that much left to reserve")
)

// What a period can be, in ns: the timer's overhead should not dominate, and edf.go multiplies two of them in 64 bits.
const (
	minPeriod = 100_000
	maxPeriod = 4_000_000_000
)

// WholeCPU is a CPU's time in the parts that Admission counts in.
const WholeCPU = 1 << 20

// admissionOne is one more task, in a CPU's word; below it, the sum of the costs.
const admissionOne = 1 << 32

// Admission counts what is reserved on each CPU. Init it before use.
type Admission struct {
	cpus      int
	limit     uint64 // of a CPU's sum
	monotonic bool
	words     [MaxCPUs]atom.Uint64
}

// Init is for so many CPUs, in which up to limit of WholeCPU can be reserved. The rest is what others have at least: at
// WholeCPU, tasks with reservations can keep all others from running. monotonic: by rate, else by deadline.
func (a *Admission) Init(cpus int, limit uint64, monotonic bool) {
	if cpus < 1 || cpus > len(a.words) || limit > WholeCPU {
		panic("sched: admission is for 1 to 64 CPUs, and at most the whole of each")
	}
	a.cpus, a.limit, a.monotonic = cpus, limit, monotonic
	if monotonic {
		a.limit = log2(1<<30+limit<<10, 0)
	}
}

// Admit reserves r on one of the CPUs in affinity, and returns that CPU.
func (a *Admission) Admit(affinity uint64, r Reservation) (cpu int, err error) {
	switch {
	case r.Budget == 0:
		return 0, ErrBudget
	case r.Budget > r.Period:
		return 0, ErrOver
	case r.Period < minPeriod:
		return 0, ErrShort
	case r.Period > maxPeriod:
		return 0, ErrLong
	}
	cost := a.cost(r)
	for {
		cpu, least, full := -1, uint64(0), false
		for i := range a.cpus {
			if affinity>>i&1 == 0 {
				continue
			}
			w := a.words[i].Load()
			sum := w % admissionOne
			if sum+cost > a.limit || w/admissionOne == MaxRealTime {
				full = true
			} else if cpu < 0 || sum < least%admissionOne {
				cpu, least = i, w
			}
		}
		switch {
		case cpu >= 0:
		case full:
			return 0, ErrFull
		default:
			return 0, ErrAffinity
		}
		if a.words[cpu].CompareAndSwap(least, least+admissionOne+cost) { // order: none needed beyond the word (G1)
			return cpu, nil
		}
	}
}

// Release gives back r, which Admit has reserved on cpu.
func (a *Admission) Release(cpu int, r Reservation) {
	a.words[cpu].Add(-(admissionOne + a.cost(r)))
}

// Load is how much of the CPU's limit is in use, and the limit: in parts of WholeCPU, or by rate in the logarithms.
func (a *Admission) Load(cpu int) (used, limit uint64) {
	return a.words[cpu].Load() % admissionOne, a.limit
}

// cost is what r counts for, rounded up.
func (a *Admission) cost(r Reservation) uint64 {
	if a.monotonic {
		return log2(1<<30+(r.Budget<<30+r.Period-1)/r.Period, 1)
	}
	return (r.Budget*WholeCPU + r.Period - 1) / r.Period
}

// log2 is the logarithm of y/2^30, which is from 1 to 2, in parts of 2^20: rounded down if up is 0, up if it is 1. Bit by
// bit: squaring doubles the logarithm, and if that leads beyond 2, the bit is one.
func log2(y, up uint64) uint64 {
	if y == 2<<30 {
		return WholeCPU // which the digits below, all ones, only come close to
	}
	sum := uint64(0)
	for range 20 {
		y = (y*y + up*(1<<30-1)) >> 30
		sum <<= 1
		if y >= 2<<30 {
			y = (y + up) >> 1
			sum++
		}
	}
	if y > 1<<30 {
		sum += up
	}
	return sum
}
