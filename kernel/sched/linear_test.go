package sched

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	gosync "sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/stretchr/testify/require"

	"exo/internal/seeds"
	"exo/internal/timescale"
	"exo/kernel/sync/atom"
)

// Linearizability of the ring and the inbox, decided for random histories by porcupine. A state is the tasks that are in it, a
// letter each. An answer is the tasks that came out; of a put or a push, whether it was empty.

type queueCall struct {
	kind byte // p, t, g, a as in the explored programs
	task string
}

type queueAnswer struct {
	tasks    string
	wasEmpty bool
	others   bool // others took something meanwhile
}

func queueOf(inbox bool) porcupine.Model {
	return porcupine.Model{
		Init: func() any { return "" },
		Step: func(state, input, output any) (bool, any) {
			s, c, a := state.(string), input.(queueCall), output.(queueAnswer)
			switch c.kind {
			case 'p':
				return !inbox || a.wasEmpty == (s == ""), s + c.task
			case 'a':
				return a.tasks == s, ""
			case 't':
				if a.tasks == "" {
					return s == "", s
				}
				return strings.HasPrefix(s, a.tasks), strings.TrimPrefix(s, a.tasks)
			default:
				if a.tasks == "" {
					return s == "" || a.others, s
				}
				return strings.HasPrefix(s, a.tasks) && len(a.tasks) == min((len(s)+1)/2, grabMost), strings.TrimPrefix(s, a.tasks)
			}
		},
	}
}

const grabMost = 3

func letters(tasks []*Task) (s string) {
	for _, t := range tasks {
		s += string(rune('a' + t.slot))
	}
	return s
}

// observed has workers do operations at random, each with its own letters, and returns the history. do returns the tasks that
// came out, which are free for others' puts then.
func observed(r *rand.Rand, workers, ops, tasks int, kinds func(worker int, r *rand.Rand) byte,
	do func(kind byte, t *Task) (out []*Task, wasEmpty bool),
) (history []porcupine.Operation) {
	var (
		clock atomic.Int64
		mu    gosync.Mutex
		free  []*Task
		wg    gosync.WaitGroup
	)
	all := make([]Task, tasks)
	for i := range all {
		all[i].slot = uint32(i)
		all[i].affinity.Store(1)
		free = append(free, &all[i])
	}
	done := make([][]porcupine.Operation, workers)
	for w := range workers {
		r := rand.New(rand.NewPCG(r.Uint64(), 0))
		wg.Go(func() {
			for range ops {
				c := queueCall{kind: kinds(w, r)}
				var t *Task
				if c.kind == 'p' {
					mu.Lock()
					if len(free) == 0 {
						mu.Unlock()
						runtime.Gosched()
						continue
					}
					t, free = free[0], free[1:]
					mu.Unlock()
					c.task = letters([]*Task{t})
				}
				o := porcupine.Operation{ClientId: w, Call: clock.Add(1), Input: c}
				sometimes(r)
				out, wasEmpty := do(c.kind, t)
				sometimes(r)
				o.Return = clock.Add(1)
				o.Output = queueAnswer{tasks: letters(out), wasEmpty: wasEmpty}
				done[w] = append(done[w], o)
				mu.Lock()
				free = append(free, out...)
				mu.Unlock()
				sometimes(r)
			}
		})
	}
	wg.Wait()
	history = slices.Concat(done...)
	for i := range history { // who overlapped with one that took something may have lost against it
		a := history[i].Output.(queueAnswer)
		for _, p := range history {
			if p.Call < history[i].Return && history[i].Call < p.Return && p.Output.(queueAnswer).tasks != "" {
				a.others = true
			}
		}
		history[i].Output = a
	}
	return history
}

func linearizable(t *testing.T, m porcupine.Model, history []porcupine.Operation) bool {
	limit, err := timescale.Stretch(time.Minute)
	require.NoError(t, err)
	verdict := porcupine.CheckOperationsTimeout(m, history, limit)
	require.NotEqual(t, porcupine.Unknown, verdict, "porcupine needs more time")
	return verdict == porcupine.Ok
}

func list(history []porcupine.Operation) (s string) {
	slices.SortFunc(history, func(a, b porcupine.Operation) int { return int(a.Call - b.Call) })
	for _, o := range history {
		c, a := o.Input.(queueCall), o.Output.(queueAnswer)
		s += fmt.Sprintf("%4d-%4d %d: %c%s = %q %t\n", o.Call, o.Return, o.ClientId, c.kind, c.task, a.tasks, a.wasEmpty)
	}
	return s
}

func manyThreads(t *testing.T) {
	old := runtime.GOMAXPROCS(max(4, runtime.GOMAXPROCS(0)))
	t.Cleanup(func() { runtime.GOMAXPROCS(old) })
}

