package virtio

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	gosync "sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"exo/internal/hostdisk"
	"exo/internal/seeds"
	"exo/kernel/fs/block"
	"exo/kernel/fs/errno"
	"exo/kernel/sync"
)

var nobody sync.Context // has no sleeper: these tests do not wait

// kinds are the devices that there are.
func kinds(t *testing.T, f func(t *testing.T, set func(v *device))) {
	for _, legacy := range []bool{false, true} {
		for _, msix := range []bool{false, true} {
			t.Run(fmt.Sprintf("legacy=%v msix=%v", legacy, msix), func(t *testing.T) {
				f(t, func(v *device) { v.legacy, v.msix = legacy, msix })
			})
		}
	}
}

func started(t testing.TB, set func(v *device)) (*device, *Disk) {
	v := newDevice(t, set)
	d, err := v.start()
	require.NoError(t, err)
	return v, d
}

// ask starts a request for n blocks.
func ask(d *Disk, op block.Op, at uint64, n int) *block.Request {
	r := &block.Request{Op: op, Block: at}
	for range n {
		r.Pages = append(r.Pages, new(block.Page))
	}
	block.Start(d, &nobody, r)
	return r
}

func TestInit(t *testing.T) {
	kinds(t, func(t *testing.T, set func(v *device)) {
		v, d := started(t, set)
		require.Equal(t, block.Geometry{Blocks: 256, MaxPages: 16, Depth: 14}, d.Geometry())
		require.Equal(t, v.msix, d.Messages())
		require.Zero(t, v.accepted[0]&(1<<28|1<<29), "features that the driver does not know")
		_, d = started(t, func(v *device) { set(v); v.offers |= featReadOnly; v.maxQueue = 16; v.segMax = 100 })
		require.Equal(t, block.Geometry{Blocks: 256, MaxPages: 2, Depth: 4, ReadOnly: true}, d.Geometry())
		require.Equal(t, errno.ReadOnly, ask(d, block.Write, 0, 1).Result())
		_, d = started(t, func(v *device) { set(v); v.segMax, v.maxQueue, v.badVector = 1, 4, true })
		require.Equal(t, block.Geometry{Blocks: 256, MaxPages: 1, Depth: 1}, d.Geometry())
		require.False(t, d.Messages())
	})
}

func TestInit_RefusesWhatItCannotDrive(t *testing.T) {
	kinds(t, func(t *testing.T, set func(v *device)) {
		for want, spoil := range map[Error]func(v *device){
			ErrNoReset:   func(v *device) { v.stuck, v.state = true, 7 },
			ErrNoQueue:   func(v *device) { v.maxQueue = 3 },
			ErrBlockSize: func(v *device) { v.blockSize = 8192 },
			ErrSegments:  func(v *device) { v.segMax = 0 },
			ErrEmpty:     func(v *device) { v.capacity = 7 },
		} {
			v := newDevice(t, func(v *device) { set(v); spoil(v) })
			d, err := v.start()
			require.Equal(t, want, err)
			require.Equal(t, 1, v.stopped)
			r := ask(d, block.Flush, 0, 0)
			require.True(t, r.Finished(), "a disk that failed answers")
		}
		v := newDevice(t, func(v *device) { set(v); v.gone = true })
		_, err := v.start()
		require.Equal(t, ErrNoReset, err)
	})
	v := newDevice(t, func(v *device) { v.offers &^= featVersion1 })
	_, err := v.start()
	require.Equal(t, ErrFeatures, err)
	v = newDevice(t, func(v *device) { v.refuses = true })
	_, err = v.start()
	require.Equal(t, ErrFeatures, err)
	v = newDevice(t, func(v *device) { v.notifyOff = 16 }) // at byte 64, of 64
	_, err = v.start()
	require.Equal(t, ErrNoQueue, err)
	v = newDevice(t, func(v *device) { v.legacy = true; v.maxQueue = 2048 })
	_, err = v.start()
	require.Equal(t, ErrNoQueue, err)
}

