package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/tools/go/ssa"
)

// source is a package as go list prints it.
type source struct {
	ImportPath string
	Dir        string
	GoFiles    []string
	ImportMap  map[string]string
	Error      *struct{ Err string }
}

// pkg is a package with its types.
type pkg struct {
	path  string
	types *types.Package
	files []*ast.File
	info  *types.Info
	errs  []error
	deps  map[string]bool // what it is made from, itself included
}

// loader parses and checks packages in the order in which they depend on each other.
type loader struct {
	root    string // the module
	fset    *token.FileSet
	replace map[string]string // as in the file that go build -overlay reads
	pkgs    map[string]*pkg
	order   []*pkg
}

// listing is what ring 0 is made from, and the overlay that it is built with.
type listing struct {
	sources []source
	replace map[string]string
}

// listRing0 has mkimage list the kernel's packages.
func listRing0(root string) (*listing, error) {
	dir, err := os.MkdirTemp("", "exo-locks-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	sources, err := goList(root, "run", "./tools/mkimage", "list", "-build", dir, "./kernel/...", "./arch/...")
	if err != nil {
		return nil, err
	}
	js, err := os.ReadFile(filepath.Join(dir, "overlay.json"))
	if err != nil {
		return nil, err
	}
	var overlay struct{ Replace map[string]string }
	if err := json.Unmarshal(js, &overlay); err != nil {
		return nil, fmt.Errorf("the overlay: %w", err)
	}
	return &listing{sources, overlay.Replace}, nil
}

// listHost lists packages as they are built for the host, and what they are made from.
func listHost(root string, patterns ...string) ([]source, error) {
	return goList(root, append([]string{"list", "-e", "-deps", "-json=ImportPath,Dir,GoFiles,ImportMap,Error"}, patterns...)...)
}

func goList(root string, args ...string) (list []source, err error) {
	cmd := exec.Command("go", args...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64", "GOWORK=off")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, &stderr)
	}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var s source
		if err := d.Decode(&s); errors.Is(err, io.EOF) {
			return list, nil
		} else if err != nil {
			return nil, fmt.Errorf("go %s: %w", strings.Join(args, " "), err)
		}
		list = append(list, s)
	}
}

func newLoader(root string, replace map[string]string) *loader {
	return &loader{root: root, fset: token.NewFileSet(), replace: replace, pkgs: map[string]*pkg{}}
}

// load adds the packages of list, each after what it imports. What is wrong with one stands in its errs.
func (l *loader) load(list []source) {
	for _, s := range list {
		if s.ImportPath == "unsafe" || l.pkgs[s.ImportPath] != nil {
			continue
		}
		p := l.check(s)
		l.pkgs[p.path] = p
		l.order = append(l.order, p)
	}
}

func inModule(path string) bool { return strings.HasPrefix(path, modulePath+"/") }

func (l *loader) check(s source) *pkg {
	p := &pkg{path: s.ImportPath, deps: map[string]bool{s.ImportPath: true}}
	fail := func(err error) { p.errs = append(p.errs, err) }
	if s.Error != nil {
		fail(errors.New(s.Error.Err))
	}
	for _, f := range s.GoFiles {
		name := filepath.Join(s.Dir, f)
		from := name
		if r, ok := l.replace[name]; ok {
			from = r
		}
		text, err := os.ReadFile(from)
		if err != nil {
			fail(err)
			continue
		}
		file, err := parser.ParseFile(l.fset, name, text, parser.SkipObjectResolution)
		if err != nil {
			fail(err)
			continue
		}
		p.files = append(p.files, file)
	}
	p.info = &types.Info{
		Types: map[ast.Expr]types.TypeAndValue{}, Defs: map[*ast.Ident]types.Object{}, Uses: map[*ast.Ident]types.Object{},
		Implicits: map[ast.Node]types.Object{}, Instances: map[*ast.Ident]types.Instance{}, Scopes: map[ast.Node]*types.Scope{},
		Selections: map[*ast.SelectorExpr]*types.Selection{}, FileVersions: map[*ast.File]string{},
	}
	conf := types.Config{
		Importer: importer(func(path string) (*types.Package, error) {
			if m := s.ImportMap[path]; m != "" {
				path = m
			}
			if path == "unsafe" {
				return types.Unsafe, nil
			}
			dep := l.pkgs[path]
			if dep == nil {
				return nil, fmt.Errorf("no package %s", path)
			}
			for d := range dep.deps {
				p.deps[d] = true
			}
			return dep.types, nil
		}),
		Sizes:            types.SizesFor("gc", "amd64"),
		IgnoreFuncBodies: !inModule(s.ImportPath), // Go's own functions take none of our locks
		Error:            fail,
	}
	p.types, _ = conf.Check(s.ImportPath, l.fset, p.files, p.info)
	return p
}

type importer func(path string) (*types.Package, error)

func (f importer) Import(path string) (*types.Package, error) { return f(path) }

// build makes SSA of the module's packages; the others have declarations only.
func (l *loader) build() *ssa.Program {
	prog := ssa.NewProgram(l.fset, ssa.InstantiateGenerics)
	prog.CreatePackage(types.Unsafe, nil, nil, true)
	var ours []*ssa.Package
	for _, p := range l.order {
		if inModule(p.path) {
			ours = append(ours, prog.CreatePackage(p.types, p.files, p.info, true))
		} else {
			prog.CreatePackage(p.types, nil, nil, true)
		}
	}
	for _, p := range ours {
		p.Build()
	}
	return prog
}

// loadKernel loads the kernel as it boots, and beside it, as they are on the host, the packages of kernel/ that ring 0
// does not use and could not. There are one or two programs then. edits are files to read others in the place of.
func loadKernel(root string, list *listing, edits map[string]string) ([]*loader, error) {
	replace := maps.Clone(list.replace)
	maps.Copy(replace, edits)
	ring0 := newLoader(root, replace)
	ring0.load(list.sources)
	kernel := ring0.pkgs[modulePath+"/kernel"]
	if kernel == nil {
		return nil, errors.New("there is no package ./kernel")
	}
	var sound []*pkg
	var host []string
	for _, p := range ring0.order {
		switch broken := ring0.broken(p); {
		case broken == nil:
			sound = append(sound, p)
		case kernel.deps[p.path]:
			return nil, fmt.Errorf("%s does not compile for ring 0: %w", p.path, broken)
		case inModule(p.path):
			host = append(host, p.path)
		}
	}
	ring0.order = sound
	if len(host) == 0 {
		return []*loader{ring0}, nil
	}
	onHost, err := loadHost(root, edits, host...)
	return []*loader{ring0, onHost}, err
}

// loadHost loads packages as they are built for the host.
func loadHost(root string, edits map[string]string, patterns ...string) (*loader, error) {
	list, err := listHost(root, patterns...)
	if err != nil {
		return nil, err
	}
	l := newLoader(root, edits)
	l.load(list)
	for _, p := range l.order {
		if inModule(p.path) && len(p.errs) > 0 {
			return nil, fmt.Errorf("%s does not compile: %w", p.path, p.errs[0])
		}
	}
	return l, nil
}

// broken returns what is wrong with p or with what it is made from.
func (l *loader) broken(p *pkg) error {
	for path := range p.deps {
		if d := l.pkgs[path]; d == nil || len(d.errs) > 0 {
			return errors.Join(p.errs...)
		}
	}
	if len(p.errs) > 0 {
		return p.errs[0]
	}
	return nil
}
