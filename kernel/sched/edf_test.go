package sched

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"exo/internal/seeds"
	"exo/internal/tsan"
)

// behaviour says, when a task's job is done, when the next one comes, at now or later, and how long it runs, in ns.
type behaviour func(r *rand.Rand, now uint64) (comes, runs uint64)

// actor is a task in a simulation.
type actor struct {
	task    Task
	next    behaviour
	behaves bool // its jobs stay within the reservation: then each must be in time

	comes, runs uint64 // its next job, or the present one
	active      bool
	jobs        int
	late        int
	got         uint64 // ns, in all
}

// cpuSim runs actors on one CPU in exact time: nothing happens between two events.
type cpuSim struct {
	t      *testing.T
	r      *rand.Rand
	rt     realTime
	actors []*actor
	now    uint64
	idle   uint64

	current *actor
}

func (s *cpuSim) add(budget, period uint64, behaves bool, next behaviour) *actor {
	a := &actor{next: next, behaves: behaves}
	a.task.reservation = Reservation{Budget: budget, Period: period}
	a.comes, a.runs = next(s.r, s.now)
	s.actors = append(s.actors, a)
	return a
}

func (s *cpuSim) run(until uint64) {
	current := s.current
	defer func() { s.current = current }()
	of := map[*Task]*actor{}
	for _, a := range s.actors {
		of[&a.task] = a
	}
	for s.now < until {
		for _, a := range s.actors {
			if !a.active && a.comes <= s.now {
				a.active = true
				require.True(s.t, s.rt.release(&a.task, s.now))
			}
		}
		s.rt.replenish(s.now)
		if top := s.rt.top(); top != nil && (current == nil || s.rt.before(top, &current.task)) {
			s.rt.pop()
			if current != nil {
				s.rt.put(&current.task)
			}
			current = of[top]
		}
		at := min(until, s.rt.next())
		for _, a := range s.actors {
			if !a.active {
				at = min(at, a.comes)
			}
		}
		if current != nil {
			at = min(at, s.now+min(current.runs, s.rt.allowance(&current.task)))
		}
		require.Greater(s.t, at, s.now)
		ran := at - s.now
		s.now = at
		if current == nil {
			s.idle += ran
			continue
		}
		a := current
		a.runs -= ran
		a.got += ran
		stop := s.rt.charge(&a.task, ran)
		switch {
		case a.runs == 0:
			inTime := s.rt.done(&a.task, s.now)
			require.Equal(s.t, s.now <= a.comes+a.task.reservation.Period, inTime)
			if a.jobs++; !inTime {
				a.late++
			}
			a.active, current = false, nil
			came := a.comes
			a.comes, a.runs = a.next(s.r, s.now)
			if a.behaves {
				require.GreaterOrEqual(s.t, a.comes, came+a.task.reservation.Period)
			}
			a.comes = max(a.comes, s.now)
		case stop:
			require.True(s.t, s.rt.put(&a.task))
			current = nil
		}
	}
}

// inTime checks that each that behaves was in time, and that there was something to check.
func (s *cpuSim) inTime() {
	jobs := 0
	for i, a := range s.actors {
		if a.behaves {
			require.Zero(s.t, a.late, "actor %d of %d: %+v", i, len(s.actors), a.task.reservation)
			require.Zero(s.t, a.task.reservation.misses)
			require.Zero(s.t, a.task.reservation.overruns)
			jobs += a.jobs
		}
	}
	require.Positive(s.t, jobs)
}

// sporadic jobs stay within the reservation: often they take all of it, and come as soon as they may.
func sporadic(budget, period uint64) behaviour {
	earliest := uint64(0)
	return func(r *rand.Rand, now uint64) (comes, runs uint64) {
		comes, runs = earliest, budget
		if earliest == 0 {
			comes = r.Uint64N(2) * r.Uint64N(period) // half of them begin together
		} else if r.IntN(8) == 0 {
			comes += r.Uint64N(2 * period)
		}
		if r.IntN(4) == 0 {
			runs = 1 + r.Uint64N(budget)
		}
		comes = max(comes, now)
		earliest = comes + period
		return comes, runs
	}
}

// hog has one job, which never ends.
func hog(*rand.Rand, uint64) (comes, runs uint64) { return 0, 1 << 60 }

// wild jobs come and run as they like.
func wild(budget, period uint64) behaviour {
	return func(r *rand.Rand, now uint64) (comes, runs uint64) {
		return now + r.Uint64N(period), 1 + r.Uint64N(3*budget)
	}
}

