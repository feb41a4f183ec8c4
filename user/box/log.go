//go:build exouser

package main

import (
	"errors"
	"strings"
	"unsafe"

	"exo/kernel/abi"
	"exo/libos/startpage"
	"exo/libos/sys"
	"exo/user/box/records"
)

// extent is blocks of the disk, as a device for records.
type extent struct {
	c    sys.Cap
	info abi.CapInfo
}

func asError(e abi.Errno) error {
	if e != abi.OK {
		return e
	}
	return nil
}

func (x *extent) Blocks() uint64 { return x.info.Object.Second }

func (x *extent) Read(n uint64, b []byte) error {
	_, e := sys.ExtentRead(x.c, b, n)
	return asError(e)
}

func (x *extent) Write(n uint64, b []byte) error {
	_, e := sys.ExtentWrite(x.c, b, n)
	return asError(e)
}

func (x *extent) Flush() error { return asError(sys.ExtentFlush(x.c)) }

// logRoom is twice a block: a page begins in its first half.
var logRoom [2 * records.Size]byte

func logs(c *call) int {
	x := extent{c: sys.StartCap(startpage.RoleExtent, 0)}
	if x.c == 0 {
		return c.fail("the disk", errors.New("its file system leaves no room"))
	}
	if err := asError(sys.CapInspect(x.c, &x.info)); err != nil {
		return c.fail("the disk", err)
	}
	// SAFETY: a number, and no more.
	b := logRoom[-uintptr(unsafe.Pointer(&logRoom))%records.Size:][:records.Size]
	each := func(text []byte) { say(string(text)) }
	if len(c.args) > 0 || c.flags['n'] {
		each = nil
	}
	l, err := records.Open(&x, b, each)
	if c.flags['n'] {
		l, err = records.Begin(&x, b)
	}
	if err == nil && len(c.args) > 0 {
		err = l.Append([]byte(strings.Join(c.args, " ")))
	}
	if err != nil {
		return c.fail("the log", err)
	}
	return 0
}
