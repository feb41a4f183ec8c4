//go:build exokernel

package runtime

import "unsafe"

// The hottest primitives live here because only this package may define assembly with the register ABI:
// a call costs CALL, the instruction and RET, without the spill and the wrapper of ordinary Go assembly.
// hot_amd64.s has the bodies.

// Pause tells the CPU that this is a spin loop.
func Pause()

// IRQDisable turns interrupts off and returns RFLAGS as they were.
func IRQDisable() (flags uintptr)

// Flags returns RFLAGS.
func Flags() (flags uintptr)

// IRQRestore sets RFLAGS, and with it the interrupt flag, to what IRQDisable returned.
func IRQRestore(flags uintptr)

// IRQOff turns interrupts off, for who knows that they are on.
func IRQOff()

// IRQOn turns interrupts on, whatever they were.
func IRQOn()

// RDTSC reads the time-stamp counter, in ticks; LFENCE before it keeps earlier loads from drifting past.
func RDTSC() uint64

// CallerPC returns where the caller of its caller goes on. Its caller must have a frame, as all have that make a call.
func CallerPC() uintptr

// ReadTSC is RDTSC without a fence, for who measures time that it spends. a and b come back as they are: they stay in registers.
func ReadTSC(a, b unsafe.Pointer) (tsc uint64, b1, a1 unsafe.Pointer)

// LoadCR3 loads it.
func LoadCR3(v uint64)

// InvalidatePage has the TLB forget the page that covers va (INVLPG).
func InvalidatePage(va uintptr)

// Call calls what is at pc, with words in BX, CX and DI, and returns what it leaves in AX.
func Call(pc, a uintptr, b unsafe.Pointer, c uint64) uint64

// ReadCR2 reads it.
func ReadCR2() uint64

// Hand goes on in arch/amd64's hand, with words in AX, BX, CX, DI, SI, R8 and R9, and does not return.
func Hand(a uint64, b, c, d, e unsafe.Pointer, f uint64, g int64)

// Leave goes on at pc, with words in BX, CX, DI, SI and R8, and does not return.
func Leave(pc uintptr, a, b, c, d unsafe.Pointer, e uint64)

// Rest is a thread of control that does not run: where it goes on, and its g.
type Rest struct {
	SP uintptr // its stack: the frame pointer on top, the place to go on at below it
	G  *G
}

// SwitchTo leaves the stack in use, to be found at from, for that of to, whose g is on this CPU then. It returns when some
// CPU switches to from, with the three words that this one brings: it leaves them in registers, where they are. Interrupts are off.
func SwitchTo(a, b unsafe.Pointer, c uintptr, from, to *Rest) (unsafe.Pointer, unsafe.Pointer, uintptr)
