package qemu

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Options are about one boot, where [Machine] is about the machine.
type Options struct {
	Limits  Limits            // stretched by EXO_TIME_SCALE
	Min     int               // for Result.Min
	OnLine  func(line string) // called for each serial line, in order, from one goroutine
	Console io.Writer         // gets the serial bytes as they come, half lines included
	// Keyboard is what is typed at the serial line; nil: nothing is. It may be closed after Start.
	Keyboard *os.File
}

// A Guest is a running QEMU. It ends when the guest ends, when a limit is passed, when the
// context ends, by [Guest.Kill], or with our own process, whichever comes first.
type Guest struct {
	cmd     *exec.Cmd
	started time.Time
	opts    Options
	lines   atomic.Int64
	control *control

	killOnce sync.Once
	mu       sync.Mutex
	killed   bool     // by us, not by the guest
	verdict  Ending   // why, if killed
	overdue  *Overdue // why, if by a limit
	reason   string   // why QEMU says that the guest ended
	regs     string

	exited chan struct{} // QEMU is reaped
	done   chan struct{} // and result is complete
	result *Result
}

// Run boots a machine and waits for its end. The error is about starting; how the guest
// fared is in the result.
func Run(ctx context.Context, m Machine, opts Options) (*Result, error) {
	g, err := Start(ctx, m, opts)
	if err != nil {
		return nil, err
	}
	return g.Wait(), nil
}

// Start boots a machine. Call Wait, or QEMU's end goes unnoticed; it never outlives ctx.
func Start(ctx context.Context, m Machine, opts Options) (*Guest, error) {
	args, err := m.Args()
	if err != nil {
		return nil, fmt.Errorf("making QEMU's command line: %w", err)
	}
	if err := m.CheckInstalled(); err != nil {
		return nil, err
	}
	if err := m.checkFiles(); err != nil {
		return nil, err
	}
	if opts.Limits, err = opts.Limits.Scaled(); err != nil {
		return nil, err
	}
	g := &Guest{
		opts:   opts,
		exited: make(chan struct{}),
		done:   make(chan struct{}),
		result: &Result{Min: opts.Min, CommandLine: JoinWords(args)},
	}
	ours, theirs, err := socketPair()
	if err != nil {
		return nil, fmt.Errorf("making QEMU's control socket: %w", err)
	}
	serial, serialIn, err := os.Pipe()
	if err != nil {
		ours.Close()
		theirs.Close()
		return nil, fmt.Errorf("making QEMU's serial pipe: %w", err)
	}
	complaints := &tail{limit: 16 << 10}
	g.cmd = exec.Command(args[0], append(args[1:], plumbing()...)...)
	g.cmd.SysProcAttr = processAttr(m.Terminal)
	g.cmd.ExtraFiles = []*os.File{theirs} // file descriptor 3
	g.cmd.Stdout = serialIn
	g.cmd.Stderr = complaints
	g.cmd.WaitDelay = 2 * time.Second
	if m.Terminal {
		g.cmd.Stdin = os.Stdin
	} else if opts.Keyboard != nil {
		g.cmd.Stdin = opts.Keyboard
	}
	g.control = newControl(ours, g.onEvent)

	g.started = time.Now()
	started := make(chan error, 1)
	go g.own(started)
	err = <-started
	theirs.Close()
	serialIn.Close()
	if err != nil {
		ours.Close()
		serial.Close()
		return nil, fmt.Errorf("starting %s: %w", args[0], err)
	}
	go g.watch(ctx)
	go g.begin(m.Stopped)
	go g.collect(serial, ours, complaints)
	return g, nil
}

// own starts QEMU and reaps it, on one thread: the host's kernel kills QEMU when the thread
// that started it ends, so that thread must live as long as QEMU.
func (g *Guest) own(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := g.cmd.Start()
	started <- err
	if err == nil {
		_ = g.cmd.Wait() // the status is read from ProcessState
		close(g.exited)
	}
}

// begin lets the guest run, now that we hear what QEMU says of it.
func (g *Guest) begin(wait bool) {
	const patience = time.Hour // the limits guard this too
	_, err := g.control.command("qmp_capabilities", nil, patience)
	if err == nil && !wait {
		_, err = g.control.command("cont", nil, patience)
	}
	if err != nil && !errors.Is(err, errControlGone) {
		g.end(Broken, nil)
	}
}

