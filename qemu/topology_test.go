package qemu

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTopologiesAreAllThere(t *testing.T) {
	assert.Equal(t, []string{"asym", "cpuless", "dual", "eight", "memless", "quad-ring", "sparse", "uma"}, Topologies())
	for name, cpus := range map[string]int{"uma": 4, "dual": 4, "quad-ring": 8, "eight": 8, "memless": 6, "cpuless": 4, "asym": 6, "sparse": 6} {
		topo, err := LoadTopology(name)
		require.NoError(t, err)
		assert.Equal(t, cpus, topo.CPUs(), name)
		assert.Equal(t, name != "uma" && name != "sparse", topo.Has("-numa"), name)
	}
}

func TestTopologyByPath(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mine")
	require.NoError(t, os.WriteFile(path, []byte("# mine\n-smp 2 -m 64M\n"), 0o644))
	topo, err := LoadTopology(path)
	require.NoError(t, err)
	assert.Equal(t, []string{"-smp", "2", "-m", "64M"}, topo.Args)

	same, err := LoadTopology("topologies/dual.args")
	require.NoError(t, err)
	dual, err := LoadTopology("dual")
	require.NoError(t, err)
	assert.Equal(t, dual.Args, same.Args)
}

func TestTopologyErrorsSayWhatToDo(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
		return path
	}
	for name, want := range map[string]string{
		"daul":                         "asym cpuless dual",
		dir:                            "is a directory; give a file",
		write("empty", "# nothing\n"):  "holds no QEMU arguments",
		write("quote", "-smp '4\n"):    "line 1: the quote ' is never closed",
		write("words", "smp 4 -m 1G"):  `first word is "smp"`,
		filepath.Join(dir, "nowhere"):  "no file of that path",
		"../topologies/../secrets.txt": "no topology named",
	} {
		_, err := LoadTopology(name)
		assert.ErrorContains(t, err, want, name)
	}
}

func TestTopologyCPUs(t *testing.T) {
	for smp, want := range map[string]int{
		"4": 4, "cpus=3": 3, "6,sockets=2,cores=3": 6, "sockets=2,cores=3,threads=2": 12, "2,maxcpus=8": 2, "sockets=2,maxcpus=2": 2,
	} {
		assert.Equal(t, want, Topology{Args: []string{"-smp", smp}}.CPUs(), smp)
	}
	assert.Equal(t, 1, Topology{}.CPUs())
	assert.Equal(t, 1, Topology{Args: []string{"-smp"}}.CPUs())
}
