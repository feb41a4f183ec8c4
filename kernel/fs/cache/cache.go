// Package cache keeps blocks of a device in memory.
//
//	Find, Claim (kernel/fs/table) ──► Buffer ──► Page        a buffer is a block's as long as somebody uses it
//
//	            Peek  Read  Whole  Fresh  Ahead  Drop     -: may run together
//	all          -     -      -      -      -     -
//
// G1. A buffer that Read returned holds what the device has, or what was written to it since.
// G2. A block has one buffer at most.
// G3. A buffer that is in use, or has changes that are not on the device (Dirty, Listed, Open, Logged), or was asked for ahead
// and is not there yet, stays.
// G4. No lock is held while a device works, but the lock of the buffer that it works for.
// G5. A block that was asked for ahead is read once, and whoever wants it meanwhile waits for that.
// G6. A block that is used as one kind of thing is refused as another (errno.Corrupt), until Fresh makes it one.
//
// When changes get to the device is the journal's business (kernel/fs/journal): it writes them, then clears the flags.
//
// Progress: blocking. Callers: tasks that hold no spinlock. Memory: what Init was given; a buffer's page never changes.
package cache

import (
	"exo/kernel/fs/block"
	"exo/kernel/fs/disk"
	"exo/kernel/fs/errno"
	"exo/kernel/fs/table"
	"exo/kernel/sync"
	"exo/kernel/sync/atom"
)

// Buffer is a block in memory.
type Buffer struct {
	// Lock is held by who changes or copies the page while others may. A page that only the holder of some directory's or
	// inode's lock touches is read without it; and changed without it while the buffer is Open in the journal.
	Lock sync.Sleeplock
	Page *block.Page

	// The journal's. Seq, Pos, Prev and Next are touched by whoever commits; Listed buffers are linked by NextData.
	Seq, Pos   uint64 // the last transaction in the log that has it, and where that begins
	Prev, Next uint32 // index + 1, in the order of Seq
	NextData   atom.Uint32
	DataSeq    uint64 // the transaction in whose list it is; touched under Lock

	waiter atom.Pointer[sync.Context] // who waits for what was asked for ahead; it has the lock
	index  int32
}

// Flags of a buffer, in its state word.
const (
	Valid  = table.Flag << iota // the page is what the block holds
	kindLo                      // three bits: what was found in it, or None
	_
	kindHi
)

// Flags that keep a buffer.
const (
	Dirty   = table.Pin << iota // file data that are to be written
	Listed                      // it is in the list of those
	Open                        // metadata, changed by operations that are not committed
	Logged                      // metadata, in the log, not in its place yet
	reading                     // it was asked for ahead and is not there yet
)

const kindShift = 19 // kindLo

const (
	kindMask = kindLo | kindLo<<1 | kindHi
	_        = -(kindLo ^ 1<<kindShift)
)

// Memory is what a cache is made of.
type Memory struct {
	Buffers []Buffer
	Nodes   []table.Node  // as many
	Pages   []*block.Page // as many
	Heads   []atom.Uint32 // a power of two, best twice as many
	Ahead   []Ahead       // reads ahead that can be under way at once
}

// Cache is the cached blocks of a device. Init it before use.
type Cache struct {
	Device  block.Device
	Shape   *disk.Shape // by which metadata are checked
	table   table.Table
	buffers []Buffer
	ahead   []Ahead
}

// Task is what a task needs for using a cache: one operation's at a time.
type Task struct {
	C    *sync.Context
	req  block.Request
	page [1]*block.Page
}

// ReadBlock, WriteBlock and Flush ask the device itself, past the cache.
func (t *Task) ReadBlock(d block.Device, n uint64, p *block.Page) errno.Errno {
	return t.do(d, block.Read, n, p)
}

func (t *Task) WriteBlock(d block.Device, n uint64, p *block.Page) errno.Errno {
	return t.do(d, block.Write, n, p)
}

func (t *Task) Flush(d block.Device) errno.Errno { return t.do(d, block.Flush, 0, nil) }

