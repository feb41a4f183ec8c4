//go:build exouser

// Bench measures what the library OS does, in ticks of the CPU's counter: instructions, where QEMU counts those.
//
//	bench user/NAME ops=N tsc=T per=T/N
//
// At the end it prints them in a table, beside what Linux and xv6 need (docs/baselines.md).
package main

import (
	"strconv"
	"strings"
	"unsafe"

	"exo/internal/baselines"
	"exo/kernel/abi"
	"exo/libos/clock"
	"exo/libos/file"
	"exo/libos/mem"
	"exo/libos/proc"
	"exo/libos/sys"
	"exo/libos/thread"
)

type bench struct {
	name string
	ops  int
	run  func(ops int)
}

var benches = []bench{
	{"null-call", 10_000, nullCalls},
	{"yield", 5_000, yields},
	{"map+touch+unmap", 500, mapTouchUnmap},
	{"page-map+touch+unmap", 2_000, pageMapTouchUnmap},
	{"demand-zero-fault", 0, nil},
	{"fault+protect", 1_000, faultProtect},
	{"ipc-call+reply", 5_000, calls},
	{"notify", 5_000, notifies},
	{"thread-create+join", 500, threads},
	{"directed-yield", 2_000, directedYields},
	{"pipe-round-trip", 1_000, pipes},
	{"fork+exit+wait", 50, forks},
	{"spawn+exit+wait", 50, spawns},
}

const readWrite = abi.PermRead | abi.PermWrite

func main() {
	args := proc.Args()
	if len(args) > 1 && args[1] == forkSteps {
		steps(50)
		return
	}
	if len(args) > 1 && args[1] == "-exit" {
		return
	}
	for _, b := range benches {
		if len(args) > 1 && !strings.Contains(b.name, args[1]) {
			continue
		}
		if b.run == nil {
			demandZero(b.name)
			continue
		}
		b.run(2) // once for what is made at the first time
		before := clock.TSC()
		b.run(b.ops)
		report(b.name, b.ops, clock.TSC()-before)
	}
	table()
}

// measured is what each of them took.
var measured [len(baselines.Primitives)]uint64

// table prints what was measured beside what others need for it.
func table() {
	file.Out.WriteString("\r\nprimitive                     Exo    Linux 6.1        xv6  there\r\n")
	for i := range baselines.Primitives {
		if p := &baselines.Primitives[i]; measured[i] != 0 {
			file.Out.WriteString(left(p.Name, 26) + right(measured[i], 7) + right(p.Linux, 13) + right(p.XV6, 11) + "  " + p.What + "\r\n")
		}
	}
}

func left(s string, width int) string {
	for len(s) < width {
		s += " "
	}
	return s
}

func right(v uint64, width int) string {
	s := "-"
	if v != 0 {
		s = strconv.FormatUint(v, 10)
	}
	for len(s) < width {
		s = " " + s
	}
	return s
}

func report(name string, ops int, tsc uint64) {
	for i := range baselines.Primitives {
		if baselines.Primitives[i].Name == name {
			measured[i] = tsc / uint64(ops)
		}
	}
	file.Out.WriteString("bench user/" + name + " ops=" + strconv.Itoa(ops) + " tsc=" + strconv.FormatUint(tsc, 10) +
		" per=" + strconv.FormatUint(tsc/uint64(ops), 10) + "\r\n")
}

func nullCalls(ops int) {
	for range ops {
		sys.Null()
	}
}

func yields(ops int) {
	for range ops {
		sys.Yield(0)
	}
}

