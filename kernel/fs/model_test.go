package fs_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	gosync "sync"
	"testing"

	"github.com/stretchr/testify/require"

	"exo/internal/hostdisk"
	"exo/internal/hostfs"
	"exo/internal/seeds"
	"exo/kernel/fs"
	"exo/kernel/fs/disk"
	"exo/kernel/fs/errno"
)

// The model: directories are maps.
type modelNode struct {
	typ   uint16
	links int
	data  []byte
	names map[string]*modelNode
	up    *modelNode
}

// player plays random operations in one directory and below, on the file system and on the model.
type player struct {
	t    *testing.T
	f    *fs.FS
	task *fs.Task
	r    *rand.Rand
	dirs []*modelNode
	ips  map[*modelNode]*fs.Inode // in use: every directory
	done map[string]int           // operations that were not refused
}

func newPlayer(t *testing.T, f *fs.FS, task *fs.Task, top *fs.Inode, r *rand.Rand) *player {
	root := &modelNode{typ: disk.TypeDir, links: 1, names: map[string]*modelNode{}}
	return &player{t, f, task, r, []*modelNode{root}, map[*modelNode]*fs.Inode{root: top}, map[string]int{}}
}

func (p *player) name() string {
	n := fmt.Sprint("n", p.r.IntN(30))
	if p.r.IntN(10) == 0 {
		n += string(bytes.Repeat([]byte("x"), p.r.IntN(250)))
	}
	return n
}

func (p *player) dir() *modelNode { return p.dirs[p.r.IntN(len(p.dirs))] }

// agree compares what the file system said with what the model says.
func (p *player) agree(what string, want, got errno.Errno) bool {
	require.Equal(p.t, want, got, what)
	if got == errno.OK {
		p.done[what]++
	}
	return got == errno.OK
}

func checkModelName(n string) errno.Errno {
	if len(n) > disk.MaxName {
		return errno.NameLong
	}
	return errno.OK
}

func (p *player) create() {
	d, n := p.dir(), p.name()
	typ := []uint16{disk.TypeFile, disk.TypeFile, disk.TypeDir, disk.TypeLink}[p.r.IntN(4)]
	text := pattern(1+p.r.IntN(400), byte('A'+p.r.IntN(20)))
	want := checkModelName(n)
	if want == errno.OK && d.names[n] != nil {
		want = errno.Exists
	}
	var ip *fs.Inode
	var e errno.Errno
	what := "create"
	switch typ {
	case disk.TypeFile:
		ip, e = p.f.Create(p.task, p.ips[d], []byte(n), fs.Attr{Mode: 0o644})
	case disk.TypeDir:
		what = "mkdir"
		ip, e = p.f.Mkdir(p.task, p.ips[d], []byte(n), fs.Attr{Mode: 0o755})
	case disk.TypeLink:
		what = "symlink"
		ip, e = p.f.Symlink(p.task, p.ips[d], []byte(n), fs.Attr{}, text)
	}
	if !p.agree(what, want, e) {
		return
	}
	c := &modelNode{typ: typ, links: 1, up: d}
	d.names[n] = c
	switch typ {
	case disk.TypeDir:
		c.names = map[string]*modelNode{}
		if len(p.dirs) < 8 {
			p.dirs = append(p.dirs, c)
			p.ips[c] = ip
			return
		}
	case disk.TypeLink:
		c.data = text
	}
	p.f.Put(p.task, ip)
}

// forget ends the use of a directory that has been removed.
func (p *player) forget(c *modelNode) {
	for i, d := range p.dirs {
		if d == c {
			p.dirs = append(p.dirs[:i], p.dirs[i+1:]...)
			p.f.Put(p.task, p.ips[c])
			delete(p.ips, c)
			return
		}
	}
}

