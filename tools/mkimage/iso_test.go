package main

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTheISORefusesWhatGRUBWouldReadAsItsOwn(t *testing.T) {
	for _, c := range "\n\r\t\x00\x7fé\"'\\$;{}&|<>#" {
		line := "tests=a" + string(c) + "b"
		_, err := grubConfig(line)
		oneLine(t, err, "GRUB")
		oneLine(t, runISO([]string{"-append", line}), "GRUB")
	}
}

func TestGRUBsScriptIsOneThatGRUBAccepts(t *testing.T) {
	for _, line := range []string{"", "exit", "tests=sync/*,mm/? bench=sync/queue.pair seed=0x2a exit", "crash=panic@3 mute=1", "tests=a:b!c^d~e%f(g)[h]+i"} {
		config, err := grubConfig(line)
		require.NoError(t, err)
		require.Contains(t, config, "multiboot2 /boot/exo.img "+line+"\n")
		require.Contains(t, config, "module2 /boot/initramfs.cpio")
		if _, err := exec.LookPath("grub-script-check"); err == nil {
			path := filepath.Join(t.TempDir(), "grub.cfg")
			write(t, path, []byte(config))
			require.NoError(t, run(exec.Command("grub-script-check", path)), line)
		}
	}
}

func TestAnISOsMissingToolsSayWhatToInstall(t *testing.T) {
	onlyTools(t)
	oneLine(t, runISO(nil), "grub-mkrescue is not installed: install grub-common, grub-pc-bin, xorriso and mtools")
	onlyTools(t, "grub-mkrescue")
	oneLine(t, runISO(nil), "xorriso is not installed: install xorriso")
	onlyTools(t, "grub-mkrescue", "xorriso")
	oneLine(t, runISO(nil), "mformat is not installed: install mtools")
}

func TestTheSameInputsGiveTheSameISO(t *testing.T) {
	onlyTools(t, "grub-mkrescue", "xorriso", "mformat")
	t.Setenv("PATH", hostPath)
	dir := t.TempDir()
	initrd := filepath.Join(dir, "initramfs.cpio")
	write(t, initrd, []byte("archive"))
	iso := func(name string) []byte {
		out := filepath.Join(dir, name, "exo.iso")
		require.NoError(t, runISO([]string{"-o", out, "-kernel", filepath.Join(buildOnce(t), "exo.img"), "-initrd", initrd, "-append", "exit"}))
		return read(t, out)
	}
	first := iso("a")
	time.Sleep(1100 * time.Millisecond) // dates are written in seconds
	require.True(t, bytes.Equal(first, iso("b")))
	oneLine(t, runISO([]string{"-kernel", filepath.Join(dir, "none.img"), "-initrd", initrd}), "none.img", "run make build")
}
