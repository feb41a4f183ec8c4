// Package paging … shoot.go: which CPU runs which space, and the shootdown: the one way by which a CPU is made to forget
// what its TLB holds (Black et al., ASPLOS 1989; with a generation per space as in Linux' arch/x86/mm/tlb.c).
//
//	        Enter  Leave  Drop  Serve  Shoot        own: not twice on one CPU, different CPUs may; wait: as own, but a
//	Enter    own    own    own   own    own         Shoot that waits (in Machine.Relax) may call Serve on its CPU
//	Leave    own    own    own   own    own
//	Drop     own    own    own   own    own
//	Serve    own    own    own   own   wait
//	Shoot    own    own    own  wait    own
//
// G1. When Shoot returns no CPU uses, or will use, what its TLB held of the pages of the batch before Shoot was called; and
// frames are told, and tables retired, only then.
// G2. Shoot interrupts only CPUs that are in the space's set; one that left lazily only once, for then it drops the space.
// G3. CPUs that shoot at each other, interrupts off, do not wait for each other in a circle: who waits, serves.
// G4. A CPU that is in no space's set, or that comes to one again, sees all that was shot meanwhile: Enter forgets.
//
// Progress: Enter, Leave, Drop and Serve take a bounded number of steps (Serve: for each CPU that shoots), but for retries
// when others change the same set. Shoot waits for the CPUs in the set to take an interrupt: so for the longest time that one
// of them keeps interrupts off. What waits with interrupts off for anything that a shooter may hold, calls Serve in its loop.
// Callers: interrupts off, on the CPU given. Shoot without the space's lock, if others wait for that with interrupts off and
// do not Serve.
// Memory: per-CPU blocks given at Init; a Local per CPU in each space.
// Not promised: anything about global pages, or the kernel's upper half.
//
// Proof sketch. Who shoots has changed the entries, adds 1 to the space's generation, and then reads the set. Who enters adds
// itself to the set, and then reads the generation. Both are full fences, so either the shooter sees the CPU in the
// set and interrupts it; or the CPU sees the new generation, finds that it has not followed it, and forgets the space as
// it loads it; what it caches from then on it reads from the changed tables (G1, G4). A CPU leaves the set after it
// has loaded another root, so one that is not in the set caches nothing of the space. An interrupted CPU that is exactly
// one generation behind forgets the pages of that one; if it is further behind, it reads the generation and then forgets all,
// and has followed up to what it read: requests of several shooters may come in any order. Its acknowledgement comes after
// it has forgotten. The shooter's words are its own until the last acknowledgement: nobody else can shoot in its name.
package paging

import (
	"math/bits"
	"unsafe"

	"exo/kernel/mm"
	"exo/kernel/sync/atom"
)

// MaxCPUs is how many CPUs there can be: a set of them is one word.
const MaxCPUs = 64

// Machine is what this package needs of the CPU that it runs on, whose number is cpu; and of others.
type Machine interface {
	// Interrupt has another CPU call Serve soon.
	Interrupt(cpu int)
	// Load loads CR3. keep: the TLB keeps what it holds under that PCID; else it forgets it.
	Load(cpu int, root mm.Frame, pcid uint16, keep bool)
	// InvalidatePage has the TLB forget the page that covers va, and all it knows of tables, under the PCID in use (INVLPG).
	InvalidatePage(cpu int, va uint64)
	// InvalidateAll has it forget all that is under the PCID in use.
	InvalidateAll(cpu int)
	// Relax is called each time round a loop that waits for other CPUs, with how often it has been called in this wait.
	Relax(cpu, spins int)
}

// Space is a page table and who runs it. Init it before use.
type Space struct {
	Table
	locals     []Local
	generation atom.Uint64 // how often it was shot
	_          [56]byte
	set        atom.Uint64 // the CPUs that have it loaded
	_          [56]byte
}

// Local is one CPU's view of a space, touched by that CPU only.
type Local struct {
	followed uint64 // the generation up to which the CPU's TLB has forgotten
	round    uint64 // pcid was given in this one
	pcid     uint16
	_        [46]byte
}

// Init makes an empty space with its table; locals has one for each CPU. Error: ErrTables.
func (s *Space) Init(memory Memory, frames Frames, kernelRoot mm.Frame, locals []Local) error {
	if err := s.Table.Init(memory, frames, kernelRoot); err != nil {
		return err
	}
	s.locals = locals
	clear(locals)
	s.generation.Store(0)
	s.set.Store(0)
	return nil
}

