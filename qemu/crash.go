package qemu

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// A Crash is the kernel's panic report, read back from the serial line:
//
//	=== PANIC ===
//	panic: cause: nil dereference: #PF at 0x0000000000000008
//	panic: cpu=3 apic=3 task=boot rip=0xffffffff80212345
//	panic: rax=0x… rbx=0x… (and so on, all registers) rflags=0x… cr2=0x… cr3=0x… err=0x…
//	panic: bt 0 0xffffffff80212345 main.crashNil kernel/crash.go:31
//	panic: locks none
//	panic: code 0xffffffff80212335 48 8b 04 25 … [48] 89 …
//	=== END PANIC ===
//
// The byte in brackets is the one at RIP.
type Crash struct {
	Cause     string
	CPU, APIC int
	Task      string
	RIP       uint64
	Registers map[string]uint64 // by lower-case name: rax … r15, rflags, cr2, cr3, err
	Backtrace []Frame
	Locks     string
	CodeStart uint64 // address of Code[0]
	Code      []byte
	CodeRIP   int    // index in Code of the byte at RIP; -1 if Code is empty
	CodeNote  string // what stands in place of code bytes if there are none, such as "unreadable"
}

// A Frame is one line of a backtrace. Func is "?" if the kernel found no symbol; File is ""
// and Line 0 if it found no line.
type Frame struct {
	PC   uint64
	Func string
	File string
	Line int
}

func (f Frame) String() string {
	if f.File == "" {
		return fmt.Sprintf("%#x %s", f.PC, f.Func)
	}
	return fmt.Sprintf("%#x %s %s:%d", f.PC, f.Func, f.File, f.Line)
}

// GPRs are the registers that every report must hold.
var GPRs = []string{"rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp",
	"r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"}

// ErrNoCrash means that the output holds no panic report at all.
var ErrNoCrash = errors.New("no panic report in the output")

// ParseCrash finds the panic report in serial output and reads it. There must be exactly one,
// whole and alone: a report that is cut short, a second one, or foreign lines between (another
// CPU printing at the same time) are errors. What could be read is returned with an error too.
func ParseCrash(lines []string) (*Crash, error) {
	begin, end := -1, -1
	for i, line := range lines {
		// Looked for anywhere in the line: mixed reports do not begin lines properly.
		switch b, e := strings.Contains(line, panicBegin), strings.Contains(line, panicEnd); {
		case b && begin >= 0:
			return nil, fmt.Errorf("serial line %d: a second panic report begins", i+1)
		case e && begin < 0:
			return nil, fmt.Errorf("serial line %d: a panic report ends that never began", i+1)
		case e && end >= 0:
			return nil, fmt.Errorf("serial line %d: a second panic report ends", i+1)
		case b:
			begin = i
		case e:
			end = i
		}
	}
	if begin < 0 {
		return nil, ErrNoCrash
	}
	body, cut := lines[begin+1:], end < 0
	if !cut {
		body = lines[begin+1 : end]
	}
	c := &Crash{CPU: -1, APIC: -1, Registers: map[string]uint64{}, CodeRIP: -1}
	var wrong []error
	for i, line := range body {
		if err := c.add(line); err != nil {
			wrong = append(wrong, fmt.Errorf("serial line %d, in the panic report: %w", begin+i+2, err))
		}
	}
	if cut {
		wrong = append([]error{fmt.Errorf("the panic report is cut short: %d lines and no %q", len(body), panicEnd)}, wrong...)
		return c, errors.Join(wrong...)
	}
	for _, marker := range []int{begin, end} {
		if want := map[int]string{begin: panicBegin, end: panicEnd}[marker]; lines[marker] != want {
			wrong = append(wrong, fmt.Errorf("serial line %d is %q instead of %q alone: two CPUs printed at once", marker+1, lines[marker], want))
		}
	}
	return c, errors.Join(append(wrong, c.complete()...)...)
}

// add reads one line between the markers.
func (c *Crash) add(line string) error {
	text, ok := strings.CutPrefix(line, "panic: ")
	if !ok {
		return fmt.Errorf("%q is no line of a report: two CPUs printed at once", line)
	}
	kind, rest, _ := strings.Cut(text, " ")
	switch {
	case kind == "cause:":
		if c.Cause != "" {
			return fmt.Errorf("a second cause, %q", rest)
		}
		c.Cause = rest
		return nil
	case kind == "bt":
		return c.addFrame(rest)
	case kind == "locks":
		if c.Locks != "" {
			c.Locks += "; "
		}
		c.Locks += rest
		return nil
	case kind == "code":
		if c.Code != nil || c.CodeNote != "" {
			return errors.New("a second line of code")
		}
		return c.addCode(rest)
	case strings.Contains(kind, "="):
		return c.addValues(text)
	}
	return nil // a remark that this harness need not understand
}

