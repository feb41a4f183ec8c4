//go:build exouser

// Package console is the serial line, as bytes: no echo, no line editing, Enter is \r. Programs mostly use it through package
// file.
package console

import (
	"exo/kernel/abi"
	"exo/libos/startpage"
	"exo/libos/sys"
	"exo/libos/wait"
)

// most is how much the kernel writes in one call.
const most = 512

func capability() sys.Cap { return sys.StartCap(startpage.RoleConsole, 0) }

// Write writes all of p; if there is no console, nothing.
func Write(p []byte) (n int, err abi.Errno) {
	c := capability()
	for n < len(p) {
		k, err := sys.ConsoleWrite(c, p[n:min(len(p), n+most)])
		if err != abi.OK {
			return n, err
		}
		n += k
	}
	return n, abi.OK
}

// Print is Write of text: where a line ends, it begins anew on the left.
func Print(p []byte) (n int, err abi.Errno) {
	var out [most]byte
	for n < len(p) {
		k, from := 0, n
		for ; n < len(p) && k < len(out)-1; n++ {
			if p[n] == '\n' && (n == 0 || p[n-1] != '\r') {
				out[k] = '\r'
				k++
			}
			out[k] = p[n]
			k++
		}
		if _, err = Write(out[:k]); err != abi.OK {
			return from, err
		}
	}
	return n, abi.OK
}

// TryRead returns what has come in, maybe nothing.
func TryRead(p []byte) (n int, err abi.Errno) { return sys.ConsoleRead(capability(), p) }

// Bind has wait.Own rung, by wait.BitConsole, when something comes in, until another program says that.
func Bind() { sys.ConsoleBind(capability(), wait.Own(), wait.BitConsole) }

// Read waits until something comes in.
func Read(p []byte) (n int, err abi.Errno) {
	for try := uint64(1); ; try++ {
		if try > wait.Tries {
			Bind() // another program may have had it since
		}
		if n, err = TryRead(p); n > 0 || err != abi.OK || len(p) == 0 {
			return n, err
		}
		wait.For(try, wait.Own(), wait.BitConsole)
	}
}
