package disk

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"

	"exo/internal/seeds"
	"exo/internal/tsan"

	"github.com/stretchr/testify/require"
)

func memory(bytes int) []byte {
	words := make([]uint64, bytes/8)
	return unsafeBytes(words)
}

func newDisk() *Disk { return Open(memory(256<<10), runtime.Gosched) }

func TestDisk_keepsWhatIsWritten(t *testing.T) {
	d := newDisk()
	r, err := d.Create("a", false)
	require.NoError(t, err)
	_, err = d.Create("a", false)
	require.Equal(t, ErrExists, err)
	n, at, err := d.Write(r, 0, false, []byte("hello"))
	require.NoError(t, err)
	require.Equal(t, 5, n)
	require.Zero(t, at)
	_, at, err = d.Write(r, 0, true, []byte(" there"))
	require.NoError(t, err)
	require.EqualValues(t, 5, at)
	b := make([]byte, 100)
	n, err = d.Read(r, 0, b)
	require.NoError(t, err)
	require.Equal(t, "hello there", string(b[:n]))
	n, _ = d.Read(r, 6, b[:2])
	require.Equal(t, "th", string(b[:n]))
	n, _ = d.Read(r, 11, b)
	require.Zero(t, n)
}

func TestDisk_aRemovedFileIsNotItsSuccessor(t *testing.T) {
	d := newDisk()
	r, _ := d.Create("a", false)
	require.NoError(t, d.Remove("a"))
	s, _ := d.Create("b", false)
	require.Equal(t, r.Index, s.Index)
	_, _, err := d.Write(r, 0, false, []byte("x"))
	require.Equal(t, ErrNone, err)
	_, err = d.Stat(s)
	require.NoError(t, err)
}

func TestDisk_blocksComeBack(t *testing.T) {
	d := newDisk()
	big := bytes.Repeat([]byte("x"), 1<<20)
	for range 3 {
		r, err := d.Create("big", false)
		require.NoError(t, err)
		n, _, err := d.Write(r, 0, false, big)
		require.Equal(t, ErrFull, err)
		require.Equal(t, len(d.next)*BlockSize, n)
		require.NoError(t, d.Remove("big"))
	}
}

func TestDisk_holesAreZero(t *testing.T) {
	d := newDisk()
	r, _ := d.Create("a", false)
	d.Write(r, 0, false, bytes.Repeat([]byte("x"), 5000))
	d.Truncate(r)
	d.Write(r, 3000, false, []byte("y"))
	b := make([]byte, 4000)
	n, _ := d.Read(r, 0, b)
	require.Equal(t, 3001, n)
	require.Equal(t, make([]byte, 3000), b[:3000])
}

func TestDisk_folders(t *testing.T) {
	d := newDisk()
	for _, p := range []string{"f", "f/a", "f/b", "fx", "f/g", "f/g/h"} {
		_, err := d.Create(p, p == "f" || p == "f/g")
		require.NoError(t, err)
	}
	names := map[string]bool{}
	d.List("f", func(i Info) bool {
		names[i.Path] = i.Folder
		return true
	})
	require.Equal(t, map[string]bool{"f/a": false, "f/b": false, "f/g": true}, names)
	require.Equal(t, ErrNotEmpty, d.Remove("f"))
	require.NoError(t, d.Rename("f/a", "f/b"))
	_, _, err := d.Lookup("f/a")
	require.Equal(t, ErrNone, err)
	require.Equal(t, ErrFolder, d.Rename("f", "e"))
	_, err = d.Create("", false)
	require.Equal(t, ErrName, err)
	_, err = d.Create(string(make([]byte, MaxPath+1)), false)
	require.Equal(t, ErrName, err)
}

func TestDisk_againstAModel(t *testing.T) {
	tsan.Alone(t)
	writes := 0
	seeds.Each(t, 50, func(r *rand.Rand) {
		m := memory(256 << 10)
		d := Open(m, runtime.Gosched)
		model := map[string][]byte{}
		for i := range 200 {
			if i == 100 {
				d = Open(m, runtime.Gosched) // another program's
			}
			p := fmt.Sprint(r.IntN(5))
			ref, info, err := d.Lookup(p)
			want, there := model[p]
			require.Equal(t, there, err == nil)
			switch {
			case !there:
				_, err = d.Create(p, false)
				require.NoError(t, err)
				model[p] = []byte{}
				continue
			case r.IntN(10) == 0:
				require.NoError(t, d.Remove(p))
				delete(model, p)
				continue
			}
			require.EqualValues(t, len(want), info.Size)
			offset := r.IntN(len(want) + 3000)
			data := bytes.Repeat([]byte{byte(1 + i%255)}, 1+r.IntN(3000))
			if offset+len(data) > 20_000 {
				continue
			}
			n, _, err := d.Write(ref, uint64(offset), false, data)
			require.NoError(t, err)
			require.Equal(t, len(data), n)
			if end := offset + n; end > len(want) {
				want = append(want, make([]byte, end-len(want))...)
			}
			copy(want[offset:], data)
			model[p] = want
			got := make([]byte, 30_000)
			n, err = d.Read(ref, 0, got)
			require.NoError(t, err)
			require.True(t, bytes.Equal(want, got[:n]))
			writes++
		}
	})
	require.Greater(t, writes, 500)
}

func TestDisk_manyAtOnce(t *testing.T) {
	d := newDisk()
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			name := fmt.Sprint("file", w)
			r, err := d.Create(name, false)
			if err != nil {
				t.Error(err)
			}
			for range 100 {
				d.Write(r, 0, true, []byte(name))
			}
		}()
	}
	wg.Wait()
	for w := range 4 {
		name := fmt.Sprint("file", w)
		r, _, err := d.Lookup(name)
		require.NoError(t, err)
		b := make([]byte, 1000)
		n, _ := d.Read(r, 0, b)
		require.Equal(t, bytes.Repeat([]byte(name), 100), b[:n])
	}
}

func TestDisk_space(t *testing.T) {
	d := newDisk()
	all := d.Space()
	require.Equal(t, all.Bytes, all.Free)
	require.Equal(t, all.Files, all.FreeFiles)
	r, _ := d.Create("a", false)
	d.Write(r, 0, false, make([]byte, BlockSize+1))
	require.Equal(t, Space{all.Bytes, all.Free - 2*BlockSize, all.Files, all.Files - 1}, d.Space())
	require.NoError(t, d.Remove("a"))
	require.Equal(t, all, d.Space())
}
