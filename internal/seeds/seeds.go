// Package seeds drives randomised host tests: many seeds, the failing one named, EXO_SEED to replay it.
package seeds

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
)

// Each calls f n times, each time with its own random numbers. A failure names the
// seed with which EXO_SEED makes the failing call the first one.
func Each(t *testing.T, n int, f func(r *rand.Rand)) {
	t.Helper()
	first := uint64(1)
	if s := os.Getenv("EXO_SEED"); s != "" {
		v, err := strconv.ParseUint(s, 0, 64)
		if err != nil {
			t.Fatalf("EXO_SEED must be a number: %v", err)
		}
		first = v
	}
	seed, done := first, false
	defer func() {
		if !done {
			t.Logf("seed=%d; replay: EXO_SEED=%d go test -run '^%s$'", seed, seed, t.Name())
		}
	}()
	var src rand.PCG
	r := rand.New(&src)
	for ; seed < first+uint64(n); seed++ {
		src.Seed(seed, 0)
		f(r)
	}
	done = true
}
