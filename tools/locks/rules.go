package main

import (
	"go/types"

	"golang.org/x/tools/go/ssa"
)

// The names that the check knows. Everything else it finds out.
const (
	modulePath = "exo"
	syncPath   = "exo/kernel/sync"
	archPath   = "exo/arch/amd64"
)

// lockTypes are the types of syncPath that are locks, and what they are called.
var lockTypes = map[string]string{
	"Spinlock":  "spinlock",
	"Sleeplock": "sleeplock",
	"Ticket":    rawLock,
	"MCS":       rawLock,
}

// rawLock marks a lock without a class: the order knows nothing of it, so kernel/sync alone builds on it.
const rawLock = "raw"

// rawUses are the files outside kernel/sync that may name a raw lock, and why.
var rawUses = map[string]string{
	"kernel/test_smp.go":       "the in-kernel test of the raw lock itself",
	"kernel/mm/oracle.go":      "the locked allocator that the lock-free one is compared with",
	"kernel/sched/baseline.go": "the locked queues that the lock-free ones are compared with",
	"kernel/endpoint.go":       "the way of a message is counted in instructions; nothing is taken under it, and nobody waits",
	"kernel/timers.go":         "as endpoint.go, under that of a gate",
	"kernel/irqcalls.go":       "so too, by a handler",
	"kernel/virtio/disk.go":    "so too, by a handler; under it only that of pci.go is taken, once, when a disk is given up",
	"kernel/pci.go":            "two registers, under that of a disk; nothing is taken under it",
	"kernel/bench_sync.go":     "benchmarks of the raw locks, and the bare lock that others are compared with",
}

// unclassed are locks that are given classes while the kernel runs, and why. The check does not follow them.
var unclassed = map[string]string{
	"kernel.orderTorture.sleep": "a test that takes locks of all classes in any legal order",
	"kernel.orderTorture.spin":  "the same test",
	"kernel.crashLocks":         "taken the wrong way round by crash=lockorder, to see the kernel panic",
}

// exempt are functions that break the order on purpose, and why.
var exempt = map[string]string{}

// sleepers are functions of syncPath, besides Sleeplock.Lock, in which the caller may give up its CPU.
var sleepers = map[string]bool{
	"RCU.Synchronize":          true,
	"RCU.SynchronizeExpedited": true,
	"RCU.Barrier":              true,
	"Sleeper.Park":             true,
}

// operation is what a function of syncPath does to locks.
type operation int

const (
	opNone operation = iota
	opInit
	opLock
	opTryLock
	opUnlock
	opSection    // opens an RCU read section
	opSectionEnd // closes it
	opSleep
)

var operations = map[string]operation{"Init": opInit, "Lock": opLock, "TryLock": opTryLock, "Unlock": opUnlock}

// operationOf says what fn does to its first argument.
func operationOf(fn *types.Func) operation {
	if fn == nil || fn.Pkg() == nil || fn.Pkg().Path() != syncPath {
		return opNone
	}
	recv := receiver(fn)
	switch {
	case lockTypes[recv] != "":
		return operations[fn.Name()]
	case recv == "Context" && fn.Name() == "ReadLock":
		return opSection
	case recv == "Context" && fn.Name() == "ReadUnlock":
		return opSectionEnd
	case sleepers[recv+"."+fn.Name()]:
		return opSleep
	}
	return opNone
}

// functionOf is what fn was declared as; nil for wrappers, whose bodies call the real one.
func functionOf(fn *ssa.Function) *types.Func {
	if fn.Synthetic != "" && fn.Origin() == nil {
		return nil
	}
	f, _ := fn.Object().(*types.Func)
	return f
}

// receiver is the name of the type that fn is a method of, or "".
func receiver(fn *types.Func) string {
	recv := fn.Signature().Recv()
	if recv == nil {
		return ""
	}
	t := recv.Type()
	if p, ok := t.(*types.Pointer); ok {
		t = p.Elem()
	}
	if n, ok := t.(*types.Named); ok {
		return n.Obj().Name()
	}
	return ""
}

// lockType returns the name of the lock type t, or "".
func lockType(t types.Type) string {
	n, ok := types.Unalias(t).(*types.Named)
	if !ok || n.Obj().Pkg() == nil || n.Obj().Pkg().Path() != syncPath || lockTypes[n.Obj().Name()] == "" {
		return ""
	}
	return n.Obj().Name()
}

// locksIn returns the name of the lock type that a variable of type t holds: t itself, or the elements of an array or a
// slice. "" if it is none.
func locksIn(t types.Type) string {
	for {
		switch u := types.Unalias(t).(type) {
		case *types.Array:
			t = u.Elem()
		case *types.Slice:
			t = u.Elem()
		default:
			return lockType(t)
		}
	}
}

// mayBeLock says whether a parameter of type t may carry a lock: a pointer to one, or an interface with its methods.
func mayBeLock(t types.Type) bool {
	if p, ok := t.Underlying().(*types.Pointer); ok {
		return lockType(p.Elem()) != ""
	}
	if i, ok := t.Underlying().(*types.Interface); ok {
		for m := range i.Methods() {
			if m.Name() == "Unlock" {
				return true
			}
		}
	}
	return false
}
