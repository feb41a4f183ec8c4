package main

import (
	"debug/elf"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

const marked = `package sched

type CPU struct{}

// Outer calls one that is marked, which calls another.
func (c *CPU) Outer() {
	c.inner()
}

//exo:inline
func (c *CPU) inner() { leaf() }

//exo:inline
func leaf() { leaf() }

func cold() {}
`

func TestHotProfileNamesEachCallOfAMarkedFunction(t *testing.T) {
	module := t.TempDir()
	dir := filepath.Join(module, "kernel", "sched")
	require.NoError(t, os.MkdirAll(dir, 0o755))
	require.NoError(t, os.MkdirAll(filepath.Join(module, "arch", "amd64"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "a.go"), []byte(marked), 0o644))

	all, functions, files, err := functions(module)
	require.NoError(t, err)
	require.Len(t, all, 4)
	require.Len(t, functions, 2)
	calls := map[edge]bool{}
	for _, f := range all {
		addCalls(calls, f, f, functions, files, map[string]bool{})
	}
	const pkg = "exo/kernel/sched."
	require.Equal(t, map[edge]bool{
		{pkg + "(*CPU).Outer", pkg + "(*CPU).inner", 1}: true,
		{pkg + "(*CPU).Outer", pkg + "leaf", 5}:         true, // in inner, as if it stood in Outer
		{pkg + "(*CPU).Outer", pkg + "leaf", 8}:         true, // in leaf
		{pkg + "(*CPU).inner", pkg + "leaf", 0}:         true,
		{pkg + "(*CPU).inner", pkg + "leaf", 3}:         true,
		{pkg + "leaf", pkg + "leaf", 0}:                 true,
	}, calls)

	first, err := hotProfile(module)
	require.NoError(t, err)
	again, err := hotProfile(module)
	require.NoError(t, err)
	require.Equal(t, first, again, "the same sources, the same bytes")
}

// TestMarkedFunctionsAreInlined looks for what is left of them in the kernel: the compiler may not take the profile for what it is any more.
func TestMarkedFunctionsAreInlined(t *testing.T) {
	k, err := elf.Open(filepath.Join(buildOnce(t), "kernel.elf"))
	require.NoError(t, err)
	defer k.Close()
	symbols, err := k.Symbols()
	require.NoError(t, err)
	there := map[string]bool{}
	for _, s := range symbols {
		there[s.Name] = true
	}
	require.True(t, there["main.yield"])
	for _, gone := range []string{"main.pass", "main.switchTo", "exo/kernel/sched.(*CPU).Pass"} {
		require.False(t, there[gone], gone)
	}
}