// lateWaker uses a little of its budget, blocks until just before its deadline, and then wants all.
func lateWaker(budget, period uint64) behaviour {
	n := 0
	return func(_ *rand.Rand, now uint64) (comes, runs uint64) {
		if n++; n%2 == 1 {
			return now, 1
		}
		return now + period - budget, 2 * budget
	}
}

// fill reserves random parts of CPU 0 of a, until nothing is left to speak of.
func fill(r *rand.Rand, a *Admission, most int) (set []Reservation) {
	for len(set) < most {
		v := Reservation{Period: minPeriod * (1 + r.Uint64N(20))}
		if r.IntN(4) == 0 {
			v.Period += r.Uint64N(minPeriod)
		}
		v.Budget = 1 + r.Uint64N(v.Period/uint64(1+r.IntN(8)))
		if _, err := a.Admit(1, v); err == nil {
			set = append(set, v)
			continue
		}
		lo, hi := uint64(0), v.Budget // the most that is left
		for hi-lo > 1 {
			mid := (lo + hi) / 2
			v.Budget = mid
			if _, err := a.Admit(1, v); err == nil {
				a.Release(0, v)
				lo = mid
			} else {
				hi = mid
			}
		}
		if v.Budget = lo; lo == 0 {
			break
		}
		_, err := a.Admit(1, v)
		if err != nil {
			panic(err)
		}
		set = append(set, v)
	}
	return set
}

func TestEDF_G1_WhatIsAdmittedIsInTime(t *testing.T) {
	tsan.Alone(t)
	fullest := 0.0
	seeds.Each(t, 150, func(r *rand.Rand) {
		var a Admission
		a.Init(1, WholeCPU, false)
		s := cpuSim{t: t, r: r}
		u := 0.0
		for _, v := range fill(r, &a, 1+r.IntN(12)) {
			s.add(v.Budget, v.Period, true, sporadic(v.Budget, v.Period))
			u += float64(v.Budget) / float64(v.Period)
		}
		fullest = max(fullest, u)
		s.run(300 * minPeriod)
		s.inTime()
	})
	require.Greater(t, fullest, 0.9999)
	require.LessOrEqual(t, fullest, 1.0)
}

func TestEDF_G1_OthersCannotMakeATaskLate(t *testing.T) {
	tsan.Alone(t)
	overruns, late := uint64(0), 0
	seeds.Each(t, 150, func(r *rand.Rand) {
		var a Admission
		a.Init(1, WholeCPU, false)
		s := cpuSim{t: t, r: r}
		for i, v := range fill(r, &a, 2+r.IntN(10)) {
			switch kind := r.IntN(6); {
			case kind < 3 || i == 0:
				s.add(v.Budget, v.Period, true, sporadic(v.Budget, v.Period))
			case kind == 3:
				s.add(v.Budget, v.Period, false, hog)
			case kind == 4:
				s.add(v.Budget, v.Period, false, wild(v.Budget, v.Period))
			default:
				s.add(v.Budget, v.Period, false, lateWaker(v.Budget, v.Period))
			}
		}
		s.run(300 * minPeriod)
		s.inTime()
		for _, x := range s.actors {
			overruns += x.task.reservation.overruns
			late += x.late
		}
	})
	require.Positive(t, overruns)
	require.Positive(t, late)
}

func TestEDF_G1_HoldsForTheRateMonotonicOrder(t *testing.T) {
	tsan.Alone(t)
	seeds.Each(t, 150, func(r *rand.Rand) {
		var a Admission
		a.Init(1, WholeCPU, true)
		s := cpuSim{t: t, r: r, rt: realTime{monotonic: true}}
		for i, v := range fill(r, &a, 1+r.IntN(10)) {
			switch kind := r.IntN(6); {
			case kind < 3 || i == 0:
				s.add(v.Budget, v.Period, true, sporadic(v.Budget, v.Period))
			case kind == 3:
				s.add(v.Budget, v.Period, false, hog)
			case kind == 4:
				s.add(v.Budget, v.Period, false, wild(v.Budget, v.Period))
			default:
				s.add(v.Budget, v.Period, false, lateWaker(v.Budget, v.Period))
			}
		}
		s.run(300 * minPeriod)
		s.inTime()
	})
}

