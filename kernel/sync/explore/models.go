//go:build explore

package explore

// Models of what holds small numbers, 0 … 255. A state is what is held, a byte for each.

// The kinds of operation that the models know.
const (
	Put   = 'p' // adds Arg at the end; OK false is allowed, and then nothing happens
	First = 'f' // takes the oldest; OK false: there is nothing
	Last  = 'l' // takes the newest; OK false: there is nothing
	Maybe = 'm' // First, but OK false means nothing if Result is 0: somebody may have been faster
)

// Sequence is a queue, a stack, and a deque: what differs is which operations they have.
var Sequence = Model{Step: func(s string, op *Op) (string, bool) {
	switch op.Kind {
	case Put:
		if !op.OK {
			return s, true
		}
		return s + string([]byte{byte(op.Arg)}), true
	case First, Maybe:
		if !op.OK {
			return s, s == "" || op.Kind == Maybe && op.Result == 0
		}
		return after(s, s != "" && uint64(s[0]) == op.Result, 1, len(s))
	default:
		if !op.OK {
			return s, s == ""
		}
		return after(s, s != "" && uint64(s[len(s)-1]) == op.Result, 0, len(s)-1)
	}
}}

func after(s string, ok bool, from, to int) (string, bool) {
	if !ok {
		return s, false
	}
	return s[from:to], true
}

// Bounded is a Sequence that holds n at most: Put fails exactly if it is full.
func Bounded(n int) Model {
	return Model{Step: func(s string, op *Op) (string, bool) {
		if op.Kind == Put && op.OK == (len(s) >= n) {
			return s, false
		}
		return Sequence.Step(s, op)
	}}
}
