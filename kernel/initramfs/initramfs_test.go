package initramfs

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/u-root/u-root/pkg/cpio"

	"exo/internal/seeds"
)

// archive is what a common writer of this format makes of the records.
func archive(t testing.TB, records ...cpio.Record) []byte {
	var b bytes.Buffer
	w := cpio.Newc.Writer(&b)
	require.NoError(t, cpio.WriteRecords(w, records))
	require.NoError(t, cpio.WriteTrailer(w))
	return b.Bytes()
}

func typical(t testing.TB) []byte {
	return archive(t,
		cpio.Directory("bin", 0o755),
		cpio.StaticFile("bin/init", "\x7fELF and so on", 0o755),
		cpio.StaticFile("etc/motd", "hello\n", 0o644),
		cpio.StaticFile("empty", "", 0o600),
		cpio.Symlink("bin/sh", "init"),
		cpio.CharDev("dev/console", 0o600, 5, 1),
	)
}

// entry makes one by hand; namesize and filesize are what they should be.
func entry(name, data string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "070701%08x%08X%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x",
		1, 0o100644, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name), 0)
	b.WriteString(name)
	b.Write(make([]byte, -b.Len()&3))
	b.WriteString(data)
	b.Write(make([]byte, -b.Len()&3))
	return b.Bytes()
}

var end = entry("TRAILER!!!\x00", "")

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func TestArchive_HoldsWhatWasWritten(t *testing.T) {
	a, err := Open(typical(t))
	require.NoError(t, err)
	require.Equal(t, 6, a.Len())
	var names []string
	for e := range a.Entries {
		names = append(names, e.Name)
	}
	require.Equal(t, []string{"bin", "bin/init", "etc/motd", "empty", "bin/sh", "dev/console"}, names)

	e, ok := a.Lookup("bin/init")
	require.True(t, ok)
	require.Equal(t, "\x7fELF and so on", string(e.Data))
	require.EqualValues(t, TypeRegular, e.Type())
	require.EqualValues(t, 0o100755, e.Mode)
	e, ok = a.Lookup("bin/sh")
	require.True(t, ok)
	require.EqualValues(t, TypeSymlink, e.Type())
	require.Equal(t, "init", string(e.Data))
	e, ok = a.Lookup("bin")
	require.True(t, ok)
	require.EqualValues(t, TypeDir, e.Type())
	_, ok = a.Lookup("bin/ini")
	require.False(t, ok)
	_, ok = a.Lookup("TRAILER!!!")
	require.False(t, ok)
	for range a.Entries {
		break
	}
}

func TestArchive_DataIsNotCopiedAndCannotGrowIntoWhatFollows(t *testing.T) {
	b := typical(t)
	a, err := Open(b)
	require.NoError(t, err)
	e, _ := a.Lookup("etc/motd")
	require.Equal(t, len(e.Data), cap(e.Data))
	b[bytes.Index(b, []byte("hello"))] = 'J'
	require.Equal(t, "Jello\n", string(e.Data))
}

func TestArchive_AgreesWithItsWriterOnRandomFiles(t *testing.T) {
	seeds.Each(t, 500, func(r *rand.Rand) {
		want := map[string]string{}
		var records []cpio.Record
		for range r.IntN(20) {
			name := strings.Repeat("d/", r.IntN(4)) + strings.Repeat("n", 1+r.IntN(6)) + fmt.Sprint(r.IntN(30))
			data := make([]byte, r.IntN(300))
			for i := range data {
				data[i] = byte(r.Uint32())
			}
			if _, ok := want[name]; ok {
				continue // the writer would leave it out
			}
			want[name] = string(data)
			records = append(records, cpio.StaticFile(name, string(data), 0o644))
		}
		b := join(archive(t, records...), make([]byte, r.IntN(600)))
		a, err := Open(b)
		require.NoError(t, err)
		require.Equal(t, len(records), a.Len())
		i := 0
		for e := range a.Entries {
			require.Equal(t, records[i].Name, e.Name)
			i++
		}
		for name, data := range want {
			e, ok := a.Lookup(name)
			require.True(t, ok)
			require.Equal(t, data, string(e.Data))
		}
	})
}

func TestOpen_EmptyArchive(t *testing.T) {
	a, err := Open(end)
	require.NoError(t, err)
	require.Zero(t, a.Len())
	require.Equal(t, len(end), a.Offset)
	_, ok := a.Lookup("x")
	require.False(t, ok)
	var zero Archive
	_, ok = zero.Lookup("x")
	require.False(t, ok)
}

