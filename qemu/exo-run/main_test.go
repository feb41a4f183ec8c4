package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"exo/qemu"
)

func TestFlags(t *testing.T) {
	c, err := parse([]string{"-topo", "uma", "-cpus", "2", "-mem", "1G", "-accel", "tcg", "-kernel", "k", "-initrd", "i",
		"-append", "tests=all exit", "-extra", "-d int -D 'a b'", "-extra", "-S", "-bench", "-silence", "5s", "-limit", "0"}, io.Discard)
	require.NoError(t, err)
	c.machine.Terminal = false // whatever the tests run under
	assert.Equal(t, qemu.Machine{Topo: "uma", CPUs: 2, Mem: "1G", Accel: qemu.AccelTCG, Kernel: "k", Initrd: "i",
		Append: "tests=all exit", Extra: []string{"-d", "int", "-D", "a b", "-S"}}, c.machine)
	assert.True(t, c.bench)
	assert.Equal(t, qemu.Limits{Silence: 5 * time.Second}, c.limits)
}

// A Makefile passes its variables whether they are set or not.
func TestEmptyFlagsCountAsNotGiven(t *testing.T) {
	c, err := parse([]string{"-topo=", "-cpus=", "-mem=", "-accel=", "-icount=", "-kernel=", "-initrd=", "-append=", "-iso=", "-gdb=", "-stopped=", "-extra=", "-disk=", "-bench=", "-silence=", "-limit="}, io.Discard)
	require.NoError(t, err)
	c.machine.Terminal = false
	assert.Equal(t, qemu.Machine{Kernel: "build/exo.img"}, c.machine)
	assert.False(t, c.bench)

	c, err = parse([]string{"-icount=1", "-cpus=1"}, io.Discard)
	require.NoError(t, err)
	assert.True(t, c.machine.Icount)
	c, err = parse([]string{"-icount=0"}, io.Discard)
	require.NoError(t, err)
	assert.False(t, c.machine.Icount)
}

func TestDefaults(t *testing.T) {
	t.Chdir(t.TempDir())
	require.NoError(t, os.Mkdir("build", 0o755))
	require.NoError(t, os.WriteFile("build/initramfs.cpio", nil, 0o644))
	for _, c := range []struct {
		args                []string
		kernel, initrd, iso string
		stopped             bool
	}{
		{nil, "build/exo.img", "build/initramfs.cpio", "", false},
		{[]string{"-kernel", "k"}, "k", "", "", false},
		{[]string{"-initrd", "none"}, "build/exo.img", "", "", false},
		{[]string{"-iso", "cd"}, "", "", "cd", false},
		{[]string{"-gdb", "1234"}, "build/exo.img", "build/initramfs.cpio", "", true},
		{[]string{"-gdb", "1234", "-stopped=false"}, "build/exo.img", "build/initramfs.cpio", "", false},
	} {
		got, err := parse(c.args, io.Discard)
		require.NoError(t, err)
		m := got.machine
		assert.Equal(t, []any{c.kernel, c.initrd, c.iso, c.stopped}, []any{m.Kernel, m.Initrd, m.ISO, m.Stopped}, "%q", c.args)
		if m.GDB != "" {
			assert.Zero(t, got.limits, "a person with a debugger takes his time")
		}
	}
}

func TestFlagMistakes(t *testing.T) {
	for _, args := range [][]string{{"-cpus", "0"}, {"-cpus", "two"}, {"-icount=maybe"}, {"-extra", "'"}, {"-limit", "5"}, {"-nonsense"}} {
		var said bytes.Buffer
		_, err := parse(args, &said)
		assert.ErrorIs(t, err, errUsage, "%q", args)
		assert.NotEmpty(t, said.String())
	}
	_, err := parse([]string{"exit"}, io.Discard)
	assert.ErrorContains(t, err, `"exit" is no flag`)
}

// booted runs exo-run on a shell script in QEMU's place, which prints text and exits.
func booted(t *testing.T, text, exit string, bench bool) (out, messages string, err error) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "text"), []byte(text), 0o644))
	script := filepath.Join(dir, "qemu")
	require.NoError(t, os.WriteFile(script, []byte("#!/bin/sh\ncat '"+dir+"/text'\nexit "+exit+"\n"), 0o755))
	var o, m bytes.Buffer
	err = run(config{
		machine: qemu.Machine{Binary: script, Kernel: os.DevNull, Accel: qemu.AccelTCG},
		limits:  qemu.Limits{Total: time.Minute},
		bench:   bench,
	}, &o, &m)
	return o.String(), m.String(), err
}

func TestRunPass(t *testing.T) {
	out, messages, err := booted(t, "hello\n", "33", false)
	require.NoError(t, err)
	assert.Equal(t, "hello\n", out)
	assert.Regexp(t, `^exo-run: \S*/qemu -machine q35 .*-kernel /dev/null\n$`, messages)
}

func TestRunFailNamesTheTests(t *testing.T) {
	_, _, err := booted(t, "TAP version 14\nok 1 - a\nnot ok 2 - b: 1 is not 2\n1..2\n", "3", false)
	assert.EqualError(t, err, "1 of 2 tests failed: 2 (b: 1 is not 2)")
	_, _, err = booted(t, "", "3", false)
	assert.EqualError(t, err, "the guest says a test failed")
}

func TestRunOtherEnds(t *testing.T) {
	_, _, err := booted(t, "", "0", false)
	assert.EqualError(t, err, "QEMU was quit", "nobody sits at a terminal who could have wanted it")
	_, _, err = booted(t, "", "1", false)
	assert.ErrorContains(t, err, "QEMU failed (exit status 1)")
}

func TestRunPanicIsDisassembled(t *testing.T) {
	out, _, err := booted(t, "=== PANIC ===\npanic: cause: x\npanic: code 0x1000 90 [0f] 0b\n", "5", false)
	assert.EqualError(t, err, "the guest panicked")
	assert.Contains(t, out, "=> 0x0000000000001001  0f 0b")
	assert.Contains(t, out, "cut short")
}

func TestRunBench(t *testing.T) {
	out, _, err := booted(t, "bench a ops=1 tsc=5 per=5.00\nbench a/locked ops=1 tsc=10 per=10.00\n", "33", true)
	require.NoError(t, err)
	assert.Regexp(t, `\na +1 +5.00 +locked +10.00 +2.00 `, out)
	_, _, err = booted(t, "", "33", true)
	assert.ErrorContains(t, err, "ran no benchmark")
	_, _, err = booted(t, "bench a ops=1 tsc=5 per=6.00\n", "33", true)
	assert.ErrorContains(t, err, "not 6.00")
}

func TestABootThatNobodyWatchesEnds(t *testing.T) {
	for _, c := range []struct {
		m    qemu.Machine
		must bool
	}{
		{qemu.Machine{}, true},
		{qemu.Machine{Append: "tests=exit*"}, true},
		{qemu.Machine{Append: "seed=1 exit"}, false},
		{qemu.Machine{Terminal: true}, false},
		{qemu.Machine{GDB: "1234"}, false},
		{qemu.Machine{ISO: "cd"}, false},
	} {
		assert.Equal(t, c.must, mustExit(&c.m), "%+v", c.m)
	}
}
