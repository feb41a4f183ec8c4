package hostdisk

import (
	"errors"
	"fmt"
	"io"
	"os"

	"exo/kernel/fs/block"
	"exo/kernel/fs/errno"
	"exo/kernel/sync"
)

// fileDepth is how many requests a File performs at once.
const fileDepth = 16

// File is a disk in a host's file. Requests are performed by goroutines, so they are completed in any order.
type File struct {
	f     *os.File
	g     block.Geometry
	slots chan struct{}
}

// OpenFile makes a disk of a file, of as many whole blocks as it has.
func OpenFile(path string, writable bool) (*File, error) {
	flags := os.O_RDONLY
	if writable {
		flags = os.O_RDWR
	}
	f, err := os.OpenFile(path, flags, 0)
	if err != nil {
		return nil, fmt.Errorf("opening the disk: %w", err)
	}
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("sizing the disk: %w", err), f.Close())
	}
	return &File{f, block.Geometry{Blocks: uint64(size) / block.Size, MaxPages: 256, Depth: fileDepth, ReadOnly: !writable},
		make(chan struct{}, fileDepth)}, nil
}

// Close waits for requests in flight and closes the file.
func (d *File) Close() error {
	for range fileDepth {
		d.slots <- struct{}{}
	}
	return d.f.Close()
}

// Geometry is the disk's.
func (d *File) Geometry() block.Geometry { return d.g }

// Submit begins a request, when fewer than fileDepth are under way.
func (d *File) Submit(_ *sync.Context, r *block.Request) {
	d.slots <- struct{}{}
	go func() {
		result := errno.OK
		if d.perform(r) != nil {
			result = errno.IO
		}
		<-d.slots
		r.Complete(result)
	}()
}

func (d *File) perform(r *block.Request) error {
	if r.Op == block.Flush {
		return d.f.Sync()
	}
	for i, p := range r.Pages {
		at := int64(r.Block+uint64(i)) * block.Size
		var err error
		if r.Op == block.Read {
			_, err = d.f.ReadAt(p[:], at)
		} else {
			_, err = d.f.WriteAt(p[:], at)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