func must(e abi.Errno) {
	if e != abi.OK {
		panic(e)
	}
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func touch(at uint64) { *(*uint64)(unsafe.Pointer(uintptr(at))) = 1 }

// mapTouchUnmap is the library's, with a fault, a fresh frame, and giving it back.
func mapTouchUnmap(ops int) {
	for range ops {
		at, e := mem.Map(4096, readWrite)
		must(e)
		touch(at)
		must(mem.Unmap(at, 4096))
	}
}

// pageMapTouchUnmap is the kernel's, of a frame that one has.
func pageMapTouchUnmap(ops int) {
	frame, _, e := sys.FrameAlloc(mem.Account(), abi.HowNear, 0, 1, 0)
	must(e)
	at, e := mem.Map(3*4096, readWrite)
	must(e)
	touch(at) // so there is a table
	at += 2 * 4096
	for range ops {
		must(sys.PageMap(frame, 0, at, readWrite))
		touch(at)
		must(sys.PageUnmap(frame, 0, 0))
	}
	must(sys.CapDelete(frame))
	must(mem.Unmap(at-2*4096, 3*4096))
}

func demandZero(name string) {
	const pages = 512
	at, e := mem.Map(pages*4096, readWrite)
	must(e)
	before := clock.TSC()
	for i := range uint64(pages) {
		touch(at + i*4096)
	}
	report(name+"-per-page", pages, clock.TSC()-before)
	must(mem.Unmap(at, pages*4096))
}

// faultProtect writes to a page that others have had, too: the fault makes it writable.
func faultProtect(ops int) {
	at, e := mem.Map(4096, readWrite)
	must(e)
	touch(at)
	for range ops {
		must(mem.Shown(at, abi.PermRead))
		touch(at)
	}
	must(mem.Unmap(at, 4096))
}

func threads(ops int) {
	for range ops {
		t, err := thread.Go(func() {})
		check(err)
		t.Join()
	}
}

// directedYields gives the CPU to another thread and gets it back.
func directedYields(ops int) {
	me, stop := sys.Cap(0), false
	t, err := thread.Go(func() {
		for !stop {
			sys.Yield(me)
		}
	})
	check(err)
	for range ops {
		sys.Yield(t.Name())
	}
	stop = true
	t.Join()
}

// calls calls another thread, which answers.
func calls(ops int) {
	ep, e := sys.EndpointCreate(mem.Account())
	must(e)
	t, err := thread.Go(func() {
		for {
			if _, e := sys.IPCReplyWait(ep, 1, 2, 3, 4, 0); e != abi.OK {
				return
			}
		}
	})
	check(err)
	for range ops {
		_, e := sys.IPCCall(ep, 1, 2, 3, 4, 0)
		must(e)
	}
	must(sys.CapDelete(ep))
	t.Join()
}

// notifies sets a bit that nobody waits for.
func notifies(ops int) {
	n, e := sys.NotifyCreate(mem.Account())
	must(e)
	for range ops {
		must(sys.Notify(n, 1))
	}
	must(sys.CapDelete(n))
}

func pipes(ops int) {
	r1, w1, err := file.Pipe()
	check(err)
	r2, w2, err := file.Pipe()
	check(err)
	id, err := proc.Fork()
	check(err)
	var b [1]byte
	if id == 0 {
		w1.Close()
		r2.Close()
		for {
			if _, err := r1.Read(b[:]); err != nil {
				proc.Exit(0)
			}
			w2.Write(b[:])
		}
	}
	r1.Close()
	w2.Close()
	for range ops {
		w1.Write(b[:])
		r2.Read(b[:])
	}
	w1.Close()
	r2.Close()
	proc.Wait(id)
}

func forks(ops int) {
	for range ops {
		id, err := proc.Fork()
		check(err)
		if id == 0 {
			proc.Exit(0)
		}
		proc.Wait(id)
	}
}

func spawns(ops int) {
	for range ops {
		id, err := proc.Spawn("bin/bench", []string{"bench", "-exit"}, nil)
		check(err)
		proc.Wait(id)
	}
}

// forkSteps is the argument for what steps does, instead of the others.
const forkSteps = "fork-steps"

var stepNames = [...]string{"environment", "start-page", "memory", "own-pages", "thread", "list", "child+wait"}

var (
	stepAt   uint64
	stepSums [len(stepNames)]uint64
)

func stepDone(what int) {
	now := clock.TSC()
	stepSums[what] += now - stepAt
	stepAt = now
}

// steps measures the steps of fork+exit+wait.
func steps(ops int) {
	forks(2)
	proc.Step = stepDone
	for i := range ops + 2 {
		if i == 2 {
			stepSums = [len(stepNames)]uint64{}
		}
		stepAt = clock.TSC()
		id, err := proc.Fork()
		check(err)
		if id == 0 {
			proc.Exit(0)
		}
		stepDone(len(stepNames) - 2)
		proc.Wait(id)
		stepDone(len(stepNames) - 1)
	}
	sum := uint64(0)
	for i, name := range stepNames {
		report("fork/"+name, ops, stepSums[i])
		sum += stepSums[i]
	}
	report("fork/all", ops, sum)
}
