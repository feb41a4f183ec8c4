package cap

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"exo/kernel/sync/atom"
)

var sink uint64

// table makes n capabilities of holder 1 below one root.
func table(n int) (*host, Name, []Name) {
	h := newHost(2)
	root := h.root(1)
	names := make([]Name, n)
	for i := range names {
		names[i] = h.mustChild(root, 1)
	}
	return h, root, names
}

//go:noinline
func allowed(m meta, k Kind, need Rights) bool { return m.allows(k, need) }

func BenchmarkCheck(b *testing.B) {
	m := newMeta(page0, Read|Write)
	b.Run("inline", func(b *testing.B) {
		n := uint64(0)
		for i := range b.N {
			if (m ^ meta(i&8)).allows(page0, Read) {
				n++
			}
		}
		sink += n
	})
	b.Run("called", func(b *testing.B) {
		n := uint64(0)
		for i := range b.N {
			if allowed(m^meta(i&8), page0, Read) {
				n++
			}
		}
		sink += n
	})
}

func BenchmarkLookup(b *testing.B) {
	for _, n := range []int{1, 10, 1 << 10, 1 << 16, 1 << 20} {
		h, _, names := table(n)
		rand.New(rand.NewPCG(1, 1)).Shuffle(n, func(i, j int) { names[i], names[j] = names[j], names[i] })
		b.Run(fmt.Sprintf("n=%d", n), func(b *testing.B) {
			k := 0
			for range b.N {
				o, err := h.Lookup(names[k], 1, page0, Read)
				if err != nil {
					b.Fatal(err)
				}
				sink += o.First
				if k++; k == n {
					k = 0
				}
			}
		})
	}
}

func BenchmarkDeriveDelete(b *testing.B) {
	h, root, _ := table(10)
	for range b.N {
		n, _ := h.Derive(0, root, 1, Derivation{To: 1, Rights: AllRights})
		h.Delete(0, n, 1, 0, 10)
	}
}

func BenchmarkDeriveRevoke(b *testing.B) {
	h, root, _ := table(0)
	for range b.N {
		h.Derive(0, root, 1, Derivation{To: 1, Rights: AllRights})
		h.Revoke(0, root, 1, 0, 10)
	}
}

// BenchmarkRevokeTree is one node of a tree that is revoked whole.
func BenchmarkRevokeTree(b *testing.B) {
	for _, shape := range []struct {
		name string
		up   func(i int) int // the parent's number, -1: the root
	}{
		{"flat", func(int) int { return -1 }},
		{"chain", func(i int) int { return i - 1 }},
		{"binary", func(i int) int { return (i+1)/2 - 1 }},
	} {
		for _, n := range []int{10, 1000, 100_000} {
			b.Run(fmt.Sprintf("%s/n=%d", shape.name, n), func(b *testing.B) {
				h := newHost(1)
				root := h.root(1)
				names := make([]Name, n)
				b.ResetTimer()
				for done := 0; done < b.N; done += n {
					b.StopTimer()
					for i := range names {
						p := root
						if up := shape.up(i); up >= 0 {
							p = names[up]
						}
						names[i] = h.mustChild(p, 1)
					}
					b.StartTimer()
					if at, err := h.Revoke(0, root, 1, 0, 4*n); at != 0 || err != nil {
						b.Fatal(at, err)
					}
				}
			})
		}
	}
}

// onCPU is where a benchmark finds its CPU's number.
var onCPU atom.Uint32

// cached is a direct-mapped cache of one CPU before the table. A hit still has to look at the record, or a revocation
// would not be seen; so all that it saves is the two loads of the directory.
type cached struct {
	name Name
	r    *record
}

func BenchmarkCache(b *testing.B) {
	for _, n := range []int{1, 64, 1 << 10} {
		h, _, names := table(n)
		caches := make([][256]cached, 2)
		b.Run(fmt.Sprintf("with/n=%d", n), func(b *testing.B) {
			k := 0
			for range b.N {
				name := names[k]
				me := &caches[onCPU.Load()] // the least that it takes to know one's CPU; and preemption would have to be off
				c := &me[name.slot()%256]
				if c.name != name {
					*c = cached{name, h.caps.find(name.slot())}
				}
				r := c.r
				key := name.key(1)
				if r.owner.Load() != key {
					b.Fatal()
				}
				m, o := meta(r.meta.Load()), Object{r.object[0].Load(), r.object[1].Load()}
				if r.owner.Load() != key || !m.allows(page0, Read) {
					b.Fatal()
				}
				sink += o.First
				if k++; k == n {
					k = 0
				}
			}
		})
		b.Run(fmt.Sprintf("without/n=%d", n), func(b *testing.B) {
			k := 0
			for range b.N {
				name := names[k]
				r := h.caps.find(name.slot())
				if r == nil {
					b.Fatal()
				}
				key := name.key(1)
				if r.owner.Load() != key {
					b.Fatal()
				}
				m, o := meta(r.meta.Load()), Object{r.object[0].Load(), r.object[1].Load()}
				if r.owner.Load() != key || !m.allows(page0, Read) {
					b.Fatal()
				}
				sink += o.First
				if k++; k == n {
					k = 0
				}
			}
		})
	}
}
