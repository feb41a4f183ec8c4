// Package user holds the programs of ring 3, a folder each; here is only a test of what belongs together.
package user

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestLinks: each program of the table has a link in the initramfs, and no others have.
func TestLinks(t *testing.T) {
	f, err := parser.ParseFile(token.NewFileSet(), "box/main.go", nil, 0)
	require.NoError(t, err)
	var programs []string
	ast.Inspect(f, func(n ast.Node) bool {
		if c, ok := n.(*ast.CompositeLit); ok && c.Type == nil && len(c.Elts) == 4 {
			name, err := strconv.Unquote(c.Elts[0].(*ast.BasicLit).Value)
			require.NoError(t, err)
			programs = append(programs, name)
		}
		return true
	})
	require.NotEmpty(t, programs)
	require.IsIncreasing(t, programs, "help shows them in this order")
	files, err := os.ReadDir("../initramfs/bin")
	require.NoError(t, err)
	var links []string
	for _, f := range files {
		to, err := os.Readlink("../initramfs/bin/" + f.Name())
		require.NoError(t, err)
		require.Equal(t, "box", to)
		links = append(links, f.Name())
	}
	require.Equal(t, programs, links)
}
