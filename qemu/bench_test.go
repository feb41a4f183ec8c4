package qemu

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"exo/internal/baselines"
)

func TestBenchTable(t *testing.T) {
	benches, err := ParseBench(strings.Split(`boot: tsc=12
bench sync/queue.pair ops=1000 tsc=12500 per=12.50
bench sync/queue.pair/locked ops=1000 tsc=41000 per=41.00
bench sync/queue.pair/mpsc ops=500 tsc=5000 per=10
bench now runs the next
bench cap/lookup ops=3 tsc=20 per=6.66
bench other/locked ops=2 tsc=7 per=3.5`, "\n"))
	require.NoError(t, err)
	require.Len(t, benches, 5)
	assert.InDelta(t, 6.667, benches[3].Per(), 0.001)
	assert.Equal(t, strings.TrimPrefix(`
benchmark         ops  instructions  baseline    its  ratio  target  Linux 6.1  xv6
sync/queue.pair  1000         12.50  locked    41.00   3.28       -          -    -
                                     mpsc      10.00   0.80
cap/lookup          3          6.67  -             -      -       -          -    -
other/locked        2          3.50  -             -      -       -          -    -
`, "\n"), FormatBench(benches, Instructions))
}

func TestPrimitivesTable(t *testing.T) {
	benches, err := ParseBench([]string{"bench cap/lookup ops=3 tsc=20 per=6.66", "bench user/null-call ops=10 tsc=870 per=87", "bench user/other ops=1 tsc=5 per=5"})
	require.NoError(t, err)
	assert.Equal(t, strings.TrimPrefix(`
primitive  instructions  target  Linux 6.1   xv6    there
null-call            87       -        328  1399    getppid
other                 5       -          -     -
`, "\n"), FormatPrimitives(benches, Instructions))
	assert.NotContains(t, FormatBench(benches, Instructions), "null-call")
	assert.Empty(t, FormatPrimitives(benches[:1], Instructions))
}

// TestBenchTargets: a row says its target and whether it is behind, but only in instructions; and each target is of a benchmark.
func TestBenchTargets(t *testing.T) {
	benches := []Bench{{"sched/yield", 10, 1_804}, {"sched/yield/locked", 10, 2_710}, {"sched/steal", 10, 2_506}, {"user/fork+exit+wait", 1, 33_262}, {"x/y", 1, 1}}
	table := FormatBench(benches, Instructions)
	assert.Regexp(t, `(?m)^sched/yield .* 1\.50 +180 +2217 +-  ok$`, table)
	assert.Regexp(t, `(?m)^sched/steal .* 250 +- +-  behind$`, table)
	assert.Regexp(t, `(?m)^fork\+exit\+wait +33262 +25000 +94514 +2003219  behind  fork, exit, wait$`, FormatPrimitives(benches, Instructions))
	assert.Equal(t, "4 benchmarks, 3 with a target, 2 behind it: sched/steal, user/fork+exit+wait\n", FormatVerdict(benches))
	assert.NotContains(t, FormatBench(benches, "ticks")+FormatPrimitives(benches, "ticks"), "behind")

	source, err := os.ReadFile("../kernel/bench.go")
	require.NoError(t, err)
	known := func(name string) bool {
		if user, ok := strings.CutPrefix(name, userBench); ok {
			return baselines.Of(user) != nil
		}
		return strings.Contains(string(source), fmt.Sprintf("{Name: %q,", name))
	}
	for name := range targets {
		assert.True(t, known(name), "a target for %s, which is no benchmark", name)
	}
	for _, p := range baselines.Kernel {
		assert.True(t, known(p.Name), "figures of others for %s, which is no benchmark", p.Name)
	}
}

func TestBenchMistakes(t *testing.T) {
	for line, want := range map[string]string{
		"bench a ops=10 tsc=100 per=11.00":             "tsc/ops is 10.0000, not 11.00",
		"bench a ops=10 tsc=105 per=9":                 "tsc/ops is 10.5000, not 9",
		"bench a ops=0 tsc=100 per=0.00":               "it did nothing",
		"bench a ops=10 tsc=100":                       "the form is",
		"bench a ops=10 tsc=-1 per=0.1":                "the form is",
		"bench a ops=10 tsc=100 per=10.000":            "the form is",
		"bench a ops=99999999999999999999 tsc=1 per=0": "out of range",
	} {
		_, err := ParseBench([]string{line})
		assert.ErrorContains(t, err, want, line)
	}
	_, err := ParseBench([]string{"bench a ops=1 tsc=1 per=1", "bench a ops=1 tsc=2 per=2"})
	assert.ErrorContains(t, err, "twice")
	for _, fine := range []string{"bench a ops=3 tsc=20 per=6.66", "bench a ops=3 tsc=20 per=6.67", "bench a ops=3 tsc=20 per=6", "bench a ops=7 tsc=0 per=0.00"} {
		_, err := ParseBench([]string{fine})
		assert.NoError(t, err, fine)
	}
	assert.Contains(t, FormatBench([]Bench{{"a", 7, 0}, {"a/locked", 7, 7}}, "ticks"), "-\n", "no ratio to nothing")
}
