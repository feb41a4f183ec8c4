package main

import (
	"encoding/binary"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"sort"
	"strings"
)

// What is called at each switch from one task to the next is written as many small functions. A doc comment with the line
// //exo:inline has the compiler put such a function into whoever calls it, however large it is, as it does by a profile
// with what a profile of a running program says is hot. So the profile is made from the sources: one sample for each such call.
const inlineMark = "//exo:inline"

// hotFolders are where marked functions, and who calls them, are looked for.
var hotFolders = []string{"kernel", "arch/amd64"}

// function is one of the kernel's, as the linker calls it.
type function struct {
	name string
	line int // where it begins
	body *ast.BlockStmt
}

// edge is one call: the compiler knows it by its caller, and by how many lines after the caller's first it stands.
type edge struct {
	caller, callee string
	offset         int
}

// hotProfile returns what go build -pgo reads, gathered from the sources of the folder module.
func hotProfile(module string) ([]byte, error) {
	all, marked, files, err := functions(module)
	if err != nil {
		return nil, err
	}
	calls := map[edge]bool{}
	for _, f := range all {
		addCalls(calls, f, f, marked, files, map[string]bool{})
	}
	edges := make([]edge, 0, len(calls))
	for e := range calls {
		edges = append(edges, e)
	}
	sort.Slice(edges, func(i, j int) bool {
		a, b := edges[i], edges[j]
		if a.caller != b.caller {
			return a.caller < b.caller
		}
		if a.offset != b.offset {
			return a.offset < b.offset
		}
		return a.callee < b.callee
	})
	return encodeProfile(edges), nil
}

// functions parses the sources: all functions, and those that are marked, by their names without package and receiver.
func functions(module string) (all []function, marked map[string][]function, files *token.FileSet, err error) {
	files, marked = token.NewFileSet(), map[string][]function{}
	for _, folder := range hotFolders {
		err := filepath.WalkDir(filepath.Join(module, folder), func(p string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(p, ".go") || strings.HasSuffix(p, "_test.go") || strings.Contains(p, "testdata") {
				return err
			}
			f, err := parser.ParseFile(files, p, nil, parser.ParseComments|parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			rel, err := filepath.Rel(module, filepath.Dir(p))
			if err != nil {
				return err
			}
			pkg := "main"
			if f.Name.Name != pkg {
				pkg = path.Join("exo", filepath.ToSlash(rel))
			}
			for _, d := range f.Decls {
				if d, ok := d.(*ast.FuncDecl); ok && d.Body != nil {
					fn := function{pkg + "." + receiver(d) + d.Name.Name, files.Position(d.Pos()).Line, d.Body}
					all = append(all, fn)
					if isMarked(d) {
						marked[d.Name.Name] = append(marked[d.Name.Name], fn)
					}
				}
			}
			return nil
		})
		if err != nil {
			return nil, nil, nil, fmt.Errorf("looking for functions to inline: %w", err)
		}
	}
	return all, marked, files, nil
}

// receiver is what stands before a method's name: (*T). or T.
func receiver(d *ast.FuncDecl) string {
	if d.Recv == nil || len(d.Recv.List) != 1 {
		return ""
	}
	switch t := d.Recv.List[0].Type.(type) {
	case *ast.Ident:
		return t.Name + "."
	case *ast.StarExpr:
		if id, ok := t.X.(*ast.Ident); ok {
			return "(*" + id.Name + ")."
		}
	}
	return "generic."
}

func isMarked(d *ast.FuncDecl) bool {
	if d.Doc != nil {
		for _, c := range d.Doc.List {
			if c.Text == inlineMark {
				return true
			}
		}
	}
	return false
}

// addCalls adds the calls of marked functions in body's body, which is outer or has been put into it: the compiler counts the lines
// of an inlined body from where the outer function begins. Calls are told by name alone: it does no harm if there are too many.
// seen are the functions that have been put into outer: each need be looked at once.
func addCalls(to map[edge]bool, outer, body function, marked map[string][]function, files *token.FileSet, seen map[string]bool) {
	if seen[body.name] {
		return
	}
	seen[body.name] = true
	ast.Inspect(body.body, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		name := ""
		switch f := call.Fun.(type) {
		case *ast.Ident:
			name = f.Name
		case *ast.SelectorExpr:
			name = f.Sel.Name
		}
		for _, callee := range marked[name] {
			to[edge{outer.name, callee.name, files.Position(call.Lparen).Line - outer.line}] = true
			addCalls(to, outer, callee, marked, files, seen)
		}
		return true
	})
}

// encodeProfile writes a profile in pprof's format (github.com/google/pprof, proto/profile.proto), one sample for each call.
func encodeProfile(edges []edge) []byte {
	const begin = 1 << 20 // where each function begins, as calls in it may lie before: in another file
	var p message
	texts, count := map[string]uint64{}, uint64(0)
	text := func(s string) uint64 {
		n, ok := texts[s]
		if !ok {
			n = count
			texts[s] = n
			count++
			p.bytes(6, []byte(s))
		}
		return n
	}
	text("")
	p.bytes(1, *new(message).number(1, text("samples")).number(2, text("count")))
	seen := map[string]bool{}
	function := func(name string) uint64 {
		id := text(name)
		if !seen[name] {
			seen[name] = true
			p.bytes(5, *new(message).number(1, id).number(2, id).number(5, begin))
		}
		return id
	}
	locations := uint64(0)
	location := func(name string, offset int) uint64 {
		locations++
		line := new(message).number(1, function(name)).number(2, uint64(begin+offset))
		p.bytes(4, *new(message).number(1, locations).bytes(4, *line))
		return locations
	}
	for _, e := range edges {
		at := location(e.callee, 0)
		from := location(e.caller, e.offset)
		p.bytes(2, *new(message).number(1, at).number(1, from).number(2, 1))
	}
	return p
}

// message is one of protocol buffers.
type message []byte

func (m *message) number(field, value uint64) *message {
	*m = binary.AppendUvarint(binary.AppendUvarint(*m, field<<3), value)
	return m
}

func (m *message) bytes(field uint64, value []byte) *message {
	*m = append(binary.AppendUvarint(binary.AppendUvarint(*m, field<<3|2), uint64(len(value))), value...)
	return m
}
