package qemu

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// newDisk makes an image with a file system.
func newDisk(t *testing.T) string {
	path := filepath.Join(t.TempDir(), "disk.img")
	out, err := exec.Command("go", "run", "../tools/mkimage", "disk", "new", "-size", "32M", path).CombinedOutput()
	require.NoError(t, err, "%s", out)
	return path
}

// fsck checks it, and says what is wrong.
func fsck(t *testing.T, path string) {
	t.Helper()
	out, err := exec.Command("go", "run", "../tools/mkimage", "disk", "fsck", path).CombinedOutput()
	require.NoError(t, err, "%s", out)
}

// TestFiles types at the prompt of a machine with a disk: what is written there and synced outlasts a QEMU that is killed, what is
// written and not synced an end in order, and a later check finds nothing wrong.
func TestFiles(t *testing.T) {
	t.Parallel()
	defer takeSlots(1)()
	path := newDisk(t)
	boot := func() (*Dialog, string) {
		k := kernel(t, "tests=none")
		k.Topo, k.Disk = "uma", &Disk{Path: path}
		d := talk(t, k, `(^|\n)exo\$ $`)
		said, err := d.Answer(shortly)
		require.NoError(t, err)
		return d, said
	}
	gives := func(d *Dialog, line, want string) {
		t.Helper()
		got, err := d.Command(line, shortly)
		require.NoError(t, err)
		assert.Equal(t, want, strings.TrimSuffix(got, "\n"), line)
	}
	d, said := boot()
	assert.Contains(t, said, "files: disk ")
	gives(d, "cat /disk/note", "cat: /disk/note: no such file")
	gives(d, "ls / | grep disk", "disk/")
	gives(d, "mkdir /disk/d /disk/d/e; echo one >/disk/note; echo two >>/disk/note", "")
	gives(d, "cat README >/disk/d/e/README", "")
	gives(d, "cat </disk/note | wc -l; ls /disk; ls /disk/d", "      2 \nd/\nnote\ne/")
	gives(d, "mkdir /disk/note", "mkdir: /disk/note: file exists")
	gives(d, "rm /disk/d", "rm: /disk/d: folder not empty")
	gives(d, "echo x >/disk/d", "sh: /disk/d: is a folder")
	gives(d, "echo x >/disk/none/x", "sh: /disk/none/x: no such file")
	gives(d, "cp /bin/hello /disk/hello; mv /disk/note /disk/d/moved", "")
	gives(d, "cd /disk/d; cat moved; cd /", "one\ntwo")
	gives(d, "cp /bin/box /disk/echo; /disk/echo from the disk | cat; rm /disk/echo", "from the disk")
	gives(d, "sync", "")
	d.Stop() // as if the power had failed

	d, said = boot()
	assert.Contains(t, said, "files: the disk was not unmounted; recovered, checked")
	gives(d, "cat /disk/d/moved; ls /disk", "one\ntwo\nd/\nhello")
	readme, err := os.ReadFile("../build/root/README")
	require.NoError(t, err)
	got, err := d.Command("cat /disk/d/e/README", shortly)
	require.NoError(t, err)
	assert.Equal(t, strings.TrimSuffix(string(readme), "\n"), got)
	gives(d, "echo three >>/disk/d/moved; rm /disk/hello", "")
	require.NoError(t, d.Type("poweroff\r"))
	require.Equal(t, Passed, d.Guest.Wait().End)
	fsck(t, path)

	d, said = boot()
	assert.NotContains(t, said, "not unmounted")
	gives(d, "cat /disk/d/moved; ls /disk", "one\ntwo\nthree\nd/")
	require.NoError(t, d.Type("poweroff\r"))
	require.Equal(t, Passed, d.Guest.Wait().End)
}

// TestFilesKilled kills the machine while programs write on all its CPUs, several times: what was synced before is there each time, and
// nothing is wrong with the disk.
func TestFilesKilled(t *testing.T) {
	t.Parallel()
	defer takeSlots(1)()
	path := newDisk(t)
	const rounds = 3
	for round := range rounds + 1 {
		k := kernel(t, "tests=none")
		k.Topo, k.Disk = "uma", &Disk{Path: path}
		d := talk(t, k, `(^|\n)exo\$ $`)
		said, err := d.Answer(shortly)
		require.NoError(t, err)
		do := func(line string) string {
			got, err := d.Command(line, shortly)
			require.NoError(t, err)
			return got
		}
		if round > 0 {
			assert.Contains(t, said, "files: the disk was not unmounted; recovered, checked")
			assert.NotContains(t, said, "mended")
			kept := do("cat /disk/kept")
			assert.Equal(t, strings.TrimSpace(strings.Repeat("line\n", round)), kept)
		}
		if round == rounds {
			require.NoError(t, d.Type("poweroff\r"))
			require.Equal(t, Passed, d.Guest.Wait().End)
			break
		}
		do("echo line >>/disk/kept; sync")
		for _, name := range []string{"a", "b", "c"} {
			do("yes " + name + " | head -n 1000000 >/disk/" + name + " &") // 2 MB: the disk does not get full
		}
		do("cp /bin/box /disk/box; mkdir /disk/d; mv /disk/box /disk/d/box")
		do("rm /disk/d/box; rm /disk/d; sync; echo later >/disk/later")
		d.Stop()
	}
	fsck(t, path)
}

// TestFilesInMemory does the same without a disk: what is written is there until the machine ends.
func TestFilesInMemory(t *testing.T) {
	t.Parallel()
	defer takeSlots(1)()
	d := talk(t, kernel(t, "tests=none"), `(^|\n)exo\$ $`)
	said, err := d.Answer(shortly)
	require.NoError(t, err)
	assert.Contains(t, said, "files: in memory")
	got, err := d.Command("echo text >/disk/a; cat /disk/a; rm /disk/a; ls /disk", shortly)
	require.NoError(t, err)
	assert.Equal(t, "text", got)
	require.NoError(t, d.Type("poweroff\r"))
	require.Equal(t, Passed, d.Guest.Wait().End)
}
