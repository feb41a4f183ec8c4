package qemu

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestMain lets the test binary stand in for QEMU, and for a harness that gets killed.
func TestMain(m *testing.M) {
	switch {
	case len(os.Args) > 1 && os.Args[1] == "-machine":
		fakeQEMU(os.Args)
	case len(os.Args) > 1 && os.Args[1] == "-doomed-harness":
		doomedHarness()
	}
	// As many tests as there are slots, if the host has fewer CPUs; one that has given its slot back, or never takes one,
	// must not keep another from taking it.
	flag.Parse()
	if f := flag.Lookup("test.parallel"); f.Value.(flag.Getter).Get().(int) < 2*atOnce {
		if err := f.Value.Set(strconv.Itoa(2 * atOnce)); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

// fake is a machine whose QEMU is this test binary and does what the script says, one verb a line:
//
//	print TEXT   a serial line        say TEXT     onto standard error
//	sleep TIME   idle                 spin         compute for ever
//	exit N       with that status     event WHY    the guest ends for that reason
//	deaf         ignore the control socket from here on
//	shell        answer what is typed, until that is "leave"
func fake(t testing.TB, script ...string) Machine {
	self, err := os.Executable()
	require.NoError(t, err)
	return Machine{Binary: self, Kernel: os.DevNull, Append: strings.Join(script, "\n"), Accel: AccelTCG}
}

func fakeQEMU(args []string) {
	script := ""
	for i, a := range args {
		if a == "-append" {
			script = args[i+1]
		}
	}
	qmp := os.NewFile(3, "qmp")
	fmt.Fprintln(qmp, `{"QMP": {"version": {}, "capabilities": []}}`)
	run, deaf := make(chan bool, 1), make(chan bool, 1)
	go func() {
		for in := json.NewDecoder(qmp); ; {
			var c struct {
				Execute string `json:"execute"`
				ID      int    `json:"id"`
			}
			if in.Decode(&c) != nil {
				return
			}
			if len(deaf) > 0 {
				continue
			}
			answer := "{}"
			switch c.Execute {
			case "cont":
				run <- true
			case "human-monitor-command":
				answer = `"\r\nCPU#0\r\nRAX=1 RBX=2\r\nRIP=ffffffff80212345 RFL=00000046 [---Z-P-] CPL=0 II=0 A20=1 SMM=0 HLT=1\r\nCR0=80010033 CR2=0000000000000008 CR3=1 CR4=2\r\n"`
			}
			fmt.Fprintf(qmp, `{"return": %s, "id": %d}`+"\n", answer, c.ID)
			if c.Execute == "quit" {
				fmt.Fprintln(qmp, `{"event": "SHUTDOWN", "data": {"guest": false, "reason": "host-qmp-quit"}}`)
				os.Exit(0)
			}
		}
	}()
	<-run
	for line := range strings.Lines(script) {
		verb, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		switch verb {
		case "print":
			fmt.Printf("%s\r\n", rest)
		case "say":
			fmt.Fprintln(os.Stderr, rest)
		case "deaf":
			deaf <- true
		case "shell":
			fakeShell()
		case "sleep":
			d, _ := time.ParseDuration(rest)
			time.Sleep(d)
		case "spin":
			for x := 0; ; x++ {
			}
		case "exit":
			n, _ := strconv.Atoi(rest)
			os.Exit(n)
		case "event":
			fmt.Fprintf(qmp, `{"event": "SHUTDOWN", "data": {"guest": true, "reason": %q}}`+"\n", rest)
			select {} // until told to quit
		}
	}
	os.Exit(0)
}

// doomedHarness starts a fake QEMU, prints its process id, and waits to be killed.
func doomedHarness() {
	self, _ := os.Executable()
	g, err := Start(context.Background(), Machine{Binary: self, Kernel: os.DevNull, Append: "sleep 1h"}, Options{})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(g.PID())
	select {}
}

// fakeShell echoes what is typed as line editors do, and says it again in colour.
func fakeShell() {
	var line []byte
	fmt.Print("\x1b[2J> ")
	for {
		var b [1]byte
		if _, err := os.Stdin.Read(b[:]); err != nil {
			return
		}
		switch {
		case b[0] != '\r':
			line = append(line, b[0])
			fmt.Printf("\r> \x1b[1m%s\x1b[K", line)
		case string(line) == "leave":
			fmt.Print("\r\n")
			return
		case string(line) == "hang":
			fmt.Print("\r\nI hang")
			select {}
		default:
			fmt.Printf("\r\nyou said\x1b[31m %s\x1b[0m\r\n> ", line)
			line = nil
		}
	}
}
