//go:build explore

package sched

import (
	"testing"

	"github.com/stretchr/testify/require"

	"exo/kernel/sync/explore"
)

// handOversMade counts what HandOver did.
var handOversMade int

// handOver has t, which runs, hand over to u and park.
func (m *explored) handOver(c *CPU, cpu int, t, u *exploredTask) {
	u.waking++
	t.blocked = true
	t.at++
	if prev := c.HandOver(u.Task, u.Word(), m.now); prev != nil {
		handOversMade++
		m.pass(c, prev, u.Task, Parks)
		return
	}
	m.Wake(cpu, u.ID, false)
	if !c.TakePermit() {
		m.reschedule(cpu, Parks)
	}
}

// Tasks that hand over to each other, while others wake the one or the other, steal, and go idle.
func TestExplore_HandOver_G1_G2_AgainstWakes(t *testing.T) {
	before := handOversMade
	for _, s := range []stage{
		{cpus: 2, running: []string{"pw1", "H0"}, preemptions: 2},
		{cpus: 2, running: []string{"pH1", "H0w0"}, preemptions: 2},
		{cpus: 2, running: []string{"pw1", "H0"}, queued: []string{"w0"}, preemptions: 2},
		{cpus: 2, running: []string{"pw1", "H0"}, queued: []string{"w1"}, preemptions: 1},
		{cpus: 3, running: []string{"pw1", "H0", "."}, queued: []string{"."}, preemptions: 1},
	} {
		t.Run(s.name(), func(t *testing.T) {
			explore.Exhaustive(t, explore.Config{Preemptions: s.preemptions}, s.program(faults{}))
		})
	}
	require.Greater(t, handOversMade, before)
}