// addValues reads NAME=VALUE words.
func (c *Crash) addValues(text string) error {
	for word := range strings.FieldsSeq(text) {
		key, value, ok := strings.Cut(word, "=")
		if !ok {
			return fmt.Errorf("%q is not NAME=VALUE", word)
		}
		var err error
		switch key {
		case "task":
			c.Task = value
		case "cpu":
			err = setOnce(&c.CPU, key, value)
		case "apic":
			err = setOnce(&c.APIC, key, value)
		default:
			var v uint64
			v, err = strconv.ParseUint(value, 0, 64)
			if old, again := c.Registers[key]; err == nil && again && old != v {
				err = fmt.Errorf("two values for %s, %#x and %#x", key, old, v)
			}
			c.Registers[key] = v
			if key == "rip" {
				c.RIP = v
			}
		}
		if err != nil {
			return fmt.Errorf("reading %q: %w", word, err)
		}
	}
	return nil
}

func setOnce(to *int, key, value string) error {
	if *to >= 0 {
		return fmt.Errorf("a second %s", key)
	}
	v, err := strconv.ParseUint(value, 0, 31)
	*to = int(v)
	return err
}

var frameLine = regexp.MustCompile(`^(\d+) (0x[0-9a-fA-F]+)(?: (.*?))?(?: (\S+):(\d+))?$`)

func (c *Crash) addFrame(text string) error {
	m := frameLine.FindStringSubmatch(strings.TrimSpace(text))
	if m == nil {
		return fmt.Errorf("%q is no frame; the form is: bt N ADDRESS FUNCTION FILE:LINE", text)
	}
	if n, err := strconv.Atoi(m[1]); err != nil || n != len(c.Backtrace) {
		return fmt.Errorf("frame %s stands where %d should", m[1], len(c.Backtrace))
	}
	pc, err := strconv.ParseUint(m[2], 0, 64)
	if err != nil {
		return fmt.Errorf("frame address: %w", err)
	}
	f := Frame{PC: pc, Func: m[3], File: m[4]}
	if f.Func == "" {
		f.Func = "?"
	}
	if m[5] != "" {
		if f.Line, err = strconv.Atoi(m[5]); err != nil {
			return fmt.Errorf("frame line: %w", err)
		}
	}
	c.Backtrace = append(c.Backtrace, f)
	return nil
}

func (c *Crash) addCode(text string) error {
	words := strings.Fields(text)
	if len(words) == 0 {
		return errors.New("a line of code without any")
	}
	start, err := strconv.ParseUint(words[0], 0, 64)
	if err != nil || len(words) == 1 || !isCodeByte(words[1]) {
		c.CodeNote = text
		return nil
	}
	c.CodeStart = start
	for i, w := range words[1:] {
		if inner, ok := strings.CutPrefix(w, "["); ok {
			if c.CodeRIP >= 0 {
				return errors.New("two bytes of code are in brackets")
			}
			w, c.CodeRIP = strings.TrimSuffix(inner, "]"), i
		}
		b, err := strconv.ParseUint(w, 16, 8)
		if err != nil {
			return fmt.Errorf("code byte %q: %w", w, err)
		}
		c.Code = append(c.Code, byte(b))
	}
	return nil
}

func isCodeByte(w string) bool {
	_, err := strconv.ParseUint(strings.Trim(w, "[]"), 16, 8)
	return err == nil
}

// complete says what a whole report must hold and this one does not.
func (c *Crash) complete() []error {
	var wrong []error
	say := func(format string, args ...any) {
		wrong = append(wrong, fmt.Errorf("the panic report "+format, args...))
	}
	if c.Cause == "" {
		say("names no cause")
	}
	if c.CPU < 0 {
		say("names no CPU")
	}
	if _, ok := c.Registers["rip"]; !ok {
		say("has no rip")
	}
	for _, r := range GPRs {
		if _, ok := c.Registers[r]; !ok {
			say("has no %s", r)
		}
	}
	if len(c.Backtrace) == 0 {
		say("has no backtrace")
	}
	if c.Locks == "" {
		say("does not say which locks were held")
	}
	switch {
	case c.CodeNote != "":
	case len(c.Code) == 0:
		say("has no code bytes")
	case c.CodeRIP < 0:
		say("marks no code byte as the one at rip")
	case c.CodeStart+uint64(c.CodeRIP) != c.RIP:
		say("marks the code byte at %#x, and rip is %#x", c.CodeStart+uint64(c.CodeRIP), c.RIP)
	}
	return wrong
}
