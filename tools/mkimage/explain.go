package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// missing finds the part of Go's runtime that a failed build wanted, in the words of the compiler and of the linker.
var missing = regexp.MustCompile(`(?:undefined builtin "|undefined: |relocation target |could not look up )(runtime\.\w+)`)

// foreign finds an import that go looked for in other modules, which are hidden.
var foreign = regexp.MustCompile(`(\S+\.go:\d+:\d+): \S+: module lookup disabled by GOPROXY=off`)

type meaning struct{ prefix, what string }

// ring0Lacks says what the compiler uses parts of the runtime for, by how their names begin. The last one fits all.
var ring0Lacks = []meaning{
	{"runtime.newobject", "a value escapes to a heap that ring 0 does not have"},
	{"runtime.makeslice", "make of a slice needs a heap"},
	{"runtime.growslice", "append needs a heap"},
	{"runtime.concatstring", "joining strings needs a heap"},
	{"runtime.slicebytetostring", "making a string of bytes needs a heap"},
	{"runtime.stringtoslice", "making a slice of a string needs a heap"},
	{"runtime.convT", "this conversion to an interface needs a heap"},
	{"runtime.makemap", "ring 0 has no maps"},
	{"runtime.mapa", "ring 0 has no maps"}, // mapaccess1, mapassign, …
	{"runtime.mapdelete", "ring 0 has no maps"},
	{"runtime.mapclear", "ring 0 has no maps"},
	{"runtime.mapIter", "ring 0 has no maps"},
	{"runtime.rand", "ring 0 has no maps"}, // a small map literal begins with its hash seed
	{"runtime.newproc", "ring 0 has no goroutines"},
	{"runtime.makechan", "ring 0 has no channels"},
	{"runtime.chan", "ring 0 has no channels"},
	{"runtime.closechan", "ring 0 has no channels"},
	{"runtime.select", "ring 0 has no channels"},
	{"runtime.print", "ring 0 has no print"},
	{"runtime.deferproc", "a defer in a loop needs a heap"},
	{"runtime.gorecover", "ring 0 has no recover: a panic is the kernel's end"},
	{"runtime.decoderune", "range over a string decodes UTF-8, which the shim does not: range over its bytes"},
	{"", "ring 0 uses a part of Go's runtime that the shim does not have: do without it, or without the package that" +
		" wants it; if Go was just updated, its compiler may want a new symbol in boot/runtime"},
}

// ring3Lacks is what programs cannot have, either.
var ring3Lacks = []meaning{
	{"runtime.newproc", "a program has no goroutines: its threads are libos's"},
	{"runtime.makechan", "a program has no channels"},
	{"runtime.chan", "a program has no channels"},
	{"runtime.closechan", "a program has no channels"},
	{"runtime.select", "a program has no channels"},
	{"runtime.block", "a program has no channels"},
	{"", "a program uses a part of Go's runtime that the shim does not have: do without it, or without the package that" +
		" wants it; if Go was just updated, its compiler may want a new symbol in libos/runtime"},
}

// explain adds to a failed build what the missing piece of the runtime means.
func explain(err error, r ring) error {
	text, _, _ := strings.Cut(err.Error(), "\n\ngoroutine ") // the linker panics where it looks for a root by name
	if m := foreign.FindStringSubmatch(text); m != nil {
		return fmt.Errorf("%s: this import is neither in the module nor one of Go's own packages (%s)", m[1], r.docs)
	}
	m := missing.FindStringSubmatch(text)
	if m == nil {
		return err
	}
	i := slices.IndexFunc(r.builtIns, func(c meaning) bool { return strings.HasPrefix(m[1], c.prefix) })
	return fmt.Errorf("%s\nmkimage: %s: %s (%s)", text, m[1], r.builtIns[i].what, r.docs)
}
