package qemu

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The shell, as somebody uses it who types: programs, pipes, jobs, and mistakes.

const (
	shortly = 20 * time.Second // for a command that does not take long
	lengthy = 2 * time.Minute  // for one that does
)

// command is a line with what it prints, and its status.
type command struct {
	line, prints string
	status       int
}

// TestShell types at the prompt that `make qemu` ends in.
func TestShell(t *testing.T) {
	t.Parallel()
	defer takeSlots(1)()
	d := talk(t, kernel(t, "tests=none"), `(^|\n)exo\$ $`)
	boot, err := d.Answer(shortly)
	require.NoError(t, err)
	require.Contains(t, boot, "Exo", "the greeting")

	// prints is what a command does.
	prints := func(t *testing.T, line string) string {
		t.Helper()
		got, err := d.Command(line, shortly)
		require.NoError(t, err)
		return got
	}
	// gives types a command, and wants that of it.
	gives := func(t *testing.T, c command) {
		t.Helper()
		assert.Equal(t, c.prints, strings.TrimSuffix(prints(t, c.line), "\n"), c.line)
		statusIs(t, d, c.status, c.line)
	}
	// sees waits until something has been printed.
	sees := func(t *testing.T, pattern string) {
		t.Helper()
		_, err := d.Expect(regexp.MustCompile(pattern), shortly)
		require.NoError(t, err)
	}
	// step is a part without which the prompt may not be there for the next.
	step := func(name string, run func(t *testing.T)) {
		t.Helper()
		require.True(t, t.Run(name, run))
	}

	step("usertests", func(t *testing.T) { userTests(t, d) })
	step("forktest", func(t *testing.T) {
		got, err := d.Command("forktest", lengthy)
		require.NoError(t, err)
		assert.Contains(t, got, "all frames, capabilities, environments and threads are back")
		statusIs(t, d, 0, "forktest")
	})
	step("top", func(t *testing.T) {
		require.NoError(t, d.Line("top", shortly))
		for _, what := range []string{`CPU +BUSY`, `NAME`, `sh\n`, `top\n`} {
			sees(t, what)
		}
		require.NoError(t, d.Type("q"))
		_, err := d.Answer(shortly)
		require.NoError(t, err)
		statusIs(t, d, 0, "top")
	})
	step("pipeline", func(t *testing.T) {
		readme, err := os.ReadFile("../build/root/README")
		require.NoError(t, err)
		lines, words, bytes := 0, 0, 0
		for line := range strings.Lines(string(readme)) {
			if strings.Contains(line, "Exo") {
				lines, words, bytes = lines+1, words+len(strings.Fields(line)), bytes+len(line)
			}
		}
		require.NotZero(t, lines, "lines of README that say Exo")
		assert.Equal(t, fmt.Sprint(lines, words, bytes), strings.Join(strings.Fields(prints(t, "cat README | grep Exo | wc")), " "))
	})
	for _, part := range []struct {
		name     string
		commands []command
	}{
		{"mistakes", []command{
			{"nosuchprogram", "sh: nosuchprogram: no such command", 127},
			{"echo 'never ends", "sh: missing '", 2},
			{"cat nosuchfile", "cat: nosuchfile: no such file", 1},
			{"usertests nosuchtest", "usertests: no test is called nosuchtest; usertests -l lists them", 2},
			{"echo kept >README", "sh: README: file is read-only", 1},
		}},
		{"statuses", []command{
			{"usertests -l | grep ^fork/status", "fork/status                 a copy's status arrives", 0},
			{"grep nothing README", "", 1},
			{"grep nothing README || echo none", "none", 0},
			{"echo one && nosuchprogram || echo two", "one\nsh: nosuchprogram: no such command\ntwo", 0},
			{"sh -c 'exit 7'", "", 7},
		}},
		{"files", []command{
			{"echo some text >note; echo more >>note; cat note; rm note", "some text\nmore", 0},
			{"cat note", "cat: note: no such file", 1},
		}},
	} {
		step(part.name, func(t *testing.T) {
			for _, c := range part.commands {
				gives(t, c)
			}
		})
	}
	step("ctrl-c", func(t *testing.T) {
		require.NoError(t, d.Line("yes", shortly))
		sees(t, `(y\n){100}`)
		require.NoError(t, d.Type("\x03"))
		sees(t, `exo\$ $`) // maybe behind half a line
		statusIs(t, d, 130, "yes")
	})
	step("jobs", func(t *testing.T) {
		require.Regexp(t, `^\[1\] \d+$`, prints(t, "sleep 1000 &"))
		require.Regexp(t, `^\[1\] running .*sleep 1000`, prints(t, "jobs"))
		require.Regexp(t, `^sh: sleep 1000: process \d+ was killed$`, prints(t, "kill %1; wait"))
		statusIs(t, d, 137, "wait")
		gives(t, command{"jobs", "", 0})
	})
	require.NoError(t, d.Type("poweroff\r"))
	r := d.Guest.Wait()
	require.Equal(t, Passed, r.End, "%v", r.Err())
}

