package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// source is where peers.c is, seen from the module's root.
const source = "tools/peers/c/peers.c"

// build compiles peers.c into the folder and returns the program's path.
func build(folder string) (string, error) {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return "", err
	}
	program := filepath.Join(folder, "peers")
	cmd := exec.Command("gcc", "-O2", "-std=gnu17", "-pthread", "-o", program, source, "-lurcu-qsbr", "-lurcu-cds", "-lck")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("compiling %s: %w (from the module's root, with liburcu-dev, libck-dev and gcc)\n%s", source, err, out)
	}
	return program, nil
}

// peer is peers.c running for one of its operations.
type peer struct {
	name string
	in   io.WriteCloser
	out  *bufio.Reader
	cmd  *exec.Cmd
}

func startPeer(program, name string, threads int) (*peer, error) {
	cmd := exec.Command(program, name, strconv.Itoa(threads))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	return &peer{name, in, bufio.NewReader(out), cmd}, cmd.Start()
}

// measure has the peer do n operations on each of its threads.
func (p *peer) measure(n int) (took time.Duration, done int, err error) {
	if _, err = fmt.Fprintln(p.in, n); err == nil {
		_, err = fmt.Fscanln(p.out, &took, &done)
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", p.name, err)
	}
	return took, done, err
}

func (p *peer) stop() {
	p.in.Close()
	p.cmd.Wait()
}

// versions says what the numbers depend on, as far as it can be found out.
func versions() string {
	var have []string
	for _, library := range []struct{ name, pkgConfig, debian string }{
		{"liburcu", "liburcu", "liburcu-dev"}, {"Concurrency Kit", "ck", "libck-dev"},
	} {
		v := output("pkg-config", "--modversion", library.pkgConfig)
		if v == "" {
			v = output("dpkg-query", "-W", "-f", "${Version}", library.debian)
		}
		if v == "" {
			v = "of unknown version"
		}
		have = append(have, library.name+" "+v)
	}
	return strings.Join(append(have, "gcc "+output("gcc", "-dumpfullversion")), ", ")
}

func output(name string, args ...string) string {
	out, _ := exec.Command(name, args...).Output()
	return strings.TrimSpace(string(out))
}

// cpuModel is what the system calls the CPU.
func cpuModel() string {
	info, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(info)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown CPU"
}
