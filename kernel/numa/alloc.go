package numa

import (
	"exo/kernel/mm"
	"exo/kernel/sync/atom"
)

// alloc.go: frames by policy, over mm.Frames, which knows nodes but no distances.
//
//	             Alloc  AllocHuge  AllocRun  SetDefault  Stats       X: callers exclude each other; -: may run together
//	Alloc…        own      own       own         -         -         own: different CPUs may, one CPU one at a time
//	SetDefault     -        -         -          -         -
//	Stats          -        -         -          -         -
//
// G1. The frame is on the first node, in the order of its policy, that had one when it was asked: a local call spills only
// when the CPU's node is full, and then goes by distance. Full is what mm.Frames calls so (its G4).
// G2. Under Bind and Interleave the frame is on a node of the set, or there is no frame.
// G3. Of k·n calls in a row under one Interleave policy, with n nodes of the set that have memory, each begins at its node k
// times, whichever CPUs call. So each node gives exactly k, unless one was full or cannot be reached: then the next in the
// set gives instead.
// G4. A CPU gets no frame on a node that it cannot reach, and Preferred does not spill to what its node cannot reach.
// Nodes without memory are passed over; nodes without CPUs are like any other.
// G5. The statistics are exact: when no call is under way they say where the frames came from.
// G6. A call that fails changes nothing but the count of failures, and takes its turn if it is interleaved.
//
// Progress: lock-free, as mm.Frames. Callers: any CPU, preemption off; not interrupt handlers. Memory: none of its own.
// Not promised: that counting scales. The CPUs of one task write the same words; who minds gives each its own TaskPolicy.

// Allocator gives out the frames of a machine by policy. Init it once, when all memory was added.
type Allocator struct {
	top    *Topology
	frames *mm.Frames
	memory NodeSet               // nodes that have frames
	usable [MaxNodes]NodeSet     // of these, the ones that a CPU of the node can reach
	near   [MaxCPUs]*mm.FrameCPU // of each CPU, the reservation on its own node; nil if that has no frames
}

// Init ties the nodes of a topology to those of frames, which have the same numbers.
func (a *Allocator) Init(t *Topology, f *mm.Frames) {
	*a = Allocator{top: t, frames: f}
	for n := range Node(t.nodes) {
		if f.Total(int(n)) > 0 {
			a.memory |= n.Set()
		}
	}
	for from := range Node(t.nodes) {
		for n := range Node(t.nodes) {
			if a.memory.Has(n) && t.Distance(from, n) != Unreachable {
				a.usable[from] |= n.Set()
			}
		}
	}
	for cpu := range a.near {
		if home := t.NodeOf(CPU(cpu)); a.usable[home].Has(home) {
			a.near[cpu] = f.CPU(cpu, int(home))
		}
	}
}

// TaskPolicy is the policy of a task, or of a region of its memory, and the record of what came of it. The zero TaskPolicy
// is ready, and local.
type TaskPolicy struct {
	policy    atom.Uint64 // the default Policy's word
	turns     atom.Uint64 // taken under the default policy
	callTurns atom.Uint64 // taken under policies of single calls

	got     [MaxNodes]atom.Uint64 // see Stats
	spilled [MaxNodes]atom.Uint64
	local   atom.Uint64
	failed  atom.Uint64
}

// SetDefault makes p the policy of the task's later calls.
func (t *TaskPolicy) SetDefault(p Policy) { t.policy.Store(p.word) }

// Stats tells what came of a task's calls. All but Failed count frames: 512 for 2 MiB.
type Stats struct {
	Got     [MaxNodes]uint64 // given by the node
	Spilled [MaxNodes]uint64 // asked of the node first, and given by another because it was full
	Local   uint64           // given by the node of the CPU that called
	Remote  uint64           // given by another
	Failed  uint64           // calls that got nothing, for there was no memory
}

// Stats returns the counts: each is right by itself, all together when no call is under way.
func (t *TaskPolicy) Stats() (s Stats) {
	all := uint64(0)
	s.Local = t.local.Load() // first: there are never more of them than all
	for n := range t.got {
		s.Got[n] = t.got[n].Load()
		s.Spilled[n] = t.spilled[n].Load()
		all += s.Got[n]
	}
	s.Remote = all - s.Local
	s.Failed = t.failed.Load()
	return s
}

// Call is what one call of the allocator goes by: a policy, and the task it counts for.
type Call struct {
	task   *TaskPolicy
	policy Policy
	turns  *atom.Uint64
}

// Default is a call under the task's own policy.
func (t *TaskPolicy) Default() Call {
	return Call{t, Policy{t.policy.Load()}, &t.turns} // order: none, the word stands for itself
}

// With is a call under p instead. Interleaved ones take turns apart from those of the default policy.
func (t *TaskPolicy) With(p Policy) Call { return Call{t, p, &t.callTurns} }

