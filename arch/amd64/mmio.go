//go:build exokernel

package amd64

// Registers of devices: in memory that MapDevice has mapped, or I/O ports. Each access is one instruction, in program order.

func mmioRead8(p uintptr) uint8
func mmioRead16(p uintptr) uint16
func mmioRead32(p uintptr) uint32
func mmioWrite8(p uintptr, v uint8)
func mmioWrite16(p uintptr, v uint16)
func mmioWrite32(p uintptr, v uint32)

// ReadRegister reads 1, 2 or 4 bytes of a register at va.
func ReadRegister(va uintptr, bytes int) uint32 {
	switch bytes {
	case 1:
		return uint32(mmioRead8(va))
	case 2:
		return uint32(mmioRead16(va))
	}
	return mmioRead32(va)
}

// WriteRegister writes 1, 2 or 4 bytes.
func WriteRegister(va uintptr, bytes int, v uint32) {
	switch bytes {
	case 1:
		mmioWrite8(va, uint8(v))
	case 2:
		mmioWrite16(va, uint16(v))
	default:
		mmioWrite32(va, v)
	}
}

// In reads 1, 2 or 4 bytes of a port; Out writes them.
func In(port uint16, bytes int) uint32 {
	switch bytes {
	case 1:
		return uint32(Inb(port))
	case 2:
		return uint32(Inw(port))
	}
	return Inl(port)
}

func Out(port uint16, bytes int, v uint32) {
	switch bytes {
	case 1:
		Outb(port, uint8(v))
	case 2:
		Outw(port, uint16(v))
	default:
		Outl(port, v)
	}
}

// MessageTo is the address and the data of a message that interrupts a CPU at a vector (SDM vol. 3A §11.11); false: it cannot
// be addressed so.
func MessageTo(apicID uint32, vector uint8) (addr uint64, data uint32, ok bool) {
	return 0xfee00000 | uint64(apicID)<<12, uint32(vector), apicID <= 254
}
