//go:build exokernel

package amd64

import (
	"sync/atomic"
	"unsafe"
)

// Ring 3: threads of programs, entered from and returned to by the code in syscall_amd64.s and trap_amd64.s.
//
// A thread is a task of the kernel's with a UserState. While it is in ring 3 its kernel stack is empty; SYSCALL, exceptions
// and interrupts begin at the stack's top. XMM registers are saved there, or are dead: a system call returns with all of them
// zero. x87 and MXCSR stay in the CPU until another thread runs (SwitchUser); the kernel uses neither x87 nor, before
// it has put its own MXCSR, floating point.
//
// Interrupts are off where this package calls the functions that are variables here, and the called may turn them on. They
// run on the thread's kernel stack, may block, and need not return.

// UserState is what a thread of ring 3 has that is not on its kernel stack. 16-byte aligned; Init it before use.
type UserState struct {
	fx [512]byte // FXSAVE64: x87. While the thread's task does not run.

	// Bases of FS and GS: of FS while the thread is in the kernel, of GS while its task does not run. A CPU without FSGSBASE
	// cannot say what ring 3 did to them: a return to ring 3 brings back what is here.
	fs, gs uint64

	// Pending is not 0 if BeforeUser has something to do. Others may set bits, and then interrupt the CPU.
	Pending atomic.Uint32
	mxcsr   uint32

	Calls uint64 // system calls made, native ones

	low, length uint64 // RCX - low < length: it comes from SYSCALL in its own text
}

// SysFrame is on the kernel stack while a system call is served. What is exported may be changed, and is what ring 3 gets;
// but RAX is what the function returned.
type SysFrame struct {
	_                            [2]uint64 // where the called may put its arguments
	R9, R8, R10, RDX, RSI, RDI   uint64    // arguments 6, 5, 4, 3, 2, 1
	r15, r14, r13, r12, rbp, rbx uint64
	RAX                          uint64 // the call's number
	rip, rflags, rsp             uint64
}

// RIP is where the call returns to, RSP the stack pointer there.
func (f *SysFrame) RIP() uint64 { return f.rip }
func (f *SysFrame) RSP() uint64 { return f.rsp }

// SyscallSlots is how many numbers of system calls there may be.
const SyscallSlots = 128

// Syscall performs a system call of the thread that s belongs to. What it returns goes into RAX.
type Syscall func(s *UserState, f *SysFrame) int64

// syscalls[n] is call number n, the last one any number that is too large.
var syscalls [SyscallSlots + 1]Syscall

// SetSyscalls makes table the system calls; numbers that it lacks are other's. Before the first EnterUser.
func SetSyscalls(table []Syscall, other Syscall) {
	for i := range syscalls {
		syscalls[i] = other
		if i < min(len(table), SyscallSlots) && table[i] != nil {
			syscalls[i] = table[i]
		}
	}
}

// Syscalls are the system calls as they are set; for tests, which put others in their place.
func Syscalls() *[SyscallSlots + 1]Syscall { return &syscalls }

// OnUserTrap serves an exception that came from ring 3: f.Vector, f.Err, and CR2 if it is a page fault. It may change f, which
// is what ring 3 goes on with: CS, SS, IOPL and the like are put right, and RIP if it is no address of ring 3's.
var OnUserTrap = func(_ *UserState, f *Frame) { fatal(f) }

// OnForeign serves SYSCALL from outside the text that SetText names: f is as ring 3 was, RIP behind the SYSCALL; RCX and R11
// are the instruction's. All of f comes back but what it changes, XMM included.
var OnForeign func(s *UserState, f *Frame)

// VectorForeign is such a frame's Vector.
const VectorForeign = 0x100

// BeforeUser is called before a return to ring 3, from anything, for as long as s.Pending is not 0. It may change f like
// OnUserTrap. After a system call f.RAX is its result; XMM are zero.
var BeforeUser func(s *UserState, f *Frame)

// Init makes s a new thread's: no x87 state, bases 0, no text.
func (s *UserState) Init() {
	if uintptr(unsafe.Pointer(s))%16 != 0 {
		panic("usermode: a UserState is not aligned")
	}
	*s = UserState{mxcsr: 0x1F80}
	*(*uint16)(unsafe.Pointer(&s.fx)) = 0x37F
	*(*uint32)(unsafe.Pointer(&s.fx[24])) = 0x1F80
	s.SetText(0, 0)
}