func (p *player) unlink() {
	d, n := p.dir(), p.name()
	c := d.names[n]
	want := checkModelName(n)
	if want == errno.OK && c == nil {
		want = errno.NotFound
	}
	if p.r.IntN(3) == 0 {
		if want == errno.OK {
			if c.typ != disk.TypeDir {
				want = errno.NotDirectory
			} else if len(c.names) > 0 {
				want = errno.NotEmpty
			}
		}
		if p.agree("rmdir", want, p.f.Rmdir(p.task, p.ips[d], []byte(n))) {
			delete(d.names, n)
			p.forget(c)
		}
		return
	}
	if want == errno.OK && c.typ == disk.TypeDir {
		want = errno.IsDirectory
	}
	if p.agree("unlink", want, p.f.Unlink(p.task, p.ips[d], []byte(n))) {
		delete(d.names, n)
		c.links--
	}
}

func (p *player) link() {
	d, n := p.dir(), p.name()
	e, m := p.dir(), p.name()
	c := e.names[m]
	if c == nil {
		return
	}
	ip, err := p.f.Lookup(p.task, p.ips[e], []byte(m))
	require.Equal(p.t, errno.OK, err)
	want := checkModelName(n)
	if want == errno.OK && c.typ == disk.TypeDir {
		want = errno.HasLinks
	} else if want == errno.OK && d.names[n] != nil {
		want = errno.Exists
	}
	if p.agree("link", want, p.f.Link(p.task, p.ips[d], []byte(n), ip)) {
		d.names[n] = c
		c.links++
	}
	p.f.Put(p.task, ip)
}

func (p *player) rename() {
	d, n := p.dir(), p.name()
	e, m := p.dir(), p.name()
	c, o := d.names[n], e.names[m]
	want := errno.OK
	below := false
	for at := e; at != nil; at = at.up {
		below = below || at == c
	}
	switch {
	case len(n) > disk.MaxName || len(m) > disk.MaxName:
		want = errno.NameLong
	case c == nil:
		want = errno.NotFound
	case below && c.typ == disk.TypeDir:
		want = errno.Loop
	case c == o:
	case o != nil && o.typ == disk.TypeDir && c.typ != disk.TypeDir:
		want = errno.IsDirectory
	case o != nil && o.typ != disk.TypeDir && c.typ == disk.TypeDir:
		want = errno.NotDirectory
	case o != nil && o.typ == disk.TypeDir && len(o.names) > 0:
		want = errno.NotEmpty
	}
	if !p.agree("rename", want, p.f.Rename(p.task, p.ips[d], []byte(n), p.ips[e], []byte(m))) || c == o {
		return
	}
	delete(d.names, n)
	e.names[m] = c
	if c.typ == disk.TypeDir {
		c.up = e
	}
	if o != nil {
		o.links--
		if o.typ == disk.TypeDir {
			p.forget(o)
		}
	}
}

// open finds a file.
func (p *player) open() (*modelNode, *fs.Inode) {
	d, n := p.dir(), p.name()
	c := d.names[n]
	if c == nil || c.typ != disk.TypeFile {
		return nil, nil
	}
	ip, e := p.f.Lookup(p.task, p.ips[d], []byte(n))
	require.Equal(p.t, errno.OK, e)
	return c, ip
}

func (p *player) offset() int {
	switch p.r.IntN(4) {
	case 0:
		return p.r.IntN(300_000)
	case 1:
		return 4096 * p.r.IntN(20)
	}
	return p.r.IntN(20_000)
}

func (p *player) writeFile() {
	c, ip := p.open()
	if c == nil {
		return
	}
	off, b := p.offset(), pattern(p.r.IntN(20_000), byte(p.r.IntN(256)))
	n, e := p.f.Write(p.task, ip, uint64(off), b)
	p.f.Put(p.task, ip)
	require.Equal(p.t, len(b), n)
	p.agree("write", errno.OK, e)
	if len(b) > 0 {
		if len(c.data) < off+len(b) {
			c.data = append(c.data, make([]byte, off+len(b)-len(c.data))...)
		}
		copy(c.data[off:], b)
	}
}

