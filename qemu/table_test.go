package qemu

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The kernel's table of tests, read from its source: a boot that reports fewer is a failure.

// testsTable is that of tests which each machine runs; diskTable is of those that need a disk to write on, and brokenTable of
// those that need one full of broken file systems.
const (
	testsTable  = "../kernel/tests.go"
	diskTable   = "../kernel/test_disk.go"
	brokenTable = "../kernel/test_broken.go"
)

// inKernel returns the names in the table, up to the colon, in its order.
func inKernel(t *testing.T) []string {
	names, _ := table(t, testsTable)
	return names
}

// table returns the names of the tests and the names of their functions.
func table(t *testing.T, file string) (names []string, functions map[string]bool) {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	require.NoError(t, err)
	functions = map[string]bool{}
	ast.Inspect(f, func(n ast.Node) bool {
		l, ok := n.(*ast.CompositeLit)
		if !ok || l.Type != nil || len(l.Elts) != 3 || !isText(l.Elts[0]) { // only the elements have no type
			return true
		}
		name, err := strconv.Unquote(l.Elts[0].(*ast.BasicLit).Value)
		require.NoError(t, err)
		name, _, _ = strings.Cut(name, ":")
		names = append(names, name)
		functions[l.Elts[2].(*ast.Ident).Name] = true
		return true
	})
	require.NotEmpty(t, names)
	return names, functions
}

// Every test that is written is in the table: one that fell out of it would never fail again.
func TestEveryTestIsInTheTable(t *testing.T) {
	_, listed := table(t, testsTable)
	_, ofDisks := table(t, diskTable)
	_, ofBroken := table(t, brokenTable)
	maps.Copy(listed, ofDisks)
	maps.Copy(listed, ofBroken)
	files, err := filepath.Glob("../kernel/*.go")
	require.NoError(t, err)
	written := 0
	for _, file := range files {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		require.NoError(t, err)
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Recv != nil || !isTest(fn) {
				continue
			}
			written++
			assert.True(t, listed[fn.Name.Name], "%s in %s is in no table", fn.Name.Name, file)
		}
	}
	assert.Equal(t, len(listed), written)
}

func isText(e ast.Expr) bool {
	l, ok := e.(*ast.BasicLit)
	return ok && l.Kind == token.STRING
}

// isTest says whether fn is func testX(t *ktest.T, cpu int).
func isTest(fn *ast.FuncDecl) bool {
	ps := fn.Type.Params.List
	if !strings.HasPrefix(fn.Name.Name, "test") || len(ps) != 2 {
		return false
	}
	p, ok := ps[0].Type.(*ast.StarExpr)
	if !ok {
		return false
	}
	s, ok := p.X.(*ast.SelectorExpr)
	return ok && s.Sel.Name == "T"
}
