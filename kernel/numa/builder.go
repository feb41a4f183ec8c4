package numa

import "exo/kernel/mm"

// Builder makes a Topology. The zero Builder is ready; it may be used once. Its calls
// come in this order:
//
//  1. AddCPU and AddMemory, for all that the SRAT names; none if there is no SRAT
//  2. SetDistances, if there is a SLIT
//  3. Build
//
// No error is fatal: Build makes the best of what it got.
type Builder struct {
	cpuDomain [MaxCPUs]Domain
	placed    CPUSet // CPUs that have a domain

	pieces  [MaxRanges]piece // sorted by address, disjoint
	nPieces int

	domains  [MaxNodes]Domain // ascending; filled in by assign
	nDomains int              // 0 until assign
	folded   bool             // there are more domains than MaxNodes

	dist    [MaxNodes][MaxNodes]uint8
	hasDist bool

	notes  [MaxNotes]Note
	nNotes int
}

// piece is memory that firmware put into a domain.
type piece struct {
	start, end mm.PhysAddr
	domain     Domain
}

func (b *Builder) note(text string, arg uint64) {
	if b.nNotes < MaxNotes {
		b.notes[b.nNotes] = Note{text, arg}
	}
	b.nNotes++
}

// AddCPU puts a CPU into a domain. If it is put into two, the first one counts.
func (b *Builder) AddCPU(c CPU, d Domain) error {
	if b.nDomains != 0 {
		return ErrOrder
	}
	if c >= MaxCPUs {
		return ErrTooManyCPUs
	}
	if b.placed.Has(c) {
		if b.cpuDomain[c] != d {
			b.note("a CPU is named in two domains, kept the first; CPU", uint64(c))
		}
		return nil
	}
	b.placed |= 1 << c
	b.cpuDomain[c] = d
	return nil
}

// AddMemory puts a range into a domain, whether or not there is memory yet in all
// of it. What was put into a domain before stays there.
func (b *Builder) AddMemory(base mm.PhysAddr, length uint64, d Domain) error {
	if b.nDomains != 0 {
		return ErrOrder
	}
	if base > mm.PhysLimit || length > uint64(mm.PhysLimit-base) {
		return ErrRange
	}
	at, end := base, base+mm.PhysAddr(length)
	overlap := false
	// Fill the gaps that earlier pieces leave in the range, from low to high.
	for i := 0; at < end; i++ {
		gapEnd := end
		if i < b.nPieces {
			gapEnd = min(end, b.pieces[i].start)
		}
		if at < gapEnd {
			if !b.insert(i, piece{at, gapEnd, d}) {
				return ErrTooManyRanges
			}
			i++ // past the new piece
		}
		if i >= b.nPieces {
			break
		}
		if b.pieces[i].end > at && b.pieces[i].start < end {
			overlap = overlap || b.pieces[i].domain != d
		}
		at = max(at, b.pieces[i].end)
	}
	if overlap {
		b.note("memory is named in two domains, kept the first; range at address", uint64(base))
	}
	return nil
}

// insert makes p the i-th piece.
func (b *Builder) insert(i int, p piece) bool {
	if b.nPieces == MaxRanges {
		return false
	}
	copy(b.pieces[i+1:b.nPieces+1], b.pieces[i:b.nPieces])
	b.pieces[i] = p
	b.nPieces++
	return true
}

// SetDistances takes over a distance matrix of n by n, indexed by proximity domain
// as in the SLIT (ACPI 6.5 §5.2.17). It reads at, which acpi.SLIT.At fits, only
// until it returns. If the matrix lacks a domain, or says something impossible of one,
// none of it is used (ErrDistances).
func (b *Builder) SetDistances(n int, at func(from, to int) uint8) error {
	b.assign()
	for i := range b.nDomains {
		if uint64(b.domains[i]) >= uint64(max(n, 0)) {
			return ErrDistances
		}
	}
	for i := range b.nDomains {
		for j := range b.nDomains {
			d := at(int(b.domains[i]), int(b.domains[j]))
			if d < Local || i == j && d != Local {
				return ErrDistances
			}
			b.dist[i][j] = d
		}
	}
	b.hasDist = true
	return nil
}

// assign gives the domains their nodes, in the order of their numbers.
func (b *Builder) assign() {
	if b.nDomains != 0 {
		return
	}
	for {
		d, ok := b.domainFrom()
		if !ok {
			break
		}
		if b.nDomains == MaxNodes {
			b.folded = true
			break
		}
		b.domains[b.nDomains] = d
		b.nDomains++
	}
	if b.nDomains == 0 {
		b.nDomains = 1 // no SRAT: one node, of domain 0
	}
}

