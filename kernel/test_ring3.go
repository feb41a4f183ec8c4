//go:build exokernel

package main

import (
	"runtime"
	"sync/atomic"
	"unsafe"

	"exo/arch/amd64"
	"exo/kernel/ktest"
	"exo/kernel/mm"
	"exo/kernel/mm/paging"
	"exo/kernel/sched"
)

// Tests of the way to ring 3 and back, by samples of code that need nothing but that: one space, in it the samples and for each
// thread a page of data with its stack.

const (
	ringCode = testBase
	ringData = testBase + 16*mm.FrameSize // thread i's, 2 pages further each
	ringTop  = 1<<47 - 2*mm.FrameSize     // the last page that ring 3 can have
	ringAt   = 0x400                      // of SampleData in that page
	ringFS   = 0xF00                      // of a word that FS may point at
	ringGS   = 0xF08

	ringThreads = 16
)

// ringThread is a thread of these tests: no environment made it, and none will see it end.
type ringThread struct {
	thread
	page  []byte // its data, as the kernel sees it
	base  uint64 // and where ring 3 does
	entry uint64
	ended atomic.Uint32
	ticks atomic.Uint64 // timer interrupts that had another run

	flags   uint64 // of the kernel in the latest call
	vector  uint64 // of the latest trap
	err     uint64
	rip     uint64
	address uint64
	traps   uint64
	before  uint64 // BeforeUser
}

// ring3Env is where they run: nothing of it is used but the space.
var ring3Env env

var ring3 ring3Test

// ring3Test is what a test has.
type ring3Test struct {
	t       *ktest.T
	at      [10]uint64 // where each sample is
	threads [ringThreads]*ringThread
	call    func(*ringThread, *amd64.SysFrame) int64 // calls 0 and 2
	trap    func(*ringThread, *amd64.Frame)
	foreign func(*ringThread, *amd64.Frame)
	before  func(*ringThread, *amd64.Frame)

	saved        [amd64.SyscallSlots + 1]amd64.Syscall
	savedTrap    func(*amd64.UserState, *amd64.Frame)
	savedForeign func(*amd64.UserState, *amd64.Frame)
	savedBefore  func(*amd64.UserState, *amd64.Frame)
}

// ringOf is the thread whose state s is.
//
// SAFETY: threads of these tests alone run, and the state is a thread's first field.
func ringOf(s *amd64.UserState) *ringThread { return (*ringThread)(unsafe.Pointer(s)) }

func (th *ringThread) data() *amd64.SampleData {
	return (*amd64.SampleData)(unsafe.Pointer(&th.page[ringAt]))
}

func (th *ringThread) at() uint64 { return th.base + ringAt }

// openRing makes the space and n threads; false: the test is skipped, or failed.
func openRing(t *ktest.T, cpu, n int) bool {
	if !freshRoom() {
		t.Skip("there is no memory for it")
		return false
	}
	return makeRing(t, cpu, n)
}

// makeRing is openRing in the memory that there is for tests.
func makeRing(t *ktest.T, cpu, n int) bool {
	g := &ring3
	g.t = t
	err := ring3Env.space.init(tableAccount{policy: &kernelMemory, owner: testOwner, limit: 32}, room[paging.Local](ncpu))
	if !t.Check(cpu, err == nil, "a space can be made") {
		return false
	}
	var code [2][]byte
	for i := range code {
		if code[i] = ringPage(t, cpu, ringCode+uint64(i)*mm.FrameSize, paging.Read|paging.Exec); code[i] == nil {
			return false
		}
	}
	at := 0
	for i := range amd64.SampleResume + 1 {
		g.at[i] = ringCode + uint64(at)
		for _, b := range i.Bytes() {
			code[at/mm.FrameSize][at%mm.FrameSize] = b
			at++
		}
		at = (at + 63) &^ 63
	}
	for i := range n {
		th := &room[ringThread](1)[0]
		g.threads[i] = th
		th.base = ringData + uint64(i)*2*mm.FrameSize
		if th.page = ringPage(t, cpu, th.base, paging.Read|paging.Write); th.page == nil {
			return false
		}
	}
	g.serve()
	return true
}

