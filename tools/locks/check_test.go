package main

import (
	"bytes"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// testdata analyses the packages in testdata/src, a module of their own with the kernel's names.
func testdata(t *testing.T) (root string, r *result) {
	t.Helper()
	root, err := filepath.Abs("testdata/src")
	require.NoError(t, err)
	root, err = filepath.EvalSymlinks(root)
	require.NoError(t, err)
	l, err := loadHost(root, nil, "./...")
	require.NoError(t, err)
	r, err = analyseAll([]*loader{l}, ruleset{
		rawUses:   map[string]string{"objects/allowed.go": "a test", "objects/gone.go": "is stale"},
		unclassed: map[string]string{"objects.many": "a test", "objects.gone": "is stale"},
		exempt:    map[string]string{"legal.onPurpose": "a test", "legal.gone": "is stale"},
	})
	require.NoError(t, err)
	return root, r
}

// TestEachViolationIsFoundAndNothingElse compares the findings with the comments `// want` in testdata: each a regular
// expression for one finding on its line.
func TestEachViolationIsFoundAndNothingElse(t *testing.T) {
	root, r := testdata(t)
	found := map[string][]string{} // by file:line
	stale := 0
	for _, f := range r.findings {
		if strings.HasPrefix(f, "tools/locks/rules.go:") {
			require.Contains(t, f, "gone")
			stale++
			continue
		}
		part := strings.SplitN(f, ":", 3)
		found[part[0]+":"+part[1]] = append(found[part[0]+":"+part[1]], strings.TrimSpace(part[2]))
	}
	require.Equal(t, 3, stale, "exceptions that nothing needs")
	want := wants(t, root)
	require.Greater(t, len(want), 30)
	for at, patterns := range want {
		for _, p := range patterns {
			matched := -1
			for i, f := range found[at] {
				if regexp.MustCompile(p).MatchString(f) {
					matched = i
				}
			}
			if matched < 0 {
				t.Errorf("%s: no finding matches %q; there are %q", at, p, found[at])
				continue
			}
			found[at] = append(found[at][:matched], found[at][matched+1:]...)
		}
	}
	for at, rest := range found {
		for _, f := range rest {
			t.Errorf("%s: unexpected: %s", at, f)
		}
	}
}

var quoted = regexp.MustCompile("`([^`]*)`")

func wants(t *testing.T, root string) map[string][]string {
	t.Helper()
	want := map[string][]string{}
	files, err := filepath.Glob(filepath.Join(root, "*", "*.go"))
	require.NoError(t, err)
	for _, name := range files {
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, name, nil, parser.ParseComments)
		require.NoError(t, err)
		for _, g := range f.Comments {
			for _, c := range g.List {
				if !strings.HasPrefix(c.Text, "// want ") {
					continue
				}
				l := &loader{root: root, fset: fset}
				for _, m := range quoted.FindAllStringSubmatch(c.Text, -1) {
					want[l.at(c.Pos())] = append(want[l.at(c.Pos())], m[1])
				}
			}
		}
	}
	return want
}

func TestTheSameFindingsEachTime(t *testing.T) {
	_, first := testdata(t)
	var table bytes.Buffer
	require.NoError(t, first.print(&table))
	for range 3 {
		_, again := testdata(t)
		require.Equal(t, first.findings, again.findings)
		var other bytes.Buffer
		require.NoError(t, again.print(&other))
		require.Equal(t, table.String(), other.String())
	}
}

// TestMain has the collector run less often: an analysis leaves much garbage, and the tests do a dozen.
func TestMain(m *testing.M) {
	debug.SetGCPercent(400)
	os.Exit(m.Run())
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	return path
}
