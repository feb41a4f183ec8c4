//go:build exouser

package proc

import (
	"cmp"
	"slices"

	"exo/kernel/abi"
	"exo/libos/file"
	"exo/libos/heap"
	"exo/libos/mem"
	"exo/libos/startpage"
	"exo/libos/sys"
	"exo/libos/wait"
)

// ID is a process: the number of its environment, not used twice.
type ID uint64

// Attr says how a program is to be started; the zero value: with the descriptors 0 to 2 of the caller.
type Attr struct {
	Files  []file.FD       // become its 0, 1, 2, …; -1: none; nil: 0 to 2 as they are
	Env    []string        // NAME=VALUE; nil: the caller's
	Frames uint64          // what it may use at most, in 4 KiB; 0: Part of what the caller has left
	Caps   uint64          // capabilities; likewise
	Part   Part            // of what is left; 0: a quarter
	CPUs   uint64          // a bit for each CPU that its first thread may run on; 0: all
	Weight uint64          // its share of a CPU; 0: as usual
	Memory Memory          // where its memory is to be
	Give   []startpage.Cap // capabilities that it gets besides: Value are the rights
	// Control says that it may end any process that the caller may (EndAny).
	Control bool
}

// Memory says where frames are to come from: from near the CPU that asks, 0, or from a node.
type Memory uint64

// OnNode is memory of a node.
func OnNode(node int) Memory { return Memory(node + 1) }

// States of a process, in Info.
const (
	Running   = "running"
	Suspended = "stopped"
	Ended     = "ended"
)

// Info is what ps shows of a process.
type Info struct {
	ID, Parent                        ID
	Name                              string
	State                             string
	Status                            int64
	Threads, Frames, FrameLimit, Caps uint64
	Faults, Calls, RanNs              uint64
}

// child is a process that the caller has started and not yet waited for.
type child struct {
	id      ID
	env     sys.Cap
	forked  bool
	watched bool     // wait.Own is rung when it ends
	pipes   []uint64 // where those are that it has ends of
}

const maxChildren = 256

// children are in order of their start. The lock guards them. The first ones lie here: so who forks has not just written to the heap,
// which is copied for that.
var children struct {
	lock mem.Lock
	n    int
	all  []child
	few  [8]child
}

func find(id ID) (c child, ok bool) {
	g := &children
	g.lock.Lock()
	defer g.lock.Unlock()
	for i := range g.n {
		if g.all[i].id == id {
			return g.all[i], true
		}
	}
	return child{}, false
}

func add(c child) {
	g := &children
	g.lock.Lock()
	if g.all == nil {
		g.all = g.few[:0]
	}
	if g.n == cap(g.all) {
		heap.Keep()
	}
	g.all = append(g.all[:g.n], c)
	g.n++
	g.lock.Unlock()
}

func full() bool { return children.n == maxChildren }

// remove takes a child out of the list: who does that forgets it. false: another thread has.
func remove(id ID) bool {
	g := &children
	g.lock.Lock()
	defer g.lock.Unlock()
	for i := range g.n {
		if g.all[i].id == id {
			copy(g.all[i:g.n], g.all[i+1:g.n])
			g.n--
			g.all[g.n] = child{}
			return true
		}
	}
	return false
}

// Part is a part of something, in 1/65536.
type Part uint64

// Whole is all of it.
const Whole Part = 1 << 16

// usualPart is the part of what the caller has left that a child may use, if nothing is said.
const usualPart = uint64(Whole / 4)

// What making a child takes of the caller's own, for a while: its variables, stack, tables.
const (
	spareFrames = 56
	spareCaps   = 16
)

// quotas are what a child may use, as EnvCreate takes it: what it is to, or a part of what is left.
func quotas(a *Attr) (frames, caps, flags uint64) {
	frames, caps = a.Frames, a.Caps
	switch {
	case frames != 0 && caps != 0:
		return frames, caps, 0
	case frames == 0 && caps == 0 && a.Part == 0:
		return usualPart, usualPart, abi.EnvPart
	}
	part := a.Part
	if part == 0 {
		part = Part(usualPart)
	}
	leftFrames, leftCaps := Left()
	of := func(left, spare uint64) uint64 {
		n := left * uint64(min(part, Whole)) / uint64(Whole)
		if n+spare > left {
			n = left - min(left*3/4, spare)
		}
		return max(n, 1)
	}
	if frames == 0 {
		frames = of(leftFrames, spareFrames)
	}
	if caps == 0 {
		caps = of(leftCaps, spareCaps)
	}
	return frames, caps, 0
}