func (p *player) readFile() {
	c, ip := p.open()
	if c == nil {
		return
	}
	off, b := p.offset(), make([]byte, p.r.IntN(50_000))
	n, e := p.f.Read(p.task, ip, uint64(off), b)
	p.f.Put(p.task, ip)
	p.agree("read", errno.OK, e)
	want := c.data[min(off, len(c.data)):min(off+len(b), len(c.data))]
	require.True(p.t, bytes.Equal(want, b[:n]), "read %d at %d", len(b), off)
}

func (p *player) truncate() {
	c, ip := p.open()
	if c == nil {
		return
	}
	size := p.offset()
	p.agree("truncate", errno.OK, p.f.Truncate(p.task, ip, uint64(size)))
	p.f.Put(p.task, ip)
	if size <= len(c.data) {
		c.data = c.data[:size:size]
	} else {
		c.data = append(c.data, make([]byte, size-len(c.data))...)
	}
}

func (p *player) step() {
	switch k := p.r.IntN(100); {
	case k < 25:
		p.create()
	case k < 40:
		p.unlink()
	case k < 47:
		p.link()
	case k < 57:
		p.rename()
	case k < 77:
		p.writeFile()
	case k < 90:
		p.readFile()
	case k < 97:
		p.truncate()
	case k < 99:
		p.agree("sync", errno.OK, p.f.Sync(p.task, p.ips[p.dir()]))
	default:
		p.agree("sync all", errno.OK, p.f.SyncAll(p.task))
	}
}

// compare looks at everything that the player has made.
func (p *player) compare() {
	tr := tree{}
	top := p.dirs[0]
	ip := p.ips[top]
	p.f.Use(ip)
	require.NoError(p.t, lookAt(p.f, p.task, ip, "/", tr, 0))
	count := 0
	var walk func(d *modelNode, path string)
	walk = func(d *modelNode, path string) {
		count++
		for n, c := range d.names {
			below := path + n
			if c.typ == disk.TypeDir {
				walk(c, below+"/")
				require.Equal(p.t, disk.TypeDir, int(tr[below+"/"].typ), below)
				continue
			}
			count++
			got := tr[below]
			require.Equal(p.t, c.typ, got.typ, below)
			require.Equal(p.t, c.links, int(got.links), below)
			require.True(p.t, string(c.data) == got.data, below)
		}
	}
	walk(top, "/")
	require.Equal(p.t, count, len(tr))
}

func (p *player) release() {
	for _, d := range p.dirs[1:] {
		p.f.Put(p.task, p.ips[d])
	}
}

// Random operations agree with the model, by one task; and nothing is wrong afterwards, nor after another mount.
func TestFS_G1_G5_RandomOperations(t *testing.T) {
	done := map[string]int{}
	seeds.Each(t, int(atMost(6, 2)), func(r *rand.Rand) {
		d := &hostdisk.Sparse{Blocks: 30_000, Async: r.IntN(2) == 0}
		format(t, d, fs.Options{LogBlocks: disk.LogMin + uint32(r.IntN(200)), PerGroup: 512, Key: [2]uint64{r.Uint64(), r.Uint64()}})
		m := mountIt(t, d, hostfs.Small)
		p := newPlayer(t, m.fs, m.task, m.root, r)
		for range 1500 {
			p.step()
		}
		p.compare()
		for k, v := range p.done {
			done[k] += v
		}
		p.release()
		m.unmount()
		require.NoError(t, newCheckMemory().check(m.task, d))
		m = mountIt(t, d, hostfs.Small)
		p.f, p.task, p.ips[p.dirs[0]] = m.fs, m.task, m.root
		p.compare()
		m.unmount()
	})
	for _, what := range []string{"create", "mkdir", "symlink", "link", "unlink", "rmdir", "rename", "write", "read", "truncate", "sync", "sync all"} {
		require.Greater(t, done[what], 0, what)
	}
}

