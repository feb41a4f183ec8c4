package virtio

import (
	"encoding/binary"
	"runtime"
	gosync "sync"
	"sync/atomic"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"exo/kernel/fs/block"
)

// device is a disk, and the machine that it is in: its registers, and the memory that it may reach. It does nothing by
// itself: a test calls fetch and finish.
type device struct {
	t    testing.TB
	lock gosync.Mutex

	legacy, msix bool
	offers       uint64
	capacity     uint64 // in 512 bytes
	segMax       uint32
	blockSize    uint32
	maxQueue     uint16
	badVector    bool // it has no room for messages
	stuck        bool // it is never reset
	refuses      bool // features
	notifyOff    uint32
	gone         bool
	lies         func(v uint32) uint32 // what a reader of any register gets in place of v, unless nil

	reg      map[uint32]uint32 // common registers as last written
	accepted [2]uint32
	state    uint8
	isr      uint8
	notified int
	resets   int
	stopped  int
	failed   Error
	busy     int
	now      atomic.Uint64

	disk    []byte
	memory  []byte // the queue's
	pages   map[unsafe.Pointer]uint64
	at      map[uint64]*block.Page
	fetched uint16
	given   uint16
	chains  []chain // that it has fetched and not finished
}

// chain is a request as the device sees it.
type chain struct {
	head   uint16
	kind   uint32
	sector uint64
	data   []*block.Page
	write  bool // the device writes
	status *byte
}

const memoryAt = 0x1_0000_0000 / 2 // a multiple of 4096 that legacy can say

func newDevice(t testing.TB, set func(v *device)) *device {
	v := &device{t: t, capacity: 8 * 256, segMax: 126, blockSize: 512, maxQueue: 256, notifyOff: 3,
		offers: featSegMax | featBlockSize | featFlush | featVersion1 | 1<<28 | 1<<29,
		reg:    map[uint32]uint32{}, pages: map[unsafe.Pointer]uint64{}, at: map[uint64]*block.Page{}}
	if set != nil {
		set(v)
	}
	v.disk = make([]byte, v.capacity*512)
	return v
}

// start makes a driver of it.
func (v *device) start() (*Disk, error) {
	d := new(Disk)
	c := Config{Machine: v, Pause: runtime.Gosched, TimeoutNs: 1000, Legacy: v.legacy, Messages: v.msix,
		Common: window{v, 'c'}, Notify: window{v, 'n'}, ISR: window{v, 'i'}, Device: window{v, 'd'},
		Multiplier: 4, NotifyLen: 64,
		Memory: func(bytes uint64) []byte {
			b := make([]byte, bytes+ringAlign)
			skip := -uintptr(unsafe.Pointer(&b[0])) % ringAlign
			v.memory = b[skip : skip+uintptr(bytes)]
			return v.memory
		}}
	return d, d.Init(&c)
}

func (v *device) NowNs() uint64      { return v.now.Load() }
func (v *device) IRQDisable() uint64 { return 0 }
func (v *device) IRQRestore(uint64)  {}
func (v *device) Stop(*Disk)         { v.stopped++ }
func (v *device) Busy(*Disk)         { v.lock.Lock(); v.busy++; v.lock.Unlock() }
func (v *device) Failed(_ *Disk, why Error) {
	require.Empty(v.t, v.failed, "told twice")
	v.failed = why
}

func (v *device) Address(p unsafe.Pointer) uint64 {
	if off := uintptr(p) - uintptr(unsafe.Pointer(&v.memory[0])); off < uintptr(len(v.memory)) {
		return memoryAt + uint64(off)
	}
	v.lock.Lock()
	defer v.lock.Unlock()
	at, ok := v.pages[p]
	if !ok {
		at = uint64(len(v.pages)+1) << 40
		v.pages[p], v.at[at] = at, (*block.Page)(p)
	}
	return at
}

// window is registers of one kind.
type window struct {
	v    *device
	kind byte
}

func (w window) Read(off uint32, bytes int) uint32 {
	v := w.v
	v.lock.Lock()
	defer v.lock.Unlock()
	require.Zero(v.t, off%uint32(bytes))
	all := uint32(1<<(8*bytes) - 1)
	if v.gone {
		return all
	}
	var x uint32
	switch {
	case w.kind == 'i':
		x, v.isr = uint32(v.isr), 0
	case w.kind == 'd':
		x = v.config(off)
	case v.legacy:
		x = v.readLegacy(off, bytes)
	default:
		x = v.readCommon(off)
	}
	if v.lies != nil {
		x = v.lies(x)
	}
	return x & all
}

func (v *device) config(off uint32) uint32 {
	return map[uint32]uint32{0: uint32(v.capacity), 4: uint32(v.capacity >> 32), 8: 4096, 12: v.segMax, 20: v.blockSize}[off]
}

func (v *device) readCommon(off uint32) uint32 {
	switch off {
	case comFeature:
		return uint32(v.offers >> (32 * (v.reg[comFeatureSelect] & 1)))
	case comStatus:
		return uint32(v.state)
	case comQueueSize:
		if size, ok := v.reg[off]; ok {
			return size
		}
		return uint32(v.maxQueue)
	case comQueueVector:
		if v.badVector {
			return noVector
		}
	case comNotifyOff:
		return v.notifyOff
	}
	return v.reg[off]
}

