package qemu

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
)

//go:embed topologies/*.args
var topologyFiles embed.FS

const topologySuffix = ".args"

// A Topology is a machine's CPUs, memory and NUMA nodes, as raw QEMU arguments.
type Topology struct {
	Name string   // as the caller gave it: a known name or a path
	Args []string // what goes on QEMU's command line
}

// Topologies lists the names that [LoadTopology] knows, sorted.
func Topologies() []string {
	files, err := fs.Glob(topologyFiles, "topologies/*"+topologySuffix)
	if err != nil {
		panic(err) // the pattern is a constant
	}
	names := make([]string, len(files))
	for i, f := range files {
		names[i] = strings.TrimSuffix(path.Base(f), topologySuffix)
	}
	slices.Sort(names)
	return names
}

// LoadTopology finds a topology by name (a file of qemu/topologies, without its suffix)
// or by the path of a file written the same way.
func LoadTopology(nameOrPath string) (Topology, error) {
	text, err := fs.ReadFile(topologyFiles, path.Join("topologies", nameOrPath+topologySuffix))
	if err != nil {
		text, err = os.ReadFile(nameOrPath)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return Topology{}, fmt.Errorf("no topology named %q and no file of that path; give a path, or one of: %s",
			nameOrPath, strings.Join(Topologies(), " "))
	}
	if err != nil {
		return Topology{}, fmt.Errorf("reading topology: %w; give a file of QEMU arguments, or one of: %s",
			err, strings.Join(Topologies(), " "))
	}
	args, err := SplitWords(string(text))
	if err != nil {
		return Topology{}, fmt.Errorf("reading topology %s: %w", nameOrPath, err)
	}
	if len(args) == 0 {
		return Topology{}, fmt.Errorf("reading topology %s: it holds no QEMU arguments; start with a line such as: -smp 4 -m 512M", nameOrPath)
	}
	if !strings.HasPrefix(args[0], "-") {
		return Topology{}, fmt.Errorf("reading topology %s: its first word is %q, and QEMU options start with a dash", nameOrPath, args[0])
	}
	return Topology{Name: nameOrPath, Args: args}, nil
}

// Has says whether the topology uses an option, such as "-numa".
func (t Topology) Has(option string) bool { return slices.Contains(t.Args, option) }

// CPUs returns how many CPUs the topology's -smp starts with; QEMU's default is 1.
func (t Topology) CPUs() int {
	i := slices.Index(t.Args, "-smp")
	if i < 0 || i+1 >= len(t.Args) {
		return 1
	}
	product := 1
	for part := range strings.SplitSeq(t.Args[i+1], ",") {
		key, value, found := strings.Cut(part, "=")
		if !found {
			key, value = "cpus", part
		}
		n, err := strconv.Atoi(value)
		switch {
		case err != nil:
		case key == "cpus":
			return n
		case key != "maxcpus":
			product *= n // sockets, dies, clusters, cores, threads
		}
	}
	return product
}

// without returns the arguments less an option and its value.
func without(args []string, option string) []string {
	var kept []string
	for i := 0; i < len(args); i++ {
		if args[i] == option {
			i++
			continue
		}
		kept = append(kept, args[i])
	}
	return kept
}
