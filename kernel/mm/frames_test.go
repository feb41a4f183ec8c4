package mm

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"exo/internal/seeds"
	"exo/internal/tsan"
	"exo/kernel/sync/atom"
)

// fakeNode is the memory of a node, in pieces.
type fakeNode struct {
	pieces [][2]Frame // from, up to
}

// newFrames makes an allocator over nodes whose frames are as given.
func newFrames(cpus int, nodes ...fakeNode) *Frames {
	f := new(Frames)
	top := Frame(0)
	for _, n := range nodes {
		for _, p := range n.pieces {
			top = max(top, p[1])
		}
	}
	f.Init(make([]atom.Uint64, top))
	for i, n := range nodes {
		lo, hi := n.pieces[0][0]/HugeFrames, Frame(0)
		for _, p := range n.pieces {
			lo, hi = min(lo, p[0]/HugeFrames), max(hi, (p[1]+HugeFrames-1)/HugeFrames)
		}
		f.SetNode(i, NodeMemory{
			First:  lo * HugeFrames,
			Counts: make([]atom.Uint32, hi-lo),
			Bits:   make([]atom.Uint64, wordsPerArea*(hi-lo)),
			CPUs:   make([]FrameCPU, cpus),
		})
		for _, p := range n.pieces {
			f.Add(i, p[0], uint64(p[1]-p[0]))
		}
	}
	return f
}

// oddNodes are two nodes that meet inside an area, one of them in two pieces with the other between.
func oddNodes() []fakeNode {
	return []fakeNode{{[][2]Frame{{1, 700}, {3000, 3001}, {3100, 5000}}}, {[][2]Frame{{700, 2999}}}}
}

// check sees that counts, bits and stocks agree with what is free by the words of the frames, when nothing runs.
func (f *Frames) check(t *testing.T) {
	t.Helper()
	for node := range f.nodes {
		d := &f.nodes[node]
		free, byCounts, byBits, inStock := uint64(0), uint64(0), uint64(0), uint64(0)
		for i := range f.info {
			if w := f.Info(Frame(i)); w.Kind() == FreeFrame && w.Node() == node {
				free++
			}
		}
		for a := range d.Counts {
			c, bits := d.Counts[a].Load(), uint64(0)
			for w := range wordsPerArea {
				bits += uint64(64 - onesCount64(d.Bits[a*wordsPerArea+w].Load()))
			}
			if c == wholeArea {
				require.EqualValues(t, HugeFrames, bits)
				continue
			}
			require.EqualValues(t, bits, c, "node %d area %d", node, a)
			byCounts += uint64(c)
			byBits += bits
		}
		for c := range d.CPUs {
			inStock += uint64(onesCount64(uint64(uint32(d.CPUs[c].stock.Load()))))
		}
		require.Equal(t, free, byCounts+inStock, "node %d", node)
		require.Equal(t, free, f.FreeCount(node), "node %d", node)
	}
}

func onesCount64(w uint64) (n int) {
	for ; w != 0; w &= w - 1 {
		n++
	}
	return n
}

func TestFrames_G1_G3_G4_AllOfANodeAndNoMore(t *testing.T) {
	for cpus := 1; cpus <= 4; cpus++ {
		f := newFrames(cpus, oddNodes()...)
		want := []uint64{699 + 1 + 1900, 2299}
		var got []Frame
		for node := range want {
			require.Equal(t, want[node], f.Total(node))
			seen := map[Frame]bool{}
			for k := uint64(0); ; k++ {
				i, err := f.Alloc(int(k)%cpus, node, User, 7)
				if err != nil {
					require.Equal(t, ErrNoMemory, err)
					require.Equal(t, want[node], k)
					break
				}
				require.False(t, seen[i])
				seen[i] = true
				got = append(got, i)
				w := f.Info(i)
				require.Equal(t, node, w.Node())
				require.Equal(t, User, w.Kind())
				require.EqualValues(t, 7, w.Owner())
				require.Equal(t, 1, w.Refs())
			}
			require.Zero(t, f.FreeCount(node))
		}
		rand.Shuffle(len(got), func(i, j int) { got[i], got[j] = got[j], got[i] })
		for k, i := range got {
			freed, err := f.Free((k*7)%cpus, i)
			require.NoError(t, err)
			require.True(t, freed)
		}
		f.check(t)
	}
}

