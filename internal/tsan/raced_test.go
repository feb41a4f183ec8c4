package tsan

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const root = "../.."

// TestRaced_EachTestWithGoroutinesIsWatched: of the packages that have tests, the Makefile's RACED are those that start goroutines.
func TestRaced_EachTestWithGoroutinesIsWatched(t *testing.T) {
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(`(?m)^RACED +:= (.*)$`).FindStringSubmatch(string(makefile))
	if line == nil {
		t.Fatal("the Makefile has no RACED")
	}
	raced := strings.Fields(line[1])
	started := 0
	for dir, starts := range packages(t) {
		listed := slices.ContainsFunc(raced, func(p string) bool {
			below, all := strings.CutSuffix(strings.TrimPrefix(p, "./"), "/...")
			return dir == below || all && strings.HasPrefix(dir, below+"/")
		})
		if starts {
			started++
			if !listed {
				t.Errorf("%s starts goroutines: add it to RACED in the Makefile", dir)
			}
		}
	}
	if started < 10 {
		t.Errorf("only %d packages start goroutines: does this test see them?", started)
	}
}

// packages returns the folders of the module that have tests, and whether goroutines are started there.
func packages(t *testing.T) map[string]bool {
	starts, tested := map[string]bool{}, map[string]bool{}
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if d.Name() == "testdata" || d.Name() == "build" || strings.HasPrefix(d.Name(), ".") && name != root {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		dir := path.Dir(filepath.ToSlash(rel))
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		tested[dir] = tested[dir] || strings.HasSuffix(name, "_test.go")
		starts[dir] = starts[dir] || startsGoroutines(f)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]bool{}
	for dir := range tested {
		if tested[dir] {
			all[dir] = starts[dir]
		}
	}
	return all
}

// startsGoroutines looks for go statements, and for calls of methods Go and Parallel.
func startsGoroutines(f *ast.File) (yes bool) {
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			yes = true
		case *ast.CallExpr:
			if s, ok := n.Fun.(*ast.SelectorExpr); ok {
				yes = yes || s.Sel.Name == "Parallel" || s.Sel.Name == "Go" && len(n.Args) == 1
			}
		}
		return !yes
	})
	return yes
}