// SetText says that SYSCALL in [low, high) is for this kernel, and elsewhere foreign; 0, 0: it is for this kernel everywhere.
func (s *UserState) SetText(low, high uint64) {
	s.low, s.length = 0, userTop+1
	if high != 0 {
		s.low, s.length = low+1, 0 // low < address behind the instruction <= high
		if low < high && high <= userTop {
			s.length = high - low
		}
	}
}

// SetBases sets FS and GS, of a thread that does not run or the caller's own. False: that are no addresses of ring 3.
func (s *UserState) SetBases(fs, gs uint64) bool {
	if fs >= 1<<47 || gs >= 1<<47 {
		return false
	}
	flags := IRQDisable()
	s.fs, s.gs = fs, gs
	if ThisCPU().user == s {
		wrmsr(msrKernelGSBase, gs)
	}
	IRQRestore(flags)
	return true
}

// Bases returns them, of a thread that does not run or the caller's own.
func (s *UserState) Bases() (fs, gs uint64) {
	flags := IRQDisable()
	if fs, gs = s.fs, s.gs; ThisCPU().user == s && fsgsbase != 0 {
		gs = rdmsr(msrKernelGSBase)
	}
	IRQRestore(flags)
	return fs, gs
}

// fsgsbase is 1 if the CPU has instructions for the bases of FS and GS.
var fsgsbase uint8

func switchUser(c *CPU, from, to *UserState, top uintptr)
func enterUser(rip, rsp, arg uint64)
func nullSegments(fs, gs uintptr)
func entryPCs() (start, end, call, callMSR uint64)

// SwitchUser is a CPU's part in leaving the thread of from for that of to, nil: a task of the kernel's own. Interrupts off.
// top is where the kernel stack of to begins, 16-byte aligned.
func SwitchUser(from, to *UserState, top uintptr) { switchUser(ThisCPU(), from, to, top) }

// EnterUser begins the thread that runs: in ring 3 at rip with rsp, RDI = arg, all other registers 0. It never returns, and what
// is on the kernel stack is no more. SwitchUser has been called for the thread.
func EnterUser(rip, rsp, arg uint64) { enterUser(rip, rsp, arg) }

// CurrentUser is the state of the thread that runs on this CPU, nil if there is none. As ThisCPU.
func CurrentUser() *UserState { return ThisCPU().user }

// MSRs of SYSCALL (APM vol. 2 §6.1) and SYSENTER.
const (
	msrSTAR         = 0xC0000081
	msrLSTAR        = 0xC0000082
	msrCSTAR        = 0xC0000083
	msrSFMASK       = 0xC0000084
	msrKernelGSBase = 0xC0000102
	msrSysenterCS   = 0x174
)

// Bits of RFLAGS. Ring 3 has those in userFlags; of the others it has IF on and all else off.
const (
	flagTF    = 1 << 8
	flagDF    = 1 << 10
	flagIOPL  = 3 << 12
	flagNT    = 1 << 14
	flagRF    = 1 << 16
	flagID    = 1 << 21
	userFlags = 0x8D5 | flagTF | flagDF | flagNT | flagRF | FlagAC | flagID // 0x8D5: CF, PF, AF, ZF, SF, OF
)

// prepareUser has this CPU, whose block is c, serve ring 3.
func (c *CPU) prepareUser() {
	start, end, call, callMSR := entryPCs()
	if base := vectorBase(); !(start < call && call < base && start < callMSR && callMSR < base && base < end) {
		panic("usermode: the ways in are not where inEntry looks")
	}
	entryStartPC, entryEndPC = start, end
	pushPC, _ = pushPCs()
	c.fsBase = uintptr(unsafe.Pointer(&c.tlsEnd))
	nullSegments(c.fsBase, uintptr(unsafe.Pointer(c)))
	wrmsr(msrSysenterCS, 0)                                 // SYSENTER faults
	wrmsr(msrSTAR, (selUserData-8|3)<<48|selKernelCode<<32) // SYSRET: SS and CS are 8 and 16 above
	wrmsr(msrSFMASK, flagTF|flagIF|flagDF|flagIOPL|flagNT|flagRF|FlagAC)
	if fsgsbase == 0 {
		call = callMSR
	} else {
		overPC, atCall[1] = handAt()
		c.others = ^(1 << c.Index)
	}
	wrmsr(msrLSTAR, call)
	wrmsr(msrCSTAR, call) // from 32-bit code, for which there is no segment
	wrmsr(msrKernelGSBase, 0)
}