// Two halves of a CPU: by deadline both are in time and the CPU is never idle; by rate one is late, so it is not admitted.
func TestEDF_OrdersDiffer(t *testing.T) {
	for _, monotonic := range []bool{false, true} {
		var a Admission
		a.Init(1, WholeCPU, monotonic)
		s := cpuSim{t: t, rt: realTime{monotonic: monotonic}}
		refused := 0
		for _, v := range []Reservation{{Budget: 500_000, Period: 1_000_000}, {Budget: 700_000, Period: 1_400_000}} {
			if _, err := a.Admit(1, v); err != nil {
				require.Equal(t, ErrFull, err)
				refused++
			}
			period := v.Period
			at := uint64(0)
			s.add(v.Budget, period, !monotonic, func(*rand.Rand, uint64) (uint64, uint64) {
				at += period
				return at - period, v.Budget
			})
		}
		s.run(7_000_000)
		if monotonic {
			require.Equal(t, 1, refused)
			require.Positive(t, s.actors[1].late)
		} else {
			require.Zero(t, refused)
			require.Zero(t, s.idle)
			s.inTime()
		}
	}
}

func TestEDF_G2_ARunawayGetsItsBudgetInEachPeriod(t *testing.T) {
	for _, monotonic := range []bool{false, true} {
		var a Admission
		a.Init(1, WholeCPU, monotonic)
		s := cpuSim{t: t, r: rand.New(rand.NewPCG(1, 1)), rt: realTime{monotonic: monotonic}}
		for i, v := range fill(s.r, &a, 5) {
			if i == 2 {
				s.add(v.Budget, v.Period, true, sporadic(v.Budget, v.Period))
			} else {
				s.add(v.Budget, v.Period, false, hog)
			}
		}
		require.Greater(t, len(s.actors), 2)
		for range 200 {
			s.run(s.now + minPeriod*7/3)
			for i, x := range s.actors {
				v := x.task.reservation
				periods := s.now / v.Period
				if i != 2 {
					require.GreaterOrEqual(t, x.got, periods*v.Budget)
					require.LessOrEqual(t, x.got, (periods+1)*v.Budget)
					require.GreaterOrEqual(t, v.overruns+1, periods)
				}
			}
		}
		s.inTime()
		require.Positive(t, s.idle, "a runaway takes no more, even if the CPU idles")
	}
}

func TestEDF_G3_WhatWasRunBeyondTheBudgetIsTakenOffLater(t *testing.T) {
	var (
		rt realTime
		x  Task
	)
	x.reservation = Reservation{Budget: 100, Period: 1000}
	require.True(t, rt.release(&x, 5000))
	require.Equal(t, &x, rt.pop())
	require.EqualValues(t, 100, rt.allowance(&x))
	require.False(t, rt.charge(&x, 99))
	require.True(t, rt.charge(&x, 31)) // 30 too many
	rt.put(&x)
	require.Nil(t, rt.top())
	require.EqualValues(t, 6000, rt.next())
	require.Zero(t, rt.replenish(5999))
	require.Equal(t, 1, rt.replenish(6000))
	require.Equal(t, never, rt.next())
	require.Equal(t, &x, rt.pop())
	require.EqualValues(t, 70, rt.allowance(&x))

	require.True(t, rt.charge(&x, 70+250)) // two and a half budgets too many
	rt.put(&x)
	require.Zero(t, rt.replenish(7000))
	require.Zero(t, rt.replenish(8000))
	require.Equal(t, 1, rt.replenish(9000))
	require.Equal(t, &x, rt.pop())
	require.EqualValues(t, 50, rt.allowance(&x))
	require.EqualValues(t, 10_000, x.reservation.deadline)
	require.EqualValues(t, 2, x.reservation.overruns)

	require.True(t, rt.charge(&x, 60)) // also if it blocks meanwhile
	require.False(t, rt.done(&x, 9999))
	require.EqualValues(t, 1, x.reservation.misses)
	rt.release(&x, 12_000)
	rt.pop()
	require.EqualValues(t, 90, rt.allowance(&x))

	rt.charge(&x, 90)
	rt.put(&x)
	require.Equal(t, 1, rt.replenish(50_000)) // nobody called for so long
	require.EqualValues(t, 51_000, x.reservation.deadline)
}

func TestEDF_RestWaitsForTheNextPeriod(t *testing.T) {
	var (
		rt realTime
		x  Task
	)
	x.reservation = Reservation{Budget: 100, Period: 1000}
	rt.release(&x, 0)
	for now := uint64(0); now < 5000; now += 1000 {
		rt.replenish(now)
		require.Equal(t, &x, rt.pop())
		require.False(t, rt.charge(&x, 40))
		require.True(t, rt.rest(&x, now+40))
		require.Nil(t, rt.top())
		require.Equal(t, now+1000, rt.next())
	}
	rt.replenish(5000)
	rt.pop()
	require.False(t, rt.rest(&x, 6001), "its job was due at 6000")
	require.EqualValues(t, 1, x.reservation.misses)
	require.Zero(t, x.reservation.overruns)
}

