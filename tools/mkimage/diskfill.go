package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"syscall"
	"time"

	"exo/internal/hostdisk"
	"exo/internal/hostfs"
	"exo/kernel/fs"
	"exo/kernel/fs/disk"
	"exo/kernel/fs/errno"
	"exo/kernel/fs/fsck"
)

// progress shows, on a terminal's line, what is being copied and how much was.
type progress struct {
	files, bytes int
	last         time.Time
	shown        bool
}

// terminal says whether somebody is looking.
var terminal = func() bool {
	st, err := os.Stderr.Stat()
	return err == nil && st.Mode()&os.ModeCharDevice != 0
}()

func (p *progress) add(at string, n int) {
	p.bytes += n
	if !terminal {
		return
	}
	if now := time.Now(); now.Sub(p.last) > 200*time.Millisecond {
		p.last, p.shown = now, true
		fmt.Fprintf(os.Stderr, "\r\x1b[K%d files, %d MiB: %s", p.files, p.bytes>>20, at)
	}
}

func (p *progress) end() {
	if p.shown {
		fmt.Fprint(os.Stderr, "\r\x1b[K")
	}
	if p.files > 0 {
		note("%d files, %d bytes", p.files, p.bytes)
	}
}

// fill copies what is in a folder of the host into a directory.
func (v *volume) fill(dir *fs.Inode, folder, at string) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return fmt.Errorf("filling the disk: %w", err)
	}
	for _, x := range entries {
		if err := v.insert(dir, filepath.Join(folder, x.Name()), path.Join(at, x.Name())); err != nil {
			return err
		}
	}
	return nil
}

// insert copies a file, a folder or a symbolic link of the host into a directory. A file that is there is replaced; a folder is
// added to.
func (v *volume) insert(dir *fs.Inode, from, at string) error {
	st, err := os.Lstat(from)
	if err != nil {
		return fmt.Errorf("copying to the disk: %w", err)
	}
	name := []byte(path.Base(at))
	a := fs.Attr{Mode: uint16(st.Mode().Perm())}
	if sys, ok := st.Sys().(*syscall.Stat_t); ok {
		a.UID, a.GID = sys.Uid, sys.Gid
	}
	if !st.IsDir() {
		if e := v.fs.Unlink(v.t, dir, name); e != errno.OK && e != errno.NotFound {
			return v.failed("replacing", at, e)
		}
	}
	v.show.files++
	v.show.add(at, 0)
	var ip *fs.Inode
	var e errno.Errno
	switch {
	case st.IsDir():
		if ip, e = v.fs.Mkdir(v.t, dir, name, a); e == errno.Exists {
			ip, e = v.fs.Lookup(v.t, dir, name)
		}
		if e == errno.OK {
			err = v.fill(ip, from, at)
		}
	case st.Mode()&os.ModeSymlink != 0:
		text, err := os.Readlink(from)
		if err != nil {
			return fmt.Errorf("copying to the disk: %w", err)
		}
		ip, e = v.fs.Symlink(v.t, dir, name, a, []byte(text))
		if e != errno.OK {
			return v.failed("making", at, e)
		}
	case st.Mode().IsRegular():
		if ip, e = v.fs.Create(v.t, dir, name, a); e == errno.OK {
			err = v.copyIn(ip, from, at)
		}
	default:
		return fmt.Errorf("copying to the disk: %s is neither file, folder nor symbolic link", from)
	}
	if e != errno.OK {
		return v.failed("making", at, e)
	}
	defer v.fs.Put(v.t, ip)
	if err != nil {
		return err
	}
	when := st.ModTime().UnixNano()
	return v.failed("dating", at, v.fs.SetAttr(v.t, ip, fs.SetTimes, &fs.Stat{Atime: when, Mtime: when}))
}

// copyIn writes a host's file into one of the disk.
func (v *volume) copyIn(ip *fs.Inode, from, at string) error {
	f, err := os.Open(from)
	if err != nil {
		return fmt.Errorf("copying to the disk: %w", err)
	}
	defer f.Close()
	buf := make([]byte, 1<<17)
	for off := uint64(0); ; {
		n, err := io.ReadFull(f, buf)
		if n > 0 {
			done, e := v.fs.Write(v.t, ip, off, buf[:n])
			if e == errno.OK && done < n {
				e = errno.NoSpace
			}
			if e != errno.OK {
				return v.failed("writing", at, e)
			}
			off += uint64(n)
			v.show.add(at, n)
		}
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("copying to the disk: %w", err)
		}
	}
}

// findings prints what a check finds, and how far it is.
type findings struct {
	n    int
	last time.Time
	seen bool
}

func (f *findings) Found(x fsck.Finding) {
	f.n++
	f.clear()
	where := ""
	if x.Ino != 0 {
		where += fmt.Sprintf(" inode %d", x.Ino)
	}
	if x.Block != 0 {
		where += fmt.Sprintf(" block %d", x.Block)
	}
	fmt.Println(x.What + where)
}

func (f *findings) Progress(done, of uint64) {
	if now := time.Now(); terminal && now.Sub(f.last) > 200*time.Millisecond {
		f.last, f.seen = now, true
		fmt.Fprintf(os.Stderr, "\r\x1b[Kgroup %d of %d", done, of)
	}
}

func (f *findings) clear() {
	if f.seen {
		fmt.Fprint(os.Stderr, "\r\x1b[K")
		f.seen = false
	}
}

func diskFsck(args []string) error {
	flags := flag.NewFlagSet("mkimage disk fsck", flag.ContinueOnError)
	repair := flags.Bool("repair", false, "recover what the log has, and mend what is wrong")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() != 1 {
		return errors.New(diskUsage)
	}
	name := flags.Arg(0)
	if *repair { // mounting recovers; if it cannot, what is wrong comes first
		if v, err := openVolume(name, true); err == nil {
			if err := v.close(); err != nil {
				return err
			}
		}
	}
	d, err := hostdisk.OpenFile(name, *repair)
	if err != nil {
		return err
	}
	t := hostfs.NewTask()
	defer hostfs.Release(t)
	var found findings
	memory := hostfs.NewCheckMemory(min(int(d.Geometry().Blocks/disk.GroupBlocks)+1, 4096))
	check := fsck.Check
	if *repair {
		check = fsck.Repair
	}
	left, e := check(t, d, memory, &found)
	found.clear()
	if err := d.Close(); err != nil {
		return err
	}
	switch {
	case e == errno.Dirty:
		return fmt.Errorf("%s was not unmounted: fsck -repair recovers it", name)
	case e != errno.OK:
		return fmt.Errorf("checking %s: %w", name, e)
	case left > 0:
		return fmt.Errorf("%s: %d findings; fsck -repair mends them", name, left)
	case found.n > 0:
		note("%s: %d findings, all repaired", name, found.n)
	default:
		note("%s: nothing is wrong", name)
	}
	return nil
}
