package qemu

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// An Accel says who executes the guest's instructions.
type Accel string

const (
	AccelAuto Accel = "auto" // KVM where it is real, else TCG
	AccelKVM  Accel = "kvm"  // the host's CPU
	AccelTCG  Accel = "tcg"  // QEMU's translator, one thread for each guest CPU
)

// resolve turns auto into kvm or tcg.
func (a Accel) resolve() (Accel, error) {
	switch a {
	case "", AccelAuto:
		if haveKVM("/dev/kvm", "/proc/cpuinfo") {
			return AccelKVM, nil
		}
		return AccelTCG, nil
	case AccelKVM, AccelTCG:
		return a, nil
	}
	return "", fmt.Errorf("unknown accelerator %q; give one of: auto kvm tcg", string(a))
}

// haveKVM says whether KVM is there and real: the device opens for reading and writing, and
// the CPU says that it can virtualise. Some hosts emulate the device without the CPU's help;
// that is far slower than TCG and dies on ordinary instructions.
func haveKVM(device, cpuinfo string) bool {
	d, err := os.OpenFile(device, os.O_RDWR, 0)
	if err != nil {
		return false
	}
	d.Close()
	c, err := os.Open(cpuinfo)
	if err != nil {
		return false
	}
	defer c.Close()
	return canVirtualise(c)
}

// canVirtualise looks for the flag vmx (Intel) or svm (AMD) in the text of /proc/cpuinfo.
func canVirtualise(cpuinfo io.Reader) bool {
	lines := bufio.NewScanner(cpuinfo)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		key, value, _ := strings.Cut(lines.Text(), ":")
		if strings.TrimSpace(key) != "flags" {
			continue
		}
		flags := strings.Fields(value)
		return slices.Contains(flags, "vmx") || slices.Contains(flags, "svm")
	}
	return false
}
