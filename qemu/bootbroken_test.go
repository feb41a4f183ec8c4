package qemu

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"exo/internal/hostfs"
	"exo/internal/seeds"
	"exo/kernel/fs/block"
)

const brokenApart = 4 // blocks between two file systems, that nobody writes

// TestBrokenDisks has the kernel mount file systems of which some bytes were changed, mostly with checksums that fit, and use
// them: EXO_BROKEN of them (100), all on one disk. Whatever happens is an error and a line, and nothing beside them is written.
func TestBrokenDisks(t *testing.T) {
	t.Parallel()
	n := count(t, "EXO_BROKEN", 100)
	victim := hostfs.NewVictim()
	path := filepath.Join(t.TempDir(), "disk.img")
	f, err := os.Create(path)
	require.NoError(t, err)
	defer f.Close()
	blocks := brokenApart + n*(hostfs.VictimBlocks+brokenApart)
	require.NoError(t, f.Truncate(int64(blocks+1)*block.Size))
	put := func(at int, p *block.Page) {
		_, err := f.WriteAt(p[:], int64(at)*block.Size)
		require.NoError(t, err)
	}
	label := block.Page{}
	copy(label[:], "Exo broken disks")
	for i, w := range []int{n, hostfs.VictimBlocks, brokenApart} {
		binary.LittleEndian.PutUint64(label[16+8*i:], uint64(w))
	}
	beside := block.Page{}
	for i := range beside {
		beside[i] = 0xA5
	}
	between := func(i, k int) int { return i*(hostfs.VictimBlocks+brokenApart) + k }
	i := 0
	seeds.Each(t, n, func(r *rand.Rand) {
		for k := range brokenApart {
			if i+k > 0 {
				put(between(i, k), &beside)
			}
		}
		victim.Mutate(changes(r)).Each(func(b uint64, p *block.Page) { put(between(i, brokenApart)+int(b), p) })
		i++
	})
	put(blocks, &beside)
	put(0, &label)

	k := kernel(t, "tests=broken/* exit")
	k.CPUs, k.Disk = 2, &Disk{Path: path, Careless: true}
	r := boot(t, k, Options{Limits: Limits{Silence: time.Minute, Total: time.Duration(n+100) * 2 * time.Second}, Min: 1})
	require.NoError(t, r.Err())
	require.Empty(t, r.Skipped())
	seen, whole, done := 0, 0, 0
	for _, line := range r.Lines {
		if rest, ok := strings.CutPrefix(line, "# broken/disks: "); ok {
			var number, d int
			_, err := fmt.Sscan(rest, &number)
			require.NoError(t, err)
			require.Equal(t, seen, number)
			seen++
			if _, err := fmt.Sscanf(rest, "%d done=%d", &number, &d); err == nil {
				whole++
				done += d
			}
		}
	}
	t.Logf("%d disks, %d of them mounted, %d operations not refused", seen, whole, done)
	assert.Equal(t, n, seen)
	assert.Greater(t, whole, n/4, "that were mounted")
	assert.Greater(t, done, 50*n)
	is := block.Page{}
	look := func(at int, want *block.Page) {
		_, err := f.ReadAt(is[:], int64(at)*block.Size)
		require.NoError(t, err)
		require.True(t, is == *want, "block %d, which is in no file system, was written", at)
	}
	look(0, &label)
	look(blocks, &beside)
	for i := range n {
		for k := range brokenApart {
			if i+k > 0 {
				look(between(i, k), &beside)
			}
		}
	}
}

// changes is what Mutate is told.
func changes(r *rand.Rand) []byte {
	data := make([]byte, 7*(1+r.IntN(6)))
	for i := range data {
		data[i] = byte(r.Uint32())
	}
	return data
}

// TestBrokenBoot boots with such a disk as the one whose files the machine has: EXO_BROKENBOOTS (4) times.
func TestBrokenBoot(t *testing.T) {
	t.Parallel()
	boots, mounted := 0, 0
	seeds.Each(t, count(t, "EXO_BROKENBOOTS", 4), func(r *rand.Rand) {
		path := filepath.Join(t.TempDir(), "disk.img")
		victim := hostfs.NewVictim()
		require.NoError(t, os.WriteFile(path, imageOf(victim.Mutate(changes(r))), 0o644))
		k := kernel(t, "tests=none exit")
		k.CPUs, k.Disk = 2, &Disk{Path: path, Careless: true}
		res := boot(t, k, Options{Limits: DefaultLimits})
		require.Equal(t, Passed.String(), res.End.String(), "%v", res.Err())
		require.False(t, res.Panic)
		boots++
		output := strings.Join(res.Lines, "\n")
		require.Contains(t, output, "files: disk ", "it says what is the matter, or that nothing is")
		if !strings.Contains(output, "not mounted") {
			mounted++
			require.Contains(t, output, "MiB free")
		}
	})
	t.Logf("%d boots, %d with files", boots, mounted)
	require.Positive(t, boots)
}
