package qemu

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestTimeIsKept runs the scheduler's tests where time is simulated: there no host stops the CPU, so shares are to be
// kept and deadlines to be met to the letter. Ten seconds each, of simulated time.
func TestTimeIsKept(t *testing.T) {
	t.Parallel()
	for _, order := range []string{"edf", "rm"} {
		t.Run(order, func(t *testing.T) {
			t.Parallel()
			k := kernel(t, "tests=sched/* torture=5s exact exit rt="+order)
			k.Icount = true
			r := boot(t, k, Options{Limits: Limits{Silence: 3 * time.Minute, Total: 8 * time.Minute}, Min: 9})
			inKernelTests(t, r)
			require.NoError(t, r.Err())
			assert.Empty(t, r.Skipped())
		})
	}
}

// TestAMillionOperations has the scheduler do 10^6 operations, none lost and none done twice, on 1 to 64 CPUs. (TestBoot does a part
// of that on every machine.)
func TestAMillionOperations(t *testing.T) {
	for _, cpus := range []int{1, 4, 64} {
		t.Run(fmt.Sprintf("cpus=%d", cpus), func(t *testing.T) {
			t.Parallel()
			k := kernel(t, "tests=sched/million* ops=1000000 exit")
			k.CPUs = cpus
			r := boot(t, k, Options{Limits: Limits{Silence: 3 * time.Minute, Total: 8 * time.Minute}, Min: 1})
			inKernelTests(t, r)
			require.NoError(t, r.Err())
			require.Len(t, r.Tests, 1)
			ops, err := strconv.Atoi(r.Tests[0].Directives["ops"])
			require.NoError(t, err)
			assert.GreaterOrEqual(t, ops, 1_000_000)
			for _, d := range r.Tests[0].Diagnostics {
				t.Log(d)
			}
		})
	}
}

// TestMillionCalls has ring 3 make 10^6 random calls on 4 CPUs, in a boot of its own.
func TestMillionCalls(t *testing.T) {
	t.Parallel()
	k := kernel(t, "tests=fuzz/calls* ops=1000000 exit")
	k.CPUs = 4
	r := boot(t, k, Options{Limits: Limits{Silence: 3 * time.Minute, Total: 8 * time.Minute}, Min: 1})
	inKernelTests(t, r)
	require.NoError(t, r.Err())
	require.Len(t, r.Tests, 1)
	ops, err := strconv.Atoi(r.Tests[0].Directives["ops"])
	require.NoError(t, err)
	assert.GreaterOrEqual(t, ops, 1_000_000)
	for _, d := range r.Tests[0].Diagnostics {
		t.Log(d)
	}
}

// TestHogsLeaveOthersTheirShare has environments take all that they can get, where time is simulated and shares are to the letter.
func TestHogsLeaveOthersTheirShare(t *testing.T) {
	t.Parallel()
	k := kernel(t, "tests=hog/* exact exit")
	k.Icount = true
	r := boot(t, k, Options{Limits: Limits{Silence: 3 * time.Minute, Total: 8 * time.Minute}, Min: 1})
	inKernelTests(t, r)
	require.NoError(t, r.Err())
	assert.Empty(t, r.Skipped())
}