func (t *Task) do(d block.Device, op block.Op, n uint64, p *block.Page) errno.Errno {
	t.page[0] = p
	t.req.Op, t.req.Block, t.req.Pages, t.req.Then = op, n, t.page[:], nil
	if op == block.Flush {
		t.req.Pages = nil
	}
	return block.Do(d, t.C, &t.req)
}

// Init makes an empty cache.
func (h *Cache) Init(d block.Device, s *disk.Shape, m *Memory) {
	if len(m.Nodes) != len(m.Buffers) || len(m.Pages) != len(m.Buffers) {
		panic("cache: as many buffers as nodes and pages")
	}
	h.Device, h.Shape, h.buffers, h.ahead = d, s, m.Buffers, m.Ahead
	h.table.Init(m.Nodes, m.Heads)
	for i := range h.buffers {
		b := &h.buffers[i]
		b.Lock.Init(sync.ClassBuffer)
		b.Page, b.index = m.Pages[i], int32(i)
		b.Seq, b.Pos, b.Prev, b.Next = 0, 0, 0, 0
		b.NextData.Store(0)
		b.DataSeq = 0
		b.waiter.Store(nil)
	}
	for i := range h.ahead {
		h.ahead[i].busy.Store(0)
	}
}

// Buffers is how many there are.
func (h *Cache) Buffers() int { return len(h.buffers) }

// At is buffer i; Index is its number.
func (h *Cache) At(i int) *Buffer { return &h.buffers[i] }
func (b *Buffer) Index() int      { return int(b.index) }

// Block is the number of the block that b, which the caller uses, is for.
func (h *Cache) Block(b *Buffer) uint64 { return h.table.Key(int(b.index)) - 1 }

// Has says whether b has one of the flags; Set and Clear change them.
func (h *Cache) Has(b *Buffer, flags uint64) bool {
	return h.table.State(int(b.index)).Load()&flags != 0
}
func (h *Cache) Set(b *Buffer, flags uint64)   { h.table.Set(int(b.index), flags) }
func (h *Cache) Clear(b *Buffer, flags uint64) { h.table.Clear(int(b.index), flags) }

// Add sets flags and says whether one of them was not set: of several callers one hears so.
func (h *Cache) Add(b *Buffer, flags uint64) bool {
	w := h.table.State(int(b.index))
	for {
		s := w.Load()
		if s&flags == flags {
			return false
		}
		if w.CompareAndSwap(s, s|flags) {
			return true
		}
	}
}

// Kind is what the block was found to be; None: nobody has looked.
func (h *Cache) Kind(b *Buffer) disk.Kind {
	return disk.Kind(h.table.State(int(b.index)).Load() & kindMask >> kindShift)
}

func (h *Cache) setKind(b *Buffer, k disk.Kind) {
	w := h.table.State(int(b.index))
	for {
		s := w.Load()
		if w.CompareAndSwap(s, s&^kindMask|uint64(k)<<kindShift) {
			return
		}
	}
}

// Use adds a use of b, which the caller uses; Drop ends one.
func (h *Cache) Use(b *Buffer)  { h.table.Use(int(b.index)) }
func (h *Cache) Drop(b *Buffer) { h.table.Drop(int(b.index)) }

// Peek returns the buffer of a block if there is one, in use by the caller, else perhaps nil.
func (h *Cache) Peek(n uint64) *Buffer {
	if i := h.table.Find(n + 1); i >= 0 {
		return &h.buffers[i]
	}
	return nil
}

// get returns the buffer of a block, whatever its page holds; nil: all are in use.
func (h *Cache) get(t *Task, n uint64) *Buffer {
	i := h.table.Claim(t.C, n+1)
	if i < 0 {
		return nil
	}
	return &h.buffers[i]
}

// Hit returns the buffer of a block that is of kind k, in use by the caller, if it is there and was looked at as such before;
// else nil, perhaps.
//
//exo:inline
func (h *Cache) Hit(n uint64, k disk.Kind) *Buffer {
	i := h.table.Find(n + 1)
	if i < 0 {
		return nil
	}
	// order: pairs with setKind in load (table's G4)
	if s := h.table.State(i).Load(); s&(Valid|kindMask) != Valid|uint64(k)<<kindShift {
		h.table.Drop(i)
		return nil
	}
	return &h.buffers[i]
}

