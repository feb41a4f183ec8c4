// Package env has what environments are counted and bound by, without the machine: how much each may have (Quota), who pays
// for which capability (Payer), and where the frames of a capability are mapped (Binding).
//
// Each capability has a slot number (kernel/cap); the kernel keeps a Slot for each of them. An environment is a cap.Holder:
// a number that is never used twice.
//
// Start reading: quota.go, payer.go, binding.go. The kernel proper (kernel/account.go, kernel/binding.go) says when they are used.
package env

import "unsafe"

// Slot is what the kernel keeps beside a capability: half a cache line.
type Slot struct {
	Payer   Payer
	Binding Binding
}

const _ = -(unsafe.Sizeof(Slot{}) - 32)
