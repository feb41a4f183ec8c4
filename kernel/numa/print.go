package numa

// MaxLine is enough room for any line that a Topology prints.
const MaxLine = 256

// Summary writes "numa: nodes=2 cpus=4" to buf and returns the length. Like the
// other lines it has no newline, and is cut if buf is too short.
func (t *Topology) Summary(buf []byte) int {
	l := line{b: buf}
	l.text("numa: nodes=")
	l.uint(uint64(t.nodes))
	l.text(" cpus=")
	l.uint(uint64(t.cpus))
	return l.n
}

// NodeLine writes "numa: node 0 cpus=0-1 mem=255MiB" to buf and returns the length. A
// node without CPUs has "cpus=none"; the memory is rounded down.
func (t *Topology) NodeLine(buf []byte, n Node) int {
	l := line{b: buf}
	l.text("numa: node ")
	l.uint(uint64(n))
	l.text(" cpus=")
	l.cpus(t.cpuSet[n])
	l.text(" mem=")
	l.uint(t.bytes[n] >> 20)
	l.text("MiB")
	return l.n
}

// DistLine writes "numa: dist 0: 10 21", the distances from node n, to buf and
// returns the length.
func (t *Topology) DistLine(buf []byte, n Node) int {
	l := line{b: buf}
	l.text("numa: dist ")
	l.uint(uint64(n))
	l.text(":")
	for i := range t.nodes {
		l.text(" ")
		l.uint(uint64(t.dist[n][i]))
	}
	return l.n
}

// line collects text in a buffer of fixed size; what does not fit is lost.
type line struct {
	b []byte
	n int
}

func (l *line) text(s string) { l.n += copy(l.b[l.n:], s) }

func (l *line) uint(v uint64) {
	var digits [20]byte
	i := len(digits)
	for {
		i--
		digits[i] = '0' + byte(v%10)
		if v /= 10; v == 0 {
			break
		}
	}
	l.n += copy(l.b[l.n:], digits[i:])
}

// cpus writes a set as "0-1,4,6-7", or as "none".
func (l *line) cpus(s CPUSet) {
	if s == 0 {
		l.text("none")
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
		l.text(sep)
		l.uint(uint64(first))
		if c > first {
			l.text("-")
			l.uint(uint64(c))
		}
		sep = ","
	}
}