// InUse says whether a CPU has the space loaded. When its threads are gone, shooting a batch with All ends that.
func (s *Space) InUse() bool { return s.set.Load() != 0 }

// Destroy is Table.Destroy, refused with ErrInUse as long as a CPU has the space loaded.
func (s *Space) Destroy(steps int, fn func(Mapping)) (done bool, err error) {
	if s.InUse() {
		return false, ErrInUse
	}
	return s.Table.Destroy(steps, fn), nil
}

// join adds a CPU, by its bit, to the set, and part takes it out again: of a space that it has loaded it is in.
func (s *Space) join(bit uint64) { s.set.Or(bit) }
func (s *Space) part(bit uint64) { s.set.Add(-bit) }

// TLBs is all CPUs' part in this. The kernel has one. Init it before use.
type TLBs struct {
	cpus       []CPU
	machine    Machine
	kernelRoot mm.Frame
}

// CPU is one CPU's part.
type CPU struct {
	mailbox atom.Uint64 // the CPUs whose request it has not served yet; anybody adds itself
	_       [56]byte
	missing atom.Int64 // acknowledgements that its own request still lacks; others subtract
	_       [56]byte

	// Its own request: written by this CPU while missing is 0, read by those in whose mailbox it is.
	space      *Space
	generation uint64
	n          int // pages; more than BatchPages: all
	pages      [BatchPages]uint64

	// Touched by this CPU only.
	loaded *Space // nil: the kernel's own
	lazy   bool   // it runs nothing that needs loaded
	bit    uint64 // its own, in a set
	pcids  PCIDs
}

// Init makes all CPUs run no space. pcids is how many PCIDs the machine has beside 0: MaxPCID, or 0.
func (t *TLBs) Init(cpus []CPU, machine Machine, kernelRoot mm.Frame, pcids int) {
	if len(cpus) == 0 || len(cpus) > MaxCPUs {
		panic("paging: there are 1 to 64 CPUs")
	}
	t.cpus, t.machine, t.kernelRoot = cpus, machine, kernelRoot
	for i := range cpus {
		c := &cpus[i]
		c.mailbox.Store(0)
		c.missing.Store(0)
		c.space, c.loaded, c.lazy, c.bit = nil, nil, false, 1<<i
		c.pcids.Init(pcids)
	}
}

// Enter has the CPU run in s. If it has not run in another one since it left s, that costs nothing.
func (t *TLBs) Enter(cpu int, s *Space) {
	c := &t.cpus[cpu]
	c.lazy = false
	if c.loaded == s {
		return
	}
	s.join(c.bit)
	l, g := &s.locals[cpu], s.generation.Load() // order: after join; pairs with Shoot (G4)
	pcid, keep := c.follow(l, g)
	t.machine.Load(cpu, s.root, pcid, keep)
	if c.loaded != nil {
		c.loaded.part(c.bit) // order: after Load; nothing of it is cached from here on
	}
	c.loaded = s
}

// follow says by what PCID the CPU loads a space, the generation of which is g, and whether it keeps what it has of it.
func (c *CPU) follow(l *Local, g uint64) (pcid uint16, keep bool) {
	pcid, fresh := c.pcids.assign(l)
	keep = !fresh && l.followed == g
	l.followed = g
	return pcid, keep
}

// CPU is a CPU's part, Local its view of a space: for who calls these.
func (t *TLBs) CPU(cpu int) *CPU { return &t.cpus[cpu] }

func (s *Space) Local(cpu int) *Local {
	// SAFETY: locals has one for each CPU.
	return (*Local)(unsafe.Add(unsafe.Pointer(unsafe.SliceData(s.locals)), uintptr(cpu)*unsafe.Sizeof(Local{})))
}

// Runs says whether a CPU that runs a space, and has not left it, runs s.
func (c *CPU) Runs(s *Space) bool { return c.loaded == s }

// Change is Enter for a CPU that runs another space, but for two instructions, which the caller makes in this order: CR3 is loaded, and the
// CPU's bit is taken out of a set, the other space's.
//
//exo:inline
func (c *CPU) Change(l *Local, s *Space) (cr3 uint64, set *atom.Uint64) {
	// SAFETY: it runs a space. (So the address of a field may be computed, whose space the compiler need not look at.)
	set = (*atom.Uint64)(unsafe.Add(unsafe.Pointer(c.loaded), unsafe.Offsetof(s.set)))
	cr3 = uint64(s.root) << mm.FrameShift
	s.set.Or(c.bit)
	g := s.generation.Load() // order: as in Enter
	if c.pcids.limit != 0 {
		cr3 |= c.tag(l, g)
	}
	l.followed, c.loaded = g, s
	return cr3, set
}

