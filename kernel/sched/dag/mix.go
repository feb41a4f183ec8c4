package dag

import "math/bits"

// mix decides which of several that wait comes next: most by lottery (Waldspurger & Weihl, OSDI 1994), which favours whom
// tickets favour and lets nobody starve but by bad luck; some in golden order, which leaves nothing to luck: the k-th one
// is that in whose part of [0, 1) the fraction k/φ lies, and these fractions are spread more evenly than any others
// (Beatty's sequence of the golden ratio; Knuth, TAOCP vol. 3, §6.4, theorem S).
type mix struct {
	percent, due uint32 // in golden order; and what has been saved up for the next one
	turn         uint64 // k times 2^64/φ, modulo 2^64: the fraction
	random       uint64
}

// golden is 2^64/φ.
const golden = 0x9e3779b97f4a7c15

func (m *mix) init(percent uint32, seed uint64) {
	*m = mix{percent: percent, random: seed}
}

// inOrder says whether the next one is chosen in golden order: of any 100 in a row exactly so many as percent says.
func (m *mix) inOrder() bool {
	m.due += m.percent
	if m.due < 100 {
		return false
	}
	m.due -= 100
	return true
}

// place is a number below n, the next one in golden order.
func (m *mix) place(n uint32) uint32 {
	m.turn += golden // modulo 1
	hi, _ := bits.Mul64(m.turn, uint64(n))
	return uint32(hi)
}

// ticket is a random number below n; no number is more likely than another by more than n in 2^64.
func (m *mix) ticket(n uint64) uint64 {
	m.random += golden // SplitMix64 (Steele, Lea & Flood, OOPSLA 2014)
	z := m.random
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	hi, _ := bits.Mul64(z^z>>31, n)
	return hi
}
