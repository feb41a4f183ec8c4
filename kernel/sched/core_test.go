package sched

import (
	"math/rand/v2"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"exo/internal/seeds"
	"exo/internal/tsan"
	"exo/kernel/sync"
)

// workload is what the tasks of a random run share.
type workload struct {
	*host
	quota    uint64
	lock     [2]sync.Sleeplock
	inside   [2]*hostTask // who is in each; guarded by it
	recent   [64]atomic.Uint64
	restrict bool // some tasks have affinities

	// What happened: a run in which it never did proves nothing.
	refused, joined, slept, parked, stale, contended atomic.Uint64
}

// tree is a task that does this and that, has children, waits for them, and tells its parent.
func (w *workload) tree(parent ID, tokens *atomic.Int64) func(*hostTask) uint64 {
	return func(t *hostTask) uint64 {
		var (
			r    = t.random
			mine atomic.Int64 // one from each child
			kids []ID
			want int64
		)
		id := t.id
		for range r.IntN(40) {
			if w.ops.Load() > w.quota {
				break
			}
			switch r.IntN(12) {
			case 0:
				t.yield()
			case 1:
				if n := len(kids); n == 0 || !t.yieldTo(kids[r.IntN(n)]) {
					t.yield()
				}
			case 2:
				w.slept.Add(1)
				t.sleep(uint64(r.IntN(50)) * stepNs)
			case 3, 4:
				if kid := w.child(t, id, &mine, len(kids) < 4 && r.IntN(3) > 0, &kids); kid != 0 {
					want++
				}
			case 5:
				w.stray(t)
			case 6:
				w.section(t, r.IntN(2))
			case 7:
				w.look(t)
			case 8:
				for mine.Load() < want { // each of them tells before it ends
					w.parked.Add(1)
					t.Park()
				}
			case 9:
				w.lengths(t)
			default:
				t.point()
			}
		}
		for mine.Load() < want {
			t.Park()
		}
		for _, kid := range kids {
			result, err := t.join(kid)
			if err != nil || result != uint64(kid)*3 {
				w.fail("join of %x returns %d, %v", kid, result, err)
			}
			if _, err := t.join(kid); err != ErrNoTask {
				w.fail("a second join of %x: %v", kid, err)
			}
			if w.wakeIsStale(t, kid); t.host.Task(kid) != nil {
				w.fail("%x is still there", kid)
			}
			w.joined.Add(1)
		}
		if tokens != nil {
			tokens.Add(1)
			t.wake(parent) // it may have ended, if it has not waited
		}
		return uint64(id) * 3
	}
}

func (w *workload) wakeIsStale(t *hostTask, id ID) {
	w.stale.Add(1)
	if t.wake(id) {
		w.fail("%x was joined, and can be woken", id)
	}
}

// child spawns one, which its parent joins or not.
func (w *workload) child(t *hostTask, id ID, tokens *atomic.Int64, joined bool, kids *[]ID) ID {
	r := t.random
	a := Start{Name: "child", Detached: !joined, Weight: uint32(r.IntN(200))}
	switch r.IntN(10) {
	case 0:
		a.Class = Batch
	case 1:
		a.Class = RealTime
		a.Reservation = Reservation{Budget: uint64(5+r.IntN(20)) * stepNs, Period: uint64(200+r.IntN(400)) * stepNs}
	}
	if w.restrict && r.IntN(2) == 0 {
		for a.Affinity&w.all == 0 {
			a.Affinity = r.Uint64() & r.Uint64()
		}
	}
	kid := w.host.spawn(t.on, &a, w.tree(id, tokens), rand.New(rand.NewPCG(r.Uint64(), 2)))
	if kid == 0 {
		w.refused.Add(1)
		t.yield()
		return 0
	}
	w.recent[r.IntN(len(w.recent))].Store(uint64(kid))
	if joined {
		*kids = append(*kids, kid)
	}
	return kid
}

// stray wakes somebody who has not asked for it, or who is no more.
func (w *workload) stray(t *hostTask) {
	if !t.wake(ID(w.recent[t.random.IntN(len(w.recent))].Load())) {
		w.stale.Add(1)
	}
}

// section is a critical section of a sleeplock: whoever waits lends its priority.
func (w *workload) section(t *hostTask, i int) {
	c, l := &t.task.Context, &w.lock[i]
	if !l.TryLock(c) {
		w.contended.Add(1)
		l.Lock(c)
	}
	if w.inside[i] != nil {
		w.fail("two tasks have a lock")
	}
	w.inside[i] = t
	for range t.random.IntN(4) {
		t.point()
		if t.random.IntN(4) == 0 {
			t.yield()
		}
	}
	w.inside[i] = nil
	l.Unlock(c)
}

// look finds a task, in a read section: its slot does not become another's meanwhile (wake.go, G4).
func (w *workload) look(t *hostTask) {
	id := ID(w.recent[t.random.IntN(len(w.recent))].Load())
	if u := w.Task(id); u != nil {
		for range 3 {
			runtime.Gosched()
			if now := u.id.Load(); now != 0 && now != uint64(id) {
				w.fail("slot %d became another task's in a read section", u.slot)
			}
		}
	}
}

// lengths looks at queues as a thief does.
func (w *workload) lengths(t *hostTask) {
	c := &w.cpus[t.random.IntN(len(w.cpus))]
	for _, r := range [...]*ring{&c.shared, &c.pinned, &c.batch} {
		if r.len() < 0 {
			w.fail("a queue has a length below 0")
		}
	}
}

