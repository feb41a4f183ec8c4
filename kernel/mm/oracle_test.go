package mm

import (
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"exo/internal/seeds"
	"exo/internal/tsan"
)

// newBuddy makes the oracle over the same nodes as newFrames.
func newBuddy(nodes ...fakeNode) *Buddy {
	b, top := new(Buddy), Frame(0)
	for _, n := range nodes {
		for _, p := range n.pieces {
			top = max(top, p[1])
		}
	}
	b.Init(make([]Info, top))
	for i, n := range nodes {
		lo, hi := n.pieces[0][0]/HugeFrames, Frame(0)
		for _, p := range n.pieces {
			lo, hi = min(lo, p[0]/HugeFrames), max(hi, (p[1]+HugeFrames-1)/HugeFrames)
		}
		b.SetNode(i, BuddyMemory{lo * HugeFrames, make([]BuddyBlock, (hi-lo)*HugeFrames)})
		for _, p := range n.pieces {
			b.Add(i, p[0], uint64(p[1]-p[0]))
		}
	}
	return b
}

// pair is both allocators; what one chooses the other must have free.
type pair struct {
	t *testing.T
	f *Frames
	b *Buddy
}

// hugeAt takes that very 2 MiB from the oracle.
func (b *Buddy) hugeAt(i Frame, kind FrameKind, owner Owner) bool {
	node := b.info[i].Node()
	d := &b.nodes[node]
	if b.info[i].Kind() != FreeFrame || !d.takeAt(i-d.First, maxOrder) {
		return false
	}
	b.info[i] = newInfo(kind, node, owner) | 1<<infoHuge
	return true
}

func (p pair) same(node int) {
	p.t.Helper()
	require.Equal(p.t, p.b.Total(node), p.f.Total(node))
	require.Equal(p.t, p.b.FreeCount(node), p.f.FreeCount(node))
}

// infos compares what both say of every frame, and of some that do not exist.
func (p pair) infos() {
	p.t.Helper()
	for i := range Frame(len(p.b.info) + 2) {
		if want, got := p.b.Info(i), p.f.Info(i); want != got {
			p.t.Fatalf("frame %d: %#x, and by the oracle %#x", i, uint64(got), uint64(want))
		}
	}
}

// Also kernel/mm/oracle.go: G3, G5.
func TestFrames_AgreesWithTheBuddy(t *testing.T) {
	tsan.Alone(t)
	did := map[string]int{}
	tell := func(what string, err error) {
		if err != nil {
			what += ": " + err.Error()
		}
		did[what]++
	}
	seeds.Each(t, 60, func(r *rand.Rand) {
		cpus := 1 + r.IntN(4)
		p := pair{t, newFrames(cpus, oddNodes()...), newBuddy(oddNodes()...)}
		frees := 4 + r.IntN(9) // of 20
		var recent []Frame
		for round := range 2000 {
			cpu, node, owner, kind := r.IntN(cpus), r.IntN(2), Owner(r.IntN(3)), Kernel+FrameKind(r.IntN(int(numKinds-Kernel)))
			i := Frame(r.IntN(5002))
			if len(recent) > 0 && r.IntN(4) > 0 {
				i = recent[r.IntN(len(recent))]
			}
			switch op := r.IntN(20); {
			case op < frees:
				freed, err := p.f.Free(cpu, i)
				freedB, errB := p.b.Free(cpu, i)
				tell("Free", err)
				require.Equal(t, errB, err, "Free(%d)", i)
				require.Equal(t, freedB, freed, "Free(%d)", i)
				if err == ErrSize {
					freed, err = p.f.FreeHuge(cpu, i)
					freedB, errB = p.b.FreeHuge(cpu, i)
					tell("FreeHuge", err)
					require.Equal(t, errB, err)
					require.Equal(t, freedB, freed)
				}
			case op == 13:
				freed, err := p.f.FreeHuge(cpu, i)
				freedB, errB := p.b.FreeHuge(cpu, i)
				tell("FreeHuge", err)
				require.Equal(t, errB, err, "FreeHuge(%d)", i)
				require.Equal(t, freedB, freed)
			case op == 14:
				err := p.f.Share(i)
				tell("Share", err)
				require.Equal(t, p.b.Share(i), err, "Share(%d)", i)
			case op == 15:
				err := p.f.AllocAt(cpu, i, kind, owner)
				tell("AllocAt", err)
				require.Equal(t, p.b.AllocAt(cpu, i, kind, owner), err, "AllocAt(%d)", i)
				recent = append(recent, i)
			case op == 16: // the oracle chooses
				i, err := p.b.Alloc(cpu, node, kind, owner)
				tell("Alloc by the oracle", err)
				if err == nil {
					require.NoError(t, p.f.AllocAt(cpu, i, kind, owner))
					recent = append(recent, i)
				}
			case op == 17:
				i, err := p.f.AllocHuge(cpu, node, kind, owner)
				tell("AllocHuge", err)
				if err == nil {
					require.True(t, p.b.hugeAt(i, kind, owner), "2 MiB at %d", i)
					recent = append(recent, i, i+1)
				} else {
					_, err = p.b.AllocHuge(cpu, node, kind, owner)
					require.Error(t, err, "there are 2 MiB")
				}
			case op == 18:
				n, align := 1+r.IntN(200), 1<<r.IntN(6)
				i, err := p.f.AllocRun(cpu, node, n, align, kind, owner)
				tell("AllocRun", err)
				for k := range Frame(n) {
					if err == nil {
						require.NoError(t, p.b.AllocAt(cpu, i+k, kind, owner))
						recent = append(recent, i+k)
					}
				}
				if err != nil {
					_, err = p.b.AllocRun(cpu, node, n, align, kind, owner)
					require.Error(t, err, "there is a run of %d", n)
				}
			default:
				for range 1 + r.IntN(60) {
					i, err := p.f.Alloc(cpu, node, kind, owner)
					tell("Alloc", err)
					if err != nil {
						_, err = p.b.Alloc(cpu, node, kind, owner)
						require.Error(t, err)
						break
					}
					require.NoError(t, p.b.AllocAt(cpu, i, kind, owner))
					recent = append(recent, i)
				}
			}
			recent = recent[max(0, len(recent)-3000):]
			p.same(node)
			if round%400 == 0 {
				p.infos()
			}
		}
		p.infos()
		p.f.check(t)
	})
	t.Log(did)
	for _, what := range []string{
		"Alloc", "Alloc: mm: out of frames", "Alloc by the oracle", "AllocHuge", "AllocHuge: mm: out of frames", "AllocRun",
		"AllocRun: mm: out of frames", "AllocAt", "AllocAt: mm: the frame is taken", "AllocAt: mm: there is no such frame",
		"Free", "Free: mm: the frame is not allocated", "FreeHuge", "Share", "FreeHuge: " + ErrSize.Error(),
	} {
		require.Positive(t, did[what], what)
	}
}