// domainFrom returns the smallest domain in use that has no node yet.
func (b *Builder) domainFrom() (d Domain, ok bool) {
	consider := func(x Domain) {
		if b.nDomains > 0 && x <= b.domains[b.nDomains-1] {
			return
		}
		if !ok || x < d {
			d, ok = x, true
		}
	}
	for c := range CPU(MaxCPUs) {
		if b.placed.Has(c) {
			consider(b.cpuDomain[c])
		}
	}
	for i := range b.nPieces {
		consider(b.pieces[i].domain)
	}
	return d, ok
}

// node returns the node of a domain. Domains beyond the limit fold into the last
// node, not into node 0, whose memory the boot CPU and old devices need most.
func (b *Builder) node(d Domain) Node {
	for i := range b.nDomains {
		if b.domains[i] >= d {
			return Node(i)
		}
	}
	return Node(b.nDomains - 1)
}

// Build fills in *t for CPUs 0 to cpus-1. usable tells how many bytes of a range
// are usable memory, as mm.Map.Intersect does; it is not kept. The errors,
// ErrTooManyNodes and ErrTooManyCPUs, say what was left out of a topology that works.
func (b *Builder) Build(t *Topology, cpus int, usable func(base mm.PhysAddr, length uint64) uint64) error {
	var err error
	b.assign()
	if b.folded {
		err = ErrTooManyNodes
	}
	if cpus > MaxCPUs {
		cpus, err = MaxCPUs, ErrTooManyCPUs
	}
	*t = Topology{}
	t.nodes, t.cpus = b.nDomains, cpus
	t.domain = b.domains
	b.placeCPUs(t)
	b.placeMemory(t, usable)
	b.measure(t)
	t.Notes, t.NNotes = b.notes, b.nNotes
	return err
}

func (b *Builder) placeCPUs(t *Topology) {
	for c := range CPU(t.cpus) {
		n := Node(0)
		if b.placed.Has(c) {
			n = b.node(b.cpuDomain[c])
		} else if b.placed != 0 || b.nPieces != 0 { // there is an SRAT
			b.note("a CPU is named in no domain, put it into node 0; CPU", uint64(c))
		}
		t.nodeOf[c] = n
		t.cpuSet[n] |= 1 << c
	}
}

// placeMemory turns the pieces into spans, which leave no gaps (see Topology).
func (b *Builder) placeMemory(t *Topology, usable func(base mm.PhysAddr, length uint64) uint64) {
	t.spans[0] = span{0, 0}
	t.nSpans = 1
	end := mm.PhysAddr(0) // of the last piece
	stray := uint64(0)    // usable bytes in no piece
	for i := range b.nPieces {
		p := &b.pieces[i]
		stray += usable(end, uint64(p.start-end))
		end = p.end
		n := b.node(p.domain)
		if last := &t.spans[t.nSpans-1]; last.node != n {
			if last.start == p.start {
				last.node = n
			} else {
				t.spans[t.nSpans] = span{p.start, n}
				t.nSpans++
			}
		}
	}
	stray += usable(end, uint64(mm.PhysLimit-end))
	if stray > 0 && b.nPieces > 0 {
		b.note("memory is named in no domain, put it with what lies below it; bytes", stray)
	}
	for n := range Node(t.nodes) {
		t.Ranges(n, func(r mm.Range) bool {
			t.bytes[n] += usable(r.Base, r.Len)
			return true
		})
	}
}

// measure fills in the distances and sorts the nodes by them.
func (b *Builder) measure(t *Topology) {
	if b.hasDist {
		t.dist = b.dist
	} else {
		for i := range t.nodes {
			for j := range t.nodes {
				t.dist[i][j] = Remote
			}
			t.dist[i][i] = Local
		}
	}
	for i := range t.nodes {
		near := &t.near[i]
		near[0] = Node(i)
		n := 1
		for j := range t.nodes {
			if j == i {
				continue
			}
			// Insertion behind all that are as near, so that ties keep the order of numbers.
			k := n
			for k > 1 && t.dist[i][near[k-1]] > t.dist[i][j] {
				near[k] = near[k-1]
				k--
			}
			near[k] = Node(j)
			n++
		}
	}
}
