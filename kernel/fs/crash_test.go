package fs_test

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"runtime"
	gosync "sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"exo/internal/hostdisk"
	"exo/internal/hostfs"
	"exo/kernel/fs"
	"exo/kernel/fs/block"
	"exo/kernel/fs/errno"
)

// Crashes. A sequence of operations runs on a disk that records its writes and flushes. Then the power fails at every place
// where it can, and leaves whatever it can: of the writes since the last flush any, in any order, and of one of them any
// sectors. What is left is mounted, which recovers it; it must be what it was after some operation, not before the last Sync;
// and nothing may be wrong with it. The power fails during the recovery, too.
//
// EXO_CRASH=all goes through all pairs of operations; else it is a sample.

// An action is an operation of a sequence. What is refused is as good: it must have changed nothing.
type action struct {
	name string
	do   func(m *mount)
}

func (m *mount) file(path string, do func(ip *fs.Inode)) {
	dir := m.root
	for {
		head, rest, more := bytes.Cut([]byte(path), []byte("/"))
		ip, e := m.fs.Lookup(m.task, dir, head)
		if dir != m.root {
			m.fs.Put(m.task, dir)
		}
		if e != errno.OK {
			return
		}
		if !more {
			do(ip)
			m.fs.Put(m.task, ip)
			return
		}
		dir, path = ip, string(rest)
	}
}

func (m *mount) put(ip *fs.Inode, e errno.Errno) {
	if e == errno.OK {
		m.fs.Put(m.task, ip)
	}
}

var pattern = hostfs.Pattern

var actions = []action{
	{"create", func(m *mount) { m.put(m.fs.Create(m.task, m.root, []byte("new"), fs.Attr{Mode: 0o600})) }},
	{"mkdir", func(m *mount) { m.put(m.fs.Mkdir(m.task, m.root, []byte("dir"), fs.Attr{Mode: 0o700})) }},
	{"symlink", func(m *mount) { m.put(m.fs.Symlink(m.task, m.root, []byte("sym"), fs.Attr{}, pattern(3000, 'a'))) }},
	{"link", func(m *mount) {
		m.file("a", func(ip *fs.Inode) { m.fs.Link(m.task, m.root, []byte("hard"), ip) })
	}},
	{"unlink", func(m *mount) { m.fs.Unlink(m.task, m.root, []byte("a")) }},
	{"unlink open", func(m *mount) {
		m.file("a", func(ip *fs.Inode) {
			m.fs.Unlink(m.task, m.root, []byte("a"))
			m.fs.Write(m.task, ip, 0, pattern(5000, 'u'))
		})
	}},
	{"rmdir", func(m *mount) { m.fs.Rmdir(m.task, m.root, []byte("empty")) }},
	{"rename", func(m *mount) { m.fs.Rename(m.task, m.root, []byte("a"), m.root, []byte("other name")) }},
	{"rename over", func(m *mount) { m.fs.Rename(m.task, m.root, []byte("a"), m.root, []byte("b")) }},
	{"rename across", func(m *mount) {
		m.file("d", func(d *fs.Inode) { m.fs.Rename(m.task, d, []byte("x"), m.root, []byte("b")) })
	}},
	{"rename directory", func(m *mount) {
		m.file("empty", func(d *fs.Inode) { m.fs.Rename(m.task, m.root, []byte("d"), d, []byte("inner")) })
	}},
	{"append", func(m *mount) {
		m.file("a", func(ip *fs.Inode) {
			var st fs.Stat
			m.fs.Stat(m.task, ip, &st)
			m.fs.Write(m.task, ip, st.Size, pattern(7000, 'p'))
		})
	}},
	{"overwrite", func(m *mount) {
		m.file("a", func(ip *fs.Inode) { m.fs.Write(m.task, ip, 100, pattern(6000, 'o')) })
	}},
	{"write far", func(m *mount) {
		m.file("b", func(ip *fs.Inode) { m.fs.Write(m.task, ip, 100_000, pattern(600, 'f')) })
	}},
	{"truncate", func(m *mount) { m.file("a", func(ip *fs.Inode) { m.fs.Truncate(m.task, ip, 700) }) }},
	{"truncate longer", func(m *mount) { m.file("a", func(ip *fs.Inode) { m.fs.Truncate(m.task, ip, 20_000) }) }},
	{"chmod", func(m *mount) {
		m.file("a", func(ip *fs.Inode) { m.fs.SetAttr(m.task, ip, fs.SetMode, &fs.Stat{Mode: 0o755}) })
	}},
	{"sync", func(m *mount) { m.synced = m.fs.SyncAll(m.task) == errno.OK }},
	{"write and fsync", func(m *mount) {
		m.file("a", func(ip *fs.Inode) {
			m.fs.Write(m.task, ip, 50_000, pattern(100, 's'))
			m.synced = m.fs.Sync(m.task, ip) == errno.OK
		})
	}},
}