// Policy is what the call goes by.
func (c Call) Policy() Policy { return c.policy }

// Alloc returns a frame for kind and owner, with one reference, or mm.ErrNoMemory.
func (a *Allocator) Alloc(cpu CPU, c Call, kind mm.FrameKind, owner mm.Owner) (mm.Frame, error) {
	if near := a.near[cpu]; near != nil && c.policy == (Policy{}) { // alloc would begin with that, too
		if f, err := near.Alloc(kind, owner); err == nil {
			home := a.top.NodeOf(cpu)
			c.task.count(home, home, home, 1)
			return f, nil
		}
	}
	return a.alloc(cpu, c, request{1, 1, kind, owner})
}

// AllocHuge returns the first frame of 2 MiB. It would rather spill than say that there is no such piece.
func (a *Allocator) AllocHuge(cpu CPU, c Call, kind mm.FrameKind, owner mm.Owner) (mm.Frame, error) {
	return a.alloc(cpu, c, request{0, 0, kind, owner})
}

// AllocShort is AllocRun for a few frames, wherever they begin: it looks first where Alloc does.
func (a *Allocator) AllocShort(cpu CPU, c Call, n int, kind mm.FrameKind, owner mm.Owner) (mm.Frame, error) {
	if near := a.near[cpu]; near != nil && c.policy == (Policy{}) {
		if f, err := near.AllocShort(n, kind, owner); err == nil {
			home := a.top.NodeOf(cpu)
			c.task.count(home, home, home, uint64(n))
			return f, nil
		}
	}
	return a.AllocRun(cpu, c, n, 1, kind, owner)
}

// AllocRun returns the first of n frames in a row, of one node, as mm.Frames.AllocRun does.
func (a *Allocator) AllocRun(cpu CPU, c Call, n, align int, kind mm.FrameKind, owner mm.Owner) (mm.Frame, error) {
	if n < 1 || n > mm.HugeFrames || align < 1 || align > mm.HugeFrames || align&(align-1) != 0 {
		return 0, mm.ErrRunLength // before it takes a turn
	}
	return a.alloc(cpu, c, request{n, align, kind, owner})
}

// request is what is wanted, wherever it comes from. n is 0 for 2 MiB.
type request struct {
	n, align int
	kind     mm.FrameKind
	owner    mm.Owner
}

// from asks one node.
func (r request) from(f *mm.Frames, cpu CPU, n Node) (mm.Frame, error) {
	switch {
	case r.n == 0:
		return f.AllocHuge(int(cpu), int(n), r.kind, r.owner)
	case r.n == 1 && r.align == 1:
		return f.Alloc(int(cpu), int(n), r.kind, r.owner)
	}
	return f.AllocRun(int(cpu), int(n), r.n, r.align, r.kind, r.owner)
}

// frames is how many frames it is.
func (r request) frames() uint64 {
	if r.n == 0 {
		return mm.HugeFrames
	}
	return uint64(r.n)
}

// alloc asks the nodes that the policy allows, one after the other.
func (a *Allocator) alloc(cpu CPU, c Call, r request) (mm.Frame, error) {
	home := a.top.NodeOf(cpu)
	may := a.usable[home]
	near := home               // whose neighbours are asked, unless the call is interleaved
	set, turn := NodeSet(0), 0 // over which nodes it is interleaved, and where it begins
	steps := a.top.nodes
	switch c.policy.Mode() {
	case ModeBind:
		may &= c.policy.Nodes()
	case ModePreferred:
		near = c.policy.Nodes().member(0)
		may &= a.usable[near]
	case ModeInterleave:
		set = c.policy.Nodes() & a.memory
		if steps = set.size(); steps > 0 {
			turn = c.takeTurn(steps)
		}
	}
	first, asked := Node(0), false
	for i := range steps {
		var n Node
		if set != 0 {
			n = set.member((turn + i) % steps)
		} else {
			n = a.top.Nearest(near, i)
		}
		if !may.Has(n) {
			continue
		}
		if !asked {
			first, asked = n, true
		}
		if f, err := r.from(a.frames, cpu, n); err != mm.ErrNoMemory {
			if err == nil {
				c.task.count(n, first, home, r.frames())
			}
			return f, err
		}
	}
	c.task.failed.Add(1)
	return 0, mm.ErrNoMemory
}

// count notes that node n gave k frames to a CPU of home, after first had been asked. The order lets Stats be read at any
// time: what is local is in got before it is in local.
func (t *TaskPolicy) count(n, first, home Node, k uint64) {
	t.got[n].Add(k)
	if n == home {
		t.local.Add(k) // order: after got; pairs with the first load in Stats
	}
	if n != first {
		t.spilled[first].Add(k)
	}
}
