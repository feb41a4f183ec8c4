//go:build race || explore

package cap

// slow says that each access is watched.
const slow = true
