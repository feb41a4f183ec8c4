// Abitable writes docs/calls.md: the system calls and their errors, as kernel/abi has them.
//
//	go generate ./kernel/abi
package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: abitable ROOT-OF-THE-MODULE")
		os.Exit(2)
	}
	text, err := table(os.Args[1])
	if err == nil {
		err = os.WriteFile(filepath.Join(os.Args[1], "docs", "calls.md"), []byte(text), 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "abitable: "+err.Error())
		os.Exit(1)
	}
}

// constant is a name and what its comment says; above is the comment before it, which begins a group.
type constant struct{ name, says, above string }

// table is the page, from the source below root.
func table(root string) (string, error) {
	calls, err := constants(filepath.Join(root, "kernel", "abi", "calls.go"), "Null")
	if err != nil {
		return "", err
	}
	errnos, err := constants(filepath.Join(root, "kernel", "abi", "errno.go"), "OK")
	if err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString("# System calls\n\nWritten by `go generate ./kernel/abi` from `kernel/abi/calls.go` and `kernel/abi/errno.go`, where structures and constants are, too.\n")
	b.WriteString("How a call is made is in `kernel/abi/doc.go`. An argument that is a capability is its name; `own` is the caller's environment;\n")
	b.WriteString("times are nanoseconds since boot.\n")
	for i, c := range calls {
		if c.name == "Calls" {
			break
		}
		if c.above != "" || i == 0 {
			if c.above != "" {
				b.WriteString("\n" + c.above + "\n")
			}
			b.WriteString("\n| number | call | takes | returns |\n|---|---|---|---|\n")
		}
		takes, returns, _ := strings.Cut(c.says, "→")
		fmt.Fprintf(&b, "| %d | `%s` | %s | %s |\n", i, c.name, cell(takes), cell(returns))
	}
	b.WriteString("\n## Errors\n\nA call that is refused has changed nothing.\n\n| RAX | name | why |\n|---|---|---|\n")
	for i, c := range errnos {
		if c.name == "numErrnos" {
			break
		}
		fmt.Fprintf(&b, "| %d | `%s` | %s |\n", -i, c.name, cell(c.says))
	}
	return b.String(), nil
}

func cell(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(strings.TrimSpace(s), "|", `\|`), "*", `\*`)
}

// constants reads the group of constants that begins with one of a name: each counts one up.
func constants(file, first string) ([]constant, error) {
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
	if err != nil {
		return nil, err
	}
	for _, d := range f.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.CONST || g.Specs[0].(*ast.ValueSpec).Names[0].Name != first {
			continue
		}
		var all []constant
		for _, s := range g.Specs {
			v := s.(*ast.ValueSpec)
			all = append(all, constant{v.Names[0].Name, strings.TrimSpace(v.Comment.Text()), oneLine(v.Doc.Text())})
		}
		return all, nil
	}
	return nil, fmt.Errorf("%s has no constants that begin with %s", file, first)
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
