package fs_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"exo/internal/hostdisk"
	"exo/internal/hostfs"
	"exo/kernel/fs"
	"exo/kernel/fs/block"
	"exo/kernel/fs/disk"
	"exo/kernel/fs/errno"
	"exo/kernel/fs/fsck"
)

// after replays what a disk recorded, up to a record, and all before it.
func after(from *hostdisk.Sparse, log []hostdisk.Record) *hostdisk.Sparse {
	d := from.Clone()
	for _, x := range log {
		if x.Page != nil {
			d.SetPage(x.Block, *x.Page)
		}
	}
	return d
}

// The log goes round many times; at each flush, what is on the disk is a state that was, and no older than the last Sync.
// Between two flushes, of the writes every second one may be lost.
func TestFS_G2_LogWrap(t *testing.T) {
	start := &hostdisk.Sparse{Blocks: 3000}
	format(t, start, fs.Options{LogBlocks: disk.LogMin, PerGroup: 64, Key: [2]uint64{1, 2}})
	d := hostdisk.NewRecorder(start)
	m := mountIt(t, d, hostfs.Small)
	root := m.root
	const dirs = 12
	var ips []*fs.Inode
	for i := range dirs {
		ip, e := m.fs.Mkdir(m.task, root, fmt.Append(nil, "dir", i), fs.Attr{})
		require.Equal(t, errno.OK, e)
		ips = append(ips, ip)
	}
	// Round i leaves a file called i in one directory, and nothing of round i-1. An operation that is open while others
	// commit is made by not syncing every second round.
	name := func(i int) []byte { return fmt.Append(pattern(200, 'r'), i) }
	rounds := int(atMost(400, 60))
	for i := range rounds {
		ip, e := m.fs.Create(m.task, ips[i%dirs], name(i), fs.Attr{})
		require.Equal(t, errno.OK, e)
		m.fs.Put(m.task, ip)
		if i > 0 {
			require.Equal(t, errno.OK, m.fs.Unlink(m.task, ips[(i-1)%dirs], name(i-1)))
		}
		if i%2 == 0 {
			require.Equal(t, errno.OK, m.fs.SyncAll(m.task))
			d.Mark(fmt.Sprint(i))
		}
	}
	for _, ip := range ips {
		m.fs.Put(m.task, ip)
	}
	m.unmount()

	w := &worker{memory: hostfs.NewMemory(hostfs.Small), check: newCheckMemory(), task: hostfs.NewTask(), fs: new(fs.FS)}
	defer hostfs.Release(w.task)
	log := d.Log()
	left := start.Clone()
	least, tried := -1, 0
	for i, x := range log {
		if x.Mark != "" {
			fmt.Sscan(x.Mark, &least)
		}
		if x.Page != nil {
			left.SetPage(x.Block, *x.Page)
		}
		if !x.Flush && i%7 != 0 {
			continue
		}
		tried++
		state := left.Clone()
		for k := i + 1; k < len(log) && !log[k].Flush; k++ { // some of what comes next
			// Every second one, or all but the log's beginning.
			if log[k].Page != nil && (tried%2 == 0 && (k-i)%2 == 0 || tried%2 == 1 && log[k].Block != disk.LogStart) {
				state.SetPage(log[k].Block, *log[k].Page)
			}
		}
		require.Equal(t, errno.OK, w.fs.Mount(w.task, state, w.memory, &hostfs.Ticks{}, true), "record %d", i)
		tr, err := look(w.fs, w.task)
		require.NoError(t, err, "record %d", i)
		require.Equal(t, errno.OK, w.fs.Unmount(w.task))
		require.NoError(t, w.check.check(w.task, state), "record %d", i)
		files, last := 0, -1
		for p, n := range tr {
			if n.typ == disk.TypeFile {
				files++
				var dir, at int
				_, err := fmt.Sscanf(p, "/dir%d/"+string(pattern(200, 'r'))+"%d", &dir, &at)
				require.NoError(t, err)
				last = max(last, at)
			}
		}
		require.GreaterOrEqual(t, last, least, "record %d", i)
		require.LessOrEqual(t, files, 2)
	}
	require.Greater(t, tried, int(atMost(500, 50)))
}

