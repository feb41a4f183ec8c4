//go:build explore

package slab

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"exo/kernel/mm"
	"exo/kernel/sync/atom"
	"exo/kernel/sync/explore"
)

// explored is what the threads of an explored program share: a cache, and who has what.
type explored struct {
	*host
	mine  map[unsafe.Pointer]bool
	most  int // objects that node 0 can have
	calls []*underWay

	common     unsafe.Pointer // what several threads free
	freed, all int            // how many of them were told that it went well, of how many
}

// underWay is a call that has not returned.
type underWay struct {
	freeThen int  // objects of node 0 that nobody had when it began
	amongst  bool // another call ran meanwhile
}

func (e *explored) begin() *underWay {
	c := &underWay{freeThen: e.most - len(e.mine), amongst: len(e.calls) > 0}
	for _, other := range e.calls {
		other.amongst = true
	}
	e.calls = append(e.calls, c)
	return c
}

func (e *explored) end(c *underWay) {
	e.calls = slices.DeleteFunc(e.calls, func(o *underWay) bool { return o == c })
}

// exploredProgram has each thread run a script on the CPU of its number:
//
//	a  Alloc, of node 0           f  frees what the thread took last       d  Drain
//	x  frees the common object    g  frees what the thread took first      r  Reap, of node 0
//
// before, a script too, runs alone on CPU 0, and what it keeps goes to the thread named by the digit behind it. "c" after
// an "a" makes that object the common one.
func exploredProgram(g Config, slabs, frames int, nodeOf []int, before, scripts string) explore.Program {
	words := strings.Fields(scripts)
	nodes := []int{frames}
	if slices.Max(nodeOf) > 0 {
		nodes = append(nodes, 0)
	}
	return func(x *explore.Run) (threads []func(), check func() error) {
		e := &explored{host: newHost(nil, g, slabs, nodes, nodeOf...), mine: map[unsafe.Pointer]bool{}}
		e.most = min(slabs, frames) * e.PerFrame()
		d := &e.nodes[0]
		x.Name("node", d)
		x.Name("slabs", d.Slabs)
		x.Name("bits", d.Bits)
		x.Name("objects", d.Objects)
		x.Name("magazines", d.Magazines)
		held := make([][]unsafe.Pointer, len(nodeOf))
		var set []unsafe.Pointer
		for _, letter := range before {
			switch {
			case letter >= '0' && letter <= '9':
				held[letter-'0'], set = append(held[letter-'0'], set...), nil
			case letter == 'c':
				e.twice = true
				e.common, set = set[len(set)-1], set[:len(set)-1]
				delete(e.mine, e.common)
			default:
				e.do(0, letter, &set)
			}
		}
		held[0] = append(held[0], set...)
		for cpu, script := range words {
			threads = append(threads, func() {
				for _, letter := range script {
					e.do(cpu, letter, &held[cpu])
				}
			})
		}
		return threads, func() error { return e.atRest(held) }
	}
}

// do performs one operation and judges its result.
func (e *explored) do(cpu int, letter rune, held *[]unsafe.Pointer) {
	call := e.begin()
	defer e.end(call)
	switch letter {
	case 'a':
		p, err := e.Alloc(cpu, 0)
		if err != nil {
			if e.unreachable(cpu) >= call.freeThen || call.amongst {
				return
			}
			panic(fmt.Sprintf("G4: %v with %d free", err, call.freeThen))
		}
		e.own(p)
		*held = append(*held, p)
	case 'f', 'g':
		h := *held
		if len(h) == 0 {
			return
		}
		p := h[0]
		if letter == 'f' {
			p, *held = h[len(h)-1], h[:len(h)-1]
		} else {
			*held = h[1:]
		}
		delete(e.mine, p) // before, for others may get it at once
		if err := e.Free(cpu, p); err != nil {
			panic(err)
		}
	case 'x':
		e.all++
		switch err := e.Free(cpu, e.common); {
		case err == nil:
			e.freed++
		case orForeign(err) != ErrNotTaken:
			panic(err)
		}
	case 'd':
		e.Drain(cpu)
	case 'r':
		e.Reap(cpu, 0)
	default:
		panic("no such operation")
	}
}

// own notes that somebody has got an object (G1, G3).
func (e *explored) own(p unsafe.Pointer) {
	if e.mine[p] {
		panic("G1: an object is given out twice")
	}
	at := mm.Frame((uintptr(p) - uintptr(e.base)) / mm.FrameSize)
	if i := e.frames.Info(at); i.Kind() != mm.Slab || i.Node() != 0 {
		panic("G3: an object of a frame that is not the cache's, or of another node")
	}
	e.mine[p] = true
}

