//go:build explore

package sync

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"exo/kernel/sync/atom"
	"exo/kernel/sync/explore"
)

// exploring prepares what is static here, and gives contexts, the first of priority 0, the second of 1, …
func exploring(contexts int, parks *int) []*Context {
	guard = Spinlock{Class: ClassPI}
	mcsWaiters = [mcsCPUs]mcsCPU{}
	var cs []*Context
	for i := range contexts {
		c := &Context{CPU: i, Sleeper: &explore.Permit{Parks: parks}}
		c.SetPriority(i, c)
		cs = append(cs, c)
	}
	return cs
}

// explored sets the hooks for exploration.
func explored(t *testing.T) {
	relax, caller := Relax, CallerPC
	Relax, CallerPC = func(int) { explore.Yield() }, nil
	t.Cleanup(func() { Relax, CallerPC = relax, caller })
}

// atRest is an error unless nobody has anything left.
func atRest(cs []*Context, locks ...*Sleeplock) error {
	for i, c := range cs {
		if c.n != 0 || c.held != 0 || c.preempt != 0 || c.wanted != nil || c.waitsFor != nil || c.EffectivePriority() != i {
			return fmt.Errorf("context %d ends with n=%d held=%#x preempt=%d wanted=%p waitsFor=%p priority=%d",
				i, c.n, c.held, c.preempt, c.wanted, c.waitsFor, c.EffectivePriority())
		}
	}
	for i, l := range locks {
		if l.owner.Load() != nil || l.first != nil {
			return fmt.Errorf("lock %d is not free", i)
		}
	}
	return nil
}

// alone is what happens under a lock: other threads run in the middle of it.
func alone(inside *atom.Uint32) {
	if inside.Add(1) != 1 {
		panic("two at once")
	}
	inside.Store(0)
}

func TestSleeplock_G1_G3_Explored(t *testing.T) {
	explored(t)
	var parks int
	program := func(contexts int) explore.Program {
		return func(x *explore.Run) (threads []func(), check func() error) {
			l := &Sleeplock{Class: ClassTestA}
			inside := new(atom.Uint32)
			cs := exploring(contexts, &parks)
			for _, c := range cs {
				threads = append(threads, func() {
					l.Lock(c)
					alone(inside)
					l.Unlock(c)
				})
			}
			return threads, func() error { return atRest(cs, l) }
		}
	}
	explore.Exhaustive(t, explore.Config{Preemptions: 6}, program(2))
	explore.Exhaustive(t, explore.Config{Preemptions: 2}, program(3))
	explore.PCT(t, explore.PCTConfig{Depth: 4, Runs: 3000}, program(4))
	require.NotZero(t, parks, "nobody waited")
}

// Two locks, a chain of waiters, and a priority that changes while they wait.
func TestSleeplock_G3_G4_ChainExplored(t *testing.T) {
	explored(t)
	var parks int
	program := func(x *explore.Run) ([]func(), func() error) {
		a, b := &Sleeplock{Class: ClassTestA}, &Sleeplock{Class: ClassTestB}
		var inA, inB atom.Uint32
		cs := exploring(3, &parks)
		return []func(){
			func() {
				b.Lock(cs[0])
				alone(&inB)
				b.Unlock(cs[0])
			},
			func() {
				a.Lock(cs[1])
				b.Lock(cs[1])
				alone(&inA)
				alone(&inB)
				a.Unlock(cs[1])
				b.Unlock(cs[1])
			},
			func() {
				cs[1].SetPriority(7, cs[2])
				a.Lock(cs[2])
				alone(&inA)
				cs[1].SetPriority(1, cs[2])
				a.Unlock(cs[2])
			},
		}, func() error { return atRest(cs, a, b) }
	}
	explore.Exhaustive(t, explore.Config{Preemptions: 1}, program)
	explore.PCT(t, explore.PCTConfig{Depth: 4, Runs: 5000}, program)
	require.NotZero(t, parks, "nobody waited")
}

// The explorer would notice: without the permit's memory a wake-up is lost.
func TestSleeplock_G3_ExploredNoticesALostWakeUp(t *testing.T) {
	explored(t)
	program := func(x *explore.Run) (threads []func(), check func() error) {
		l := &Sleeplock{Class: ClassTestA}
		var parks int
		for _, c := range exploring(2, &parks) {
			c.Sleeper = &forgetful{}
			threads = append(threads, func() {
				l.Lock(c)
				l.Unlock(c)
			})
		}
		return threads, nil
	}
	_, f := explore.Find(explore.Config{Preemptions: 2}, program)
	require.NotNil(t, f)
	require.Contains(t, f.Reason, "deadlock")
}

// forgetful is a Sleeper that loses an Unpark which comes before its Park.
type forgetful struct{ asleep, woken atom.Uint32 }

func (p *forgetful) Park() {
	p.woken.Store(0)
	p.asleep.Store(1)
	explore.Wait(func() bool { return p.woken.Load() == 1 })
	p.asleep.Store(0)
}

func (p *forgetful) Unpark() {
	if p.asleep.Load() == 1 {
		p.woken.Store(1)
	}
}
