package qemu

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// These tests boot the kernel itself and turn each in-kernel test into a subtest:
//
//	go test ./qemu -run 'TestBoot/quad-ring'

const (
	kernelImage = "../build/exo.img"
	initramfs   = "../build/initramfs.cpio"
)

// kernel is a machine that boots the kernel as built. Without a build the test fails: a
// skipped boot would look like a good one.
func kernel(t *testing.T, append string) Machine {
	t.Helper()
	for _, path := range []string{kernelImage, initramfs} {
		if _, err := os.Stat(path); err != nil {
			t.Fatalf("looking for the kernel to boot: %v; run make build first", err)
		}
	}
	return Machine{Kernel: kernelImage, Initrd: initramfs, Append: append}
}

// TestBoot runs all in-kernel tests on every kind of machine; where nothing but the distances, the names of CPUs or the count of nodes
// differs from another one of these, those that depend on the machine (ofTheMachine).
func TestBoot(t *testing.T) {
	type machine struct {
		name   string
		set    func(*Machine)
		limits Limits
		numa   string // what the kernel says of the topology, line by line
	}
	like := map[string]string{"uma": "dual", "asym": "memless", "sparse": "memless"}
	topo := func(name, numa string) machine {
		return machine{name, func(m *Machine) { m.Topo = name }, DefaultLimits, numa}
	}
	machines := []machine{
		// A megabyte is missing where firmware keeps some of it: the hole below 1 MiB is in
		// the first node, and the ACPI tables are at the end of the last.
		topo("uma", `
			numa: nodes=1 cpus=4
			numa: node 0 cpus=0-3 mem=511MiB
			numa: dist 0: 10`),
		topo("dual", `
			numa: nodes=2 cpus=4
			numa: node 0 cpus=0-1 mem=255MiB
			numa: node 1 cpus=2-3 mem=255MiB
			numa: dist 0: 10 21
			numa: dist 1: 21 10`),
		topo("quad-ring", `
			numa: nodes=4 cpus=8
			numa: node 0 cpus=0-1 mem=127MiB
			numa: node 1 cpus=2-3 mem=128MiB
			numa: node 2 cpus=4-5 mem=128MiB
			numa: node 3 cpus=6-7 mem=127MiB
			numa: dist 0: 10 20 30 20
			numa: dist 1: 20 10 20 30
			numa: dist 2: 30 20 10 20
			numa: dist 3: 20 30 20 10`),
		topo("eight", `
			numa: nodes=8 cpus=8
			numa: node 0 cpus=0 mem=63MiB
			numa: node 1 cpus=1 mem=64MiB
			numa: node 2 cpus=2 mem=64MiB
			numa: node 3 cpus=3 mem=64MiB
			numa: node 4 cpus=4 mem=64MiB
			numa: node 5 cpus=5 mem=64MiB
			numa: node 6 cpus=6 mem=64MiB
			numa: node 7 cpus=7 mem=63MiB
			numa: dist 0: 10 20 20 20 20 20 20 20
			numa: dist 1: 20 10 20 20 20 20 20 20
			numa: dist 2: 20 20 10 20 20 20 20 20
			numa: dist 3: 20 20 20 10 20 20 20 20
			numa: dist 4: 20 20 20 20 10 20 20 20
			numa: dist 5: 20 20 20 20 20 10 20 20
			numa: dist 6: 20 20 20 20 20 20 10 20
			numa: dist 7: 20 20 20 20 20 20 20 10`),
		topo("memless", `
			numa: nodes=3 cpus=6
			numa: node 0 cpus=0-1 mem=255MiB
			numa: node 1 cpus=2-3 mem=0MiB
			numa: node 2 cpus=4-5 mem=255MiB
			numa: dist 0: 10 30 20
			numa: dist 1: 30 10 15
			numa: dist 2: 20 15 10`),
		topo("cpuless", `
			numa: nodes=3 cpus=4
			numa: node 0 cpus=0-1 mem=255MiB
			numa: node 1 cpus=2-3 mem=256MiB
			numa: node 2 cpus=none mem=255MiB
			numa: dist 0: 10 20 17
			numa: dist 1: 20 10 28
			numa: dist 2: 17 28 10`),
		topo("asym", `
			numa: nodes=3 cpus=6
			numa: node 0 cpus=0-1 mem=127MiB
			numa: node 1 cpus=2-3 mem=128MiB
			numa: node 2 cpus=4-5 mem=127MiB
			numa: dist 0: 10 21 41
			numa: dist 1: 31 10 21
			numa: dist 2: 21 51 10`),
		topo("sparse", `
			numa: nodes=1 cpus=6
			numa: node 0 cpus=0-5 mem=511MiB
			numa: dist 0: 10`),
		{"cpus=1", func(m *Machine) { m.CPUs = 1 }, DefaultLimits, `
			numa: nodes=1 cpus=1
			numa: node 0 cpus=0 mem=511MiB
			numa: dist 0: 10`},
		{"cpus=64", func(m *Machine) { m.CPUs = 64 }, Limits{Silence: time.Minute, Total: 3 * time.Minute}, `
			numa: nodes=1 cpus=64
			numa: node 0 cpus=0-63 mem=511MiB
			numa: dist 0: 10`},
	}
	covered := map[string]bool{}
	for _, m := range machines {
		covered[m.name] = true
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			words, least := "tests=all torture=200ms ops=100000", len(inKernel(t))
			if like[m.name] != "" {
				words, least = ofTheMachine, least/2
			}
			k := kernel(t, words+" exit")
			m.set(&k)
			r := boot(t, k, Options{Limits: m.limits, Min: least})
			inKernelTests(t, r)
			assert.Equal(t, linesOf(m.numa), numaLines(r.Lines))
			assert.Empty(t, r.Skipped(), "a test was skipped on a machine that has everything")
			require.NoError(t, r.Err())
		})
	}
	for _, name := range Topologies() {
		assert.True(t, covered[name], "topology %s is not booted", name)
	}
	for name, other := range like {
		assert.True(t, covered[name] && covered[other] && like[other] == "", "%s is like %s", name, other)
	}
}

