package qemu

import (
	"errors"
	"fmt"
	"os/exec"
)

// CheckInstalled says in one line what to install if QEMU is not there.
func (m Machine) CheckInstalled() error {
	_, err := exec.LookPath(m.binary())
	if err == nil {
		return nil
	}
	if !errors.Is(err, exec.ErrNotFound) {
		return fmt.Errorf("looking for QEMU: %w", err)
	}
	return fmt.Errorf("%s is not installed; install the package qemu-system-x86 (Debian, Ubuntu), qemu-system-x86-core (Fedora), qemu-system-x86 (Arch), qemu-system-x86_64 (Alpine) or qemu (Homebrew on macOS)", m.binary())
}
