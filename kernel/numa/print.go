package numa

import "exo/kernel/text"

// Summary appends "numa: nodes=2 cpus=4" to l.
func (t *Topology) Summary(l *text.Line) *text.Line {
	return l.Str("numa: nodes=").Int(t.nodes).Str(" cpus=").Int(t.cpus)
}

// NodeLine appends "numa: node 0 cpus=0-1 mem=255MiB" to l. A node without CPUs has
// "cpus=none"; the memory is rounded down.
func (t *Topology) NodeLine(l *text.Line, n Node) *text.Line {
	l.Str("numa: node ").Uint(uint64(n)).Str(" cpus=")
	appendCPUs(l, t.cpuSet[n])
	return l.Str(" mem=").Uint(t.bytes[n] >> 20).Str("MiB")
}

// DistLine appends "numa: dist 0: 10 21", the distances from node n, to l.
func (t *Topology) DistLine(l *text.Line, n Node) *text.Line {
	l.Str("numa: dist ").Uint(uint64(n)).Byte(':')
	for i := range t.nodes {
		l.Byte(' ').Uint(uint64(t.dist[n][i]))
	}
	return l
}

// appendCPUs writes a set as "0-1,4,6-7", or as "none".
func appendCPUs(l *text.Line, s CPUSet) {
	if s == 0 {
		l.Str("none")
		return
	}
	sep := ""
	for c := CPU(0); c < MaxCPUs; c++ {
		if !s.Has(c) {
			continue
		}
		first := c
		for c+1 < MaxCPUs && s.Has(c+1) {
			c++
		}
		l.Str(sep).Uint(uint64(first))
		if c > first {
			l.Byte('-').Uint(uint64(c))
		}
		sep = ","
	}
}
