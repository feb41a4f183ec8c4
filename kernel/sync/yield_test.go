//go:build !explore

package sync

// yieldsInside says that a thief can be stopped in the middle of a Steal, on any host.
const yieldsInside = false

// yieldInside is for builds in which every operation on an atomic word can yield; in this one none does.
func yieldInside() (stop func()) { return func() {} }