// atRest demands that nothing is left of what ran.
func (h *host) atRest(t *testing.T) {
	t.Helper()
	h.drain(t)
	require.Equal(t, len(h.tasks)-1, h.pool.Free(), "slots that came back")
	var all Counters
	for i := range h.cpus {
		c := &h.cpus[i]
		all.Add(&c.Counters)
		require.Zero(t, c.shared.len()+c.pinned.len()+c.batch.len()+c.rt.ready.n+c.rt.throttled.n+c.rt.lenders)
		require.True(t, c.inbox.empty() && c.current == nil && c.busy.Load() == 0)
		used, _ := h.Admission.Load(i)
		require.Zero(t, used, "CPU %d has reservations of nobody", i)
	}
	require.Zero(t, h.idle.Load(), "stopped CPUs are not idle")
	for i := range h.tasks {
		w := word(h.tasks[i].word.Load())
		require.Equal(t, Free, w.state())
		require.Zero(t, w&permit)
	}
	require.Equal(t, h.switches.Load(), all.Switches, "switches to tasks")
	require.GreaterOrEqual(t, all.WakesHere+all.WakesAway, h.spawned.Load(), "who was started became ready")
	require.LessOrEqual(t, all.Latency.Count(), all.WakesHere+all.WakesAway)
}

// TestSched_G1_G2_G4_RandomWorkloads is of all guarantees at once: cpu.go G1, G2, G4, wake.go G1 to G5.
func TestSched_G1_G2_G4_RandomWorkloads(t *testing.T) {
	old := runtime.GOMAXPROCS(max(4, runtime.GOMAXPROCS(0)))
	defer runtime.GOMAXPROCS(old)
	runs, quota := 20, uint64(26_000)
	if testing.Short() || tsan.On {
		runs = 6
	}
	var ops, steals, away, kicks, halted, contended, restricted, slept, parked, joined, refused, stale, far, passed uint64
	seeds.Each(t, runs, func(r *rand.Rand) {
		cpus := 1 + r.IntN(8)
		w := &workload{host: newHost(t, cpus, 24+r.IntN(100), r, nil), quota: quota, restrict: r.IntN(2) == 0}
		for i := range w.lock {
			w.lock[i].Init(sync.ClassTestA)
		}
		seed := r.Uint64()
		w.run(t, &Start{Name: "first", Detached: true}, func(t *hostTask) uint64 {
			r := rand.New(rand.NewPCG(seed, 0))
			for w.ops.Load() < quota {
				var tokens atomic.Int64
				want := int64(0)
				for range 1 + r.IntN(6) {
					var kids []ID
					if w.child(t, t.id, &tokens, false, &kids) != 0 {
						want++
					}
				}
				for tokens.Load() < want {
					t.Park()
				}
			}
			return 0
		})
		w.atRest(t)
		var all Counters
		for i := range w.cpus {
			all.Add(&w.cpus[i].Counters)
			halted += uint64(w.cores[i].halted)
		}
		for rank, n := range all.Steals {
			steals += n
			if rank > 0 {
				far += n
			}
		}
		if w.restrict {
			restricted++
		}
		ops += w.ops.Load()
		passed += w.passes.Load()
		away += all.WakesAway
		kicks += all.Kicks
		contended += w.contended.Load()
		slept += w.slept.Load()
		parked += w.parked.Load()
		joined += w.joined.Load()
		refused += w.refused.Load()
		stale += w.stale.Load()
	})
	t.Logf("ops=%d passed=%d steals=%d far=%d away=%d kicks=%d halted=%d contended=%d slept=%d parked=%d joined=%d refused=%d stale=%d",
		ops, passed, steals, far, away, kicks, halted, contended, slept, parked, joined, refused, stale)
	for _, n := range []uint64{steals, far, away, kicks, halted, contended, restricted, slept, parked, joined, refused, stale} {
		require.Positive(t, n)
	}
	require.GreaterOrEqual(t, ops, uint64(runs)*quota)
	require.Equal(t, tsan.On, passed == 0)
}

// What the waker wrote before, plainly, the task sees when Park returns: the race detector watches.
func TestWake_G1_WhatTheWakerWroteIsSeen(t *testing.T) {
	seeds.Each(t, 12, func(r *rand.Rand) {
		h := newHost(t, 1+r.IntN(4), 16, r, nil)
		const rounds = 400
		var ball [2]int // neither a word nor guarded
		seen := 0
		h.run(t, &Start{Detached: true}, func(t *hostTask) uint64 {
			var players [2]ID
			me := t.id
			player := func(i int) func(*hostTask) uint64 {
				return func(t *hostTask) uint64 {
					for round := 1; round <= rounds; round++ {
						t.Park()
						if ball[i] != round {
							h.fail("player %d is woken in round %d, and has the ball of round %d", i, round, ball[i])
						}
						if i == 0 {
							seen = round
						}
						next := round
						if i == 1 {
							next++
						}
						ball[1-i] = next
						if round < rounds || i == 0 {
							t.wake(players[1-i])
						}
					}
					t.wake(me)
					return 0
				}
			}
			for i := range players {
				players[i] = h.spawn(t.on, &Start{}, player(i), rand.New(rand.NewPCG(r.Uint64(), 3)))
			}
			ball[0] = 1
			t.wake(players[0])
			for i := range players {
				if _, err := t.join(players[i]); err != nil {
					h.fail("join: %v", err)
				}
			}
			return 0
		})
		h.atRest(t)
		require.Equal(t, rounds, seen)
	})
}
