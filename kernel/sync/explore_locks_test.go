//go:build explore

package sync

import (
	"fmt"
	"testing"

	"exo/kernel/sync/atom"
	"exo/kernel/sync/explore"
)

// spin is a lock of one kind or another, for CPU cpu.
type spin struct {
	lock   func(cpu int)
	try    func(cpu int) bool
	unlock func(cpu int)
}

func newMCS(x *explore.Run) spin {
	mcsWaiters = [mcsCPUs]mcsCPU{} // an execution that was broken off leaves something
	l := new(MCS)
	x.Name("lock", l)
	x.Name("waiters", &mcsWaiters)
	relax := func(int) { explore.Yield() }
	return spin{
		func(cpu int) { l.Lock(cpu, relax) }, func(int) bool { return l.TryLock() }, func(int) { l.Unlock() },
	}
}

func newTicket(x *explore.Run) spin {
	l := new(Ticket)
	x.Name("lock", l)
	return spin{
		func(int) { l.Lock(explore.Yield) }, func(int) bool { return l.TryLock() }, func(int) { l.Unlock() },
	}
}

// lockProgram: each thread takes the lock, or tries to, as its script says (l, t), and adds to a counter inside: in
// two steps, with a store that is late, so that a lock that lets two in, or one too early (G2), loses something.
func lockProgram(make func(*explore.Run) spin, scripts ...string) explore.Program {
	return func(x *explore.Run) (threads []func(), check func() error) {
		l := make(x)
		var count atom.Uint64
		x.Name("count", &count)
		want, inside := uint64(0), 0
		for cpu, script := range scripts {
			threads = append(threads, func() {
				for _, letter := range script {
					if letter == 'l' {
						l.lock(cpu)
					} else if !l.try(cpu) {
						continue
					}
					if inside++; inside != 1 {
						panic("two at once")
					}
					count.StoreRelease(count.Load() + 1)
					inside--
					want++
					l.unlock(cpu)
				}
			})
		}
		return threads, func() error {
			if n := count.Load(); n != want {
				return fmt.Errorf("%d were inside, %d are counted", want, n)
			}
			if !l.try(0) {
				return fmt.Errorf("the lock is not free in the end")
			}
			return nil
		}
	}
}

func TestExplore_Locks_G1_G2(t *testing.T) {
	for name, make := range map[string]func(*explore.Run) spin{"MCS": newMCS, "Ticket": newTicket} {
		for _, s := range []struct {
			preemptions int
			scripts     []string
		}{
			{3, []string{"l", "l"}},
			{2, []string{"ll", "ll"}},
			{2, []string{"lt", "tl"}},
			{2, []string{"llll", "llll"}},
			{2, []string{"l", "t", "l"}},
			{2, []string{"l", "l", "l"}},
			{1, []string{"ll", "ll", "ll"}},
		} {
			t.Run(fmt.Sprint(name, s.scripts), func(t *testing.T) {
				explore.Exhaustive(t, explore.Config{Preemptions: s.preemptions}, lockProgram(make, s.scripts...))
			})
		}
		t.Run(name+"/random", func(t *testing.T) {
			explore.PCT(t, explore.PCTConfig{Runs: 3000}, lockProgram(make, "lltl", "ltll", "llll", "tltl"))
		})
	}
}

func TestExplore_Ticket_G3_FirstComeFirstServed(t *testing.T) {
	explore.Exhaustive(t, explore.Config{Preemptions: 3}, func(x *explore.Run) (threads []func(), check func() error) {
		var l Ticket
		var entered []uint32
		for range 3 {
			threads = append(threads, func() {
				l.Lock(explore.Yield)
				entered = append(entered, l.owner.Load())
				l.Unlock()
			})
		}
		return threads, func() error {
			for i, ticket := range entered {
				if ticket != uint32(i) {
					return fmt.Errorf("tickets entered as %v", entered)
				}
			}
			return nil
		}
	})
}

// A waiter that is in line before another comes enters before it.
func TestExplore_MCS_G3_WaitersEnterInOrder(t *testing.T) {
	program := func(rounds int) explore.Program {
		return func(x *explore.Run) (threads []func(), check func() error) {
			mcsWaiters = [mcsCPUs]mcsCPU{}
			l := new(MCS)
			x.Name("lock", l)
			x.Name("waiters", &mcsWaiters)
			var inLine [3]int // in which round the CPU is, if it is known to be in line
			for cpu := range inLine {
				threads = append(threads, func() {
					for round := 1; round <= rounds; round++ {
						before := inLine
						l.Lock(cpu, func(int) {
							inLine[cpu] = round // for it spins
							explore.Yield()
						})
						inLine[cpu] = 0
						for other, was := range before {
							if was != 0 && inLine[other] == was {
								panic(fmt.Sprintf("CPU %d came when CPU %d was in line, and is first", cpu, other))
							}
						}
						l.Unlock()
					}
				})
			}
			return threads, nil
		}
	}
	t.Run("once", func(t *testing.T) { explore.Exhaustive(t, explore.Config{Preemptions: 2}, program(1)) })
	t.Run("often", func(t *testing.T) { explore.PCT(t, explore.PCTConfig{Runs: 5000, Depth: 5}, program(4)) })
}

func TestExplore_Seqlock_G1_G2(t *testing.T) {
	program := func(readers, writers, rounds int) explore.Program {
		return func(x *explore.Run) (threads []func(), check func() error) {
			var (
				l    Seqlock
				lock Ticket
				data [2]atom.Uint64
			)
			x.Name("seqlock", &l)
			x.Name("data", &data)
			for range readers {
				threads = append(threads, func() {
					for {
						n := l.Read(explore.Yield)
						a, b := data[0].Load(), data[1].Load()
						if l.Retry(n) {
							continue
						}
						if a != b {
							panic(fmt.Sprintf("torn: %d, %d", a, b))
						}
						return
					}
				})
			}
			for range writers {
				threads = append(threads, func() {
					for range rounds {
						if writers > 1 {
							lock.Lock(explore.Yield)
						}
						l.Write()
						data[0].StoreRelease(data[0].Load() + 1)
						data[1].StoreRelease(data[1].Load() + 1)
						l.Done()
						if writers > 1 {
							lock.Unlock()
						}
					}
				})
			}
			return threads, func() error {
				if n := uint64(writers * rounds); data[0].Load() != n || data[1].Load() != n || l.Retry(2*n) {
					return fmt.Errorf("after %d writes: %d, %d", n, data[0].Load(), data[1].Load())
				}
				return nil
			}
		}
	}
	for _, s := range []struct{ readers, writers, rounds, preemptions int }{
		{1, 1, 1, 4}, {1, 1, 2, 3}, {2, 1, 1, 2}, {2, 1, 2, 1}, {1, 2, 1, 2},
	} {
		t.Run(fmt.Sprintf("%dreaders/%dwriters/%d", s.readers, s.writers, s.rounds), func(t *testing.T) {
			explore.Exhaustive(t, explore.Config{Preemptions: s.preemptions}, program(s.readers, s.writers, s.rounds))
		})
	}
	t.Run("random", func(t *testing.T) {
		explore.PCT(t, explore.PCTConfig{Runs: 5000, Depth: 4}, program(2, 2, 2))
	})
}
