package main

import (
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

// sound is a tree with nothing wrong.
func sound() map[string]string {
	return map[string]string{
		"kernel/sync/queue.go":      "// Package sync … queue.go.\n//\n// G1. Once.\n// G2. In order.\npackage sync\n\nimport \"exo/kernel/text\"\n",
		"kernel/sync/queue_test.go": "package sync\n\nfunc TestQueue_G1_Once(t *testing.T) {}\n\nfunc TestExplore_Queue_G1_G2(t *testing.T) {}\n",
		"kernel/text/line.go":       "package text\n",
		"kernel/gate.go":            "//go:build exokernel\n\npackage main\n\nimport \"exo/arch/amd64\"\n\n// Gates.\n//\n// G1. A wait ends.\n",
		"kernel/tests.go":           "package main\n\nvar tests = []test{\n\t{\"gate/ends: G1 a wait ends\", 1, testGate},\n}\n",
		"arch/amd64/trap_amd64.s":   "RET\n",
		"arch/amd64/trap.go":        "package amd64\n",
		"tools/x/main.go":           "package main\n\nimport \"github.com/a/b\"\n",
	}
}

// see runs all checks on a sound tree with some files changed; "" takes one away.
func see(t *testing.T, change map[string]string) (string, error) {
	files := sound()
	for name, text := range change {
		if files[name] = text; text == "" {
			delete(files, name)
		}
	}
	tree := fstest.MapFS{}
	for name, text := range files {
		tree[name] = &fstest.MapFile{Data: []byte(text)}
	}
	var out strings.Builder
	err := run(tree, map[string]string{"booted/gate": "kernel/gate.go"}, &out)
	return out.String(), err
}

func TestSound(t *testing.T) {
	out, err := see(t, nil)
	require.NoError(t, err, out)
	require.Contains(t, out, "8 files, 3 imports, 3 guarantees")
}

func TestFindings(t *testing.T) {
	for _, x := range []struct {
		what, file, text string
		find             string
	}{
		{"up, to the machine", "kernel/sync/spin.go", "package sync\n\nimport \"exo/arch/amd64\"\n", "kernel/sync/spin.go: imports exo/arch/amd64"},
		{"up, in the portable part", "kernel/sync/spin.go", "package sync\n\nimport \"exo/kernel/mm\"\n", "imports exo/kernel/mm"},
		{"whatever the tag", "kernel/cap/x.go", "//go:build exokernel\n\npackage cap\n\nimport \"exo/kernel/sched\"\n", "imports exo/kernel/sched"},
		{"the machine, to the kernel", "arch/amd64/x.go", "package amd64\n\nimport \"exo/kernel/sync\"\n", "imports exo/kernel/sync"},
		{"ring 3, to more than the numbers", "user/sh/x.go", "package main\n\nimport \"exo/kernel/cap\"\n", "imports exo/kernel/cap"},
		{"libos, to a program", "libos/sys/x.go", "package sys\n\nimport \"exo/user/sh\"\n", "imports exo/user/sh"},
		{"a host's package", "libos/sys/x.go", "package sys\n\nimport \"exo/internal/seeds\"\n", "imports exo/internal/seeds"},
		{"a package from outside", "kernel/sync/x.go", "package sync\n\nimport \"golang.org/x/sys/unix\"\n", "imports golang.org/x/sys/unix"},
		{"a folder of no layer", "new/x.go", "package new\n\nimport \"unsafe\"\n", "new/x.go: imports unsafe"},
		{"a folder whose name begins as another's", "kernel/sync/x.go", "package sync\n\nimport \"exo/kernel/textual\"\n", "imports exo/kernel/textual"},
		{"a long file", "kernel/sync/long.go", "package sync\n" + strings.Repeat("\n", 600), "kernel/sync/long.go: 601 lines"},
		{"a long file of assembly", "arch/amd64/long.s", strings.Repeat("\n", 601), "arch/amd64/long.s: 601 lines"},
		{"a guarantee without a test", "kernel/sync/stack.go", "// Stack.\n//\n// G1. Once.\npackage sync\n", "stack.go: no test says in its name that it sees G1 kept"},
		{"one of two", "kernel/sync/queue_test.go", "package sync\n\nfunc TestQueue_G1_Once(t *testing.T) {}\n", "queue.go: no test says in its name that it sees G2 kept"},
		{"a test of another topic", "kernel/sync/queue_test.go", "package sync\n\nfunc TestQuery_G1_G2(t *testing.T) {}\n", "no G1 is stated in kernel/sync/query.go"},
		{"a test without a guarantee", "kernel/sync/more_test.go", "package sync\n\nfunc TestQueue_G3_Fair(t *testing.T) {}\n", "TestQueue_G3_Fair: no G3 is stated in kernel/sync/queue.go"},
		{"a name in disorder", "kernel/sync/more_test.go", "package sync\n\nfunc Test_G1(t *testing.T) {}\n", "Test_G1: which guarantee is that?"},
		{"also of what is not stated", "kernel/sync/more_test.go", "package sync\n\n// Also kernel/gate.go: G1, G2.\nfunc TestX(t *testing.T) {}\n", "TestX: no G2 is stated in kernel/gate.go"},
		{"also of nothing", "kernel/sync/more_test.go", "package sync\n\n// Also G1 of gates.\nfunc TestX(t *testing.T) {}\n", "begins with Also"},
		{"a test in the kernel without a guarantee", "kernel/tests.go", "package main\n\nvar tests = []test{\n\t{\"gate/ends: G1 G4 a\", 1, f},\n}\n", "gate/ends: no G4 is stated"},
		{"a guarantee of the kernel's without a test", "kernel/tests.go", "package main\n", "kernel/gate.go: no test says"},
		{"a topic of no test", "kernel/tests.go", "package main\n", "no test has the topic booted/gate"},
	} {
		t.Run(x.what, func(t *testing.T) {
			out, err := see(t, map[string]string{x.file: x.text})
			require.Error(t, err)
			require.Contains(t, out, x.find)
		})
	}
}

// A tree in which nothing was found to look at is not in order.
func TestNothingSeen(t *testing.T) {
	var out strings.Builder
	require.ErrorContains(t, run(fstest.MapFS{}, nil, &out), "the wrong thing")
	require.ErrorContains(t, run(fstest.MapFS{"tools/x.go": {Data: []byte("package x\n")}}, nil, &out), "0 imports")
}

// A file that is not Go is an error, not a file without imports.
func TestUnreadable(t *testing.T) {
	_, err := see(t, map[string]string{"kernel/sync/x.go": "pakage sync\n"})
	require.Error(t, err)
}

func TestTheTree(t *testing.T) {
	var out strings.Builder
	require.NoError(t, run(os.DirFS("../.."), topics, &out), "\n%s", &out)
}
