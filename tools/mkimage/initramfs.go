package main

import (
	"bytes"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"

	"exo/kernel/initramfs"

	"github.com/u-root/u-root/pkg/cpio"
)

func runInitramfs(args []string) error {
	flags := flag.NewFlagSet("mkimage initramfs", flag.ContinueOnError)
	out := flags.String("o", "build/initramfs.cpio", "the archive `file` to write")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() != 1 {
		return fmt.Errorf("initramfs takes one folder, got %q", flags.Args())
	}
	archive, err := packFolder(flags.Arg(0))
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(*out), 0o755); err != nil {
		return fmt.Errorf("making the build folder: %w", err)
	}
	return writeFile(*out, archive)
}

// packFolder makes a newc archive of a folder: names in order, owners and times zeroed, so that the bytes depend on
// names, modes and contents alone. Anything but files, folders and symbolic links is refused.
func packFolder(folder string) ([]byte, error) {
	folder, err := filepath.EvalSymlinks(folder) // WalkDir would not follow a link
	if err != nil {
		return nil, fmt.Errorf("packing the initramfs: %w", err)
	}
	if st, err := os.Stat(folder); err != nil {
		return nil, fmt.Errorf("packing the initramfs: %w", err)
	} else if !st.IsDir() {
		return nil, fmt.Errorf("packing the initramfs: %s is not a folder", folder)
	}
	var records []cpio.Record
	err = filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == folder {
			return err
		}
		name, err := filepath.Rel(folder, path)
		if err != nil {
			return err
		}
		r, err := record(path, filepath.ToSlash(name), d)
		if err != nil {
			return err
		}
		records = append(records, r)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("packing the initramfs: %w", err)
	}
	sort.Slice(records, func(i, j int) bool { return records[i].Name < records[j].Name })
	for i := range records {
		records[i].Ino = uint64(i + 1)
	}
	var buf bytes.Buffer
	w := cpio.Newc.Writer(&buf)
	if err := cpio.WriteRecords(w, records); err != nil {
		return nil, fmt.Errorf("packing the initramfs: %w", err)
	}
	if err := cpio.WriteTrailer(w); err != nil {
		return nil, fmt.Errorf("packing the initramfs: %w", err)
	}
	if _, err := initramfs.Open(buf.Bytes()); err != nil { // a file called TRAILER!!!, say
		return nil, fmt.Errorf("packing the initramfs: the kernel could not read this folder's archive: %w", err)
	}
	return buf.Bytes(), nil
}

func record(path, name string, d fs.DirEntry) (cpio.Record, error) {
	st, err := d.Info()
	if err != nil {
		return cpio.Record{}, err
	}
	perm := uint64(0o644)
	if st.Mode()&0o111 != 0 {
		perm = 0o755
	}
	switch {
	case d.IsDir():
		return cpio.Directory(name, 0o755), nil
	case d.Type()&fs.ModeSymlink != 0:
		to, err := os.Readlink(path)
		return cpio.Symlink(name, to), err
	case d.Type().IsRegular():
		data, err := os.ReadFile(path)
		return cpio.StaticFile(name, string(data), perm), err
	}
	return cpio.Record{}, fmt.Errorf("%s is neither a file, a folder nor a symbolic link", path)
}