func TestFrames_G5_WrongFreesAreErrorsAndChangeNothing(t *testing.T) {
	f := newFrames(2, oddNodes()...)
	i, err := f.Alloc(0, 0, Kernel, 0)
	require.NoError(t, err)
	_, err = f.Free(1, i+1)
	require.Equal(t, ErrNotTaken, err)
	for _, wild := range []Frame{0, 2999, 3050, 5000, 1 << 40} {
		_, err = f.Free(0, wild)
		require.Equal(t, ErrWild, err, wild)
		_, err = f.FreeHuge(0, wild)
		require.Equal(t, ErrWild, err, wild)
		require.Equal(t, ErrWild, f.Share(wild), wild)
		require.Equal(t, ErrWild, f.AllocAt(0, wild, User, 1), wild)
		require.Equal(t, NoFrame, f.Info(wild).Kind())
	}
	require.Equal(t, ErrTaken, f.AllocAt(0, i, User, 1))
	_, err = f.FreeHuge(0, i)
	require.Equal(t, ErrSize, err)
	require.NoError(t, f.Share(i))
	freed, err := f.Free(0, i)
	require.NoError(t, err)
	require.False(t, freed)
	freed, err = f.Free(1, i)
	require.NoError(t, err)
	require.True(t, freed)
	_, err = f.Free(0, i)
	require.Equal(t, ErrNotTaken, err)
	require.Equal(t, ErrNotTaken, f.Share(i))
	h, err := f.AllocHuge(0, 1, User, 9)
	require.NoError(t, err)
	for _, inside := range []Frame{h, h + 1, h + 511} {
		require.True(t, f.Info(inside).Huge())
		require.EqualValues(t, 9, f.Info(inside).Owner())
		_, err = f.Free(0, inside)
		require.Error(t, err)
		require.Equal(t, ErrTaken, f.AllocAt(0, inside, User, 1))
	}
	_, err = f.FreeHuge(1, h)
	require.NoError(t, err)
	_, err = f.FreeHuge(1, h)
	require.Equal(t, ErrNotTaken, err)
	for _, n := range [][2]int{{0, 1}, {513, 1}, {-1, 1}, {1, 3}, {1, 0}, {4, 1024}} {
		_, err = f.AllocRun(0, 0, n[0], n[1], Device, 0)
		require.Equal(t, ErrRunLength, err)
	}
	f.check(t)
}

// What a CPU does by its reservation on a node is what it does by that node's number.
func TestFrames_G3_G5_ByReservation(t *testing.T) {
	f := newFrames(2, oddNodes()...)
	require.Nil(t, f.CPU(2, 0))
	require.Nil(t, f.CPU(0, 2))
	near, far := f.CPU(0, 0), f.CPU(0, 1)
	for kept := range uint64(100) { // more than a unit
		i, err := near.Alloc(User, 3)
		require.NoError(t, err)
		h, err := far.AllocHuge(User, 4)
		require.NoError(t, err)
		k, err := far.Alloc(Slab, 5)
		require.NoError(t, err)
		require.Equal(t, Info(User)|1<<infoRefs|3<<infoOwner, f.Info(i))
		require.Equal(t, Info(User)|1<<infoNode|1<<infoRefs|1<<infoHuge|4<<infoOwner, f.Info(h))
		require.Equal(t, Info(Slab)|1<<infoNode|1<<infoRefs|5<<infoOwner, f.Info(k))
		_, err = near.Free(h)
		require.Equal(t, ErrSize, err)
		_, err = near.FreeHuge(i)
		require.Equal(t, ErrSize, err)
		for _, wild := range []Frame{0, 2999, 5000, 1 << 40} {
			_, err = near.Free(wild)
			require.Equal(t, ErrWild, err)
			_, err = far.FreeHuge(wild)
			require.Equal(t, ErrWild, err)
		}
		freed, err := far.Free(i) // each by the reservation on the other node
		require.NoError(t, err)
		require.True(t, freed)
		freed, err = near.FreeHuge(h)
		require.NoError(t, err)
		require.True(t, freed)
		freed, err = near.Free(k)
		require.NoError(t, err)
		require.True(t, freed)
		_, err = near.Free(k)
		require.Equal(t, ErrNotTaken, err)
		require.Equal(t, []uint64{f.Total(0) - kept, f.Total(1)}, []uint64{f.FreeCount(0), f.FreeCount(1)})
		_, err = near.Alloc(Kernel, 0)
		require.NoError(t, err)
	}
	f.check(t)
}

