//go:build exouser

package main

import (
	"exo/kernel/abi"
	"exo/libos/mem"
	"exo/libos/sys"
	"exo/libos/thread"
)

// A puppet is an environment without a library OS: a page of code, a stack, and what a test gives it.
type puppet struct {
	env, account sys.Cap
	thread       abi.ThreadStart
	name         sys.Cap // of its thread
}

const (
	puppetCode   = 0x40_0000 // addresses in it
	puppetStack  = 0x50_0000
	puppetFrames = 64
)

// Puppet makes one that is to run some code. It ends with the test.
func (t *T) Puppet(code ...byte) *puppet {
	p := &puppet{thread: abi.ThreadStart{RIP: puppetCode, RSP: puppetStack + 4096}}
	var err abi.Errno
	p.env, p.account, err = sys.EnvCreate(account(), puppetFrames, 32)
	t.OK(err, "EnvCreate")
	t.Later(func() { sys.EnvDestroy(p.env) })
	p.page(t, puppetCode, abi.PermRead|abi.PermExecute, code)
	p.page(t, puppetStack, readWrite, nil)
	return p
}

// page gives it a page.
func (p *puppet) page(t *T, at uint64, perm abi.Perm, data []byte) {
	c, _, err := sys.FrameAlloc(account(), abi.HowNear, 0, 1, 0)
	t.OK(err, "FrameAlloc")
	here, err := mem.MapFrames(c, 1, readWrite, 0)
	t.OK(err, "MapFrames")
	copy(bytesAt(here, 4096), data)
	t.OK(mem.Release(here), "Release")
	t.OK(sys.PageMap(c, p.env, at, perm), "PageMap into a child")
	t.OK(sys.CapTransfer(c, p.env), "CapTransfer to a child")
}

func (p *puppet) start(t *T) {
	var err abi.Errno
	p.name, err = sys.ThreadCreate(p.env, &p.thread)
	t.OK(err, "ThreadCreate")
	name := p.name
	t.Later(func() { sys.CapDelete(name) })
}

func (p *puppet) inspect(t *T) (info abi.EnvInfo) {
	t.OK(sys.EnvInspect(p.env, &info), "EnvInspect")
	return info
}

// end waits until it has ended, and returns its status.
func (p *puppet) end(t *T) int64 {
	for {
		if info := p.inspect(t); info.State == abi.EnvEnded {
			return info.Status
		}
		thread.Yield()
	}
}

// Code of puppets.

// exitWith is EnvExit(status).
func exitWith(status byte) []byte {
	return []byte{0xBF, status, 0, 0, 0, 0xB8, byte(abi.EnvExit), 0, 0, 0, 0x0F, 0x05} // MOV EDI, status; MOV EAX, EnvExit; SYSCALL
}

var spin = []byte{0xF3, 0x90, 0xEB, 0xFC} // PAUSE; JMP back
