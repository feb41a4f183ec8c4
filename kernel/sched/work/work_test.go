package work

import (
	"runtime"
	gosync "sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"exo/kernel/sync"
	"exo/kernel/text"
)

// fib forks one half of the problem and calls the other.
func fib(w *Worker, n uint64) uint64 {
	if n < 2 {
		return n
	}
	j := w.New(fibJob)
	if j == nil {
		return fib(w, n-1) + fib(w, n-2)
	}
	j.Arg[0] = n - 1
	w.Fork(j)
	x := fib(w, n-2)
	w.Join(j)
	x += j.Arg[1]
	w.Free(j)
	return x
}

func fibJob(w *Worker, j *Job) { j.Arg[1] = fib(w, j.Arg[0]) }

// queensJob counts the ways to put n queens on a board, one row for each level of jobs; it spawns its jobs and does not
// wait.
func queensJob(w *Worker, j *Job) {
	n, taken := j.Arg[0]>>32, j.Arg[0]&0xffffffff
	left, right := j.Arg[1], j.Arg[2]
	total := j.Of.(*atomic.Int64)
	if taken == 1<<n-1 {
		total.Add(1)
		return
	}
	for free := (1<<n - 1) &^ (taken | left | right); free != 0; free &= free - 1 {
		bit := free & -free
		c := w.New(queensJob)
		arg := [4]uint64{n<<32 | taken | bit, (left | bit) << 1, (right | bit) >> 1}
		if c == nil {
			sub := Job{Arg: arg, Of: total}
			queensJob(w, &sub)
			continue
		}
		c.Arg, c.Of = arg, total
		w.Spawn(c)
	}
}

var settings = []setting{
	{workers: 1, others: 1, jobs: 100, depth: 1, elements: 2},
	{workers: 1, others: 1, jobs: 100, depth: 1, elements: 1, largest: 2}, // no thief: what does not fit runs at once
	{workers: 2, others: 1, jobs: 1000, depth: 0, elements: 4},
	{workers: 4, others: 1, jobs: 1000, depth: 2, spins: 10, elements: 4},
	{workers: 4, others: 1, jobs: 5, depth: 4, elements: 1, largest: 2},
	{workers: 7, others: 1, jobs: 300, depth: 0, spins: 100, distance: func(a, b int) int { return (a ^ b) / 2 }},
}

func TestWork_G2_ResultsAreThoseOfOneCPU(t *testing.T) {
	manyThreads(t)
	var all Stats
	for _, s := range settings {
		h := newHost(s, true)
		for n, want := range map[uint64]uint64{0: 0, 1: 1, 10: 55, 20: 6765} {
			j := h.do(fibJob, n)
			require.Equal(t, want, j.Arg[1])
			h.Free(h.workers, j)
		}
		for n, want := range map[uint64]int64{1: 1, 4: 2, 6: 4, 8: 92} {
			var total atomic.Int64
			j := h.New(h.workers, queensJob)
			j.Arg, j.Of = [4]uint64{n << 32}, &total
			h.Submit(s.workers-1, j, true)
			h.Wait(h.workers, j)
			require.Equal(t, want, total.Load())
			h.Free(h.workers, j)
		}
		for _, n := range []int{0, 1, 2, 1000, 12345} {
			for _, grain := range []uint64{0, 1, 7, 100, 20000} {
				words := make([]uint64, n)
				j := h.New(h.workers, func(w *Worker, j *Job) {
					sums := make([]atomic.Uint64, h.workers)
					w.Range(0, uint64(len(words)), j.Arg[0], func(w *Worker, lo, hi, arg uint64) {
						if hi-lo > max(j.Arg[0], 1) || lo >= hi || arg != 99 {
							t.Errorf("a piece from %d to %d (%d)", lo, hi, arg)
						}
						for i := lo; i < hi; i++ {
							words[i] += i
						}
						sums[w.Index()].Add(hi - lo)
						h.quiesce(w)
					}, 99)
					for i := range sums {
						j.Arg[1] += sums[i].Load()
					}
				})
				j.Arg[0] = grain
				h.Submit(0, j, true)
				h.Wait(h.workers, j)
				require.EqualValues(t, n, j.Arg[1])
				h.Free(h.workers, j)
				for i, v := range words {
					require.EqualValues(t, i, v, "n=%d grain=%d workers=%d", n, grain, s.workers)
				}
			}
		}
		st := h.end(t)
		var l text.Line
		st.Print(&l)
		t.Logf("workers=%d depth=%d %s", s.workers, s.depth, l.Bytes())
		require.GreaterOrEqual(t, st.Executed, st.Forked)
		all.Forked += st.Forked
		all.Inlined += st.Inlined
		all.Idles += st.Idles
		all.Wakes += st.Wakes
	}
	require.Positive(t, all.Forked)
	require.Positive(t, all.Inlined)
	require.Positive(t, all.Idles)
	require.Positive(t, all.Wakes)
}

