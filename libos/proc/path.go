//go:build exouser

package proc

import (
	"strings"

	"exo/libos/file"
)

// Look finds the program of a name in one of the folders, which colons are between: what PATH is for. A name with a slash is
// a path. Errors: file.ErrNone, ErrFolder.
func Look(name, folders string) (path string, err error) {
	if strings.IndexByte(name, '/') >= 0 {
		return name, program(name)
	}
	if name == "" {
		return "", file.ErrNone
	}
	for folders != "" {
		folder, rest, _ := strings.Cut(folders, ":")
		if p := folder + "/" + name; program(p) == nil {
			return p, nil
		}
		folders = rest
	}
	return "", file.ErrNone
}

func program(path string) error {
	i, err := file.Stat(path)
	if err == nil && i.Kind == file.Folder {
		return file.ErrFolder
	}
	return err
}