// serve has ring 3 served by these tests, until unserve.
func (g *ring3Test) serve() {
	g.call, g.trap, g.foreign, g.before = nil, nil, nil, nil
	g.saved = *amd64.Syscalls()
	g.savedTrap, g.savedForeign, g.savedBefore = amd64.OnUserTrap, amd64.OnForeign, amd64.BeforeUser
	amd64.SetSyscalls(ringCalls[:], func(*amd64.UserState, *amd64.SysFrame) int64 { return -1000 })
	amd64.OnUserTrap = func(s *amd64.UserState, f *amd64.Frame) {
		th := ringOf(s)
		th.vector, th.err, th.rip, th.address = f.Vector, f.Err, f.RIP, amd64.CR2()
		th.traps++
		ring3.trap(th, f)
	}
	amd64.OnForeign = func(s *amd64.UserState, f *amd64.Frame) { ring3.foreign(ringOf(s), f) }
	amd64.BeforeUser = func(s *amd64.UserState, f *amd64.Frame) {
		s.Pending.Store(0)
		ringOf(s).before++
		if ring3.before != nil {
			ring3.before(ringOf(s), f)
		}
	}
}

func (g *ring3Test) unserve() {
	*amd64.Syscalls() = g.saved
	amd64.OnUserTrap, amd64.OnForeign, amd64.BeforeUser = g.savedTrap, g.savedForeign, g.savedBefore
}

var ringCalls = [...]amd64.Syscall{ringCall, ringDone, ringCall, func(*amd64.UserState, *amd64.SysFrame) int64 { return 3 }}

func ringCall(s *amd64.UserState, f *amd64.SysFrame) int64 {
	th := ringOf(s)
	th.flags = uint64(runtime.Flags())
	if ring3.call == nil {
		return 0
	}
	return ring3.call(th, f)
}

func closeRing(t *ktest.T, cpu int) {
	ring3.unserve()
	drop()
	closeSpace(t, cpu, &ring3Env.space)
}

// ringPage maps a page, and returns it as the kernel sees it.
func ringPage(t *ktest.T, cpu int, va uint64, perm paging.Perm) []byte {
	f, ok := userFrame(cpu, int(topology.NodeOf(0)))
	if !t.Check(cpu, ok && ring3Env.space.mapPage(va, f, paging.Small, perm) == nil, "a page can be mapped") {
		return nil
	}
	return amd64.PhysAddr(f.Addr()).Bytes(mm.FrameSize)
}

// fill gives the thread what a sample begins with.
func (th *ringThread) fill(r *ktest.Rand) *amd64.SampleData {
	d := th.data()
	*d = amd64.SampleData{}
	for i := range d.GPR {
		d.GPR[i] = r.Uint64()
		d.XMM[i] = [2]uint64{r.Uint64(), r.Uint64()}
	}
	d.GPR[0] = 0
	d.RFLAGS = r.Uint64()&(0x8D5|1<<10|1<<14|1<<18|1<<21) | 2
	d.MXCSR = uint32(r.Uint64() & 0xFFBF)
	d.FCW = uint32(r.Uint64()&0xC00) | 0x37F
	d.X87 = r.Uint64() >> 12
	d.FS, d.GS = r.Uint64()>>17, r.Uint64()>>17
	d.Report = ring3.at[amd64.SampleReport]
	th.user.Init()
	if amd64.CPUFeatures.FSGSBASE {
		d.SetBases = 1
		switch r.N(4) {
		case 0: // as if it were the kernel's
			d.GS = uint64(uintptr(unsafe.Pointer(amd64.CPUByIndex(0))))
		case 1:
			d.FS = ^d.FS
		}
	} else {
		th.user.SetBases(th.base+ringFS, th.base+ringGS)
		*word64(th.page, ringFS) = d.FS
		*word64(th.page, ringGS) = d.GS
	}
	th.ended.Store(0)
	th.traps, th.before = 0, 0
	return d
}

// start has thread i run from entry, on the CPUs of affinity.
func startRing(t *ktest.T, cpu, i int, entry, affinity uint64) bool {
	ring3.threads[i].entry = entry
	_, err := spawn(&sched.Start{Name: "ring3", Detached: true, Affinity: affinity}, ringTask, uint64(i))
	return t.Check(cpu, err == nil, "a task can be made")
}

