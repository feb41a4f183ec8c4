//go:build exokernel

package main

import (
	"unsafe"

	"exo/arch/amd64"
	"exo/kernel/abi"
	"exo/kernel/cap"
	"exo/kernel/fs"
	layout "exo/kernel/fs/disk"
	"exo/kernel/fs/errno"
	"exo/kernel/mm"
	"exo/kernel/sched"
)

// Benchmarks of files, on a disk in memory: loops of calls in ring 3, each beside kernel/fs alone, called by a task of the kernel's.

// Words of the page, after those of bench_env.go.
const (
	wordDir   = 32 + iota // capabilities: of a directory,
	wordFile              // of a file,
	wordOpen              // of what the loop opens
	wordBuf               // an address
	wordNames             // the address of names, of 8 bytes each
	wordAt                // of the next one, in bytes from there
	wordOwn               // a name
)

const (
	benchFileBytes = 64 << 10
	benchBuffer    = benchPage + 16*mm.FrameSize
	benchNames     = benchBuffer + benchFileBytes
	benchNameCount = mm.FrameSize / 8
	benchFile      = 0x656c69662d2d2d2d // "----file"
	benchOwn       = 0x6e776f2d2d2d2d2d // "-----own"
)

// fsBench is what they work on.
var fsBench struct {
	ready   bool
	file    uint64 // capabilities
	dirs    [len(benchDirSizes)]uint64
	numbers [len(benchDirSizes) + 1]cap.Object // whose; the last one is the file
	names   *[benchNameCount]uint64            // that are looked up
	buffer  [benchFileBytes]byte
	fn      func(t *fs.Task) errno.Errno
	move    func(f *fs.FS, t *fs.Task, ip *fs.Inode, at uint64, b []byte) (int, errno.Errno)
	which   int // directory
	ops     uint64
}

// benchDirSizes is how many names are in the directories.
var benchDirSizes = [...]uint64{10, 1_000, 100_000}

// benchName is name i of a directory.
func benchName(i uint64) uint64 {
	v := uint64(0)
	for range 8 {
		v = v<<8 | 'a' + i&15
		i >>= 4
	}
	return v
}

// inFileTask runs fn in a task of the kernel's with a fs.Task, and returns when it has.
func inFileTask(fn func(t *fs.Task) errno.Errno) {
	defer amd64.IRQRestore(interruptsOn())
	fsBench.fn = fn
	done.Store(0)
	if _, err := spawn(&sched.Start{Name: "bench", Detached: true}, func(uint64) uint64 {
		t := enterFiles()
		e := fsBench.fn(&t.task)
		t.leave()
		if e != errno.OK {
			fileTrouble("bench: ", e)
			panic("bench: what should be measured was refused")
		}
		done.Store(1)
		return 0
	}, 0); err != nil {
		panic("bench: no task")
	}
	for done.Load() == 0 {
		amd64.IRQDisable()
		here().halt()
		amd64.IRQRestore(flagsIF)
	}
}

// prepareFiles makes the file, and a directory. It writes on nobody's disk.
func prepareFiles(which int) {
	defer amd64.IRQRestore(interruptsOn())
	b := &fsBench
	b.which = which
	if b.ready && b.dirs[which] != 0 {
		return
	}
	if !prepareEnv() || files.mounted.Load() == 0 || files.device != &files.ram {
		panic("bench: no files in memory")
	}
	g := &benchEnv
	if !b.ready {
		_, no := g.env.newRun(benchFileBytes/mm.FrameSize, benchBuffer, abi.PermRead|abi.PermWrite)
		names, no2 := g.env.newRun(1, benchNames, abi.PermRead|abi.PermWrite)
		if no != abi.OK || no2 != abi.OK {
			panic("bench: no memory")
		}
		// SAFETY: the frame is the environment's, which stays.
		b.names = (*[benchNameCount]uint64)(unsafe.Pointer(&amd64.PhysAddr(names.Addr()).Bytes(mm.FrameSize)[0]))
		inFileTask(makeBenchFile)
		b.file = inodeCap(b.numbers[len(benchDirSizes)])
		d := g.data
		d[wordFile].Store(b.file)
		d[wordBuf].Store(benchBuffer)
		d[wordNames].Store(benchNames)
		d[wordOwn].Store(benchOwn)
		b.ready = true
	}
	if b.dirs[which] == 0 {
		inFileTask(makeBenchDir)
		b.dirs[which] = inodeCap(b.numbers[which])
	}
}

// inodeCap gives the environment a capability for an inode.
func inodeCap(o cap.Object) uint64 {
	c := preemptOff()
	defer c.PreemptEnable()
	e := benchEnv.env
	e.charge(0)
	name, no := e.create(c.CPU, abi.KindInode, cap.AllRights&^owns, o)
	if no != abi.OK {
		panic("bench: no capability")
	}
	return uint64(name)
}