func TestBuddy_G1_G4_AllOfANodeAndNoMore(t *testing.T) {
	b := newBuddy(oddNodes()...)
	b.Relax = runtime.Gosched
	seen := map[Frame]bool{}
	for node := range 2 {
		for n := uint64(0); ; n++ {
			i, err := b.Alloc(0, node, User, 1)
			if err != nil {
				require.Equal(t, b.Total(node), n)
				break
			}
			require.False(t, seen[i])
			seen[i] = true
		}
	}
	for i := range seen {
		_, err := b.Free(0, i)
		require.NoError(t, err)
	}
	require.Equal(t, b.Total(1), b.FreeCount(1))
	h, err := b.AllocHuge(0, 1, User, 1) // all halves found each other again
	require.NoError(t, err)
	require.Zero(t, h%HugeFrames)
}

func TestFrames_G5_WhatIsTakenForGoodStaysTaken(t *testing.T) {
	for _, kind := range []FrameKind{Boot, Kernel, Device} {
		g := newFrames(1, fakeNode{[][2]Frame{{0, 100}, {200, 2000}}})
		g.AddTaken(0, 100, 100, kind)
		require.EqualValues(t, 1900, g.Total(0))
		require.Equal(t, kind, g.Info(150).Kind())
		require.Zero(t, g.Info(150).Refs())
		for _, err := range []error{g.Share(150), second(g.Free(0, 150)), second(g.FreeHuge(0, 150))} {
			require.Equal(t, ErrNotTaken, err)
		}
		require.Equal(t, ErrTaken, g.AllocAt(0, 150, User, 1))
		g.check(t)
	}
}

func second(_ bool, err error) error { return err }

// Who gets a frame writes to it as the only one, after the one who freed it: the race detector sees it if that is not so.
func TestBuddy_G1_G2_ManyAtOnce(t *testing.T) {
	const cpus, rounds = 4, 3000
	b := newBuddy(oddNodes()...)
	b.Relax = runtime.Gosched
	content := make([]int, 5000) // plain
	var all sync.WaitGroup
	for cpu := range cpus {
		all.Go(func() {
			r := rand.New(rand.NewPCG(uint64(cpu), 7))
			var mine []Frame
			for range rounds {
				if len(mine) < 20 && r.IntN(2) == 0 {
					if i, err := b.Alloc(cpu, r.IntN(2), User, 0); err == nil {
						content[i]++
						mine = append(mine, i)
					}
				} else if n := len(mine); n > 0 {
					i := mine[n-1]
					mine = mine[:n-1]
					content[i]++
					if freed, err := b.Free(cpu, i); err != nil || !freed {
						t.Errorf("frame %d: freed %t, %v", i, freed, err)
					}
				}
			}
			for _, i := range mine {
				content[i]++
				b.Free(cpu, i)
			}
		})
	}
	all.Wait()
	used := 0
	for i, n := range content {
		require.Zero(t, n%2, "frame %d was somebody else's meanwhile", i)
		used += n
	}
	require.Greater(t, used, rounds)
}
