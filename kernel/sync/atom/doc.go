// Package atom holds the atomic words that kernel/sync is built from: sync/atomic with two additions.
//
// StoreRelease is a store that orders only what came before it. sync/atomic's stores are XCHG on amd64, a full fence;
// publishing a node needs no such thing (release_amd64.go says why a plain MOV does, release_other.go is for where it
// does not).
//
// And every operation is a point where a test can stop a thread: built with the tag "explore", each one asks a scheduler
// first (explore.go), and StoreRelease goes through a store buffer as on x86-TSO. Without the tag there is nothing: the
// methods are sync/atomic's intrinsics, inlined (TestHooksAreCompiledAway).
//
// Start reading: word.go, the operations; then release_amd64.go.
package atom

// noCopy has go vet refuse copies of what contains it.
type noCopy struct{}

func (*noCopy) Lock()   {}
func (*noCopy) Unlock() {}