// onEvent hears QEMU say that the guest ended. QEMU then stays, stopped, until told to quit.
func (g *Guest) onEvent(e qmpMessage) {
	const patience = 5 * time.Second
	reason := e.Data.Reason
	switch e.Event {
	case "SHUTDOWN":
		if !e.Data.Guest {
			reason = "" // by us, or by the user's monitor
		}
	case "STOP":
		status, err := g.control.status(patience)
		if err != nil || status != "internal-error" {
			return
		}
		reason = status
	default:
		return
	}
	var regs string
	if reason == "guest-reset" || reason == "internal-error" {
		regs, _ = g.control.registers(patience)
	}
	g.mu.Lock()
	if reason != "" {
		g.reason, g.regs = reason, regs
	}
	g.mu.Unlock()
	if _, err := g.control.command("quit", nil, 6*patience); err != nil && !errors.Is(err, errControlGone) {
		g.end(Broken, nil)
	}
}

// watch ends QEMU when a limit is passed or the context ends.
func (g *Guest) watch(ctx context.Context) {
	period := time.Second
	for _, limit := range []time.Duration{g.opts.Limits.Silence, g.opts.Limits.Total} {
		if limit > 0 {
			period = min(period, max(limit/20, 10*time.Millisecond))
		}
	}
	ticker := time.NewTicker(period)
	defer ticker.Stop()
	dog := newWatchdog(g.opts.Limits, g.started)
	for {
		select {
		case <-g.exited:
			return
		case <-ctx.Done():
			g.end(Stopped, nil)
			return
		case <-ticker.C:
		}
		u, err := sampleUsage(g.cmd.Process.Pid)
		if err != nil {
			u = usage{}
		}
		o := dog.look(time.Now(), int(g.lines.Load()), u)
		if o == nil {
			continue
		}
		regs, _ := g.control.registers(2 * time.Second)
		g.mu.Lock()
		if g.regs == "" {
			g.regs = regs
		}
		g.mu.Unlock()
		if o.Hung {
			g.end(Hung, o)
		} else {
			g.end(TimedOut, o)
		}
		return
	}
}

// Kill ends QEMU at once. It may be called at any time, and more than once.
func (g *Guest) Kill() { g.end(Stopped, nil) }

// end kills QEMU and records why. With a terminal QEMU is first asked to go, so that it
// gives the terminal its settings back.
func (g *Guest) end(why Ending, o *Overdue) {
	g.killOnce.Do(func() {
		select {
		case <-g.exited:
			return
		default:
		}
		g.mu.Lock()
		g.killed, g.verdict, g.overdue = true, why, o
		g.mu.Unlock()
		if g.cmd.SysProcAttr.Setpgid {
			_ = syscall.Kill(-g.cmd.Process.Pid, syscall.SIGKILL)
			return
		}
		_ = g.cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-g.exited:
		case <-time.After(time.Second):
			_ = g.cmd.Process.Kill()
		}
	})
}

// Wait returns once QEMU is gone and all of its output is read.
func (g *Guest) Wait() *Result {
	<-g.done
	return g.result
}

// PID is QEMU's process id.
func (g *Guest) PID() int { return g.cmd.Process.Pid }

// collect reads the serial line to its end, waits for QEMU's, and completes the result.
func (g *Guest) collect(serial *os.File, ours net.Conn, complaints *tail) {
	defer close(g.done)
	defer ours.Close()
	r := g.result
	read := make(chan struct{})
	go func() {
		defer close(read)
		splitLines(io.TeeReader(serial, orDiscard(g.opts.Console)), func(line string) {
			r.Lines = append(r.Lines, line)
			r.TAP.Add(line)
			g.lines.Add(1)
			if g.opts.OnLine != nil {
				g.opts.OnLine(line)
			}
		})
	}()
	<-g.exited
	r.Elapsed = time.Since(g.started)
	select {
	case <-read:
	case <-time.After(2 * time.Second): // something QEMU left behind holds the pipe open
		_ = serial.SetReadDeadline(time.Now())
		<-read
	}
	serial.Close()
	<-g.control.broken // all events are in
	r.ExitCode = g.cmd.ProcessState.ExitCode()
	r.Stderr = complaints.String()
	g.mu.Lock()
	defer g.mu.Unlock()
	r.End = endingOf(r.ExitCode, g.reason)
	if g.killed && (r.ExitCode == -1 || r.ExitCode == 0) { // otherwise the guest was faster
		r.End, r.Overdue = g.verdict, g.overdue
	}
	r.Registers = g.regs
}

func orDiscard(w io.Writer) io.Writer {
	if w == nil {
		return io.Discard
	}
	return w
}

// socketPair returns two connected sockets: ours, and one for QEMU to inherit.
func socketPair() (net.Conn, *os.File, error) {
	syscall.ForkLock.RLock()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(fds[0])
		syscall.CloseOnExec(fds[1])
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, nil, err
	}
	file := os.NewFile(uintptr(fds[0]), "qmp")
	theirs := os.NewFile(uintptr(fds[1]), "qmp for QEMU")
	ours, err := net.FileConn(file) // a duplicate
	file.Close()
	if err != nil {
		theirs.Close()
		return nil, nil, err
	}
	return ours, theirs, nil
}
