package edit

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var errFull = errors.New("no space left")

// memory is files, of which those called full cannot be written.
type memory map[string]string

func (m memory) Read(name string) ([]byte, error) {
	text, ok := m[name]
	if !ok {
		return nil, errors.New("no such file")
	}
	return []byte(text), nil
}

func (m memory) Write(name string, data []byte) error {
	if name == "full" {
		return errFull
	}
	m[name] = string(data)
	return nil
}

// run edits a file of five lines, and returns what was said, and the file.
func run(script string) (said, text string, e *Editor) {
	m := memory{"f": "one\ntwo\nthree\nfour\nfive\n", "other": "x\ny", "empty": ""}
	var out []string
	e = &Editor{Files: m, Out: func(line string) { out = append(out, line) }}
	if err := e.Load("f"); err != nil {
		panic(err)
	}
	for _, line := range strings.Split(script, "\n") {
		if !e.Line(line) {
			break
		}
	}
	return strings.Join(out, "|"), m["f"], e
}

func TestEdit_Shows(t *testing.T) {
	for script, want := range map[string]string{
		"p": "five", "1p": "one", "1,2n": "1\tone|2\ttwo", "$p": "five", "%p": "one|two|three|four|five", ",p": "one|two|three|four|five", "=": "5",
		"/tw/p": "two", "1\n?o?p": "one|four", "2\n\n": "two|three|four", "3\n.p": "three|three", "$-2p": "three", "1\n+p": "one|two", "1\n+2p": "one|three",
		"/t/\n//\n??p": "two|three|two", "2,$p": "two|three|four|five", "3,p": "three|four|five", ".=": "5",
		"6p": "? no such line", "3,2p": "? no such line", "0p": "? no such line", "\n": "? no such line|? no such line", "/none/p": "? not found", "//p": "? which text?",
		"z": "? no such command", "px": "? there is more than the command", "99999999999999999999p": "? no such line", "-9p": "? no such line",
		"f": "f", "f g\nf": "g|g",
	} {
		said, text, _ := run(script)
		require.Equal(t, want, said, "%q", script)
		require.Equal(t, "one\ntwo\nthree\nfour\nfive\n", text, "%q", script)
	}
}

func TestEdit_Changes(t *testing.T) {
	for script, want := range map[string]string{ // what is written then
		"2a\nA\nB\n.": "one two A B three four five", "2i\nA\n.": "one A two three four five", "0a\nA\n.": "A one two three four five",
		"0i\nA\n.": "A one two three four five", "2,3c\nA\n.": "one A four five", "%c\nA\n.": "A", "5c\nA\n.": "one two three four A", "2,3d": "one four five", "%d": "",
		"a\n..\n.": "one two three four five ..", "d\nd": "one two three", "1m$": "two three four five one", "4,5m0": "four five one two three",
		"1,2m3": "three one two four five", "2m2": "one two three four five", "2m1": "one two three four five", "1,3m2": "one two three four five",
		"1,3j": "onetwothree four five", "2j": "one twothree four five", "j": "one two three four five", "%s/o/0/": "0ne tw0 three f0ur five",
		"%s/e/E/g": "onE two thrEE four fivE", "3s/e/E": "one two thrEe four five", "3s,e,/,": "one two thr/e four five", "3s/ee//": "one two thr four five",
		"1s/none/x/": "one two three four five", `1s/o/\/\\/`: `/\ne two three four five`, "/fo/s//go/": "one two three gour five", "1s/n/a.*&/": "oa.*&e two three four five",
		"2r other": "one two x y three four five", "r empty": "one two three four five", "0r other": "x y one two three four five",
	} {
		_, text, e := run(script + "\nw")
		require.Equal(t, want, strings.Join(strings.Fields(text), " "), "%q", script)
		require.False(t, e.Changed)
	}
}

func TestEdit_NothingIsLostUnasked(t *testing.T) {
	said, text, e := run("1d\nq\np\nq")
	require.Equal(t, "? not written; Q leaves nevertheless|two|? not written; Q leaves nevertheless", said)
	require.True(t, e.Changed && e.Refused)
	require.Contains(t, text, "one")
	said, _, e = run("1d\nq\nq\np")
	require.Equal(t, "? not written; Q leaves nevertheless", said)
	require.True(t, e.Changed)
	said, _, _ = run("1d\nQ\np")
	require.Empty(t, said)
	said, text, e = run("1d\nw full\n1p\nw\nq\np")
	require.Equal(t, "? no space left|two|4 lines, 20 bytes", said)
	require.NotContains(t, text, "one")
	require.False(t, e.Changed)
	said, _, e = run("1d\nwq full\np")
	require.Equal(t, "? no space left|two", said)
	require.True(t, e.Changed)
	said, text, _ = run("1d\n1w g\nwq\np")
	require.Equal(t, "1 lines, 4 bytes|4 lines, 20 bytes", said)
	require.NotContains(t, text, "one")
	said, _, e = run("$r other\n1,2w f")
	require.Equal(t, "its last line has no end; it gets one|2 lines|2 lines, 8 bytes", said)
	require.True(t, e.Changed, "a part was written")
}

func TestEdit_AnEmptyText(t *testing.T) {
	m := memory{}
	var out []string
	e := &Editor{Files: m, Out: func(line string) { out = append(out, line) }}
	for _, line := range []string{"p", "d", "s/x/y/", "w", "r", "=", "/x/", "w f", "%p", "i", "hello", ".", "w", "w f"} {
		require.True(t, e.Line(line), line)
	}
	require.Equal(t, "? no such line|? no such line|? no such line|? which file?|? which file?|0|? not found|0 lines, 0 bytes|? no such line|1 lines, 6 bytes|1 lines, 6 bytes",
		strings.Join(out, "|"))
	require.Equal(t, "hello\n", m["f"])
}

// FuzzEdit: whatever is typed, there is neither a panic nor a current line that is none.
func FuzzEdit(f *testing.F) {
	f.Add("1,3m$\n%s/e/x/g\n2a\nx\n.\n?o?,$d\nw\nq")
	f.Fuzz(func(t *testing.T, script string) {
		_, _, e := run(script)
		require.LessOrEqual(t, e.dot, len(e.lines))
		require.GreaterOrEqual(t, e.dot, 0)
	})
}
