//go:build race

package sched

// raceDetector says whether the race detector watches.
const raceDetector = true