func TestFrames_G1_G3_G4_G5_AgainstAModel(t *testing.T) {
	tsan.Alone(t)
	var full, huge, runs, at, frees int
	seeds.Each(t, 60, func(r *rand.Rand) {
		cpus := 1 + r.IntN(4)
		f := newFrames(cpus, oddNodes()...)
		refs, isHuge := map[Frame]int{}, map[Frame]bool{}
		free := []int{int(f.Total(0)), int(f.Total(1))}
		var held []Frame
		take := func(i Frame, node, n int) {
			for k := range Frame(n) {
				require.Zero(t, refs[i+k], "frame %d is given out twice", i+k)
				require.Equal(t, node, f.Info(i+k).Node())
				refs[i+k] = 1
			}
			free[node] -= n
		}
		drop := func(k int) {
			i := held[k]
			held[k] = held[len(held)-1]
			held = held[:len(held)-1]
			node := f.Info(i).Node()
			freed, err := false, error(nil)
			if isHuge[i] {
				freed, err = f.FreeHuge(r.IntN(cpus), i)
				for k := range Frame(HugeFrames) {
					refs[i+k]--
				}
				free[node] += HugeFrames
				delete(isHuge, i)
			} else {
				freed, err = f.Free(r.IntN(cpus), i)
				if refs[i]--; refs[i] == 0 {
					free[node]++
				}
			}
			require.NoError(t, err)
			require.Equal(t, refs[i] == 0, freed)
			frees++
		}
		grow := 3 + r.IntN(6)
		for range 3000 {
			cpu, node := r.IntN(cpus), r.IntN(2)
			switch op := r.IntN(20); {
			case op < grow*2:
				i, err := f.Alloc(cpu, node, User, 1)
				require.Equal(t, free[node] > 0, err == nil, "node %d has %d free", node, free[node])
				if err == nil {
					take(i, node, 1)
					held = append(held, i)
				} else {
					full++
				}
			case op == 18:
				if i, err := f.AllocHuge(cpu, node, User, 1); err == nil {
					require.Zero(t, i%HugeFrames)
					take(i, node, HugeFrames)
					isHuge[i] = true
					held = append(held, i)
					huge++
				}
			case op == 19:
				n, align := 1+r.IntN(300), 1<<r.IntN(5)
				if i, err := f.AllocRun(cpu, node, n, align, Device, 1); err == nil {
					require.Zero(t, int(i)%align)
					take(i, node, n)
					for k := range Frame(n) {
						held = append(held, i+k)
					}
					runs++
				}
			case op == 17:
				i := Frame(r.IntN(5000))
				err := f.AllocAt(cpu, i, User, 1)
				switch {
				case f.Info(i).Kind() == NoFrame:
					require.Equal(t, ErrWild, err)
				case refs[i] > 0:
					require.Equal(t, ErrTaken, err)
				default:
					require.NoError(t, err)
					take(i, f.Info(i).Node(), 1)
					held = append(held, i)
					at++
				}
			case op == 16 && len(held) > 0:
				if i := held[r.IntN(len(held))]; !isHuge[i] {
					require.NoError(t, f.Share(i))
					refs[i]++
					held = append(held, i)
				}
			case len(held) > 0:
				drop(r.IntN(len(held)))
			}
			require.EqualValues(t, free[node], f.FreeCount(node))
		}
		f.check(t)
		for len(held) > 0 {
			drop(0)
		}
		f.check(t)
		require.Equal(t, []uint64{f.Total(0), f.Total(1)}, []uint64{f.FreeCount(0), f.FreeCount(1)})
	})
	for _, n := range []int{full, huge, runs, at, frees} {
		require.Positive(t, n)
	}
}

