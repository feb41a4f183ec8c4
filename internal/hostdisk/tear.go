package hostdisk

import (
	"math/rand/v2"

	"exo/kernel/fs/block"
)

// Tear makes of a block what a loss of power leaves of a write to it that was not flushed: nothing, all of it, or some sectors.
func Tear(r *rand.Rand, is, written *block.Page) {
	sectors := byte(0)
	switch r.IntN(3) {
	case 0:
		sectors = 0xff
	case 1:
		sectors = byte(r.Uint32())
	}
	for s := range block.Size / block.Sector {
		if sectors>>s&1 != 0 {
			copy(is[s*block.Sector:(s+1)*block.Sector], written[s*block.Sector:])
		}
	}
}