// statusIs says whether the last command's status was so.
func statusIs(t *testing.T, d *Dialog, want int, line string) {
	t.Helper()
	got, err := d.Command("echo $?", shortly)
	require.NoError(t, err)
	require.Equal(t, strconv.Itoa(want), strings.TrimSpace(got), "status of %s", line)
}

// userTests runs them all, and makes each a subtest.
func userTests(t *testing.T, d *Dialog) {
	out, err := d.Command("usertests", lengthy)
	require.NoError(t, err)
	tap := ParseTAP(strings.Split(out, "\n"))
	names, _ := userTable(t)
	for _, test := range tap.Tests {
		t.Run(test.Name, func(t *testing.T) {
			if !test.OK {
				t.Error(test)
			}
		})
	}
	require.NoError(t, tap.Err(len(names)+1), "%s", last(out)) // and the check of everything
	statusIs(t, d, 0, "usertests")
}

// TestUserTests runs them without a shell, where threads share a CPU and where they have many.
func TestUserTests(t *testing.T) {
	for _, cpus := range []int{1, 8} {
		t.Run(fmt.Sprintf("cpus=%d", cpus), func(t *testing.T) {
			t.Parallel()
			names, _ := userTable(t)
			k := kernel(t, "tests=none run=usertests,forktest exit")
			k.CPUs = cpus
			r := boot(t, k, Options{Limits: Limits{Silence: time.Minute, Total: 5 * time.Minute}, Min: len(names) + 1})
			require.NoError(t, r.Err())
		})
	}
}

// userTable returns the names in the table of user/usertests, and of their functions.
func userTable(t *testing.T) (names []string, functions map[string]bool) {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), "../user/usertests/table.go", nil, 0)
	require.NoError(t, err)
	functions = map[string]bool{}
	ast.Inspect(f, func(n ast.Node) bool {
		l, ok := n.(*ast.CompositeLit)
		if !ok || l.Type != nil || len(l.Elts) != 3 {
			return true
		}
		name, err := strconv.Unquote(l.Elts[0].(*ast.BasicLit).Value)
		require.NoError(t, err)
		assert.NotContains(t, names, name)
		names = append(names, name)
		functions[l.Elts[2].(*ast.Ident).Name] = true
		return true
	})
	require.GreaterOrEqual(t, len(names), 60)
	return names, functions
}

// Every test of user/usertests that is written is in its table: a function of T, which is not one by that.
func TestEveryUserTestIsInTheTable(t *testing.T) {
	_, listed := userTable(t)
	files, err := filepath.Glob("../user/usertests/*.go")
	require.NoError(t, err)
	for _, file := range files {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		require.NoError(t, err)
		for _, decl := range f.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			if !ok || fn.Recv != nil || fn.Type.Results != nil || len(fn.Type.Params.List) != 1 || fn.Name.Name == "warmUp" {
				continue
			}
			if p, ok := fn.Type.Params.List[0].Type.(*ast.StarExpr); ok && fmt.Sprint(p.X) == "T" {
				assert.True(t, listed[fn.Name.Name], "%s of %s is not in the table", fn.Name.Name, filepath.Base(file))
			}
		}
	}
}
