//go:build explore

package mm

import (
	"fmt"
	"math/bits"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"exo/kernel/sync/atom"
	"exo/kernel/sync/explore"
)

// host is what the threads of an explored program share: an allocator of one node, and who has what.
type host struct {
	f     *Frames
	mine  []bool // by frame: somebody has it
	free  int    // frames that nobody has; those that are being freed do not count yet
	calls []*underWay

	common            Frame // that every thread may free, once
	refs, tried, done int   // references to it, and how many calls to Free of it began, and freed it
}

// underWay is a call that has not returned.
type underWay struct {
	takes    bool
	freeThen int  // frames that nobody had when it began
	amongst  bool // a call that takes frames ran meanwhile
}

func (h *host) begin(takes bool) *underWay {
	c := &underWay{takes: takes, freeThen: h.free}
	for _, other := range h.calls {
		other.amongst = other.amongst || takes
		c.amongst = c.amongst || other.takes
	}
	h.calls = append(h.calls, c)
	return c
}

func (h *host) end(c *underWay) {
	h.calls = slices.DeleteFunc(h.calls, func(o *underWay) bool { return o == c })
}

// own notes that the caller has n frames from i on (G1).
func (h *host) own(i Frame, n int) {
	for k := range Frame(n) {
		if h.mine[i+k] {
			panic(fmt.Sprintf("G1: frame %d is given out twice", i+k))
		}
		h.mine[i+k] = true
	}
	h.free -= n
}

// disown is before the frames are freed: from then on others may get them.
func (h *host) disown(i Frame, n int) {
	for k := range Frame(n) {
		h.mine[i+k] = false
	}
}

// image is an allocator as it is before each execution: building one anew takes too long.
func image(cpus int, pieces ...[2]Frame) *Frames { return newFrames(cpus, fakeNode{pieces}) }

// clone is a copy that shares nothing.
func (f *Frames) clone() *Frames {
	c := &Frames{info: make([]atom.Uint64, len(f.info))}
	copyWords(c.info, f.info)
	d := f.nodes[0].NodeMemory
	m := NodeMemory{
		d.First, make([]atom.Uint32, len(d.Counts)), make([]atom.Uint64, len(d.Bits)), make([]FrameCPU, len(d.CPUs)),
	}
	copyWords(m.Counts, d.Counts)
	copyWords(m.Bits, d.Bits)
	copyWords(m.CPUs, d.CPUs)
	c.nodes[0] = nodeFrames{NodeMemory: m, total: f.nodes[0].total}
	for cpu := range m.CPUs {
		m.CPUs[cpu].bind(c, cpu, 0)
	}
	return c
}

// copyWords copies words that nobody else uses; vet is right to be careful with others.
func copyWords[W any](to, from []W) { copy(to, from) }

// program has each thread run a script on the CPU of its number. A script has a letter for each operation:
//
//	a  Alloc         h  AllocHuge       f  frees what the thread took last (by FreeHuge if it was AllocHuge)
//	t  AllocAt(at)   r  AllocRun of 2   x  frees the common frame, of which one call gives up the last reference
//
// before, a script too, runs alone on CPU 0, and what it keeps goes to the thread named by the digit behind it: "aa1" is two
// frames for thread 1, from CPU 0's unit. "c" after an "a" makes that frame the common one, "s" adds a reference to it.
func program(start *Frames, before, scripts string, at Frame) explore.Program {
	words := strings.Fields(scripts)
	return func(x *explore.Run) (threads []func(), check func() error) {
		h := &host{f: start.clone(), mine: make([]bool, len(start.info))}
		h.free = int(h.f.Total(0))
		d := &h.f.nodes[0]
		x.Name("info", h.f.info)
		x.Name("counts", d.Counts)
		x.Name("bits", d.Bits)
		x.Name("cpus", d.CPUs)
		held := make([][]Frame, len(words))
		var set []Frame
		for _, letter := range before {
			switch {
			case letter >= '0' && letter <= '9':
				held[letter-'0'], set = append(held[letter-'0'], set...), nil
			case letter == 'c':
				h.common, h.refs, set = set[len(set)-1], 1, set[:len(set)-1]
			case letter == 's':
				h.refs++
				if err := h.f.Share(h.common); err != nil {
					panic(err)
				}
			default:
				h.do(0, letter, at, &set)
			}
		}
		held[0] = append(held[0], set...)
		for cpu, script := range words {
			threads = append(threads, func() {
				for _, letter := range script {
					h.do(cpu, letter, at, &held[cpu])
				}
			})
		}
		return threads, func() error { return h.atRest(held) }
	}
}