// A block that was a node of a directory becomes a file's: a recovery does not make a node of it again.
//
// Also kernel/fs/journal/journal.go: G4.
func TestFS_G4_Revoked(t *testing.T) {
	start := &hostdisk.Sparse{Blocks: 330}
	format(t, start, small)
	d := hostdisk.NewRecorder(start)
	m := mountIt(t, d, hostfs.Small)
	for i := range int(atMost(30, 6)) {
		dir, e := m.fs.Mkdir(m.task, m.root, []byte("dir"), fs.Attr{})
		require.Equal(t, errno.OK, e)
		m.put(m.fs.Create(m.task, dir, []byte("in it"), fs.Attr{}))
		require.Equal(t, errno.OK, m.fs.SyncAll(m.task)) // the node is in the log
		require.Equal(t, errno.OK, m.fs.Unlink(m.task, dir, []byte("in it")))
		m.fs.Put(m.task, dir)
		require.Equal(t, errno.OK, m.fs.Rmdir(m.task, m.root, []byte("dir")))
		require.Equal(t, errno.OK, m.fs.SyncAll(m.task))
		ip := m.create("file")
		want := pattern(int(m.fs.Space().FreeBlocks)*4096, byte(i)) // every block that there is
		n, e := m.fs.Write(m.task, ip, 0, want)
		require.Equal(t, errno.OK, e)
		require.Equal(t, len(want), n)
		require.Equal(t, errno.OK, m.fs.Sync(m.task, ip))
		m.fs.Put(m.task, ip)

		c := after(start, d.Log())
		m2 := mountIt(t, c, hostfs.Small)
		m2.file("file", func(ip *fs.Inode) {
			got := make([]byte, len(want))
			n, e := m2.fs.Read(m2.task, ip, 0, got)
			require.Equal(t, errno.OK, e)
			require.True(t, string(want[:n]) == string(got[:n]) && n == len(want), "round %d", i)
		})
		m2.unmount()
		require.Equal(t, errno.OK, m.fs.Unlink(m.task, m.root, []byte("file")))
	}
	m.unmount()
}

// What a file had is not given to another before the commit: until then a crash may bring it back.
func TestFS_G4_BusyBlocks(t *testing.T) {
	start := &hostdisk.Sparse{Blocks: 330}
	format(t, start, small)
	d := hostdisk.NewRecorder(start)
	m := mountIt(t, d, hostfs.Small)
	ip := m.create("old")
	want := pattern(40*4096, 'o')
	_, e := m.fs.Write(m.task, ip, 0, want)
	require.Equal(t, errno.OK, e)
	m.fs.Put(m.task, ip)
	require.Equal(t, errno.OK, m.fs.SyncAll(m.task))
	require.Equal(t, errno.OK, m.fs.Unlink(m.task, m.root, []byte("old")))
	ip = m.create("new")
	_, e = m.fs.Write(m.task, ip, 0, pattern(int(m.fs.Space().FreeBlocks)*4096, 'n')) // more than there is without old's
	require.Equal(t, errno.OK, e)
	m.fs.Put(m.task, ip)
	require.Equal(t, errno.OK, m.fs.SyncAll(m.task))
	seen := 0
	log := d.Log()
	for i := range log {
		if i%3 != 0 {
			continue
		}
		m2 := mountIt(t, after(start, log[:i]), hostfs.Small)
		m2.file("old", func(ip *fs.Inode) {
			var st fs.Stat
			m2.fs.Stat(m2.task, ip, &st)
			got := make([]byte, st.Size)
			_, e := m2.fs.Read(m2.task, ip, 0, got)
			require.Equal(t, errno.OK, e)
			require.True(t, string(got) == string(want[:len(got)]), "record %d", i)
			seen++
		})
		m2.unmount()
	}
	require.Greater(t, seen, 5)
	m.unmount()
}

