// Package sched … fair.go: shares of one CPU among tasks that stand in its ring, in proportion to their weights.
//
//	   a turn          a turn          a turn
//	├──────────────┼──────────────┼──────────────┼─▶ credit earned: weight/unit for each visit
//	       ●            ●                        ●   accepted: once in each turn, by luck or at its end
//
// The CPU takes the task at the head and asks accept: run it for a quantum, or send it to the end of the ring. That is a
// visit. With each the CPU's clock goes on, in a round of visits by 1/unit quanta, where unit is the largest weight about.
// What it has gone on since a task's last visit, times the task's weight, is added to the task's credit; each acceptance
// takes away what the task needs: a quantum, or what it ran for the last time. So shares are as weights, and how unit
// changes in the meantime does not matter. Nothing is sorted, and nothing summed up over tasks: other CPUs can take tasks
// from the ring at any time.
//
// A visit is one of two kinds.
//
//   - In turn: accepted if credit has reached what the task needs. By itself that makes the visits that are accepted a
//     Beatty sequence of slope weight/unit: what stride scheduling does (Waldspurger & Weihl, MIT/LCS/TM-528, 1995)
//     without its sorted queue.
//   - Lottery: accepted also, with probability weight/unit, if credit is not negative. That is a lottery with weights for
//     tickets (Waldspurger & Weihl, OSDI 1994), drawn by stochastic acceptance (Lipowski & Lipowska, Physica A 2012); but
//     who has won waits until its turn is over. So luck decides when in its turn a task runs, not how often, and errors
//     do not add up. Only if all visits are lottery, it is the pure one: credit is not looked at.
//
// What luck is for: nobody can tell when somebody runs next, and tasks do not fall into step with each other. Which kind a
// visit is follows the golden ratio, so that of any few visits of a task the right part is of either kind. Its visits, not
// the CPU's: in a ring of 89, a Fibonacci number, a task would meet one kind for many rounds.
//
// Compensation (OSDI 1994): a task that ran for only a part f of its quantum counts as weight/f until it has run again: it
// is accepted so much more often. At most 16 times: who blocks sooner does so at its own cost. One that ran over its
// quantum counts as less. So each run is paid for by the wait that follows it, and blocking early costs no share.
//
// G1. While a task stays in the ring, or runs, it gets what its weight says of each advance of the clock: so of two tasks
// that stay, each one's part of the time is as its weight.
// G2. Unless all visits are lottery, what a task gets differs from that, if it uses whole quanta, by at most 2 quanta, and
// by at most 1 if no visit is lottery; but for credit, 4 quanta at most, that it had when unit last grew, for until then
// it could have been accepted more often. So it is accepted again and again.
// G3. visits per acceptance tend to unit/(mean weight), weights with compensation, but for two rounds after heavy tasks
// have gone.
//
// Credit is in quanta, not in weights of this CPU: a task that is stolen brings it along and gains or loses nothing.
//
// Callers: the CPU itself, interrupts off; a task's share belongs to whoever has its entry. Memory: none.
// Not promised: a bound on luck where all visits are lottery; that few of many light tasks are visited for each acceptance
// while a heavy one is among them (G3).
package sched

// DefaultLottery is the part of visits that are lottery, in percent. Luck costs little as long as turns bound it: against a
// CPU that could be divided without end, the root mean square of what tasks are ahead or behind is 0.64 quanta, and 0.46
// without luck; but 3.85 in 5000 picks, and growing, by pure lottery (go test -v -run TestFair_G2_LagIsBounded).
const DefaultLottery = 80

const (
	oneQuantum = 1 << 40 // credit 1
	maxCredit  = 4 * oneQuantum
	weightOne  = 1 << 8 // weight 1, in share.counts
	maxGain    = 16     // what compensation can multiply a weight by, or divide
	clockShift = 20     // so that a visit's part of a round is not rounded away
	golden     = 0x9e3779b9
)

// share is what fairPick knows of a task. join gives a new one a fair start.
type share struct {
	credit int64  // in parts of oneQuantum: below 0 after luck, until its turn is over
	since  uint64 // the clock at its last visit, or when it came
	need   int64  // what it ran for the last time, in these parts; if counts is 0, it is a quantum
	used   uint64 // 1 + for how long it ran, ns, if that does not count yet
	counts uint32 // its weight with compensation, in 1/weightOne; 0: it has none
	kind   uint32 // position in its sequence of kinds of visits
}

// fairPick picks one CPU's next task. init it before use.
type fairPick struct {
	quantum uint64 // how long a task runs that was accepted, in ns
	random  uint64
	lottery uint32 // a visit is lottery if its position is below this; 2^32-1: all are
	phase   uint32 // of the last task that joined

	unit     uint32 // the largest weight about, in 1/weightOne
	largest  uint32 // weight of this window, which is one round of visits
	before   uint32 // of the window before
	accepted bool   // one of this window
	left     int    // visits to come in this window
	inverse  uint64 // oneQuantum/unit, rounded up

	clock  uint64 // in parts of oneQuantum<<clockShift, for a weight of 1/weightOne; wraps
	step   uint64 // by which a visit advances it: inverse/(others+1)
	others int

	picks, visits uint64 // for statistics
}

// init sets the quantum, in ns, the part of visits that are lottery, in percent, and a seed that should differ among CPUs.
func (f *fairPick) init(quantum uint64, lottery int, seed uint64) {
	*f = fairPick{quantum: quantum, random: seed, phase: uint32(seed)}
	f.setLottery(lottery)
	f.setUnit(weightOne)
}

