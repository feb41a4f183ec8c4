//go:build exouser

package file

import (
	"exo/kernel/abi"
	"exo/libos/disk"
	"exo/libos/rpc"
	"exo/libos/startpage"
	"exo/libos/sys"
)

// store is where files are kept that can be written. Paths are clean.
type store interface {
	Lookup(path string) (disk.Ref, disk.Info, error)
	Stat(r disk.Ref) (disk.Info, error)
	Create(path string, folder bool) (disk.Ref, error)
	Read(r disk.Ref, offset uint64, p []byte) (n int, err error)
	Write(r disk.Ref, offset uint64, end bool, p []byte) (n int, at uint64, err error)
	Truncate(r disk.Ref) error
	Remove(path string) error
	Rename(from, to string) error
	List(folder string, yield func(disk.Info) bool)
	Space() (disk.Space, error)
}

// remote is a server's.
type remote struct{ client rpc.Client }

var theRemote remote

// theDisk is the store, if there is one.
func theDisk() (store, error) {
	d := &theRemote
	if d.client.Endpoint == 0 {
		d.client.Endpoint = sys.StartCap(startpage.RoleDisk, 0)
	}
	if d.client.Endpoint == 0 {
		return nil, ErrFixed
	}
	return d, nil
}

// most is how much goes with one call, beside what else does.
const most = rpc.BufferBytes - 128

func putRef(w *rpc.Writer, r disk.Ref) { w.Uint(uint64(r.Life)<<32 | uint64(r.Index)) }

func getRef(r *rpc.Reader) disk.Ref {
	v := r.Uint()
	return disk.Ref{Index: uint32(v), Life: uint32(v >> 32)}
}

func getInfo(r *rpc.Reader) disk.Info {
	return disk.Info{Path: r.String(), Size: r.Uint(), Folder: r.Bool()}
}

// call makes a call that put has the arguments for; get takes what comes back.
func (d *remote) call(op uint64, put func(w *rpc.Writer), get func(r *rpc.Reader)) error {
	err := d.once(op, put, get)
	if err == error(abi.Again) {
		err = d.once(op, put, get)
	}
	return err
}

func (d *remote) once(op uint64, put func(w *rpc.Writer), get func(r *rpc.Reader)) error {
	w, err := d.client.Begin()
	if err != nil {
		return err
	}
	defer d.client.End()
	put(&w)
	if w.Full {
		return ErrName
	}
	r, status, err := d.client.Call(op, &w)
	if err != nil {
		return err
	}
	if get != nil {
		get(&r)
	}
	return disk.ErrorOf(status)
}

func (d *remote) Lookup(path string) (ref disk.Ref, i disk.Info, err error) {
	err = d.call(disk.CallLookup, func(w *rpc.Writer) { w.String(path) }, func(r *rpc.Reader) { ref, i = getRef(r), getInfo(r) })
	return ref, i, err
}

func (d *remote) Stat(ref disk.Ref) (i disk.Info, err error) {
	err = d.call(disk.CallStat, func(w *rpc.Writer) { putRef(w, ref) }, func(r *rpc.Reader) { i = getInfo(r) })
	return i, err
}

func (d *remote) Create(path string, folder bool) (ref disk.Ref, err error) {
	err = d.call(disk.CallCreate, func(w *rpc.Writer) {
		w.String(path)
		w.Bool(folder)
	}, func(r *rpc.Reader) { ref = getRef(r) })
	return ref, err
}

func (d *remote) Read(ref disk.Ref, offset uint64, p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		k := 0
		err = d.call(disk.CallRead, func(w *rpc.Writer) {
			putRef(w, ref)
			w.Uint(offset + uint64(n))
			w.Uint(uint64(min(len(p)-n, most)))
		}, func(r *rpc.Reader) { k = copy(p[n:], r.Bytes()) })
		if k == 0 {
			break
		}
		n += k
	}
	return n, err
}

func (d *remote) Write(ref disk.Ref, offset uint64, end bool, p []byte) (n int, at uint64, err error) {
	for first := true; n < len(p) && err == nil; first = false {
		k, where := 0, uint64(0)
		err = d.call(disk.CallWrite, func(w *rpc.Writer) {
			putRef(w, ref)
			w.Uint(offset + uint64(n))
			w.Bool(end)
			w.Bytes(p[n:min(len(p), n+most)])
		}, func(r *rpc.Reader) { k, where = int(r.Uint()), r.Uint() })
		if first || end { // others may have written in between
			at = where - uint64(n)
		}
		n += min(k, len(p)-n)
		if k == 0 {
			break
		}
	}
	return n, at, err
}

func (d *remote) Truncate(ref disk.Ref) error {
	return d.call(disk.CallTruncate, func(w *rpc.Writer) { putRef(w, ref) }, nil)
}

func (d *remote) Remove(path string) error {
	return d.call(disk.CallRemove, func(w *rpc.Writer) { w.String(path) }, nil)
}

func (d *remote) Rename(from, to string) error {
	return d.call(disk.CallRename, func(w *rpc.Writer) {
		w.String(from)
		w.String(to)
	}, nil)
}

func (d *remote) List(folder string, yield func(disk.Info) bool) {
	var found []disk.Info
	for all := false; !all; {
		n := len(found)
		err := d.call(disk.CallList, func(w *rpc.Writer) {
			w.String(folder)
			w.Uint(uint64(n))
		}, func(r *rpc.Reader) {
			for r.Bool() {
				found = append(found, getInfo(r))
			}
			all = r.Bool()
		})
		if err != nil || len(found) == n {
			break
		}
	}
	for _, i := range found {
		if !yield(i) {
			return
		}
	}
}

func (d *remote) Space() (s disk.Space, err error) {
	err = d.call(disk.CallSpace, func(*rpc.Writer) {}, func(r *rpc.Reader) {
		s = disk.Space{Bytes: r.Uint(), Free: r.Uint(), Files: r.Uint(), FreeFiles: r.Uint()}
	})
	return s, err
}
