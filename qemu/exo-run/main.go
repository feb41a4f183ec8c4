// Command exo-run boots the kernel in QEMU for a person: what `make qemu` and `make bench` call.
//
//	go run ./qemu/exo-run -topo quad-ring -append exit
//
// The serial line goes to standard output. From a terminal the guest can be typed to, and
// Ctrl-A X quits. After a panic the code around RIP is disassembled; with -bench the
// benchmarks are gathered in one table. The exit status is 0 if the guest said pass, powered
// off, or was quit by the user, else 1 with the reason as the last line on standard error.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"exo/qemu"
)

func main() {
	cfg, err := parse(os.Args[1:], os.Stderr)
	if err == nil && mustExit(&cfg.machine) {
		fmt.Fprintln(os.Stderr, "exo-run: nobody sits at the terminal: adding exit to the kernel's command line")
		cfg.machine.Append = strings.TrimSpace(cfg.machine.Append + " exit")
	}
	if err == nil {
		err = run(cfg, os.Stdout, os.Stderr)
	}
	switch {
	case errors.Is(err, flag.ErrHelp):
	case errors.Is(err, errUsage):
		os.Exit(2)
	case err != nil:
		fmt.Fprintf(os.Stderr, "exo-run: %v\n", err)
		os.Exit(1)
	}
}

// run boots, and returns why the boot is to be called a failure, in one line.
func run(cfg config, out, messages io.Writer) error {
	m := cfg.machine
	args, err := m.Args()
	if err != nil {
		return err
	}
	fmt.Fprintf(messages, "exo-run: %s\n", qemu.JoinWords(args))

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	console := &console{out: out}
	result, err := qemu.Run(ctx, m, qemu.Options{Limits: cfg.limits, Console: console})
	if err != nil {
		return err
	}
	if console.midLine {
		fmt.Fprintln(out)
	}
	if result.Panic {
		explainPanic(result.Lines, out)
	}
	if regs := result.Whereabouts(); len(regs) > 0 {
		fmt.Fprintf(out, "exo-run: where the CPUs were:\n  %s\n", strings.Join(regs, "\n  "))
	}
	if cfg.bench {
		err = table(result.Lines, m.Icount, out)
	}
	if bad := verdict(result, m.Terminal); bad != nil {
		return bad
	}
	return err
}

// console passes the guest's output on and remembers whether its last line is still open.
type console struct {
	out     io.Writer
	midLine bool
}

func (c *console) Write(p []byte) (int, error) {
	if len(p) > 0 {
		c.midLine = p[len(p)-1] != '\n'
	}
	return c.out.Write(p)
}

// verdict is nil if the guest did well, or the user ended it.
func verdict(r *qemu.Result, terminal bool) error {
	if r.End == qemu.Quit && terminal {
		return nil
	}
	err := r.EndErr()
	if err == nil || r.End != qemu.Failed {
		return err
	}
	var failed []string
	for _, t := range r.Tests {
		if !t.OK {
			failed = append(failed, fmt.Sprintf("%d (%s)", t.Number, t.Name))
		}
	}
	if len(failed) == 0 {
		return err
	}
	return fmt.Errorf("%d of %d tests failed: %s", len(failed), len(r.Tests), strings.Join(failed, ", "))
}

// explainPanic prints what the kernel cannot: the code around RIP, disassembled.
func explainPanic(lines []string, out io.Writer) {
	crash, err := qemu.ParseCrash(lines)
	if crash != nil && (len(crash.Code) > 0 || crash.CodeNote != "") {
		fmt.Fprintf(out, "exo-run: code around rip:\n%s", crash.Disassemble())
	}
	if err != nil {
		fmt.Fprintf(out, "exo-run: the panic report is not whole: %v\n", err)
	}
}

// table prints the benchmarks beside their baselines.
func table(lines []string, icount bool, out io.Writer) error {
	benches, err := qemu.ParseBench(lines)
	if err != nil {
		return err
	}
	if len(benches) == 0 {
		return errors.New("the guest ran no benchmark; give -append 'bench=GLOB exit'")
	}
	unit := "ticks"
	if icount {
		unit = qemu.Instructions
	}
	fmt.Fprint(out, qemu.FormatBench(benches, unit))
	if primitives := qemu.FormatPrimitives(benches, unit); primitives != "" {
		fmt.Fprint(out, "\n", primitives)
	}
	if icount {
		fmt.Fprint(out, "\n", qemu.FormatVerdict(benches))
	}
	return nil
}
