//go:build !exokernel

package symtab

import (
	"encoding/binary"
	"fmt"

	"github.com/pierrec/lz4/v4"
)

// Pack packs a table for Expand, on the host.
func Pack(table []byte) ([]byte, error) {
	if len(table) > MaxSize {
		return nil, fmt.Errorf("a symbol table of %d bytes is more than the kernel has room for: raise MaxSize in kernel/symtab/expand.go", len(table))
	}
	b := binary.LittleEndian.AppendUint32([]byte(packedMagic), uint32(len(table)))
	block, err := Block(table)
	if err != nil {
		return nil, fmt.Errorf("packing the symbol table: %w", err)
	}
	if len(block) == 0 {
		return nil, fmt.Errorf("a symbol table of %d bytes cannot be packed: it is none", len(table))
	}
	return append(b, block...), nil
}

// Block makes an LZ4 block: the smaller of what two ways to look for repetitions make of it; which one that is depends. It is
// empty if there are hardly any.
func Block(table []byte) ([]byte, error) {
	var (
		careful = lz4.CompressorHC{Level: lz4.Level9}
		quick   lz4.Compressor
		best    []byte
	)
	for _, compress := range [...]func(src, dst []byte) (int, error){careful.CompressBlock, quick.CompressBlock} {
		block := make([]byte, lz4.CompressBlockBound(len(table)))
		n, err := compress(table, block)
		if err != nil {
			return nil, err
		}
		if best == nil || n != 0 && n < len(best) {
			best = block[:n]
		}
	}
	return best, nil
}
