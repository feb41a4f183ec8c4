package qemu

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestTimeIsKept runs the scheduler's tests where time is simulated: there no host stops the CPU, so shares are to be
// kept and deadlines to be met to the letter. Ten seconds each, of simulated time.
func TestTimeIsKept(t *testing.T) {
	t.Parallel()
	k := kernel(t, "tests=sched/* torture=5s exact exit")
	k.Icount = true
	r := boot(t, k, Options{Limits: Limits{Silence: 3 * time.Minute, Total: 8 * time.Minute}, Min: 7})
	inKernelTests(t, r)
	require.NoError(t, r.Err())
	assert.Empty(t, r.Skipped())
}
