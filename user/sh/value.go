//go:build exouser

package main

import (
	"slices"
	"strings"

	"exo/libos/file"
	"exo/libos/heap"
	"exo/libos/proc"
	"exo/user/sh/parse"
)

// Variables, all of which programs get as settings; and names of files that patterns stand for.

// A value is written over the one before if there is room: then nothing new is kept.
type variable struct {
	name  string
	value []byte
}

var variables []variable // by name

func find(name string) (int, bool) {
	return slices.BinarySearchFunc(variables, name, func(v variable, n string) int { return strings.Compare(v.name, n) })
}

func set(name, value string) {
	i, ok := find(name)
	if !ok {
		heap.Keep()
		variables = slices.Insert(variables, i, variable{name: strings.Clone(name)})
	}
	v := &variables[i]
	if len(value) > cap(v.value) {
		heap.Keep()
		v.value = make([]byte, 0, len(value)+64)
	}
	v.value = append(v.value[:0], value...)
}

func unset(name string) {
	if i, ok := find(name); ok {
		variables = slices.Delete(variables, i, i+1)
	}
}

// value is what $name stands for.
func value(name string) string {
	switch name {
	case "?":
		return number(status)
	case "$":
		return number(int(proc.Self()))
	case "!":
		return number(int(last))
	case "#":
		return number(len(args) - 1)
	}
	if name[0] >= '0' && name[0] <= '9' {
		if n := int(name[0] - '0'); n < len(args) {
			return args[n]
		}
		return ""
	}
	if i, ok := find(name); ok {
		return string(variables[i].value)
	}
	return ""
}

// settings are the variables for a program, with those of its command.
func settings(own []parse.Assign) []string {
	all := make([]string, 0, len(variables)+len(own))
	for _, v := range variables {
		if !slices.ContainsFunc(own, func(a parse.Assign) bool { return a.Name == v.name }) {
			all = append(all, v.name+"="+string(v.value))
		}
	}
	for _, a := range own {
		all = append(all, a.Name+"="+parse.Text(a.Value, value))
	}
	return all
}

// fields are what words become.
func fields(words []parse.Word) (all []string) {
	for _, w := range words {
		for _, f := range parse.Expand(w, value) {
			var names []string
			if f.Pattern != "" {
				names = glob(f.Pattern)
			}
			if names == nil {
				names = []string{f.Text}
			}
			all = append(all, names...)
		}
	}
	return all
}

// glob are the files that a pattern stands for, nil: there is none.
func glob(pattern string) []string {
	folders := []string{""}
	if strings.HasPrefix(pattern, "/") {
		folders = []string{"/"}
	}
	for _, part := range strings.Split(strings.Trim(pattern, "/"), "/") {
		var found []string
		for _, folder := range folders {
			all, err := file.ReadDir(folder + ".")
			if err != nil {
				continue
			}
			for _, i := range all {
				if parse.Match(part, i.Name) && (i.Name[0] != '.' || part[0] == '.') {
					found = append(found, folder+i.Name+"/")
				}
			}
		}
		folders = found
	}
	for i, f := range folders {
		folders[i] = strings.TrimSuffix(f, "/")
	}
	return folders
}

// complete is the editor's: names of commands for the first word, of files for others.
func complete(text string) (from int, words []string) {
	from = strings.LastIndexAny(text, " |;&<>(") + 1
	word := text[from:]
	before := strings.TrimRight(text[:from], " ")
	if (before == "" || strings.IndexByte("|;&(", before[len(before)-1]) >= 0) && strings.IndexByte(word, '/') < 0 {
		for _, b := range builtins {
			words = append(words, b.name)
		}
		for _, folder := range strings.Split(value("PATH"), ":") {
			all, _ := file.ReadDir(folder)
			for _, i := range all {
				words = append(words, i.Name)
			}
		}
		words = slices.DeleteFunc(words, func(w string) bool { return !strings.HasPrefix(w, word) })
	} else {
		folder := word[:strings.LastIndexByte(word, '/')+1]
		all, _ := file.ReadDir(folder + ".")
		for _, i := range all {
			name := folder + i.Name
			if i.Kind == file.Folder {
				name += "/"
			}
			if strings.HasPrefix(name, word) {
				words = append(words, name)
			}
		}
	}
	slices.Sort(words)
	return from, slices.Compact(words)
}
