//go:build explore

package sched

import (
	"testing"

	"github.com/stretchr/testify/require"

	"exo/kernel/sync/explore"
)

// Join against the end of who is joined.
var joinStages = []stage{
	{cpus: 2, running: []string{"j1", "."}, preemptions: 2, joined: true},
	{cpus: 2, running: []string{"j1", "pw2"}, queued: []string{"w1p"}, preemptions: 1, joined: true},
	{cpus: 3, running: []string{"j1", "j2.", "."}, preemptions: 1, joined: true},
}

func TestExplore_Join_G4_AgainstExit(t *testing.T) {
	for _, s := range joinStages {
		t.Run(s.name(), func(t *testing.T) {
			explore.Exhaustive(t, explore.Config{Preemptions: s.preemptions}, s.program(faults{}))
		})
	}
}

func TestExplore_Join_NoticesFaults(t *testing.T) {
	for name, joined := range map[string]func(s *Sched, cpu int, id, me ID) (uint64, bool, error){
		"joiner is written without a fence": func(s *Sched, cpu int, id, me ID) (uint64, bool, error) {
			t := s.find(id)
			if t.joiner.Load() == 0 {
				t.joiner.StoreRelease(uint64(me))
			}
			return joinedThen(s, cpu, t)
		},
		"the state is looked at first": func(s *Sched, cpu int, id, me ID) (uint64, bool, error) {
			t := s.find(id)
			if word(t.word.Load()).state() != Done {
				t.joiner.CompareAndSwap(0, uint64(me))
				return 0, false, nil
			}
			return joinedThen(s, cpu, t)
		},
	} {
		t.Run(name, func(t *testing.T) { require.True(t, notices(joinStages, faults{joined: joined})) })
	}
}

func joinedThen(s *Sched, cpu int, t *Task) (uint64, bool, error) {
	if word(t.word.Load()).state() != Done {
		return 0, false, nil
	}
	s.free(cpu, t)
	return 0, true, nil
}

// Tasks that end pass on to who joins them, while others wake that one or steal.
func TestExplore_Join_G4_PassedOn(t *testing.T) {
	before := handedMade
	for _, s := range []stage{
		{cpus: 2, running: []string{"j2", "w0."}, queued: []string{"."}, preemptions: 2, joined: true, pass: true},
		{cpus: 2, running: []string{"j2w3", "."}, queued: []string{"w0", "p"}, preemptions: 1, joined: true, pass: true},
		{cpus: 2, running: []string{"j2j3", "."}, queued: []string{"y", "."}, preemptions: 1, joined: true, pass: true},
	} {
		t.Run(s.name(), func(t *testing.T) {
			explore.Exhaustive(t, explore.Config{Preemptions: s.preemptions}, s.program(faults{}))
		})
	}
	require.Greater(t, handedMade, before)
}
