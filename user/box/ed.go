//go:build exouser

package main

import (
	"strings"

	"exo/libos/file"
	"exo/libos/proc"
	"exo/user/box/edit"
)

// ed gives lines to the editor of package edit, which asks disk for files.
func ed(c *call) int {
	if len(c.args) > 1 {
		return c.usage("one file at a time")
	}
	typed := file.In.IsTerminal()
	e := edit.Editor{Files: safely{}, Out: say}
	if len(c.args) == 1 {
		switch err := e.Load(c.args[0]); err {
		case nil:
		case error(file.ErrNone):
			say(c.args[0] + ": a new file")
		default:
			return c.fail(c.args[0], err)
		}
	}
	prompt := func() {
		if typed && !e.Entering() {
			stdout.WriteString("* ")
		}
		stop(flush())
	}
	prompt()
	left := false
	err := lines(file.In, func(line []byte) bool {
		more := e.Line(string(line))
		if left = !more; more {
			prompt()
		}
		return more
	})
	switch {
	case left && (typed || !e.Refused):
		return 0
	case left:
	case e.Changed:
		complain("ed: the end, and " + e.Name + " is not written")
	case !e.Refused:
		return 0
	case err != nil:
	}
	return 1
}

// safely writes files so that nothing is lost: first another, which is synced, and then takes the old one's place.
type safely struct{}

func (safely) Read(name string) ([]byte, error) { return file.ReadFile(name) }

func (safely) Write(name string, data []byte) error {
	if i, err := file.Stat(name); err == nil {
		switch {
		case i.Fixed:
			return file.ErrFixed
		case i.Kind == file.Folder:
			return file.ErrFolder
		}
	}
	path := "/" + file.Resolve(name)
	part := path + ".ed" + number(int64(proc.Self()))
	fd, err := file.Open(part, file.Write|file.Create|file.Exclusive)
	if err != nil {
		return err
	}
	_, err = fd.Write(data)
	if err == nil {
		err = fd.Sync()
	}
	fd.Close()
	if err == nil {
		err = file.Rename(part, path)
	}
	if err != nil {
		file.Remove(part)
		return err
	}
	if strings.HasPrefix(path, "/disk/") {
		return file.Sync() // the name, too
	}
	return nil
}
