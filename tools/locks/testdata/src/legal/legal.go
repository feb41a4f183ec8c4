// Package legal uses locks as it may, in ways that are hard to follow.
package legal

import "exo/kernel/sync"

type inode struct {
	lock   sync.Sleeplock
	next   *inode
	refs   int
	loaded bool
}

var (
	log    = sync.Sleeplock{Class: sync.ClassLog}
	table  [16]inode
	buffer = sync.Sleeplock{Class: sync.ClassBuffer}
	queue  = sync.Spinlock{Class: sync.ClassQueue}
	pi     = sync.Spinlock{Class: sync.ClassPI}
	pair   [4]sync.Spinlock
	first  *inode
)

func setup() {
	for i := range table {
		table[i].lock.Init(sync.ClassInode)
	}
	for i := range pair {
		pair[i].Init(sync.ClassPair)
	}
}

func inOrder(c *sync.Context) {
	log.Lock(c)
	table[1].lock.Lock(c)
	buffer.Lock(c)
	queue.Lock(c)
	pi.Lock(c)
	// Released in any order.
	queue.Unlock(c)
	pi.Unlock(c)
	log.Unlock(c)
	buffer.Unlock(c)
	table[1].lock.Unlock(c)
	free(c)
}

// free may be called with nothing held: it takes the first of all.
func free(c *sync.Context) {
	log.Lock(c)
	log.Unlock(c)
	queue.Lock(c)
	queue.Unlock(c)
}

func deferred(c *sync.Context) {
	log.Lock(c)
	defer log.Unlock(c)
	buffer.Lock(c)
	defer buffer.Unlock(c)
}

func afterDeferred(c *sync.Context) {
	deferred(c)
	free(c)
}

func conditional(c *sync.Context, shared bool) {
	if shared {
		pi.Lock(c)
	}
	first = nil
	if shared {
		pi.Unlock(c)
	}
	free(c)
}

func conditionalDefer(c *sync.Context, shared bool) {
	if shared {
		buffer.Lock(c)
		defer buffer.Unlock(c)
	}
	first = nil
}

func afterConditional(c *sync.Context) {
	conditional(c, true)
	conditionalDefer(c, true)
	free(c)
}

func releasedOnBoth(c *sync.Context, n int) bool {
	pi.Lock(c)
	if n > 3 {
		pi.Unlock(c)
		free(c)
		return true
	}
	switch n {
	case 0:
		pi.Unlock(c)
	case 1:
		pi.Unlock(c)
		free(c)
	default:
		pi.Unlock(c)
	}
	free(c)
	return false
}

func tried(c *sync.Context) {
	if pi.TryLock(c) {
		pi.Unlock(c)
	} else {
		free(c)
	}
	for !pi.TryLock(c) {
		free(c)
	}
	pi.Unlock(c)
	ok := pi.TryLock(c)
	if ok {
		first = nil
	}
	if ok {
		pi.Unlock(c)
	}
	free(c)
	if c != nil && pi.TryLock(c) {
		pi.Unlock(c)
	}
	free(c)
}

// try returns with the lock held, or not, as its result says.
func try(c *sync.Context) bool {
	if first == nil {
		return false
	}
	if !pi.TryLock(c) {
		return false
	}
	return true
}

func tryDirect(c *sync.Context) bool { return pi.TryLock(c) }

func triers(c *sync.Context) {
	if !try(c) {
		free(c)
		return
	}
	pi.Unlock(c)
	free(c)
	if tryDirect(c) {
		pi.Unlock(c)
		return
	}
	free(c)
}

type errno int

const (
	ok errno = iota
	noEntry
	noMemory
)

// get returns an inode, locked, or an error and none.
func get(c *sync.Context, i int) (*inode, errno) {
	if i >= len(table) {
		return nil, noEntry
	}
	n := &table[i]
	n.lock.Lock(c)
	if e := n.load(); e != ok {
		n.lock.Unlock(c)
		return nil, e
	}
	return n, ok
}

func (n *inode) load() errno {
	if n.loaded {
		return ok
	}
	n.loaded = true
	return noMemory
}

func (n *inode) put(c *sync.Context) {
	n.refs--
	n.lock.Unlock(c)
}

func user(c *sync.Context) errno {
	log.Lock(c)
	n, e := get(c, 3)
	if e != ok {
		log.Unlock(c)
		free(c)
		return e
	}
	log.Unlock(c)
	n.put(c)
	free(c)
	if n = find(c); n == nil {
		free(c)
		return noEntry
	}
	n.put(c)
	free(c)
	return ok
}

// find returns nil or an inode that is locked.
func find(c *sync.Context) *inode {
	for i := range table {
		n := &table[i]
		n.lock.Lock(c)
		if n.refs > 0 {
			return n
		}
		n.lock.Unlock(c)
	}
	return nil
}

func loops(c *sync.Context) {
	for i := range table {
		table[i].lock.Lock(c)
		if table[i].refs == 0 {
			table[i].lock.Unlock(c)
			continue
		}
		if table[i].refs == 1 {
			table[i].lock.Unlock(c)
			break
		}
		table[i].lock.Unlock(c)
		free(c)
	}
	free(c)
}

// handOverHand holds two of a class that nests, and then none.
func handOverHand(c *sync.Context) {
	at := first
	at.lock.Lock(c)
	for at.next != nil {
		next := at.next
		next.lock.Lock(c)
		at.lock.Unlock(c)
		at = next
	}
	at.lock.Unlock(c)
	free(c)
}

