// Package journal makes several changes of metadata happen together or not at all, whenever the power fails.
//
//	operation   Begin ─ Join, Data, Revoke … ─ End         many at once, all in the running transaction
//	commit      close the gate, wait for the Ends, copy the changed pages, open the gate
//	            write file data │ flush │ write the log │ flush │ committed          others run meanwhile
//	checkpoint  write what is in the log to its place │ flush │ move the log's beginning │ flush
//
//	              Begin…End  Commit   Recover        -: may run together; X: callers exclude each other
//	Begin…End         -        -         X
//	Commit            -        -         X
//
// G1. After a crash and Recover, of every transaction all changes of metadata are there, or none; and of those that are there
// each one's predecessors.
// G2. When Commit(seq) returns OK, all operations of that transaction and before outlast a crash.
// G3. File data that an operation wrote (Data) are in their place before the operation's transaction is committed.
// G4. A block that was freed (Revoke) is not overwritten by the recovery of what it was before.
// G5. Recover may be cut short and repeated, at any point; the outcome is that of one.
// G6. After a failed write nothing more is committed: every later Begin says errno.Stopped.
// G7. No lock is held while the device works.
//
// How: a write-ahead log of whole blocks (Mohan et al., TODS 1992, for the rule; Tweedie, LinuxExpo 1998, for groups of
// operations). Who wants a commit and finds none under way does it, for all who have come so far; who comes meanwhile waits
// for the next. A page does not change while it is copied, for no operation is open then; one that is written to its place
// from the log is skipped if an operation has changed it since, because the next transaction has it again. A transaction's
// blocks, control blocks and commit block are written together: the checksums say whether all of it arrived (Prabhakaran et
// al., SOSP 2005).
//
// Progress: Begin, End and Join lock-free as long as there is room, else they wait for a commit. Callers: tasks, in a
// Task each. Between Begin and End a task holds a lock of ClassLog, so that nobody waits for the log who holds a lock that
// an open operation may want.
// Memory: what Init was given.
// Not promised: that file data overwritten in place are there together, or in any order, before a Commit.
package journal

import (
	"exo/kernel/fs/block"
	"exo/kernel/fs/cache"
	"exo/kernel/fs/disk"
	"exo/kernel/fs/errno"
	"exo/kernel/sync"
	"exo/kernel/sync/atom"
)

// Task is what a task needs for using the journal: one operation's at a time.
type Task struct {
	cache.Task
	open       sync.Sleeplock
	meta, data int    // what it may still change of what Begin reserved
	Seq        uint64 // of the transaction that its operation is in, or was in last

	next  *Task // in a list of waiters
	woken atom.Uint32
}

// Init makes a task ready, for the context that it will run in.
func (t *Task) Init(c *sync.Context) {
	t.C = c
	t.open.Init(sync.ClassLog)
}

// Memory is what a journal is made of.
type Memory struct {
	Frozen  []*block.Page   // copies of a transaction's pages: how many blocks it may have, at least MinPages
	Bounce  []*block.Page   // copies of pages under way to their places, at least 8
	Moving  []*cache.Buffer // as many as Bounce
	Control []*block.Page   // at least len(Frozen)/disk.MaxTags + 4
	List    []*cache.Buffer // as many as Frozen
	Revokes []uint32        // twice as many
	Writes  []Write         // requests in flight, at least 2
}

// MinPages is what the largest operation changes, and some more.
const MinPages = 60

// Journal is the log of a mounted file system. Init it before use.
type Journal struct {
	cache *cache.Cache
	shape *disk.Shape

	// gate: operations that are open in the lower 16 bits, blocks of metadata reserved, 20 bits, file data reserved, 20 bits,
	// and whether it is closed.
	gate      atom.Uint64
	running   atom.Uint64 // number of the running transaction
	committed atom.Uint64
	failed    atom.Uint32 // 1: G6

	lock    sync.Spinlock // of the next two
	leading bool          // somebody commits
	waiting *Task         // who waits for that, or for the gate; or, committing, for operations to end

	// The running transaction's.
	count   atom.Uint32     // blocks of metadata
	list    []*cache.Buffer // they
	listed  atom.Uint32     // first buffer of file data, index + 1
	revoked atom.Uint32     // blocks revoked
	revokes []uint32        // they

	maxMeta, maxData, maxLogged int

	// Touched by who commits.
	frozen, bounce, control []*block.Page
	moving                  []*cache.Buffer // whose pages are in bounce
	out                     stream
	head                    disk.LogHead // as it is on the disk
	at, next                uint64       // position of the next transaction, and its number in the log
	first, last             uint32       // Logged buffers, index + 1, in the order of Seq
	logged                  int          // how many
	live                    int          // revokes in the log, or more

	recovery recovery // Recover's

	Commits, Checkpoints, Blocks atom.Uint64 // counts
}

const (
	gateMeta   = 16
	gateData   = 36
	gateClosed = 1 << 63
	gateOps    = 1<<gateMeta - 1
	gateMask   = 1<<20 - 1
	maxLive    = 4096
)

