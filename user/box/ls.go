//go:build exouser

package main

import "exo/libos/file"

func ls(c *call) int {
	names, status := c.args, 0
	if len(names) == 0 {
		names = []string{"."}
	}
	for _, name := range names {
		i, err := file.Stat(name)
		if err != nil {
			i, err = file.Lstat(name) // a link that leads nowhere
		}
		if err != nil {
			status = c.fail(name, err)
			continue
		}
		all, folder := []file.Info{i}, name
		if c.flags['l'] {
			if link, e := file.Lstat(name); e == nil && link.Kind == file.Link {
				i = link
				all[0] = i
			}
		}
		if i.Kind != file.Folder {
			all[0].Name, folder = name, ""
		} else if all, err = file.ReadDir(name); err != nil {
			status = c.fail(name, err)
			continue
		}
		if len(names) > 1 && i.Kind == file.Folder {
			say(name + ":")
		}
		for _, i := range all {
			if c.flags['a'] || i.Name[0] != '.' {
				c.show(folder, i)
			}
		}
	}
	return status
}

func (c *call) show(folder string, i file.Info) {
	mark := map[file.Kind]string{file.Folder: "/", file.Link: "@"}[i.Kind]
	if mark == "" && i.Runs {
		mark = "*"
	}
	if c.flags['l'] {
		mode := map[file.Kind]string{file.Folder: "d", file.Link: "l", file.Console: "c", file.Null: "c"}[i.Kind]
		if mode == "" {
			mode = "-"
		}
		mode += "r"
		for _, is := range [...]struct {
			so   bool
			mark string
		}{{!i.Fixed, "w"}, {i.Runs, "x"}} {
			if is.so {
				mode += is.mark
			} else {
				mode += "-"
			}
		}
		stdout.WriteString(mode + right(number(i.Size), 10) + "  ")
	}
	if i.Kind == file.Link && c.flags['l'] {
		if text, err := file.ReadLink(below(folder, i.Name)); err == nil {
			mark += " -> " + text
		}
	}
	say(i.Name + mark)
}
