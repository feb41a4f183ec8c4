package qemu

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// scratchDisk makes an image of 16 MiB that the kernel's tests may write on. They are told of a block that cannot be read.
func scratchDisk(t *testing.T, bad uint64) string {
	label := make([]byte, 4096)
	copy(label, "Exo scratch disk")
	binary.LittleEndian.PutUint64(label[64:], bad)
	path := filepath.Join(t.TempDir(), "disk.img")
	require.NoError(t, os.WriteFile(path, label, 0o644))
	require.NoError(t, os.Truncate(path, 16<<20))
	return path
}

// TestDisk boots with every kind of virtio disk, and without one.
func TestDisk(t *testing.T) {
	names, _ := table(t, diskTable)
	require.Len(t, names, 3)
	for name, m := range map[string]struct {
		disk  Disk
		extra string
		none  bool   // no test may write on it
		says  string // the output contains it
	}{
		"modern":               {disk: Disk{Device: "virtio-blk-pci,disable-legacy=on"}, says: "interrupts by message"},
		"transitional":         {disk: Disk{}, says: "interrupts by message"},
		"legacy":               {disk: Disk{Device: "virtio-blk-pci,disable-legacy=off,disable-modern=on"}, says: "interrupts by message"},
		"modern, no MSI-X":     {disk: Disk{Device: "virtio-blk-pci,disable-legacy=on,vectors=0"}, says: "interrupts by pin"},
		"legacy, no MSI-X":     {disk: Disk{Device: "virtio-blk-pci,disable-legacy=off,disable-modern=on,vectors=0"}, says: "interrupts by pin"},
		"the other chipset":    {extra: "-machine pc", says: "pci: 6 functions by ports"},
		"the other, no MSI-X":  {disk: Disk{Device: "virtio-blk-pci,vectors=0"}, extra: "-machine pc", says: "interrupts by pin"},
		"no ACPI, no MSI-X":    {disk: Disk{Device: "virtio-blk-pci,vectors=0"}, extra: "-machine pc,acpi=off", says: "polled"},
		"a short queue":        {disk: Disk{Device: "virtio-blk-pci,disable-legacy=on,queue-size=8"}, says: "2 requests of 4 KiB"},
		"a block that is bad":  {disk: Disk{BadBlock: 3000}, says: "interrupts by message"},
		"behind a bridge":      {disk: Disk{Device: "virtio-blk-pci,bus=behind"}, extra: "-device pcie-root-port,id=behind,chassis=1", says: "pci: 01:00.0 1af4:1042 virtio-blk"},
		"of large sectors":     {disk: Disk{Device: "virtio-blk-pci,logical_block_size=4096,physical_block_size=4096"}, says: "16 MiB"},
		"of sectors too large": {disk: Disk{Device: "virtio-blk-pci,logical_block_size=8192,physical_block_size=8192"}, none: true, says: "not used: its blocks are not 512 to 4,096 bytes"},
		"read-only":            {disk: Disk{ReadOnly: true}, none: true, says: ", read-only"},
		"with something on it": {disk: Disk{Path: "../build/exo.img", ReadOnly: true}, none: true, says: "interrupts by message"},
		"on one CPU":           {extra: "-smp 1", says: "interrupts by message"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			disk := m.disk
			if disk.Path == "" {
				disk.Path = scratchDisk(t, disk.BadBlock)
			}
			k := kernel(t, "tests=disk/*,runtime/symbols* exit")
			k.Topo, k.Disk, k.Extra = "uma", &disk, strings.Fields(m.extra)
			want := 1
			if !m.none {
				want += len(names)
			}
			r := boot(t, k, Options{Limits: DefaultLimits, Min: want})
			inKernelTests(t, r)
			require.NoError(t, r.Err())
			assert.Len(t, r.Tests, want)
			assert.Empty(t, r.Skipped())
			output := strings.Join(r.Lines, "\n")
			assert.Contains(t, output, m.says)
			for _, bad := range []string{"driven no more", "get lost", "no handler", "without end"} {
				assert.NotContains(t, output, bad)
			}
		})
	}
	// A disk that takes its time is asked what is on it, and then given up; the machine goes on without.
	t.Run("stuck", func(t *testing.T) {
		t.Parallel()
		k := kernel(t, "tests=runtime/symbols* exit")
		k.Topo, k.Disk = "uma", &Disk{Latency: 22 * time.Second}
		r, err := Run(t.Context(), k, Options{Limits: Limits{Silence: time.Minute, Total: 3 * time.Minute}, Min: 1}) // without a slot: it only waits
		require.NoError(t, err)
		require.NoError(t, r.Err())
		assert.Contains(t, strings.Join(r.Lines, "\n"), "driven no more: a request takes too long")
	})
	// All tests: those that have the timer for themselves, too.
	t.Run("all", func(t *testing.T) {
		t.Parallel()
		k := kernel(t, "tests=all torture=100ms ops=20000 exit")
		k.Topo, k.Disk = "uma", &Disk{Path: scratchDisk(t, 0)}
		r := boot(t, k, Options{Limits: DefaultLimits, Min: len(inKernel(t)) + len(names)})
		inKernelTests(t, r)
		require.NoError(t, r.Err())
		assert.Empty(t, r.Skipped())
	})
	t.Run("none", func(t *testing.T) {
		t.Parallel()
		k := kernel(t, "tests=disk/* exit")
		k.Topo = "uma"
		r := boot(t, k, Options{Limits: DefaultLimits})
		assert.Equal(t, Failed.String(), r.End.String())
		assert.Contains(t, strings.Join(r.Lines, "\n"), "tests: nothing matches tests=disk/*")
		assert.NotContains(t, strings.Join(r.Lines, "\n"), "disk: ")
	})
}
