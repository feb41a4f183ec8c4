//go:build exokernel

package main

import "exo/arch/amd64"

// The time of day: what the clock of the board says at boot, in UTC, and the time since.

const (
	cmosIndex = 0x70
	cmosData  = 0x71

	rtcStatusA  = 0x0a // bit 7: it is changing
	rtcStatusB  = 0x0b // bit 2: binary, else BCD; bit 1: 24 hours
	rtcUpdating = 1 << 7
	rtcBinary   = 1 << 2
	rtc24       = 1 << 1
	rtcPM       = 1 << 7
	rtcTries    = 10_000
)

// wallClock says what time it is.
type wallClock struct{ boot int64 }

var wall wallClock

// WallNs is the nanoseconds since 1970.
func (w *wallClock) WallNs() int64 { return w.boot + int64(amd64.NowNs()) }

func readWall() { wall.boot = readRTC()*1_000_000_000 - int64(amd64.NowNs()) }

// rtc is what the clock's registers say.
type rtc struct{ second, minute, hour, day, month, year byte }

func cmos(reg uint8) uint8 {
	amd64.Outb(cmosIndex, reg)
	return amd64.Inb(cmosData)
}

// readRTC is the seconds since 1970; 0: there is no such clock.
func readRTC() int64 {
	before := rtc{}
	for range rtcTries {
		if cmos(rtcStatusA)&rtcUpdating != 0 {
			continue
		}
		now := rtc{cmos(0), cmos(2), cmos(4), cmos(7), cmos(8), cmos(9)}
		if now == before { // read twice, so not between two of its ticks
			return now.seconds(cmos(rtcStatusB))
		}
		before = now
	}
	return 0
}

// seconds is the registers' time; 0: it is none.
func (r rtc) seconds(status uint8) int64 {
	pm := r.hour&rtcPM != 0
	r.hour &^= rtcPM
	if status&rtcBinary == 0 {
		for _, p := range [...]*byte{&r.second, &r.minute, &r.hour, &r.day, &r.month, &r.year} {
			*p = *p>>4*10 + *p&15
		}
	}
	if status&rtc24 == 0 {
		if r.hour %= 12; pm {
			r.hour += 12
		}
	}
	if r.second > 59 || r.minute > 59 || r.hour > 23 || r.day == 0 || r.day > 31 || r.month == 0 || r.month > 12 || r.year > 99 {
		return 0
	}
	// Days of the civil calendar since 1970-01-01, years beginning in March (2000 to 2099: each fourth one is a leap year).
	y, m := int64(r.year)+2000, int64(r.month)
	if m <= 2 {
		y--
		m += 12
	}
	days := 365*y + y/4 - y/100 + y/400 + (153*(m-3)+2)/5 + int64(r.day) - 1 - 719468
	return ((days*24+int64(r.hour))*60+int64(r.minute))*60 + int64(r.second)
}
