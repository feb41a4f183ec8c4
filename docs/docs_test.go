// Package docs holds no code, only the check that what the prose points at is there.
package docs

import (
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
	symbolIn = regexp.MustCompile("`([A-Za-z0-9_·]+)`\\s+in\\s+`([^`]+)`")
	link     = regexp.MustCompile(`\]\(([^)#]+)\)`)
	fence    = regexp.MustCompile("(?s)```.*?```")
	// A path in prose: folders and a file of ours, or a folder of ours.
	path = regexp.MustCompile(`^(boot|kernel|arch|tools|qemu|docs|initramfs|libos|user|labs)(/[\w.*-]+)*/?$`)
)

// TestProse_PointersResolve: every path, every "symbol in path" and every link in the Markdown files leads somewhere.
func TestProse_PointersResolve(t *testing.T) {
	files, err := filepath.Glob("*.md")
	require.NoError(t, err)
	top, err := filepath.Glob("../*.md")
	require.NoError(t, err)
	pointers := 0
	for _, file := range append(files, top...) {
		b, err := os.ReadFile(file)
		require.NoError(t, err)
		text := fence.ReplaceAllString(string(b), "")
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
				assert.Contains(t, string(where), m[1], "%s points at %s in %s", file, m[1], m[2])
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
	assert.Greater(t, pointers, 15, "the check finds the pointers that there are")
}
