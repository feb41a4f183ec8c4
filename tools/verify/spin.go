package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"exo/internal/timescale"
)

const (
	models = "models"
	// depth is how long an execution may be, in steps; memoryMB what a run may take. To reach either is a failure.
	depth    = 200000
	memoryMB = 3000
	// limit is how long a run may take.
	limit = 10 * time.Minute
)

// String is the run's name, with what it is about.
func (c check) String() string {
	words := []string{c.model}
	for _, w := range []string{c.proves, c.fault, c.method.name, c.bounds} {
		if w != "" {
			words = append(words, w)
		}
	}
	return strings.Join(words, " ")
}

// defines are the macros for spin.
func (c check) defines() (args []string) {
	for _, m := range strings.Fields(c.bounds + " " + c.fault) {
		args = append(args, "-D"+m)
	}
	return args
}

// run makes the verifier and runs it. err is set if the outcome is not what it must be.
func (c check) run() (outcome, error) {
	dir, err := os.MkdirTemp("", "exo-verify-")
	if err != nil {
		return outcome{}, err
	}
	keep := false
	defer func() {
		if !keep {
			os.RemoveAll(dir)
		}
	}()
	if err := copyModels(dir); err != nil {
		return outcome{}, err
	}
	file := c.model + ".pml"
	if _, _, err := command(dir, "spin", append(c.defines(), "-a", file)...); err != nil {
		return outcome{}, err
	}
	cc := append([]string{"-O2", "-w", "-DCOLLAPSE", "-DMEMLIM=" + strconv.Itoa(memoryMB), "-o", "pan", "pan.c"}, c.method.cc...)
	if c.fault != "" {
		cc[0] = "-O1" // sooner compiled, and most are soon found
	}
	if _, _, err := command(dir, "gcc", cc...); err != nil {
		return outcome{}, err
	}
	text, took, err := command(dir, "./pan", append([]string{"-m" + strconv.Itoa(depth)}, c.method.pan...)...)
	if err != nil {
		return outcome{}, err
	}
	o, err := parse(text)
	o.seconds = took.Seconds()
	if err == nil {
		err = c.judge(o)
	}
	if _, none := os.Stat(filepath.Join(dir, file+".trail")); err != nil && none == nil {
		keep = true
		err = fmt.Errorf("%w\n%s", err, c.trail(dir, file))
	}
	return o, err
}

// judge says what is wrong with an outcome.
func (c check) judge(o outcome) error {
	switch {
	case c.fault == "" && o.errorText != "":
		return errors.New(o.errorText)
	case c.fault != "" && o.errorText == "":
		return fmt.Errorf("the fault was not found; %s", o.size())
	case c.fault != "" && !genuine.MatchString(o.errorText):
		return fmt.Errorf("this is no guarantee that the fault breaks: %s", o.errorText)
	case o.cutShort != "":
		return fmt.Errorf("the search was cut short: %s; %s", o.cutShort, o.size())
	case c.fault == "" && o.states == 0:
		return errors.New("no state was visited")
	}
	if c.fault == "" && slices.Equal(c.method.cc, safety.cc) {
		for _, u := range o.unreached {
			if !slices.Contains(strings.Fields(c.partly), u.proctype) {
				return fmt.Errorf("never reached: %s, %s", u.proctype, u.state)
			}
		}
	}
	return nil
}

// genuine is what pan says when a guarantee is broken, and not the model.
var genuine = regexp.MustCompile(`^(assertion violated [^-]|invalid end state|acceptance cycle|non-progress cycle)`)

// trail is the end of the way to the error, for people.
func (c check) trail(dir, file string) string {
	args := append(c.defines(), "-t", "-p", file)
	again := fmt.Sprintf("(cd %s && spin %s)", dir, strings.Join(args, " "))
	out, _, err := command(dir, "spin", args...)
	if err != nil {
		return again + ": " + err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	const last = 60
	if len(lines) > last {
		lines = lines[len(lines)-last:]
	}
	return strings.Join(lines, "\n") + "\nall of it: " + again
}

func copyModels(dir string) error {
	files, err := filepath.Glob(filepath.Join(models, "*.pml"))
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return errors.New("no models: run this in the module's folder")
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(f)), b, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// command runs a program in dir and returns what it says, and the CPU time that it took.
func command(dir, name string, args ...string) ([]byte, time.Duration, error) {
	limit, err := timescale.Stretch(limit)
	if err != nil {
		return nil, 0, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		return nil, 0, fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, out)
	}
	return out, cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), nil
}