// unreachable is how many objects of node 0 can be in magazines that a CPU may not look into (G4).
func (e *explored) unreachable(cpu int) (n int) {
	for other, node := range e.nodeOf {
		if other != cpu && node == 0 {
			n += 2 * int(e.limit)
		}
	}
	return n
}

// atRest checks, when the threads have ended, that every object is in one place, that what is there can be had, once, and
// that all frames come back.
func (e *explored) atRest(held [][]unsafe.Pointer) error {
	if e.all > 0 && (e.freed == 0 || e.freed > 1 && e.exact) {
		return fmt.Errorf("G5: %d of %d freed the common object", e.freed, e.all)
	}
	if err := e.consistent(len(e.mine)); err != nil {
		return err
	}
	for cpu := range held {
		for _, p := range held[cpu] {
			delete(e.mine, p)
			if err := e.Free(cpu, p); err != nil {
				return err
			}
		}
	}
	if e.twice { // what is in magazines, wrong hints among it, has to be told apart by Alloc
		for cpu := range e.nodeOf {
			for range e.limit {
				if p, err := e.Alloc(cpu, 0); err == nil {
					e.own(p)
				}
			}
		}
	}
	for cpu := range e.nodeOf {
		e.Drain(cpu)
	}
	for k := range e.most - len(e.mine) {
		p, err := e.Alloc(0, 0)
		if err != nil {
			return fmt.Errorf("G4: %d objects more than %d can be had: %v", len(e.mine), k, err)
		}
		e.own(p)
	}
	for p := range e.mine {
		if err := e.Free(0, p); err != nil {
			return err
		}
	}
	if err := e.emptied(); err != nil {
		return err
	}
	if twice := e.Stats(0).Twice; int(twice) != max(e.freed-1, 0) {
		return fmt.Errorf("G5: %d frees of one object went well, and %d were noticed", e.freed, twice)
	}
	return nil
}

// The shapes: two objects in a frame and magazines of one; one object in a frame; and magazines of two.
var (
	pairsOfOne = Config{Size: 2048, Rounds: 1}
	frameOfOne = Config{Size: 4096, Rounds: 1}
	pairsOfTwo = Config{Size: 2048, Rounds: 2}
	exactPairs = Config{Size: 2048, Rounds: 1, Exact: true}
)

type exploredStage struct {
	name            string
	config          Config
	slabs, frames   int
	nodeOf          []int
	before, scripts string
	preemptions     int
}

var exploredStages = []exploredStage{
	{"alloc-alloc", pairsOfOne, 2, 2, []int{0, 0}, "afd", "aa aa", 3},
	{"alloc-free", pairsOfOne, 2, 2, []int{0, 0}, "aa1a", "fa fa", 3},
	{"exchange of magazines", pairsOfOne, 4, 4, []int{0, 0}, "aaaa1aaa0", "fffa fffa", 3},
	{"exchange of magazines of two", pairsOfTwo, 6, 6, []int{0, 0}, "aaaaa1aaaaa0", "fffffa fffffa", 2},
	{"depot-reap", pairsOfOne, 3, 3, []int{0, 0}, "aaaaafff", "a r", 3},
	{"depot: take while given", pairsOfOne, 3, 3, []int{0, 0}, "aaaaaff1fff", "aaa fff", 3},
	{"depot: the same magazine again", pairsOfOne, 5, 5, []int{0, 0}, "aaaa1aaaaffffaa0", "aaf aaffdfff", 2},
	{"passed from CPU to CPU", pairsOfOne, 2, 2, []int{0, 0}, "aaa1", "aa ffd", 3},
	{"empty-alloc", frameOfOne, 1, 1, []int{0, 0}, "a", "fd a", 4},
	{"empty-alloc, two to a frame", pairsOfOne, 1, 1, []int{0, 0}, "aa", "ffd a", 3},
	{"empty-empty", pairsOfOne, 1, 1, []int{0, 0}, "a1a", "fd fd", 4},
	{"empty-reap", pairsOfOne, 1, 1, []int{0, 0}, "aa", "ffd r", 3},
	{"reap-reap", pairsOfOne, 2, 2, []int{0, 0}, "aaaffd", "r r", 3},
	{"reap-alloc, spare", Config{Size: 2048, Rounds: 1, Spare: 1}, 1, 1, []int{0, 0}, "afd", "r af", 4},
	{"grow-grow", frameOfOne, 2, 2, []int{0, 0}, "", "a a", 3},
	{"grow, one slab", frameOfOne, 1, 2, []int{0, 0}, "", "af af", 3},
	{"free from another node", pairsOfOne, 1, 1, []int{0, 1}, "a1a", "fd f", 4},
	{"free from another node, alloc", pairsOfOne, 1, 1, []int{0, 1}, "aa1", "aa ff", 3},
	{"alloc from another node", pairsOfOne, 2, 2, []int{0, 1}, "aaaa", "fff aa", 3},
	{"alloc from another node, depot", pairsOfOne, 2, 2, []int{0, 1}, "aaaafff", "a aa", 3},
	{"two other nodes' CPUs", pairsOfOne, 1, 1, []int{0, 1, 1}, "a1a2", " f f f", 3},
	{"one object freed twice", pairsOfOne, 2, 2, []int{0, 0}, "ac", "xd xd", 4},
	{"one object freed twice, here and from another node", pairsOfOne, 2, 2, []int{0, 1}, "ac", "xd x", 4},
	{"one object freed twice from another node", pairsOfOne, 2, 2, []int{0, 1, 1}, "ac", "d x x", 4},
	{"one object freed thrice", pairsOfOne, 2, 2, []int{0, 0, 0}, "ac", "x xd x", 3},
	{"freed twice, and its slab becomes empty", frameOfOne, 1, 1, []int{0, 0}, "ac", "xd x", 3},
	{"one object freed twice, exactly", exactPairs, 2, 2, []int{0, 0}, "ac", "xd xd", 4},
	{"one object freed thrice, exactly", exactPairs, 2, 2, []int{0, 0, 1}, "ac", "x xd x", 3},
	{"three", pairsOfOne, 2, 2, []int{0, 0, 0}, "aa1a2", "a fd fa", 2},
	{"three with another node", pairsOfOne, 2, 2, []int{0, 0, 1}, "aa1a2", "fa fd fa", 2},
}

