package main

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"exo/internal/hostdisk"
	"exo/internal/hostfs"
	"exo/kernel/fs"
	"exo/kernel/fs/block"
	"exo/kernel/fs/disk"
	"exo/kernel/fs/errno"
)

const diskUsage = `usage: mkimage disk new   [-size 64M] [-room 4M] [-inodes N] [-label TEXT] DISK [FOLDER]   format, and fill from a folder
       mkimage disk ls    DISK [PATH]          what a directory holds
       mkimage disk cat   DISK PATH            a file's contents
       mkimage disk get   DISK PATH FOLDER     copy a file or a directory out of the disk
       mkimage disk put   DISK FILE… PATH      copy files or folders into a directory of the disk
       mkimage disk fsck  [-repair] DISK       check; status 1 if something is wrong and was not repaired`

func runDisk(args []string) error {
	verbs := map[string]func([]string) error{
		"new": diskNew, "ls": diskLs, "cat": diskCat, "get": diskGet, "put": diskPut, "fsck": diskFsck,
	}
	if len(args) == 0 || verbs[args[0]] == nil {
		return errors.New(diskUsage)
	}
	return verbs[args[0]](args[1:])
}

// volume is a mounted disk.
type volume struct {
	path string
	d    *hostdisk.File
	t    *fs.Task
	fs   *fs.FS
	show *progress
}

// openVolume mounts a disk. One that was not unmounted is recovered, if it may be written.
func openVolume(name string, write bool) (*volume, error) {
	d, err := hostdisk.OpenFile(name, write)
	if err != nil {
		return nil, err
	}
	v := &volume{name, d, hostfs.NewTask(), new(fs.FS), &progress{}}
	e := v.fs.Mount(v.t, d, hostfs.NewMemory(hostfs.Large(d.Geometry().Blocks)), hostfs.Wall{}, write)
	if e == errno.OK {
		return v, nil
	}
	hostfs.Release(v.t)
	hint := ""
	switch e {
	case errno.Dirty:
		hint = "; it was not unmounted: `mkimage disk fsck -repair` recovers it"
	case errno.Corrupt:
		hint = "; `mkimage disk fsck -repair` may mend it"
	case errno.NotExo:
		hint = "; `mkimage disk new` makes one"
	}
	return nil, errors.Join(fmt.Errorf("mounting %s: %w%s", name, e, hint), d.Close())
}

// close unmounts.
func (v *volume) close() error {
	v.show.end()
	e := v.fs.Unmount(v.t)
	hostfs.Release(v.t)
	err := v.d.Close()
	if e != errno.OK {
		err = errors.Join(fmt.Errorf("unmounting %s: %w", v.path, e), err)
	}
	return err
}

// using mounts, calls f, and unmounts.
func using(name string, write bool, f func(v *volume) error) error {
	v, err := openVolume(name, write)
	if err != nil {
		return err
	}
	return errors.Join(f(v), v.close())
}

// reading has f read what the second of so many arguments names on the disk of the first.
func reading(args []string, n int, f func(v *volume, ip *fs.Inode) error) error {
	if len(args) != n {
		return errors.New(diskUsage)
	}
	return using(args[0], false, func(v *volume) error {
		ip, err := v.walk(args[1])
		if err != nil {
			return err
		}
		defer v.fs.Put(v.t, ip)
		return f(v, ip)
	})
}

// failed says what went wrong with a path of the disk.
func (v *volume) failed(doing, p string, e errno.Errno) error {
	if e == errno.OK {
		return nil
	}
	return fmt.Errorf("%s %s of %s: %w", doing, p, v.path, e)
}

// walk finds a path. The inode is to be put.
func (v *volume) walk(p string) (*fs.Inode, error) {
	ip, e := v.fs.Root(v.t)
	for _, name := range strings.Split(p, "/") {
		if e != errno.OK {
			break
		}
		if name == "" || name == "." {
			continue
		}
		var next *fs.Inode
		next, e = v.fs.Lookup(v.t, ip, []byte(name))
		v.fs.Put(v.t, ip)
		ip = next
	}
	return ip, v.failed("finding", p, e)
}