// Priority inheritance: what stands here by what others lend it.
func TestEDF_LentUrgency(t *testing.T) {
	var (
		rt               realTime
		early, late, out Task
		other            Task // has no reservation
	)
	early.reservation = Reservation{Budget: 100, Period: 1000}
	late.reservation = Reservation{Budget: 100, Period: 5000}
	out.reservation = Reservation{Budget: 100, Period: 3000}
	rt.release(&early, 0)
	rt.release(&late, 0)
	rt.release(&out, 0)
	rt.remove(&out)
	rt.charge(&out, 100)
	rt.put(&out)
	require.Equal(t, throttled, out.reservation.place)

	require.Equal(t, &early, rt.top())
	require.True(t, rt.before(&early, &late))
	require.True(t, rt.before(&late, &other))
	require.True(t, rt.lend(&late, 500))
	require.Equal(t, &late, rt.top())
	require.True(t, rt.lend(&late, 0))
	require.Equal(t, &early, rt.top())

	require.True(t, rt.lend(&out, 700), "who is waited for is not throttled")
	require.Equal(t, &out, rt.pop())
	require.Equal(t, never, rt.allowance(&out))
	require.False(t, rt.charge(&out, 50))
	rt.put(&out)
	require.Equal(t, &out, rt.top())
	require.True(t, rt.lend(&out, 0))
	require.Equal(t, throttled, out.reservation.place)
	require.Equal(t, &early, rt.top())

	require.False(t, rt.lend(&other, 800), "it is ready elsewhere")
	require.True(t, rt.release(&other, 0))
	require.Equal(t, &other, rt.top())
	require.True(t, rt.before(&other, &early))
	require.False(t, rt.charge(&other, 1000))
	require.False(t, rt.lend(&other, 0), "it is ready elsewhere again")
	require.Equal(t, nowhere, other.reservation.place)
	require.False(t, rt.remove(&other))
	require.Zero(t, rt.lenders)

	tasks := make([]Task, MaxRealTime+1)
	for i := range tasks {
		rt.lend(&tasks[i], 100)
		require.Equal(t, i < MaxRealTime, rt.release(&tasks[i], 0))
	}
	require.True(t, rt.remove(&tasks[0]))
	require.True(t, rt.release(&tasks[MaxRealTime], 0))
}

func TestEDF_HeapIsASortedList(t *testing.T) {
	tsan.Alone(t)
	tasks := make([]Task, 2*MaxRealTime)
	seeds.Each(t, 40, func(r *rand.Rand) {
		var (
			h       taskHeap
			in, out []*Task
		)
		for i := range tasks {
			out = append(out, &tasks[i])
		}
		check := func() {
			require.Equal(t, len(in), h.n)
			if len(in) > 0 {
				least := slices.MinFunc(in, func(a, b *Task) int { return int(a.reservation.key) - int(b.reservation.key) })
				require.Equal(t, least.reservation.key, h.tasks[0].reservation.key)
			}
			for _, x := range in {
				require.Same(t, x, h.tasks[x.reservation.at])
			}
		}
		for range 300 {
			if len(out) > 0 && r.IntN(5) < 3 {
				i := r.IntN(len(out))
				x := out[i]
				x.reservation.key = r.Uint64N(100)
				h.push(x)
				in, out = append(in, x), slices.Delete(out, i, i+1)
			} else if len(in) > 0 {
				i := r.IntN(len(in))
				x := in[i]
				h.remove(x)
				in, out = slices.Delete(in, i, i+1), append(out, x)
			}
			check()
		}
		for last := uint64(0); h.n > 0; {
			x := h.tasks[0]
			require.GreaterOrEqual(t, x.reservation.key, last)
			last = x.reservation.key
			h.remove(x)
		}
	})
}

func BenchmarkEDF_PutPop(b *testing.B) {
	var rt realTime
	tasks := make([]Task, 32)
	for i := range tasks {
		tasks[i].reservation = Reservation{Budget: 1000, Period: uint64(minPeriod * (1 + i*7%13))}
		rt.release(&tasks[i], 0)
	}
	b.ReportAllocs()
	now := uint64(0)
	for b.Loop() {
		x := rt.pop()
		now += 500
		rt.charge(x, 500)
		rt.done(x, now)
		rt.replenish(now)
		rt.release(x, now)
		if rt.top() == nil {
			now = rt.next()
			rt.replenish(now)
		}
	}
}
