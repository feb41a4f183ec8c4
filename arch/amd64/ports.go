//go:build exokernel

package amd64

// Ports and the serial line, as programs of ring 3 are served with them.

func Inw(port uint16) uint16
func Inl(port uint16) uint32

const lsrDataReady = 0x01

// GetByte takes a byte that has come in on the serial line; false: there is none.
func GetByte() (byte, bool) {
	if lsr := Inb(uartLSR); lsr == 0xFF || lsr&lsrDataReady == 0 {
		return 0, false
	}
	return Inb(uartData), true
}

// UARTReceiveIRQ has the port raise COM1IRQ when something has come in.
func UARTReceiveIRQ() { Outb(uartIER, 1) }

// ClockRate is how many ns a tick of the TSC takes, with so many binary places: NowNs is TSC times that.
func ClockRate() (rate, places uint64) { return nsPerTick, tickBits }
