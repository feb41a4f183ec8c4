package main

import (
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"exo/kernel/sched"
)

// setting is a way to tune the scheduler.
type setting struct {
	name string
	sched.Tuning
}

// family is settings that are to be compared: fixed ones, and a rule.
type family struct {
	title    string
	settings []setting
}

func fixedQuantum(name string, ns uint64) setting { return setting{name, sched.Tuning{Quantum: ns}} }

var families = []family{
	{"The quantum", []setting{
		fixedQuantum("0.5ms", 500*us), fixedQuantum("1ms", 1*ms), fixedQuantum("2ms", 2*ms), fixedQuantum("4ms", 4*ms),
		fixedQuantum("8ms", 8*ms), fixedQuantum("16ms", 16*ms), {"quantum", sched.Tuning{Rules: sched.TuneQuantum}},
	}},
	{"Stealing: least tasks on the victim, most taken", []setting{
		{"2,half", sched.Tuning{}}, {"2,1", sched.Tuning{StealMost: 1}}, {"2,4", sched.Tuning{StealMost: 4}},
		{"3,half", sched.Tuning{StealLeast: 3}}, {"4,half", sched.Tuning{StealLeast: 4}}, {"6,half", sched.Tuning{StealLeast: 6}},
	}},
	{"Home", []setting{
		{"none", sched.Tuning{}}, {"home", sched.Tuning{Rules: sched.TuneHome}},
		{"quantum+home", sched.Tuning{Rules: sched.TuneDefault}},
	}},
}

// result is what was measured; times in ns.
type result struct {
	took, p50, p99, longest  uint64
	switches, kicks          uint64
	steals, failed, homeward uint64
	remote, cold             float64 // parts of the time: with memory elsewhere, and filling caches
	cost                     float64 // ns
}

// measure runs a workload once.
func measure(w *workload, m machine, t sched.Tuning, seed uint64) (r result) {
	s := newSim(m, t, seed)
	w.start(s)
	r.took = s.run()
	slices.Sort(s.waits)
	if n := len(s.waits); n > 0 {
		r.p50, r.p99, r.longest = s.waits[n/2], s.waits[(n*99+99)/100-1], s.waits[n-1]
	}
	for i := range s.cpu {
		k := &s.cpu[i].c.Counters
		r.switches += k.Switches
		r.kicks += k.Kicks
		r.failed += k.FailedSteals
		r.homeward += k.Homeward
		for _, n := range k.Steals {
			r.steals += n
		}
	}
	if s.memoryNs > 0 {
		r.remote = float64(s.remoteNs) / float64(s.memoryNs)
	}
	r.cold = float64(s.fillNs) / float64(uint64(m.cpus)*r.took)
	r.cost = float64(r.took)
	if w.boundNs > 0 {
		r.cost *= max(1, float64(r.p99)/float64(w.boundNs))
	}
	return r
}

// mean is the mean of several, and the longest wait of all.
func mean(rs []result) (m result) {
	n := uint64(len(rs))
	for _, r := range rs {
		m.took += r.took / n
		m.p50 += r.p50 / n
		m.p99 += r.p99 / n
		m.longest = max(m.longest, r.longest)
		m.switches += r.switches / n
		m.kicks += r.kicks / n
		m.steals += r.steals / n
		m.failed += r.failed
		m.homeward += r.homeward / n
		m.remote += r.remote / float64(n)
		m.cold += r.cold / float64(n)
		m.cost += r.cost / float64(n)
	}
	return m
}

// table is what each workload, the first index, cost with each setting.
type table struct {
	workloads []workload
	settings  []setting
	results   [][]result
}

// measureAll runs each workload with each setting, several times. Runs do not share anything, so they run in parallel.
func measureAll(ws []workload, settings []setting, m machine, seeds int) *table {
	t := &table{ws, settings, make([][]result, len(ws))}
	runs := make([]result, len(ws)*len(settings)*seeds)
	var next atomic.Int64
	var all sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(runs); i = int(next.Add(1)) - 1 {
				w, st := i/seeds/len(settings), i/seeds%len(settings)
				runs[i] = measure(&ws[w], m, settings[st].Tuning, uint64(i%seeds)+1)
			}
		})
	}
	all.Wait()
	for w := range ws {
		for st := range settings {
			at := (w*len(settings) + st) * seeds
			t.results[w] = append(t.results[w], mean(runs[at:at+seeds]))
		}
	}
	return t
}
