package main

const (
	filesBoot  = "go run ./qemu/exo-run -cpus 4 -append 'tests=fs/* exit'"
	filesShell = "go test ./qemu -count=1 -run TestFiles"
)

// filesMutants are faults in how ring 3 reaches files, and in how the kernel mounts them.
var filesMutants = []mutant{
	{"files: any inode is below any other", "kernel/filecalls.go", []edit{{"return here().opening", "return true"}}, filesBoot},
	{"files: a deletion does not let a file go", "kernel/filecalls.go", []edit{{"\tletFile(o)\n\tunpaid", "\tunpaid"}}, filesBoot},
	{"files: what is derived keeps no file", "kernel/capcalls.go", []edit{{"\tif !keepFile(kept) {", "\tif kept = (cap.Object{}); !keepFile(kept) {"}}, filesBoot},
	{"files: a name is given to what one may only read", "kernel/filecalls.go", []edit{{"c.also(f.R10, fullyOwns)", "c.also(f.R10, cap.Read)"}}, filesBoot},
	{"files: what is moved may be moved to where one may do more", "kernel/filecalls.go", []edit{{"\t\tneed = fullyOwns\n", "\t\tneed = cap.Write\n"}}, filesBoot},
	{"files: bytes that cannot be read are zeroes", "kernel/fileio.go", []edit{{"no == abi.OK && !amd64.CanRead(f.RSI, want)", "no == abi.OK && f.RSI == want && !canRead(f.RSI, want)"}}, filesBoot},
	{"files: an inode is not put back", "kernel/filecalls.go", []edit{{"\t\tfiles.fs.Put(c.task, c.inodes[i])\n", "\t\tif i > 0 {\n\t\t\tfiles.fs.Put(c.task, c.inodes[i])\n\t\t}\n"}}, filesBoot},
	{"files: a walk keeps what it came by", "kernel/filecalls.go", []edit{{"\t\tif found {", "\t\tif found && at == dir {"}}, filesBoot},
	{"files: writing is one of the rights to read", "kernel/fileio.go", []edit{{"c.begin(threadOf(s), f.RDI, cap.Write)\n\tif no == abi.OK && !amd64.CanRead", "c.begin(threadOf(s), f.RDI, cap.Read)\n\tif no == abi.OK && !amd64.CanRead"}}, filesBoot},
	{"files: memory of a mount is not given back", "kernel/filemem.go", []edit{{"for i := range a.n {", "for i := range a.n - 1 {"}}, filesBoot},
	{"files: a disk that was not unmounted is taken as it is", "kernel/files.go", []edit{{"\t\t\te = v.recover(t)\n", "\t\t\te = errno.OK\n"}}, filesShell},
	{"files: the machine ends without unmounting", "kernel/devicecalls.go", []edit{{"\tcloseFiles()\n", ""}}, filesShell},
	{"extents: a block beyond the last may be had", "kernel/extentcalls.go", []edit{{"f.RDX > o.Second-f.R10:", "f.RDX > o.Second-f.R10+1:"}}, filesBoot},
	{"extents: all begin with the first block", "kernel/extentcalls.go", []edit{{"o.First+f.R10+done", "files.spare.First+f.R10+done"}}, filesBoot},
	{"extents: writing is one of the rights to read", "kernel/extentcalls.go", []edit{{"block.Write, cap.Write)", "block.Write, cap.Read)"}}, filesBoot},
	{"extents: a flush does nothing", "kernel/extentcalls.go", []edit{{"no = fileErrno(ft.task.Flush(files.device))", "no = abi.OK"}}, "go test ./qemu -count=1 -run TestDiskLog"},
	{"records: those of the log before are found", "user/box/records/records.go", []edit{{"life != l.life", "life == 0"}}, "go test ./user/box/records"},
	{"libos: a file that a child has is closed under it", "libos/file/mounted.go", []edit{{"\t\tif o.name == name {\n\t\t\treturn\n\t\t}\n", "\t\t_ = o\n"}}, filesShell},
	{"libos: sync does nothing", "libos/file/mounted.go", []edit{{"\treturn errorOfFile(sys.FileSync(root, true))\n", "\treturn nil\n"}}, filesShell},
}