var entryStartPC, entryEndPC uint64

// inEntry says whether pc lies where GS or RSP may be ring 3's.
//
//go:nosplit
func inEntry(pc uint64) bool { return pc-entryStartPC < entryEndPC-entryStartPC }

// debugInEntry ends breakpoints where nothing can serve them.
//
//go:nosplit
func debugInEntry(f *Frame) {
	writeDR7(0)
	f.RFLAGS &^= flagTF
	debugsInEntry.Add(1)
}

var debugsInEntry atomic.Uint64

// userTrap serves an exception or interrupt from ring 3, or a foreign SYSCALL. Interrupts are off.
func userTrap(f *Frame) {
	if f.Vector < VectorIRQ {
		OnUserTrap(ThisCPU().user, f)
	} else if f.Vector == VectorForeign {
		OnForeign(ThisCPU().user, f)
	} else {
		interrupt(f)
	}
	leaveUser(f)
}

// serveTrap is userTrap, for trapUserSaved to call.
var serveTrap = userTrap

// callFrame makes f of a system call's frame.
func callFrame(f *Frame, c *SysFrame) {
	f.XMM = [16][2]uint64{}
	f.R15, f.R14, f.R13, f.R12, f.R11, f.R10 = c.r15, c.r14, c.r13, c.r12, c.rflags, c.R10
	f.R9, f.R8, f.RBP, f.RDI, f.RSI = c.R9, c.R8, c.rbp, c.RDI, c.RSI
	f.RDX, f.RCX, f.RBX, f.RAX = c.RDX, c.rip, c.rbx, c.RAX
	f.Vector, f.Err = 0, 0
	f.RIP, f.RFLAGS, f.RSP = c.rip, c.rflags, c.rsp
	f.CS, f.SS = selUserCode|3, selUserData|3 // an upcall is to find all
	leaveUser(f)
}

// leaveUser returns with interrupts off, and f fit for ring 3.
//
//exo:inline
func leaveUser(f *Frame) {
	IRQDisable()
	if ThisCPU().user.Pending.Load() != 0 || f.RIP>>47 != 0 { // order: pairs with who sets it and then interrupts this CPU
		leaveLater(f)
	}
	f.CS, f.SS = selUserCode|3, selUserData|3
	f.RFLAGS = f.RFLAGS&userFlags | flagIF | 2
	if SpoilReturn != nil {
		SpoilReturn(f)
	}
}

// leaveLater returns when neither is so.
//
//go:noinline
func leaveLater(f *Frame) {
	for {
		s := ThisCPU().user
		if s.Pending.Load() != 0 {
			BeforeUser(s, f)
		} else if f.RIP>>47 != 0 { // no address of ring 3's: IRETQ would fault, here or there, by the CPU's make
			f.Vector, f.Err = VectorProtection, 0
			OnUserTrap(s, f)
			if f.RIP>>47 != 0 {
				f.RIP = 0 // where nothing is mapped
			}
		} else {
			return
		}
		IRQDisable()
	}
}

// SpoilReturn, if it is set, may change what is about to go to ring 3; for testing a return that faults.
var SpoilReturn func(f *Frame)

// BreakInEntry has a debug trap raised once at the entry's first instruction on this CPU, and DebugsInEntry counts those there
// were anywhere; for tests.
func BreakInEntry(offset uint64) {
	writeDR0(rdmsr(msrLSTAR) + offset)
	writeDR7(1)
}

// WatchUser has one raised when this CPU next touches the four bytes at va.
func WatchUser(va uint64) {
	writeDR0(va)
	writeDR7(0xF<<16 | 1)
}

func DebugsInEntry() uint64 { return debugsInEntry.Load() }
