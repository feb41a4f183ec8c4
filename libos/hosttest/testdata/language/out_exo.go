//go:build exouser

package main

import (
	"exo/kernel/abi"
	"exo/libos/startpage"
	"exo/libos/sys"
)

func out(s string) {
	for b := []byte(s); len(b) > 0; {
		n, err := sys.ConsoleWrite(sys.StartCap(startpage.RoleConsole, 0), b)
		if err != abi.OK {
			panic(err)
		}
		b = b[n:]
	}
}
