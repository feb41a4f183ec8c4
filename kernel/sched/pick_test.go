package sched

import (
	"testing"

	"github.com/stretchr/testify/require"

	"exo/kernel/sync"
)

// switchTo is what a CPU does between Pick and Finish.
func (c *hostCPU) switchTo(why Leaving) *Task {
	prev, now := c.Current(), c.host.NowNs()
	next := c.Pick(now, why)
	if prev != nil && next != prev {
		c.Finish(prev, why, now)
	}
	return next
}

var reserved = Reservation{Budget: 1_000_000, Period: 10_000_000}

// Real time goes before fair, and fair before batch, however they come.
func TestPick_G3_RealTimeThenFairThenBatch(t *testing.T) {
	for order := range 6 {
		h := still(t, 1, nil)
		c := &h.cores[0]
		classes := [][]Class{
			{Fair, Batch, RealTime}, {Fair, RealTime, Batch}, {Batch, Fair, RealTime},
			{Batch, RealTime, Fair}, {RealTime, Fair, Batch}, {RealTime, Batch, Fair},
		}[order]
		for _, class := range classes {
			c.come(h.ready(t, Start{Class: class, Reservation: reserved}), h.NowNs())
		}
		for _, class := range []Class{RealTime, Fair, Batch} {
			got := c.switchTo(Parks)
			require.NotNil(t, got)
			require.Equal(t, class, got.class)
		}
		require.Nil(t, c.switchTo(Parks))
		require.True(t, c.EnterIdle())
	}
}

// holder is a machine with one CPU, and a lock that the task which runs has, of a class; waits has a real-time task wait for
// the lock, and so lend its holder urgency.
func holder(t *testing.T, class Class) (h *host, holds *Task, lock *sync.Sleeplock, waits func()) {
	h = still(t, 1, nil)
	lock = &sync.Sleeplock{Class: sync.ClassTestA}
	r := reserved
	holds = h.ready(t, Start{Class: class, Reservation: r})
	r.Period /= 2
	waiter := h.ready(t, Start{Class: RealTime, Reservation: r})
	holds.Context.Sleeper, waiter.Context.Sleeper = nobody{}, nobody{}
	lent := &lender{}
	waiter.Context.Sleeper = lent
	h.cores[0].come(holds, h.NowNs())
	require.Equal(t, holds, h.cores[0].switchTo(Parks))
	holds.Context.Sleeper = nobody{}
	lock.Lock(&holds.Context)
	return h, holds, lock, func() {
		lent.parked = make(chan struct{})
		lent.resume = make(chan struct{})
		go func() {
			lock.Lock(&waiter.Context)
			close(lent.resume)
		}()
		<-lent.parked
	}
}

type nobody struct{}

func (nobody) Park()   {}
func (nobody) Unpark() {}

// lender waits for a lock in a goroutine.
type lender struct {
	parked, resume chan struct{}
	granted        chan struct{}
	once           bool
}

func (l *lender) Park() {
	if !l.once {
		l.once, l.granted = true, make(chan struct{}, 1)
		close(l.parked)
	}
	<-l.granted
}

func (l *lender) Unpark() { l.granted <- struct{}{} }

// A task that has been lent urgency runs next, wherever it waits: in a ring, in the heap, throttled; and goes on if it runs.
func TestPick_G3_LentUrgencyComesFirst(t *testing.T) {
	crowd := func(h *host) {
		c := &h.cores[0]
		for range 5 {
			c.come(h.ready(t, Start{}), h.NowNs())
		}
		c.come(h.ready(t, Start{Class: RealTime, Reservation: Reservation{Budget: 2_000_000, Period: 4_000_000}}), h.NowNs())
	}
	for _, class := range []Class{Fair, Batch, RealTime} {
		h, holds, lock, waits := holder(t, class)
		c := &h.cores[0]
		waits() // while it runs
		require.True(t, c.kicked.Load(), "nobody looks whether the one that runs is more urgent now")
		crowd(h)
		for range 10 {
			h.clock.Add(1_000_000)
			require.Equal(t, holds, c.switchTo(Preempted), "%d", class)
			require.Equal(t, holds, c.switchTo(Yields), "%d", class)
		}
		c.kicked.Store(false)
		lock.Unlock(&holds.Context)
		require.True(t, c.kicked.Load())
		require.NotEqual(t, holds, c.switchTo(Preempted), "it goes on, and nobody waits for it any more")
		require.Zero(t, c.rt.lenders)

		h, holds, _, waits = holder(t, class)
		c = &h.cores[0]
		crowd(h)
		for range 3 { // it becomes ready behind others
			h.clock.Add(2_000_000)
			if c.switchTo(Preempted) != holds {
				break
			}
		}
		require.NotEqual(t, holds, c.Current())
		waits()
		require.True(t, c.kicked.Load())
		require.Equal(t, holds, c.switchTo(Preempted), "%d", class)
	}

	h, holds, lock, waits := holder(t, RealTime) // throttled
	c := &h.cores[0]
	c.come(h.ready(t, Start{}), h.NowNs())
	h.clock.Add(reserved.Budget + 1000)
	require.NotEqual(t, holds, c.switchTo(Preempted))
	require.Equal(t, 1, c.rt.throttled.n)
	waits()
	require.Equal(t, holds, c.switchTo(Preempted))
	lock.Unlock(&holds.Context)
	require.NotEqual(t, holds, c.switchTo(Preempted), "it has no budget left")
	require.Equal(t, 1, c.rt.throttled.n)
}

