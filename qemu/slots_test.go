package qemu

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// At most three QEMUs run at once, whatever -parallel says: a machine often waits for a timer; more would only
// starve each other.
const atOnce = 3

var (
	slots  = make(chan struct{}, atOnce)
	taking sync.Mutex // so that two heavy boots do not wait for each other's slot
)

// takeSlots waits for n of the slots and returns what gives them back. A test holds what it
// took in one call only, or tests would wait for each other for ever.
func takeSlots(n int) (giveBack func()) {
	taking.Lock()
	defer taking.Unlock()
	for range n {
		slots <- struct{}{}
	}
	return func() {
		for range n {
			<-slots
		}
	}
}

// boot runs a machine to its end in the real QEMU; one of many CPUs has the host to itself.
func boot(t *testing.T, m Machine, opts Options) *Result {
	t.Helper()
	n := 1
	if m.CPUs > 16 {
		n = cap(slots)
	}
	defer takeSlots(n)()
	r, err := Run(t.Context(), m, opts)
	require.NoError(t, err)
	return r
}