// A file that is open when it loses its last name stays until it is put; after a crash the mount frees it.
func TestFS_G1_OpenWithoutAName(t *testing.T) {
	start := &hostdisk.Sparse{Blocks: 2000}
	format(t, start, small)
	d := hostdisk.NewRecorder(start)
	m := mountIt(t, d, hostfs.Small)
	free := m.fs.Space()
	ip := m.create("f")
	want := pattern(50_000, 1)
	_, e := m.fs.Write(m.task, ip, 0, want)
	require.Equal(t, errno.OK, e)
	require.Equal(t, errno.OK, m.fs.Unlink(m.task, m.root, []byte("f")))
	other := m.create("g")
	_, e = m.fs.Write(m.task, other, 0, pattern(50_000, 2))
	require.Equal(t, errno.OK, e)
	m.fs.Put(m.task, other)
	got := make([]byte, len(want))
	_, e = m.fs.Read(m.task, ip, 0, got)
	require.Equal(t, errno.OK, e)
	require.True(t, string(want) == string(got))
	require.Equal(t, errno.Stale, m.fs.Link(m.task, m.root, []byte("again"), ip))
	_, e = m.fs.Get(m.task, ip.Number(), 0)
	require.Equal(t, errno.Stale, e)
	require.Equal(t, errno.OK, m.fs.Unlink(m.task, m.root, []byte("g")))
	require.Equal(t, errno.OK, m.fs.SyncAll(m.task))
	c := after(start, d.Log()) // Orphans
	m.fs.Put(m.task, ip)
	require.Equal(t, free, m.fs.Space())
	m.unmount()
	m = mountIt(t, c, hostfs.Small)
	require.Equal(t, free, m.fs.Space())
	m.unmount()
	require.NoError(t, newCheckMemory().check(m.task, c))
}

// A directory's tree leads into another's: that is refused, not followed.
func TestFS_G6_Owner(t *testing.T) {
	d := &hostdisk.Sparse{Blocks: 2000}
	s := format(t, d, small)
	m := mountIt(t, d, hostfs.Small)
	for _, n := range []string{"a", "b"} {
		dir, e := m.fs.Mkdir(m.task, m.root, []byte(n), fs.Attr{})
		require.Equal(t, errno.OK, e)
		m.put(m.fs.Create(m.task, dir, []byte("in "+n), fs.Attr{}))
		m.fs.Put(m.task, dir)
	}
	m.unmount()
	n, _ := s.InodeAt(disk.Root)
	p := d.Page(n)
	var in [2]disk.Inode
	at := [2]int{1, 3} // a and b
	for i := range in {
		disk.GetInode(&p, at[i], &in[i])
		require.Equal(t, disk.TypeDir, int(in[i].Type()))
	}
	in[0].Root = in[1].Root
	disk.PutInode(&p, at[0], &in[0])
	s.Seal(disk.Inodes, n, &p)
	d.SetPage(n, p)
	m = mountIt(t, d, hostfs.Small)
	m.file("a", func(dir *fs.Inode) {
		_, e := m.fs.Lookup(m.task, dir, []byte("in b"))
		require.Equal(t, errno.Corrupt, e)
	})
	m.unmount()
}

