// Package proc starts other programs, waits for them, and ends them: all in ring 3, for a program's parent makes its address
// space and loads it. A process is an environment of the kernel's. It ends with its parent, who holds it.
//
// Start reading: spawn.go, fork.go, then child.go of libos/mem.
package proc