// base is the disk on which all sequences begin.
func base(t *testing.T) *hostdisk.Sparse {
	d := &hostdisk.Sparse{Blocks: 400}
	format(t, d, small)
	m := mountIt(t, d, hostfs.Small)
	for i, name := range []string{"a", "b", "c"} {
		ip := m.create(name)
		_, e := m.fs.Write(m.task, ip, 0, pattern(9000, byte(i)))
		require.Equal(t, errno.OK, e)
		m.fs.Put(m.task, ip)
	}
	m.put(m.fs.Mkdir(m.task, m.root, []byte("empty"), fs.Attr{}))
	m.put(m.fs.Mkdir(m.task, m.root, []byte("d"), fs.Attr{}))
	m.file("d", func(ip *fs.Inode) { m.put(m.fs.Create(m.task, ip, []byte("x"), fs.Attr{})) })
	m.unmount()
	return d
}

// run performs a sequence and returns the trees that it went through.
func run(t *testing.T, d block.Device, mark func(string), sequence []action) (at []tree) {
	m := mountIt(t, d, hostfs.Small)
	see := func() {
		tr, err := look(m.fs, m.task)
		require.NoError(t, err)
		at = append(at, tr)
	}
	see()
	for i, a := range sequence {
		m.synced = false
		a.do(m)
		see()
		if m.synced {
			mark(fmt.Sprint(i + 1)) // all up to here lasts
		}
	}
	require.Equal(t, errno.OK, m.fs.SyncAll(m.task))
	mark(fmt.Sprint(len(sequence)))
	m.unmount()
	return at
}

// worker tries states that a crash can leave. Its memory is used again and again.
type worker struct {
	memory *fs.Memory
	check  *checkMemory
	task   *fs.Task
	fs     *fs.FS
	states *atomic.Int64
}

// legal says whether a tree can be what a crash leaves of a sequence: what was there after one of the operations from number
// least on; but sectors of files may be as they were at any time, for they are overwritten in place.
func legal(got tree, at []tree, least int) bool {
	for k := least; k < len(at); k++ {
		if got.String() != at[k].String() {
			continue
		}
		fits := true
		for path, n := range got {
			fits = fits && (n.data == at[k][path].data || sectorsOf(n.data, path, at))
		}
		if fits {
			return true
		}
	}
	return false
}

// sectorsOf says whether each sector of a file's data is what some file had there at some time: the same file under any name.
func sectorsOf(data, path string, at []tree) bool {
	for lo := 0; lo < len(data); lo += block.Sector {
		hi := min(lo+block.Sector, len(data))
		found := false
		for _, tr := range at {
			for _, n := range tr {
				if len(n.data) >= hi && n.data[lo:hi] == data[lo:hi] {
					found = true
				} else if len(n.data) > lo && len(n.data) < hi && n.data[lo:] == data[lo:len(n.data)] && allZero(data[len(n.data):hi]) {
					found = true
				}
			}
		}
		if !found {
			return false
		}
	}
	return true
}

func allZero(s string) bool {
	for i := range len(s) {
		if s[i] != 0 {
			return false
		}
	}
	return true
}

// try mounts what a crash left, looks at it, and checks it. With a log the writes of the recovery are noted there.
func (w *worker) try(d *hostdisk.Overlay, at []tree, least int) error {
	w.states.Add(1)
	if e := w.fs.Mount(w.task, d, w.memory, &hostfs.Ticks{}, true); e != errno.OK {
		return fmt.Errorf("mount: %w", e)
	}
	got, err := look(w.fs, w.task)
	if err != nil {
		return err
	}
	if !legal(got, at, least) {
		return fmt.Errorf("not one of the legal outcomes from %d on:\n%v\n\nlast legal:\n%v", least, got, at[len(at)-1])
	}
	if e := w.fs.Unmount(w.task); e != errno.OK {
		return fmt.Errorf("unmount: %w", e)
	}
	return w.check.check(w.task, d)
}

// crashes tries what crashes can leave of what was recorded: the disk before, and the log. depth 1 crashes the recoveries, too.
func (w *worker) crashes(r *rand.Rand, before map[uint64]*block.Page, blocks uint64, log []hostdisk.Record, at []tree, least, depth int) error {
	durable := maps.Clone(before)
	for len(log) > 0 {
		var writes []hostdisk.Record
		i := 0
		for ; i < len(log) && !log[i].Flush; i++ {
			if m := log[i].Mark; m != "" {
				fmt.Sscan(m, &least)
				continue
			}
			writes = append(writes, log[i])
		}
		lowest := least
		if err := w.subsets(r, durable, blocks, writes, at, lowest, depth); err != nil {
			return err
		}
		for _, x := range writes {
			durable[x.Block] = x.Page
		}
		log = log[min(i+1, len(log)):]
	}
	return nil
}