func TestOpen_FaultsAndWhereTheyAre(t *testing.T) {
	one := entry("one\x00", "data.")
	n := len(one)
	set := func(b []byte, off int, s string) []byte {
		b = bytes.Clone(b)
		copy(b[off:], s)
		return b
	}
	for name, c := range map[string]struct {
		b   []byte
		err error
		off int
	}{
		"nothing":              {nil, ErrTruncated, 0},
		"no trailer":           {one, ErrTruncated, n},
		"header cut":           {join(one, end[:109]), ErrTruncated, n + 109},
		"name cut":             {join(one, end[:115]), ErrTruncated, n + 115},
		"data cut":             {one[:n-4], ErrTruncated, n - 4},
		"magic":                {join(one, set(one, 0, "070702"), end), ErrMagic, n},
		"padding as header":    {join(one, make([]byte, 512)), ErrMagic, n},
		"not hex":              {join(one, set(one, 38, "0000000g"), end), ErrHex, n + 38},
		"sign in a number":     {join(set(one, 54, "+0000001"), end), ErrHex, 54},
		"space in the last":    {join(set(one, 102, "0000000 "), end), ErrHex, 102},
		"file size lies":       {join(set(one, 54, "ffffffff"), end), ErrTruncated, n + len(end)},
		"name size lies":       {join(set(one, 94, "00000fff"), end), ErrTruncated, n + len(end)},
		"name size over limit": {join(set(one, 94, "00001001"), end), ErrNameLen, 94},
		"name size all ones":   {join(set(one, 94, "ffffffff"), end), ErrNameLen, 94},
		"name size 0":          {join(set(one, 94, "00000000"), end), ErrNameLen, 94},
		"empty name":           {join(entry("\x00", ""), end), ErrNameLen, 94},
		"no NUL":               {join(entry("one", ""), end), ErrName, 110},
		"NUL inside":           {join(one, entry("o\x00e\x00", ""), end), ErrName, n + 110},
		"absolute":             {join(entry("/etc\x00", ""), end), ErrName, 110},
		"absolute behind dot":  {join(entry(".//etc\x00", ""), end), ErrName, 110},
		"parent":               {join(entry("..\x00", ""), end), ErrName, 110},
		"parent first":         {join(entry("../x\x00", ""), end), ErrName, 110},
		"parent inside":        {join(entry("a/../x\x00", ""), end), ErrName, 110},
		"parent last":          {join(entry("a/..\x00", ""), end), ErrName, 110},
		"ends in a slash":      {join(entry("a/\x00", ""), end), ErrName, 110},
		"something follows":    {join(one, end, []byte{0, 0, 7}), ErrTrailing, n + len(end) + 2},
		"two archives":         {join(one, end, one, end), ErrTrailing, n + len(end)},
	} {
		t.Run(name, func(t *testing.T) {
			a, err := Open(c.b)
			require.Equal(t, c.err, err)
			require.Equal(t, c.off, a.Offset)
			require.Zero(t, a.Len())
			for range a.Entries {
				t.Fatal("an archive that was refused has entries")
			}
		})
	}
}

func TestLookup_OfANameThatComesTwiceGivesTheLast(t *testing.T) {
	a, err := Open(join(entry("x\x00", "old"), entry("y\x00", "other"), entry("./x\x00", "new"), end))
	require.NoError(t, err)
	e, ok := a.Lookup("x")
	require.True(t, ok)
	require.Equal(t, "new", string(e.Data))
	require.Equal(t, 3, a.Len())
}

func TestNames_InFrontOfWhichFindPutsADot(t *testing.T) {
	a, err := Open(join(entry(".\x00", ""), entry("./bin\x00", ""), entry("././x\x00", ""), entry("..a/b..\x00", ""), entry("./.\x00", ""), end))
	require.NoError(t, err)
	var names []string
	for e := range a.Entries {
		names = append(names, e.Name)
	}
	require.Equal(t, []string{".", "bin", "x", "..a/b..", "."}, names)
}

func TestOpen_LastPaddingMayBeMissing(t *testing.T) {
	b := join(entry("one\x00", "x"), end[:121])
	a, err := Open(b)
	require.NoError(t, err)
	require.Equal(t, 1, a.Len())
	require.Equal(t, len(b), a.Offset)
}

// Ring 0 has no heap.
func TestArchive_AllocatesNothing(t *testing.T) {
	b := typical(t)
	require.Zero(t, testing.AllocsPerRun(10, func() {
		a, _ := Open(b)
		a.Lookup("etc/motd")
		for e := range a.Entries {
			_ = e.Name
		}
	}))
}

// An archive damaged in this many ways is read without a panic, and what is accepted
// is as it should be.
func TestMutatedArchives_AreSafe(t *testing.T) {
	sound := typical(t)
	accepted := 0
	seeds.Each(t, 20000, func(r *rand.Rand) {
		b := bytes.Clone(sound)
		for range 1 + r.IntN(3) {
			if len(b) == 0 {
				break
			}
			i := r.IntN(len(b))
			switch r.IntN(6) {
			case 0, 1:
				b[i] ^= 1 << r.IntN(8)
			case 2:
				b[i] = "\x00./0f7\xff "[r.IntN(8)]
			case 3:
				if r.IntN(3) == 0 {
					b = b[:i]
				}
			case 4: // a field that lies
				v := []string{"00000000", "00000001", "00000003", "0000000F", "00001000", "00001001", "7fffffff", "ffffffff", "fffffffc"}
				copy(b[i:], v[r.IntN(len(v))])
			case 5: // bytes moved about
				from := b[r.IntN(len(b)):]
				copy(b[i:], from[:min(16, len(from))])
			}
		}
		if use(b[:len(b):len(b)]) {
			accepted++
		}
	})
	require.Greater(t, accepted, 1000, "the mutations broke too much to test anything")
}

// use reads all of an archive and panics if a promise is broken.
func use(b []byte) bool {
	must := func(ok bool) {
		if !ok {
			panic("a promise is broken")
		}
	}
	a, err := Open(b)
	must(a.Offset >= 0 && a.Offset <= len(b))
	n := 0
	for e := range a.Entries {
		n++
		must(len(e.Name) > 0 && len(e.Name) < MaxNameLen && e.Name[0] != '/' && !strings.Contains(e.Name, "\x00"))
		for part := range strings.SplitSeq(e.Name, "/") {
			must(part != ".." && part != "")
		}
		must(len(e.Data) <= len(b) && cap(e.Data) == len(e.Data))
		_, ok := a.Lookup(e.Name)
		must(ok)
	}
	must(n == a.Len() && (err == nil || n == 0))
	return err == nil
}

func FuzzOpen(f *testing.F) {
	f.Add(typical(f))
	f.Add(end)
	f.Add(join(entry("./a\x00", "b"), end[:121]))
	f.Fuzz(func(t *testing.T, data []byte) {
		use(append(make([]byte, 0, len(data)), data...)[:len(data):len(data)])
	})
}