func TestExplore_Slab_G1_G4_G5_G6(t *testing.T) {
	for _, s := range exploredStages {
		t.Run(s.name, func(t *testing.T) {
			program := exploredProgram(s.config, s.slabs, s.frames, s.nodeOf, s.before, s.scripts)
			explore.Exhaustive(t, explore.Config{Preemptions: s.preemptions}, program)
		})
	}
}

// Every two scripts of three operations, each of a thread that has two objects, with one more that is in its slab.
func TestExplore_Slab_EveryPair(t *testing.T) {
	var scripts []string
	for _, a := range "afdr" {
		for _, b := range "af" {
			for _, c := range "afd" {
				scripts = append(scripts, string([]rune{a, b, c}))
			}
		}
	}
	for _, nodeOf := range [][]int{{0, 0}, {0, 1}} {
		executions := 0
		for i, s := range scripts {
			for _, u := range scripts[i:] {
				program := exploredProgram(pairsOfOne, 3, 3, nodeOf, "aa1aaafd", s+" "+u)
				stats, f := explore.Find(explore.Config{Preemptions: 2}, program)
				if f != nil {
					t.Fatalf("%v %s %s: %s\n%s\nEXO_SCHEDULE=%s", nodeOf, s, u, f.Reason, f.Trace, f.Schedule)
				}
				executions += stats.Executions
			}
		}
		t.Logf("%v: %d executions", nodeOf, executions)
		require.Greater(t, executions, 10_000)
	}
}

func TestExplore_Slab_Random(t *testing.T) {
	for _, s := range []exploredStage{
		{"one node", pairsOfOne, 3, 3, []int{0, 0, 0}, "", "afafaaff aaffdaf afarfad", 4},
		{"one node, small", pairsOfOne, 1, 1, []int{0, 0, 0}, "", "afdafd aafdf raraf", 4},
		{"two nodes", pairsOfOne, 2, 2, []int{0, 0, 1}, "aa2", "afafd aafgfd fagfaf", 4},
		{"frames", frameOfOne, 2, 2, []int{0, 0, 1}, "a1", "afdaf afdaf afaf", 4},
	} {
		t.Run(s.name, func(t *testing.T) {
			program := exploredProgram(s.config, s.slabs, s.frames, s.nodeOf, s.before, s.scripts)
			explore.PCT(t, explore.PCTConfig{Depth: s.preemptions, Runs: 5000}, program)
		})
	}
}

// yielder has goroutines yield before atomic operations, at random, for slab_linear_test.go.
type yielder struct{}

func (yielder) Before(atom.Op, unsafe.Pointer) {
	for rand.Uint32()%8 == 0 {
		runtime.Gosched()
	}
}

func (yielder) Newest(unsafe.Pointer) (v atom.Value, ok bool) { return v, false }

func (yielder) Delay(addr unsafe.Pointer, size atom.Size, v atom.Value) { atom.Write(addr, size, v) }

func (yielder) After(atom.Op, unsafe.Pointer, atom.Value, atom.Value, atom.Value) {}

func init() {
	yieldInside = func() (stop func()) {
		atom.Hook = yielder{}
		return func() { atom.Hook = nil }
	}
}
