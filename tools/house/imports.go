package main

import (
	"fmt"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
)

const module = "exo/"

// layers is the picture of what may import what, of the tree's own packages. A folder is in the row of the longest prefix of its path.
// It may import its own row's prefix, and what the row names; by a prefix too. Who is in no row is in nobody's reach: an error.
//
//	user        libos, and the kernel's page of numbers
//	libos       that page, and the format of the initramfs
//	───────────────────────────── ring 3 and ring 0 share kernel/abi
//	kernel      (package main) everything of ring 0
//	env virtio
//	fs  cap  sched  numa
//	mm  pci  ktest
//	sync
//	text  abi  bpf  cmdline  initramfs  symtab    nothing
//	───────────────────────────── the portable part knows of no machine
//	arch  boot  nothing of kernel
//
// Tools, the harness, docs and internal run on a host, and may import everything; nothing that is in a program of ring 0 or ring 3
// imports them, or a package from outside. Tests run on a host, too.
var layers = []struct {
	at   string
	may  []string
	out  string // one package from outside, in a file that is not ring 0's
	host bool
}{
	{at: "kernel", may: []string{"arch", "boot", "kernel"}},
	{at: "kernel/abi"},
	{at: "kernel/text"},
	{at: "kernel/bpf"},
	{at: "kernel/cmdline"},
	{at: "kernel/initramfs"},
	{at: "kernel/symtab", out: "github.com/pierrec/lz4/v4"},
	{at: "kernel/sync", may: []string{"kernel/text"}},
	{at: "kernel/sync/atom"},
	{at: "kernel/ktest", may: []string{"kernel/text"}},
	{at: "kernel/pci", may: []string{"kernel/text"}},
	{at: "kernel/mm", may: []string{"kernel/sync", "kernel/text"}},
	{at: "kernel/numa", may: []string{"kernel/mm", "kernel/sync", "kernel/text"}},
	{at: "kernel/sched", may: []string{"kernel/sync", "kernel/text"}},
	{at: "kernel/cap", may: []string{"kernel/sync"}},
	{at: "kernel/fs", may: []string{"kernel/sync", "kernel/ktest", "kernel/text"}},
	{at: "kernel/virtio", may: []string{"kernel/fs/block", "kernel/fs/errno", "kernel/pci", "kernel/sync"}},
	{at: "kernel/env", may: []string{"kernel/cap", "kernel/sync"}},
	{at: "arch"},
	{at: "boot"},
	{at: "libos", may: []string{"kernel/abi", "kernel/initramfs"}},
	{at: "user", may: []string{"libos", "kernel/abi", "internal/baselines"}},
	{at: "internal", host: true},
	{at: "tools", host: true},
	{at: "qemu", host: true},
	{at: "docs", host: true},
	{at: "internal/baselines"},              // numbers
	{at: "kernel/sync/explore", host: true}, // the explorer of schedules
	{at: "libos/hosttest", host: true},      // what stands for a kernel in tests
}

// below says whether a folder is a prefix's or in it.
func below(dir, prefix string) bool { return dir == prefix || strings.HasPrefix(dir, prefix+"/") }

// layer is the row of a folder, -1 if there is none.
func layer(dir string) int {
	best := -1
	for i, l := range layers {
		if below(dir, l.at) && (best < 0 || len(l.at) > len(layers[best].at)) {
			best = i
		}
	}
	return best
}

// checkImports counts the imports of all but tests, and says which point up or out.
func checkImports(tree []source) (seen int, wrong []string, err error) {
	for _, s := range tree {
		if !s.isGo() || s.isTest() {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), s.path, s.text, parser.ImportsOnly)
		if err != nil {
			return 0, nil, err
		}
		for _, i := range f.Imports {
			seen++
			name, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				return 0, nil, err
			}
			if !mayImport(s.dir(), name) {
				wrong = append(wrong, fmt.Sprintf("%s: imports %s, which is not below %s (tools/house/imports.go)", s.path, name, s.dir()))
			}
		}
	}
	return seen, wrong, nil
}

func mayImport(dir, name string) bool {
	n := layer(dir)
	if n < 0 {
		return false
	}
	from := layers[n]
	to, ours := strings.CutPrefix(name, module)
	switch {
	case from.host:
		return true
	case !ours: // the standard library has no dot in its first element
		first, _, _ := strings.Cut(name, "/")
		return !strings.Contains(first, ".") || name == from.out
	case layer(to) < 0 || layers[layer(to)].host:
		return false
	}
	return below(to, from.at) || slices.ContainsFunc(from.may, func(p string) bool { return below(to, p) })
}
