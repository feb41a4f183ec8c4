package tsan

import (
	"sync"
	"testing"
)

// watched is a test's T that remembers whether it was skipped, and whether it failed.
type watched struct {
	testing.TB
	skipped, failed bool
	cleanup         func()
}

func (w *watched) Skip(...any)           { w.skipped = true }
func (w *watched) Errorf(string, ...any) { w.failed = true }
func (w *watched) Cleanup(f func())      { w.cleanup = f }

func alone(t *testing.T, goroutines int) *watched {
	w := &watched{TB: t}
	Alone(w)
	for range goroutines {
		var wg sync.WaitGroup
		wg.Go(func() {})
		wg.Wait()
	}
	if !On {
		w.cleanup()
	}
	return w
}

func TestAlone_WithTheDetectorItIsSkippedAndWithoutItWatched(t *testing.T) {
	quiet, loud := alone(t, 0), alone(t, 20)
	if quiet.skipped != On || loud.skipped != On {
		t.Error("Alone skips without the detector, or does not with it")
	}
	if quiet.failed {
		t.Error("a test without goroutines fails")
	}
	if loud.failed == On {
		t.Error("a test with goroutines does not fail")
	}
}
