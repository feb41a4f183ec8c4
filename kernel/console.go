//go:build exokernel

package main

import (
	"unsafe"

	"exo/arch/amd64"
	"exo/kernel/sync"
	"exo/kernel/text"
)

// consoleLock keeps lines whole. The panic report does not take it.
var consoleLock = sync.Spinlock{Class: sync.ClassConsole}

// put prints a line and its end, whole.
func put(l *text.Line) {
	flags := amd64.IRQDisable()
	me := this()
	consoleLock.Lock(me)
	emit(l.Bytes())
	consoleLock.Unlock(me)
	amd64.IRQRestore(flags)
}

// say prints a string as a line.
func say(s string) {
	var l text.Line
	put(l.Str(s))
}

// emit prints bytes and a line end, whoever else may be printing.
func emit(b []byte) {
	for _, c := range b {
		amd64.PutByte(c)
	}
	amd64.PutByte('\r')
	amd64.PutByte('\n')
}

func pause() { amd64.Pause() }

// asString views bytes as a string.
//
// SAFETY: the caller does not change the bytes while it uses the string.
func asString(b []byte) string { return *(*string)(unsafe.Pointer(&b)) }
