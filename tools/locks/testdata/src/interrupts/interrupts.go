// Package interrupts has handlers that take what they must not.
package interrupts

import (
	"exo/arch/amd64"
	"exo/kernel/sync"
)

var (
	queue   = sync.Spinlock{Class: sync.ClassQueue}
	console = sync.Spinlock{Class: sync.ClassConsole}
	inode   = sync.Sleeplock{Class: sync.ClassInode}
	context sync.Context
)

func setup(vector int) {
	amd64.Handle(amd64.VectorTimer, onTimer)
	amd64.Handle(vector, func(*amd64.Frame) { put() })
	amd64.Handle(amd64.VectorPageFault, onPageFault)
	amd64.Handle(vector, nil)
}

func onTimer(*amd64.Frame) {
	put()
	tick()
}

func put() {
	console.Lock(&context)
	console.Unlock(&context)
}

func tick() {
	queue.Lock(&context) // want `class queue is taken in an interrupt handler \(set at interrupts/interrupts.go:17\), and handlers do not take its class; called by interrupts.onTimer \(interrupts/interrupts.go:25\)`
	queue.Unlock(&context)
}

func onPageFault(*amd64.Frame) {
	inode.Lock(&context)
	inode.Unlock(&context)
}

func fromTask() {
	queue.Lock(&context)
	queue.Unlock(&context)
}

// with is called by a handler and by others, for different locks.
func with(l *sync.Spinlock) {
	l.Lock(&context)
	l.Unlock(&context)
}

func both(vector int) {
	amd64.Handle(vector, func(*amd64.Frame) { with(&console) })
	with(&queue)
}
