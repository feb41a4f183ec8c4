package qemu

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Binary is the QEMU that runs the machines.
const Binary = "qemu-system-x86_64"

// A Machine says what to boot and on what. The zero value plus a Kernel is a machine.
type Machine struct {
	Topo  string // name or path; "" means dual, or uma if CPUs, Mem or Icount is given
	CPUs  int    // 0: the topology's; not with a topology that has NUMA nodes
	Mem   string // QEMU's -m, such as "512M"; "": the topology's; not with NUMA nodes
	Accel Accel  // "" means auto

	// Icount counts instructions: one CPU, whose clock goes one nanosecond further with
	// each instruction, so that a TSC difference is a number of instructions and every run
	// is the same run.
	Icount bool

	Kernel string // multiboot image for -kernel
	Initrd string // its module, as QEMU's -initrd takes it; "" for none
	Append string // its command line
	ISO    string // boot this CD instead of a Kernel; its own menu has the command line

	Disk *Disk // a virtio disk, if not nil

	GDB     string // listen for gdb: a TCP port number, or the path of a Unix socket
	Stopped bool   // do not run before gdb says so

	Terminal bool     // the guest's serial line is our terminal: keys go to it, Ctrl-A X quits
	Extra    []string // more QEMU arguments; they come last, but for the Disk, which may hang on one of theirs

	Binary string // "" means [Binary] from PATH
}

// Args returns the words of a QEMU command line that a person can run as well: what the
// harness adds for itself (see plumbing) is not in it.
func (m Machine) Args() ([]string, error) {
	topo, err := m.topology()
	if err != nil {
		return nil, err
	}
	args := []string{m.binary()}
	if !topo.Has("-machine") && !topo.Has("-M") {
		args = append(args, "-machine", "q35")
	}
	accel, err := m.accelArgs()
	if err != nil {
		return nil, err
	}
	args = append(args, accel...)
	args = append(args, topo.Args...)
	args = append(args, "-display", "none", "-no-reboot", "-device", "isa-debug-exit,iobase=0xf4,iosize=0x04", "-nic", "none")
	if m.Terminal {
		args = append(args, "-serial", "mon:stdio")
	} else {
		args = append(args, "-serial", "stdio", "-monitor", "none")
	}
	gdb, err := m.gdbArgs()
	if err != nil {
		return nil, err
	}
	args = append(args, gdb...)
	boot, err := m.bootArgs()
	if err != nil {
		return nil, err
	}
	args = append(args, boot...)
	args = append(args, m.Extra...)
	return append(args, m.Disk.args()...), nil
}

func (m Machine) binary() string {
	if m.Binary != "" {
		return m.Binary
	}
	return Binary
}

// topology loads the topology and puts CPUs and Mem into it.
func (m Machine) topology() (Topology, error) {
	name := m.Topo
	if name == "" {
		name = "dual"
		if m.CPUs != 0 || m.Mem != "" || m.Icount {
			name = "uma"
		}
	}
	topo, err := LoadTopology(name)
	if err != nil {
		return Topology{}, err
	}
	cpus := m.CPUs
	if cpus < 0 {
		return Topology{}, fmt.Errorf("%d CPUs asked for; give at least 1", cpus)
	}
	if m.Icount && cpus == 0 && !topo.Has("-numa") {
		cpus = 1
	}
	if (cpus != 0 || m.Mem != "") && topo.Has("-numa") {
		return Topology{}, fmt.Errorf("topology %s divides its CPUs and memory among NUMA nodes, so neither can be changed from outside; leave them alone, choose topology uma, or copy the file and give its path", name)
	}
	if cpus != 0 {
		topo.Args = append(without(topo.Args, "-smp"), "-smp", strconv.Itoa(cpus))
	}
	if m.Mem != "" {
		topo.Args = append(without(topo.Args, "-m"), "-m", m.Mem)
	}
	if m.Icount && topo.CPUs() != 1 {
		return Topology{}, fmt.Errorf("counting instructions needs one CPU, since all CPUs would share one clock, and here are %d (topology %s); choose topology uma with one CPU", topo.CPUs(), name)
	}
	return topo, nil
}

func (m Machine) accelArgs() ([]string, error) {
	if m.Icount {
		if m.Accel == AccelKVM {
			return nil, errors.New("KVM cannot count instructions; choose accelerator tcg")
		}
		if _, err := m.Accel.resolve(); err != nil {
			return nil, err
		}
		return []string{"-accel", "tcg", "-icount", "shift=0,sleep=off", "-cpu", "max,-erms",
			"-rtc", "base=2026-01-01,clock=vm", "-seed", "7"}, nil
	}
	accel, err := m.Accel.resolve()
	if err != nil {
		return nil, err
	}
	if accel == AccelKVM {
		return []string{"-accel", "kvm", "-cpu", "host"}, nil
	}
	return []string{"-accel", "tcg,thread=multi", "-cpu", "max"}, nil
}

func (m Machine) gdbArgs() ([]string, error) {
	var args []string
	if m.GDB != "" {
		if strings.Contains(m.GDB, "/") {
			args = append(args, "-gdb", "unix:path="+m.GDB+",server=on,wait=off")
		} else if port, err := strconv.ParseUint(m.GDB, 10, 16); err == nil {
			args = append(args, "-gdb", fmt.Sprintf("tcp:127.0.0.1:%d", port))
		} else {
			return nil, fmt.Errorf("gdb cannot meet QEMU at %q; give a TCP port such as 1234, or the path of a Unix socket with a / in it", m.GDB)
		}
	}
	if m.Stopped {
		args = append(args, "-S")
	}
	return args, nil
}

func (m Machine) bootArgs() ([]string, error) {
	if m.ISO != "" {
		if m.Kernel != "" || m.Initrd != "" || m.Append != "" {
			return nil, fmt.Errorf("booting the CD %s, whose menu names the kernel, the initramfs and the command line; do not give them as well", m.ISO)
		}
		return []string{"-cdrom", m.ISO, "-boot", "d"}, nil
	}
	if m.Kernel == "" {
		return nil, errors.New("nothing to boot; give a kernel or an ISO")
	}
	args := []string{"-kernel", m.Kernel}
	if m.Initrd != "" {
		args = append(args, "-initrd", m.Initrd)
	}
	if m.Append != "" {
		args = append(args, "-append", m.Append)
	}
	return args, nil
}

// checkFiles says which image is missing before QEMU would, and how to get it.
func (m Machine) checkFiles() error {
	initrd := m.Initrd
	if strings.ContainsAny(initrd, " ,") {
		initrd = "" // several modules, or one with arguments: QEMU will look
	}
	for _, f := range []struct{ path, remedy string }{
		{m.Kernel, "run make build first"},
		{initrd, "run make build first"},
		{m.ISO, "run make iso first"},
	} {
		if f.path == "" {
			continue
		}
		if _, err := os.Stat(f.path); err != nil {
			return fmt.Errorf("looking for what to boot: %w; %s", err, f.remedy)
		}
	}
	return nil
}

// plumbing is what the harness adds to Args for itself: a control socket that QEMU inherits
// as file descriptor 3, a guest that waits until we listen there, and a QEMU that stays
// after the guest's end until we have asked why it ended.
func plumbing() []string {
	return []string{"-S", "-action", "shutdown=pause",
		"-chardev", "socket,id=exo-qmp,fd=3", "-mon", "chardev=exo-qmp,mode=control"}
}
