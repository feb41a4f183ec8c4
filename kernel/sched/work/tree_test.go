package work

import (
	"math/rand/v2"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"exo/internal/seeds"
)

// tree is a random tree of jobs, some forked, some spawned, some submitted, each of which writes a plain word.
type tree struct {
	t        *testing.T
	h        *host
	children [][]int
	how      []int // of each: how it is given away
	parent   []int
	wrote    []int
	runs     []atomic.Int32
	stacks   atomic.Int64 // jobs that were on top of another
}

const (
	forked = iota
	spawned
	posted
)

func newTree(t *testing.T, r *rand.Rand, h *host, n int, posts bool) *tree {
	x := &tree{t: t, h: h, children: make([][]int, n), how: make([]int, n), parent: make([]int, n), wrote: make([]int, n),
		runs: make([]atomic.Int32, n)}
	for i := 1; i < n; i++ {
		x.parent[i] = max(r.IntN(i), i-1-r.IntN(6)) // rather deep
		x.children[x.parent[i]] = append(x.children[x.parent[i]], i)
		x.how[i] = r.IntN(2)
		if posts && r.IntN(4) == 0 {
			x.how[i] = posted
		}
	}
	return x
}

// settled says whether all in the subtree that is waited for has been written; as who must see it.
func (x *tree) settled(i int) bool {
	if x.wrote[i] != i+1 {
		return false
	}
	for _, c := range x.children[i] {
		if x.how[c] != posted && !x.settled(c) {
			return false
		}
	}
	return true
}

func (x *tree) ancestor(a, i int) bool {
	for ; i > a; i = x.parent[i] {
	}
	return i == a
}

func treeJob(w *Worker, j *Job) {
	x, me := j.Of.(*tree), int(j.Arg[0])
	if x.runs[me].Add(1) != 1 {
		x.t.Errorf("job %d runs again", me)
	}
	var mine []*Job
	var all []int
	for _, c := range x.children[me] {
		k := w.New(treeJob)
		k.Arg[0], k.Of = uint64(c), x
		switch x.how[c] {
		case forked:
			mine = append(mine, k)
			w.Fork(k)
			all = append(all, c)
		case spawned:
			w.Spawn(k)
			all = append(all, c)
		case posted:
			if c%2 == 0 {
				w.Post(k)
			} else {
				x.h.Submit(c%x.h.workers, k, false)
			}
		}
	}
	if me%3 == 0 {
		w.Sync()
		for _, c := range all {
			if x.how[c] == spawned && !x.settled(c) {
				x.t.Errorf("Sync of %d returned before %d", me, c)
			}
		}
	}
	for i := range mine { // in either order
		k := mine[i]
		if me%2 == 0 {
			k = mine[len(mine)-1-i]
		}
		w.Join(k)
		if !k.Done() || !x.settled(int(k.Arg[0])) {
			x.t.Errorf("Join of %d returned before it was done", k.Arg[0])
		}
		w.Free(k)
	}
	x.wrote[me] = me + 1
	x.h.quiesce(w)
}

func TestWork_G1_G2_G6_RandomTrees(t *testing.T) {
	manyThreads(t)
	seeds.Each(t, 60, func(r *rand.Rand) {
		n := 1 + r.IntN(3000)
		h := newHost(setting{workers: 1 + r.IntN(6), others: 1, jobs: n, elements: 1 << r.IntN(5), depth: r.IntN(3), spins: r.IntN(30)}, true)
		x := newTree(t, r, h, n, true)
		j := h.do(treeJobOf(x))
		require.True(t, x.settled(0))
		h.Free(h.workers, j)
		h.end(t)
		for i := range x.runs { // posted ones too: all was done before the last Run returned
			require.EqualValues(t, 1, x.runs[i].Load(), "job %d", i)
		}
	})
}

// treeJobOf is the root of a tree as a function for do.
func treeJobOf(x *tree) func(w *Worker, j *Job) {
	return func(w *Worker, j *Job) {
		j.Of = x
		treeJob(w, j)
	}
}

// With Depth 0 whatever a worker runs while it waits is a descendant of what waits, but for what one late leap brought.
func TestWork_G5_OnAStackIsOneStranger(t *testing.T) {
	manyThreads(t)
	nested := int64(0)
	seeds.Each(t, 40, func(r *rand.Rand) {
		const n = 2000
		h := newHost(setting{workers: 4, others: 1, jobs: n, depth: 0, spins: r.IntN(10)}, true)
		x := newTree(t, r, h, n, false)
		stack := make([][]int, h.workers)
		var job func(w *Worker, j *Job)
		job = func(w *Worker, j *Job) {
			me, s := int(j.Arg[0]), stack[w.Index()]
			stack[w.Index()] = append(s, me)
			strangers := 0
			for i, below := range s {
				if !x.ancestor(below, stack[w.Index()][i+1]) {
					strangers++
				}
			}
			if strangers > 1 {
				t.Errorf("%d strangers on a stack: %v", strangers, stack[w.Index()])
			}
			var mine []*Job
			for _, c := range x.children[me] {
				k := w.New(job)
				k.Arg[0] = uint64(c)
				if x.how[c] == forked {
					mine = append(mine, k)
					w.Fork(k)
				} else {
					w.Spawn(k)
				}
			}
			if me%2 == 0 {
				w.Sync()
			}
			for _, k := range mine {
				w.Join(k)
				w.Free(k)
			}
			if len(s) > 0 {
				x.stacks.Add(1)
			}
			stack[w.Index()] = stack[w.Index()][:len(s)]
		}
		h.Free(h.workers, h.do(job))
		h.end(t)
		nested += x.stacks.Load()
	})
	require.Positive(t, nested, "jobs on top of others")
}