func makeBenchFile(t *fs.Task) errno.Errno {
	f, b := &files.fs, &fsBench
	name := uint64(benchFile)
	root, e := f.Root(t)
	if e != errno.OK {
		return e
	}
	ip, e := f.Create(t, root, bytesOf(&name), fs.Attr{Mode: 0o644})
	f.Put(t, root)
	if e != errno.OK {
		return e
	}
	_, e = f.Write(t, ip, 0, b.buffer[:])
	b.numbers[len(benchDirSizes)] = objectOf(ip)
	f.Put(t, ip)
	return e
}

// makeBenchDir makes a directory, all of whose names are the file's: the disk has not as many inodes. Names come in about the order of
// their hashes: that saves commits.
func makeBenchDir(t *fs.Task) errno.Errno {
	f, b := &files.fs, &fsBench
	ip, e := benchInode(t, len(benchDirSizes))
	if e != errno.OK {
		return e
	}
	root, e := f.Root(t)
	if e != errno.OK {
		return e
	}
	size := benchDirSizes[b.which]
	name := benchName(size)
	dir, e := f.Mkdir(t, root, bytesOf(&name), fs.Attr{Mode: 0o755})
	f.Put(t, root)
	if e != errno.OK {
		return e
	}
	if e := t.ReadBlock(files.device, 0, t.Scratch); e != errno.OK {
		return e
	}
	shape, e := layout.ParseShape(t.Scratch)
	const parts = 32
	for part := range uint64(parts) {
		for i := range size {
			name := benchName(i)
			if shape.Hash(bytesOf(&name))/(1<<63/parts*2) != part {
				continue
			}
			if e == errno.OK {
				e = f.Link(t, dir, bytesOf(&name), ip)
			}
		}
	}
	b.numbers[b.which] = objectOf(dir)
	f.Put(t, dir)
	f.Put(t, ip)
	return e
}

// benchInode finds the inode of a directory, or of the file.
func benchInode(t *fs.Task, i int) (*fs.Inode, errno.Errno) {
	o := fsBench.numbers[i]
	return files.fs.Get(t, uint32(o.First), uint32(o.First>>32))
}

// filesInEnv is loopInEnv, in a directory.
func filesInEnv(ops uint64, which int, body func(a *assembler)) {
	prepareFiles(which)
	b, d := &fsBench, benchEnv.data
	d[wordDir].Store(b.dirs[which])
	d[wordAt].Store(0)
	d[wordName].Store(0)
	x := uint64(1)
	for i := range b.names {
		x = x*6364136223846793005 + 1442695040888963407
		b.names[i] = benchName((x >> 33) % benchDirSizes[which])
	}
	loopInEnv(ops, body)
}

// inBenchDir is inFileTask, with a directory and how many times.
func inBenchDir(ops uint64, which int, fn func(t *fs.Task) errno.Errno) {
	prepareFiles(which)
	fsBench.ops = ops
	inFileTask(fn)
}

// named writes a call with a directory and its own name.
func (a *assembler) named(call abi.Call, dir int) {
	a.load(rDI, dir)
	a.imm(rSI, pupData+wordOwn*8)
	a.imm(rDX, 8)
	a.file(call)
}

// next writes the beginning of such a call, with the next of the names.
func (a *assembler) next() {
	a.load(rSI, wordNames)
	a.access(0x03, rSI, wordAt) // add rsi, …
	a.load(rAX, wordAt)
	a.put(0x48, 0x83, 0xC0, 8)       // add rax, 8
	a.put(0x25, 0xFF, 0x0F, 0x00, 0) // and eax, 0xfff
	a.store(wordAt, rAX)
	a.load(rDI, wordDir)
	a.imm(rDX, 8)
}

// file writes a call whose arguments are there. That one was refused is seen at the end, by the sign.
func (a *assembler) file(call abi.Call) {
	a.imm(rAX, uint64(call))
	a.syscall()
	a.access(0x09, rAX, wordName) // or …, rax
}

// opens writes what opens the file by one of the names.
func (a *assembler) opens() {
	a.next()
	a.imm(r10, uint64(cap.Read|cap.Write|cap.Delete))
	a.file(abi.FileOpen)
	a.store(wordOpen, rAX)
}

// moves writes a call that reads or writes so many bytes at the beginning of a file.
func (a *assembler) moves(call abi.Call, file int, n uint64) {
	a.load(rDI, file)
	a.load(rSI, wordBuf)
	a.imm(rDX, n)
	a.imm(r10, 0)
	a.file(call)
}

func (a *assembler) closes() {
	a.load(rDI, wordOpen)
	a.file(abi.CapDelete)
}

