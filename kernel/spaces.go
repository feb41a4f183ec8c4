//go:build exokernel

package main

import (
	"exo/arch/amd64"
	envs "exo/kernel/env"
	"exo/kernel/mm"
	"exo/kernel/mm/paging"
	"exo/kernel/numa"
	"exo/kernel/sync"
)

// Address spaces of ring 3: kernel/mm/paging on this machine.
//
// A space's tables are changed under its lock, with interrupts on and preemption off. A shootdown waits for other CPUs, so it
// is sent with interrupts on too, and may be sent under that lock: who waits for it takes interrupts, or serves in relax.

// tlbs is all CPUs' part in the shootdown.
var (
	tlbs    paging.TLBs
	tlbCPUs [amd64.MaxCPUs]paging.CPU
)

const vectorShoot = 0xF3

// spacesReady says that tlbs can be served.
var spacesReady bool

// userMemory is the direct map, through which tables are changed.
var userMemory = paging.Memory{}

func startSpaces() {
	userMemory.Base = amd64.Pointer(amd64.DirectMap)
	// Devices above all memory get their addresses within the next 512 GiB, or, from firmware that likes it, the terabyte.
	amd64.SealKernelTable(min(amd64.PhysAddr(maxPhys()), 2<<40))
	paging.UseNX(amd64.CPUFeatures.NX)
	pcids := 0
	if amd64.CPUFeatures.PCID {
		pcids = paging.MaxPCID
	}
	tlbs.Init(tlbCPUs[:ncpu], tlbMachine{}, kernelRoot(), pcids)
	amd64.Handle(vectorShoot, func(*amd64.Frame) { tlbs.Serve(here().cpu) })
	for i := range ncpu {
		localOf(amd64.CPUByIndex(i)).tlb = tlbs.CPU(i)
	}
	spacesReady = true
}

func kernelRoot() mm.Frame { return mm.PhysAddr(amd64.KernelTable.Root()).Frame() }

// serveShootdowns is for who waits with interrupts off.
func serveShootdowns() {
	if spacesReady {
		tlbs.Serve(here().cpu)
	}
}

// tlbMachine is the machine as the shootdown sees it.
type tlbMachine struct{}

func (tlbMachine) Interrupt(cpu int) {
	here().shot++
	amd64.SendIPI(amd64.CPUByIndex(cpu).APICID, vectorShoot)
}

func (tlbMachine) Load(_ int, root mm.Frame, pcid uint16, keep bool) {
	amd64.LoadSpace(amd64.PhysAddr(root.Addr()), pcid, keep)
}

func (tlbMachine) InvalidatePage(_ int, va uint64) { amd64.ForgetPage(uintptr(va)) }
func (tlbMachine) InvalidateAll(int)               { amd64.ForgetSpace() }

// Relax may let interrupts in, and nobody else on this CPU: requests are made in its name.
func (tlbMachine) Relax(_, spins int) {
	if this().Preemptible() {
		panic("spaces: a shootdown that another task's could come into")
	}
	machine.Relax(spins)
}

// tableAccount is who pays for a space's tables: so many frames, by a policy.
type tableAccount struct {
	policy *numa.TaskPolicy
	owner  mm.Owner    // as the frames' Info has it
	limit  int         // frames
	used   int         // touched under the space's lock, or by who destroys it
	quota  *envs.Quota // of the environment whose space it is, nil: of none
}

func (a *tableAccount) Get() (mm.Frame, bool) {
	f, _, ok := a.get(nil)
	return f, ok
}

func (a *tableAccount) GetRoot() (f mm.Frame, filled, ok bool) { return a.get(&here().roots) }

// get takes a frame out of a stock, or if that has none, or nil is said, another one of zeroes.
func (a *tableAccount) get(from *tableStock) (f mm.Frame, kept, ok bool) {
	if a.used == a.limit || a.quota != nil && !a.quota.Take(1) {
		return 0, false, false
	}
	me := here()
	if policy := a.policy.Default(); policy.Policy() == (numa.Policy{}) {
		if from != nil {
			f = from.take()
			kept = f != 0
		}
		if f == 0 {
			f = me.tables.take()
		}
	}
	if f != 0 {
		frames.Relabel(f, me.kernelFrame.As(mm.Table, a.owner))
	} else {
		var err error
		if f, err = memory.Alloc(numa.CPU(me.cpu), a.policy.Default(), mm.Table, a.owner); err != nil {
			if a.quota != nil {
				a.quota.Give(1)
			}
			return 0, false, false
		}
		amd64.ClearFrames(amd64.PhysAddr(f.Addr()), 1)
	}
	a.used++
	return f, kept, true
}

