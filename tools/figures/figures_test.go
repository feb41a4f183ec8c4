package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const benchText = "exo: booting\r\ncpu: SomeCPU nx smep\r\n" +
	"bench sync/queue ops=10 tsc=400 per=40.00\r\nbench sync/queue/locked ops=10 tsc=900 per=90.00\r\n" +
	"bench sync/queues ops=10 tsc=10 per=1.00\r\nbench sync/alone ops=10 tsc=10 per=1.00\r\n"

const peersText = `Written by ` + "`make bench-peers`" + `. A CPU; a library.

**Nanoseconds per operation, threads: 1.** A pair.

| operation | Exo | peer |
| --- | --- | --- |
| queue, type-stable slots | 5.00 | one |
|  |  | another |
| ring | 7.00 | one |

**Latency beside others.** Each.

| structure | p50 |
| --- | --- |
| queue | 1 ns |
`

func page(t *testing.T, text string) (dir, file string) {
	dir = t.TempDir()
	for name, s := range map[string]string{"bench.txt": benchText, "peers.md": peersText, "page.md": text} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(s), 0o644))
	}
	return dir, filepath.Join(dir, "page.md")
}

func fill(t *testing.T, text string) (string, error) {
	dir, file := page(t, text)
	err := run(filepath.Join(dir, "bench.txt"), filepath.Join(dir, "peers.md"), []string{file})
	b, readErr := os.ReadFile(file)
	require.NoError(t, readErr)
	return string(b), err
}

// TestFill_PutsWhatWasMeasuredIntoItsBlock: and leaves the rest as it is; doing it again changes nothing.
func TestFill_PutsWhatWasMeasuredIntoItsBlock(t *testing.T) {
	got, err := fill(t, "before\n<!-- figures: sync/queue; queue, type-stable -->\nold\n<!-- end -->\nafter\n")
	require.NoError(t, err)
	want := `before
<!-- figures: sync/queue; queue, type-stable -->

Written by ` + "`make bench`" + `: instructions per operation, on one CPU in QEMU that counts them (SomeCPU nx smep).

| benchmark | instructions | baseline | its instructions | ratio |
| --- | --- | --- | --- | --- |
| sync/queue | 40.00 | locked | 90.00 | 2.25 |

Written by ` + "`make bench-peers`" + `. A CPU; a library.

**Nanoseconds per operation, threads: 1.** A pair.

| operation | Exo | peer |
| --- | --- | --- |
| queue, type-stable slots | 5.00 | one |
|  |  | another |

<!-- end -->
after
`
	assert.Equal(t, want, got)
	again, err := fill(t, got)
	require.NoError(t, err)
	assert.Equal(t, want, again)
}

// TestFill_TakesWholeTables: by their titles; and benchmarks without a baseline.
func TestFill_TakesWholeTables(t *testing.T) {
	got, err := fill(t, "<!-- figures: Latency; sync/alone -->\n<!-- end -->\n")
	require.NoError(t, err)
	assert.Contains(t, got, "| queue | 1 ns |")
	assert.Contains(t, got, "| sync/alone | 1.00 | | | |")
	assert.NotContains(t, got, "ring")
}

// TestFill_RefusesWhatWasNotMeasured: an error, and the page is left alone.
func TestFill_RefusesWhatWasNotMeasured(t *testing.T) {
	for _, text := range []string{
		"<!-- figures: sync/queue; sync/stack -->\nold\n<!-- end -->\n",
		"<!-- figures: sync/que -->\nold\n<!-- end -->\n",
		"<!-- figures: sync/queue -->\nold\n",
		"no block",
	} {
		got, err := fill(t, text)
		assert.Error(t, err, text)
		assert.Equal(t, text, got)
	}
}

// TestPages_HaveBlocks: each page about a structure has a place for its figures, and only figures are there.
func TestPages_HaveBlocks(t *testing.T) {
	pages, err := filepath.Glob("../../docs/sync/*.md")
	require.NoError(t, err)
	blocks := 0
	for _, file := range pages {
		b, err := os.ReadFile(file)
		require.NoError(t, err)
		found := block.FindAllStringSubmatch(string(b), -1)
		assert.Len(t, found, strings.Count(string(b), "<!-- figures:"), file)
		for _, m := range found {
			blocks++
			if s := strings.TrimSpace(m[3]); s != "" {
				assert.Contains(t, s, "Written by `make bench", "%s: figures that no command wrote", file)
			}
		}
	}
	assert.Greater(t, blocks, 10)
}

// TestFill_WithoutPeersRefreshesBenchmarksAlone: what the peers need stays, in a block that had benchmarks, and in one that had none.
func TestFill_WithoutPeersRefreshesBenchmarksAlone(t *testing.T) {
	for _, words := range []string{"sync/queue; queue, type-stable", "sync/alone", "Latency"} {
		whole, err := fill(t, "<!-- figures: "+words+" -->\n<!-- end -->\n")
		require.NoError(t, err)
		for _, old := range []string{whole, strings.ReplaceAll(whole, ".00 |", ".99 |"), "<!-- figures: " + words + " -->\n<!-- end -->\n"} {
			dir, file := page(t, old)
			require.NoError(t, run(filepath.Join(dir, "bench.txt"), "", []string{file}))
			b, err := os.ReadFile(file)
			require.NoError(t, err)
			if old == whole {
				assert.Equal(t, whole, string(b), "nothing has changed")
			}
			assert.Equal(t, strings.Contains(whole, "make bench`:"), strings.Contains(string(b), "make bench`:"))
			assert.Equal(t, strings.Contains(old, "make bench-peers"), strings.Contains(string(b), "make bench-peers"))
			if strings.HasPrefix(words, "sync/alone") {
				assert.Equal(t, whole, string(b))
			}
		}
	}
}