// Each thing that can be wrong is found, and mended.
func TestFsck_G1_G2_Found(t *testing.T) {
	v := victim()
	clean := v.Disk.Clone()
	m := mountIt(t, clean, hostfs.Small)
	m.unmount()
	s := &v.Shape
	root, _ := s.InodeAt(disk.Root)
	inode := func(p *block.Page, ino uint32, change func(d *disk.Inode)) {
		var d disk.Inode
		disk.GetInode(p, int(ino-1), &d)
		change(&d)
		disk.PutInode(p, int(ino-1), &d)
	}
	var two [2]disk.Inode
	p := clean.Page(root)
	disk.GetInode(&p, 1, &two[0])
	disk.GetInode(&p, 2, &two[1])
	for _, x := range []struct {
		what   string
		block  uint64
		kind   disk.Kind
		change func(p *block.Page)
	}{
		{"a group's counts are wrong", s.GroupAt(0), disk.Group, func(p *block.Page) { disk.AddFreeBlocks(p, -1) }},
		{"blocks are in use and marked as free", s.GroupAt(0), disk.Group, func(p *block.Page) {
			_, i := s.GroupOf(uint64(two[0].Body[0].Block))
			disk.ClearBlock(p, i)
		}},
		{"blocks are marked as in use and are nobody's", s.GroupAt(0), disk.Group, func(p *block.Page) { disk.SetBlock(p, s.GroupLen(0)-1) }},
		{"an inode is marked as in use and is not", s.GroupAt(0), disk.Group, func(p *block.Page) { disk.SetInode(p, uint32(disk.FreeInode(p))) }},
		{"a name leads to no inode", s.GroupAt(0), disk.Group, func(p *block.Page) { disk.ClearInode(p, 2) }},
		{"blocks are in use twice", root, disk.Inodes, func(p *block.Page) {
			inode(p, 2, func(d *disk.Inode) { d.Body = two[1].Body })
		}},
		{"an inode has another number of names than it says", root, disk.Inodes, func(p *block.Page) {
			inode(p, 3, func(d *disk.Inode) { d.Links = 7 })
		}},
		{"a file has another number of blocks than its inode says", root, disk.Inodes, func(p *block.Page) {
			inode(p, 3, func(d *disk.Inode) { d.Blocks = 7 })
		}},
		{"a file has blocks beyond its end", root, disk.Inodes, func(p *block.Page) {
			inode(p, 3, func(d *disk.Inode) { d.Size = 7 })
		}},
		{"a directory has another number of names than its inode says", root, disk.Inodes, func(p *block.Page) {
			inode(p, 1, func(d *disk.Inode) { d.Size = 7 })
		}},
		{"an inode is damaged", root, disk.Data, func(p *block.Page) { p[2*disk.InodeSize+20] ^= 1 }},
		{"an inode contradicts itself", root, disk.Inodes, func(p *block.Page) {
			inode(p, 3, func(d *disk.Inode) { d.Mode = 1 })
		}},
		{"a name leads to a directory that has another parent", root, disk.Inodes, func(p *block.Page) {
			inode(p, 11, func(d *disk.Inode) { d.Parent = 11 })
		}},
		{"a group block is damaged", s.GroupAt(0), disk.Data, func(p *block.Page) { p[2000] ^= 1 }},
		{"an inode has lost its names", root, disk.Inodes, func(p *block.Page) {
			inode(p, 1, func(d *disk.Inode) { d.Root, d.Depth, d.Size, d.Blocks = 0, 0, 0, 0 })
		}},
	} {
		d := clean.Clone()
		p := d.Page(x.block)
		x.change(&p)
		s.Seal(x.kind, x.block, &p)
		d.SetPage(x.block, p)
		has := func(found hostfs.Findings) (has bool) {
			for _, f := range found {
				has = has || f.What == x.what
			}
			return has
		}
		task := hostfs.NewTask()
		var found hostfs.Findings
		n, e := fsck.Check(task, d, hostfs.NewCheckMemory(1), &found)
		require.Equal(t, errno.OK, e)
		require.Equal(t, int(n), len(found))
		require.True(t, has(found), "%s: %+v", x.what, found)
		left, e := fsck.Repair(task, d, hostfs.NewCheckMemory(1), &found)
		require.Equal(t, errno.OK, e)
		require.Zero(t, left, x.what)
		require.NoError(t, newCheckMemory().check(task, d), x.what)
		hostfs.Release(task)
	}
}
