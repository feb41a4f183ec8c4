package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"exo/qemu"
)

// errUsage means that the flag package has said already what is wrong.
var errUsage = errors.New("bad usage")

// Where `make build` puts its images.
const (
	builtKernel = "build/exo.img"
	builtInitrd = "build/initramfs.cpio"
)

type config struct {
	machine qemu.Machine
	limits  qemu.Limits
	bench   bool
}

// parse reads the flags. A flag with an empty value counts as not given, so that a Makefile
// can pass its variables whether set or not.
func parse(args []string, messages io.Writer) (config, error) {
	var (
		c       config
		m       = &c.machine
		stopped string
		limits  = map[string]*time.Duration{"silence": &c.limits.Silence, "limit": &c.limits.Total}
		given   = map[string]bool{}
	)
	f := flag.NewFlagSet("exo-run", flag.ContinueOnError)
	f.SetOutput(messages)
	f.StringVar(&m.Topo, "topo", "", "topology: a path, or one of: "+strings.Join(qemu.Topologies(), " ")+" (default dual; uma with -cpus, -mem or -icount)")
	f.Func("cpus", "number of CPUs, for topologies without NUMA nodes", optional(func(s string) (err error) {
		m.CPUs, err = strconv.Atoi(s)
		if err == nil && m.CPUs < 1 {
			err = errors.New("give at least 1")
		}
		return err
	}))
	f.StringVar(&m.Mem, "mem", "", "memory, such as 512M, for topologies without NUMA nodes")
	f.Func("accel", "auto, kvm or tcg (default auto: KVM where it is real)", optional(func(s string) error {
		m.Accel = qemu.Accel(s)
		return nil
	}))
	f.BoolFunc("icount", "one CPU, counted in instructions", boolean(&m.Icount))
	f.StringVar(&m.Kernel, "kernel", "", "multiboot image (default "+builtKernel+")")
	f.StringVar(&m.Initrd, "initrd", "", "initramfs (default "+builtInitrd+" if it is there; none for none)")
	f.StringVar(&m.Append, "append", "", "kernel command line")
	f.StringVar(&m.ISO, "iso", "", "boot this CD image instead of -kernel")
	f.StringVar(&m.GDB, "gdb", "", "wait for gdb at this TCP port or Unix socket path before running")
	f.BoolFunc("stopped", "do not run before gdb says so (default with -gdb)", optional(func(s string) error {
		stopped = s
		return boolean(&m.Stopped)(s)
	}))
	f.Func("extra", "more QEMU arguments, quoted as for a shell; may be repeated", optional(func(s string) error {
		words, err := qemu.SplitWords(s)
		m.Extra = append(m.Extra, words...)
		return err
	}))
	f.Func("disk", "raw image of a virtio disk", optional(func(s string) error {
		m.Disk = &qemu.Disk{Path: s}
		return nil
	}))
	f.BoolFunc("bench", "print the benchmarks as a table at the end", boolean(&c.bench))
	for name, to := range limits {
		usage := map[string]string{
			"silence": "give up after so long without a serial line, not counting time in which the host was overloaded; 0 for never (default 30s, or never if interactive)",
			"limit":   "give up after so long in all; 0 for never (default 10m, or never if interactive)",
		}[name]
		f.Func(name, usage, optional(func(s string) (err error) {
			given[name] = true
			*to, err = time.ParseDuration(s)
			return err
		}))
	}
	if err := f.Parse(args); errors.Is(err, flag.ErrHelp) {
		return c, err
	} else if err != nil {
		return c, errUsage
	}
	if f.NArg() > 0 {
		return c, fmt.Errorf("%q is no flag; a command line for the kernel goes into -append '…'", f.Arg(0))
	}
	if m.GDB != "" && stopped == "" {
		m.Stopped = true
	}
	if m.ISO == "" {
		defaultImages(m)
	}
	m.Terminal = isTerminal(os.Stdin)
	if !m.Terminal && m.GDB == "" {
		if !given["silence"] {
			c.limits.Silence = 30 * time.Second
		}
		if !given["limit"] {
			c.limits.Total = 10 * time.Minute
		}
	}
	return c, nil
}

// mustExit says whether a boot that nobody watches would never end: nobody sits at the terminal, and the kernel was not
// told to exit when done. What a CD says to the kernel cannot be seen or changed here.
func mustExit(m *qemu.Machine) bool {
	return !m.Terminal && m.GDB == "" && m.ISO == "" && !slices.Contains(strings.Fields(m.Append), "exit")
}

// defaultImages boots what `make build` made.
func defaultImages(m *qemu.Machine) {
	if m.Kernel == "" {
		m.Kernel = builtKernel
	}
	switch _, err := os.Stat(builtInitrd); {
	case m.Initrd == "none":
		m.Initrd = ""
	case m.Initrd == "" && m.Kernel == builtKernel && err == nil:
		m.Initrd = builtInitrd
	}
}

// optional makes an empty value count as none given.
func optional(set func(string) error) func(string) error {
	return func(s string) error {
		if s == "" {
			return nil
		}
		return set(s)
	}
}

func boolean(to *bool) func(string) error {
	return optional(func(s string) (err error) {
		*to, err = strconv.ParseBool(s)
		return err
	})
}

// isTerminal says whether a person sits at the other end.
func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	null, err := os.Stat(os.DevNull)
	return err == nil && !os.SameFile(info, null)
}
