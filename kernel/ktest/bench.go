package ktest

// Bench is one benchmark beside the baseline that it has to beat: the same work the plain way, usually under a lock.
type Bench struct {
	Name         string
	Ops          uint64           // how many operations one call of Run does
	Run          func(ops uint64) // on CPU 0, alone
	BaselineName string           // "locked" unless said otherwise
	Baseline     func(ops uint64)
	SecondName   string // of another baseline, if there is one
	Second       func(ops uint64)
}

// Benchmark measures the benchmarks for which match is true, each right beside its baseline, and prints
//
//	bench NAME ops=N tsc=T per=T/N
//	bench NAME/locked ops=N tsc=T per=T/N
//
// in ticks of Now: under QEMU's -icount those are instructions. Each is run once to warm up and then three times; the
// least counts. It returns how many ran.
func Benchmark(m Machine, benches []Bench, match func(name string) bool) (n int) {
	for i := range benches {
		b := &benches[i]
		if !match(b.Name) {
			continue
		}
		n++
		measure(m, b.Name, "", b.Ops, b.Run)
		baseline := b.BaselineName
		if baseline == "" {
			baseline = "locked"
		}
		measure(m, b.Name, baseline, b.Ops, b.Baseline)
		if b.Second != nil {
			measure(m, b.Name, b.SecondName, b.Ops, b.Second)
		}
	}
	return n
}

func measure(m Machine, name, baseline string, ops uint64, fn func(uint64)) {
	best := ^uint64(0)
	fn(ops)
	for range 3 {
		start := m.Now()
		fn(ops)
		best = min(best, m.Now()-start)
	}
	l := line.Reset().Str("bench ").Str(name)
	if baseline != "" {
		l.Byte('/').Str(baseline)
	}
	m.Print(l.Str(" ops=").Uint(ops).Str(" tsc=").Uint(best).Str(" per=").Hundredths(best, ops))
}
