package numa

import "exo/kernel/mm"

// Which nodes an allocation may come from, and in which order: the policies of Linux's set_mempolicy(2) and of numactl(8).
//
//	               tries, in this order                                        if none of them has memory
//	Policy{}       the CPU's node, then the nearest to it                      fails
//	Bind(set)      the nodes of the set, the nearest to the CPU first          fails, though others may have some
//	Preferred(n)   n, then the nearest to n                                    fails
//	Interleave(set) the node of the set whose turn it is, then the next ones   fails, though others may have some
//
// A Topology makes policies, so that none names a node that does not exist. alloc.go follows them.

// NodeSet is a set of nodes: bit i stands for node i.
type NodeSet uint64

// Set is the set of that node alone; empty for a number that no set has a bit for.
func (n Node) Set() NodeSet { return 1 << n }

// Has says whether the node is in the set.
func (s NodeSet) Has(n Node) bool { return s>>n&1 != 0 }

// Mode is the rule that a policy follows.
type Mode uint8

// The modes, in the table's order.
const (
	ModeLocal Mode = iota
	ModeBind
	ModePreferred
	ModeInterleave
)

// ErrNodes is returned for a set that is empty or has a node that does not exist.
const ErrNodes = Error("numa: the set of nodes is empty, or names a node that does not exist")

// Policy is a mode and the nodes that it is about. The zero Policy is local. It is one word, so that a task's can change
// while the task allocates.
//
//	31     16 15  8 7    0
//	┌────────┬─────┬──────┐
//	│ nodes  │  0  │ mode │
//	└────────┴─────┴──────┘
type Policy struct{ word uint64 }

const policyNodes = 16 // shift

// A policy has a bit for each node, and the allocator of frames has the same limit.
const (
	_ = uint(64 - policyNodes - MaxNodes)
	_ = uint(mm.MaxNodes - MaxNodes)
)

// Mode is the rule.
func (p Policy) Mode() Mode { return Mode(p.word) }

// Nodes is the set that the policy is about: of Preferred the one node, of a local one none.
func (p Policy) Nodes() NodeSet { return NodeSet(p.word >> policyNodes) }

func (t *Topology) policy(m Mode, set NodeSet) (Policy, error) {
	if set == 0 || set>>t.nodes != 0 {
		return Policy{}, ErrNodes
	}
	return Policy{uint64(m) | uint64(set)<<policyNodes}, nil
}

// Bind allows the nodes of the set and no others.
func (t *Topology) Bind(set NodeSet) (Policy, error) { return t.policy(ModeBind, set) }

// Preferred wants memory on n, or else as near to n as can be.
func (t *Topology) Preferred(n Node) (Policy, error) { return t.policy(ModePreferred, n.Set()) }

// Interleave spreads memory evenly over the nodes of the set.
func (t *Topology) Interleave(set NodeSet) (Policy, error) { return t.policy(ModeInterleave, set) }