// start gives a child that is complete its thread, and notes it. If that fails, the child is given up.
func start(c *mem.Child, t *abi.ThreadStart, forked bool, pipes []uint64) abi.Errno {
	e := c.Finish()
	step(GaveState)
	if e == abi.OK {
		if t.Flags |= abi.ThreadNameless; forked {
			t.Arg = c.Own
		}
		_, e = sys.ThreadCreate(c.Env, t)
	}
	step(MadeThread)
	if e != abi.OK {
		c.Abandon()
		file.Died(c.Number, pipes)
		return e
	}
	add(child{id: ID(c.Number), env: c.Env, forked: forked, pipes: pipes})
	return abi.OK
}

// newborn is the child that is being made; who makes it has the lock.
var (
	making  mem.Lock
	newborn mem.Child
)

// look says whether a child has ended.
func (c *child) look() (ended bool, status int64, err error) {
	var info abi.EnvInfo
	if e := sys.EnvInspect(c.env, &info); e != abi.OK {
		return false, 0, e
	}
	return info.State == abi.EnvEnded, info.Status, nil
}

// forget gives back what the caller had of a child that has ended.
func (c *child) forget() bool {
	sys.EnvDestroy(c.env)
	return c.gone()
}

// gone notes that a child is no more; false: somebody else has.
func (c *child) gone() bool {
	if !remove(c.id) {
		return false
	}
	if c.forked {
		mem.Forgotten()
	}
	file.Died(uint64(c.id), c.pipes)
	return true
}

// Poll is Wait that does not wait: ended says whether it has; only then is it forgotten.
func Poll(id ID) (ended bool, status int64, err error) {
	c, ok := find(id)
	if !ok {
		return false, 0, ErrNoChild
	}
	if ended, status, err = c.look(); ended && err == nil && !c.forget() {
		return false, 0, ErrNoChild
	}
	return ended, status, err
}

// watch has the bell rung when a child ends, 0: any.
func watch(id ID) {
	g := &children
	g.lock.Lock()
	defer g.lock.Unlock()
	for i := range g.n {
		if c := &g.all[i]; (id == 0 || c.id == id) && !c.watched {
			c.watched = wait.Own() != 0 && sys.EnvWatch(c.env, wait.Own(), wait.BitChild) == abi.OK
		}
	}
}

// WaitInfo is Wait that tells what the child has used.
func WaitInfo(id ID) (Info, error) {
	for try := uint64(1); ; try++ {
		if try == wait.Tries+1 {
			watch(id)
		}
		c, ok := find(id)
		if !ok {
			return Info{}, ErrNoChild
		}
		var info abi.EnvInfo
		if e := sys.EnvInspect(c.env, &info); e != abi.OK {
			return Info{}, e
		}
		if info.State == abi.EnvEnded {
			_, err := Wait(id)
			return infoOf(&info), err
		}
		wait.For(try, wait.Own(), wait.BitChild)
	}
}

// Left is what of its quotas the caller does not use.
func Left() (frames, caps uint64) {
	var info abi.EnvInfo
	if sys.EnvInspect(0, &info) != abi.OK {
		return 0, 0
	}
	return info.FrameLimit - min(info.Frames, info.FrameLimit), info.CapLimit - min(info.Caps, info.CapLimit)
}

// Watch has wait.Own rung, by wait.BitChild, when any child ends that there is now.
func Watch() { watch(0) }

// Wait waits until a child has ended, forgets it, and returns its status: of Exit, 2 if it panicked, below 0 if it was killed
// or faulted (abi.StatusKilled, StatusFault).
func Wait(id ID) (status int64, err error) {
	c, ok := find(id)
	if !ok {
		return 0, ErrNoChild
	}
	for {
		status, e := sys.EnvAwait(c.env, abi.Forever, true)
		switch {
		case e == abi.Interrupted:
		case e == abi.BadCap: // another thread has waited for it
			return 0, ErrNoChild
		case e != abi.OK:
			return 0, e
		case !c.gone():
			return 0, ErrNoChild
		default:
			return status, nil
		}
	}
}

// WaitAny waits for whichever child ends first. ErrNoChild: there is none.
func WaitAny() (id ID, status int64, err error) {
	for try := uint64(1); ; try++ {
		if try > wait.Tries {
			watch(0)
		}
		if id, status, err = PollAny(); id != 0 || err != nil {
			return id, status, err
		}
		wait.For(try, wait.Own(), wait.BitChild)
	}
}

// PollAny is WaitAny that does not wait: 0, none has ended.
func PollAny() (id ID, status int64, err error) {
	g := &children
	if g.n == 0 {
		return 0, 0, ErrNoChild
	}
	for i := 0; i < g.n; i++ {
		id := g.all[i].id
		if ended, status, err := Poll(id); ended && err == nil {
			return id, status, nil
		}
	}
	return 0, 0, nil
}

