//go:build exouser

// Fsd keeps files in its memory, for all who have its endpoint (libos/file). Its arguments are how many frames it may use for
// them, and how many clients there may be at a time.
package main

import (
	"strconv"
	"unsafe"

	"exo/kernel/abi"
	"exo/libos/disk"
	"exo/libos/file"
	"exo/libos/heap"
	"exo/libos/mem"
	"exo/libos/proc"
	"exo/libos/rpc"
	"exo/libos/startpage"
	"exo/libos/sys"
)

var (
	files  *disk.Disk
	server rpc.Server
)

func main() {
	server.Endpoint = sys.StartCap(startpage.RoleServe, 0)
	args := proc.Args()
	if len(args) != 3 || server.Endpoint == 0 {
		die("wants an endpoint, and two numbers")
	}
	n := number(args[1])
	server.Most = int(number(args[2]))
	frames, _, e := sys.FrameAlloc(mem.Account(), abi.HowNear, 0, n, 0)
	at := uint64(0)
	if e == abi.OK {
		at, e = mem.MapFrames(frames, n, abi.PermRead|abi.PermWrite, 0)
	}
	if e != abi.OK {
		die("no memory for files: " + e.Error())
	}
	// SAFETY: these frames are mapped there, and nothing else.
	files = disk.Open(unsafe.Slice((*byte)(unsafe.Pointer(uintptr(at))), n*mem.PageSize), func() {})
	warm()
	die("the endpoint is gone: " + server.Serve(answer).Error())
}

// warm takes what memory calls need, now and not when the first ones come: then what is free does not depend on these.
func warm() {
	mark := heap.Mark()
	room = make([]byte, 32<<10)
	clear(room)
	room = nil
	mark.Release()
}

var room []byte

func number(text string) uint64 {
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		die(text + " is no number that makes sense")
	}
	return n
}

func die(why string) {
	file.Err.WriteString("fsd: " + why + "\n")
	proc.Exit(1)
}

// answer is one call.
func answer(_, call uint64, in *rpc.Reader, out *rpc.Writer) uint64 {
	switch call {
	case disk.CallLookup:
		path := in.String()
		r, i, err := files.Lookup(path)
		putRef(out, r)
		putInfo(out, i)
		return disk.Status(err)
	case disk.CallStat:
		i, err := files.Stat(ref(in))
		putInfo(out, i)
		return disk.Status(err)
	case disk.CallCreate:
		path, folder := in.String(), in.Bool()
		r, err := files.Create(path, folder)
		putRef(out, r)
		return disk.Status(err)
	case disk.CallRead:
		r, offset, n := ref(in), in.Uint(), in.Uint()
		space := out.Space(int(min(n, rpc.BufferBytes)))
		n2, err := files.Read(r, offset, space)
		out.Shorten(space, n2)
		return disk.Status(err)
	case disk.CallWrite:
		r, offset, end := ref(in), in.Uint(), in.Bool()
		n, at, err := files.Write(r, offset, end, in.Bytes())
		out.Uint(uint64(n))
		out.Uint(at)
		return disk.Status(err)
	case disk.CallTruncate:
		return disk.Status(files.Truncate(ref(in)))
	case disk.CallRemove:
		return disk.Status(files.Remove(in.String()))
	case disk.CallRename:
		from, to := in.String(), in.String()
		return disk.Status(files.Rename(from, to))
	case disk.CallList:
		folder, skip := in.String(), in.Uint()
		list(out, folder, skip)
		return 0
	case disk.CallSpace:
		s := files.Space()
		out.Uint(s.Bytes)
		out.Uint(s.Free)
		out.Uint(s.Files)
		out.Uint(s.FreeFiles)
		return 0
	}
	return disk.BadCall
}

// list writes as much of a folder as there is room for.
func list(out *rpc.Writer, folder string, skip uint64) {
	all := true
	files.List(folder, func(i disk.Info) bool {
		if skip > 0 {
			skip--
			return true
		}
		if out.Room() < len(i.Path)+64 {
			all = false
			return false
		}
		out.Bool(true)
		putInfo(out, i)
		return true
	})
	out.Bool(false)
	out.Bool(all)
}

func ref(in *rpc.Reader) disk.Ref {
	v := in.Uint()
	return disk.Ref{Index: uint32(v), Life: uint32(v >> 32)}
}

func putRef(out *rpc.Writer, r disk.Ref) { out.Uint(uint64(r.Life)<<32 | uint64(r.Index)) }

func putInfo(out *rpc.Writer, i disk.Info) {
	out.String(i.Path)
	out.Uint(i.Size)
	out.Bool(i.Folder)
}
