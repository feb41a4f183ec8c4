package main

import (
	"bytes"
	"errors"
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
	if flags.NArg() == 0 {
		return errors.New("initramfs takes one folder or more")
	}
	archive, err := packFolder(flags.Args()...)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(*out), 0o755); err != nil {
		return fmt.Errorf("making the build folder: %w", err)
	}
	return writeFile(*out, archive)
}

// packFolder makes a newc archive of what is in one folder, or several: names in order, owners and times zeroed, so that the
// bytes depend on names, modes and contents alone. Anything but files, folders and symbolic links is refused.
func packFolder(folders ...string) ([]byte, error) {
	var records []cpio.Record
	for _, folder := range folders {
		r, err := folderRecords(folder)
		if err != nil {
			return nil, fmt.Errorf("packing the initramfs: %w", err)
		}
		records = append(records, r...)
	}
	sort.SliceStable(records, func(i, j int) bool { return records[i].Name < records[j].Name })
	n := 0
	for i, r := range records {
		if n == 0 || r.Name != records[n-1].Name {
			records[n] = r
			n++
		} else if isFolder := func(r cpio.Record) bool { return r.Mode&cpio.S_IFMT == cpio.S_IFDIR }; !isFolder(r) || !isFolder(records[n-1]) {
			return nil, fmt.Errorf("packing the initramfs: %s is in two of the folders %q", records[i].Name, folders)
		}
	}
	records = records[:n]
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

// folderRecords are those of what is in one folder.
func folderRecords(folder string) (records []cpio.Record, err error) {
	folder, err = filepath.EvalSymlinks(folder) // WalkDir would not follow a link
	if err != nil {
		return nil, err
	}
	if st, err := os.Stat(folder); err != nil {
		return nil, err
	} else if !st.IsDir() {
		return nil, fmt.Errorf("%s is not a folder", folder)
	}
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
	return records, err
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