// Four tasks, each in a directory of its own, while they share the log, the groups and the cache.
func TestFS_G1_FourTasks(t *testing.T) {
	seeds.Each(t, 3, func(r *rand.Rand) {
		d := &hostdisk.Sparse{Blocks: 60_000, Async: true}
		format(t, d, fs.Options{LogBlocks: 400, PerGroup: 512, Key: [2]uint64{r.Uint64(), r.Uint64()}})
		m := mountIt(t, d, hostfs.Sizes{Buffers: 1024, Inodes: 256, Groups: 3, Frozen: 64})
		var all gosync.WaitGroup
		for i := range 4 {
			top, e := m.fs.Mkdir(m.task, m.root, fmt.Append(nil, "task", i), fs.Attr{})
			require.Equal(t, errno.OK, e)
			task, seed := hostfs.NewTask(), r.Uint64()
			all.Go(func() {
				p := newPlayer(t, m.fs, task, top, rand.New(rand.NewPCG(seed, 0)))
				for range 600 {
					p.step()
				}
				p.compare()
				p.release()
				m.fs.Put(task, top)
				hostfs.Release(task)
			})
		}
		all.Wait()
		m.unmount()
		require.NoError(t, newCheckMemory().check(m.task, d))
	})
}

// Four tasks in the same directories at once, with names that they take from each other: no model, but nothing is wrong, and
// nobody waits forever.
func TestFS_G1_OneDirectoryForAll(t *testing.T) {
	seeds.Each(t, 3, func(r *rand.Rand) {
		d := &hostdisk.Sparse{Blocks: 30_000, Async: true}
		format(t, d, fs.Options{LogBlocks: 300, PerGroup: 512, Key: [2]uint64{r.Uint64(), r.Uint64()}})
		m := mountIt(t, d, hostfs.Small)
		var dirs []*fs.Inode
		for i := range 3 {
			ip, e := m.fs.Mkdir(m.task, m.root, fmt.Append(nil, "dir", i), fs.Attr{})
			require.Equal(t, errno.OK, e)
			dirs = append(dirs, ip)
		}
		var all gosync.WaitGroup
		for range 4 {
			task, seed := hostfs.NewTask(), r.Uint64()
			all.Go(func() {
				r := rand.New(rand.NewPCG(seed, 0))
				for range 800 {
					a, b := dirs[r.IntN(3)], dirs[r.IntN(3)]
					n, o := fmt.Append(nil, r.IntN(5)), fmt.Append(nil, r.IntN(5))
					var ip *fs.Inode
					e := errno.NotFound
					switch r.IntN(8) {
					case 0:
						ip, e = m.fs.Create(task, a, n, fs.Attr{})
					case 1:
						ip, e = m.fs.Mkdir(task, a, n, fs.Attr{})
					case 2:
						m.fs.Unlink(task, a, n)
					case 3:
						m.fs.Rmdir(task, a, n)
					case 4, 5:
						m.fs.Rename(task, a, n, b, o)
					case 6:
						if ip, e = m.fs.Lookup(task, a, n); e == errno.OK {
							m.fs.Link(task, b, o, ip)
							if ip.Type() == disk.TypeFile {
								m.fs.Write(task, ip, uint64(r.IntN(9000)), pattern(r.IntN(9000), 1))
							}
						}
					case 7:
						if ip, e = m.fs.Lookup(task, a, n); e == errno.OK && ip.Type() == disk.TypeFile {
							m.fs.Truncate(task, ip, uint64(r.IntN(5000)))
							m.fs.Sync(task, ip)
						}
					}
					if e == errno.OK {
						m.fs.Put(task, ip)
					}
				}
				hostfs.Release(task)
			})
		}
		all.Wait()
		for _, ip := range dirs {
			m.fs.Put(m.task, ip)
		}
		m.unmount()
		require.NoError(t, newCheckMemory().check(m.task, d))
	})
}