// do performs one operation and judges its result.
func (h *host) do(cpu int, letter rune, at Frame, held *[]Frame) {
	call := h.begin(letter != 'f' && letter != 'x')
	defer h.end(call)
	switch letter {
	case 'a':
		i, err := h.f.Alloc(cpu, 0, User, Owner(cpu))
		h.got(call, held, i, 1, err)
	case 't':
		err := h.f.AllocAt(cpu, at, User, Owner(cpu))
		if err == nil {
			h.got(call, held, at, 1, nil)
		} else if err != ErrTaken {
			panic(err)
		}
	case 'h':
		i, err := h.f.AllocHuge(cpu, 0, User, Owner(cpu))
		if err == nil {
			h.own(i, HugeFrames)
			*held = append(*held, i)
		}
	case 'r':
		i, err := h.f.AllocRun(cpu, 0, 2, 1, User, Owner(cpu))
		if err == nil {
			h.got(call, held, i, 2, nil)
		}
	case 'f':
		if len(*held) == 0 {
			return
		}
		i := (*held)[len(*held)-1]
		*held = (*held)[:len(*held)-1]
		h.release(cpu, i)
	case 'x':
		h.releaseCommon(cpu)
	default:
		panic("no such operation")
	}
}

// got is for n frames from i on, or the error instead of them.
func (h *host) got(call *underWay, held *[]Frame, i Frame, n int, err error) {
	if err != nil {
		if err != ErrNoMemory || call.freeThen > 0 && !call.amongst {
			panic(fmt.Sprintf("G4: %v with %d free", err, call.freeThen))
		}
		return
	}
	h.own(i, n)
	for k := range Frame(n) {
		*held = append(*held, i+k)
	}
}

func (h *host) release(cpu int, i Frame) {
	n, free := 1, h.f.Free
	if h.f.Info(i).Huge() {
		n, free = HugeFrames, h.f.FreeHuge
	}
	h.disown(i, n)
	freed, err := free(cpu, i)
	h.free += n
	if !freed || err != nil {
		panic(fmt.Sprintf("Free(%d): %t, %v", i, freed, err))
	}
}

// releaseCommon gives up one reference to the common frame. With fewer references than calls, only one frees it, and the
// others are told so (G5).
func (h *host) releaseCommon(cpu int) {
	if h.tried++; h.tried == h.refs {
		h.disown(h.common, 1) // before, for others may get it at once, whoever frees it
	}
	switch freed, err := h.f.Free(cpu, h.common); {
	case freed && err == nil:
		h.done++
		h.free++
	case err != nil && (err != ErrNotTaken || h.refs > 1):
		panic(fmt.Sprintf("G5: Free(%d): %t, %v", h.common, freed, err))
	}
}

// atRest checks, when the threads have ended, that counts, bits, stocks and words agree and that nothing is lost.
func (h *host) atRest(held [][]Frame) error {
	if h.refs > 0 && h.done != 1 {
		return fmt.Errorf("G5: %d calls freed one frame", h.done)
	}
	if err := h.agree(); err != nil {
		return err
	}
	for cpu := range held {
		for _, i := range held[cpu] {
			if w := h.f.Info(i); w.Kind() != User || w.Refs() != 1 {
				return fmt.Errorf("frame %d is held, and its word is %#x", i, uint64(w))
			}
			h.release(cpu, i)
		}
	}
	if err := h.agree(); err != nil {
		return err
	}
	n := 0
	for ; ; n++ {
		i, err := h.f.Alloc(0, 0, User, 0)
		if err != nil {
			break
		}
		h.own(i, 1)
	}
	if n != int(h.f.Total(0)) {
		return fmt.Errorf("%d frames are left of %d", n, h.f.Total(0))
	}
	return nil
}

func (h *host) agree() error {
	d := &h.f.nodes[0]
	free := 0
	for a := range d.Counts {
		zeros := 0
		for w := range wordsPerArea {
			zeros += bits.OnesCount64(^d.Bits[a*wordsPerArea+w].Load())
		}
		switch c := d.Counts[a].Load(); {
		case c == wholeArea && zeros != HugeFrames:
			return fmt.Errorf("area %d is taken whole, and %d bits are clear", a, zeros)
		case c != wholeArea && int(c) != zeros:
			return fmt.Errorf("area %d: count %d, clear bits %d", a, c, zeros)
		case c != wholeArea:
			free += zeros
		}
	}
	for cpu := range d.CPUs {
		free += bits.OnesCount32(uint32(d.CPUs[cpu].stock.Load()))
	}
	if free != h.free || h.f.FreeCount(0) != uint64(free) {
		return fmt.Errorf("%d are in areas and stocks, FreeCount is %d, and nobody has %d", free, h.f.FreeCount(0), h.free)
	}
	for i := range h.f.info {
		if k := h.f.Info(Frame(i)).Kind(); k != NoFrame && (k == FreeFrame) == h.mine[i] {
			return fmt.Errorf("frame %d is of kind %d, and had by somebody: %t", i, k, h.mine[i])
		}
	}
	return nil
}

// The nodes: three frames in two units; and 2 MiB of which nothing is taken, beside them or alone.
var (
	threeFrames = [][2]Frame{{4, 6}, {40, 41}}
	oneHuge     = [][2]Frame{{512, 1024}}
	both        = [][2]Frame{{4, 6}, {512, 1024}}
)

