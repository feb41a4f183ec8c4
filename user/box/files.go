//go:build exouser

package main

import "exo/libos/file"

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

func rm(c *call) int { return c.each(file.Remove) }

func mkdir(c *call) int { return c.each(file.Mkdir) }

func touch(c *call) int {
	return c.each(func(name string) error {
		fd, err := file.Open(name, file.Write|file.Create)
		if err == nil {
			fd.Close()
		}
		return err
	})
}

// into is a path for a file that is put somewhere: in a folder it keeps its name.
func into(from, to string) string {
	if i, err := file.Stat(to); err == nil && i.Kind == file.Folder {
		if f, err := file.Stat(from); err == nil {
			return to + "/" + f.Name
		}
	}
	return to
}

func mv(c *call) int {
	if len(c.args) != 2 {
		return c.usage("from where, to where?")
	}
	if err := file.Rename(c.args[0], into(c.args[0], c.args[1])); err != nil {
		return c.fail(c.args[0], err)
	}
	return 0
}

func cp(c *call) int {
	if len(c.args) != 2 {
		return c.usage("from where, to where?")
	}
	from, err := file.Open(c.args[0], file.Read)
	if err != nil {
		return c.fail(c.args[0], err)
	}
	to, err := file.Open(into(c.args[0], c.args[1]), file.Write|file.Create|file.Truncate)
	if err != nil {
		return c.fail(c.args[1], err)
	}
	var b [4096]byte
	for {
		n, err := from.Read(b[:])
		if n > 0 {
			if _, err := to.Write(b[:n]); err != nil {
				return c.fail(c.args[1], err)
			}
		}
		if err != nil {
			return 0
		}
	}
}