// Init makes a journal for a cache. Recover comes next.
func (j *Journal) Init(h *cache.Cache, s *disk.Shape, m *Memory) errno.Errno {
	n := min(len(m.Frozen), int(s.LogRing())/4-2, h.Buffers()/8)
	if n < MinPages || len(m.Bounce) < 8 || len(m.Control) < len(m.Frozen)/disk.MaxTags+4 ||
		len(m.List) < len(m.Frozen) || len(m.Revokes) < 2*len(m.Frozen) || len(m.Writes) < 2 || len(m.Moving) < len(m.Bounce) {
		return errno.TooFew
	}
	j.cache, j.shape = h, s
	j.maxMeta, j.maxData, j.maxLogged = min(n, disk.MaxRevokes), h.Buffers()/8, h.Buffers()/4
	j.frozen, j.bounce, j.moving, j.control, j.list, j.revokes = m.Frozen, m.Bounce, m.Moving, m.Control, m.List, m.Revokes
	j.out.init(h.Device, m.Writes)
	j.gate.Store(gateClosed)
	j.failed.Store(0)
	j.count.Store(0)
	j.listed.Store(0)
	j.revoked.Store(0)
	j.lock.Init(sync.ClassFiles)
	j.leading, j.waiting, j.first, j.last, j.logged, j.live = false, nil, 0, 0, 0, 0
	return errno.OK
}

// MaxData is how much file data one operation may write, in blocks.
func (j *Journal) MaxData() int { return min(j.maxData, gateMask) }

// Running is the number of the transaction that an operation joins that begins now; Committed the last that lasts.
func (j *Journal) Running() uint64   { return j.running.Load() }
func (j *Journal) Committed() uint64 { return j.committed.Load() }

// Failed says whether a write has failed (G6).
func (j *Journal) Failed() bool { return j.failed.Load() != 0 }

// Begin opens an operation that changes up to meta blocks of metadata, and writes up to data blocks of file data. It waits
// for a commit if there is no room. The error is errno.Stopped.
func (j *Journal) Begin(t *Task, meta, data int) errno.Errno {
	if meta > j.maxMeta || data > j.maxData {
		panic("journal: an operation reserves more than a transaction holds")
	}
	t.open.Lock(t.C)
	for {
		if j.Failed() {
			t.open.Unlock(t.C)
			return errno.Stopped
		}
		w := j.gate.Load()
		switch {
		case w&gateClosed != 0:
			j.await(t, func(j *Journal) bool { return j.gate.Load()&gateClosed != 0 })
		case int(w>>gateMeta&gateMask)+meta > j.maxMeta || int(w>>gateData&gateMask)+data > j.maxData || w&gateOps == gateOps:
			t.open.Unlock(t.C)
			j.Commit(t, j.running.Load())
			t.open.Lock(t.C)
		// order: pairs with close's Or: the operation is counted, or the gate is seen closed
		case j.gate.CompareAndSwap(w, w+1+uint64(meta)<<gateMeta+uint64(data)<<gateData):
			t.meta, t.data = meta, data
			t.Seq = j.running.Load() // it stays as long as an operation is open
			return errno.OK
		}
	}
}

// End closes the operation.
func (j *Journal) End(t *Task) {
	// order: publishes what was changed; pairs with close's load (G1)
	w := j.gate.Add(-(1 + uint64(t.meta)<<gateMeta + uint64(t.data)<<gateData))
	t.meta, t.data = 0, 0
	if w&gateClosed != 0 && w&gateOps == 0 {
		j.wake(t)
	}
	t.open.Unlock(t.C)
}

// Left is how many blocks of metadata the operation may still change, and of file data.
func (t *Task) Left() (meta, data int) { return t.meta, t.data }

// Join says that the operation is about to change a buffer of metadata, which nobody changes who does not hold a lock that
// the caller holds. From then to End it may.
func (j *Journal) Join(t *Task, b *cache.Buffer) {
	if j.cache.Has(b, cache.Open) {
		return
	}
	b.Lock.Lock(t.C) // a checkpoint may be copying it
	j.JoinLocked(t, b)
	b.Lock.Unlock(t.C)
}

// JoinLocked is Join by who has the buffer's lock.
//
//exo:inline
func (j *Journal) JoinLocked(t *Task, b *cache.Buffer) {
	if j.cache.Add(b, cache.Open) {
		j.spend(t)
		j.list[j.count.Add(1)-1] = b
	}
}

func (j *Journal) spend(t *Task) {
	if t.meta == 0 {
		panic("journal: an operation changes more than it reserved")
	}
	t.meta--
}

// Data says that the operation has written file data into a buffer, whose lock the caller has.
func (j *Journal) Data(t *Task, b *cache.Buffer) {
	j.cache.Set(b, cache.Dirty)
	if !j.cache.Add(b, cache.Listed) {
		return
	}
	if t.data == 0 {
		panic("journal: an operation writes more than it reserved")
	}
	t.data--
	b.DataSeq = t.Seq
	for {
		w := j.listed.Load()
		b.NextData.Store(w)
		if j.listed.CompareAndSwap(w, uint32(b.Index())+1) {
			return
		}
	}
}

// Discard says that the operation frees a block of file data: it need not be written any more. But if an earlier transaction
// wrote it, which may be being committed now, it is written all the same: after that one it is still the file's (G3).
func (j *Journal) Discard(t *Task, b *cache.Buffer) {
	b.Lock.Lock(t.C)
	if b.DataSeq == t.Seq {
		j.cache.Clear(b, cache.Dirty)
	}
	b.Lock.Unlock(t.C)
}

// Revoke says that the operation frees a block of metadata.
func (j *Journal) Revoke(t *Task, n uint64) {
	j.spend(t)
	j.revokes[j.revoked.Add(1)-1] = uint32(n)
}
