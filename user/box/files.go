//go:build exouser

package main

import (
	"strings"

	"exo/libos/file"
)

// each does something to each file that was named.
func (c *call) each(do func(name string) error) int {
	if len(c.args) == 0 {
		return c.usage("which?")
	}
	status := 0
	for _, name := range c.args {
		if err := do(name); err != nil {
			status = c.fail(name, err)
		}
	}
	return status
}

func syncFiles(c *call) int {
	if err := file.Sync(); err != nil {
		return c.fail("/disk", err)
	}
	return 0
}

// rm removes links themselves, not what they lead to.
func rm(c *call) int {
	if len(c.args) == 0 && c.flags['f'] {
		return 0
	}
	return c.each(func(name string) error {
		if c.flags['r'] {
			if err := c.outside(name); err != nil {
				return err
			}
		}
		err := c.remove(name)
		if err == error(file.ErrNone) && c.flags['f'] {
			return nil
		}
		return err
	})
}

const (
	errHere    = plain("is where you are")
	errTop     = plain("is not to be removed")
	errPart    = plain("not all of it could be removed")
	errInside  = plain("cannot be within itself")
	errSame    = plain("is the same file")
	errNoOther = plain("is no folder to put several things into")
)

type plain string

func (e plain) Error() string { return string(e) }

// outside refuses the root, the mount point, and the folders that the program is in.
func (c *call) outside(name string) error {
	switch p := file.Resolve(name); {
	case p == "" || p == "disk":
		return errTop
	case strings.HasPrefix(file.Dir()+"/", "/"+p+"/"):
		return errHere
	}
	return nil
}

// remove removes a file, or an empty folder; by -r all that is in one, of which what could not be is complained about.
func (c *call) remove(name string) error {
	i, err := file.Lstat(name)
	if err != nil || i.Kind != file.Folder || !c.flags['r'] {
		if err == nil {
			err = file.Remove(name)
		}
		return err
	}
	all, err := file.ReadDir(name)
	if err != nil {
		return err
	}
	for _, i := range all {
		path := below(name, i.Name)
		switch e := c.remove(path); {
		case e == error(errPart):
			err = e
		case e != nil:
			c.fail(path, e)
			err = errPart
		}
	}
	if err == nil {
		err = file.Remove(name)
	}
	return err
}

// below is the path of what is in a folder.
func below(folder, name string) string {
	if folder == "" {
		return name
	}
	if strings.HasSuffix(folder, "/") {
		return folder + name
	}
	return folder + "/" + name
}

func mkdir(c *call) int {
	return c.each(func(name string) error {
		if !c.flags['p'] {
			return file.Mkdir(name)
		}
		for at := 1; at <= len(name); at++ {
			if at < len(name) && name[at] != '/' {
				continue
			}
			err := file.Mkdir(name[:at])
			if i, e := file.Stat(name[:at]); e == nil && i.Kind == file.Folder {
				err = nil // it is there, whoever made it
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func rmdir(c *call) int {
	return c.each(func(name string) error {
		i, err := file.Lstat(name)
		if err == nil && i.Kind != file.Folder {
			err = file.ErrNoFolder
		}
		if err == nil {
			err = c.outside(name)
		}
		if err == nil {
			err = file.Remove(name)
		}
		return err
	})
}

func touch(c *call) int {
	return c.each(func(name string) error {
		if i, err := file.Stat(name); err == nil && i.Kind == file.Folder {
			return nil
		}
		fd, err := file.Open(name, file.Write|file.Create)
		if err == nil {
			fd.Close()
		}
		return err
	})
}

func ln(c *call) int {
	if len(c.args) != 2 {
		return c.usage("to what, by which name?")
	}
	to, name := c.args[0], into(c.args[0], c.args[1])
	make := file.Hardlink
	if c.flags['s'] {
		make = file.Symlink
	}
	if err := make(to, name); err != nil {
		return c.fail(name, err)
	}
	return 0
}
