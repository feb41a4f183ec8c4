//go:build explore

package sched

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"exo/kernel/sync/atom"
	"exo/kernel/sync/explore"
)

// What is in a ring, or an inbox, as a state: the tasks' slots, a byte each. Operations: p pushes the task of a slot, t takes
// the oldest, g grabs the older half, l looks how many there are, a takes all. A result is up to eight slots, a byte each.

func packed(tasks []*Task) (v uint64) {
	for i, t := range tasks {
		v |= uint64(t.slot) << (8 * i)
	}
	return v
}

func slotsOf(v uint64) (s string) {
	for ; v != 0; v >>= 8 {
		s += string([]byte{byte(v)})
	}
	return s
}

var queueModel = explore.Model{Step: func(s string, op *explore.Op) (string, bool) {
	got := slotsOf(op.Result)
	switch op.Kind {
	case 'p':
		return s + string([]byte{byte(op.Arg)}), op.OK == (s == "") // of an inbox; a ring's says so too
	case 't':
		if !op.OK {
			return s, s == ""
		}
		return strings.TrimPrefix(s, got), strings.HasPrefix(s, got) && len(got) == 1
	case 'g':
		if !op.OK {
			return s, true // somebody was faster, perhaps; play has a stricter look
		}
		return strings.TrimPrefix(s, got), strings.HasPrefix(s, got) && len(got) == min((len(s)+1)/2, 2)
	case 'l':
		return s, len(s) == int(op.Result)
	default:
		return "", s == got
	}
}}

// brokenRing replaces operations of a ring, to see that this is noticed.
type brokenRing struct {
	push func(*ring, *Task)
	take func(*ring) *Task
	grab func(*ring, []*Task) int
}

// playRing explores a ring of n words, in which some tasks are already, after it has gone round once and a half; the first
// script is the owner's.
func playRing(n, filled int, scripts string, b brokenRing) explore.Program {
	words := strings.Fields(scripts)
	return func(x *explore.Run) (threads []func(), check func() error) {
		r := new(ring)
		r.init(make([]atom.Pointer[Task], n))
		tasks := make([]Task, 16)
		x.Name("ring", r)
		next := 1
		push := func() {
			t := &tasks[next]
			t.slot = uint32(next)
			t.affinity.Store(1)
			next++
			i := x.History.Call('p', uint64(t.slot))
			if b.push != nil {
				b.push(r, t)
			} else {
				r.push(t)
			}
			x.History.Return(i, 0, false)
		}
		for range n + n/2 {
			r.push(&tasks[0])
			r.take()
		}
		for range filled {
			push()
		}
		do := func(letter byte) bool {
			if letter == 'p' {
				push()
				return true
			}
			i := x.History.Call(letter, 0)
			var to [2]*Task
			got := 0
			switch letter {
			case 't':
				if b.take != nil {
					to[0] = b.take(r)
				} else {
					to[0] = r.take()
				}
				if to[0] != nil {
					got = 1
				}
			case 'g':
				if b.grab != nil {
					got = b.grab(r, to[:])
				} else {
					got = r.grab(to[:], 1)
				}
			}
			x.History.Return(i, packed(to[:got]), got > 0)
			return got > 0
		}
		for _, script := range words {
			threads = append(threads, func() {
				for _, letter := range []byte(script) {
					do(letter)
				}
			})
		}
		return threads, func() error {
			for do('t') {
			}
			if r.len() != 0 {
				return fmt.Errorf("an empty ring has the length %d", r.len())
			}
			return x.History.Check(explore.Model{Step: func(s string, op *explore.Op) (string, bool) {
				if op.Kind == 'p' {
					return s + string([]byte{byte(op.Arg)}), true
				}
				return queueModel.Step(s, op)
			}})
		}
	}
}

var ringStages = []struct {
	n, filled   int
	scripts     string
	preemptions int
}{
	{4, 1, "pt t", 4},
	{4, 0, "pp tt", 4},
	{2, 1, "tp t", 4},
	{4, 2, "ptp tt", 3},
	{4, 3, "tpt g", 4},
	{4, 2, "pt gg", 3},
	{4, 4, "tptp g", 3}, // the grabbed positions are written again
	{2, 2, "tptp g", 4},
	{2, 2, "tptp t", 4},
	{4, 3, "tp g t", 2},
	{4, 2, "tp g g", 2},
	{2, 1, "tp t g", 2},
}

func TestExplore_Ring_G1_G2_G4(t *testing.T) {
	for _, s := range ringStages {
		t.Run(fmt.Sprintf("%d-%d+%s", s.n, s.filled, strings.ReplaceAll(s.scripts, " ", "|")), func(t *testing.T) {
			explore.Exhaustive(t, explore.Config{Preemptions: s.preemptions}, playRing(s.n, s.filled, s.scripts, brokenRing{}))
		})
	}
}