// A million jobs, each once, with what was written before; the deques grow on the way.
func TestWork_G1_AMillionJobsEachOnce(t *testing.T) {
	manyThreads(t)
	const n = 1_000_000
	came := make([]uint8, n) // plain
	h := newHost(setting{workers: 4, others: 1, jobs: 10_000, elements: 2, depth: 1, spins: 20}, true)
	var stolen atomic.Bool
	j := h.New(h.workers, func(w *Worker, j *Job) {
		w.Range(0, n, 1, func(w *Worker, lo, hi, _ uint64) {
			came[lo]++
			if lo == n/2 {
				stolen.Store(true)
			}
			for lo == 0 && !stolen.Load() { // the upper half is for a thief
				runtime.Gosched()
			}
			if lo%64 == 0 {
				h.quiesce(w)
			}
		}, 0)
	})
	h.Submit(3, j, true)
	h.Wait(h.workers, j)
	h.Free(h.workers, j)
	for i, c := range came {
		if c != 1 {
			t.Fatalf("job %d came %d times", i, c)
		}
	}
	st := h.end(t)
	require.EqualValues(t, n, st.Executed)
	buffers := int64(0)
	for i := range h.source {
		buffers += h.source[i].given.Load()
	}
	require.Greater(t, buffers, int64(h.workers), "a deque grew")
	require.Positive(t, st.Thefts())
}

// Who joins a stolen job takes a part of it back from the thief: here nobody else could run that part.
func TestWork_G5_JoinTakesBackFromTheThief(t *testing.T) {
	manyThreads(t)
	h := newHost(setting{workers: 2, others: 1, jobs: 100, depth: 0}, true)
	begun := make([]atomic.Bool, 3)
	wait := func(i int) {
		for !begun[i].Load() {
			runtime.Gosched()
		}
	}
	h.Free(h.workers, h.do(func(w *Worker, j *Job) {
		stolen := w.New(func(w *Worker, j *Job) {
			part := w.New(func(w *Worker, j *Job) {
				if w.depth != 1 {
					t.Errorf("it runs at depth %d", w.depth)
				}
				begun[2].Store(true)
			})
			w.Fork(part)
			begun[1].Store(true)
			wait(2)
			w.Join(part)
			w.Free(part)
		})
		w.Fork(stolen)
		wait(1) // for the part to be there: at this depth a worker that joins and finds nothing sleeps until all is done
		w.Join(stolen)
		w.Free(stolen)
	}))
	st := h.end(t)
	require.EqualValues(t, 1, st.Leapt)
}

func TestWork_G1_SubmittersFromEverywhere(t *testing.T) {
	manyThreads(t)
	const others, each = 3, 3000
	h := newHost(setting{workers: 3, others: others, jobs: 400, depth: 1, elements: 8}, true)
	came := make([][each]int, others) // plain
	var wg gosync.WaitGroup
	for o := range others {
		wg.Go(func() {
			cpu := h.workers + o
			for i := 0; i < each; {
				j := h.New(cpu, func(w *Worker, j *Job) {
					came[j.Arg[0]][j.Arg[1]]++
					j.Arg[2] = j.Arg[1] + 7
				})
				if j == nil {
					runtime.Gosched()
					continue
				}
				j.Arg[0], j.Arg[1] = uint64(o), uint64(i)
				keep := i%5 == 0
				h.Submit(i%h.workers, j, keep)
				if keep {
					h.Wait(cpu, j)
					if j.Arg[2] != uint64(i)+7 || came[o][i] != 1 {
						t.Errorf("job %d of %d is not done", i, o)
					}
					h.Free(cpu, j)
				}
				i++
			}
		})
	}
	wg.Wait()
	st := h.end(t)
	for o := range came {
		for i, c := range came[o] {
			require.Equal(t, 1, c, "job %d of %d", i, o)
		}
	}
	require.EqualValues(t, others*each, st.Executed)
	require.EqualValues(t, others*each, st.Submitted)
}

// A job that is held is not done before the last Drop, from wherever that comes.
func TestWork_G2_HoldAndDrop(t *testing.T) {
	manyThreads(t)
	h := newHost(setting{workers: 2, others: 1, jobs: 10, depth: 1}, true)
	held := make(chan *Job, 2)
	step := make(chan bool)
	word := 0
	j := h.New(h.workers, func(w *Worker, j *Job) {
		if j.Arg[0] == 1 {
			held <- w.Hold()
			w.Sync()
			if word != 1 {
				t.Error("Sync returned before Drop")
			}
		}
		held <- w.Hold()
	})
	j.Arg[0] = 1
	h.Submit(1, j, true)
	first := <-held
	word = 1
	h.Drop(h.workers, first)
	second := <-held
	require.False(t, j.Done())
	go func() {
		<-step
		word = 2
		h.Drop(h.workers, second)
	}()
	step <- true
	h.Wait(h.workers, j)
	require.Equal(t, 2, word)
	h.Free(h.workers, j)
	h.end(t)
}

