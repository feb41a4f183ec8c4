package slab

import (
	"testing"

	"github.com/stretchr/testify/require"

	"exo/kernel/mm"
)

// The quotient and the remainder by multiplication are right for all sizes and offsets that there are.
func TestSlab_G5_Division(t *testing.T) {
	for size := uint64(8); size <= mm.FrameSize; size++ {
		inverse := (1<<32 + size - 1) / size
		for at := range uint64(mm.FrameSize) {
			q := at * inverse
			if q>>32 != at/size || (uint32(q) < uint32(inverse)) != (at%size == 0) {
				require.Fail(t, "wrong", "%d / %d", at, size)
			}
		}
	}
}
