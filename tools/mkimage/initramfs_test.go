package main

import (
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"exo/internal/seeds"
	"exo/kernel/initramfs"

	"github.com/stretchr/testify/require"
)

// file is one file of a folder to pack: mode and contents, or the target of a link.
type file struct {
	name, data string
	mode       os.FileMode
}

var files = []file{
	{"bin", "", os.ModeDir | 0o755},
	{"bin/init", "\x7fELF", 0o755},
	{"bin/sh", "init", os.ModeSymlink},
	{"bin-old", "sorts between bin and bin/init", 0o644},
	{"empty", "", 0o644},
	{"dangling", "../../nowhere", os.ModeSymlink},
	{"etc", "", os.ModeDir | 0o755},
	{"etc/motd", "hello\n", 0o644},
	{"etc/größe", "four\x00", 0o644},
}

func lay(t *testing.T, folder string, files []file) {
	t.Helper()
	for _, f := range files {
		path := filepath.Join(folder, f.name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o777))
		switch {
		case f.mode.IsDir():
			require.NoError(t, os.MkdirAll(path, f.mode.Perm()))
		case f.mode&os.ModeSymlink != 0:
			require.NoError(t, os.Symlink(f.data, path))
		default:
			require.NoError(t, os.WriteFile(path, []byte(f.data), f.mode.Perm()))
		}
	}
}

func TestAPackedFolderReadsBackWhole(t *testing.T) {
	folder := t.TempDir()
	lay(t, folder, files)
	out := filepath.Join(t.TempDir(), "new", "initramfs.cpio")
	require.NoError(t, runInitramfs([]string{"-o", out, folder}))
	a, err := initramfs.Open(read(t, out))
	require.NoError(t, err)
	require.Equal(t, len(files), a.Len())
	for _, f := range files {
		e, ok := a.Lookup(f.name)
		require.True(t, ok, f.name)
		require.Equal(t, f.data, string(e.Data), f.name)
		switch {
		case f.mode.IsDir():
			require.EqualValues(t, initramfs.TypeDir|0o755, e.Mode, f.name)
		case f.mode&os.ModeSymlink != 0:
			require.EqualValues(t, initramfs.TypeSymlink, e.Type(), f.name)
		default:
			require.EqualValues(t, initramfs.TypeRegular|uint32(f.mode.Perm()), e.Mode, f.name)
		}
	}
	last := ""
	for e := range a.Entries {
		require.Less(t, last, e.Name, "names are in order, so a folder comes before what is in it")
		last = e.Name
	}
}

func TestAnArchiveDependsOnNamesModesAndContentsAlone(t *testing.T) {
	folder := t.TempDir()
	lay(t, folder, files)
	want, err := packFolder(folder)
	require.NoError(t, err)
	seeds.Each(t, 20, func(r *rand.Rand) {
		other := filepath.Join(t.TempDir(), "another name")
		old := syscall.Umask([]int{0, 0o002, 0o022, 0o077}[r.IntN(4)])
		defer syscall.Umask(old)
		shuffled := append([]file(nil), files...)
		r.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		lay(t, other, shuffled)
		for _, f := range files {
			path := filepath.Join(other, f.name)
			if f.mode&os.ModeSymlink == 0 {
				when := time.Unix(r.Int64N(1<<31), 0)
				require.NoError(t, os.Chtimes(path, when, when))
			}
			if os.Getuid() == 0 {
				require.NoError(t, os.Lchown(path, r.IntN(1000), r.IntN(1000)))
			}
		}
		got, err := packFolder(other)
		require.NoError(t, err)
		require.Equal(t, string(want), string(got))
	})
}

func TestAChangeOfNameModeOrContentsChangesTheArchive(t *testing.T) {
	pack := func(f ...file) string {
		folder := t.TempDir()
		lay(t, folder, f)
		b, err := packFolder(folder)
		require.NoError(t, err)
		return string(b)
	}
	one := pack(file{"a", "x", 0o644})
	require.Equal(t, one, pack(file{"a", "x", 0o600}), "of the permissions only execution counts")
	for _, other := range []file{{"a", "x", 0o755}, {"a", "y", 0o644}, {"b", "x", 0o644}, {"a", "x", os.ModeSymlink}, {"a", "", os.ModeDir | 0o755}} {
		require.NotEqual(t, one, pack(other))
	}
	require.Equal(t, pack(file{"a", "x", 0o755}), pack(file{"a", "x", 0o700}))
}

func TestAnEmptyFolderIsAnEmptyArchive(t *testing.T) {
	b, err := packFolder(t.TempDir())
	require.NoError(t, err)
	a, err := initramfs.Open(b)
	require.NoError(t, err)
	require.Zero(t, a.Len())
}

func TestALinkToAFolderIsPackedAsTheFolder(t *testing.T) {
	folder := t.TempDir()
	lay(t, folder, files)
	link := filepath.Join(t.TempDir(), "link")
	require.NoError(t, os.Symlink(folder, link))
	want, err := packFolder(folder)
	require.NoError(t, err)
	for _, name := range []string{link, link + "/", folder + "/."} {
		got, err := packFolder(name)
		require.NoError(t, err)
		require.Equal(t, want, got, name)
	}
}

func TestWhatCannotBePackedIsOneClearLine(t *testing.T) {
	folder := t.TempDir()
	_, err := packFolder(filepath.Join(folder, "none"))
	oneLine(t, err, "packing the initramfs", filepath.Join(folder, "none"), "no such file or directory")
	write(t, filepath.Join(folder, "file"), nil)
	_, err = packFolder(filepath.Join(folder, "file"))
	oneLine(t, err, filepath.Join(folder, "file"), "is not a folder")

	require.NoError(t, syscall.Mkfifo(filepath.Join(folder, "fifo"), 0o644))
	_, err = packFolder(folder)
	oneLine(t, err, filepath.Join(folder, "fifo"), "neither a file, a folder nor a symbolic link")

	short, err := os.MkdirTemp("", "mk") // a socket's path has at most 107 bytes
	require.NoError(t, err)
	defer os.RemoveAll(short)
	l, err := net.Listen("unix", filepath.Join(short, "s"))
	require.NoError(t, err)
	defer l.Close()
	_, err = packFolder(short)
	oneLine(t, err, filepath.Join(short, "s"), "neither")

	bad := t.TempDir()
	write(t, filepath.Join(bad, "TRAILER!!!"), []byte("x"))
	write(t, filepath.Join(bad, "Zebra"), []byte("x"))
	_, err = packFolder(bad)
	oneLine(t, err, "the kernel could not read")

	out := filepath.Join(t.TempDir(), "out.cpio")
	require.Error(t, runInitramfs([]string{"-o", out, bad}))
	require.NoFileExists(t, out)
}

func TestSeveralFoldersArePackedIntoOneAndNothingIsHidden(t *testing.T) {
	a, b := t.TempDir(), t.TempDir()
	lay(t, a, []file{{"bin", "", os.ModeDir | 0o755}, {"bin/one", "1", 0o755}, {"x", "x", 0o644}})
	lay(t, b, []file{{"bin", "", os.ModeDir | 0o755}, {"bin/two", "2", 0o755}})
	packed, err := packFolder(a, b)
	require.NoError(t, err)
	archive, err := initramfs.Open(packed)
	require.NoError(t, err)
	var names []string
	for e := range archive.Entries {
		names = append(names, e.Name)
	}
	require.Equal(t, []string{"bin", "bin/one", "bin/two", "x"}, names)
	write(t, filepath.Join(b, "x"), []byte("x"))
	_, err = packFolder(a, b)
	oneLine(t, err, "x is in two of the folders", a, b)
}
