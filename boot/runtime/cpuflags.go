//go:build exokernel || exouser

package runtime

// x86HasPOPCNT is asked by compiled code before it counts bits by an instruction; where it is false, a loop does.
var x86HasPOPCNT bool

// SetPOPCNT says that the CPU can count bits, all CPUs being equals. Once, by the boot CPU.
func SetPOPCNT(have bool) { x86HasPOPCNT = have }
