package sched

import (
	"math/rand/v2"
	"sync/atomic"
	"testing"

	"exo/internal/seeds"
	"github.com/stretchr/testify/require"
)

// TestChange_G1_G2_TasksBecomeOthers: tasks of all classes become others while they yield, park and end. The host checks that each runs
// where it may, atRest that nothing is reserved in the end.
func TestChange_G1_G2_TasksBecomeOthers(t *testing.T) {
	var changed, refused, withdrawn atomic.Uint64
	seeds.Each(t, 12, func(r *rand.Rand) {
		cpus := 1 + r.IntN(4)
		h := newHost(t, cpus, 24, r, nil)
		kind := func(r *rand.Rand) *Start {
			a := &Start{Class: Class(r.IntN(3)), Weight: uint32(r.IntN(100)), Affinity: r.Uint64() & r.Uint64(), Detached: true}
			if a.Class == RealTime {
				a.Reservation = Reservation{Budget: 20_000 + r.Uint64N(200_000), Period: 200_000 + r.Uint64N(1_000_000)}
			}
			return a
		}
		body := func(t *hostTask) uint64 {
			for range 200 {
				switch c, err := h.Prepare(kind(t.random)); {
				case err != nil:
					refused.Add(1)
				case t.random.IntN(4) == 0:
					h.Withdraw(&c)
					withdrawn.Add(1)
				default:
					t.on.Becomes(&c)
					if !t.reschedule(Moves) {
						h.fail("a task that moves is not switched from")
					}
					if t.task.class != c.class || t.task.weight != c.weight || t.task.reservation.Budget != c.reservation.Budget ||
						t.task.affinity.Load() != c.affinity || t.task.urgent() != (c.class == RealTime) {
						h.fail("a task is not what it was to become")
					}
					for i := range h.cores {
						if used, limit := h.Admission.Load(i); used > limit {
							h.fail("more is reserved than can be")
						}
					}
					changed.Add(1)
				}
				t.yield()
				t.point()
			}
			return 0
		}
		h.run(t, &Start{Name: "first", Detached: true}, func(t *hostTask) uint64 {
			for range 10 {
				h.spawn(t.on, kind(t.random), body, rand.New(rand.NewPCG(t.random.Uint64(), 0)))
			}
			return body(t)
		})
		h.atRest(t)
	})
	require.Positive(t, changed.Load())
	require.Positive(t, refused.Load())
	require.Positive(t, withdrawn.Load())
}

func TestChange_WhatMakesNoSenseIsRefused(t *testing.T) {
	h := newHost(t, 2, 8, rand.New(rand.NewPCG(1, 1)), nil)
	for _, x := range []struct {
		a    Start
		want error
	}{
		{Start{Class: RealTime + 1}, ErrClass},
		{Start{Weight: MaxWeight + 1}, ErrWeight},
		{Start{Affinity: 4}, ErrAffinity},
		{Start{Class: RealTime}, ErrBudget},
		{Start{Class: RealTime, Reservation: Reservation{Budget: 2 * maxPeriod / 4, Period: maxPeriod / 4}}, ErrOver},
		{Start{Class: RealTime, Reservation: Reservation{Budget: 91 * 10_000, Period: 1_000_000}}, ErrFull},
	} {
		_, err := h.Prepare(&x.a)
		require.Equal(t, x.want, err)
	}
	used, _ := h.Admission.Load(0)
	require.Zero(t, used)
}