func ringTask(i uint64) uint64 {
	th := ring3.threads[i]
	p := currentPart()
	th.env, th.space, th.top = &ring3Env, &ring3Env.space.Space, p.hi
	amd64.IRQDisable()
	p.thread = &th.thread
	here().switchUser(&th.thread)
	amd64.EnterUser(th.entry, th.at(), th.at())
	return 0
}

// ringDone is system call 1.
func ringDone(s *amd64.UserState, f *amd64.SysFrame) int64 {
	th := ringOf(s)
	th.leaveUser()
	th.ended.Store(1)
	exit(0)
	return 0
}

// run is start, and waits for the end.
func runRing(t *ktest.T, cpu, i int, entry uint64) bool {
	th := ring3.threads[i]
	return startRing(t, cpu, i, entry, 1<<cpu) &&
		t.Until(cpu, func() bool { return th.ended.Load() != 0 }, "the thread came to its end")
}

// same compares what a sample ended with to what it began with. call: but for what a system call changes.
func (th *ringThread) same(t *ktest.T, cpu int, call bool) {
	d := th.data()
	o := &d.Out
	for i := range d.GPR {
		switch {
		case i == 4:
			t.Equal(cpu, o.GPR[i], th.at(), "RSP")
		case call && (i == 0 || i == 1 || i == 11):
		default:
			t.Equal(cpu, o.GPR[i], d.GPR[i], "a register")
		}
		want := d.XMM[i]
		if call {
			want = [2]uint64{}
		}
		t.Equal(cpu, o.XMM[i][0], want[0], "an XMM register's lower half")
		t.Equal(cpu, o.XMM[i][1], want[1], "an XMM register's upper half")
	}
	t.Equal(cpu, uint64(o.MXCSR), uint64(d.MXCSR), "MXCSR")
	t.Equal(cpu, uint64(uint16(o.FCW)), uint64(d.FCW), "the x87 control word")
	t.Equal(cpu, o.X87, d.X87, "what was on the x87 stack")
	t.Equal(cpu, o.FS, d.FS, "FS")
	t.Equal(cpu, o.GS, d.GS, "GS")
	t.Equal(cpu, o.Segments, 0, "segment registers")
}

// kernelFlags checks what the kernel had of ring 3's RFLAGS: none of TF, IF, DF, IOPL, NT, AC.
func (th *ringThread) kernelFlags(t *ktest.T, cpu int) {
	t.Equal(cpu, th.flags&(1<<8|1<<9|1<<10|3<<12|1<<14|1<<18), 0, "RFLAGS of the kernel in a system call")
}

// Floating point in the kernel is rounded to nearest, and a division by zero is infinite, whatever ring 3 likes. These are
// variables to keep the compiler from knowing.
var zero, three, ten float64 = 0, 3, 10

func kernelRounds() bool { return 1/three == 1.0/3 && 1/ten == 1.0/10 && 1/zero > 1 }

// testRingCall: a null call comes back with the registers as promised, whatever the kernel did with them; so does one whose end is
// looked at, and one that is foreign.
func testRingCall(t *ktest.T, cpu int) {
	if cpu == 0 {
		openRing(t, cpu, ringThreads)
		ring3.call = func(th *ringThread, f *amd64.SysFrame) int64 {
			if !kernelRounds() {
				ring3.t.Check(0, false, "the kernel has its own MXCSR")
			}
			clobberAll()
			if th.user.Calls%2 == 0 {
				th.user.Pending.Store(1)
			}
			return -77
		}
	}
	t.Barrier()
	if cpu < ringThreads && !t.Skipped() && !t.Failed() {
		th := ring3.threads[cpu]
		for n := range uint64(40) {
			d := th.fill(t.Rand(cpu))
			th.user.Calls = n
			if !runRing(t, cpu, cpu, ring3.at[amd64.SampleCall]) {
				break
			}
			o := &d.Out
			t.Equal(cpu, o.GPR[0], ^uint64(76), "RAX, the result")
			t.Equal(cpu, o.RFLAGS, d.RFLAGS|1<<9, "RFLAGS")
			t.Check(cpu, o.GPR[1]-ring3.at[amd64.SampleCall] < 4096 && o.GPR[11] == o.RFLAGS, "RCX and R11 are where it came from")
			t.Equal(cpu, th.before, n%2, "looks before ring 3") // the call counts, too
			th.kernelFlags(t, cpu)
			th.same(t, cpu, true)
			t.Count(1)
		}
	}
	t.Barrier()
	if cpu == 0 && !t.Skipped() {
		closeRing(t, cpu)
	}
}

