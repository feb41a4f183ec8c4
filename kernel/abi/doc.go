// Package abi is what the kernel and ring 3 have to agree on: the numbers of system calls and of their errors, and the
// layout of what they exchange through memory. Both sides import it, and it imports nothing.
//
// A system call is the instruction SYSCALL with
//
//	RAX                           Call
//	RDI, RSI, RDX, R10, R8, R9    its arguments, in that order
//
// and comes back with
//
//	RAX                           a result from 0 up, or an Errno, which is negative
//	RDX, R8, R9, R10              further results of the calls that say so, otherwise what they were
//	RCX, R11, XMM0 to XMM15       0, or the return address and flags: nothing of the kernel's, and nothing of the caller's
//	all others                    as they were
//
// A capability is passed by its name, a word that is worth something only to its holder. Where a call takes an environment
// or a thread, 0 is the caller's own.
package abi

//go:generate go run exo/tools/abitable ../..
