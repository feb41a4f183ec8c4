package qemu

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// assertGone waits for a process to end. One that is not our child may stay a zombie for as
// long as its parent likes.
func assertGone(t *testing.T, pid int) {
	t.Helper()
	assert.Eventually(t, func() bool {
		state, _, err := readStat(fmt.Sprintf("/proc/%d/stat", pid))
		return err != nil || state == 'Z' && !ours(pid)
	}, 20*time.Second, 10*time.Millisecond, "process %d is still there", pid)
}

func ours(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	return err == nil && strings.Contains(string(text), fmt.Sprintf("\nPPid:\t%d\n", os.Getpid()))
}

// startDoomed runs doomedHarness in a process and returns it and its QEMU's process id.
func startDoomed(t *testing.T) (*exec.Cmd, int) {
	self, err := os.Executable()
	require.NoError(t, err)
	harness := exec.Command(self, "-doomed-harness")
	out, err := harness.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, harness.Start())
	t.Cleanup(func() { harness.Process.Kill(); harness.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	require.NoError(t, err, line)
	return harness, pid
}

func TestQEMUDiesWithAKilledHarness(t *testing.T) {
	t.Parallel()
	harness, pid := startDoomed(t)
	_, _, err := readStat(fmt.Sprintf("/proc/%d/stat", pid))
	require.NoError(t, err, "QEMU runs")
	require.NoError(t, harness.Process.Kill())
	_ = harness.Wait()
	assertGone(t, pid)
}

func TestSampleUsageOfThisProcess(t *testing.T) {
	for end := time.Now().Add(50 * time.Millisecond); time.Now().Before(end); {
	}
	u, err := sampleUsage(os.Getpid())
	require.NoError(t, err)
	assert.Positive(t, u.cpu)
	assert.True(t, u.want, "the thread that asks is running")
	_, err = sampleUsage(1 << 30)
	assert.ErrorContains(t, err, "is gone")
}

func TestReadStatSurvivesOddCommandNames(t *testing.T) {
	path := t.TempDir() + "/stat"
	require.NoError(t, os.WriteFile(path, []byte("12 (a) R 9) S 1 12 12 0 -1 0 5 0 0 0 120 30 0 0 20 0 1 0\n"), 0o644))
	state, cpu, err := readStat(path)
	require.NoError(t, err)
	assert.Equal(t, byte('S'), state)
	assert.Equal(t, 1500*time.Millisecond, cpu)
	require.NoError(t, os.WriteFile(path, []byte("12 (x) S 1"), 0o644))
	_, _, err = readStat(path)
	assert.Error(t, err)
}