// Random requests, many at once, done in any order, against a model.
func TestDisk_G1_EachIsDoneOnceInAnyOrder(t *testing.T) {
	kinds(t, func(t *testing.T, set func(v *device)) {
		most := 0
		seeds.Each(t, 20, func(r *rand.Rand) {
			v, d := started(t, set)
			model := make([]byte, 256)
			type open struct {
				*block.Request
				want []byte
			}
			var inFlight []open
			locked := map[uint64]bool{}
			done := 0
			for step := 0; step < 600 || len(inFlight) > 0; step++ {
				if op := block.Op(r.IntN(3)); step < 600 && len(inFlight) < 30 && r.IntN(2) == 0 {
					q := open{Request: &block.Request{Op: op, Block: r.Uint64N(240)}}
					n := uint64(1 + r.IntN(16))
					free := true
					for b := range n {
						free = free && !locked[q.Block+b]
					}
					if op == block.Flush {
						n = 0
					} else if !free {
						continue
					}
					for b := range n {
						locked[q.Block+b] = true
						p := new(block.Page)
						if op == block.Write {
							model[q.Block+b]++
							p[0], p[block.Size-1] = model[q.Block+b], model[q.Block+b]
						}
						q.Pages, q.want = append(q.Pages, p), append(q.want, model[q.Block+b])
					}
					block.Start(d, &nobody, q.Request)
					inFlight = append(inFlight, q)
				} else if n := v.fetch(); n > 0 {
					most = max(most, n)
					v.finish(r.IntN(n), statusOK)
					if r.IntN(3) > 0 {
						require.True(t, d.Interrupt())
					}
				} else {
					d.Check()
				}
				for i := 0; i < len(inFlight); i++ {
					q := inFlight[i]
					if !q.Finished() {
						continue
					}
					require.Equal(t, errno.OK, q.Result())
					for b, p := range q.Pages {
						require.Equal(t, q.want[b], p[0])
						require.Equal(t, q.want[b], p[block.Size-1])
						delete(locked, q.Block+uint64(b))
					}
					done++
					inFlight = append(inFlight[:i], inFlight[i+1:]...)
					i--
				}
			}
			require.Greater(t, done, 100)
			require.Empty(t, v.failed)
		})
		require.Greater(t, most, 10, "several at once")
	})
}

func TestDisk_G1_ErrorsAreThoseOfTheirRequests(t *testing.T) {
	v, d := started(t, nil)
	a, b, c := ask(d, block.Read, 1, 1), ask(d, block.Write, 2, 1), ask(d, block.Flush, 0, 0)
	require.Equal(t, 3, v.fetch())
	v.finish(2, 2)
	v.finish(0, 1)
	v.finish(0, statusOK)
	d.Interrupt()
	require.Equal(t, []errno.Errno{errno.IO, errno.OK, errno.IO}, []errno.Errno{a.Result(), b.Result(), c.Result()})
	require.Empty(t, v.failed, "the device goes on")
}

// A disk without a cache has nothing to flush.
func TestDisk_FlushWithoutCache(t *testing.T) {
	v, d := started(t, func(v *device) { v.offers &^= featFlush })
	require.True(t, ask(d, block.Flush, 0, 0).Finished())
	require.Zero(t, v.fetch())
}

func TestDisk_G3_InTheirOrder(t *testing.T) {
	v, d := started(t, nil)
	for i := range 100 {
		ask(d, block.Read, uint64(i), 1)
	}
	require.Equal(t, d.Geometry().Depth, v.fetch())
	for i := range 100 {
		require.Equal(t, uint64(i*sectors), v.chains[0].sector)
		v.finish(0, statusOK)
		d.Interrupt()
		v.fetch()
	}
	require.Empty(t, v.chains)
}

// A device that says that it looks without being notified is not; afterwards it is again.
func TestQueue_G3_Notification(t *testing.T) {
	v, d := started(t, nil)
	ask(d, block.Read, 0, 1)
	require.Equal(t, 1, v.notified)
	_, _, _, used := v.rings()
	atomic.StoreUint32(v.word(used), usedNoNotify)
	ask(d, block.Read, 1, 1)
	require.Equal(t, 1, v.notified)
	atomic.StoreUint32(v.word(used), 0)
	ask(d, block.Read, 2, 1)
	require.Equal(t, 2, v.notified)
}

func TestDisk_Interrupt_TellsWhoseItIs(t *testing.T) {
	v, d := started(t, nil)
	require.False(t, d.Interrupt(), "another's")
	ask(d, block.Read, 0, 1)
	v.fetch()
	v.finish(0, statusOK)
	require.True(t, d.Interrupt())
	require.False(t, d.Interrupt())
}

// Whatever ends it: requests that the device has, and those that wait, fail; it has been reset and kept from memory before.
func TestDisk_G2_G4_EveryEndOfADevice(t *testing.T) {
	kinds(t, func(t *testing.T, set func(v *device)) {
		for want, spoil := range map[Error]func(v *device, d *Disk){
			ErrTimeout:    func(v *device, _ *Disk) { v.now.Add(2000) },
			ErrVanished:   func(v *device, _ *Disk) { v.gone = true },
			ErrNeedsReset: func(v *device, _ *Disk) { v.state |= statusNeedsReset },
			ErrUsedIndex:  func(v *device, _ *Disk) { v.given += 1000; v.push(0, 1) },
			ErrUsedEntry:  func(v *device, _ *Disk) { v.push(5, 1) },
			ErrUsedLength: func(v *device, _ *Disk) { v.push(0, 1<<20) },
		} {
			if want == ErrUsedLength && newDevice(t, set).legacy != newDevice(t, nil).legacy {
				continue // such a device's lengths do not count
			}
			v, d := started(t, set)
			var all []*block.Request
			for i := range 40 {
				r := &block.Request{Op: block.Read, Block: uint64(i), Pages: []*block.Page{new(block.Page)}}
				r.Then = func(r *block.Request) {
					require.Equal(t, 1, v.stopped)
					require.True(t, v.resets == 2 || v.gone)
				}
				block.Start(d, &nobody, r)
				all = append(all, r)
			}
			v.fetch()
			d.Check()
			require.Empty(t, v.failed)
			spoil(v, d)
			n, more := d.Check()
			require.Equal(t, len(all), n)
			require.False(t, more)
			require.Equal(t, want, v.failed)
			for _, r := range all {
				require.True(t, r.Finished())
				require.Equal(t, errno.IO, r.Result())
			}
			require.Equal(t, errno.IO, ask(d, block.Write, 0, 1).Result(), "later ones fail at once")
			n, _ = d.Check()
			require.Zero(t, n)
			d.Interrupt()
		}
	})
}