// Read returns the buffer of a block that is of kind k, in use by the caller. It reads the block, unless it is there, and
// checks it. The errors are IO, Range, NoBuffers and Corrupt.
func (h *Cache) Read(t *Task, n uint64, k disk.Kind) (*Buffer, errno.Errno) {
	if b := h.Hit(n, k); b != nil {
		return b, errno.OK
	}
	b := h.get(t, n)
	if b == nil {
		return nil, errno.NoBuffers
	}
	if e := h.load(t, b, n, k); e != errno.OK {
		h.Drop(b)
		return nil, e
	}
	return b, errno.OK
}

// load fills a buffer, and checks what is in it.
func (h *Cache) load(t *Task, b *Buffer, n uint64, k disk.Kind) errno.Errno {
	b.Lock.Lock(t.C)
	e := h.fill(t, b, n)
	if e == errno.OK {
		switch have := h.Kind(b); {
		case have == k:
		case have != disk.None || !h.Shape.Check(k, n, b.Page):
			e = errno.Corrupt
		default:
			h.setKind(b, k) // order: after what Check read; pairs with Read's load
		}
	}
	b.Lock.Unlock(t.C)
	return e
}

// fill has the block read, unless it is there. The caller has the buffer's lock.
func (h *Cache) fill(t *Task, b *Buffer, n uint64) errno.Errno {
	if h.Has(b, reading) {
		h.await(t, b)
	}
	if h.Has(b, Valid) {
		return errno.OK
	}
	if e := t.ReadBlock(h.Device, n, b.Page); e != errno.OK {
		return e
	}
	h.Set(b, Valid)
	return errno.OK
}

// Whole returns the buffer of a block of file data, all of which the caller is about to replace: it is not read. If it is there
// it is as Read returns it. The errors are NoBuffers and Corrupt.
func (h *Cache) Whole(t *Task, n uint64) (*Buffer, errno.Errno) {
	if b := h.Hit(n, disk.Data); b != nil {
		return b, errno.OK
	}
	b := h.get(t, n)
	if b == nil {
		return nil, errno.NoBuffers
	}
	b.Lock.Lock(t.C)
	if h.Has(b, reading) {
		h.await(t, b)
	}
	e := errno.OK
	switch k := h.Kind(b); {
	case !h.Has(b, Valid):
		*b.Page = block.Page{}
		fallthrough
	case k == disk.None:
		h.setKind(b, disk.Data)
		h.Set(b, Valid)
	case k != disk.Data:
		e = errno.Corrupt
	}
	b.Lock.Unlock(t.C)
	if e != errno.OK {
		h.Drop(b)
		return nil, e
	}
	return b, errno.OK
}

// Fresh returns the buffer of a block that is becoming one of kind k, its page all zeros, without reading it. Nobody else
// may be using it: who does is misled by a disk that is corrupt.
func (h *Cache) Fresh(t *Task, n uint64, k disk.Kind) (*Buffer, errno.Errno) {
	b, e := h.FreshLocked(t, n, k)
	if e == errno.OK {
		*b.Page = block.Page{}
		b.Lock.Unlock(t.C)
	}
	return b, e
}

// FreshLocked is Fresh, but with the buffer's lock, and whatever was in the page: the caller fills it before he releases that.
func (h *Cache) FreshLocked(t *Task, n uint64, k disk.Kind) (*Buffer, errno.Errno) {
	b := h.get(t, n)
	if b == nil {
		return nil, errno.NoBuffers
	}
	b.Lock.Lock(t.C)
	if h.Has(b, reading) {
		h.await(t, b)
	}
	if h.table.Users(int(b.index)) > 1 && h.Kind(b) != disk.None {
		b.Lock.Unlock(t.C)
		h.Drop(b)
		return nil, errno.Corrupt
	}
	h.setKind(b, k)
	h.Set(b, Valid)
	return b, errno.OK
}
