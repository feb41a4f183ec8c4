package dag

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	gosync "sync"
	"testing"

	"github.com/stretchr/testify/require"

	"exo/internal/seeds"
	"exo/internal/tsan"
	"exo/kernel/text"
)

// againstOracle compares with sums in 64 bits.
func againstOracle(t *testing.T, a, b Demand) (wrapped bool) {
	t.Helper()
	overflow, below, larger := false, false, false
	var sum, rest Demand
	for i := range a {
		s, d := uint64(a[i])+uint64(b[i]), int64(a[i])-int64(b[i])
		overflow, below, larger = overflow || s > math.MaxUint32, below || d < 0, larger || d > 0
		sum[i], rest[i] = uint32(s), uint32(d)
	}
	got, ok := a.Add(&b)
	require.Equal(t, !overflow, ok)
	if overflow {
		sum = Demand{}
	}
	require.Equal(t, sum, got)
	got, ok = a.Sub(&b)
	require.Equal(t, !below, ok)
	if below {
		rest = Demand{}
	}
	require.Equal(t, rest, got)
	require.Equal(t, !larger, a.Fits(&b))
	return overflow
}

func TestDemand_NeverWraps(t *testing.T) {
	tsan.Alone(t)
	wrapped, fine := 0, 0
	edges := []uint32{0, 1, 2, math.MaxUint32 - 1, math.MaxUint32, 1 << 31, 1<<31 - 1}
	seeds.Each(t, 20_000, func(r *rand.Rand) {
		var a, b Demand
		for i := range a {
			a[i], b[i] = r.Uint32()>>r.UintN(32), r.Uint32()>>r.UintN(32)
			if r.IntN(3) == 0 {
				a[i], b[i] = edges[r.IntN(len(edges))], edges[r.IntN(len(edges))]
			}
		}
		if againstOracle(t, a, b) {
			wrapped++
		} else {
			fine++
		}
	})
	require.Positive(t, wrapped)
	require.Positive(t, fine)
}

func FuzzDemand(f *testing.F) {
	f.Add(make([]byte, 64))
	f.Fuzz(func(t *testing.T, bytes []byte) {
		var words [2]Demand
		for i := range words {
			for k := range words[i] {
				if len(bytes) >= 4 {
					words[i][k] = binary.LittleEndian.Uint32(bytes)
					bytes = bytes[4:]
				}
			}
		}
		againstOracle(t, words[0], words[1])
	})
}

func TestDemand_Print(t *testing.T) {
	var l text.Line
	d := Demand{CPU: 1, Disk: 20, Caps: 3}
	d.Print(&l)
	require.Equal(t, "cpu=1 disk=20 caps=3", string(l.Bytes()))
	d = Demand{}
	d.Print(l.Reset())
	require.Equal(t, "nothing", string(l.Bytes()))
}

func TestCapacity_G1_G2_G3_AgainstAModel(t *testing.T) {
	tsan.Alone(t)
	refused, admitted := 0, 0
	seeds.Each(t, 200, func(r *rand.Rand) {
		var total, used Demand
		for i := range total {
			total[i] = r.Uint32() >> r.UintN(32)
			if r.IntN(4) == 0 {
				total[i] = math.MaxUint32
			}
		}
		var c Capacity
		c.Init(total)
		require.Equal(t, total, c.Total())
		var have []Demand
		for range 200 {
			if len(have) > 0 && r.IntN(3) == 0 {
				i := r.IntN(len(have))
				c.Release(&have[i])
				used, _ = used.Sub(&have[i])
				have[i] = have[len(have)-1]
				have = have[:len(have)-1]
			} else {
				var d Demand
				for i := range d {
					if r.IntN(2) == 0 {
						d[i] = uint32(r.Uint64N(uint64(total[i])/uint64(1+r.IntN(5)) + 2))
					}
				}
				sum, ok := used.Add(&d)
				ok = ok && sum.Fits(&total)
				require.Equal(t, ok, c.Admit(&d))
				if ok {
					used = sum
					have = append(have, d)
					admitted++
				} else {
					refused++
				}
			}
			free, _ := total.Sub(&used)
			require.Equal(t, free, c.Free())
		}
		require.PanicsWithValue(t, "dag: more was released than was admitted", func() {
			all := Demand{}
			for i := range all {
				all[i] = math.MaxUint32
			}
			c.used[3].Store(0)
			c.Release(&all)
		})
	})
	require.Positive(t, refused)
	require.Positive(t, admitted)
}