// Everybody allocates and frees on both nodes, frees what others allocated, and writes into what it has: the race detector
// watches those writes (G2).
func TestFrames_G1_G2_G3_ManyAtOnce(t *testing.T) {
	const cpus, rounds = 4, 4000
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(cpus))
	f := newFrames(cpus, oddNodes()...)
	content := make([]int, 5000) // plain
	shared := make(chan Frame, 64)
	var wg sync.WaitGroup
	errs := make(chan error, cpus)
	for cpu := range cpus {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(cpu), 5))
			var mine []Frame
			release := func(i Frame) {
				if content[i] == 0 {
					errs <- fmt.Errorf("frame %d was cleared by another", i)
				}
				content[i] = 0
				if _, err := f.Free(cpu, i); err != nil {
					errs <- err
				}
			}
			own := func(i Frame) {
				if content[i] != 0 {
					errs <- fmt.Errorf("frame %d is in use", i)
				}
				content[i] = cpu + 1
				mine = append(mine, i)
			}
			for range rounds {
				switch op := r.IntN(16); {
				case op < 7:
					if i, err := f.Alloc(cpu, r.IntN(2), User, 0); err == nil {
						own(i)
					}
				case op == 7:
					if h, err := f.AllocHuge(cpu, r.IntN(2), User, 0); err == nil {
						for k := range Frame(HugeFrames) {
							if content[h+k] != 0 {
								errs <- fmt.Errorf("frame %d in 2 MiB is in use", h+k)
							}
							content[h+k] = 9
						}
						clear(content[h : h+HugeFrames])
						if _, err := f.FreeHuge(cpu, h); err != nil {
							errs <- err
						}
					}
				case op == 8:
					n := 1 + r.IntN(40)
					if i, err := f.AllocRun(cpu, r.IntN(2), n, 4, Device, 0); err == nil {
						for k := range Frame(n) {
							own(i + k)
						}
					}
				case op == 9:
					if i := Frame(r.IntN(5000)); f.AllocAt(cpu, i, User, 0) == nil {
						own(i)
					}
				case op == 10 && len(mine) > 0:
					select {
					case shared <- mine[len(mine)-1]:
						mine = mine[:len(mine)-1]
					default:
					}
				case op == 11:
					select {
					case i := <-shared:
						release(i)
					default:
					}
				case len(mine) > 0:
					k := r.IntN(len(mine))
					release(mine[k])
					mine[k] = mine[len(mine)-1]
					mine = mine[:len(mine)-1]
				}
			}
			for _, i := range mine {
				release(i)
			}
		})
	}
	wg.Wait()
	close(shared)
	for i := range shared {
		content[i] = 0
		_, err := f.Free(0, i)
		require.NoError(t, err)
	}
	select {
	case err := <-errs:
		t.Fatal(err)
	default:
	}
	f.check(t)
	require.Equal(t, f.Total(0), f.FreeCount(0))
	require.Equal(t, f.Total(1), f.FreeCount(1))
}

func BenchmarkFrames(b *testing.B) {
	f := newFrames(1, fakeNode{[][2]Frame{{0, 1 << 16}}})
	for b.Loop() {
		i, _ := f.Alloc(0, 0, User, 1)
		f.Free(0, i)
	}
}

func BenchmarkFramesHuge(b *testing.B) {
	f := newFrames(1, fakeNode{[][2]Frame{{0, 1 << 16}}})
	for b.Loop() {
		i, _ := f.AllocHuge(0, 0, User, 1)
		f.FreeHuge(0, i)
	}
}
