//go:build exouser

package runtime

// Compiled code asks these before it uses an instruction that not every CPU has; where one is false, a function does the
// same. FMA would need registers that the kernel does not save.
var (
	x86HasSSE41 bool
	x86HasFMA   bool
)
