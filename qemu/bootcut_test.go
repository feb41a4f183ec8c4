package qemu

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"exo/internal/hostdisk"
	"exo/internal/hostfs"
	"exo/internal/hostload"
	"exo/internal/seeds"
	"exo/kernel/fs"
	"exo/kernel/fs/block"
	"exo/kernel/fs/errno"
)

// TestPowerCut kills machines whose tasks are writing files on a disk (the kernel's torture/files), at any moment, that of the
// boot's recovery included, and looks at what is left: the same code as the kernel's recovers it, nothing is wrong with it,
// and all is there that the kernel said would last; of what came later any beginning, in order. Then the machine boots again
// from it, or another from an empty disk.
//
// QEMU's disks are of cache mode writeback, its default: writes go into the host's page cache, which outlives QEMU, and are
// flushed when the guest flushes. So a disk that is a file of the host ("file") loses nothing but what QEMU had not written
// yet, and would not notice a flush that the kernel left out. Therefore the other one ("volatile") is served by this process,
// and loses at the cut any part of what the guest had not flushed, by sectors.
//
// EXO_CUTS is how often power is cut (50).
func TestPowerCut(t *testing.T) {
	cuts := (count(t, "EXO_CUTS", 50) + 1) / 2 // of each disk
	for name, newDisk := range map[string]func(t *testing.T) cutDisk{"file": newFileDisk, "volatile": newVolatileDisk} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := cutter{t: t}
			seeds.Each(t, cuts, func(r *rand.Rand) {
				if c.cuts < cuts {
					c.chain(r, newDisk(t), min(1+r.IntN(4), cuts-c.cuts))
				}
			})
			t.Log(c.String())
			require.Equal(t, cuts, c.cuts)
			if cuts >= 10 { // else chance may have it so
				require.Greater(t, c.promises, cuts, "promises that were to be kept")
				require.Positive(t, c.recovered, "boots from what a cut had left")
			}
		})
	}
}

// count is a number from the environment.
func count(t *testing.T, name string, n int) int {
	if s := os.Getenv(name); s != "" {
		var err error
		n, err = strconv.Atoi(s)
		require.NoError(t, err)
		require.Positive(t, n)
	}
	return n
}

const cutBytes = 16 << 20

// cutDisk is a disk whose power can be cut.
type cutDisk interface {
	plug() *Disk                  // for a machine that is going to start
	cut(r *rand.Rand) []byte      // when QEMU is gone: what is left
	begin(t *testing.T, b []byte) // with such contents
	String() string
}

// cutter counts.
type cutter struct {
	t                                        *testing.T
	cuts, early, chains, promises, recovered int
	lost                                     string
}

func (c *cutter) String() string {
	return fmt.Sprintf("%d cuts, %d of them before a promise, %d disks, %d promises, %d boots after a cut%s", c.cuts, c.early, c.chains, c.promises, c.recovered, c.lost)
}

// chain cuts machines with one disk so often.
func (c *cutter) chain(r *rand.Rand, d cutDisk, cuts int) {
	t := c.t
	d.begin(t, formatted(t, r))
	var l hostload.Load
	for i := range cuts {
		lines := c.cutOnce(r, d)
		l.Boot()
		before := l.Promises
		for _, line := range lines {
			require.NoError(t, l.Line(line))
			require.False(t, strings.HasPrefix(line, "not ok") || strings.HasPrefix(line, "ok "), "the load ended: %s", line)
			for _, bad := range []string{"panic", "mended", "writing back", "not mounted", "in memory"} {
				require.NotContains(t, line, bad)
			}
			if strings.Contains(line, "recovered, checked") {
				c.recovered++
			}
		}
		if l.Promises == before {
			c.early++
		}
		left := d.cut(r)
		if err := l.Check(inMemory(left)); err != nil {
			kept := filepath.Join(os.TempDir(), fmt.Sprintf("exo-cut-%d.img", os.Getpid()))
			_ = os.WriteFile(kept, left, 0o644)
			last := lines[max(0, len(lines)-12):]
			t.Fatalf("cut %d of this disk: %v\nwhat was left is in %s; the last lines were\n  %s", i+1, err, kept, strings.Join(last, "\n  "))
		}
		c.cuts++
	}
	c.chains++
	c.promises += l.Promises
	c.lost = d.String()
}