type framesStage struct {
	name            string
	pieces          [][2]Frame
	before, scripts string
	at              Frame
	preemptions     int
}

var framesStages = []framesStage{
	{"alloc-alloc", threeFrames, "", "aa aa", 0, 3},
	{"alloc-free", threeFrames, "", "afa faf", 0, 3},
	{"alloc-free own", threeFrames, "a0a1", "faf faf", 0, 3},
	{"free-free", threeFrames, "aa1a0", "ffa ffa", 0, 3},
	{"free-free of one", threeFrames, "ac", "x x", 0, 3},
	{"free-free of one shared, alloc", threeFrames, "aa0acs", "xa xaf", 0, 3},
	{"steal-alloc", threeFrames, "af", "a aaa", 0, 3},
	{"steal-free", threeFrames, "a", "f aaa", 0, 3},
	{"steal-alloc-free", threeFrames, "aa", "fa aaf", 0, 3},
	{"huge-alloc-free", oneHuge, "", "af hf", 0, 3},
	{"huge-huge", oneHuge, "", "hf hf", 0, 3},
	{"huge-free", oneHuge, "a", "f hf", 0, 3},
	{"huge unreserves-free", oneHuge, "af", "af h", 0, 3},
	{"huge-small area", both, "", "afa h", 0, 3},
	{"at-alloc", threeFrames, "", "aa tf", 5, 3},
	{"at in a stock", threeFrames, "af", "af tf", 4, 3},
	{"at-at", threeFrames, "", "tf tf", 40, 3},
	{"at-free", threeFrames, "a", "fa t", 4, 3},
	{"at-huge", oneHuge, "", "tf hf", 700, 3},
	{"run-alloc", threeFrames, "", "r aa", 0, 2},
	{"run-run", threeFrames, "", "rf rf", 0, 2},
	{"run-free", threeFrames, "a", "f r", 0, 2},
	{"three allocs", threeFrames, "", "a a a", 0, 1},
	{"three with free", threeFrames, "aa1a2", "a f fa", 0, 1},
	{"three free one", threeFrames, "ac", "x x x", 0, 2},
	{"three with huge", oneHuge, "a", "f h a", 0, 1},
	{"three with at", threeFrames, "", "a t af", 4, 1},
}

func TestExplore_Frames_G1_G4_G5(t *testing.T) {
	for _, s := range framesStages {
		t.Run(s.name, func(t *testing.T) {
			start := image(len(strings.Fields(s.scripts)), s.pieces...)
			explore.Exhaustive(t, explore.Config{Preemptions: s.preemptions}, program(start, s.before, s.scripts, s.at))
		})
	}
}

// Every two scripts of so many operations, over few frames and over 2 MiB. Thread 0 has a frame, from its own unit.
func TestExplore_Frames_EveryPair(t *testing.T) {
	for _, n := range []struct {
		letters string
		pieces  [][2]Frame
		at      Frame
		length  int
	}{{"aft", threeFrames, 5, 3}, {"afh", oneHuge, 0, 2}} {
		t.Run(n.letters, func(t *testing.T) {
			start, scripts, executions := image(2, n.pieces...), []string{""}, 0
			for range n.length {
				var longer []string
				for _, s := range scripts {
					for _, l := range n.letters {
						longer = append(longer, s+string(l))
					}
				}
				scripts = longer
			}
			for _, s := range scripts {
				for _, u := range scripts {
					if u == "fff" || !strings.ContainsAny(s+u, "ah") {
						continue
					}
					cfg := explore.Config{Preemptions: 2}
					stats, f := explore.Find(cfg, program(start, "a", s+" "+u, n.at))
					if f != nil {
						t.Fatalf("%s %s: %s\n%s\nEXO_SCHEDULE=%s", s, u, f.Reason, f.Trace, f.Schedule)
					}
					executions += stats.Executions
				}
			}
			t.Logf("%d executions", executions)
			require.Greater(t, executions, 10_000)
		})
	}
}

func TestExplore_Frames_Random(t *testing.T) {
	for _, s := range []framesStage{
		{"small", threeFrames, "", "afaf aaff tfaf", 4, 4},
		{"common", threeFrames, "acss", "xaf xaf xta", 4, 4},
		{"run", threeFrames, "", "rff aaff afaf", 4, 4},
		{"huge", oneHuge, "a", "fafa hfaf hftf", 514, 4},
		{"everything", both, "", "afarff hfaf tfhf", 513, 4},
	} {
		t.Run(s.name, func(t *testing.T) {
			start := image(len(strings.Fields(s.scripts)), s.pieces...)
			cfg := explore.PCTConfig{Depth: s.preemptions, Runs: 2000}
			explore.PCT(t, cfg, program(start, s.before, s.scripts, s.at))
		})
	}
}

// yielder has goroutines yield before atomic operations, at random, for frames_linear_test.go.
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
