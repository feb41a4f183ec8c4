//go:build race

package tsan

// On says whether the race detector watches.
const On = true