// Owners of demands write plain words, one for each unit: if two had the same unit the race detector, or the check, would
// see it.
func TestCapacity_G1_G2_NeverMoreThanThereIs(t *testing.T) {
	total := Demand{CPU: 3, Memory: 10, IO: 1, Caps: 5}
	var c Capacity
	c.Init(total)
	var (
		wg    gosync.WaitGroup
		mu    gosync.Mutex
		inUse Demand
		times int
	)
	for w := range 4 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(w), 1))
			for range 5000 {
				d := Demand{CPU: r.Uint32N(4), Memory: r.Uint32N(11), IO: r.Uint32N(2), Caps: r.Uint32N(6)}
				if !c.Admit(&d) {
					continue
				}
				mu.Lock()
				sum, ok := inUse.Add(&d)
				if !ok || !sum.Fits(&total) {
					t.Errorf("in use: %v", sum)
				}
				inUse = sum
				times++
				mu.Unlock()
				mu.Lock()
				inUse, _ = inUse.Sub(&d)
				mu.Unlock()
				c.Release(&d)
			}
		})
	}
	wg.Wait()
	require.Equal(t, total, c.Free())
	require.Greater(t, times, 1000)
}

func TestBucket_LetsInNoMoreThanItsRate(t *testing.T) {
	tsan.Alone(t)
	full := 0
	seeds.Each(t, 300, func(r *rand.Rand) {
		every, burst := 1+r.Uint64N(1000), 1+r.Uint32N(10)
		var b Bucket
		b.Init(every, burst)
		// The textbook's bucket: tokens, as a fraction of every.
		tokens, last := uint64(burst)*every, uint64(0)
		now := r.Uint64N(1 << 40)
		for range 300 {
			now += r.Uint64N(every * 2)
			tokens, last = min(tokens+now-last, uint64(burst)*every), now
			require.Equal(t, tokens >= every, b.when() <= now)
			ok := b.Take(now)
			require.Equal(t, tokens >= every, ok)
			if ok {
				tokens -= every
			} else {
				full++
				require.Equal(t, now+every-tokens, b.when())
			}
		}
	})
	require.Positive(t, full)
	for _, f := range []func(){
		func() { new(Bucket).Init(0, 1) }, func() { new(Bucket).Init(1, 0) }, func() { new(Bucket).Init(1<<51, 3) },
	} {
		require.Panics(t, f)
	}
}

func TestMix_SharesAndOrder(t *testing.T) {
	tsan.Alone(t)
	for _, percent := range []uint32{0, 1, 20, 50, 99, 100} {
		var m mix
		m.init(percent, 7)
		n := uint32(0)
		var window []bool
		for range 1000 {
			in := m.inOrder()
			window = append(window, in)
			if in {
				n++
			}
		}
		require.Equal(t, percent*10, n)
		for i := range 900 {
			k := uint32(0)
			for _, in := range window[i : i+100] {
				if in {
					k++
				}
			}
			require.Equal(t, percent, k, "of any 100")
		}
	}
	// Golden order: all of n places equally often, to within the discrepancy of the sequence.
	for _, n := range []uint32{1, 2, 3, 7, 10, 33} {
		var m mix
		m.init(100, 0)
		counts := make([]int, n)
		for k := 1; k <= 3000; k++ {
			counts[m.place(n)]++
			for i, c := range counts {
				require.InDelta(t, float64(k)/float64(n), c, 4, "place %d of %d after %d", i, n, k)
			}
		}
	}
	// The lottery: by tickets, roughly.
	var m mix
	m.init(0, 42)
	var thirds [3]int
	for range 30_000 {
		thirds[m.ticket(3)]++
	}
	for _, c := range thirds {
		require.InDelta(t, 10_000, c, 500)
	}
}
