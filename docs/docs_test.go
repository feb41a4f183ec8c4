// Package docs holds no code, only the check that what the prose points at is there.
package docs

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	code     = regexp.MustCompile("`([^`\n]+)`")
	symbolIn = regexp.MustCompile("`([A-Za-z0-9_·]+)`\\s+in\\s+`([^`\n]*[/.][^`\n]*)`")
	link     = regexp.MustCompile(`\]\(([^)#]+)\)`)
	fence    = regexp.MustCompile("(?s)```.*?```")
	// A path in prose: folders and a file of ours, or a folder of ours.
	path = regexp.MustCompile(`^(boot|kernel|arch|tools|qemu|docs|initramfs|models|libos|user|labs)(/[\w.*-]+)*/?$`)
	// A verb of ours, where it is to be typed.
	verb = regexp.MustCompile("(?m)(?:^|`)make ([a-z-]+)")
	// The tests that are to be run: a package, and a pattern.
	run = regexp.MustCompile("go test[^`\n]* \\./(\\S+) -run '?([^\\s'`]+)")
)

// pages is every Markdown file, as seen from here.
func pages(t *testing.T) map[string]string {
	all := map[string]string{}
	for _, pattern := range []string{"*.md", "sync/*.md", "../*.md"} {
		files, err := filepath.Glob(pattern)
		require.NoError(t, err)
		require.NotEmpty(t, files, pattern)
		for _, file := range files {
			b, err := os.ReadFile(file)
			require.NoError(t, err)
			all[file] = string(b)
		}
	}
	return all
}

// TestProse_PointersResolve: every path, every "symbol in path" and every link in the Markdown files leads somewhere.
func TestProse_PointersResolve(t *testing.T) {
	pointers := 0
	for file, text := range pages(t) {
		text = fence.ReplaceAllString(text, "")
		for _, m := range code.FindAllStringSubmatch(text, -1) {
			if path.MatchString(m[1]) {
				found, err := filepath.Glob(filepath.Join("..", m[1]))
				require.NoError(t, err)
				assert.NotEmpty(t, found, "%s points at %s, which is not there", file, m[1])
				pointers++
			}
		}
		for _, m := range symbolIn.FindAllStringSubmatch(text, -1) {
			where, err := os.ReadFile(filepath.Join("..", m[2]))
			if assert.NoError(t, err, "%s points at %s", file, m[2]) {
				word := regexp.MustCompile(`(^|[^\w])` + regexp.QuoteMeta(m[1]) + `([^\w]|$)`)
				assert.True(t, word.Match(where), "%s points at %s in %s, which is not there", file, m[1], m[2])
			}
			pointers++
		}
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			if !strings.Contains(m[1], "://") {
				_, err := os.Stat(filepath.Join(filepath.Dir(file), m[1]))
				assert.NoError(t, err, "%s links to %s", file, m[1])
				pointers++
			}
		}
	}
	assert.Greater(t, pointers, 100, "the check finds the pointers that there are")
}

// TestProse_CommandsExist: every make verb is in the Makefile, and every pattern of tests matches one.
func TestProse_CommandsExist(t *testing.T) {
	b, err := os.ReadFile("../Makefile")
	require.NoError(t, err)
	verbs, patterns := 0, 0
	for file, text := range pages(t) {
		for _, m := range verb.FindAllStringSubmatch(text, -1) {
			assert.True(t, strings.Contains(string(b), "\n"+m[1]+":"), "%s says make %s, which the Makefile does not have", file, m[1])
			verbs++
		}
		for _, m := range run.FindAllStringSubmatch(text, -1) {
			pattern, err := regexp.Compile(m[2])
			if assert.NoError(t, err, "%s runs %s", file, m[2]) {
				assert.True(t, hasTest(t, m[1], pattern), "%s runs the tests %s in %s: there are none", file, m[2], m[1])
			}
			patterns++
		}
	}
	assert.Greater(t, verbs, 20)
	assert.Greater(t, patterns, 3)
}

var testFunc = regexp.MustCompile(`(?m)^func (Test\w+)\(`)

// hasTest says whether a package, or one below it if it ends in "/...", has a test whose name matches.
func hasTest(t *testing.T, pkg string, pattern *regexp.Regexp) (found bool) {
	folder, below := strings.CutSuffix(pkg, "/...")
	root := filepath.Join("..", folder)
	err := filepath.WalkDir(root, func(name string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && name != root && !below:
			return fs.SkipDir
		case !strings.HasSuffix(name, "_test.go"):
			return nil
		}
		b, err := os.ReadFile(name)
		for _, m := range testFunc.FindAllStringSubmatch(string(b), -1) {
			found = found || pattern.MatchString(m[1])
		}
		return err
	})
	assert.NoError(t, err)
	return found
}

// TestSync_PagesAreWhole: each page about a structure has the same sections in the same order, a picture, and a place in the
// entry page; and it can be read in one sitting.
func TestSync_PagesAreWhole(t *testing.T) {
	files, err := filepath.Glob("sync/*.md")
	require.NoError(t, err)
	require.Len(t, files, 12)
	entry, err := os.ReadFile("02-lock-free.md")
	require.NoError(t, err)
	at := 0
	for _, file := range files {
		b, err := os.ReadFile(file)
		require.NoError(t, err)
		text := string(b)
		last := -1
		for _, section := range []string{"Picture", "Guarantees", "Why it is correct", "What it costs", "Where to look", "Exercises"} {
			i := strings.Index(text, "\n## "+section+"\n")
			assert.Greater(t, i, last, "%s: the section %q is missing, or not in its place", file, section)
			last = i
		}
		assert.Contains(t, text, ".svg)", "%s has no picture", file)
		assert.Equal(t, 1, strings.Count(text, "\n# ")+strings.Count(text[:2], "# "), "%s: one title", file)
		lines := strings.Count(figures.ReplaceAllString(text, ""), "\n")
		assert.True(t, 80 <= lines && lines <= 160, "%s has %d lines", file, lines)
		i := strings.Index(string(entry), "]("+file+")")
		assert.Greater(t, i, at, "02-lock-free.md does not list %s, or not in its place", file)
		at = i
	}
}

var figures = regexp.MustCompile(`(?s)<!-- figures:.*?<!-- end -->`)
