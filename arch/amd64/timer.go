//go:build exokernel

package amd64

import "math/bits"

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
	// A reference that has not moved on by 2 ms in so many ticks never will: two seconds at 4 GHz.
	maxCalibrateTicks = 1 << 33
	// What is assumed then: a fast CPU, so that delays are rather too long.
	assumedTSCKHz, assumedTimerKHz = 4_000_000, 62_500
)

// reference is a free-running counter of known rate.
type reference interface {
	read() uint64
	femtoseconds() uint64 // per tick
}

// Calibrate measures the TSC and the local APIC timer, and says whether it could. On a busy host a window may be off:
// what is measured is read around the reference, outside, so that a delay between two reads can only make the figure
// larger, and the least of three counts.
func Calibrate() bool {
	name, ref := findReference()
	tsc, timer, ok := measure(ref, calibrateNs)
	Clock = Calibration{TSCKHz: tsc, TimerKHz: timer, Source: name, Deadline: CPUFeatures.TSCDeadline}
	if !ok {
		Clock.TSCKHz, Clock.TimerKHz, Clock.Source = assumedTSCKHz, assumedTimerKHz, "guess"
	}
	if khz := CPUFeatures.tscKHz; khz != 0 { // the CPU knows better than a measurement
		Clock.TSCKHz, Clock.Source = khz, "cpuid"
	}
	Clock.TSCKHz, Clock.TimerKHz = max(Clock.TSCKHz, 1), max(Clock.TimerKHz, 1)
	nsPerTick, _ = bits.Div64(1_000_000>>(64-tickBits), 1_000_000<<tickBits&(1<<64-1), max(Clock.TSCKHz, slowestTSCKHz))
	return ok
}

// Recalibrate measures again over a longer window and returns the rates, without using them; for tests.
func Recalibrate(ns uint64) (tscKHz, timerKHz uint64, ok bool) {
	_, ref := findReference()
	return measure(ref, ns)
}

// measure takes the least of three windows of ns nanoseconds of the reference, or gives up if it does not count.
func measure(ref reference, ns uint64) (tscKHz, timerKHz uint64, ok bool) {
	best, bestTimer := ^uint64(0), ^uint64(0)
	a := &localAPIC
	a.write(regDivide, timerDivide16)
	a.write(regLVTTimer, lvtMasked|lvtTimerOneShot)
	ticks := ns * 1_000_000 / ref.femtoseconds()
	for range 3 {
		a.write(regInitCount, ^uint32(0))
		t0, c0 := TSC(), a.read(regCurCount)
		r0 := ref.read()
		for ref.read()-r0 < ticks && TSC()-t0 < maxCalibrateTicks {
			Pause()
		}
		r1 := ref.read()
		c1, t1 := a.read(regCurCount), TSC()
		if r1-r0 < ticks {
			return 0, 0, false
		}
		took := (r1 - r0) * ref.femtoseconds() / 1_000_000
		best = min(best, (t1-t0)*1_000_000/took)
		bestTimer = min(bestTimer, uint64(c0-c1)*1_000_000/took)
	}
	a.write(regInitCount, 0)
	return best, bestTimer, true
}

// TimerCount is what is left of the local APIC timer's count; for tests.
func TimerCount() uint32 { return localAPIC.read(regCurCount) }

func findReference() (string, reference) {
	if theHPET.base != 0 {
		return "hpet", &theHPET
	}
	startPIT()
	return "pit", &thePIT
}

// NowNs is the time since the TSC's zero in nanoseconds.
func NowNs() uint64 {
	hi, _ := bits.Mul64(TSC()<<(64-tickBits), nsPerTick)
	return hi
}

// nsPerTick is how long a tick of the TSC takes, in ns, with tickBits binary places: so that the time is the upper half of a product.
var nsPerTick uint64

const (
	tickBits      = 61
	slowestTSCKHz = 1_000_000>>(64-tickBits) + 1 // nsPerTick has to have room; no CPU of 64 bits is that slow
)

// StartTimer has this CPU interrupted at VectorTimer once, ns nanoseconds from now (at most about a minute).
func StartTimer(ns uint64) {
	a := &localAPIC
	if Clock.Deadline {
		a.write(regLVTTimer, lvtTimerDeadline|VectorTimer)
		storeFence() // the mode before the deadline (SDM vol. 3A §10.5.4.1)
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