// testRingForeign: a SYSCALL that is not for this kernel changes nothing that its handler does not.
func testRingForeign(t *ktest.T, cpu int) {
	if cpu == 0 {
		openRing(t, cpu, ringThreads)
		ring3.foreign = func(th *ringThread, f *amd64.Frame) {
			th.flags = uint64(runtime.Flags())
			d := th.data()
			ok := f.Vector == amd64.VectorForeign && f.RAX == d.GPR[0] && f.RDX == d.GPR[2] && f.RBX == d.GPR[3] && f.RBP == d.GPR[5] &&
				f.RSI == d.GPR[6] && f.RDI == d.GPR[7] && f.R8 == d.GPR[8] && f.R9 == d.GPR[9] && f.R10 == d.GPR[10] && f.R15 == d.GPR[15] &&
				f.RSP == th.at() && f.RFLAGS == d.RFLAGS|1<<9 && f.XMM == d.XMM
			ring3.t.Check(0, ok, "the frame is what ring 3 had")
			amd64.IRQRestore(flagsIF)
			yield()
			clobberAll()
			f.RAX = 99
			f.RFLAGS |= 1<<12 | 1<<13 | 1<<17
			f.CS, f.SS = 0x08, 0x10
		}
	}
	t.Barrier()
	if cpu < ringThreads && !t.Skipped() && !t.Failed() {
		th := ring3.threads[cpu]
		for range 40 {
			d := th.fill(t.Rand(cpu))
			report := ring3.at[amd64.SampleReport]
			th.user.SetText(report, report+uint64(len(amd64.SampleReport.Bytes())))
			if !runRing(t, cpu, cpu, ring3.at[amd64.SampleCall]) {
				break
			}
			o := &d.Out
			t.Equal(cpu, o.GPR[0], 99, "RAX")
			t.Equal(cpu, o.RFLAGS, d.RFLAGS|1<<9, "RFLAGS")
			th.kernelFlags(t, cpu)
			copy(d.Out.GPR[:1], d.GPR[:1])
			o.GPR[1], o.GPR[11] = d.GPR[1], d.GPR[11]
			th.same(t, cpu, false)
			t.Count(1)
		}
	}
	t.Barrier()
	if cpu == 0 && !t.Skipped() {
		closeRing(t, cpu)
	}
}

// testRingPreempted: threads that take turns by the timer lose no register, and get none of another's.
func testRingPreempted(t *ktest.T, cpu int) {
	const each, wanted = 2, 300
	if cpu == 0 {
		openRing(t, cpu, ringThreads)
		onTick = func(me *local) {
			if u := amd64.CurrentUser(); u != nil {
				if th := ringOf(u); th.ticks.Add(1) == wanted {
					th.data().Stop = 1
				}
				me.resched = true
			}
		}
	}
	t.Barrier()
	if cpu < ringThreads/each && !t.Skipped() && !t.Failed() {
		flags := amd64.IRQDisable()
		here().ticking = true
		amd64.StartTicks(manyTimers(200_000))
		amd64.IRQRestore(flags)
		mine := ring3.threads[cpu*each : cpu*each+each]
		for i, th := range mine {
			th.fill(t.Rand(cpu))
			th.ticks.Store(0)
			startRing(t, cpu, cpu*each+i, ring3.at[amd64.SampleSpin], 1<<cpu)
		}
		t.Until(cpu, func() bool { return mine[0].ended.Load()&mine[1].ended.Load() != 0 }, "the threads came to their end")
		stopTimer()
		const kept = 1<<10 | 1<<14 | 1<<18 | 1<<21
		for _, th := range mine {
			th.same(t, cpu, false)
			t.Equal(cpu, th.data().Out.RFLAGS&kept, th.data().RFLAGS&kept, "RFLAGS")
			t.Count(th.ticks.Load())
		}
	}
	t.Barrier()
	if cpu == 0 && !t.Skipped() {
		onTick = nil
		closeRing(t, cpu)
	}
}
