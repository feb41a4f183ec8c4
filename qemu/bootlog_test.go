package qemu

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"exo/internal/seeds"
)

// TestDiskLog types at the prompts of machines that are killed one after another, with a disk that loses what was not flushed: what `log` has
// added to the blocks beside the file system is listed by the next one, in order, and after it at most what it was adding at that moment. The
// file system is as it was.
//
// Also kernel/extentcalls.go: G3.
func TestDiskLog(t *testing.T) {
	t.Parallel()
	defer takeSlots(1)()
	path := filepath.Join(t.TempDir(), "disk.img")
	out, err := exec.Command("go", "run", "../tools/mkimage", "disk", "new", "-size", "16M", "-room", "256K", path).CombinedOutput()
	require.NoError(t, err, "%s", out)
	image, err := os.ReadFile(path)
	require.NoError(t, err)
	seeds.Each(t, 1, func(r *rand.Rand) {
		disk := newVolatileDisk(t)
		left := image
		var kept []string
		doubtful := ""
		for round := range 4 {
			disk.begin(t, left)
			k := kernel(t, "tests=none")
			k.Topo, k.Disk = "uma", disk.plug()
			d := talk(t, k, `(^|\n)exo\$ $`)
			said, err := d.Answer(shortly)
			require.NoError(t, err)
			require.Contains(t, said, " blocks beside it")
			do := func(line string) string {
				got, err := d.Command(line, shortly)
				require.NoError(t, err)
				return strings.TrimSuffix(got, "\n")
			}
			if round == 0 {
				require.Equal(t, "log: the log: there is no log", do("log"))
				require.Empty(t, do("echo file >/disk/note; sync; log -n"))
			}
			found := do("log")
			if doubtful != "" && strings.HasSuffix(found, doubtful) {
				kept = append(kept, doubtful)
			}
			require.Equal(t, strings.Join(kept, "\n"), found)
			require.Equal(t, "file", do("cat /disk/note"))
			for i := range 1 + r.IntN(4) {
				line := fmt.Sprintf("record %d of round %d", i, round)
				require.Empty(t, do("log "+line))
				kept = append(kept, line)
			}
			require.Empty(t, do("echo lost >/disk/lost"))
			doubtful = fmt.Sprint("the last of round ", round)
			require.NoError(t, d.Type("log "+doubtful+"\r"))
			d.Stop()
			left = disk.cut(r)
		}
		assert.GreaterOrEqual(t, len(kept), 4)
	})
}
