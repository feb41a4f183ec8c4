//go:build race

package fs_test

// raced: the race detector makes all of it ten times as long, and looks for other things.
const raced = true