// A task that yields, or is preempted, while a waiter makes it urgent runs again at once (goOn).
func TestPick_G3_UrgentWhileItLeaves(t *testing.T) {
	h, holds, _, waits := holder(t, Fair)
	c := &h.cores[0]
	c.come(h.ready(t, Start{}), h.NowNs())
	now := h.NowNs()
	require.NotEqual(t, holds, c.Pick(now, Yields))
	waits()
	c.kicked.Store(false)
	c.Finish(holds, Yields, now)
	require.True(t, c.kicked.Load())
	require.Equal(t, holds, c.switchTo(Preempted))

	// So if it is Pass that finds the next; before it has, or after.
	for _, before := range []bool{true, false} {
		h, holds, _, waits := holder(t, Fair)
		c := &h.cores[0]
		c.come(h.ready(t, Start{}), h.NowNs())
		c.fair.setUnit(DefaultWeight * weightOne)
		if before {
			waits()
		}
		now := h.NowNs()
		_, next, ok := c.Pass(now, Yields)
		require.True(t, ok)
		require.NotContains(t, []*Task{nil, holds}, next)
		if !before {
			waits()
		}
		c.kicked.Store(false)
		c.Return(holds, Yields)
		require.True(t, c.kicked.Load())
		require.Equal(t, holds, c.switchTo(Preempted))
	}
}

// What a task's CPU is said to be stays true when it is stolen back: Reprioritize looks there.
func TestPick_StolenBackAndPreempted(t *testing.T) {
	h := still(t, 2, nil)
	a, b := &h.cores[0], &h.cores[1]
	task := h.ready(t, Start{})
	a.come(task, 1)
	require.Equal(t, task, a.switchTo(Parks))
	require.Nil(t, a.switchTo(Parks))
	b.come(h.ready(t, Start{}), 1)
	b.switchTo(Parks)
	require.True(t, h.Wake(1, ID(task.id.Load()), true)) // to a's inbox; b files it, as if it had been sent there
	require.Equal(t, task, a.inbox.takeAll())
	b.come(task, 1)
	require.Equal(t, task, a.switchTo(Parks), "a steals it back")
	require.EqualValues(t, 0, task.cpu.Load())
}

// A permit that comes while the task is started is not lost (wake.go, G1).
func TestGo_G1_KeepsAPermit(t *testing.T) {
	h := still(t, 1, nil)
	kept := 0
	for range 2000 {
		id, slot, err := h.New(0, &Start{Detached: true})
		require.NoError(t, err)
		done := make(chan bool)
		go func() { done <- h.Wake(0, id, true) }()
		h.Go(0, id)
		require.True(t, <-done)
		task := &h.tasks[slot]
		if word(task.word.Load())&permit != 0 {
			kept++
		}
		require.NotZero(t, word(task.word.Load())&permit)
		require.Equal(t, task, h.cores[0].switchTo(Parks))
		require.True(t, h.CPU(0).TakePermit())
		h.cores[0].switchTo(Exits)
		h.drain(t)
	}
	require.Equal(t, 2000, kept)
}

// A task that New gave and nobody started goes back, with what it reserved, and leaves no permit to the next.
func TestForget_GivesBackAll(t *testing.T) {
	h := still(t, 1, nil)
	for range 1000 {
		id, _, err := h.New(0, &Start{Class: RealTime, Reservation: reserved})
		require.NoError(t, err)
		require.True(t, h.Wake(0, id, false))
		h.Forget(0, id)
		require.False(t, h.Wake(0, id, false))
		h.drain(t)
	}
	h.atRest(t)
}
