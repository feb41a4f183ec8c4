//go:build exokernel || exouser

package runtime

import (
	"internal/abi"
	"internal/cpu"
	"unsafe"
)

// memmove, memclrNoHeapPointers: the stock assembly (memmove_amd64.s, memclr_amd64.s), with the constants it wants.
// Both choose by flags that nobody sets here, so they keep to SSE2: the kernel saves XMM and nothing wider.

const (
	avxSupported     = 1 << 0
	repmovsPreferred = 1 << 1

	offsetX86HasERMS = unsafe.Offsetof(cpu.X86.HasERMS)
	offsetX86HasAVX2 = unsafe.Offsetof(cpu.X86.HasAVX2)
)

// memmoveBits stays 0: no AVX, no REP MOVS by preference.
var memmoveBits uint8

func memmove(to, from unsafe.Pointer, n uintptr)
func memclrNoHeapPointers(ptr unsafe.Pointer, n uintptr)

// Nothing here is collected, so memory with pointers is memory.

func memclrHasPointers(ptr unsafe.Pointer, n uintptr) { memclrNoHeapPointers(ptr, n) }

func typedslicecopy(t *abi.Type, dst unsafe.Pointer, dstLen int, src unsafe.Pointer, srcLen int) int {
	n := min(dstLen, srcLen)
	if n > 0 {
		memmove(dst, src, uintptr(n)*t.Size_)
	}
	return n
}

// zeroVal is what zero values of larger types are compared with. internal/runtime/maps has it, too.
//
//go:linkname zeroVal
var zeroVal [abi.ZeroValSize]byte
