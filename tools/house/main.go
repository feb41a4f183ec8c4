// House checks what holds for the whole tree, from its text alone:
//
//   - imports point only down (imports.go);
//   - no file is long (size.go);
//   - each guarantee that a header states has a test that says so in its name, and no such name promises what no header
//     states (guarantees.go, topics.go).
//
// It reads every file, whatever its build tags, and is part of `make lint`. Start reading: imports.go.
package main

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
)

func main() {
	if err := run(os.DirFS("."), topics, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "house: "+err.Error())
		os.Exit(1)
	}
}

// source is a file of the tree: its path from the root, and its text.
type source struct{ path, text string }

func (s source) dir() string  { return path.Dir(s.path) }
func (s source) isGo() bool   { return path.Ext(s.path) == ".go" }
func (s source) isTest() bool { return strings.HasSuffix(s.path, "_test.go") }

// run prints what is wrong with a tree, one line each, or what was seen if nothing is.
func run(root fs.FS, topics map[string]string, out io.Writer) error {
	tree, err := readTree(root)
	if err != nil {
		return err
	}
	imports, wrong, err := checkImports(tree)
	if err != nil {
		return err
	}
	wrong = append(wrong, checkSizes(tree)...)
	stated, missing := checkGuarantees(tree, topics)
	wrong = append(wrong, missing...)
	for _, w := range wrong {
		fmt.Fprintln(out, w)
	}
	switch {
	case len(wrong) > 0:
		return fmt.Errorf("%d findings", len(wrong))
	case imports == 0 || stated == 0:
		return fmt.Errorf("%d imports and %d guarantees seen in %d files: the check looked at the wrong thing", imports, stated, len(tree))
	}
	fmt.Fprintf(out, "house: %d files, %d imports, %d guarantees: all in order\n", len(tree), imports, stated)
	return nil
}

// readTree reads what is written in Go or assembly. Folders that begin with a dot, testdata, and what was built are not the tree's.
func readTree(root fs.FS) (tree []source, err error) {
	err = fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name != "." && (d.Name()[0] == '.' || d.Name() == "testdata" || name == "build") {
				return fs.SkipDir
			}
			return nil
		}
		switch path.Ext(name) {
		case ".go", ".s", ".S":
			text, err := fs.ReadFile(root, name)
			if err != nil {
				return err
			}
			tree = append(tree, source{name, string(text)})
		}
		return nil
	})
	return tree, err
}
