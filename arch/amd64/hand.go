//go:build exokernel

package amd64

import (
	"math/bits"
	"runtime"
	"unsafe"
)

// From one thread of ring 3 to another in one step: Hand. A thread that is left so has nothing on its kernel stack but the frame of its
// system call. So who hands the CPU back need restore no more than that, and who switches to it otherwise finds it in OnResume.

// Parking is what is added to a task's word when its stack has been left.
const Parking = 1

// OnResume is called on the stack of a thread that Hand has left when Switch comes back to it, with what that brings; it returns what
// the thread's system call does.
var OnResume func(a, b unsafe.Pointer, c uintptr) int64

// OnLate is called if a task's word was not what Hand was told: it has been left, and woken before that. Interrupts are off.
var OnLate func(word unsafe.Pointer)

func handAt() (over, resumed uintptr)

// overPC is where handOver is; 0: this CPU cannot do that.
var overPC uintptr

// MayHand says whether Hand can be called: where bases of FS and GS have instructions.
func MayHand() bool { return overPC != 0 }

// atCall is what a stack at rest looks like that Hand has left: SwitchTo finds a frame pointer there, and where to go on.
var atCall [2]uintptr

// AtCall says whether Hand has left t, which is at rest.
func (t *Thread) AtCall() bool { return t.rest.SP == uintptr(unsafe.Pointer(&atCall)) }

// CallFrame is where on a thread's kernel stack, which begins at top, a system call's frame is.
func CallFrame(top uintptr) *SysFrame {
	return (*SysFrame)(Pointer(top - unsafe.Sizeof(SysFrame{})))
}

// Leaves is where it is said from which set, of 64 CPUs, Hand takes this CPU when it has loaded another CR3.
func (c *CPU) Leaves() *unsafe.Pointer { return &c.leaves }

// Hand leaves the thread that runs here, in a system call, for another one that AtCall is true of: that returns from its
// call with a result. word is the task's of the thread that is left; old becomes old+Parking when it has been left. cr3 is of the space that
// the other one needs, 0: it is loaded; then the CPU's bit is taken out of the set that Leaves says. The other one ran on this CPU last.
// Interrupts are off, and no lock is held. It does not return.
//
//exo:inline
func Hand(user *UserState, frame *SysFrame, to *Thread, word unsafe.Pointer, old uint64, t *Thread, result int64, cr3 uint64) {
	t.rest.SP = uintptr(unsafe.Pointer(&atCall))
	runtime.Hand(cr3, unsafe.Pointer(user), unsafe.Pointer(frame), unsafe.Pointer(to.rest.G), word, old, result)
}

// HandOver leaves the thread that runs here as Hand does, for a stack that has been left otherwise, and is at rest: it goes on there as
// Switch says, with what that brings. It does not return.
func HandOver(a, b unsafe.Pointer, c uintptr, to, t *Thread) {
	g := to.rest.G
	g.CPU = runtime.Getg().CPU
	t.rest.SP = uintptr(unsafe.Pointer(&atCall))
	runtime.Leave(overPC, a, b, Pointer(c), unsafe.Pointer(g), uint64(to.rest.SP))
}

// NowNsWith is NowNs for who measures what it spends, and keeps two words in registers meanwhile.
func NowNsWith(a, b unsafe.Pointer) (now uint64, b1, a1 unsafe.Pointer) {
	tsc, b, a := runtime.ReadTSC(a, b)
	now, _ = bits.Mul64(tsc<<(64-tickBits), nsPerTick)
	return now, b, a
}