// two locks two of a class that nests, in either order, and releases them.
func two(c *sync.Context, a, b *inode) {
	lockTwo(c, a, b)
	a.lock.Unlock(c)
	buffer.Lock(c)
	buffer.Unlock(c)
	b.lock.Unlock(c)
	free(c)
}

func lockTwo(c *sync.Context, a, b *inode) {
	if a.refs < b.refs {
		a.lock.Lock(c)
		b.lock.Lock(c)
	} else {
		b.lock.Lock(c)
		a.lock.Lock(c)
	}
}

// allOf takes all of a class that nests.
func allOf(c *sync.Context) {
	for i := range pair {
		pair[i].Lock(c)
	}
	for i := range pair {
		pair[i].Unlock(c)
	}
	free(c)
}

// someOf takes as many as it is told.
func someOf(c *sync.Context, n int) {
	for i := range n {
		pair[i].Lock(c)
	}
	first = nil
	for i := n - 1; i >= 0; i-- {
		pair[i].Unlock(c)
	}
	free(c)
}

// readBlock is called with the inode locked, or takes it itself.
func readBlock(c *sync.Context, n *inode, locked bool) {
	if !locked {
		log.Lock(c)
		log.Unlock(c)
		n.lock.Lock(c)
	}
	n.refs++
	if !locked {
		n.lock.Unlock(c)
		free(c)
	}
}

func readers(c *sync.Context) {
	readBlock(c, &table[0], false)
	table[0].lock.Lock(c)
	readBlock(c, &table[0], true)
	table[0].lock.Unlock(c)
}

// wait releases the lock that its caller holds, and takes it again.
func wait(c *sync.Context, l *sync.Spinlock) {
	l.Unlock(c)
	free(c)
	l.Lock(c)
}

func waiter(c *sync.Context) {
	pi.Lock(c)
	for first == nil {
		wait(c, &pi)
	}
	pi.Unlock(c)
	free(c)
	queue.Lock(c)
	wait(c, &queue)
	pi.Lock(c)
	pi.Unlock(c)
	queue.Unlock(c)
}

// A lock of one's own behind an interface, and one that is embedded.

type guarded struct {
	sync.Spinlock
	n int
}

var counter = guarded{Spinlock: sync.Spinlock{Class: sync.ClassQueue}}

type adder interface{ add(c *sync.Context) }

func (g *guarded) add(c *sync.Context) {
	g.Lock(c)
	defer g.Unlock(c)
	g.n++
}

var adders = [...]adder{&counter}

func addAll(c *sync.Context) {
	for _, a := range adders {
		a.add(c)
	}
	free(c)
}

// A table of pointers to locks of one class.
var inTurn = [...]*sync.Spinlock{&pair[0], &pair[2]}

func turns(c *sync.Context) {
	queue.Lock(c)
	for _, l := range inTurn {
		l.Lock(c)
		l.Unlock(c)
	}
	queue.Unlock(c)
	free(c)
}

// fatal does not return.
func fatal(c *sync.Context) {
	pi.Lock(c)
	panic("legal: the end")
}

func dies(c *sync.Context, now bool) {
	if now {
		fatal(c)
	}
	free(c)
}

// search has one return, for both outcomes.
func search(c *sync.Context) *inode {
	var got *inode
	for i := range table {
		n := &table[i]
		n.lock.Lock(c)
		if n.refs > 0 {
			got = n
			break
		}
		n.lock.Unlock(c)
	}
	return got
}

func searcher(c *sync.Context) {
	n := search(c)
	if n == nil {
		free(c)
		return
	}
	buffer.Lock(c)
	buffer.Unlock(c)
	n.lock.Unlock(c)
	free(c)
}

// named has a result that a deferred function may change, and unlocks in it.
func named(c *sync.Context, n *inode) (e errno) {
	n.lock.Lock(c)
	defer func() {
		n.lock.Unlock(c)
		if e == noMemory {
			free(c)
		}
	}()
	return n.load()
}

// A function as an iterator.
func each(yield func(*inode) bool) {
	for i := range table {
		if !yield(&table[i]) {
			return
		}
	}
}

func ranged(c *sync.Context) {
	for n := range each {
		n.lock.Lock(c)
		if n.refs == 0 {
			n.lock.Unlock(c)
			break
		}
		n.lock.Unlock(c)
	}
	free(c)
	if named(c, first) != ok {
		free(c)
	}
}

// A pointer to a lock of somebody else's.
type waiters struct{ lock *sync.Spinlock }

func (w *waiters) wake(c *sync.Context) {
	w.lock.Lock(c)
	w.lock.Unlock(c)
}

var forPI = waiters{lock: &pi}

func wakes(c *sync.Context) {
	queue.Lock(c)
	forPI.wake(c)
	queue.Unlock(c)
	free(c)
}

// twoTries takes two locks, or none.
func twoTries(c *sync.Context) bool {
	if !queue.TryLock(c) {
		return false
	}
	if !pi.TryLock(c) {
		queue.Unlock(c)
		return false
	}
	return true
}

func triesTwo(c *sync.Context) {
	for !twoTries(c) {
		free(c)
	}
	queue.Unlock(c)
	pi.Unlock(c)
	free(c)
}

// On purpose, and said to be.
func onPurpose(c *sync.Context) {
	buffer.Lock(c)
	log.Lock(c)
}
