//go:build exouser

package main

import (
	"strings"

	"exo/libos/file"
	"exo/user/sh/parse"
)

// find has flags behind folders.
func find(c *call) int {
	var from []string
	name, kind, args := "", byte(0), c.args
	for ; len(args) > 0; args = args[1:] {
		switch {
		case args[0] == "-name" && len(args) > 1:
			name = args[1]
		case args[0] == "-type" && len(args) > 1 && len(args[1]) == 1 && strings.Contains("dfl", args[1]):
			kind = args[1][0]
		case args[0] != "" && args[0][0] != '-':
			from = append(from, args[0])
			continue
		default:
			return c.usage("what is " + args[0] + " here")
		}
		args = args[1:]
	}
	if from == nil {
		from = []string{"."}
	}
	status := 0
	for _, path := range from {
		status = max(status, c.walk(path, func(path string, i file.Info) {
			last := path[strings.LastIndexByte(path, '/')+1:]
			is := map[file.Kind]byte{file.Folder: 'd', file.Regular: 'f', file.Link: 'l'}[i.Kind]
			if (name == "" || parse.Match(name, last)) && (kind == 0 || kind == is) {
				say(path)
			}
		}))
		stop(flush())
	}
	return status
}

// walk calls do with a file, and all below it, folders before what is in them. Links are not followed.
func (c *call) walk(path string, do func(path string, i file.Info)) int {
	i, err := file.Lstat(path)
	if err != nil {
		return c.fail(path, err)
	}
	do(path, i)
	if i.Kind != file.Folder {
		return 0
	}
	all, err := file.ReadDir(path)
	if err != nil {
		return c.fail(path, err)
	}
	status := 0
	for _, i := range all {
		status = max(status, c.walk(below(path, i.Name), do))
	}
	return status
}

// du counts what folders need: below /disk the blocks, elsewhere the bytes.
func du(c *call) int {
	if len(c.args) == 0 {
		c.args = []string{"."}
	}
	return c.each(func(name string) error {
		if _, err := file.Lstat(name); err != nil {
			return err
		}
		c.usedBy(name, true)
		return nil
	})
}

// usedBy is how many KiB something needs, with what is in it; folders are shown, by -s only the first.
func (c *call) usedBy(path string, first bool) (kib uint64) {
	i, err := file.Lstat(path)
	if err != nil {
		c.fail(path, err)
		return 0
	}
	if kib = (i.Size + 1023) / 1024; i.ID != 0 {
		kib = 4 * i.Blocks
	}
	if i.Kind == file.Folder {
		all, err := file.ReadDir(path)
		if err != nil {
			c.fail(path, err)
		}
		for _, i := range all {
			kib += c.usedBy(below(path, i.Name), false)
		}
	}
	if first || i.Kind == file.Folder && !c.flags['s'] {
		say(left(number(kib), 7) + " " + path)
	}
	return kib
}

func df(*call) int {
	say("PLACE       KiB    USED    FREE    %   FILES    FREE")
	for _, s := range file.Spaces() {
		used := s.Bytes - s.Free
		say(left(s.Place, 7) + right(number(s.Bytes/1024), 8) + right(number(used/1024), 8) + right(number(s.Free/1024), 8) +
			right(number(used*100/max(s.Bytes, 1)), 5) + right(number(s.MaxFiles), 8) + right(number(s.MoreFree), 8))
	}
	return 0
}

func stat(c *call) int {
	return c.each(func(name string) error {
		i, err := file.Lstat(name)
		if err != nil {
			return err
		}
		kind := map[file.Kind]string{file.Regular: "file", file.Folder: "folder", file.Link: "link", file.Null: "device"}[i.Kind]
		line := name + ": " + kind + ", " + number(i.Size) + " bytes"
		if i.Kind == file.Link {
			text, _ := file.ReadLink(name)
			line += ", to " + text
		}
		if i.Fixed {
			line += ", read-only"
		}
		if i.ID != 0 {
			line += ", " + number(4*i.Blocks) + " KiB, " + number(i.Links) + " names, inode " + number(i.ID&0xffffffff) +
				", written " + date(i.Modified)
		}
		say(line)
		return nil
	})
}

// date is a time as a calendar has it, in UTC.
func date(ns int64) string {
	s := ns / 1e9
	days, s := s/86400, s%86400
	// Of eras of 400 years that begin with March (Hinnant, chrono-compatible low-level date algorithms).
	z := days + 719468
	era := z / 146097
	doe := z - era*146097
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	d, m, y := doy-(153*mp+2)/5+1, mp+3, yoe+era*400
	if m > 12 {
		m, y = m-12, y+1
	}
	return number(y) + "-" + two(m) + "-" + two(d) + " " + two(s/3600) + ":" + two(s/60%60) + ":" + two(s%60)
}

func two(n int64) string {
	if n < 10 {
		return "0" + number(n)
	}
	return number(n)
}