// cutOnce boots, kills at some moment, and returns all lines that were said to their ends.
func (c *cutter) cutOnce(r *rand.Rand, d cutDisk) []string {
	defer takeSlots(1)()
	t := c.t
	// The moment: so long after the so many-th line of these.
	of, n, after := hostload.Prefix+"synced", 1+r.IntN(60), time.Duration(r.IntN(4000))*time.Microsecond
	if r.IntN(4) == 0 {
		of, n, after = "disk: ", 1+r.IntN(2), time.Duration(r.IntN(60_000))*time.Microsecond
	}
	m := kernel(t, fmt.Sprintf("tests=torture/files* torture=1h seed=%d", r.Uint64()))
	m.CPUs, m.Mem = 2, "256M"
	m.Disk = d.plug()
	now := make(chan bool, 1)
	var said safeBuffer
	g, err := Start(t.Context(), m, Options{
		Limits:  Limits{Silence: time.Minute, Total: 3 * time.Minute},
		Console: &said,
		OnLine: func(line string) {
			if strings.HasPrefix(line, of) {
				if n--; n == 0 {
					now <- true
				}
			}
		},
	})
	require.NoError(t, err)
	ended := make(chan bool)
	go func() {
		select {
		case <-now:
			time.Sleep(after)
			g.Kill()
		case <-ended:
		}
	}()
	res := g.Wait()
	close(ended)
	require.Equal(t, Stopped.String(), res.End.String(), "%v", res.Err())
	text := said.String()
	text = text[:strings.LastIndexByte(text, '\n')+1] // a line that was cut off says nothing
	var lines []string
	for line := range strings.Lines(text) {
		lines = append(lines, strings.TrimRight(line, "\r\n"))
	}
	return lines
}

type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(b)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// formatted is an image with an empty file system.
func formatted(t *testing.T, r *rand.Rand) []byte {
	d := &hostdisk.Sparse{Blocks: cutBytes / block.Size}
	task := hostfs.NewTask()
	defer hostfs.Release(task)
	_, e := fs.Format(task, d, &fs.Options{Key: [2]uint64{r.Uint64(), r.Uint64()}}, new(block.Page))
	require.Equal(t, errno.OK, e)
	return imageOf(d)
}

func imageOf(d *hostdisk.Sparse) []byte {
	b := make([]byte, d.Blocks*block.Size)
	d.Each(func(n uint64, p *block.Page) { copy(b[n*block.Size:], p[:]) })
	return b
}

// inMemory is a disk with an image's contents.
func inMemory(b []byte) *hostdisk.Sparse {
	d := &hostdisk.Sparse{Blocks: uint64(len(b) / block.Size)}
	var zero block.Page
	for n := range d.Blocks {
		if p := block.Page(b[n*block.Size:]); p != zero {
			d.SetPage(n, p)
		}
	}
	return d
}

// fileDisk is a file of the host.
type fileDisk struct{ path string }

func newFileDisk(t *testing.T) cutDisk {
	return &fileDisk{filepath.Join(t.TempDir(), "disk.img")}
}

func (d *fileDisk) begin(t *testing.T, b []byte) { require.NoError(t, os.WriteFile(d.path, b, 0o644)) }
func (d *fileDisk) plug() *Disk                  { return &Disk{Path: d.path} }
func (d *fileDisk) String() string               { return "" }

func (d *fileDisk) cut(*rand.Rand) []byte {
	b, err := os.ReadFile(d.path)
	if err != nil {
		panic(err) // it was there
	}
	return b
}

// volatileDisk is served by this process.
type volatileDisk struct {
	power  *hostdisk.Power
	socket string
	served chan error
}

func newVolatileDisk(t *testing.T) cutDisk {
	dir, err := os.MkdirTemp("", "exo") // not t.TempDir(): a socket's path is short
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	return &volatileDisk{socket: filepath.Join(dir, "disk")}
}

func (d *volatileDisk) begin(_ *testing.T, b []byte) { d.power = hostdisk.NewPower(b) }

func (d *volatileDisk) plug() *Disk {
	d.served = make(chan error, 1)
	l, err := net.Listen("unix", d.socket)
	if err != nil {
		panic(err)
	}
	go func() {
		c, err := l.Accept()
		l.Close()
		if err == nil {
			err = d.power.Serve(c)
		}
		d.served <- err
	}()
	return &Disk{Socket: d.socket}
}

func (d *volatileDisk) cut(r *rand.Rand) []byte {
	if err := <-d.served; err != nil {
		panic(err)
	}
	return d.power.Cut(r)
}

func (d *volatileDisk) String() string {
	return fmt.Sprintf("; the last disk: %d writes, %d flushes, %d writes lost", d.power.Writes, d.power.Flushes, d.power.Lost)
}
