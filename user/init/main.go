//go:build exouser

// Init is the first program: the kernel gives it everything. It starts the server that keeps files, makes the folder /tmp,
// runs what the kernel's command line asks for by run=PROGRAM,…, and starts the shell on the console, and again when that ends. A
// shell that ends with the status poweroff has the machine turned off.
package main

import (
	"strconv"
	"strings"

	"exo/kernel/abi"
	"exo/libos/console"
	"exo/libos/file"
	"exo/libos/proc"
	"exo/libos/start"
	"exo/libos/startpage"
	"exo/libos/sys"
	"exo/libos/thread"
)

const (
	shell        = "bin/sh"
	poweroff     = 100 // status of a shell that has been told to
	server       = "bin/fsd"
	fileFrames   = 512           // for files, and at most an eighth of what there is
	serverFrames = 48            // for the server itself
	clients      = 100           // of it at a time: two frames for each, three capabilities; fewer if there is little memory
	bootNs       = 1_000_000_000 // a shell that ends sooner than this is not started again at once
)

func say(text string) { console.Write([]byte("init: " + text + "\r\n")) }

func main() {
	startFiles()
	list, exit := words(start.Line())
	failed := false
	for _, p := range list {
		failed = !run(p) || failed
	}
	if exit {
		end(failed)
	}
	for {
		if _, err := file.Stat(shell); err != nil {
			say("there is no " + shell)
			for {
				thread.Sleep(bootNs)
			}
		}
		id, err := start1([]string{shell})
		status := int64(0)
		if err == nil {
			status, err = await(id)
		}
		switch {
		case err != nil:
			say(shell + ": " + err.Error())
		case status == poweroff:
			end(false)
		case status != 0:
			say(shell + " ended with status " + strconv.Itoa(int(status)))
		}
		thread.Sleep(bootNs / 10)
	}
}

// words are the programs of run=, and whether the machine is to end after them.
func words(line string) (programs []string, exit bool) {
	for _, w := range strings.Fields(line) {
		if w == "exit" {
			exit = true
		} else if list, ok := strings.CutPrefix(w, "run="); ok {
			programs = strings.Split(list, ",")
		}
	}
	return programs, exit
}

// run runs a program: its name, and its arguments after it, with colons between them.
func run(command string) bool {
	args := strings.Split(command, ":")
	if !strings.Contains(args[0], "/") {
		args[0] = "bin/" + args[0]
	}
	id, err := start1(args)
	if err != nil {
		say(args[0] + ": " + err.Error())
		return false
	}
	status, err := await(id)
	if err != nil || status != 0 {
		say(args[0] + " ended with status " + strconv.Itoa(int(status)))
		return false
	}
	return true
}

// start1 starts a program with most of what there is.
func start1(args []string) (proc.ID, error) {
	return proc.Spawn(args[0], args, &proc.Attr{Part: proc.Whole * 7 / 8, Env: []string{"PATH=/bin", "HOME=/", "PWD=/"}, Control: true})
}

func end(failed bool) {
	status := int64(0)
	if failed {
		status = 1
	}
	e := sys.SystemEnd(sys.StartCap(startpage.RoleConsole, 0), status)
	say("cannot end: " + e.Error())
}

// files is the server that keeps files.
var files struct {
	id       proc.ID
	endpoint sys.Cap // where it is called: it stays when another takes its place
}

// startFiles starts it, and makes /tmp.
func startFiles() {
	if files.endpoint == 0 {
		endpoint, e := sys.EndpointCreate(sys.StartCap(startpage.RoleMemory, 0))
		if e != abi.OK {
			say("no endpoint for " + server + ": " + e.Error())
			return
		}
		files.endpoint = endpoint
	}
	left, _ := proc.Left()
	n, clients := min(fileFrames, left/8), min(clients, left/32)
	id, err := proc.Spawn(server, []string{server, strconv.FormatUint(n, 10), strconv.FormatUint(clients, 10)}, &proc.Attr{
		Frames: n + serverFrames + 2*clients, Caps: serverFrames + 3*clients,
		Give: []startpage.Cap{{Role: startpage.RoleServe, Name: files.endpoint, Value: abi.RightReceive | abi.RightDelete}},
	})
	if err != nil {
		say(server + ": " + err.Error())
		return
	}
	if files.id == 0 { // not before: nobody would answer. Its program is known the next time
		sys.AddStartCap(startpage.Cap{Role: startpage.RoleDisk, Name: files.endpoint})
	}
	files.id = id
	if err := file.Mkdir("/tmp"); err != nil {
		say("/tmp: " + err.Error())
	}
}

// await waits for a program; the server is started again if it ends meanwhile.
func await(id proc.ID) (status int64, err error) {
	for {
		ended, status, err := proc.WaitAny()
		if err != nil || ended == id {
			return status, err
		}
		if ended == files.id {
			say(server + " has ended; its files are gone")
			startFiles()
		}
	}
}