// KeepTLB is the bit in a CR3 by which the TLB keeps what it has under its PCID (SDM vol. 3A §4.10.4.1).
const KeepTLB = 1 << 63

// tag is what a CR3 has beside the root.
//
//go:noinline
func (c *CPU) tag(l *Local, g uint64) (cr3 uint64) {
	pcid, keep := c.follow(l, g)
	if keep {
		return uint64(pcid) | KeepTLB
	}
	return uint64(pcid)
}

// Leave is for a CPU that goes on without a space: idle, or a task of the kernel. The space stays loaded, for Enter to find
// it; the first Shoot drops it.
func (t *TLBs) Leave(cpu int) { t.cpus[cpu].lazy = true }

// Drop has the CPU leave its space at once.
func (t *TLBs) Drop(cpu int) {
	c := &t.cpus[cpu]
	if c.loaded == nil {
		return
	}
	t.machine.Load(cpu, t.kernelRoot, 0, false)
	c.loaded.part(c.bit)
	c.loaded = nil
}

// Serve does what other CPUs ask of this one: it is what Interrupt's handler calls.
func (t *TLBs) Serve(cpu int) {
	c := &t.cpus[cpu]
	if c.mailbox.Load() == 0 {
		return
	}
	for asking := c.mailbox.Swap(0); asking != 0; asking &= asking - 1 {
		from := &t.cpus[bits.TrailingZeros64(asking)]
		t.forget(cpu, c, from)
		from.missing.Add(-1) // order: after forgetting; pairs with Shoot's load (G1)
	}
}

// forget has this CPU's TLB follow a request.
func (t *TLBs) forget(cpu int, c, from *CPU) {
	s := from.space
	if c.loaded != s {
		return // Enter will see the generation
	}
	if c.lazy {
		t.Drop(cpu)
		return
	}
	l := &s.locals[cpu]
	switch {
	case l.followed >= from.generation:
	case l.followed+1 == from.generation && from.n <= BatchPages:
		for _, va := range from.pages[:from.n] {
			t.machine.InvalidatePage(cpu, va)
		}
		l.followed = from.generation
	default:
		g := s.generation.Load() // order: before forgetting
		t.machine.InvalidateAll(cpu)
		l.followed = g
	}
}

// ShootHere is Shoot of one page, of a space that this CPU runs and no other CPU has, up to the instruction that has this CPU forget it
// (INVLPG), which is the caller's. False: Shoot is to be called. l is the CPU's view.
//
//exo:inline
func (c *CPU) ShootHere(l *Local, s *Space) bool {
	if s.set.Load() != c.bit {
		return false
	}
	g := s.generation.Add(1)   // order: as in Shoot
	if s.set.Load() != c.bit { // somebody has come
		return false
	}
	if l.followed+1 != g {
		return false
	}
	l.followed = g
	return true
}

// Shoot has all CPUs forget the batch, which belongs to s, waits until they have, gives its tables back, and tells released,
// which may be nil, its frames. The batch is then empty.
func (t *TLBs) Shoot(cpu int, s *Space, b *Batch, released func(f mm.Frame, size Size)) {
	if b.Empty() {
		return
	}
	c := &t.cpus[cpu]
	c.space, c.n = s, b.n
	if b.n <= BatchPages { // else all is forgotten
		copy(c.pages[:], b.pages[:b.n])
	}
	c.generation = s.generation.Add(1) // order: after the entries' change, before the set is read; pairs with Enter (G1)
	others := s.set.Load() &^ (1 << cpu)
	c.missing.Store(int64(bits.OnesCount64(others)))
	for m := others; m != 0; m &= m - 1 {
		to := bits.TrailingZeros64(m)
		t.cpus[to].mailbox.Or(1 << cpu) // order: publishes the request; pairs with Serve's Swap
		t.machine.Interrupt(to)
	}
	t.forget(cpu, c, c)
	for spins := 0; c.missing.Load() != 0; spins++ { // order: after it, the others have forgotten (G1)
		t.Serve(cpu)
		t.machine.Relax(cpu, spins)
	}
	b.release(&s.Table, released)
}
