package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestReadRound(t *testing.T) {
	line := func(pc string) string { return "Trace 0: 0x7f3c4c0 [00000000/" + pc + "/00000033/ff000200] \n" }
	const entry, user, other, kernel = "ffffffff80000010", "0000000000100000", "0000000000100005", "ffffffff80000020"
	text := "something else\n"
	for _, pc := range []string{user, entry, kernel, other, user, entry, kernel, user, other, entry, kernel, user, other} {
		text += line(pc)
	}
	name := filepath.Join(t.TempDir(), "log")
	require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
	f, err := os.Open(name)
	require.NoError(t, err)
	defer f.Close()
	round, err := readRound(f, 0xffffffff80000010, 1)
	require.NoError(t, err)
	assert.Equal(t, []uint64{0x100005, 0x100000, 0xffffffff80000010, 0xffffffff80000020, 0x100000}, round)
	_, err = f.Seek(0, 0)
	require.NoError(t, err)
	_, err = readRound(f, 0xffffffff80000010, 100)
	assert.ErrorContains(t, err, "before a round had")
}

func TestNames(t *testing.T) {
	n := names{spans: []span{
		{10, 50, 1, "main.outer"}, {20, 30, 2, "main.inner"}, {24, 26, 3, "sync/atomic.LoadUint64"},
	}}
	for pc, want := range map[uint64]string{10: "main.outer", 20: "main.inner", 25: "main.inner", 30: "main.outer", 50: "?"} {
		assert.Equal(t, want, n.of(pc), pc)
	}
}
