//go:build explore

package explore

import "fmt"

// History records the operations of an execution on the structure that is explored, and what they returned, to be
// compared with a sequential model.
//
// An operation lasts from its first access to an atomic word to its last, or until the stores that it left in its
// thread's buffer were visible: before, no other thread can have noticed that it has ended. Operations of one thread are
// in order all the same.
type History struct {
	x        *Run
	ops      []Op
	verdicts map[string]bool // for histories of earlier executions
	key      []byte
}

// Op is an operation: a kind and an argument, given meaning by the model; and its results.
type Op struct {
	Thread int
	Kind   byte
	Arg    uint64
	Result uint64
	OK     bool

	call, end int // clock; 0: not known yet
	stores    int // how many stores its thread had delayed when it returned
}

// maxOps is how many operations a history may have.
const maxOps = 32

func (h *History) reset(x *Run) {
	h.x, h.ops = x, h.ops[:0]
	if h.verdicts == nil {
		h.verdicts = map[string]bool{}
	}
}

// Call notes that the running thread begins an operation; Return takes what it returns. Outside of threads (before the
// first or after the last step) it happens at once.
func (h *History) Call(kind byte, arg uint64) int {
	if len(h.ops) == maxOps {
		panic("explore: too many operations in one history")
	}
	op := Op{Thread: outside, Kind: kind, Arg: arg}
	if active != nil {
		op.Thread = h.x.cur.id
	}
	h.ops = append(h.ops, op)
	return len(h.ops) - 1
}

const outside = -1

// Return notes what operation i returned.
func (h *History) Return(i int, result uint64, ok bool) {
	op := &h.ops[i]
	op.Result, op.OK = result, ok
	if op.Thread == outside {
		op.call, op.end = h.x.clock, h.x.clock
		return
	}
	th := h.x.cur
	if op.call == 0 {
		op.call = th.last // it has touched nothing
	}
	op.end, op.stores = th.last, len(th.buffer)
}

// stepped notes that the thread has made a step: an operation that has been called begins.
func (h *History) stepped(th *thread) {
	for i := len(h.ops) - 1; i >= 0; i-- {
		if op := &h.ops[i]; op.Thread == th.id {
			if op.call == 0 && op.end == 0 {
				op.call = th.last
			}
			return
		}
	}
}

// Model is what the structure should do: Step returns the state after op, or false if in state s op cannot return what it
// returned.
type Model struct {
	Init string
	Step func(s string, op *Op) (string, bool)
}

// Check returns an error if there is no order of the operations, in accordance with when they ran, that the model explains
// (linearizability: Herlihy & Wing, TOPLAS 1990). For the end of an execution.
func (h *History) Check(m Model) error {
	h.key = h.key[:0]
	before := h.order()
	for i, op := range h.ops {
		h.key = fmt.Appendf(h.key, "%d%c%d,%d%t%x;", op.Thread, op.Kind, op.Arg, op.Result, op.OK, before[i])
	}
	good, known := h.verdicts[string(h.key)]
	if !known {
		l := linearizer{ops: h.ops, before: before[:], model: m, failed: map[position]bool{}}
		good = l.explain(0, m.Init)
		h.verdicts[string(h.key)] = good
	}
	if good {
		return nil
	}
	return fmt.Errorf("not linearizable: no order of these operations is one of the model's\n%s", h)
}

// order returns for each operation the set of those that came before it.
func (h *History) order() (before [maxOps]uint32) {
	for i := range h.ops {
		op := &h.ops[i]
		if op.stores > 0 {
			op.end = max(op.end, h.x.threads[op.Thread].arrivedAt[op.stores-1])
		}
	}
	for i, b := range h.ops {
		for j, a := range h.ops {
			if i != j && (a.end < b.call || a.Thread == b.Thread && j < i || b.Thread == outside && j < i) {
				before[i] |= 1 << j
			}
		}
	}
	return before
}

// linearizer searches for an order (Wing & Gong, JPDC 1993), with the memory of Lowe (CPE 2017).
type linearizer struct {
	ops    []Op
	before []uint32
	model  Model
	failed map[position]bool
}

type position struct {
	done  uint32
	state string
}

func (l *linearizer) explain(done uint32, state string) bool {
	if done == 1<<len(l.ops)-1 {
		return true
	}
	p := position{done, state}
	if l.failed[p] {
		return false
	}
	for i := range l.ops {
		if done&(1<<i) == 0 && l.before[i]&^done == 0 {
			if next, ok := l.model.Step(state, &l.ops[i]); ok && l.explain(done|1<<i, next) {
				return true
			}
		}
	}
	l.failed[p] = true
	return false
}

// String lists the operations.
func (h *History) String() (s string) {
	for _, op := range h.ops {
		who := fmt.Sprintf("T%d", op.Thread)
		if op.Thread == outside {
			who = "--"
		}
		s += fmt.Sprintf("  %s steps %3d … %-3d  %c(%d) = %d, %t\n", who, op.call, op.end, op.Kind, op.Arg, op.Result, op.OK)
	}
	return s
}
