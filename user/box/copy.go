//go:build exouser

package main

import (
	"io"
	"strings"

	"exo/libos/file"
	"exo/libos/proc"
)

// cp and mv.

// block is what is copied at a time. It is there once, for nothing gives memory back.
var block [32 << 10]byte

// isFolder says whether a path leads to a folder.
func isFolder(name string) bool {
	i, err := file.Stat(name)
	return err == nil && i.Kind == file.Folder
}

// into is a path for a file that is put somewhere: in a folder it keeps its name.
func into(from, to string) string {
	if !isFolder(to) {
		return to
	}
	from = strings.TrimRight(from, "/")
	return below(to, from[strings.LastIndexByte(from, '/')+1:])
}

// pairs calls do with each thing that is named, and where it is to go.
func (c *call) pairs(do func(from, to string) int) int {
	n := len(c.args) - 1
	if n < 1 {
		return c.usage("from where, to where?")
	}
	to, status := c.args[n], 0
	if n > 1 && !isFolder(to) {
		return c.fail(to, errNoOther)
	}
	for _, from := range c.args[:n] {
		target := into(from, to)
		if last := from[strings.LastIndexByte(from, '/')+1:]; last == "." || last == ".." { // that is no name to keep
			target = to
		}
		status = max(status, do(from, target))
	}
	return status
}

func cp(c *call) int {
	return c.pairs(func(from, to string) int {
		if within(from, to) {
			return c.fail(to, errInside)
		}
		return c.copy(from, to, c.flags['r'])
	})
}

// within says whether a path is below another, that of a folder, or is it.
func within(folder, path string) bool {
	if i, err := file.Lstat(folder); err != nil || i.Kind != file.Folder {
		return false
	}
	above := path[:strings.LastIndexByte(path, '/')+1]
	name := path[len(above):]
	if above == "" {
		above = "."
	}
	path = below(file.Resolve(above), name)
	return strings.HasPrefix("/"+path+"/", strings.TrimSuffix("/"+file.Resolve(folder), "/")+"/")
}

// copy copies a file, by deep also a folder, and links as links.
func (c *call) copy(from, to string, deep bool) int {
	look := file.Stat
	if deep {
		look = file.Lstat
	}
	i, err := look(from)
	switch {
	case err != nil:
		return c.fail(from, err)
	case i.Kind == file.Folder && !deep:
		return c.fail(from, file.ErrFolder)
	case i.Kind == file.Folder:
		return c.copyFolder(from, to)
	case i.Kind == file.Link:
		text, err := file.ReadLink(from)
		if err == nil {
			err = file.Symlink(text, to)
		}
		if err != nil {
			return c.fail(to, err)
		}
		return 0
	}
	return c.copyFile(from, to, to, false)
}

func (c *call) copyFolder(from, to string) int {
	if err := file.Mkdir(to); err != nil && !isFolder(to) {
		return c.fail(to, err)
	}
	all, err := file.ReadDir(from)
	if err != nil {
		return c.fail(from, err)
	}
	status := 0
	for _, i := range all {
		status = max(status, c.copy(below(from, i.Name), below(to, i.Name), true))
	}
	return status
}

// copyFile copies what is in a file, to one that is called so in complaints; by last, when it returns that outlasts a loss of power.
func (c *call) copyFile(from, to, called string, last bool) int {
	in, err := file.Open(from, file.Read)
	if err != nil {
		return c.fail(from, err)
	}
	defer in.Close()
	out, err := file.Open(to, file.Write|file.Create)
	if err != nil {
		return c.fail(called, err)
	}
	defer out.Close()
	if file.Same(in, out) {
		return c.fail(called, errSame)
	}
	if err := out.Empty(); err != nil {
		return c.fail(called, err)
	}
	for {
		n, err := in.Read(block[:])
		if n > 0 {
			if _, err := out.Write(block[:n]); err != nil {
				return c.fail(called, err)
			}
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return c.fail(from, err)
		}
	}
	if last {
		if err := out.Sync(); err != nil {
			return c.fail(called, err)
		}
	}
	return 0
}

func mv(c *call) int {
	return c.pairs(func(from, to string) int {
		i, err := file.Lstat(from)
		if err != nil {
			return c.fail(from, err)
		}
		if i.Kind == file.Folder {
			if err := c.outside(from); err != nil {
				return c.fail(from, err)
			}
			if within(from, to) {
				return c.fail(to, errInside)
			}
		}
		err = file.Rename(from, to)
		if err != error(file.ErrKind) && (err != error(file.ErrFolder) || i.Kind != file.Folder || isFolder(to)) {
			if err != nil {
				return c.fail(from, err)
			}
			return 0
		}
		return c.carry(from, to, i)
	})
}

// carry moves what has to be copied: files get their name when they are whole, and what was there before stays until then.
func (c *call) carry(from, to string, i file.Info) int {
	if i.Fixed {
		return c.fail(from, file.ErrFixed)
	}
	if i.Kind == file.Folder || i.Kind == file.Link {
		if _, err := file.Lstat(to); err == nil {
			return c.fail(to, file.ErrExists)
		}
		c.flags['r'] = true
		status := c.copy(from, to, true)
		gone := from
		if status != 0 {
			gone = to
		} else {
			file.Sync()
		}
		if err := c.remove(gone); err != nil && status == 0 {
			return c.fail(gone, err)
		}
		return status
	}
	part := to + ".mv" + number(int64(proc.Self()))
	status := c.copyFile(from, part, to, true)
	if status == 0 {
		if err := file.Rename(part, to); err != nil {
			status = c.fail(to, err)
		}
	}
	if status != 0 {
		file.Remove(part)
		return status
	}
	if err := file.Remove(from); err != nil {
		return c.fail(from, err)
	}
	return 0
}
