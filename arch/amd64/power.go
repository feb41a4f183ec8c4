//go:build exokernel

package amd64

// How the machine ends. QEMU's isa-debug-exit turns a value v into the exit status 2v+1.
const (
	ExitFail  = 1
	ExitPanic = 2
	ExitPass  = 16

	debugExitPort = 0xF4
)

// DebugExit ends QEMU with status 2v+1 if it has the isa-debug-exit device; otherwise it returns.
//
//go:nosplit
func DebugExit(v uint32) { Outl(debugExitPort, v) }

// SoftOff is what ACPI needs to turn the machine off (ACPI 6.5 §4.8.3.2.1, §16.1.7): the PM1 control ports and the
// sleep type of S5 for each.
type SoftOff struct {
	PM1a, PM1b   uint16 // 0: absent
	TypeA, TypeB uint8
	Known        bool
}

// PowerOff turns the machine off through ACPI; it returns if that did not work.
func (s *SoftOff) PowerOff() {
	if !s.Known {
		return
	}
	const slpEn = 1 << 13
	Outw(s.PM1a, uint16(s.TypeA&7)<<10|slpEn)
	if s.PM1b != 0 {
		Outw(s.PM1b, uint16(s.TypeB&7)<<10|slpEn)
	}
}
