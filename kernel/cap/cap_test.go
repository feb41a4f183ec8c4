package cap

import (
	"sync"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"exo/internal/tsan"
)

// host is what a table of a test has around it.
type host struct {
	Table
	mu     sync.Mutex
	frames []*Frame // given out, so that the collector keeps them
	spare  []*Frame
	limit  int // frames
	now    uint64
	kinds  [Kinds]Ops
}

func (h *host) GetFrame(int) *Frame {
	h.mu.Lock()
	defer h.mu.Unlock()
	if n := len(h.spare); n > 0 {
		f := h.spare[n-1]
		h.spare = h.spare[:n-1]
		return f
	}
	if len(h.frames) == h.limit {
		return nil
	}
	f := new(Frame)
	h.frames = append(h.frames, f)
	return f
}

func (h *host) PutFrame(_ int, f *Frame) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.spare = append(h.spare, f)
}

func (h *host) NowNs() uint64 { return h.now }

// Kinds of the tests.
const (
	page0  Kind = 3 // with nothing to tear down
	torn   Kind = 7 // with a Teardown, if the test has set one
	absent Kind = 9
)

func newHost(cpus int) *host {
	h := &host{limit: 1 << 20}
	h.kinds[page0].Within = func(whole, part Object) bool {
		return part.First >= whole.First && part.First+part.Second <= whole.First+whole.Second
	}
	if err := h.Init(make([]CPU, cpus), &h.kinds, h, h); err != nil {
		panic(err)
	}
	return h
}

// root makes a capability with all rights.
func (h *host) root(by Holder) Name { return h.rootOf(page0, by) }

func (h *host) rootOf(k Kind, by Holder) Name {
	n, err := h.Create(0, Capability{Kind: k, Rights: AllRights, Holder: by, Object: Object{100, 50}})
	if err != nil {
		panic(err)
	}
	return n
}

// child derives with all rights but these.
func (h *host) child(cpu int, parent Name, by Holder, less Rights) (Name, error) {
	r, m, _, err := h.open(parent, by, 0)
	_ = r
	if err != nil {
		return 0, err
	}
	return h.Derive(cpu, parent, by, Derivation{To: by, Rights: m.rights() &^ less})
}

func (h *host) mustChild(parent Name, by Holder) Name {
	n, err := h.child(0, parent, by, 0)
	if err != nil {
		panic(err)
	}
	return n
}

// finds says whether a lookup succeeds.
func (h *host) finds(n Name, by Holder) bool { return h.Check(n, by, h.kindOf(n), 0) == nil }

func (h *host) kindOf(n Name) Kind {
	if r := h.caps.find(n.slot()); r != nil {
		return meta(r.meta.Load()).kind()
	}
	return 0
}

// freeSlots counts them. Nothing else may run.
func (h *host) freeSlots() int {
	return h.caps.free(func(cpu int) *stock { return &h.cpus[cpu].caps }, len(h.cpus))
}

func (h *host) freeBuckets() int {
	return h.buckets.free(func(cpu int) *stock { return &h.cpus[cpu].buckets }, len(h.cpus))
}

// allBack demands that there is no capability, and no slot lost.
func (h *host) allBack(t testing.TB) {
	t.Helper()
	require.Equal(t, int(h.caps.slots())-1, h.freeSlots(), "slots that are free, of all")
	if n := h.buckets.slots(); n > 0 {
		require.Equal(t, int(n)-1, h.freeBuckets(), "buckets that are free, of all")
	}
}

func TestTable_Sizes(t *testing.T) {
	require.EqualValues(t, 32, unsafe.Sizeof(record{}))
	require.EqualValues(t, 64, unsafe.Sizeof(CPU{}))
	require.EqualValues(t, 2048, unsafe.Sizeof(chunk{}))
	require.EqualValues(t, 4096, unsafe.Sizeof(page{}))
	h := newHost(1)
	require.EqualValues(t, firstSlots, h.caps.slots())
	h.allBack(t)
}

