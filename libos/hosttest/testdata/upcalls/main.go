//go:build exouser

// Upcalls enters the upcall stubs as the kernel would, with a frame on the upcall stack and a pattern in every register, and
// says what the handler saw and what came back.
package main

import (
	"runtime"
	"unsafe"

	"exo/kernel/abi"
	"exo/libos/start"
	"exo/libos/startpage"
	"exo/libos/sys"
	"exo/libos/upcall"
)

type state struct {
	gpr   [15]uint64 // as in Regs: RAX … R15 without RSP
	flags uint64
	xmm   [16][2]uint64
}

var (
	before, after state
	frame         abi.UpcallFrame
	seen          [5]int
	nested        bool
	entries       [4]uint64
	deepest       uintptr
)

// enter loads before into the registers, jumps to entry with RSP at a copy of frame below the upcall stack pointer top, and
// stores the registers that it comes back with in after.
func enter(entry, top uint64)

func say(s string) { sys.ConsoleWrite(sys.StartCap(startpage.RoleConsole, 0), []byte(s+"\n")) }

func decimal(n uint64) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return decimal(n/10) + decimal(n%10)
}

func check(what string, ok bool) {
	if !ok {
		println("wrong:", what)
		sys.EnvExit(3)
	}
	seen[4]++
}

//go:noinline
func useStack(n int) uintptr {
	var a [64]byte
	a[n&63] = 1
	if n == 0 {
		return uintptr(unsafe.Pointer(&a))
	}
	return useStack(n - 1)
}

// handler uses registers as any Go code does, deep enough for stack checks.
func handler(kind int) upcall.Handler {
	return func(f *abi.UpcallFrame, regs *upcall.Regs) {
		seen[kind]++
		g := runtime.Getg()
		check("the g is the thread's for upcalls", g == &start.First().UpG)
		check("the frame is on its stack", uintptr(unsafe.Pointer(f)) >= g.StackLo && uintptr(unsafe.Pointer(f)) < g.StackHi)
		check("the frame's words", f.Vector == 14 && f.Err == 6 && f.Address == 0x1234)
		if nested {
			check("the g that was interrupted", regs.G == &start.First().UpG)
			return
		}
		check("the g that was interrupted", regs.G == &start.First().G)
		for i, v := range unsafe.Slice(&regs.RAX, 15) {
			check("a general register", v == before.gpr[i])
		}
		check("XMM", regs.XMM == before.xmm)
		deepest = useStack(40)
		check("stack", deepest >= g.StackLo && deepest < g.StackHi)
		if kind == 0 { // another one, while it handles this
			nested = true
			saved, back := before, after
			enter(entries[0], uint64(uintptr(unsafe.Pointer(&f)))-4096)
			before, after = saved, back
			nested = false
		}
		regs.RBX += uint64(kind)
		f.RFLAGS |= 1 // the carry flag
	}
}

func main() {
	page := sys.Start()
	h := upcall.Handlers{Fault: handler(0), Foreign: handler(1), Revoke: handler(2), Slice: handler(3)}
	h.OwnFS = sys.Args().Len() > 1
	entries = upcall.Entries(&h)
	frame.Vector, frame.Err, frame.Address = 14, 6, 0x1234
	for round := range 400 {
		for i := range before.gpr {
			before.gpr[i] = uint64(i+1)*0x0101010101010101 + uint64(round)
		}
		for i := range before.xmm {
			before.xmm[i] = [2]uint64{uint64(i)<<32 + uint64(round), ^uint64(i)}
		}
		kind := uint64(round % 4)
		enter(entries[kind], page.Upcall.High)
		want := before.gpr
		want[1] += kind // RBX
		check("general registers afterwards", after.gpr == want)
		check("XMM afterwards", after.xmm == before.xmm)
		check("flags afterwards", after.flags&1 == 1)
		check("the g afterwards", runtime.Getg() == &start.First().G)
	}
	say("upcalls: " + decimal(uint64(seen[0])) + " " + decimal(uint64(seen[1])) + " " + decimal(uint64(seen[2])) + " " +
		decimal(uint64(seen[3])) + ", checks: " + decimal(uint64(seen[4])))
}
