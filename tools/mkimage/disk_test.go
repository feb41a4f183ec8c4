package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// A folder that is put on a disk comes out of it as it was, a check finds nothing, and one finds what is broken and mends it.
func TestDisk_ThereAndBack(t *testing.T) {
	from, to := t.TempDir(), t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(from, "a/b"), 0o755))
	want := map[string][]byte{
		"one":     []byte("1"),
		"a/large": bytes.Repeat([]byte("large "), 100_000),
		"a/b/two": {},
	}
	for name, b := range want {
		require.NoError(t, os.WriteFile(filepath.Join(from, name), b, 0o640))
	}
	require.NoError(t, os.Symlink("../one", filepath.Join(from, "a/link")))
	name := filepath.Join(to, "disk")
	require.NoError(t, runDisk([]string{"new", "-size", "16M", "-label", "test", name, from}))
	require.NoError(t, runDisk([]string{"fsck", name}))
	require.NoError(t, runDisk([]string{"ls", name, "/a"}))
	require.NoError(t, runDisk([]string{"put", name, filepath.Join(from, "one"), "/a/b"}))
	require.NoError(t, runDisk([]string{"put", name, filepath.Join(from, "a"), "/"})) // over what is there
	require.NoError(t, runDisk([]string{"get", name, "/", filepath.Join(to, "all")}))
	require.NoError(t, runDisk([]string{"get", name, "/a/b", to}))
	want["a/b/one"] = want["one"]
	for file, b := range want {
		got, err := os.ReadFile(filepath.Join(to, "all", file))
		require.NoError(t, err)
		require.True(t, bytes.Equal(b, got), file)
	}
	got, err := os.ReadFile(filepath.Join(to, "b/one"))
	require.NoError(t, err)
	require.Equal(t, want["one"], got)
	text, err := os.Readlink(filepath.Join(to, "all/a/link"))
	require.NoError(t, err)
	require.Equal(t, "../one", text)
	st, err := os.Stat(filepath.Join(to, "all/a/large"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o640), st.Mode())

	image, err := os.ReadFile(name)
	require.NoError(t, err)
	for i := range 512 { // the first sector
		image[i] = 0
	}
	require.NoError(t, os.WriteFile(name, image, 0o644))
	require.ErrorContains(t, runDisk([]string{"ls", name}), "no Exo file system")
	require.Error(t, runDisk([]string{"fsck", name}))
	require.NoError(t, runDisk([]string{"fsck", "-repair", name}))
	require.NoError(t, runDisk([]string{"cat", name, "/one"}))
	require.NoError(t, runDisk([]string{"fsck", name}))
}

// What cannot be is said with what to do.
// Room at the end is nothing that the file system, filled to the brim, or its check touches.
func TestDisk_Room(t *testing.T) {
	name, full := filepath.Join(t.TempDir(), "disk"), t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(full, "f"), make([]byte, 32<<20), 0o644))
	require.Error(t, runDisk([]string{"new", "-size", "16M", "-room", "16M", name}))
	require.Error(t, runDisk([]string{"new", "-size", "16M", "-room", "1000", name}))
	require.NoError(t, runDisk([]string{"new", "-size", "16M", "-room", "1M", name}))
	image, err := os.ReadFile(name)
	require.NoError(t, err)
	require.Len(t, image, 16<<20)
	room := bytes.Repeat([]byte("room"), 1<<18)
	copy(image[15<<20:], room)
	require.NoError(t, os.WriteFile(name, image, 0o644))
	require.Error(t, runDisk([]string{"put", name, filepath.Join(full, "f"), "/"}))
	require.NoError(t, runDisk([]string{"fsck", name}))
	image, err = os.ReadFile(name)
	require.NoError(t, err)
	require.True(t, bytes.Equal(room, image[15<<20:]))
}

func TestDisk_Errors(t *testing.T) {
	name := filepath.Join(t.TempDir(), "disk")
	require.ErrorContains(t, runDisk(nil), "usage")
	require.ErrorContains(t, runDisk([]string{"ls", name}), "opening the disk")
	require.ErrorContains(t, runDisk([]string{"new", "-size", "lots", name}), "is no size")
	require.ErrorContains(t, runDisk([]string{"new", "-size", "512K", name}), "disk too small")
	require.NoError(t, runDisk([]string{"new", "-size", "4M", name}))
	require.ErrorContains(t, runDisk([]string{"cat", name, "/nothing"}), "no such name")
	big := filepath.Join(t.TempDir(), "big")
	require.NoError(t, os.WriteFile(big, make([]byte, 5<<20), 0o644))
	require.ErrorContains(t, runDisk([]string{"put", name, big, "/"}), "no free block")
	require.NoError(t, runDisk([]string{"fsck", name}))
}