// An entry that was right once is not, a second time.
func TestDisk_G1_AnEntryTwice(t *testing.T) {
	v, d := started(t, nil)
	a := ask(d, block.Read, 0, 1)
	b := ask(d, block.Read, 1, 1)
	v.fetch()
	head := uint32(v.chains[0].head)
	v.finish(0, statusOK)
	v.push(head, 1)
	d.Interrupt()
	require.Equal(t, ErrUsedEntry, v.failed)
	require.Equal(t, errno.OK, a.Result())
	require.Equal(t, errno.IO, b.Result())
}

// Numbers that are no slot's, near and far.
func TestQueue_G4_NoSlot(t *testing.T) {
	for _, id := range []uint32{1, 17, 18 * 13, 18 * 14, 18 * 1000, 18 << 16, 1<<32 - 1} {
		v, d := started(t, nil)
		r := ask(d, block.Read, 0, 1)
		v.push(id, 1)
		d.Interrupt()
		require.Equal(t, ErrUsedEntry, v.failed, id)
		require.Equal(t, errno.IO, r.Result())
	}
}

// A read of which the device says that it wrote less has failed, with a modern device.
func TestDisk_ShortRead(t *testing.T) {
	v, d := started(t, nil)
	r := ask(d, block.Read, 0, 2)
	v.fetch()
	*v.chains[0].status = statusOK
	v.push(uint32(v.chains[0].head), 4096)
	d.Interrupt()
	require.Equal(t, errno.IO, r.Result())
	require.Empty(t, v.failed)
}

func TestDisk_G4_WithoutInterrupts(t *testing.T) {
	v, d := started(t, nil)
	_, more := d.Check()
	require.False(t, more)
	r := ask(d, block.Read, 0, 1)
	require.Equal(t, 1, v.busy, "Check is needed again")
	ask(d, block.Read, 1, 1)
	require.Equal(t, 1, v.busy, "which has been said")
	v.fetch()
	v.finish(0, statusOK)
	n, more := d.Check()
	require.Equal(t, 1, n)
	require.True(t, more && r.Finished())
	v.finish(0, statusOK)
	_, more = d.Check()
	require.False(t, more)
	ask(d, block.Read, 2, 1)
	require.Equal(t, 2, v.busy)
}

// Tasks, handlers and a device that run at once.
//
// Also kernel/virtio/queue.go: G1, G2.
func TestDisk_G1_Concurrently(t *testing.T) {
	kinds(t, func(t *testing.T, set func(v *device)) {
		v, d := started(t, set)
		stop := make(chan bool)
		var device, all gosync.WaitGroup
		device.Go(func() {
			r := rand.New(rand.NewPCG(1, 2))
			for {
				select {
				case <-stop:
					return
				default:
				}
				if n := v.fetch(); n > 0 {
					v.finish(r.IntN(n), statusOK)
					d.Interrupt()
				} else {
					d.Check()
					runtime.Gosched()
				}
			}
		})
		var done atomic.Uint64
		for i := range uint64(4) {
			all.Go(func() {
				c := hostdisk.NewContext()
				defer hostdisk.Release(c)
				p, q := new(block.Page), new(block.Page)
				var req block.Request
				do := func(op block.Op, at uint64, pages ...*block.Page) {
					req.Op, req.Block, req.Pages = op, at, pages
					if e := block.Do(d, c, &req); e != errno.OK {
						t.Error(e)
					}
					done.Add(1)
				}
				for n := range uint64(200) {
					at := i*64 + n%60
					p[7], q[9] = byte(n), byte(i)
					do(block.Write, at, p, q)
					do(block.Flush, 0)
					*p, *q = block.Page{}, block.Page{}
					do(block.Read, at, p, q)
					if p[7] != byte(n) || q[9] != byte(i) {
						t.Errorf("block %d holds %d, %d", at, p[7], q[9])
					}
				}
			})
		}
		all.Wait()
		close(stop)
		device.Wait()
		require.Equal(t, uint64(4*200*3), done.Load())
		require.Empty(t, v.failed)
	})
}