func TestRing_G1_G2_G3_G4_Linearizable(t *testing.T) {
	manyThreads(t)
	counts := map[string]int{}
	seeds.Each(t, 400, func(r *rand.Rand) {
		var ring ring
		ring.init(make([]atom.Pointer[Task], 8))
		pushes := 3 + r.IntN(6)
		kinds := func(w int, r *rand.Rand) byte {
			if w == 0 && r.IntN(10) < pushes {
				return 'p'
			}
			return "tttg"[r.IntN(4)]
		}
		history := observed(r, 2+r.IntN(3), 15+r.IntN(30), 8, kinds, func(kind byte, t *Task) (out []*Task, _ bool) {
			switch kind {
			case 'p':
				ring.push(t)
			case 't':
				if t := ring.take(); t != nil {
					out = append(out, t)
				}
			default:
				var to [grabMost]*Task
				out = append(out, to[:ring.grab(to[:], 1)]...)
			}
			return out, false
		})
		require.True(t, linearizable(t, queueOf(false), history), list(history))
		for _, o := range history {
			counts[fmt.Sprintf("%c%d", o.Input.(queueCall).kind, len(o.Output.(queueAnswer).tasks))]++
		}
	})
	t.Log(counts)
	for _, what := range []string{"p0", "t0", "t1", "g0", "g1", "g2", "g3"} {
		require.Positive(t, counts[what], what)
	}
}

func TestInbox_G1_G2_G3_Linearizable(t *testing.T) {
	manyThreads(t)
	counts := map[string]int{}
	seeds.Each(t, 400, func(r *rand.Rand) {
		var b inbox
		kinds := func(w int, r *rand.Rand) byte {
			if w > 0 {
				return 'p'
			}
			return 'a'
		}
		history := observed(r, 2+r.IntN(4), 15+r.IntN(30), 8, kinds, func(kind byte, t *Task) (out []*Task, wasEmpty bool) {
			if kind == 'p' {
				return nil, b.put(t)
			}
			for t := b.takeAll(); t != nil; t = t.next {
				out = append(out, t)
			}
			return out, false
		})
		require.True(t, linearizable(t, queueOf(true), history), list(history))
		for _, o := range history {
			a := o.Output.(queueAnswer)
			counts[fmt.Sprintf("%c%d%t", o.Input.(queueCall).kind, min(len(a.tasks), 2), a.wasEmpty)]++
		}
	})
	t.Log(counts)
	for _, what := range []string{"p0true", "p0false", "a0false", "a1false", "a2false"} {
		require.Positive(t, counts[what], what)
	}
}

// What the models are worth: they refuse what neither does.
func TestQueueModels_RefuseWhatIsWrong(t *testing.T) {
	p := func(task string, wasEmpty bool) porcupine.Operation {
		return porcupine.Operation{Input: queueCall{'p', task}, Output: queueAnswer{wasEmpty: wasEmpty}}
	}
	out := func(kind byte, tasks string) porcupine.Operation {
		return porcupine.Operation{Input: queueCall{kind: kind}, Output: queueAnswer{tasks: tasks}}
	}
	for _, c := range []struct {
		name  string
		inbox bool
		legal bool
		ops   []porcupine.Operation
	}{
		{"in order", false, true, []porcupine.Operation{p("a", false), p("b", false), out('t', "a"), out('t', "b"), out('t', "")}},
		{"out of order", false, false, []porcupine.Operation{p("a", false), p("b", false), out('t', "b")}},
		{"twice", false, false, []porcupine.Operation{p("a", false), out('t', "a"), out('t', "a")}},
		{"not empty", false, false, []porcupine.Operation{p("a", false), out('t', "")}},
		{"half", false, true, []porcupine.Operation{p("a", false), p("b", false), p("c", false), out('g', "ab"), out('t', "c")}},
		{"more than half", false, false, []porcupine.Operation{p("a", false), p("b", false), out('g', "ab")}},
		{"lost against nobody", false, false, []porcupine.Operation{p("a", false), out('g', "")}},
		{"all", true, true, []porcupine.Operation{p("a", true), p("b", false), out('a', "ab"), p("a", true)}},
		{"newest first", true, false, []porcupine.Operation{p("a", true), p("b", false), out('a', "ba")}},
		{"nobody is told", true, false, []porcupine.Operation{p("a", false)}},
	} {
		for i := range c.ops {
			c.ops[i].Call, c.ops[i].Return = int64(2*i), int64(2*i+1)
		}
		require.Equal(t, c.legal, linearizable(t, queueOf(c.inbox), c.ops), c.name)
	}
}
