//go:build exokernel

package amd64

// The 8254 interval timer's channel 2, counting down once from 65536 at 1.193182 MHz: 54 ms, enough for calibration.
type pit struct{ last, high uint64 }

var thePIT pit

const (
	pitChannel2 = 0x42
	pitCommand  = 0x43
	pitGate     = 0x61
)

func startPIT() {
	Outb(pitGate, Inb(pitGate)&^2|1) // gate on, speaker off
	Outb(pitCommand, 0xB4)           // channel 2, low then high byte, mode 2: reload for ever
	Outb(pitChannel2, 0)
	Outb(pitChannel2, 0)
	thePIT = pit{}
}

// read returns ticks since startPIT; it must be called at least every 54 ms to see each wrap.
func (p *pit) read() uint64 {
	Outb(pitCommand, 0x80) // latch channel 2
	lo, hi := uint64(Inb(pitChannel2)), uint64(Inb(pitChannel2))
	t := (0x10000 - (hi<<8 | lo)) & 0xffff
	if t < p.last {
		p.high += 0x10000
	}
	p.last = t
	return p.high + t
}

func (p *pit) femtoseconds() uint64 { return 838_095_110 }
