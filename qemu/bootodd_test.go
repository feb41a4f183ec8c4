package qemu

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestOddMachine: whatever is missing, the kernel goes on with what is there, or says in one line why it cannot.
// It runs what depends on the machine; TestBoot runs the rest, which depends on CPUs and memory alone.
func TestOddMachine(t *testing.T) {
	garbage := filepath.Join(t.TempDir(), "garbage")
	require.NoError(t, os.WriteFile(garbage, []byte(strings.Repeat("not an archive ", 400)), 0o644))

	for name, m := range map[string]struct {
		extra  string
		cpus   int
		mem    string
		initrd string // "none", a path, or the one that was built
		words  string
		end    Ending
		says   string // a line of the output contains it
		skips  int    // tests that need what is missing
	}{
		"no NX, SMEP, SMAP, FSGSBASE": {extra: "-cpu qemu64,-nx", words: ofTheMachine, end: Passed, says: "0 failed, 0 skipped"},
		"an old CPU":                  {extra: "-cpu core2duo", words: ofTheMachine, end: Passed, says: "0 failed, 0 skipped"},
		"a newer CPU":                 {extra: "-cpu Skylake-Server", words: ofTheMachine, end: Passed, says: "0 failed, 0 skipped"},
		"the other chipset":           {extra: "-machine pc", words: ofTheMachine, end: Passed, says: "0 failed, 0 skipped"},
		"no ACPI, no HPET":            {extra: "-machine pc,acpi=off,hpet=off", words: ofTheMachine, end: Passed, says: "by pit", skips: 1},
		"no HPET, no PIT":             {extra: "-machine q35,hpet=off,pit=off", words: "tests=arch/*", end: Passed, says: "by guess", skips: 3},
		"no HPET":                     {extra: "-machine q35,hpet=off", words: ofTheMachine, end: Passed, says: "by pit"},
		"more CPUs than it runs":      {cpus: 70, words: "tests=smp/*", end: Passed, says: "6 CPUs more than the 64"},
		"a CPU that does not answer":  {cpus: 4, words: ofTheMachine + " mute=2", end: Passed, says: "smp: CPU with APIC id 2 does not answer; left out"},
		"8 MiB, no initramfs":         {mem: "8M", initrd: "none", words: "tests=runtime/*,arch/*,smp/*,mm/frames*", end: Passed, says: "0 failed, 0 skipped"},
		"16 MiB":                      {mem: "16M", words: "tests=all torture=100ms ops=20000", end: Passed, says: "files: none: they would take 5 of", skips: 9},
		"4 MiB for 64 CPUs":           {mem: "4M", cpus: 64, words: "tests=none", end: Failed, says: "cannot boot: out of memory"},
		"memory above 4 GiB":          {mem: "6G", words: "tests=mm/*,numa/*,arch/paging*", end: Passed, says: "mem=6143MiB"},
		"no initramfs":                {initrd: "none", words: "tests=none", end: Passed, says: "initramfs: none"},
		"an initramfs that is none":   {initrd: garbage, words: "tests=none", end: Passed, says: "initramfs: unusable, at byte 0"},
		"a 32-bit CPU":                {extra: "-cpu qemu32", words: "tests=none", end: Failed, says: "an x86-64 CPU is needed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := kernel(t, m.words+" exit")
			k.CPUs, k.Mem = m.cpus, m.mem
			if m.cpus == 0 && m.mem == "" {
				k.Topo = "uma"
			}
			k.Extra = strings.Fields(m.extra)
			switch m.initrd {
			case "":
			case "none":
				k.Initrd = ""
			default:
				k.Initrd = m.initrd
			}
			r := boot(t, k, Options{Limits: DefaultLimits})
			output := strings.Join(r.Lines, "\n")
			assert.Equal(t, m.end.String(), r.End.String(), "%v", r.Err())
			assert.Contains(t, output, m.says)
			if m.end == Passed && !strings.Contains(m.words, "tests=none") {
				require.NoError(t, r.Err())
				assert.Len(t, r.Skipped(), m.skips)
			}
		})
	}
}

// TestISO boots by GRUB and multiboot 2, from the image that `make test` makes.
func TestISO(t *testing.T) {
	t.Parallel()
	const iso = "../build/exo.iso"
	if _, err := os.Stat(iso); err != nil {
		t.Fatalf("looking for the CD image: %v; run make iso APPEND=exit first", err)
	}
	r := boot(t, Machine{ISO: iso, Topo: "dual"}, Options{Limits: DefaultLimits, Min: len(inKernel(t))})
	require.NoError(t, r.Err())
	assert.Contains(t, strings.Join(r.Lines, "\n"), "multiboot 2")
	assert.Empty(t, r.Skipped())
}