// Thieves begin with the nearest; among equally near ones, with the longest.
func TestWork_TheOrderOfVictims(t *testing.T) {
	ring := func(a, b int) int { d := (a - b + 8) % 8; return min(d, 8-d) }
	h := newHost(setting{workers: 8, others: 1, jobs: 100, distance: ring}, false)
	for i := range 8 {
		w := h.Worker(i)
		w.context = &h.contexts[i]
		last := 0
		seen := 1 << i
		for _, v := range w.victims {
			d := ring(i, int(v.worker))
			require.GreaterOrEqual(t, d, last)
			require.EqualValues(t, d-1, v.class)
			last, seen = d, seen|1<<v.worker
		}
		require.Equal(t, 255, seen)
	}
	give := func(i, n int) {
		for range n {
			j := h.Worker(i).New(func(*Worker, *Job) {})
			j.Arg[0] = uint64(i)
			h.Worker(i).push(j)
		}
	}
	give(2, 1)
	give(6, 2) // as near to 0 as 2
	give(4, 9)
	give(1, 1)
	thief := h.Worker(0)
	var got []uint64
	for j := thief.find(); j != nil; j = thief.find() {
		got = append(got, j.Arg[0])
		thief.Free(j)
	}
	require.Len(t, got, 13)
	require.EqualValues(t, []uint64{1, 6}, got[:2])
	require.ElementsMatch(t, []uint64{2, 6}, got[2:4])
	require.EqualValues(t, []uint64{4, 4, 4, 4, 4, 4, 4, 4, 4}, got[4:])
	st := h.Pool.Stats()
	require.Equal(t, [MaxClasses]uint64{1, 3, 0, 9}, st.Stolen)
	require.Zero(t, st.Failed)
	// Inboxes: its own before all, then those of the same distance as deques.
	for _, i := range []int{4, 7, 0} {
		j := h.Pool.New(8, func(*Worker, *Job) {})
		j.Arg[0] = uint64(i)
		h.Submit(i, j, false)
	}
	got = nil
	for j := thief.find(); j != nil; j = thief.find() {
		got = append(got, j.Arg[0])
		thief.Free(j)
	}
	require.EqualValues(t, []uint64{0, 7, 4}, got)
}

// Jobs that come from one submitter to one worker are run in order by a worker that is alone.
func TestWork_AnInboxIsInOrder(t *testing.T) {
	h := newHost(setting{workers: 1, others: 1, jobs: 200}, false)
	for i := range 50 {
		j := h.New(1, func(*Worker, *Job) {})
		j.Arg[0] = uint64(i)
		h.Submit(0, j, false)
	}
	w := h.Worker(0)
	w.context = &h.contexts[0]
	first := w.take(w)
	require.Zero(t, first.Arg[0])
	w.Free(first)
	for i := range uint64(49) { // thieves take the oldest
		v, how := w.deque.Steal()
		require.Equal(t, sync.Taken, how)
		require.Equal(t, i+1, h.jobs[v].Arg[0])
		w.Free(&h.jobs[v])
	}
}

func TestWork_Misuse(t *testing.T) {
	h := newHost(setting{workers: 1, others: 1, jobs: 5}, false)
	w := h.Worker(0)
	w.context = &h.contexts[0]
	run := func(fn func(*Worker, *Job)) func() {
		return func() { w.run(w.New(fn)) }
	}
	require.PanicsWithValue(t, "work: a job returned before it joined all that it forked", run(func(w *Worker, _ *Job) { w.Fork(w.New(fibJob)) }))
	require.PanicsWithValue(t, "work: a job joined more than it forked", run(func(w *Worker, _ *Job) { w.Join(w.New(fibJob)) }))
	again := w.New(fibJob)
	w.run(again)
	require.PanicsWithValue(t, "work: a job is run a second time", func() { w.run(again) })
	require.PanicsWithValue(t, "work: a worker waits as if it were none", func() { h.Wait(0, again) })
	require.Panics(t, func() { new(Pool).Init(&Config{}) })
	require.Panics(t, func() { new(Pool).Init(&Config{Workers: make([]Worker, MaxWorkers+1)}) })
}

// BenchmarkForkJoin prints how long fib(24) takes with one worker, with two, and without any.
func BenchmarkForkJoin(b *testing.B) {
	const n = 24
	sync.Relax = func(int) { runtime.Gosched() }
	defer func() { sync.Relax = nil }()
	var one float64
	b.Run("calls", func(b *testing.B) {
		for b.Loop() {
			plainFib(n)
		}
	})
	for _, workers := range []int{1, 2} {
		b.Run(map[int]string{1: "workers=1", 2: "workers=2"}[workers], func(b *testing.B) {
			h := newHost(setting{workers: workers, others: 1, jobs: 1000, depth: 1, spins: 50}, true)
			for b.Loop() {
				h.Free(h.workers, h.do(fibJob, n))
			}
			h.Stop()
			h.wg.Wait()
			per := float64(b.Elapsed().Nanoseconds()) / float64(b.N)
			st := h.Pool.Stats()
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(st.Executed), "ns/job")
			b.ReportMetric(float64(st.Thefts())/float64(b.N), "thefts/op")
			if workers == 1 {
				one = per
			} else if one > 0 {
				b.ReportMetric(one/per, "speedup")
			}
		})
	}
}

//go:noinline
func plainFib(n uint64) uint64 {
	if n < 2 {
		return n
	}
	return plainFib(n-1) + plainFib(n-2)
}