func benchFileCreate(ops uint64) {
	filesInEnv(ops, 0, func(a *assembler) {
		a.imm(r10, abi.FileTypeRegular|0o644)
		a.named(abi.FileMake, wordDir)
		a.imm(r10, uint64(cap.Read|cap.Write|cap.Delete))
		a.named(abi.FileOpen, wordDir)
		a.store(wordOpen, rAX)
		a.moves(abi.FileWrite, wordOpen, mm.FrameSize)
		a.closes()
		a.imm(r10, 0)
		a.named(abi.FileRemove, wordDir)
	})
}

func benchFileCreateTask(ops uint64) {
	inBenchDir(ops, 0, func(t *fs.Task) errno.Errno {
		f, b := &files.fs, &fsBench
		dir, e := benchInode(t, b.which)
		name := uint64(benchOwn)
		for range b.ops {
			var ip *fs.Inode
			if e == errno.OK {
				ip, e = f.Create(t, dir, bytesOf(&name), fs.Attr{Mode: 0o644})
			}
			if e == errno.OK {
				_, e = f.Write(t, ip, 0, b.buffer[:mm.FrameSize])
			}
			if e != errno.OK {
				break
			}
			f.Put(t, ip)
			e = f.Unlink(t, dir, bytesOf(&name))
		}
		f.Put(t, dir)
		return e
	})
}

func benchFileRead(ops uint64) {
	filesInEnv(ops, 0, func(a *assembler) { a.moves(abi.FileRead, wordFile, benchFileBytes) })
}

func benchFileWrite(ops uint64) {
	filesInEnv(ops, 0, func(a *assembler) { a.moves(abi.FileWrite, wordFile, benchFileBytes) })
}

func benchFileReadTask(ops uint64)  { movesInTask(ops, (*fs.FS).Read) }
func benchFileWriteTask(ops uint64) { movesInTask(ops, (*fs.FS).Write) }

// movesInTask reads or writes the whole file.
func movesInTask(ops uint64, move func(f *fs.FS, t *fs.Task, ip *fs.Inode, at uint64, b []byte) (int, errno.Errno)) {
	fsBench.move = move
	inBenchDir(ops, 0, func(t *fs.Task) errno.Errno {
		f, b := &files.fs, &fsBench
		ip, e := benchInode(t, len(b.dirs))
		for range b.ops {
			if e == errno.OK {
				_, e = b.move(f, t, ip, 0, b.buffer[:])
			}
		}
		f.Put(t, ip)
		return e
	})
}

// benchFileCopy is the copying alone.
func benchFileCopy(ops uint64) {
	b := &fsBench
	for range ops {
		copy(b.buffer[:benchFileBytes/2], b.buffer[benchFileBytes/2:])
		copy(b.buffer[benchFileBytes/2:], b.buffer[:benchFileBytes/2])
	}
}

func benchFileStat(ops uint64) {
	filesInEnv(ops, 0, func(a *assembler) {
		a.load(rDI, wordFile)
		a.load(rSI, wordBuf)
		a.file(abi.FileStat)
	})
}

func benchFileStatTask(ops uint64) {
	inBenchDir(ops, 0, func(t *fs.Task) errno.Errno {
		ip, e := benchInode(t, len(fsBench.dirs))
		var s fs.Stat
		for range fsBench.ops {
			files.fs.Stat(t, ip, &s)
		}
		files.fs.Put(t, ip)
		return e
	})
}

// benchFileStatName opens for it, and closes.
func benchFileStatName(ops uint64) {
	filesInEnv(ops, 0, func(a *assembler) {
		a.opens()
		a.load(rDI, wordOpen)
		a.load(rSI, wordBuf)
		a.file(abi.FileStat)
		a.closes()
	})
}

func benchFileOpen(ops uint64)     { opensIn(ops, 0) }
func benchFileOpen1K(ops uint64)   { opensIn(ops, 1) }
func benchFileOpen100K(ops uint64) { opensIn(ops, 2) }
func benchFileFind(ops uint64)     { findsIn(ops, 0) }
func benchFileFind1K(ops uint64)   { findsIn(ops, 1) }
func benchFileFind100K(ops uint64) { findsIn(ops, 2) }

func opensIn(ops uint64, which int) {
	filesInEnv(ops, which, func(a *assembler) {
		a.opens()
		a.closes()
	})
}

func findsIn(ops uint64, which int) {
	inBenchDir(ops, which, func(t *fs.Task) errno.Errno {
		f, b := &files.fs, &fsBench
		dir, e := benchInode(t, b.which)
		for i := range b.ops {
			name := b.names[i%benchNameCount]
			var ip *fs.Inode
			if e == errno.OK {
				ip, e = f.Lookup(t, dir, bytesOf(&name))
			}
			if e != errno.OK {
				break
			}
			f.Put(t, ip)
		}
		f.Put(t, dir)
		return e
	})
}
