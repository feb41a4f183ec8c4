package numa

import "math/bits"

// Interleaving: whose turn it is.

// size is how many nodes are in the set.
func (s NodeSet) size() int { return bits.OnesCount64(uint64(s)) }

// member is the i-th node of the set, in the order of numbers; i is below size.
func (s NodeSet) member(i int) Node {
	for range i {
		s &= s - 1
	}
	return Node(bits.TrailingZeros64(uint64(s)))
}

// takeTurn takes one of the call's turns: the place in a set of n nodes where it begins. Turns are numbered by one word, and
// each number is taken once, so any k·n turns in a row begin k times at each place, whichever CPUs take them.
func (c Call) takeTurn(n int) int {
	return int((c.turns.Add(1) - 1) % uint64(n)) // order: none, the word stands for itself (G3)
}
