//go:build !linux

package qemu

import (
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// assertGone waits for a process to end and to be reaped.
func assertGone(t *testing.T, pid int) {
	t.Helper()
	assert.Eventually(t, func() bool { return syscall.Kill(pid, 0) != nil }, 20*time.Second, 10*time.Millisecond)
}