// setLottery sets the part of visits that are lottery, in percent.
func (f *fairPick) setLottery(percent int) {
	p := int64(min(max(percent, 0), 100))
	f.lottery = uint32(min(p<<32/100, 1<<32-1))
}

// join gives a new task, which only the caller knows, a fair start: as if it had been here for long. So it is somewhere in
// its turn, and not where others are that begin with it; and it may have had its luck in this turn already: by x of a turn,
// with probability 1-exp(-px). It enters, too.
func (f *fairPick) join(t *Task) {
	f.phase += golden
	x := uint64(f.phase>>16) * uint64(f.lottery>>16) >> 16 // px, in 2^-16
	e := uint64(1 << 16)
	for k := uint64(5); k > 1; k-- { // the series, by Horner's rule
		e = 1<<16 - x*e>>16/k
	}
	t.fair = share{credit: int64(f.phase) << 8, since: f.clock, kind: uint32(f.next())}
	if f.next()>>48 < x*e>>16 {
		t.fair.credit -= oneQuantum
	}
}

// enter has t compete here from now on, not from when it was visited last: it had blocked, or was stolen, be it to wait or
// to run at once. A task that has run here and goes back to the ring does not enter: it would lose credit.
func (f *fairPick) enter(t *Task) { t.fair.since = f.clock }

// accept says whether t, which was at the head of the ring, runs now; else it goes to the end. others is how many more
// stand there, or compete otherwise, as far as is known. If there are none, t runs: that is no visit.
func (f *fairPick) accept(t *Task, others int) bool {
	s := &t.fair
	if others <= 0 {
		f.picks++
		return true
	}
	if s.used != 0 {
		f.settle(t)
	}
	weight, need := s.counts, s.need
	if weight == 0 {
		weight, need = t.weight*weightOne, oneQuantum
	}
	f.see(weight, others)
	past := (f.clock - s.since) >> clockShift
	s.since = f.clock

	s.kind += golden
	ok := false
	if f.lottery == 1<<32-1 {
		ok = f.draw(weight)
	} else {
		s.credit = min(s.credit+int64(min(past, 1<<44)*uint64(t.weight)*weightOne), maxCredit)
		ok = s.credit >= need || s.credit >= 0 && s.kind < f.lottery && f.draw(weight)
		if ok {
			s.credit -= need
		}
	}
	if ok {
		f.picks++
		f.accepted = true
	}
	return ok
}

// even says that t is of the largest weight about and owed nothing, so that accept would take it at each visit. It may be
// asked of a task that others can take meanwhile.
func (f *fairPick) even(t *Task) bool {
	return t.weight*weightOne == f.unit && t.fair.used == 0 && t.fair.counts == 0
}

// passes is accept of an even task, for one who gives up its turn: all that remains of it is that the clock goes on. It returns for how
// long the task may run.
func (f *fairPick) passes(t *Task) uint64 {
	f.clock += f.step
	t.fair.since = f.clock
	return f.quantum
}

// draw is true with probability weight/unit.
func (f *fairPick) draw(weight uint32) bool { return f.next()%oneQuantum < uint64(weight)*f.inverse }

// ran notes for how many ns t ran, which was accepted and stops running, for whatever reason, or is to compete again.
func (f *fairPick) ran(t *Task, used uint64) { t.fair.used = used + 1 }

// settle has what t ran count. Not before it competes: most tasks that block have the CPU for themselves when they return.
func (f *fairPick) settle(t *Task) {
	s := &t.fair
	used := s.used - 1
	s.used, s.counts = 0, 0
	if used != f.quantum {
		part := min(max(used, f.quantum/maxGain, 1), maxGain*f.quantum) << 16 / f.quantum // of the quantum, in 2^-16
		s.need = int64(part) * (oneQuantum >> 16)
		s.counts = uint32(uint64(t.weight) * weightOne << 16 / part)
	}
}

// gaveUp is ran for one that let others go first: it is owed nothing for what it did not use.
func (f *fairPick) gaveUp(t *Task) { t.fair.used, t.fair.counts = 0, 0 }

// see counts a visit, and has unit follow the largest weight: up at once; down to that of the last two windows of visits,
// as one that comes and goes within a round is soon here again, or, if the last one accepted nobody, to that one's.
func (f *fairPick) see(weight uint32, others int) {
	f.visits++
	if f.left <= 0 {
		unit := f.largest
		if f.accepted {
			unit = max(unit, f.before)
		}
		f.before, f.largest, f.accepted = f.largest, 0, false
		f.left = others + 1
		if unit != f.unit && unit != 0 {
			f.setUnit(unit)
		}
	}
	f.left--
	f.largest = max(f.largest, weight)
	if weight > f.unit {
		f.setUnit(weight)
	}
	if others != f.others {
		f.others = others
		f.step = f.inverse << clockShift / uint64(others+1)
	}
	f.clock += f.step
}

func (f *fairPick) setUnit(unit uint32) {
	f.unit = unit
	f.inverse = (oneQuantum + uint64(unit) - 1) / uint64(unit)
	f.others = 0 // step is to be computed anew
}

// next draws a random number: SplitMix64 (Steele, Lea & Flood, OOPSLA 2014).
func (f *fairPick) next() uint64 {
	f.random += 0x9e3779b97f4a7c15
	z := f.random
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
