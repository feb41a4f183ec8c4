//go:build exokernel

package amd64

// The first serial port, a 16550 (National Semiconductor PC16550D data sheet): polled, 115200 8N1.
const (
	com1    = 0x3F8
	COM1IRQ = 4

	uartData = com1 + 0
	uartIER  = com1 + 1
	uartFCR  = com1 + 2
	uartLCR  = com1 + 3
	uartMCR  = com1 + 4
	uartLSR  = com1 + 5

	lsrTransmitEmpty = 0x20
)

// InitUART sets the line up; it works without, if the loader left it usable.
func InitUART() {
	Outb(uartIER, 0)
	Outb(uartLCR, 0x80) // divisor latch
	Outb(uartData, 1)   // 115200
	Outb(uartIER, 0)
	Outb(uartLCR, 3)
	Outb(uartFCR, 0xC7) // FIFOs on, cleared
	Outb(uartMCR, 0x0B) // DTR, RTS, OUT2 (which lets the interrupt through)
}

// PutByte sends one byte. A port that never becomes ready, or is not there, costs a bounded wait.
//
//go:nosplit
func PutByte(b byte) {
	for range 100_000 {
		if Inb(uartLSR)&lsrTransmitEmpty != 0 {
			break
		}
	}
	Outb(uartData, b)
}

// UARTTransmitIRQ turns the port's transmitter-empty interrupt on or off. Turning it on while the transmitter is empty
// raises COM1IRQ at once, which makes the port a convenient source of one interrupt through the IOAPIC.
func UARTTransmitIRQ(on bool) {
	if on {
		Outb(uartIER, 2)
	} else {
		Outb(uartIER, 0)
		Inb(uartFCR) // reading IIR acknowledges
	}
}

// putRaw and putHexRaw print where nothing can be trusted but the ports.
//
//go:nosplit
func putRaw(s string) {
	for i := 0; i < len(s); i++ {
		PutByte(s[i])
	}
}

//go:nosplit
func putHexRaw(v uint64) {
	for i := 60; i >= 0; i -= 4 {
		PutByte("0123456789abcdef"[v>>uint(i)&15])
	}
}
