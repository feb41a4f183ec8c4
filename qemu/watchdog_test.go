package qemu

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// play feeds a watchdog one sample a second and returns its verdict and when it came.
// Each step says what QEMU did in that second: the CPU time it got, whether it wanted more,
// and whether a line came.
func play(limits Limits, steps int, step func(second int) (cpu time.Duration, want, line bool)) (*Overdue, int) {
	now := time.Unix(1e9, 0)
	dog := newWatchdog(limits, now)
	var u usage
	lines := 0
	for s := 1; s <= steps; s++ {
		cpu, want, line := step(s)
		now = now.Add(time.Second)
		u.cpu += cpu
		u.want = want
		if line {
			lines++
		}
		if o := dog.look(now, lines, u); o != nil {
			return o, s
		}
	}
	return nil, 0
}

var tenAndSixty = Limits{Silence: 10 * time.Second, Total: 60 * time.Second}

func TestWatchdogIdleGuestIsHung(t *testing.T) {
	o, at := play(tenAndSixty, 100, func(int) (time.Duration, bool, bool) { return time.Millisecond, false, false })
	require.NotNil(t, o)
	assert.True(t, o.Hung)
	assert.Equal(t, 10, at)
	assert.ErrorContains(t, o, "idle")
}

func TestWatchdogSpinningGuestIsHung(t *testing.T) {
	for _, cores := range []time.Duration{1, 2} {
		o, at := play(tenAndSixty, 100, func(int) (time.Duration, bool, bool) { return cores * time.Second, true, false })
		require.NotNil(t, o)
		assert.True(t, o.Hung)
		assert.Equal(t, 10, at)
		assert.ErrorContains(t, o, "spins")
	}
}

func TestWatchdogStarvedGuestIsSlow(t *testing.T) {
	o, at := play(tenAndSixty, 100, func(int) (time.Duration, bool, bool) { return 50 * time.Millisecond, true, false })
	require.NotNil(t, o)
	assert.False(t, o.Hung)
	assert.Equal(t, 60, at, "it gets more time, up to the total limit")
	assert.ErrorContains(t, o, "slow")
	assert.ErrorContains(t, o, "EXO_TIME_SCALE")
}

func TestWatchdogSpinningOnALoadedHostIsHungLater(t *testing.T) {
	o, at := play(tenAndSixty, 100, func(int) (time.Duration, bool, bool) { return time.Second / 2, true, false })
	require.NotNil(t, o)
	assert.True(t, o.Hung, "half a CPU for 20 s is as good as a whole one for 10 s")
	assert.Equal(t, 20, at)
}

func TestWatchdogStarvationEndsAndGuestGoesOn(t *testing.T) {
	o, _ := play(tenAndSixty, 55, func(s int) (time.Duration, bool, bool) {
		if s < 30 {
			return 0, true, false
		}
		return time.Second, true, s%9 == 0
	})
	assert.Nil(t, o)
}

func TestWatchdogTalkingGuestOnlyMeetsTheTotalLimit(t *testing.T) {
	o, at := play(tenAndSixty, 100, func(s int) (time.Duration, bool, bool) { return time.Second, true, s%8 == 0 })
	require.NotNil(t, o)
	assert.False(t, o.Hung)
	assert.Equal(t, 60, at)
	assert.ErrorContains(t, o, "over the total limit of 1m0s")
}

func TestWatchdogNoLimits(t *testing.T) {
	o, _ := play(Limits{}, 1000, func(int) (time.Duration, bool, bool) { return 0, false, false })
	assert.Nil(t, o)
}