func (a *tableAccount) Put(f mm.Frame) { a.put(f, &here().tables, keptTables) }

func (a *tableAccount) PutRoot(f mm.Frame) { a.put(f, &here().roots, keptRoots) }

func (a *tableAccount) put(f mm.Frame, to *tableStock, most int) {
	me := here()
	i := frames.Info(f)
	if i.Kind() != mm.Table || i.Owner() != a.owner || i.Refs() != 1 {
		panic("spaces: a table's frame is not its space's")
	}
	frames.Relabel(f, i.As(mm.Kernel, 0)) // first: whoever drains the stock may give it away at once
	if i.Node() != me.node || !to.put(f, most) {
		frames.Free(me.cpu, f)
	}
	a.used--
	if a.quota != nil {
		a.quota.Give(1)
	}
}

// Retire may give the frame away at once: no CPU's walker reaches it, and Lookup is called under the lock.
func (a *tableAccount) Retire(f mm.Frame) { a.Put(f) }

// space is an address space with its lock. Init it before use; it stays where it is.
type space struct {
	paging.Space
	lock    sync.Spinlock
	account tableAccount
}

// init makes an empty space whose tables, at most limit, account pays for. Error: paging.ErrTables.
func (s *space) init(account tableAccount, locals []paging.Local) error {
	s.lock.Init(sync.ClassSpace)
	s.account = account
	c := preemptOff()
	defer c.PreemptEnable()
	return s.Space.Init(userMemory, &s.account, kernelRoot(), locals)
}

// hold takes the space's lock for a task with interrupts on.
func (s *space) hold() *sync.Context {
	if amd64.InterruptsOff() {
		panic("spaces: a space is changed with interrupts off; then its holder may wait for this CPU, and this CPU for it")
	}
	c := this()
	s.lock.Lock(c)
	return c
}

func (s *space) mapPage(va uint64, f mm.Frame, size paging.Size, perm paging.Perm) error {
	c := s.hold()
	err := s.Map(va, f, size, perm)
	s.lock.Unlock(c)
	return err
}

// unmapPage takes the page away; it is gone once the batch was shot.
func (s *space) unmapPage(va uint64, size paging.Size, b *paging.Batch) (paging.Entry, error) {
	c := s.hold()
	old, err := s.Unmap(va, size, b)
	s.lock.Unlock(c)
	return old, err
}

// protectPage changes what the page permits; what is taken away is gone once the batch was shot.
func (s *space) protectPage(va uint64, size paging.Size, perm paging.Perm, b *paging.Batch) (paging.Entry, error) {
	c := s.hold()
	old, err := s.Protect(va, size, perm, b)
	s.lock.Unlock(c)
	return old, err
}

// shoot returns when no CPU can reach, through s, what is in the batch; then it tells the frames. Tasks with interrupts on.
func (s *space) shoot(b *paging.Batch, released func(mm.Frame, paging.Size)) {
	if amd64.InterruptsOff() {
		panic("spaces: a shootdown with interrupts off")
	}
	c := preemptOff()
	flags := amd64.IRQDisable()
	tlbs.Shoot(c.CPU, &s.Space, b, released)
	amd64.IRQRestore(flags)
	c.PreemptEnable()
}

// destroy takes all pages away, at most steps entries at a time, and then the tables. Nothing runs in the space.
func (s *space) destroy(steps int, fn func(paging.Mapping)) (done bool, err error) {
	if s.InUse() { // lazily
		c := preemptOff()
		b := &here().batch
		b.All()
		s.shoot(b, nil)
		c.PreemptEnable()
	}
	c := s.hold()
	done, err = s.Destroy(steps, fn)
	s.lock.Unlock(c)
	return done, err
}

// enter has this CPU, whose task stays on it, run in s.
func enter(s *space) {
	flags := amd64.IRQDisable()
	tlbs.Enter(here().cpu, &s.Space)
	amd64.IRQRestore(flags)
}

// leave has it go on without a space; s stays loaded until it is shot at or another is entered.
func leave() {
	flags := amd64.IRQDisable()
	tlbs.Leave(here().cpu)
	amd64.IRQRestore(flags)
}

// drop has it forget the space at once.
func drop() {
	flags := amd64.IRQDisable()
	tlbs.Drop(here().cpu)
	amd64.IRQRestore(flags)
}