func TestTable_G1_LooksAtEverything(t *testing.T) {
	h := newHost(1)
	n, err := h.Create(0, Capability{Kind: page0, Rights: Read | Write, Holder: 5, Object: Object{100, 50}})
	require.NoError(t, err)
	o, err := h.Lookup(n, 5, page0, Read|Write)
	require.NoError(t, err)
	require.Equal(t, Object{100, 50}, o)
	for _, c := range []struct {
		name Name
		by   Holder
		k    Kind
		need Rights
		want error
	}{
		{n, 5, page0, 0, nil},
		{n, 6, page0, 0, ErrNone},
		{n, Nobody, page0, 0, ErrNone},
		{n + 1, 5, page0, 0, ErrNone},
		{n + 1<<32, 5, page0, 0, ErrNone},
		{n - 1<<32, 5, page0, 0, ErrNone},
		{n | 1<<24, 5, page0, 0, ErrNone},
		{n | 1<<31, 5, page0, 0, ErrNone},
		{0, 5, page0, 0, ErrNone},
		{0, 0, 0, 0, ErrNone},
		{1 << 32, Nobody, 0, 0, ErrNone},
		{MaxSlots - 1, 5, page0, 0, ErrNone},
		{^Name(0), 5, page0, 0, ErrNone},
		{n, 5, torn, 0, ErrKind},
		{n, 5, page0, Execute, ErrRights},
		{n, 5, page0, KindRight, ErrRights},
	} {
		require.Equal(t, c.want, h.Check(c.name, c.by, c.k, c.need), "%+v", c)
		_, err := h.Lookup(c.name, c.by, c.k, c.need)
		require.Equal(t, c.want, err, "%+v", c)
	}
	_, err = h.Derive(0, n, 5, Derivation{To: 5})
	require.Equal(t, ErrRights, err)
	_, err = h.Delete(0, n, 5, 0, 10)
	require.Equal(t, ErrRights, err)
	_, err = h.Revoke(0, n, 5, 0, 10)
	require.Equal(t, ErrRights, err)
	require.Equal(t, ErrRights, h.Transfer(n, 5, 6))
	_, err = h.Create(0, Capability{Kind: Kinds, Holder: 5})
	require.Equal(t, ErrKind, err)
	_, err = h.Create(0, Capability{Kind: 1})
	require.Equal(t, ErrHolder, err)
}

func TestTable_G2_RightsOnlyShrink(t *testing.T) {
	h := newHost(1)
	root := h.root(1)
	a, err := h.Derive(0, root, 1, Derivation{To: 1, Rights: Read | Derive})
	require.NoError(t, err)
	for _, c := range []struct {
		d    Derivation
		want error
	}{
		{Derivation{To: 1, Rights: Read | Write}, ErrRights},
		{Derivation{To: 1, Rights: Read | KindRight}, ErrRights},
		{Derivation{To: 2, Rights: Read}, ErrRights},
		{Derivation{To: Nobody, Rights: Read}, ErrHolder},
		{Derivation{To: 1, Rights: Read, Narrow: true, Object: Object{99, 2}}, ErrObject},
		{Derivation{To: 1, Rights: Read, Narrow: true, Object: Object{149, 2}}, ErrObject},
		{Derivation{To: 1, Rights: Read, Narrow: true, Object: Object{110, 2}}, nil},
	} {
		n, err := h.Derive(0, a, 1, c.d)
		require.Equal(t, c.want, err, "%+v", c.d)
		if err == nil {
			o, err := h.Lookup(n, 1, page0, Read)
			require.NoError(t, err)
			require.Equal(t, c.d.Object, o)
		}
	}
	_, err = h.Derive(0, h.rootOf(absent, 1), 1, Derivation{To: 1, Narrow: true, Object: Object{100, 50}})
	require.Equal(t, ErrObject, err)
	_, err = h.Derive(0, root, 2, Derivation{To: 2})
	require.Equal(t, ErrNone, err)
	b, err := h.Derive(0, root, 1, Derivation{To: 2, Rights: Read | Derive})
	require.NoError(t, err)
	require.True(t, h.finds(b, 2))
	require.False(t, h.finds(b, 1))
}

