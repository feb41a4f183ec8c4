//go:build !explore

package cap

// yieldsInside says that operations can be stopped in their middle, on any host.
const yieldsInside = false

// yieldInside is for builds in which every operation on an atomic word can yield; in this one none does.
func yieldInside() (stop func()) { return func() {} }