// ofTheMachine selects the in-kernel tests that depend on the machine: more than half.
const ofTheMachine = "tests=runtime/*,arch/*,smp/*,mm/*,numa/*,sync/*,sched/steal*,ring3/*,isolation/*,env/*,ipc/*,torture/tasks*,torture/spaces* " +
	"torture=100ms ops=20000"

// inKernelTests makes a subtest of each test that the kernel reported.
func inKernelTests(t *testing.T, r *Result) {
	for _, test := range r.Tests {
		t.Run(test.Name, func(t *testing.T) {
			switch {
			case !test.OK:
				t.Errorf("%v\nto repeat: %s", test, r.CommandLine)
			case test.Skipped:
				t.Skip(test.Why)
			}
		})
	}
}

func linesOf(text string) []string {
	var lines []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

var numaLine = regexp.MustCompile(`^numa: (nodes=|node |dist )`)

func numaLines(lines []string) []string {
	var found []string
	for _, line := range lines {
		if numaLine.MatchString(line) {
			found = append(found, line)
		}
	}
	return found
}

// TestExit: the kernel's verdict is QEMU's exit status.
func TestExit(t *testing.T) {
	for append, want := range map[string]Ending{
		"tests=none exit":        Passed,
		"tests=nosuchtest* exit": Failed, // who asks for tests that do not exist has made a mistake
	} {
		t.Run(append, func(t *testing.T) {
			t.Parallel()
			r := boot(t, kernel(t, append), Options{Limits: DefaultLimits})
			assert.Equal(t, want.String(), r.End.String(), "%v", r.Err())
		})
	}
}

// TestBootBudget holds the boot to its budget of instructions: from the multiboot entry to
// the first in-kernel test, on one CPU.
func TestBootBudget(t *testing.T) {
	t.Parallel()
	const budget = 40_000_000
	m := kernel(t, "tests=none exit")
	m.Icount, m.CPUs, m.Mem = true, 1, "512M"
	r := boot(t, m, Options{Limits: DefaultLimits})
	require.NoError(t, r.EndErr())
	for _, line := range r.Lines {
		if text, ok := strings.CutPrefix(line, "boot: tsc="); ok {
			n, err := strconv.ParseUint(text, 10, 64)
			require.NoError(t, err)
			assert.LessOrEqual(t, n, uint64(budget))
			return
		}
	}
	t.Errorf("no line \"boot: tsc=N\"; the output was:\n%s", strings.Join(r.Lines, "\n"))
}
