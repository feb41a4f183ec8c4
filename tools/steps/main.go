// Steps boots the kernel with a benchmark of ring 3, follows one round of it instruction by instruction, and prints how many each function takes,
// those that the compiler has put into others apart, in the order in which they come first.
//
//	go run ./tools/steps [-skip N] BENCHMARK
//
// QEMU executes one instruction at a time and logs where; a round is from one instruction of ring 3 to where that comes again.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"exo/qemu"
)

// ring3 is where the kernel's half of addresses begins.
const ring3 = 1 << 47

func main() {
	skip := flag.Int("skip", 200, "system calls that go by first: `N`")
	kernel := flag.String("kernel", "build/exo.img", "the image; kernel.elf lies beside it")
	flag.Parse()
	if flag.NArg() != 1 {
		flag.Usage()
		os.Exit(2)
	}
	if err := run(*kernel, flag.Arg(0), *skip); err != nil {
		fmt.Fprintln(os.Stderr, "steps: "+err.Error())
		os.Exit(1)
	}
}

func run(kernel, bench string, skip int) error {
	names, err := readNames(filepath.Join(filepath.Dir(kernel), "kernel.elf"))
	if err != nil {
		return err
	}
	round, err := follow(kernel, bench, names.entry, skip)
	if err != nil {
		return err
	}
	type step struct {
		name string
		n    int
	}
	var steps []*step
	at := map[string]*step{}
	for _, pc := range round {
		name := "ring 3"
		if pc >= ring3 {
			name = names.of(pc)
		}
		if at[name] == nil {
			at[name] = &step{name: name}
			steps = append(steps, at[name])
		}
		at[name].n++
	}
	for _, s := range steps {
		fmt.Printf("%6d  %s\n", s.n, s.name)
	}
	fmt.Printf("%6d  in all\n", len(round))
	return nil
}

// follow boots, and returns the addresses of a round's instructions.
func follow(kernel, bench string, entry uint64, skip int) ([]uint64, error) {
	dir, err := os.MkdirTemp("", "steps-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	log, monitor := filepath.Join(dir, "log"), filepath.Join(dir, "monitor")
	if err := syscall.Mkfifo(log, 0o600); err != nil {
		return nil, err
	}
	m := qemu.Machine{
		Kernel: kernel, Icount: true, Mem: "512M", Append: "tests=none bench=" + bench + " exit",
		Extra: []string{
			"-singlestep", "-d", "nochain", "-D", log,
			"-chardev", "socket,id=steps,path=" + monitor + ",server=on,wait=off", "-mon", "chardev=steps,mode=readline",
		},
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ready := make(chan error, 1)
	g, err := qemu.Start(ctx, m, qemu.Options{OnLine: func(line string) {
		if strings.HasPrefix(line, "boot: tsc=") {
			ready <- begin(monitor)
		}
	}})
	if err != nil {
		return nil, err
	}
	defer func() { cancel(); g.Wait() }()
	f, err := os.Open(log)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	round, err := readRound(f, entry, skip)
	select {
	case e := <-ready:
		err = errors.Join(e, err)
	default:
	}
	return round, err
}

// begin has QEMU log from now on.
func begin(monitor string) error {
	c, err := net.Dial("unix", monitor)
	if err != nil {
		return fmt.Errorf("connecting to QEMU's monitor: %w", err)
	}
	if _, err := c.Write([]byte("log exec,nochain\n")); err != nil {
		return fmt.Errorf("asking QEMU to log: %w", err)
	}
	return nil // it stays open: the monitor would lose the command
}

// readRound reads lines such as
//
//	Trace 0: 0x7f3c… [00000000/ffffffff80207819/00000033/ff000200] …
func readRound(f *os.File, entry uint64, skip int) (round []uint64, err error) {
	first := uint64(0)
	for r := bufio.NewScanner(f); r.Scan(); {
		parts := strings.SplitN(r.Text(), "/", 3)
		if len(parts) != 3 || !strings.HasPrefix(parts[0], "Trace ") {
			continue
		}
		pc, err := strconv.ParseUint(parts[1], 16, 64)
		switch {
		case err != nil:
			return nil, fmt.Errorf("reading QEMU's log: %w", err)
		case pc == entry && skip > 0:
			skip--
		case skip > 0 || first == 0 && pc >= ring3:
		case pc == first && len(round) > 1:
			return round, nil
		default:
			if first == 0 {
				first = pc
			}
		}
		if first != 0 {
			round = append(round, pc)
		}
	}
	return nil, errors.New("the guest ended before a round had; is that a benchmark of ring 3?")
}
