package qemu

import (
	"fmt"
	"regexp"
	"strings"
)

var (
	cpuHead  = regexp.MustCompile(`(?m)^CPU#(\d+)`)
	cpuPlace = regexp.MustCompile(`\b[ER]IP=([0-9a-fA-F]+)`)
	cpuFault = regexp.MustCompile(`\bCR2=([0-9a-fA-F]+)`)
	cpuLevel = regexp.MustCompile(`\bCPL=(\d)`)
	cpuHalt  = regexp.MustCompile(`\bHLT=1\b`)
)

// Whereabouts says where each CPU was, after a triple fault or a hang; otherwise it is empty.
func (r *Result) Whereabouts() []string { return whereabouts(r.Registers) }

// whereabouts cuts QEMU's long "info registers -a" down to one line for each CPU:
//
//	cpu 0: rip=ffffffff80212345 cpl=0 cr2=0000000000000008 halted
func whereabouts(registers string) []string {
	var lines []string
	heads := cpuHead.FindAllStringSubmatchIndex(registers, -1)
	for i, h := range heads {
		end := len(registers)
		if i+1 < len(heads) {
			end = heads[i+1][0]
		}
		part := registers[h[1]:end]
		line := fmt.Sprintf("cpu %s:", registers[h[2]:h[3]])
		for _, item := range []struct {
			name string
			re   *regexp.Regexp
		}{{"rip", cpuPlace}, {"cpl", cpuLevel}, {"cr2", cpuFault}} {
			if m := item.re.FindStringSubmatch(part); m != nil {
				line += " " + item.name + "=" + strings.ToLower(m[1])
			}
		}
		if cpuHalt.MatchString(part) {
			line += " halted"
		}
		lines = append(lines, line)
	}
	return lines
}
