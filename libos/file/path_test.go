package file

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestClean(t *testing.T) {
	for path, want := range map[string]string{
		"": "", "/": "", ".": "", "/..": "", "a": "a", "/a": "a", "a/": "a", "//a///b//": "a/b", "a/./b": "a/b", "a/../b": "b",
		"a/b/..": "a", "a/b/../..": "", "../a": "a", "a/b/../../../c": "c", "...": "...", "a/.b": "a/.b",
	} {
		require.Equal(t, want, clean(path), "%q", path)
	}
}

func TestSplit(t *testing.T) {
	for path, want := range map[string][2]string{"": {"", ""}, "a": {"", "a"}, "a/b": {"a", "b"}, "a/b/c": {"a/b", "c"}} {
		folder, name := split(path)
		require.Equal(t, want, [2]string{folder, name})
	}
}
