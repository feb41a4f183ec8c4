// Locks looks at how the kernel uses its locks, without running it.
//
//	locks check    report each place where a lock may be taken against the order that kernel/sync/classes.go declares
//	locks list     every lock: its class, where it is declared, how many places take it
//	locks draw     make docs/lock-order.svg, the order as a picture
//
// check reads the whole kernel as it boots (ring 0's build tag and runtime included), as SSA with a call graph, and finds
// for every function which locks may be held at each point, whoever called it. It reports
//
//   - a lock taken while another is held that it may not follow, in the same function or many calls away;
//   - two locks of a class that does not nest; a lock taken twice;
//   - what may sleep (a sleeplock, RCU's Synchronize, Park) under a spinlock or in an RCU read section;
//   - a class that is not for interrupt handlers taken in a handler, or in what it calls;
//   - a lock without a class, or with two; a lock that is reached by a pointer made of a number;
//   - the raw locks below Spinlock used by others than kernel/sync;
//   - a declared order that contradicts itself.
//
// What it does not see: calls that assembly makes; which of several locks of a nesting class has the lower address, and
// which element of an array a loop releases. The order is checked again each time a lock is taken (kernel/sync/order.go),
// so what one misses the other may see. rules.go lists what is excepted, with reasons; an exception that nothing needs is
// reported.
//
// Start reading: analysis in calls.go; then flow.go, one function; values.go, which lock a pointer is; findings.go, what
// is wrong.
package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
)

const picture = "docs/lock-order.svg"

func main() {
	if len(os.Args) != 2 {
		usage()
	}
	root, err := filepath.Abs(".")
	if err == nil {
		root, err = filepath.EvalSymlinks(root)
	}
	if err != nil {
		fail(err)
	}
	switch os.Args[1] {
	case "check":
		err = runCheck(root, os.Stdout)
	case "list":
		err = runList(root, os.Stdout)
	case "draw":
		err = runDraw(root)
	default:
		usage()
	}
	if err != nil {
		fail(err)
	}
}

func usage() {
	fmt.Fprintln(os.Stderr, "usage: locks check | list | draw, in the module's root folder")
	os.Exit(2)
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "locks: "+err.Error())
	os.Exit(1)
}

// result is what an analysis of all programs found.
type result struct {
	findings                                                []string
	objects                                                 []*object // with a place, by place
	order                                                   *order
	at                                                      map[*object]string
	takenAt                                                 map[*object][]string
	functions, locks, acquisitions, nestings, handlersCount int
}

// runCheck prints what is wrong, one line each, or what was seen if nothing is.
func runCheck(root string, out io.Writer) error {
	r, err := analyseKernel(root)
	if err != nil {
		return err
	}
	return r.verdict(out)
}

func (r *result) verdict(out io.Writer) error {
	for _, f := range r.findings {
		fmt.Fprintln(out, f)
	}
	if n := len(r.findings); n > 0 {
		return fmt.Errorf("%d findings", n)
	}
	if r.locks == 0 || r.acquisitions == 0 {
		return fmt.Errorf("no lock seen in %d functions: the check looked at the wrong thing", r.functions)
	}
	fmt.Fprintf(out, "locks: %d functions, %d locks, %d acquisitions, %d nestings, %d interrupt handlers: all in order\n",
		r.functions, r.locks, r.acquisitions, r.nestings, r.handlersCount)
	return nil
}

// analyseKernel analyses the kernel in folder root.
func analyseKernel(root string) (*result, error) {
	list, err := listRing0(root)
	if err != nil {
		return nil, err
	}
	return analyseListed(root, list, nil)
}

func analyseListed(root string, list *listing, edits map[string]string) (*result, error) {
	loaders, err := loadKernel(root, list, edits)
	if err != nil {
		return nil, err
	}
	return analyseAll(loaders, ruleset{rawUses, unclassed, exempt})
}