func TestTable_G3_RevokeTakesAllBelowAndDeleteItselfToo(t *testing.T) {
	h := newHost(1)
	root := h.root(1)
	var all []Name
	for range 10 {
		n := h.mustChild(root, 1)
		all = append(all, n)
		for range 5 {
			m := h.mustChild(n, 1)
			all = append(all, m, h.mustChild(m, 1))
		}
	}
	at, err := h.Revoke(0, root, 1, 0, 1000)
	require.NoError(t, err)
	require.Zero(t, at)
	for _, n := range all {
		require.False(t, h.finds(n, 1))
	}
	require.True(t, h.finds(root, 1))
	n := h.mustChild(root, 1)
	require.True(t, h.finds(n, 1))
	at, err = h.Delete(0, root, 1, 0, 1000)
	require.NoError(t, err)
	require.Zero(t, at)
	require.False(t, h.finds(n, 1) || h.finds(root, 1))
	_, err = h.Delete(0, root, 1, 0, 1000)
	require.Equal(t, ErrNone, err)
	h.allBack(t)
}

// Siblings go in any order.
func TestTable_DeleteInTheMiddle(t *testing.T) {
	for _, step := range []int{1, -1, 3, 7, 11} {
		h := newHost(1)
		root := h.root(1)
		const n = 100
		names := map[int]Name{}
		for i := range n {
			names[i] = h.mustChild(root, 1)
		}
		for i, gone := 0, 0; gone < n; i = ((i+step)%n + n) % n {
			at, err := h.Delete(0, names[i], 1, 0, 10)
			require.NoError(t, err)
			require.Zero(t, at)
			delete(names, i)
			gone++
			for _, m := range names {
				require.True(t, h.finds(m, 1))
			}
		}
		_, err := h.Delete(0, root, 1, 0, 1)
		require.NoError(t, err)
		h.allBack(t)
	}
}

// A long chain needs no stack, and any number of steps at a time will do.
func TestTable_G3_BoundedSteps(t *testing.T) {
	for _, steps := range []int{1, 2, 5, 1 << 20} {
		h := newHost(1)
		root := h.root(1)
		const n = 2000
		var names []Name
		parent := root
		for i := range n {
			parent = h.mustChild(parent, 1)
			names = append(names, parent)
			if i%3 == 0 {
				names = append(names, h.mustChild(root, 1))
			}
		}
		calls := 0
		for at := Name(0); ; {
			calls++
			var err error
			at, err = h.Revoke(0, root, 1, at, steps)
			require.NoError(t, err)
			if at == 0 {
				break
			}
			_, err = h.child(0, root, 1, 0)
			require.Equal(t, ErrRevoking, err)
			require.True(t, h.finds(root, 1))
		}
		require.LessOrEqual(t, calls, 3*len(names)/steps+2)
		require.GreaterOrEqual(t, calls, len(names)/steps)
		for _, m := range names {
			require.False(t, h.finds(m, 1))
		}
		h.mustChild(root, 1)
		calls = 0
		for at := Name(0); ; {
			var err error
			if at, err = h.Delete(0, root, 1, at, steps); err != nil || at == 0 {
				break
			}
			require.False(t, h.finds(root, 1))
			calls++
		}
		h.allBack(t)
	}
}

func TestTable_G5_TeardownOnceAndChildrenFirst(t *testing.T) {
	h := newHost(1)
	var order []Name
	h.kinds[torn].Teardown = func(cpu int, n Name, r Rights, o Object) {
		require.Equal(t, Object{100, 50}, o)
		require.False(t, h.finds(n, 1), "from its teardown on nothing finds it")
		order = append(order, n)
	}
	root := h.rootOf(torn, 1)
	parent := map[Name]Name{}
	all := []Name{root}
	for i := range 200 {
		p := all[i*7%len(all)]
		n := h.mustChild(p, 1)
		parent[n] = p
		all = append(all, n)
	}
	_, err := h.Delete(0, root, 1, 0, 10000)
	require.NoError(t, err)
	require.Len(t, order, len(all))
	at := map[Name]int{}
	for i, n := range order {
		at[n] = i
	}
	require.Len(t, at, len(all))
	for n, p := range parent {
		require.Less(t, at[n], at[p])
	}
	h.allBack(t)
}

