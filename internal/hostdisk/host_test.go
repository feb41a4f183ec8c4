package hostdisk

import (
	"os"
	"path/filepath"
	"runtime"
	gosync "sync"
	"testing"

	"github.com/stretchr/testify/require"

	"exo/kernel/fs/block"
	"exo/kernel/fs/errno"
)

// Every device finds what was written, with several requests in flight, and refuses what is not there.
func TestDevice_G1_G3_ReadsFindWrites(t *testing.T) {
	path := filepath.Join(t.TempDir(), "disk")
	require.NoError(t, os.WriteFile(path, make([]byte, 64*block.Size), 0o644))
	file, err := OpenFile(path, true)
	require.NoError(t, err)
	defer func() { require.NoError(t, file.Close()) }()
	devices := map[string]block.Device{
		"ram":      &block.RAM{Pages: make([]block.Page, 64)},
		"file":     file,
		"sparse":   &Sparse{Blocks: 64},
		"async":    &Sparse{Blocks: 64, Async: true},
		"recorder": NewRecorder(&Sparse{Blocks: 64}),
		"overlay":  &Overlay{Blocks: 64, Pages: map[uint64]*block.Page{}},
	}
	for name, d := range devices {
		t.Run(name, func(t *testing.T) {
			c := NewContext()
			defer Release(c)
			var rs [16]block.Request
			var pages [16][4]block.Page
			for i := range rs {
				for k := range pages[i] {
					for j := range pages[i][k] {
						pages[i][k][j] = byte(i*4 + k + j)
					}
					rs[i].Pages = append(rs[i].Pages, &pages[i][k])
				}
				rs[i].Op, rs[i].Block = block.Write, uint64(4*i)
				block.Start(d, c, &rs[i])
			}
			for i := range rs {
				require.Equal(t, errno.OK, rs[i].Wait(c))
			}
			flush := block.Request{Op: block.Flush}
			require.Equal(t, errno.OK, block.Do(d, c, &flush))
			want := pages
			pages = [16][4]block.Page{}
			for i := range rs {
				rs[i].Op = block.Read
				block.Start(d, c, &rs[i])
			}
			for i := range rs {
				require.Equal(t, errno.OK, rs[i].Wait(c))
			}
			require.True(t, want == pages)

			one := block.Request{Op: block.Read, Block: 64, Pages: rs[0].Pages[:1]}
			require.Equal(t, errno.Range, block.Do(d, c, &one))
			one.Block = ^uint64(0)
			require.Equal(t, errno.Range, block.Do(d, c, &one))
			one.Pages = nil
			require.Equal(t, errno.BadArgument, block.Do(d, c, &one))
		})
	}
}

// A read-only device refuses writes, and a failing one says so.
func TestDevice_G1_Errors(t *testing.T) {
	path := filepath.Join(t.TempDir(), "disk")
	require.NoError(t, os.WriteFile(path, make([]byte, 4*block.Size), 0o644))
	file, err := OpenFile(path, false)
	require.NoError(t, err)
	defer file.Close()
	c := NewContext()
	defer Release(c)
	var p block.Page
	r := block.Request{Op: block.Write, Pages: []*block.Page{&p}}
	require.Equal(t, errno.ReadOnly, block.Do(file, c, &r))
	bad := &Sparse{Blocks: 4, Fail: func(r *block.Request) bool { return r.Op == block.Write }}
	require.Equal(t, errno.IO, block.Do(bad, c, &r))
	r.Op = block.Read
	require.Equal(t, errno.OK, block.Do(bad, c, &r))
}

// A permit that was meant for something else does not end a wait, and a request may be started again as soon as it is done.
func TestRequest_G2_G3_NoiseAndReuse(t *testing.T) {
	d := &Sparse{Blocks: 4, Async: true}
	c := NewContext()
	defer Release(c)
	stop := make(chan struct{})
	var noise gosync.WaitGroup
	noise.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				c.Sleeper.Unpark()
				runtime.Gosched()
			}
		}
	})
	var p, q block.Page
	r := block.Request{}
	for i := range 500 {
		p[0], p[1] = byte(i), byte(i>>8)
		r.Op, r.Block, r.Pages = block.Write, uint64(i%4), []*block.Page{&p}
		require.Equal(t, errno.OK, block.Do(d, c, &r))
		r.Op, r.Pages = block.Read, []*block.Page{&q}
		require.Equal(t, errno.OK, block.Do(d, c, &r))
		require.True(t, p == q)
	}
	close(stop)
	noise.Wait()
}
