package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A fault can be put in only as long as the code still says what the mutant's edits replace.
func TestEachMutantApplies(t *testing.T) {
	require.NotEmpty(t, mutants)
	named := map[string]bool{}
	for _, m := range mutants {
		assert.False(t, named[m.name], "two mutants are called %q", m.name)
		named[m.name] = true
		assert.NotEmpty(t, m.caught, m.name)
		assert.NotEmpty(t, m.edits, m.name)
		b, err := os.ReadFile(filepath.Join("../..", m.file))
		if !assert.NoError(t, err, m.name) {
			continue
		}
		code := string(b)
		for _, e := range m.edits {
			assert.NotEqual(t, e.old, e.new, m.name)
			if assert.True(t, strings.Contains(code, e.old), "%s: %s no longer contains %q", m.name, m.file, e.old) {
				code = strings.Replace(code, e.old, e.new, 1)
			}
		}
	}
}
