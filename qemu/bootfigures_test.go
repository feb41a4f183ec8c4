package qemu

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestFigures: what the documentation says in instructions is what a run of all benchmarks says now, to a tenth.
func TestFigures(t *testing.T) {
	t.Parallel()
	m := kernel(t, "tests=none bench=* run=bench exit")
	m.Icount, m.CPUs, m.Mem = true, 1, "512M"
	r := boot(t, m, Options{Limits: DefaultLimits})
	require.NoError(t, r.EndErr())
	benches, err := ParseBench(r.Lines)
	require.NoError(t, err)
	now := map[string]float64{}
	for _, b := range benches {
		now[b.Name] = b.Per()
	}
	compared := 0
	for _, pattern := range []string{"../README.md", "../docs/*.md", "../docs/sync/*.md"} {
		pages, err := filepath.Glob(pattern)
		require.NoError(t, err)
		require.NotEmpty(t, pages, pattern)
		for _, page := range pages {
			text, err := os.ReadFile(page)
			require.NoError(t, err)
			for _, f := range figuresIn(string(text)) {
				compared++
				per, ok := now[f.name]
				if assert.True(t, ok, "%s: %s is no benchmark any more", page, f.name) {
					assert.InEpsilon(t, per, f.per, 0.1, "%s: %s takes other than it says; run make figures-bench", page, f.name)
				}
			}
		}
	}
	assert.Greater(t, compared, 80)
}

// figure is what a page says that a benchmark takes.
type figure struct {
	name string
	per  float64
}

var figureRow = regexp.MustCompile(`(?m)^\| ([a-z0-9]+/\S+) \| ([\d.]+) \| (?:(\S+) \| ([\d.]+) \|)?`)

// figuresIn finds what tools/figures has put into a page: rows of a benchmark and its baseline.
func figuresIn(page string) (all []figure) {
	for _, part := range strings.Split(page, "<!-- figures:")[1:] {
		part, _, _ = strings.Cut(part, "<!-- end -->")
		for _, m := range figureRow.FindAllStringSubmatch(part, -1) {
			per, _ := strconv.ParseFloat(m[2], 64)
			all = append(all, figure{m[1], per})
			if m[3] != "" {
				per, _ = strconv.ParseFloat(m[4], 64)
				all = append(all, figure{m[1] + "/" + m[3], per})
			}
		}
	}
	return all
}
