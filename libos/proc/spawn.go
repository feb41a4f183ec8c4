//go:build exouser

package proc

import (
	"strings"
	"unsafe"

	"exo/kernel/abi"
	"exo/libos/clock"
	"exo/libos/file"
	"exo/libos/heap"
	"exo/libos/mem"
	"exo/libos/startpage"
	"exo/libos/sys"
)

// Addresses of a program that was spawned; libos/mem has those of its first page, State and upcall stack.
const (
	stackHigh    = mem.StackHigh
	stackBytes   = mem.StackHigh - mem.StackLow
	stackPages   = 2 // that are there from the start
	upcallPages  = 2
	heapHigh     = abi.LibOS + 1<<44
	maxStartCaps = 16
	maxTexts     = 60 << 10 // bytes of arguments and settings
)

// image is a program, ready to be started: what it only reads is in frames that all who run it share.
type image struct {
	path     string
	dir      string // that path begins at; "": the file itself
	entry    uint64
	n        int
	segments [maxSegments]segment
	shared   [maxSegments]sys.Cap // 0: each gets its own; those that lie in a row have one capability,
	from     [maxSegments]uint64  // from this frame of it on
	next     *image
}

// images are those that were started before, so that it is cheap to start them again.
var images *image

// prepared finds one of those.
func prepared(dir, path string) *image {
	for i := images; i != nil; i = i.next {
		if i.path == path && i.dir == dir {
			return i
		}
	}
	return nil
}

func keep(dir, path string, like *image) *image {
	heap.Keep()
	i := &image{}
	*i = *like
	i.dir, i.path, i.next = strings.Clone(dir), strings.Clone(path), images
	images = i
	return i
}

// prepare makes one. A file that may change is read each time.
func prepare(path string) (*image, error) {
	dir := file.Dir()
	if path != "" && path[0] == '/' {
		dir = "/"
	}
	if i := prepared(dir, path); i != nil {
		return i, nil
	}
	info, err := file.Stat(path)
	if err != nil {
		return nil, err
	}
	full := file.Resolve(path)
	if info.Fixed {
		if i := prepared("", full); i != nil { // by another name
			return keep(dir, path, i), nil
		}
	}
	data, err := file.ReadFile(path)
	if err != nil {
		return nil, err
	}
	i := &image{}
	if i.entry, i.n, err = parseELF(data, &i.segments); err != nil || !info.Fixed {
		return i, err
	}
	for k := 0; k < i.n; {
		n, pages := i.inRow(k)
		if n == 0 {
			k++
			continue
		}
		c, _, e := sys.FrameAlloc(mem.Account(), abi.HowNear, 0, pages, 0)
		if e != abi.OK {
			i.forget()
			return nil, e
		}
		i.shared[k] = c
		at, e := mem.MapFrames(c, pages, abi.PermRead|abi.PermWrite, 0)
		if e == abi.OK {
			for end := k + n; k < end; k++ {
				s := &i.segments[k]
				i.shared[k], i.from[k] = c, (s.va-i.segments[end-n].va)/pageSize
				copy(unsafe.Slice((*byte)(unsafe.Pointer(uintptr(at+i.from[k]*pageSize))), s.pages*pageSize), s.data)
			}
			e = mem.Release(at) // from here on nobody can write it
		}
		if e != abi.OK {
			i.forget()
			return nil, e
		}
	}
	return keep(dir, path, keep("", full, i)), nil
}

// inRow is how many segments from the k-th on are only read and lie in a row, and their pages; 0: that one is written, too.
func (i *image) inRow(k int) (n int, pages uint64) {
	const most = 512
	for ; k+n < i.n; n++ {
		s := &i.segments[k+n]
		if s.perm&abi.PermWrite != 0 || n > 0 && (s.va != i.segments[k].va+pages*pageSize || pages+s.pages > most) {
			break
		}
		pages += s.pages
	}
	return n, pages
}

// forget gives back the frames of one that could not be made.
func (i *image) forget() {
	for k, c := range i.shared {
		if c != 0 && i.from[k] == 0 {
			sys.CapDelete(c)
		}
	}
}

