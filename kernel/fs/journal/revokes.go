package journal

import "exo/kernel/fs/block"

// revokes says of each block in which transaction it was revoked last, while the log is recovered: an open hash table in
// pages that are of no other use at that time. A transaction's number counts from the log's first, which is 1.
type revokes struct {
	pages []*block.Page // tablePages at least
}

const (
	tablePages = 16
	slotBytes  = 8 // block + 1, transaction
	perPage    = block.Size / slotBytes
	tableSlots = tablePages * perPage
)

const (
	_ = uint(MinPages - tablePages)
	_ = uint(tableSlots - 2*maxLive)
)

func (r revokes) clear() {
	for _, p := range r.pages[:tablePages] {
		*p = block.Page{}
	}
}

// slot finds a block's slot, or the empty one where it would be; nil: it has none, and there is no empty one.
func (r revokes) slot(n uint32) *[slotBytes]byte {
	h := n * 0x9e3779b1
	for range tableSlots {
		h %= tableSlots
		s := (*[slotBytes]byte)(r.pages[h/perPage][h%perPage*slotBytes:])
		if k := word(s[:4]); k == 0 || k == n+1 {
			return s
		}
		h++
	}
	return nil
}

// put notes that block n, which is not the last of the largest disk, was revoked in a transaction later than those before.
func (r revokes) put(n, transaction uint32) bool {
	s := r.slot(n)
	if s == nil {
		return false
	}
	setWord(s[:4], n+1)
	setWord(s[4:], transaction)
	return true
}

// get is the transaction in which block n was revoked last; 0: none.
func (r revokes) get(n uint32) uint32 {
	if s := r.slot(n); s != nil {
		return word(s[4:])
	}
	return 0
}

func word(b []byte) uint32 {
	return uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24
}

func setWord(b []byte, v uint32) {
	b[0], b[1], b[2], b[3] = byte(v), byte(v>>8), byte(v>>16), byte(v>>24)
}
