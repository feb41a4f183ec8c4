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
			assert.Empty(t, bootLong(t, k, 9).Skipped())
		})
	}
}

// TestAMillionOperations has the scheduler do 10^6 operations, none lost and none done twice, on 1 to 64 CPUs. (TestBoot does a part
// of that on every machine.)
func TestAMillionOperations(t *testing.T) {
	for _, cpus := range []int{1, 4, 64} {
		t.Run(fmt.Sprintf("cpus=%d", cpus), func(t *testing.T) {
			t.Parallel()
			bootMillion(t, "sched/million*", cpus)
		})
	}
}

// TestMillionCalls has ring 3 make 10^6 random calls on 4 CPUs, in a boot of its own.
func TestMillionCalls(t *testing.T) {
	t.Parallel()
	bootMillion(t, "fuzz/calls*", 4)
}

// bootMillion boots a test that is to do 10^6 operations, and says what it did.
func bootMillion(t *testing.T, test string, cpus int) {
	t.Helper()
	k := kernel(t, "tests="+test+" ops=1000000 exit")
	k.CPUs = cpus
	r := bootLong(t, k, 1)
	require.Len(t, r.Tests, 1)
	ops, err := strconv.Atoi(r.Tests[0].Directives["ops"])
	require.NoError(t, err)
	assert.GreaterOrEqual(t, ops, 1_000_000)
	for _, d := range r.Tests[0].Diagnostics {
		t.Log(d)
	}
}

// bootLong boots a machine whose in-kernel tests, so many at least, take long, and makes subtests of them.
func bootLong(t *testing.T, k Machine, tests int) *Result {
	t.Helper()
	r := boot(t, k, Options{Limits: Limits{Silence: 3 * time.Minute, Total: 8 * time.Minute}, Min: tests})
	inKernelTests(t, r)
	require.NoError(t, r.Err())
	return r
}

// TestHogsLeaveOthersTheirShare has environments take all that they can get, where time is simulated and shares are to the letter.
func TestHogsLeaveOthersTheirShare(t *testing.T) {
	t.Parallel()
	k := kernel(t, "tests=hog/* exact exit")
	k.Icount = true
	assert.Empty(t, bootLong(t, k, 1).Skipped())
}
