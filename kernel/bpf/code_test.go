package bpf

import (
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// compile compiles the package, and returns what the compiler says, and the code of Run in it.
func compile(t *testing.T) (said, run string) {
	t.Helper()
	cmd := exec.Command("go", "build", "-gcflags=-S -m -d=ssa/check_bce/debug=1", ".")
	cmd.Env = append(cmd.Environ(), "GOARCH=amd64", "GOOS=linux", "GOFLAGS=", "CGO_ENABLED=0")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	_, run, ok := strings.Cut(string(out), "exo/kernel/bpf.Run STEXT nosplit")
	require.True(t, ok, "Run is a leaf with a small frame")
	run, _, _ = strings.Cut(run, " STEXT ")
	return string(out), run
}

// The compiler makes of Run a jump table and no bounds checks, calls nothing from it, and puts nothing on the heap.
func TestRun_G2_IsCompiledWithoutChecks(t *testing.T) {
	said, run := compile(t)
	require.NotRegexp(t, `run\.go:\d+:\d+: Found Is`, said)
	require.NotContains(t, said, "moved to heap")
	for _, line := range strings.Split(said, "\n") {
		if strings.Contains(line, "escapes to heap") {
			require.Contains(t, line, `Error("`, "a constant, which needs no heap")
		}
	}
	require.Regexp(t, `LEAQ\texo/kernel/bpf\.Run\.jump\d+\(SB\)`, run)
	require.Len(t, regexp.MustCompile(`JMP\t\(\w+\)\(\w+\*8\)`).FindAllString(run, -1), 1, "one jump through a table")
	require.NotContains(t, run, "CALL")
	require.NotContains(t, run, "panic")
	require.Greater(t, strings.Count(run, "run.go:"), 300)
}

// A word is one load, whose bytes are swapped; so is half a word. What comes out when another CPU writes shows
// TestRun_G5_WhileAnotherWrites, if that does run at the same time.
func TestRun_G5_IsCompiledToOneLoadEach(t *testing.T) {
	_, run := compile(t)
	require.Equal(t, 2+1, strings.Count(run, "\tBSWAPL\t"), "two loads of words, and what swaps A")
	require.Equal(t, 2, strings.Count(run, "\tROLW\t$8"), "two loads of half a word")
}