func TestTable_G6_SlotsAreUsedAgainUnderOtherNames(t *testing.T) {
	tsan.Alone(t)
	h := newHost(1)
	seen := map[Name]bool{}
	slots := map[uint32]bool{}
	for range 1000 {
		n := h.root(1)
		require.False(t, seen[n])
		for old := range seen {
			if old.slot() == n.slot() {
				require.False(t, h.finds(old, 1))
			}
		}
		seen[n], slots[n.slot()] = true, true
		_, err := h.Delete(0, n, 1, 0, 1)
		require.NoError(t, err)
	}
	require.Len(t, slots, 1)
}

// Generations do not come round: the slot is not used any more.
func TestTable_G6_ASlotEndsWithItsNames(t *testing.T) {
	h := newHost(1)
	n := h.root(1)
	_, err := h.Delete(0, n, 1, 0, 1)
	require.NoError(t, err)
	h.caps.at(n.slot()).owner.Store((lastGeneration - 2) << 32)
	for range 2 {
		m := h.root(1)
		require.Equal(t, n.slot(), m.slot())
		_, err := h.Delete(0, m, 1, 0, 1)
		require.NoError(t, err)
	}
	m := h.root(1)
	require.NotEqual(t, n.slot(), m.slot())
	_, err = h.Delete(0, m, 1, 0, 1)
	require.NoError(t, err)
	require.Equal(t, int(h.caps.slots())-2, h.freeSlots(), "one slot has had its time")
}

func TestTable_G7_Limit(t *testing.T) {
	h := newHost(1)
	h.now = 1 << 30
	root := h.root(1)
	n, err := h.Derive(0, root, 1, Derivation{To: 1, Rights: AllRights, Limit: Limit{Every: 6400, Burst: 3}})
	require.NoError(t, err)
	m := h.mustChild(n, 1)
	info, err := h.Inspect(m, 1)
	require.NoError(t, err)
	require.Equal(t, Limit{6400, 3}, info.Limit)
	_, err = h.Derive(0, m, 1, Derivation{To: 1, Limit: Limit{Every: 1, Burst: 1}})
	require.Equal(t, ErrLimit, err)
	for _, l := range []Limit{{Every: 1}, {Burst: 1}, {Every: 1<<40 + 1, Burst: 1}, {Every: 1 << 40, Burst: 1<<12 + 1}} {
		_, err = h.Derive(0, root, 1, Derivation{To: 1, Limit: l})
		require.Equal(t, ErrLimit, err, "%+v", l)
	}
	uses := func() (n1 int) {
		for i := range 10 {
			if h.Check([]Name{n, m}[i%2], 1, page0, Read) == nil {
				n1++
			}
		}
		return
	}
	require.Equal(t, ErrKind, h.Check(n, 1, torn, 0))
	require.Equal(t, 3, uses(), "the burst, together")
	require.Equal(t, ErrRate, h.Check(n, 1, page0, 0))
	h.now += 6400
	require.Equal(t, 1, uses())
	h.now += 6300
	require.Zero(t, uses())
	h.now += 100
	require.Equal(t, 1, uses())
	h.now += 2 * 6400
	require.Equal(t, 2, uses())
	h.now += 1 << 40
	require.Equal(t, 3, uses(), "no more than the burst, however long it has been")
	for i := range 10 { // all along: no more than the burst and one for each interval
		h.now += 3200
		require.LessOrEqual(t, uses(), 1, i)
	}
	_, err = h.Delete(0, root, 1, 0, 10)
	require.NoError(t, err)
	h.allBack(t)
}

func TestTable_G8_Grows(t *testing.T) {
	h := newHost(1)
	root := h.root(1)
	const n = 5000
	var names []Name
	where := map[Name]*record{}
	for range n {
		m := h.mustChild(root, 1)
		names = append(names, m)
		where[m] = h.caps.find(m.slot())
	}
	for _, m := range names {
		require.True(t, h.finds(m, 1))
		require.Same(t, where[m], h.caps.find(m.slot()))
	}
	require.EqualValues(t, (n+2+perChunk-1)/perChunk*perChunk, h.caps.slots())
	_, err := h.Delete(0, root, 1, 0, 3*n)
	require.NoError(t, err)
	h.allBack(t)
}

