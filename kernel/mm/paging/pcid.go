package paging

// PCIDs gives spaces their process-context identifiers on one CPU (SDM vol. 3A §4.10.1). They are given in turn, and when
// all are given a new round begins: a space that comes back with one of an earlier round gets another. So no PCID need be
// taken back, and none is shared: whoever gets one has the CPU forget what it tagged before.
//
// Touched by its CPU only, interrupts off.
type PCIDs struct {
	limit uint64 // PCIDs of spaces are 1 to limit; 0: the machine has none
	next  uint64
	round uint64 // from 1
}

// MaxPCID is the largest one. 0 is the kernel's.
const MaxPCID = 1<<12 - 1

// Init makes PCIDs 1 to limit free; limit 0: do without.
func (p *PCIDs) Init(limit int) {
	if limit < 0 || limit > MaxPCID {
		panic("paging: a CPU has 4095 PCIDs beside 0")
	}
	*p = PCIDs{limit: uint64(limit), next: 1, round: 1}
}

// assign returns l's PCID on this CPU. fresh: the CPU may have tagged with it what is another space's.
func (p *PCIDs) assign(l *Local) (pcid uint16, fresh bool) {
	if p.limit == 0 {
		return 0, true
	}
	if l.round == p.round {
		return l.pcid, false
	}
	if p.next > p.limit {
		p.next = 1
		p.round++
	}
	l.pcid, l.round = uint16(p.next), p.round
	p.next++
	return l.pcid, true
}
