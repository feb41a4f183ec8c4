package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const classesFile = "kernel/sync/classes.go"

// editedOrder reads testdata's table of classes with one edit.
func editedOrder(t *testing.T, old, new string) (*order, error) {
	t.Helper()
	root, err := filepath.Abs("testdata/src")
	require.NoError(t, err)
	path := filepath.Join(root, filepath.FromSlash(classesFile))
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, 1, strings.Count(string(text), old), old)
	edited := write(t, "classes.go", strings.Replace(string(text), old, new, 1))
	l, err := loadHost(root, map[string]string{path: edited}, "./kernel/sync")
	require.NoError(t, err)
	return readOrder(l)
}

func TestTheTableIsReadAsTheCompilerReadsIt(t *testing.T) {
	o, err := editedOrder(t, "before: 1<<ClassPI | 1<<ClassPair", "before: 1<<(ClassPI+0) | 0x80")
	require.NoError(t, err)
	var names []string
	for _, c := range o.classes {
		if c != nil {
			names = append(names, c.name)
		}
	}
	require.Equal(t, []string{"log", "inode", "buffer", "queue", "pi", "console", "pair"}, names)
	log, inode, buffer, queue, pi, console, pair := 1, 2, 3, 4, 5, 6, 7
	require.Equal(t, []int{pi, pair}, o.classes[queue].before)
	require.True(t, o.may(log, buffer), "through inode")
	require.True(t, o.may(queue, console), "through pi")
	require.True(t, o.may(buffer, queue), "spin under sleep")
	require.False(t, o.may(queue, buffer))
	require.False(t, o.may(inode, log))
	require.False(t, o.may(pi, pair))
	require.True(t, o.classes[inode].nests)
	require.True(t, o.classes[console].irq())
	require.False(t, o.classes[pi].irq())
}

func TestAnOrderThatIsNoneIsRefused(t *testing.T) {
	for _, c := range []struct{ old, new, says string }{
		{`{name: "buffer", kind: kindSleep}`, `{name: "buffer", kind: kindSleep, before: 1 << ClassLog}`,
			"kernel/sync/classes.go:33: class log is before itself: log < inode < buffer < log"},
		{`{name: "console", kind: kindSpinIRQ}`, `{name: "console", kind: kindSpinIRQ, before: 1 << ClassPI}`,
			"class console is taken by interrupt handlers and before pi, which they must not take"},
		{"before: 1 << ClassInode}", "before: 1 << ClassConsole}", "that goes without saying"},
		{"before: 1<<ClassPI | 1<<ClassPair", "before: 1 << ClassInode",
			"class queue is a spinlock's and before inode, a sleeplock's"},
		{"before: 1<<ClassPI | 1<<ClassPair", "before: 1 << 40", "class queue is before number 40, which is no class"},
		{`{name: "buffer", kind: kindSleep}`, `{name: "buffer"}`, `class buffer has the kind "", which the check does not know`},
		{`{name: "buffer", kind: kindSleep}`, `{kind: kindSleep}`, "has no name"},
	} {
		_, err := editedOrder(t, c.old, c.new)
		require.ErrorContains(t, err, c.says)
	}
}
