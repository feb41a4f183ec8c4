// Package tsan says whether the race detector watches, and spares it the tests in which it has nothing to see.
package tsan

import (
	"runtime"
	"runtime/metrics"
	"sync"
	"testing"
)

// few goroutines are the runtime's own: who runs finalizers and cleanups, when there is the first.
const few = 6

// workers has the collector start its workers before anybody counts.
var workers = sync.OnceFunc(runtime.GC)

// Alone is for a long test with one goroutine: the race detector finds nothing in it and makes it ten times longer, so that it is skipped
// with the detector on. make test runs each test without the detector as well; then a test that starts goroutines after all fails. The
// goroutines of its subtests count: a test that has more than a few of them calls Alone in each.
func Alone(t testing.TB) {
	t.Helper()
	if On {
		t.Skip("one goroutine: nothing to see for the race detector; it runs without it")
	}
	workers()
	before := created()
	t.Cleanup(func() {
		if n := created() - before; n > few {
			t.Errorf("%s calls tsan.Alone and starts %d goroutines: the race detector must see it", t.Name(), n)
		}
	})
}

// created is how many goroutines there have been.
func created() uint64 {
	s := []metrics.Sample{{Name: "/sched/goroutines-created:goroutines"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}