// Spawn starts the program of a file. args[0] is its name. The caller waits for it some day, or it stays.
func Spawn(path string, args []string, a *Attr) (ID, error) {
	if a == nil {
		a = &Attr{}
	}
	if full() {
		return 0, ErrMany
	}
	i, err := prepare(path)
	if err != nil {
		return 0, err
	}
	env := a.Env
	if env == nil && sys.Env().Len() > 0 {
		env = Environ()
	}
	env = inFolder(env, file.Dir())
	bytes := startBytes(args, env)
	if bytes > maxTexts {
		return 0, ErrTooLong
	}
	making.Lock()
	defer making.Unlock()
	c := &newborn
	if e := c.Make(quotas(a)); e != abi.OK {
		return 0, e
	}
	if a.Memory != 0 {
		c.OnNode(uint64(a.Memory) - 1)
	}
	page, e := c.Private(upcallPages, bytes)
	if e == abi.OK && !stack(c) {
		e = abi.NoSlots
	}
	if e == abi.OK {
		e = i.load(c)
	}
	if e != abi.OK {
		c.Abandon()
		return 0, e
	}
	t := abi.ThreadStart{
		RIP: i.entry, RSP: stackHigh, Arg: mem.StartAt(page), UpcallLow: page.Upcall.Low, UpcallHigh: page.Upcall.High,
		CPUs: a.CPUs, Weight: a.Weight,
	}
	page.Image = startpage.Range{Low: i.segments[0].va, High: i.high()}
	page.Self, page.Parent = c.Number, uint64(Self())
	page.Seed = clock.TSC()*0x9E3779B97F4A7C15 ^ c.Number
	w := writer{page: page, at: uint64(unsafe.Sizeof(*page))}
	w.caps(c, a)
	files := a.Files
	if files == nil {
		files = usual[:]
	}
	pipes, err := w.files(c, files, c.Number)
	if err != nil {
		c.Abandon()
		file.Died(c.Number, pipes)
		return 0, err
	}
	page.Args = w.texts(args)
	page.Env = w.texts(env)
	page.Version, page.Size, page.Bytes = startpage.Version, uint64(unsafe.Sizeof(*page)), w.at
	page.Stack = startpage.Range{Low: stackHigh - stackBytes, High: stackHigh}
	page.Heap = startpage.Range{Low: mem.HeapAt(i.high()), High: heapHigh}
	if e := start(c, &t, false, pipes); e != abi.OK {
		return 0, e
	}
	return ID(c.Number), nil
}

var usual = [3]file.FD{file.In, file.Out, file.Err}

func (i *image) high() uint64 {
	s := &i.segments[i.n-1]
	return s.va + s.pages*pageSize
}

// load gives the child the program.
func (i *image) load(c *mem.Child) abi.Errno {
	if !c.AddRegion(mem.Region{Low: i.segments[0].va, High: i.high()}) {
		return abi.NoSlots
	}
	for k := range i.segments[:i.n] {
		s := &i.segments[k]
		if i.shared[k] != 0 {
			c.ShareFrames(i.shared[k], i.from[k], s.va, s.pages, s.perm)
			continue
		}
		at := uint64(uintptr(unsafe.Pointer(unsafe.SliceData(s.data))))
		for j := 0; j < len(s.data); j += pageSize { // so that they are there
			seen += s.data[j]
		}
		if n := len(s.data); n > 0 {
			seen += s.data[n-1]
		}
		c.Fill(s.va, s.pages, 0, at, uint64(len(s.data)), s.perm, mem.FlagHot)
	}
	return c.Flush()
}

var seen byte

// stack gives it a stack, which grows.
func stack(c *mem.Child) bool {
	const readWrite = abi.PermRead | abi.PermWrite
	if !c.AddRegion(mem.Region{Low: stackHigh - stackBytes, High: stackHigh, Perm: uint8(readWrite), Kind: mem.Stack}) {
		return false
	}
	c.Fill(stackHigh-stackPages*pageSize, stackPages, 0, 0, 0, readWrite, 0)
	return true
}

