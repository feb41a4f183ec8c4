package qemu

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// line is the command line of a machine that boots k by TCG unless it says otherwise.
func line(t *testing.T, m Machine) string {
	t.Helper()
	if m.Kernel == "" && m.ISO == "" {
		m.Kernel = "k"
	}
	if m.Accel == "" {
		m.Accel = AccelTCG
	}
	args, err := m.Args()
	require.NoError(t, err)
	return strings.Join(args, " ")
}

func TestMachineDefaults(t *testing.T) {
	got := line(t, Machine{})
	for _, want := range []string{
		"qemu-system-x86_64 -machine q35 -accel tcg,thread=multi -cpu max -smp 4 -m 512M ",
		"-numa dist,src=0,dst=1,val=21 ",
		"-display none -no-reboot -device isa-debug-exit,iobase=0xf4,iosize=0x04 -nic none ",
		"-serial stdio -monitor none ",
		"-kernel k",
	} {
		assert.Contains(t, got, want)
	}
	assert.NotContains(t, got, "qmp", "the printed command is for people")
}

func TestMachineOptions(t *testing.T) {
	for _, c := range []struct {
		m    Machine
		want string
	}{
		{Machine{CPUs: 64}, "-m 512M -smp 64 "},
		{Machine{Mem: "1G"}, "-smp 4 -m 1G "},
		{Machine{Topo: "sparse", CPUs: 3}, "-m 512M -smp 3 "},
		{Machine{Accel: AccelKVM}, "-accel kvm -cpu host "},
		{Machine{Icount: true}, "-accel tcg -icount shift=0,sleep=off -cpu max,-erms -rtc base=2026-01-01,clock=vm -seed 7 -m 512M -smp 1 "},
		{Machine{Icount: true, CPUs: 1, Mem: "64M"}, "-smp 1 -m 64M "},
		{Machine{Initrd: "i", Append: "tests=all exit"}, "-kernel k -initrd i -append tests=all exit"},
		{Machine{ISO: "exo.iso"}, "-cdrom exo.iso -boot d"},
		{Machine{GDB: "1234", Stopped: true}, "-gdb tcp:127.0.0.1:1234 -S "},
		{Machine{GDB: "/tmp/g"}, "-gdb unix:path=/tmp/g,server=on,wait=off "},
		{Machine{Terminal: true}, "-serial mon:stdio -kernel"},
		{Machine{Extra: []string{"-d", "int"}}, "-kernel k -d int"},
	} {
		assert.Contains(t, line(t, c.m)+" ", c.want, "%+v", c.m)
	}
	assert.NotContains(t, line(t, Machine{ISO: "exo.iso"}), "-kernel")
	assert.Equal(t, 1, strings.Count(line(t, Machine{CPUs: 2, Mem: "1G"}), "-smp"))
	assert.NotContains(t, line(t, Machine{Terminal: true}), "-monitor")
}

func TestMachineOwnMachineType(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pc.args")
	require.NoError(t, os.WriteFile(path, []byte("-machine pc -smp 1"), 0o644))
	got := line(t, Machine{Topo: path})
	assert.Contains(t, got, "-machine pc")
	assert.NotContains(t, got, "q35")
}

func TestMachineRefuses(t *testing.T) {
	for _, c := range []struct {
		m    Machine
		want string
	}{
		{Machine{Kernel: "k", Topo: "dual", CPUs: 8}, "choose topology uma"},
		{Machine{Kernel: "k", Topo: "eight", Mem: "1G"}, "choose topology uma"},
		{Machine{Kernel: "k", CPUs: -1}, "-1 CPUs"},
		{Machine{Kernel: "k", Topo: "nope"}, "no topology named"},
		{Machine{Kernel: "k", Icount: true, CPUs: 2}, "needs one CPU"},
		{Machine{Kernel: "k", Icount: true, Topo: "quad-ring"}, "here are 8"},
		{Machine{Kernel: "k", Icount: true, Accel: AccelKVM}, "KVM cannot count"},
		{Machine{Kernel: "k", Icount: true, Accel: "fast"}, "unknown accelerator"},
		{Machine{Kernel: "k", Accel: "hax"}, "auto kvm tcg"},
		{Machine{Kernel: "k", GDB: "here"}, "give a TCP port"},
		{Machine{Kernel: "k", GDB: "123456"}, "give a TCP port"},
		{Machine{}, "nothing to boot"},
		{Machine{ISO: "x", Append: "exit"}, "do not give them as well"},
	} {
		_, err := c.m.Args()
		assert.ErrorContains(t, err, c.want, "%+v", c.m)
	}
}

func TestMachineMissingFiles(t *testing.T) {
	for _, m := range []Machine{
		{Kernel: "no/such.img"}, {Kernel: os.DevNull, Initrd: "no/such.cpio"},
	} {
		assert.ErrorContains(t, m.checkFiles(), "no such file or directory; run make build first")
	}
	assert.ErrorContains(t, Machine{ISO: "no/such.iso"}.checkFiles(), "run make iso first")
	assert.NoError(t, Machine{Kernel: os.DevNull, Initrd: "a x=1,b y"}.checkFiles(), "QEMU's own syntax for modules")
}

func TestMissingQEMUNamesThePackage(t *testing.T) {
	err := Machine{Binary: "qemu-that-nobody-has"}.CheckInstalled()
	for _, want := range []string{"qemu-that-nobody-has is not installed", "Debian", "Fedora", "Arch", "Alpine", "Homebrew"} {
		assert.ErrorContains(t, err, want)
	}
	assert.NotContains(t, err.Error(), "\n")
}

func TestAccelerator(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
		return path
	}
	kvm := write("kvm", "")
	intel := write("intel", "processor\t: 0\nflags\t\t: fpu vmx sse\n")
	amd := write("amd", "flags\t\t: fpu svm sse\n")
	neither := write("neither", "model name\t: vmx svm\nflags\t\t: fpu svm_lock sse\nvmx flags\t: vnmi vmx\n")
	assert.True(t, haveKVM(kvm, intel))
	assert.True(t, haveKVM(kvm, amd))
	assert.False(t, haveKVM(kvm, neither), "a device that no CPU feature stands behind")
	assert.False(t, haveKVM(kvm, filepath.Join(dir, "none")))
	assert.False(t, haveKVM(filepath.Join(dir, "none"), intel))

	got, err := AccelAuto.resolve()
	require.NoError(t, err)
	assert.True(t, slices.Contains([]Accel{AccelKVM, AccelTCG}, got))
}

func TestTimeScale(t *testing.T) {
	for text, want := range map[string]float64{"": 1, "1": 1, "2.5": 2.5, "0.5": 0.5} {
		t.Setenv(TimeScale, text)
		got, err := DefaultLimits.Scaled()
		require.NoError(t, err, text)
		assert.InDelta(t, want*float64(DefaultLimits.Silence), float64(got.Silence), 1)
		assert.InDelta(t, want*float64(DefaultLimits.Total), float64(got.Total), 1)
	}
	for _, bad := range []string{"0", "-1", "fast", "NaN", "Inf", "1e300"} {
		t.Setenv(TimeScale, bad)
		_, err := DefaultLimits.Scaled()
		assert.ErrorContains(t, err, "is not a factor", bad)
	}
}
