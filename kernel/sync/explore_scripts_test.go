//go:build explore

package sync

import (
	"fmt"
	"strings"
	"testing"

	"exo/kernel/sync/explore"
)

// container is what the scripts of the explored programs run on; a field may be nil.
type container struct {
	put         func(cpu int, v uint64) bool
	first, last func(cpu int) (uint64, bool)
	maybe       func(cpu int) (uint64, bool) // takes the oldest, or fails if somebody is faster
	quiescent   func(cpu int)                // between operations
	atRest      func() error                 // when all that was put has been taken
}

// play builds a program: a container with so many elements, and a thread for each script. A script is a word with a
// letter for each operation: p puts, f takes the first, l the last, m maybe the first. Thread i runs on CPU i.
//
// In the end the rest is taken out, and all of it must be explained by the model.
func play(filled int, scripts string, model explore.Model, build func(x *explore.Run, cpus int) container) explore.Program {
	words := strings.Fields(scripts)
	return func(x *explore.Run) (threads []func(), check func() error) {
		c := build(x, len(words))
		for i := range filled {
			record(x, c, 0, explore.Put, uint64(100+i))
		}
		for cpu, script := range words {
			threads = append(threads, func() {
				for i, letter := range []byte(script) {
					record(x, c, cpu, letter, uint64(10*cpu+i+1))
					if c.quiescent != nil {
						c.quiescent(cpu)
					}
				}
			})
		}
		return threads, func() error {
			take := byte(explore.First)
			if c.first == nil {
				take = explore.Last
			}
			for record(x, c, 0, take, 0) {
			}
			if err := x.History.Check(model); err != nil {
				return err
			}
			return c.atRest()
		}
	}
}

// record does one operation.
func record(x *explore.Run, c container, cpu int, kind byte, arg uint64) (ok bool) {
	i := x.History.Call(kind, arg)
	var v uint64
	switch kind {
	case explore.Put:
		ok = c.put(cpu, arg)
	case explore.First:
		v, ok = c.first(cpu)
	case explore.Last:
		v, ok = c.last(cpu)
	case explore.Maybe:
		v, ok = c.maybe(cpu)
	default:
		panic("no such operation")
	}
	x.History.Return(i, v, ok)
	return ok
}

// stage is one exhaustive exploration.
type stage struct {
	filled      int
	scripts     string
	preemptions int
}

// exploreStages explores each, up to its number of preemptions.
func exploreStages(t *testing.T, stages []stage, plain bool, model explore.Model, build func(*explore.Run, int) container) {
	t.Helper()
	for _, s := range stages {
		t.Run(fmt.Sprintf("%d+%s", s.filled, strings.ReplaceAll(s.scripts, " ", "|")), func(t *testing.T) {
			explore.Exhaustive(t, explore.Config{Preemptions: s.preemptions, Plain: plain}, play(s.filled, s.scripts, model, build))
		})
	}
}

// exploreRandom explores longer programs at random; preemptions is then the depth.
func exploreRandom(
	t *testing.T, runs int, stages []stage, plain bool, model explore.Model, build func(*explore.Run, int) container,
) {
	t.Helper()
	for _, s := range stages {
		t.Run(fmt.Sprintf("random/%d+%s", s.filled, strings.ReplaceAll(s.scripts, " ", "|")), func(t *testing.T) {
			explore.PCT(t, explore.PCTConfig{Depth: s.preemptions, Runs: runs, Plain: plain}, play(s.filled, s.scripts, model, build))
		})
	}
}