// subsets tries every choice of the writes between two flushes if they are few, else some.
func (w *worker) subsets(r *rand.Rand, durable map[uint64]*block.Page, blocks uint64, writes []hostdisk.Record, at []tree, least, depth int) error {
	n := len(writes)
	choose := func(pick func(i int) bool, torn int) error {
		d := &hostdisk.Overlay{Blocks: blocks, Base: durable, Pages: map[uint64]*block.Page{}}
		what := ""
		for i, x := range writes {
			if !pick(i) {
				continue
			}
			what += fmt.Sprintf(" %d", x.Block)
			p := x.Page
			if i == torn {
				q := block.Page{}
				if old := d.At(x.Block); old != nil {
					q = *old
				}
				sectors := byte(1 + r.IntN(254))
				for s := range block.Size / block.Sector {
					if sectors>>s&1 != 0 {
						copy(q[s*block.Sector:(s+1)*block.Sector], p[s*block.Sector:])
					}
				}
				p = &q
				what += fmt.Sprintf("(sectors %08b)", sectors)
			}
			d.Pages[x.Block] = p
		}
		left := maps.Clone(durable)
		maps.Copy(left, d.Pages)
		var log []hostdisk.Record
		if depth > 0 {
			d.Log = &log
		}
		if err := w.try(d, at, least); err != nil {
			return fmt.Errorf("after a crash that left of %d writes those of the blocks%s: %w", n, what, err)
		}
		if depth > 0 && r.IntN(8) == 0 {
			if err := w.crashes(r, left, blocks, log, at, least, depth-1); err != nil {
				return fmt.Errorf("and a recovery that was cut short: %w", err)
			}
		}
		return nil
	}
	if n <= 6 {
		for set := range 1 << n {
			if err := choose(func(i int) bool { return set>>i&1 != 0 }, -1); err != nil {
				return err
			}
		}
	} else {
		for k := range n + 1 { // every prefix, and all but one
			if err := choose(func(i int) bool { return i < k }, -1); err != nil {
				return err
			}
			if err := choose(func(i int) bool { return i != k }, -1); err != nil {
				return err
			}
		}
		for range 2 * n {
			set := r.Uint64()
			if err := choose(func(i int) bool { return set>>(i%64)&1 != 0 }, -1); err != nil {
				return err
			}
		}
	}
	for torn := range n { // each torn, with all or some of the others
		set := r.Uint64() | r.Uint64()
		if err := choose(func(i int) bool { return i == torn || set>>(i%64)&1 != 0 }, torn); err != nil {
			return err
		}
	}
	return nil
}

// Every prefix and every legal reordering of the writes of up to two operations, torn sectors included, and crashes of the
// recovery.
//
// Also kernel/fs/journal/journal.go: G1, G2, G3, G5.
func TestFS_G2_G3_Crashes(t *testing.T) {
	disk := base(t)
	var sequences [][]action
	all := os.Getenv("EXO_CRASH") == "all"
	for i, a := range actions {
		if raced && i%4 != 0 {
			continue
		}
		sequences = append(sequences, []action{a})
		for k, b := range actions {
			if all || !raced && (i*len(actions)+k)%11 == 3 {
				sequences = append(sequences, []action{a, b})
			}
		}
	}
	var states atomic.Int64
	work := make(chan []action)
	errors := make(chan error, len(sequences))
	var done gosync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		done.Go(func() {
			w := &worker{memory: hostfs.NewMemory(hostfs.Small), check: newCheckMemory(), task: hostfs.NewTask(), fs: new(fs.FS), states: &states}
			defer hostfs.Release(w.task)
			for s := range work {
				d := hostdisk.NewRecorder(disk)
				before := map[uint64]*block.Page{}
				disk.Each(func(n uint64, p *block.Page) { before[n] = p })
				at := run(t, d, d.Mark, s)
				r := rand.New(rand.NewPCG(1, uint64(len(at))))
				if err := w.crashes(r, before, disk.Blocks, d.Log(), at, 0, 1); err != nil {
					names := ""
					for _, a := range s {
						names += a.name + "; "
					}
					errors <- fmt.Errorf("%s %w", names, err)
				}
			}
		})
	}
	for _, s := range sequences {
		work <- s
	}
	close(work)
	done.Wait()
	close(errors)
	for err := range errors {
		t.Error(err)
	}
	t.Logf("%d sequences, %d states", len(sequences), states.Load())
	require.Greater(t, states.Load(), int64(1000))
}
