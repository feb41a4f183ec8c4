package fs

import (
	"exo/kernel/fs/errno"
	"exo/kernel/sync"
)

// Opens counts who keeps inodes from ending though they use none: in the kernel, capabilities for files, which may be any number and
// may be forgotten at any moment by who holds no lock of the file system's. An inode that loses its last name while it is counted
// here stays, an orphan, until its count is zero; then its key is among those that Take returns, and Release frees it.
//
//	           Add  End  Take  keep has      -: may run together
//	all         -    -    -     -    -
//
// G1. While more was added than ended for a key, keep and has say so; and Add finds a key's count, whoever has begun it.
// G2. Of a key for which keep has said yes, the End that makes its count zero says true, and then Take returns it, once.
// G3. Any number of keys in one bucket can only be had by chance: the hash has a key of its own.
//
// Progress: blocking, for a few steps. Callers: anybody who holds no spinlock of kernel/fs; not interrupt handlers.
// Memory: what Init was given: 16 bytes for each key that may be there at once. It outlasts a mount.
// Not promised: that Add finds room.
type Opens struct {
	lock  sync.Spinlock // of all that follows
	all   []Open
	heads []uint32 // of buckets: number + 1; 0: empty
	free  uint32   // list of Opens that nobody has
	gone  uint32   // of those that Take returns
	made  uint32   // so many were ever given out
	hash  uint64
}

// Open is a key and its count.
type Open struct {
	key   uint64
	next  uint32
	count uint32 // and unnamed
}

// unnamed in a count: the inode has lost its last name, and who ends the last is to say so.
const unnamed = 1 << 31

// OpenKey is the key of an inode's life.
func OpenKey(ino, generation uint32) uint64 { return uint64(generation)<<32 | uint64(ino) }

// OpenKey is the key of this one's.
func (ip *Inode) OpenKey() uint64 { return OpenKey(ip.ino, ip.d.Generation) }

// Init makes o count nothing. heads are a power of two, all zero as is all. hash is a number that nobody can guess.
func (o *Opens) Init(all []Open, heads []uint32, hash uint64) {
	if len(heads) == 0 || len(heads)&(len(heads)-1) != 0 {
		panic("fs: the number of buckets is no power of two")
	}
	o.lock.Init(sync.ClassFiles)
	o.all, o.heads, o.hash = all, heads, hash|1
	o.free, o.gone, o.made = 0, 0, 0
}

// find returns the place of the number of a key's Open, which is 0 if there is none. The caller has the lock.
func (o *Opens) find(key uint64) *uint32 {
	x := key * o.hash
	at := &o.heads[(x^x>>32)*o.hash>>32&uint64(len(o.heads)-1)]
	for *at != 0 && o.all[*at-1].key != key {
		at = &o.all[*at-1].next
	}
	return at
}

// Add counts one more. Who is not counted yet has the inode in use meanwhile. false: there is no room.
func (o *Opens) Add(c *sync.Context, key uint64) bool {
	o.lock.Lock(c)
	at := o.find(key)
	i := *at
	switch {
	case i != 0:
	case o.free != 0:
		i = o.free
		o.free = o.all[i-1].next
	case int(o.made) < len(o.all):
		o.made++
		i = o.made
	default:
		o.lock.Unlock(c)
		return false
	}
	if *at == 0 {
		o.all[i-1] = Open{key: key}
		*at = i
	}
	o.all[i-1].count++
	o.lock.Unlock(c)
	return true
}

// End counts one less. true: it was the last of an inode without a name, which Take returns now.
func (o *Opens) End(c *sync.Context, key uint64) bool {
	o.lock.Lock(c)
	at := o.find(key)
	i := *at
	if i == 0 {
		panic("fs: an inode is let go that nobody keeps")
	}
	p := &o.all[i-1]
	p.count--
	last, gone := p.count&^unnamed == 0, p.count&unnamed != 0
	if last {
		*at = p.next
		to := &o.free
		if gone {
			to = &o.gone
		}
		p.next, *to = *to, i
	}
	o.lock.Unlock(c)
	return last && gone
}

// Take returns a key that Release is to be called for; false: there is none.
func (o *Opens) Take(c *sync.Context) (key uint64, ok bool) {
	o.lock.Lock(c)
	if i := o.gone; i != 0 {
		p := &o.all[i-1]
		key, ok = p.key, true
		o.gone = p.next
		p.next, o.free = o.free, i
	}
	o.lock.Unlock(c)
	return key, ok
}

// has says whether a key is counted. Nobody is of a nil Opens.
func (o *Opens) has(c *sync.Context, key uint64) bool { return o.mark(c, key, 0) }

// keep is has, by who has found that the inode has no name: the last End will say so.
func (o *Opens) keep(c *sync.Context, key uint64) bool { return o.mark(c, key, unnamed) }

func (o *Opens) mark(c *sync.Context, key uint64, flag uint32) bool {
	if o == nil {
		return false
	}
	o.lock.Lock(c)
	i := *o.find(key)
	if i != 0 {
		o.all[i-1].count |= flag
	}
	o.lock.Unlock(c)
	return i != 0
}

// GetOpen is Get for who is counted in Opens: the inode may have lost its last name. It is Stale if that count has ended meanwhile.
func (f *FS) GetOpen(t *Task, ino, generation uint32) (*Inode, errno.Errno) {
	if !f.shape.HasInode(ino) {
		return nil, errno.Stale
	}
	ip, e := f.hold(t, ino)
	if e != errno.OK {
		return nil, e
	}
	if ip.life.Load() == alive|uint64(generation) {
		return ip, errno.OK
	}
	ip.lock.Lock(t.C)
	ok := ip.d.Mode != 0 && ip.d.Generation == generation && !ip.going
	ip.lock.Unlock(t.C)
	if !ok {
		f.Put(t, ip)
		return nil, errno.Stale
	}
	return ip, errno.OK
}

// Release frees an inode that Take has returned, unless somebody uses it: then he does. If that fails, a mount does.
func (f *FS) Release(t *Task, key uint64) errno.Errno {
	if !f.shape.HasInode(uint32(key)) {
		return errno.Stale
	}
	ip, e := f.hold(t, uint32(key))
	if e == errno.OK {
		ip.lock.Lock(t.C) // who has seen it kept, in Put, has ended his use
		ip.lock.Unlock(t.C)
		f.Put(t, ip)
	}
	return e
}