// startBytes is how much a start page takes.
func startBytes(args, env []string) uint64 {
	n := uint64(unsafe.Sizeof(startpage.Page{})) + maxStartCaps*uint64(unsafe.Sizeof(startpage.Cap{})) +
		file.MaxFiles*uint64(unsafe.Sizeof(startpage.File{}))
	for _, list := range [...][]string{args, env} {
		n += uint64(len(list)) * uint64(unsafe.Sizeof(startpage.Text{}))
		for _, s := range list {
			n += (uint64(len(s)) + 7) &^ 7
		}
	}
	return n
}

// writer writes what a start page points at, behind it.
type writer struct {
	page *startpage.Page
	at   uint64
}

func table[T any](w *writer, n int) (startpage.Table, []T) {
	t := startpage.Table{Offset: w.at, Entries: uint64(n)}
	s := unsafe.Slice((*T)(unsafe.Add(unsafe.Pointer(w.page), w.at)), n)
	w.at += uint64(n) * uint64(unsafe.Sizeof(*new(T)))
	return t, s
}

func (w *writer) texts(all []string) startpage.Table {
	t, entries := table[startpage.Text](w, len(all))
	for i, s := range all {
		entries[i] = startpage.Text{Offset: w.at, Bytes: uint64(len(s))}
		copy(unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(w.page), w.at)), len(s)), s)
		w.at += (uint64(len(s)) + 7) &^ 7
	}
	return t
}

// passed are the capabilities of its start page that a program gives on, and with which rights.
func rightsOf(role uint64) uint64 {
	const on = abi.RightDerive | abi.RightTransfer
	switch role {
	case startpage.RoleConsole:
		return abi.RightRead | abi.RightWrite | on
	case startpage.RoleEnv:
		return abi.RightRead | abi.RightRevoke | on
	case startpage.RoleFiles:
		return abi.RightRead | abi.RightDelete | on
	case startpage.RoleDisk:
		return abi.RightExecute | on
	case startpage.RoleExtent:
		return abi.RightRead | abi.RightWrite | abi.RightDelete | on
	case startpage.RoleRoot:
		return abi.RightRead | abi.RightWrite | abi.RightExecute | abi.RightDelete | on
	}
	return 0
}

// caps writes the child's capabilities.
func (w *writer) caps(c *mem.Child, a *Attr) {
	t, entries := table[startpage.Cap](w, maxStartCaps)
	entries[0] = startpage.Cap{Role: startpage.RoleMemory, Name: c.Account}
	n := 1
	all := sys.StartCaps()
	for i := range all {
		from := &all[i]
		if rights := rightsOf(from.Role); rights != 0 && n < len(entries) {
			if from.Role == startpage.RoleEnv && a.Control {
				rights |= abi.RightWrite | abi.RightDelete
			}
			entries[n] = *from
			c.Derive(sys.Held(from), rights, &entries[n].Name)
			n++
		}
	}
	for _, g := range a.Give {
		if n < len(entries) {
			entries[n] = startpage.Cap{Role: g.Role, Index: g.Index, Name: c.Give(g.Name, g.Value)}
			n++
		}
	}
	t.Entries = uint64(n)
	w.page.Caps = t
}

// files writes its descriptors, and returns where the pipes among them are.
func (w *writer) files(c *mem.Child, from []file.FD, number uint64) (pipes []uint64, err error) {
	t, entries := table[startpage.File](w, file.MaxFiles)
	w.page.Files = t
	for i, fd := range from {
		if fd < 0 || i >= len(entries) {
			continue
		}
		if entries[i], err = file.Pass(fd, number, c.Give); err != nil {
			return pipes, err
		}
		if at := file.PipeOf(&entries[i]); at != 0 {
			pipes = append(pipes, at)
			w.page.Pipes = 1
			if e := c.Share(at); e != abi.OK {
				return pipes, e
			}
		}
	}
	return pipes, nil
}
