//go:build exouser

package file

import (
	"unsafe"

	"exo/libos/heap"
	"exo/libos/sys"
)

// A path that does not begin with a slash begins at the program's folder: the root, or what its parent's was, by the setting PWD.

const null = "dev/null"

var cwd struct {
	known  bool
	folder string // clean, with a slash in front
	room   []byte // that it lies in
}

// Dir is the program's folder, from the root on. Who keeps it while Chdir is called makes a copy.
func Dir() string {
	if !cwd.known {
		cwd.known, cwd.folder = true, "/"
		env := sys.Env()
		for i := range env.Len() {
			if e := env.At(i); len(e) > 4 && e[:4] == "PWD=" {
				heap.Keep()
				cwd.folder = "/" + clean(e[4:])
			}
		}
	}
	return cwd.folder
}

// Chdir goes to another folder.
func Chdir(path string) error {
	p := absolute(path)
	switch i, err := stat(p); {
	case err != nil:
		return err
	case i.Kind != Folder:
		return ErrNoFolder
	}
	if len(p) >= cap(cwd.room) {
		heap.Keep()
		cwd.room = make([]byte, 0, 2*len(p)+64)
	}
	cwd.room = append(append(cwd.room[:0], '/'), p...)
	cwd.known, cwd.folder = true, unsafe.String(&cwd.room[0], len(cwd.room)) // SAFETY: it is changed here only, as Dir says
	return nil
}

// absolute is a path from the root on, clean.
func absolute(path string) string {
	if len(path) > 0 && path[0] == '/' || Dir() == "/" {
		return clean(path)
	}
	return clean(Dir() + "/" + path)
}

// Resolve is the path of the file itself, from the root on: links have been followed.
func Resolve(path string) string {
	p := absolute(path)
	if root, rest, ok := mounted(p); ok {
		if f, err := find(root, rest, rightsToRead); err == nil {
			f.drop()
			return clean(mountPoint + "/" + f.path)
		}
		return p
	}
	if d, err := theDisk(); err == nil {
		if _, _, err := d.Lookup(p); err == nil {
			return p
		}
	}
	if e, ok := lookup(p); ok {
		return e.Name
	}
	return p
}
