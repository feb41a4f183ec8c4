package main

import "exo/kernel/sync"

// row is one operation: Exo's, those of its peers, and the same under a lock.
type row struct {
	name    string
	threads int
	exo     func(cpus int) body
	peers   []target // the first is what the target is for
	locked  kind
	lone    bool // no locked baseline
	once    bool // the operations of one thread count, not of all
}

// target is how many times a peer's nanoseconds Exo may take; 0: no target.
type target struct {
	peer  string
	ratio float64
}

// The targets. Where no figure was set for both sides, the ratio is that of the nanoseconds that were set for Exo to what
// the peer needs on the machine they were set on, a Zen 4 at 3.7 GHz.
var plan = []row{
	{name: "queue, hazard pointers", threads: 1, exo: newHazardQueue, locked: fifo, peers: []target{{"ck_hp_fifo", 14.0 / 16}}},
	{name: "queue, type-stable slots", threads: 1, exo: newQueue, locked: fifo, peers: []target{{"rculfqueue bare", 1}, {"rculfqueue", 0}, {"ck_hp_fifo", 0}}},
	{name: "stack", threads: 1, exo: newStack, locked: lifo, peers: []target{{"ck_hp_stack bare", 8.5 / 8.2}, {"ck_hp_stack", 0}}},
	{name: "deque push+pop", threads: 1, exo: newDeque, locked: dequeArray, peers: []target{{"Chase-Lev in C11", 4.5 / 2.5}}},
	{name: "ring", threads: 1, exo: newRing, locked: ringArray, peers: []target{{"ck_ring mpmc", 0}}},
	{name: "hazard protect+clear", threads: 1, exo: newProtect, lone: true, peers: []target{{"ck_hp set+clear", 4.4 / 2.1}}},
	{name: "RCU read section", threads: 1, exo: newSection, locked: words, peers: []target{{"liburcu-qsbr section", 0.6 / 0.27}, {"ck_epoch section", 0}}},
	{name: "RCU quiescent state", threads: 1, exo: newQuiescent, lone: true, peers: []target{{"liburcu-qsbr quiescent", 1 / 0.54}}},
	{name: "RCU call, with callback", threads: 1, exo: newCall, lone: true, peers: []target{{"ck_epoch call", 6 / 3.3}, {"liburcu-qsbr call", 0}}},
	{name: "seqlock read, 2 words", threads: 1, exo: newSeqlock, locked: words, peers: []target{{"ck_sequence", 0}}},
	{name: "spinlock, order checked", threads: 1, exo: newSpinlock, lone: true, peers: []target{{"ck_spinlock_mcs", 0}, {"ck_spinlock_fas", 0}, {"pthread_mutex", 0}}},
	{name: "queued lock", threads: 1, exo: newMCS, lone: true, peers: []target{{"ck_spinlock_mcs", 0}}},
	{name: "ticket lock", threads: 1, exo: newTicket, lone: true, peers: []target{{"ck_spinlock_ticket", 0}}},

	{name: "queue, hazard pointers", threads: 2, exo: newHazardQueue, locked: fifo, peers: []target{{"ck_hp_fifo", 1}}},
	{name: "queue, type-stable slots", threads: 2, exo: newQueue, locked: fifo, peers: []target{{"rculfqueue bare", 1}, {"rculfqueue", 0}, {"ck_hp_fifo", 0}}},
	{name: "stack", threads: 2, exo: newStack, locked: lifo, peers: []target{{"ck_hp_stack", 1}, {"ck_hp_stack bare", 0}}},
	{name: "deque push→steal", threads: 2, exo: newDeque, locked: handOver, once: true, peers: []target{{"Chase-Lev in C11", 1}}},
	{name: "ring", threads: 2, exo: newRing, locked: ringArray, peers: []target{{"ck_ring mpmc", 1}}},
	{name: "RCU synchronize, 1 reader", threads: 2, exo: newSynchronize, lone: true, once: true,
		peers: []target{{"liburcu-qsbr synchronize", 300.0 / 306}, {"ck_epoch synchronize", 0}}},
	{name: "spinlock, order checked", threads: 2, exo: newSpinlock, lone: true, peers: []target{{"ck_spinlock_mcs", 0}, {"ck_spinlock_fas", 0}, {"pthread_mutex", 0}}},
}

// result is what came of a row: nanoseconds per operation, run by run.
type result struct {
	row
	exo         sample
	peers       []sample
	spin, mutex sample // empty without a locked baseline
}

// done is how many operations of a run must succeed, if each thread does n.
func (r *row) done(n int) int {
	if r.once {
		return n
	}
	return r.threads * n
}

// ratio is Exo's nanoseconds to those of peer i.
func (r *result) ratio(i int) float64 { return r.exo.median() / r.peers[i].median() }

// met says whether the target for peer i is met, if there is one.
func (r *result) met(i int) (met, is bool) {
	t := r.row.peers[i].ratio
	return r.ratio(i) <= t, t != 0
}

func init() {
	sync.CloseOrder()
	sync.Relax = pause
}
