package sched

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"exo/internal/seeds"
	"exo/internal/tsan"
)

func TestTimers_G1_G2_AreASortedList(t *testing.T) {
	tsan.Alone(t)
	full, compacted := 0, 0
	seeds.Each(t, 200, func(r *rand.Rand) {
		var (
			h     timers
			model []Timer
			now   uint64
			void  = map[uint64]bool{} // numbers of those that were woken earlier
		)
		room := 1 + r.IntN(40)
		h.init(make([]Timer, room))
		require.Equal(t, never, h.next())
		for number := range uint64(400) {
			switch r.IntN(4) {
			case 0, 1:
				x := Timer{when: now + r.Uint64N(100), id: ID(r.Uint64()), number: number}
				ok := h.add(x.when, x.id, x.number, func(id ID, number uint64) bool {
					require.True(t, slices.ContainsFunc(model, func(x Timer) bool { return x.id == id && x.number == number }))
					return !void[number]
				})
				if len(model) == room {
					before := len(model)
					model = slices.DeleteFunc(model, func(x Timer) bool { return void[x.number] })
					require.Equal(t, len(model) < before, ok)
					full++
					if ok {
						compacted++
					}
				} else {
					require.True(t, ok)
				}
				if ok {
					model = append(model, x)
				}
			case 2:
				if len(model) > 0 {
					void[model[r.IntN(len(model))].number] = true
				}
			case 3:
				now += r.Uint64N(60)
				for last := uint64(0); ; {
					id, number, ok := h.due(now)
					if !ok {
						break
					}
					i := slices.IndexFunc(model, func(x Timer) bool { return x.number == number })
					require.GreaterOrEqual(t, i, 0)
					require.Equal(t, model[i].id, id)
					require.LessOrEqual(t, model[i].when, now)
					require.GreaterOrEqual(t, model[i].when, last)
					last = model[i].when
					model = slices.Delete(model, i, i+1)
				}
			}
			earliest := never
			for _, x := range model {
				earliest = min(earliest, x.when)
			}
			require.Equal(t, earliest, h.next())
			require.Equal(t, len(model), h.n)
		}
	})
	require.Positive(t, compacted)
	require.Greater(t, full, compacted)
}

func TestTimers_NeverIsNeverDue(t *testing.T) {
	var h timers
	h.init(make([]Timer, 1))
	_, _, ok := h.due(never)
	require.False(t, ok)
}

func BenchmarkTimers_AddDue(b *testing.B) {
	var h timers
	h.init(make([]Timer, 1024))
	r := rand.New(rand.NewPCG(1, 1))
	alive := func(ID, uint64) bool { return true }
	for i := range uint64(1000) {
		h.add(r.Uint64N(1_000_000), ID(i), 0, alive)
	}
	b.ReportAllocs()
	for b.Loop() {
		when := h.next()
		id, _, _ := h.due(when)
		h.add(when+r.Uint64N(1_000_000), id, 0, alive)
	}
}