func (v *device) readLegacy(off uint32, bytes int) uint32 {
	start := uint32(legDevice)
	if v.msix {
		start = legDeviceMSIX
	}
	switch {
	case off == legFeatures:
		return uint32(v.offers)
	case off == legStatus:
		return uint32(v.state)
	case off == legISR:
		x := v.isr
		v.isr = 0
		return uint32(x)
	case off == legQueueSize:
		return uint32(v.maxQueue)
	case off == legQueueVector && bytes == 2 && v.badVector:
		return noVector
	case off >= start && bytes == 4:
		return v.config(off - start)
	}
	return v.reg[off]
}

func (w window) Write(off uint32, bytes int, x uint32) {
	v := w.v
	v.lock.Lock()
	defer v.lock.Unlock()
	require.Zero(v.t, off%uint32(bytes))
	status, notify := uint32(comStatus), w.kind == 'n'
	if v.legacy {
		status, notify = legStatus, off == legNotify
	}
	switch {
	case v.gone:
	case notify:
		require.True(v.t, v.legacy || off == 12, "where the queue is notified")
		v.notified++
	case off == status && x == 0 && v.stuck:
	case off == status:
		v.state = uint8(x)
		if v.refuses {
			v.state &^= statusFeaturesOK
		}
		if x == 0 {
			v.resets++
			v.chains = nil
		}
	default:
		if !v.legacy && off == comDriver {
			v.accepted[v.reg[comDriverSelect]&1] = x
		}
		v.reg[off] = x
	}
}

// rings is where the queue is: descriptors, available, used.
func (v *device) rings() (size uint16, desc, avail, used uint64) {
	if v.legacy {
		n := uint64(v.maxQueue)
		desc = uint64(v.reg[legQueuePage]) * 4096
		return v.maxQueue, desc, desc + 16*n, (desc + 18*n + 6 + 4095) &^ 4095
	}
	wide := func(off uint32) uint64 { return uint64(v.reg[off+4])<<32 | uint64(v.reg[off]) }
	return uint16(v.reg[comQueueSize]), wide(comQueueDesc), wide(comQueueAvail), wide(comQueueUsed)
}

// mem is memory of the queue; anything else is out of bounds for a device that follows its rules.
func (v *device) mem(at, n uint64) []byte {
	return v.memory[at-memoryAt : at-memoryAt+n : at-memoryAt+n]
}

func (v *device) word(at uint64) *uint32 { return (*uint32)(unsafe.Pointer(&v.mem(at, 4)[0])) }

// must is what the fake insists on. It panics, so that a test whose device is its own enemy can go on.
func must(ok bool, what string) {
	if !ok {
		panic("the driver gave the device something else than " + what)
	}
}

// fetch has it take what is available, and says how many chains it has.
func (v *device) fetch() int {
	v.lock.Lock()
	defer v.lock.Unlock()
	if v.state&statusDriverOK == 0 || v.gone {
		return 0
	}
	le := binary.LittleEndian
	size, desc, avail, _ := v.rings()
	for end := uint16(atomic.LoadUint32(v.word(avail)) >> 16); v.fetched != end; v.fetched++ {
		c := chain{head: le.Uint16(v.mem(avail+4+2*uint64(v.fetched%size), 2))}
		next, more := c.head, true
		for n := 0; more; n++ {
			must(n < int(size), "a chain that ends")
			b := v.mem(desc+16*uint64(next), 16)
			at, length, flags := le.Uint64(b), le.Uint32(b[8:]), le.Uint16(b[12:])
			next, more = le.Uint16(b[14:]), flags&descNext != 0
			switch {
			case n == 0:
				must(length == headerLen, "a header's length")
				h := v.mem(at, 16)
				c.kind, c.sector = le.Uint32(h), le.Uint64(h[8:])
			case !more:
				must(length == 1 && flags&descWrite != 0, "a byte for the status")
				c.status = &v.mem(at, 1)[0]
			default:
				must(length == block.Size, "a page")
				c.write = flags&descWrite != 0
				c.data = append(c.data, v.at[at])
				must(c.data[n-1] != nil, "a page of a request")
			}
		}
		v.chains = append(v.chains, c)
	}
	return len(v.chains)
}

// finish has it do the i-th chain that it has, with a result.
func (v *device) finish(i int, result byte) {
	v.lock.Lock()
	defer v.lock.Unlock()
	c := v.chains[i]
	v.chains = append(v.chains[:i:i], v.chains[i+1:]...)
	wrote := uint32(1)
	for n, p := range c.data {
		at := v.disk[int(c.sector)*512+n*block.Size:][:block.Size]
		must(c.write == (c.kind == kindRead), "who writes")
		if c.write {
			copy(p[:], at)
			wrote += block.Size
		} else {
			copy(at, p[:])
		}
	}
	*c.status = result
	v.push(uint32(c.head), wrote)
}

// push writes an entry of the used ring. The lock is held.
func (v *device) push(id, wrote uint32) {
	size, _, _, used := v.rings()
	e := v.mem(used+4+8*uint64(v.given%size), 8)
	binary.LittleEndian.PutUint32(e, id)
	binary.LittleEndian.PutUint32(e[4:], wrote)
	v.given++
	flags := atomic.LoadUint32(v.word(used)) & 0xffff
	atomic.StoreUint32(v.word(used), uint32(v.given)<<16|flags)
	v.isr = 1
}