// parseSize reads 64M, 2G, 512K, or bytes.
func parseSize(s string) (int64, error) {
	shift := 0
	for i, unit := range "KMGT" {
		if rest, ok := strings.CutSuffix(s, string(unit)); ok {
			s, shift = rest, 10*(i+1)
		}
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n <= 0 || n > 1<<62>>shift {
		return 0, fmt.Errorf("%q is no size: give a number, perhaps with K, M, G or T", s)
	}
	return n << shift, nil
}

func diskNew(args []string) error {
	flags := flag.NewFlagSet("mkimage disk new", flag.ContinueOnError)
	sizeText := flags.String("size", "64M", "the disk's `size`")
	roomText := flags.String("room", "", "how much of that is left at its end, as blocks of no file system, `size`")
	inodes := flags.Uint("inodes", 0, "inodes for each 96 MiB, a multiple of 16; 0: one for every 16 KiB")
	label := flags.String("label", "", "a `name` of up to 32 bytes")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() < 1 || flags.NArg() > 2 {
		return errors.New(diskUsage)
	}
	size, err := parseSize(*sizeText)
	if err != nil {
		return err
	}
	room := int64(0)
	if *roomText != "" {
		if room, err = parseSize(*roomText); err != nil {
			return err
		}
	}
	if room%block.Size != 0 || room >= size {
		return fmt.Errorf("a room of %s is none: give less than the size, in blocks of 4K", *roomText)
	}
	name := flags.Arg(0)
	f, err := os.OpenFile(name, os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o644)
	if err != nil {
		return fmt.Errorf("making the disk: %w", err)
	}
	if err := errors.Join(f.Truncate(size), f.Close()); err != nil {
		return fmt.Errorf("making the disk: %w", err)
	}
	o := fs.Options{Blocks: uint64(size-room) / block.Size, PerGroup: uint32(*inodes), Label: *label, NowNs: time.Now().UnixNano()}
	if err := binary.Read(rand.Reader, binary.LittleEndian, o.Key[:]); err != nil {
		return err
	}
	if err := formatDisk(name, &o); err != nil {
		return err
	}
	if flags.NArg() == 1 {
		return nil
	}
	return using(name, true, func(v *volume) error {
		root, err := v.walk("/")
		if err != nil {
			return err
		}
		defer v.fs.Put(v.t, root)
		return v.fill(root, flags.Arg(1), "")
	})
}

func formatDisk(name string, o *fs.Options) error {
	d, err := hostdisk.OpenFile(name, true)
	if err != nil {
		return err
	}
	t := hostfs.NewTask()
	defer hostfs.Release(t)
	if _, e := fs.Format(t, d, o, new(block.Page)); e != errno.OK {
		return errors.Join(fmt.Errorf("formatting %s: %w", name, e), d.Close())
	}
	return d.Close()
}

func diskLs(args []string) error {
	if len(args) < 1 || len(args) > 2 {
		return errors.New(diskUsage)
	}
	at := "/"
	if len(args) == 2 {
		at = args[1]
	}
	return using(args[0], false, func(v *volume) error {
		ip, err := v.walk(at)
		if err != nil {
			return err
		}
		defer v.fs.Put(v.t, ip)
		if ip.Type() != disk.TypeDir {
			return v.line(os.Stdout, ip, path.Base(at))
		}
		return v.list(ip, at, func(name string, child *fs.Inode) error { return v.line(os.Stdout, child, name) })
	})
}

// list calls f with every name of a directory.
func (v *volume) list(dir *fs.Inode, at string, f func(name string, child *fs.Inode) error) error {
	var from uint64
	entries := make([]fs.Entry, 64)
	for {
		n, e := v.fs.ReadDir(v.t, dir, from, entries)
		if e != errno.OK || n == 0 {
			return v.failed("listing", at, e)
		}
		for _, x := range entries[:n] {
			from = x.Next
			name := string(x.Name[:x.Len])
			child, e := v.fs.Lookup(v.t, dir, x.Name[:x.Len])
			if e != errno.OK {
				return v.failed("finding", path.Join(at, name), e)
			}
			err := f(name, child)
			v.fs.Put(v.t, child)
			if err != nil {
				return err
			}
		}
	}
}

// line prints what ls -l would.
func (v *volume) line(w io.Writer, ip *fs.Inode, name string) error {
	var st fs.Stat
	v.fs.Stat(v.t, ip, &st)
	mode := os.FileMode(st.Mode & 0o777)
	switch ip.Type() {
	case disk.TypeDir:
		mode |= os.ModeDir
	case disk.TypeLink:
		mode |= os.ModeSymlink
		text := make([]byte, disk.MaxLink)
		if n, e := v.fs.ReadLink(v.t, ip, text); e == errno.OK {
			name += " -> " + string(text[:n])
		}
	}
	_, err := fmt.Fprintf(w, "%s %3d %10d %s %s\n", mode, st.Links, st.Size,
		time.Unix(0, st.Mtime).UTC().Format("2006-01-02 15:04"), name)
	return err
}

func diskCat(args []string) error {
	return reading(args, 2, func(v *volume, ip *fs.Inode) error { return v.copyOut(os.Stdout, ip, args[1]) })
}

// copyOut writes a file's contents.
func (v *volume) copyOut(w io.Writer, ip *fs.Inode, at string) error {
	buf := make([]byte, 1<<17)
	for off := uint64(0); ; {
		n, e := v.fs.Read(v.t, ip, off, buf)
		if e != errno.OK || n == 0 {
			return v.failed("reading", at, e)
		}
		if _, err := w.Write(buf[:n]); err != nil {
			return err
		}
		off += uint64(n)
		v.show.add(at, n)
	}
}

func diskGet(args []string) error {
	return reading(args, 3, func(v *volume, ip *fs.Inode) error {
		to := args[2]
		if base := path.Base("/" + args[1]); base != "/" {
			to = filepath.Join(to, base)
		}
		return v.extract(ip, args[1], to)
	})
}

// extract copies what is at a path of the disk to the host.
func (v *volume) extract(ip *fs.Inode, at, to string) error {
	var st fs.Stat
	v.fs.Stat(v.t, ip, &st)
	switch ip.Type() {
	case disk.TypeDir:
		if err := os.MkdirAll(to, 0o755); err != nil {
			return err
		}
		return v.list(ip, at, func(name string, child *fs.Inode) error {
			if !filepath.IsLocal(name) { // a disk that is corrupt
				return fmt.Errorf("%s of %s: a name that leads out of the folder", path.Join(at, name), v.path)
			}
			return v.extract(child, path.Join(at, name), filepath.Join(to, name))
		})
	case disk.TypeLink:
		text := make([]byte, disk.MaxLink)
		n, e := v.fs.ReadLink(v.t, ip, text)
		if e != errno.OK {
			return v.failed("reading", at, e)
		}
		return os.Symlink(string(text[:n]), to)
	}
	f, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, os.FileMode(st.Mode&0o777))
	if err != nil {
		return err
	}
	return errors.Join(v.copyOut(f, ip, at), f.Close())
}

func diskPut(args []string) error {
	if len(args) < 3 {
		return errors.New(diskUsage)
	}
	last := len(args) - 1
	return using(args[0], true, func(v *volume) error {
		dir, err := v.walk(args[last])
		if err != nil {
			return err
		}
		defer v.fs.Put(v.t, dir)
		for _, from := range args[1:last] {
			if err := v.insert(dir, from, path.Join(args[last], filepath.Base(from))); err != nil {
				return err
			}
		}
		return nil
	})
}
