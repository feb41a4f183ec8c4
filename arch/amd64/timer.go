//go:build exokernel

package amd64

// Time: the TSC for reading the clock, the local APIC's timer for being interrupted. Both are calibrated once against
// a timer whose rate is known: the HPET, else the PIT.

// Calibration is what the measuring found.
type Calibration struct {
	TSCKHz   uint64 // ticks of the TSC per millisecond
	TimerKHz uint64 // ticks of the local APIC timer per millisecond, at divisor 16
	Source   string // what it was measured against
	Deadline bool   // the local APIC timer takes an absolute TSC value
}

// Clock is the machine's calibration.
var Clock Calibration

const (
	timerDivide16    = 3
	lvtTimerOneShot  = 0 << 17
	lvtTimerPeriodic = 1 << 17
	lvtTimerDeadline = 2 << 17
	msrTSCDeadline   = 0x6E0

	calibrateNs = 2_000_000
)

// reference is a free-running counter of known rate.
type reference interface {
	read() uint64
	femtoseconds() uint64 // per tick
}

// Calibrate measures the TSC and the local APIC timer. On a busy host a single window may be off, so the shortest of
// three (in TSC ticks per reference tick) counts: delays only ever add.
func Calibrate() {
	name, ref := findReference()
	best, bestTimer := ^uint64(0), uint64(0)
	a := &localAPIC
	a.write(regDivide, timerDivide16)
	a.write(regLVTTimer, lvtMasked|lvtTimerOneShot)
	ticks := calibrateNs * 1_000_000 / ref.femtoseconds()
	for range 3 {
		a.write(regInitCount, ^uint32(0))
		r0, t0, c0 := ref.read(), TSC(), a.read(regCurCount)
		for ref.read()-r0 < ticks {
			Pause()
		}
		r1, t1, c1 := ref.read(), TSC(), a.read(regCurCount)
		ns := (r1 - r0) * ref.femtoseconds() / 1_000_000
		if khz := (t1 - t0) * 1_000_000 / ns; khz < best {
			best, bestTimer = khz, uint64(c0-c1)*1_000_000/ns
		}
	}
	a.write(regInitCount, 0)
	ref2 := CPUFeatures.tscKHz
	Clock = Calibration{TSCKHz: best, TimerKHz: bestTimer, Source: name, Deadline: CPUFeatures.TSCDeadline}
	if ref2 != 0 { // the CPU knows better than a measurement
		Clock.TSCKHz, Clock.Source = ref2, "cpuid"
	}
	Clock.TSCKHz, Clock.TimerKHz = max(Clock.TSCKHz, 1), max(Clock.TimerKHz, 1)
}

func findReference() (string, reference) {
	if theHPET.base != 0 {
		return "hpet", &theHPET
	}
	startPIT()
	return "pit", &thePIT
}

// NowNs is the time since the TSC's zero in nanoseconds.
func NowNs() uint64 {
	t := TSC()
	return t/Clock.TSCKHz*1_000_000 + t%Clock.TSCKHz*1_000_000/Clock.TSCKHz
}

// StartTimer has this CPU interrupted at VectorTimer once, ns nanoseconds from now (at most about a minute).
func StartTimer(ns uint64) {
	a := &localAPIC
	if Clock.Deadline {
		a.write(regLVTTimer, lvtTimerDeadline|VectorTimer)
		wrmsr(msrTSCDeadline, TSC()+ns*Clock.TSCKHz/1_000_000)
		return
	}
	a.write(regDivide, timerDivide16)
	a.write(regLVTTimer, lvtTimerOneShot|VectorTimer)
	a.write(regInitCount, clampTicks(ns))
}

// StartTicks has this CPU interrupted at VectorTimer every ns nanoseconds.
func StartTicks(ns uint64) {
	a := &localAPIC
	a.write(regDivide, timerDivide16)
	a.write(regLVTTimer, lvtTimerPeriodic|VectorTimer)
	a.write(regInitCount, clampTicks(ns))
}

// StopTimer cancels either.
func StopTimer() {
	localAPIC.write(regLVTTimer, lvtMasked)
	localAPIC.write(regInitCount, 0)
}

func clampTicks(ns uint64) uint32 {
	return uint32(min(max(ns*Clock.TimerKHz/1_000_000, 1), 1<<32-1))
}

// DelayUs waits, busy, for at least us microseconds. Usable once Calibrate has run.
func DelayUs(us uint64) {
	start, n := TSC(), us*Clock.TSCKHz/1000
	for TSC()-start < n {
		Pause()
	}
}