func TestTable_NoMemory(t *testing.T) {
	h := newHost(1)
	h.limit = len(h.frames)
	root := h.root(1)
	made := 0
	for {
		if _, err := h.child(0, root, 1, 0); err != nil {
			require.Equal(t, ErrNoMemory, err)
			break
		}
		made++
	}
	require.Equal(t, firstSlots-2, made)
	_, err := h.Create(0, Capability{Holder: 1, Limit: Limit{1, 1}})
	require.Equal(t, ErrNoMemory, err)
	_, err = h.Delete(0, root, 1, 0, 3*made)
	require.NoError(t, err)
	h.allBack(t)
	_, err = h.Create(0, Capability{Holder: 1, Limit: Limit{1, 1}})
	require.Equal(t, ErrNoMemory, err)
	h.limit += 2
	_, err = h.Create(0, Capability{Holder: 1, Limit: Limit{1, 1}})
	require.NoError(t, err)
}

func TestTable_G9_Transfer(t *testing.T) {
	h := newHost(1)
	n := h.root(1)
	m := h.mustChild(n, 1)
	require.NoError(t, h.Transfer(n, 1, 2))
	require.False(t, h.finds(n, 1))
	require.True(t, h.finds(n, 2))
	require.True(t, h.finds(m, 1), "what is below stays")
	require.Equal(t, ErrNone, h.Transfer(n, 1, 2))
	require.Equal(t, ErrHolder, h.Transfer(n, 2, Nobody))
	_, err := h.Revoke(0, n, 2, 0, 10)
	require.NoError(t, err)
	require.False(t, h.finds(m, 1))
}

func TestTable_HeldAndDrop(t *testing.T) {
	h := newHost(1)
	root := h.root(1)
	want := map[Name]bool{}
	for i := range 1000 {
		n, err := h.Derive(0, root, 1, Derivation{To: Holder(2 + i%3), Rights: Read})
		require.NoError(t, err)
		if i%3 == 1 {
			want[n] = true
		}
	}
	got := map[Name]bool{}
	var names [10]Name
	for next, calls := uint32(0), 0; ; calls++ {
		var n int
		n, next = h.Held(3, next, names[:], 50)
		for _, m := range names[:n] {
			require.False(t, got[m])
			got[m] = true
		}
		if next == 0 {
			require.GreaterOrEqual(t, calls, 1000/50)
			break
		}
	}
	require.Equal(t, want, got)
	n, _ := h.Held(Nobody, 0, names[:], 1<<20)
	require.Zero(t, n)
	for slot, at := h.Drop(0, 3, 0, 0, 7); slot != 0; {
		slot, at = h.Drop(0, 3, slot, at, 7)
	}
	for m := range want {
		require.False(t, h.finds(m, 3))
	}
	n, _ = h.Held(2, 0, names[:], 1<<20)
	require.Equal(t, len(names), n)
	slot, _ := h.Drop(0, 1, 0, 0, 1<<20)
	require.Zero(t, slot, "and with the root all others")
	h.allBack(t)
}

func TestTable_CheckAll(t *testing.T) {
	h := newHost(1)
	root := h.root(1)
	var names []Name
	for range 10 {
		names = append(names, h.mustChild(root, 1))
	}
	n, err := h.CheckAll(names, 1, page0, Read)
	require.NoError(t, err)
	require.Equal(t, 10, n)
	_, err = h.Delete(0, names[4], 1, 0, 10)
	require.NoError(t, err)
	n, err = h.CheckAll(names, 1, page0, Read)
	require.Equal(t, ErrNone, err)
	require.Equal(t, 4, n)
}

func TestTable_Inspect(t *testing.T) {
	h := newHost(1)
	root := h.root(1)
	n := h.mustChild(root, 1)
	info, err := h.Inspect(root, 1)
	require.NoError(t, err)
	require.Equal(t, Info{Kind: page0, Rights: AllRights, Object: Object{100, 50}}, info)
	info, err = h.Inspect(n, 1)
	require.NoError(t, err)
	require.True(t, info.Derived)
	_, err = h.Inspect(n, 2)
	require.Equal(t, ErrNone, err)
}