func TestExplore_Ring_Random(t *testing.T) {
	explore.PCT(t, explore.PCTConfig{Depth: 4, Runs: 5000}, playRing(4, 2, "ptptptp tgt gtg", brokenRing{}))
	explore.PCT(t, explore.PCTConfig{Depth: 4, Runs: 5000}, playRing(8, 5, "ptptptp gtgt tgtg", brokenRing{}))
}

// seen says whether the exploration of some stage notices a broken ring.
func (b brokenRing) seen() bool {
	for _, s := range ringStages {
		if _, f := explore.Find(explore.Config{Preemptions: s.preemptions}, playRing(s.n, s.filled, s.scripts, b)); f != nil {
			return true
		}
	}
	return false
}

func TestExplore_Ring_NoticesFaults(t *testing.T) {
	at := func(r *ring, position uint64) *atom.Pointer[Task] { return r.at(position & r.mask) }
	for name, b := range map[string]brokenRing{
		"tail before the entry": {push: func(r *ring, t *Task) {
			h := r.tail.Load()
			r.tail.StoreRelease(h + 1)
			at(r, h).StoreRelease(t)
		}},
		"take by a store": {take: func(r *ring) *Task {
			h := r.head.Load()
			if h == r.tail.Load() {
				return nil
			}
			t := at(r, h).Load()
			r.head.Store(h + 1)
			return t
		}},
		"the entry after the head": {take: func(r *ring) *Task {
			for {
				h := r.head.Load()
				if h == r.tail.Load() {
					return nil
				}
				if r.head.CompareAndSwap(h, h+1) {
					return at(r, h).Load()
				}
			}
		}},
		"one try": {take: func(r *ring) *Task {
			h := r.head.Load()
			if h == r.tail.Load() {
				return nil
			}
			if t := at(r, h).Load(); r.head.CompareAndSwap(h, h+1) {
				return t
			}
			return nil
		}},
		"grab by a store": {grab: func(r *ring, to []*Task) int {
			h := r.head.Load()
			n := min((r.tail.Load()-h+1)/2, 2)
			for i := range n {
				to[i] = at(r, h+i).Load()
			}
			r.head.Store(h + n)
			return int(n)
		}},
	} {
		t.Run(name, func(t *testing.T) { require.True(t, b.seen()) })
	}
}

// putAll explores an inbox: the last script is the CPU's, which takes; the others put.
func putAll(scripts string, put func(*inbox, *Task) bool) explore.Program {
	words := strings.Fields(scripts)
	return func(x *explore.Run) (threads []func(), check func() error) {
		b := new(inbox)
		tasks := make([]Task, 16)
		x.Name("inbox", b)
		next := 1
		do := func(letter byte) {
			if letter == 'p' {
				t := &tasks[next]
				t.slot = uint32(next)
				next++
				i := x.History.Call('p', uint64(t.slot))
				x.History.Return(i, 0, put(b, t))
				return
			}
			i := x.History.Call('a', 0)
			var got []*Task
			for t := b.takeAll(); t != nil; t = t.next {
				if len(got) == 8 {
					panic("the list has no end")
				}
				got = append(got, t)
			}
			x.History.Return(i, packed(got), true)
		}
		for _, script := range words {
			threads = append(threads, func() {
				for _, letter := range []byte(script) {
					do(letter)
				}
			})
		}
		return threads, func() error {
			do('a')
			return x.History.Check(queueModel)
		}
	}
}

var inboxStages = []string{"p a", "pp aa", "ppp aaa", "p p aa", "pp p aa", "p p p a"}

func TestExplore_Inbox_G1_G2_G3(t *testing.T) {
	for _, scripts := range inboxStages {
		t.Run(strings.ReplaceAll(scripts, " ", "|"), func(t *testing.T) {
			explore.Exhaustive(t, explore.Config{Preemptions: 3, Plain: true}, putAll(scripts, (*inbox).put))
		})
	}
}

func TestExplore_Inbox_NoticesFaults(t *testing.T) {
	for name, put := range map[string]func(*inbox, *Task) bool{
		"by a store": func(b *inbox, t *Task) bool {
			old := b.newest.Load()
			t.next = old
			b.newest.Store(t)
			return old == nil
		},
		"linked too late": func(b *inbox, t *Task) bool {
			old := b.newest.Swap(t)
			t.next = old
			return old == nil
		},
		"whether it was empty is asked before": func(b *inbox, t *Task) bool {
			was := b.empty()
			b.put(t)
			return was
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, scripts := range inboxStages {
				if _, f := explore.Find(explore.Config{Preemptions: 3, Plain: true}, putAll(scripts, put)); f != nil {
					return
				}
			}
			require.Fail(t, "not noticed")
		})
	}
}