// Kill ends a child. Its status is abi.StatusKilled.
func Kill(id ID) error {
	if id == Self() {
		sys.EnvDestroy(0)
	}
	c, ok := find(id)
	if !ok {
		return ErrNoChild
	}
	// The capability would go with EnvDestroy; from one that is derived it does not.
	d, e := sys.CapDerive(c.env, abi.RightDelete, 0, nil)
	if e == abi.OK {
		e = sys.EnvDestroy(d)
		sys.CapDelete(d)
	}
	return errorOf(e)
}

// Stop suspends a child.
func Stop(id ID) error { return with(id, sys.EnvSuspend) }

// Continue lets it go on.
func Continue(id ID) error { return with(id, sys.EnvResume) }

func with(id ID, call func(env sys.Cap) abi.Errno) error {
	c, ok := find(id)
	if !ok {
		return ErrNoChild
	}
	return errorOf(call(c.env))
}

func errorOf(e abi.Errno) error {
	if e == abi.OK {
		return nil
	}
	return e
}

// Exit ends the caller.
func Exit(status int) {
	if sys.Closing != nil {
		sys.Closing()
	}
	for {
		sys.EnvExit(int64(status))
	}
}

// Self is the caller.
func Self() ID {
	if n := sys.Start().Self; n != 0 {
		return ID(n)
	}
	var info abi.EnvInfo
	sys.EnvInspect(0, &info)
	sys.Start().Self = info.Number
	return ID(info.Number)
}

// Parent is who started it, 0: the kernel.
func Parent() ID { return ID(sys.Start().Parent) }

// List tells about all processes that the caller may know of: itself, and its children.
func List() []Info {
	list := []Info{}
	var info abi.EnvInfo
	if sys.EnvInspect(0, &info) == abi.OK {
		list = append(list, infoOf(&info))
	}
	g := &children
	for i := 0; i < g.n; i++ {
		if sys.EnvInspect(g.all[i].env, &info) == abi.OK {
			list = append(list, infoOf(&info))
		}
	}
	return list
}

// root is an environment below which the caller may look: the initial one, or its own.
func root() sys.Cap { return sys.StartCap(startpage.RoleEnv, 0) }

// All tells about all processes, in order of their numbers; programs that were started without the right to, of their own.
func All() []Info {
	list := []Info{}
	var info abi.EnvInfo
	for from := uint64(0); ; {
		next, e := sys.EnvNext(root(), from, &info)
		if e != abi.OK || next == 0 {
			break
		}
		from = next
		list = append(list, infoOf(&info))
	}
	slices.SortFunc(list, func(a, b Info) int { return cmp.Compare(a.ID, b.ID) })
	return list
}

// EndAny ends a process that need not be a child; the caller must have been started with Control.
func EndAny(id ID) error {
	if _, ok := find(id); ok || id == Self() {
		return Kill(id)
	}
	c, e := sys.CapDerive(root(), abi.RightDelete, 0, &abi.Object{First: uint64(id)})
	switch e {
	case abi.OK:
	case abi.BadArgument:
		return ErrNoProcess
	default:
		return e
	}
	e = sys.EnvDestroy(c)
	sys.CapDelete(c)
	return errorOf(e)
}

func infoOf(e *abi.EnvInfo) Info {
	n := 0
	for n < len(e.Name) && e.Name[n] != 0 {
		n++
	}
	i := Info{
		ID: ID(e.Number), Parent: ID(e.Parent), Name: string(e.Name[:n]), State: Running, Status: e.Status,
		Threads: e.Threads, Frames: e.Frames, FrameLimit: e.FrameLimit, Caps: e.Caps, Faults: e.Faults, Calls: e.Calls, RanNs: e.RanNs,
	}
	switch e.State {
	case abi.EnvSuspended:
		i.State = Suspended
	case abi.EnvEnded:
		i.State = Ended
	}
	return i
}

// Args are the program's arguments; the first is its name.
func Args() []string { return list(sys.Args()) }

// inFolder are settings, PWD among them, if that is not the root.
func inFolder(env []string, folder string) []string {
	for i, e := range env {
		if len(e) > 4 && e[:4] == "PWD=" {
			if e[4:] == folder {
				return env
			}
			env = slices.Clone(env)
			env[i] = "PWD=" + folder
			return env
		}
	}
	if folder == "/" {
		return env
	}
	return append(slices.Clone(env), "PWD="+folder)
}

// Environ are its settings, NAME=VALUE.
func Environ() []string { return list(sys.Env()) }

func list(t sys.Texts) []string {
	all := make([]string, t.Len())
	for i := range all {
		all[i] = t.At(i)
	}
	return all
}

// Getenv returns the value of a setting, "" if there is none.
func Getenv(name string) string {
	for i := range sys.Env().Len() {
		if e := sys.Env().At(i); len(e) > len(name) && e[len(name)] == '=' && e[:len(name)] == name {
			return e[len(name)+1:]
		}
	}
	return ""
}
