package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

func kernelRoot(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	root, err = filepath.EvalSymlinks(root)
	require.NoError(t, err)
	return root
}

var listed struct {
	once sync.Once
	list *listing
	err  error
}

// kernelList asks for the kernel's files once for all tests.
func kernelList(t *testing.T) *listing {
	t.Helper()
	listed.once.Do(func() { listed.list, listed.err = listRing0(kernelRoot(t)) })
	require.NoError(t, listed.err)
	return listed.list
}

func taken(r *result) (all []string) {
	for _, o := range r.objects {
		all = append(all, r.takenAt[o]...)
	}
	return all
}

// fault is an edit of the kernel, and what the check must say of it.
type fault struct{ file, old, new, says string }

// TestBrokenKernelsAreRefused breaks lines of the kernel: in one copy as many as do not hide each other, for each takes seconds to analyse.
func TestBrokenKernelsAreRefused(t *testing.T) {
	root := kernelRoot(t)
	for _, broken := range [][]fault{
		{
			{"kernel/sync/sleeplock.go", "var guard = Spinlock{Class: ClassPI}", "var guard Spinlock",
				"Spinlock kernel/sync.guard has no class"},
			{"kernel/console.go", "sync.Spinlock{Class: sync.ClassConsole}", "sync.Spinlock{Class: sync.ClassInode}",
				"is given class inode, which is not one of spinlocks"},
		},
		{
			{"kernel/sync/sleeplock.go", "\trefresh(l.holder)\n\tguard.Unlock(c)\n", "\trefresh(l.holder)\n",
				"Park may sleep, and a spinlock of class pi is held since kernel/sync/sleeplock.go:"},
			{"kernel/sync/sleeplock.go", "\trefresh(c)\n\tguard.Unlock(by)\n", "\trefresh(c)\n\tguard.Lock(by)\n",
				`(?m)^kernel/sync/sleeplock\.go:\d+: .*the class does not nest`},
			{"kernel/console.go", "sync.Spinlock{Class: sync.ClassConsole}", "sync.Spinlock{Class: sync.ClassPI}",
				"a spinlock of class pi is taken in an interrupt handler"},
			{"kernel/console.go", "\tamd64.PutByte('\\n')\n", "\tamd64.PutByte('\\n')\n\tsay(\"\")\n",
				"the class does not nest; called by kernel.put"},
		},
		{{"kernel/sync/classes.go", `{name: "console", kind: kindSpinIRQ}`,
			`{name: "console", kind: kindSpinIRQ, before: 1 << ClassPI}`, "class pi is before itself: pi < console < pi"}},
		{{"kernel/test_smp.go", "\tticketLock sync.Ticket\n", "\tticketLock sync.Spinlock\n", "does not compile for ring 0"}},
	} {
		edits := map[string]string{}
		for i, f := range broken {
			path := filepath.Join(root, filepath.FromSlash(f.file))
			from := path
			if edits[path] != "" {
				from = edits[path]
			}
			text, err := os.ReadFile(from)
			require.NoError(t, err)
			require.Equal(t, 1, strings.Count(string(text), f.old), "%s: %s", f.file, f.old)
			edits[path] = write(t, fmt.Sprintf("edited%d.go", i), strings.Replace(string(text), f.old, f.new, 1))
		}
		said := ""
		if r, err := analyseListed(root, kernelList(t), edits); err != nil {
			said = err.Error()
		} else {
			said = strings.Join(r.findings, "\n")
		}
		for _, f := range broken {
			require.Regexp(t, f.says, said, "%s: %s", f.file, f.new)
		}
	}
}

// TestTheKernelHoldsTheOrder: what make lint checks is in order, and the check sees what ring 0 alone has, and what ring 0 cannot build:
// beside the kernel stands a package that needs Go's own runtime and is wrong, and that is all that is found.
func TestTheKernelHoldsTheOrder(t *testing.T) {
	root, copied := kernelRoot(t), t.TempDir()
	for _, name := range []string{"go.mod", "go.sum", "arch", "boot", "internal", "kernel", "tools/mkimage"} {
		from, to := filepath.Join(root, name), filepath.Join(copied, name)
		if text, err := os.ReadFile(from); err == nil {
			require.NoError(t, os.WriteFile(to, text, 0o644))
			continue
		}
		require.NoError(t, os.CopyFS(to, os.DirFS(from)))
	}
	hosted := filepath.Join(copied, "kernel", "hosted")
	require.NoError(t, os.Mkdir(hosted, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(hosted, "hosted.go"), []byte(`package hosted

import (
	"runtime"

	"exo/kernel/sync"
)

var spin = sync.Spinlock{Class: sync.ClassPI}
var sleep = sync.Sleeplock{Class: sync.ClassInode}

func wrong(c *sync.Context) {
	spin.Lock(c)
	runtime.GC()
	sleep.Lock(c)
}
`), 0o644))
	r, err := analyseKernel(copied)
	require.NoError(t, err)
	require.Equal(t, []string{"kernel/hosted/hosted.go:15: a sleeplock of class inode is taken while a spinlock of " +
		"class pi is held since kernel/hosted/hosted.go:13: it may sleep"}, r.findings)
	require.Contains(t, strings.Join(taken(r), "\n"), "kernel/console.go:")
	require.Greater(t, r.functions, 400)
	require.Greater(t, r.acquisitions, 2)
	require.Greater(t, r.handlersCount, 2, "the kernel's interrupt handlers")
	places := ""
	for _, o := range r.objects {
		places += r.at[o] + "\n"
	}
	require.Contains(t, places, "kernel/sync/sleeplock.go:", "a portable package")
	require.Contains(t, places, "kernel/test_smp.go:", "a file that only ring 0 builds")
	require.Contains(t, strings.Join(taken(r), "\n"), "kernel/sync/sleeplock.go:")
	var list bytes.Buffer
	require.NoError(t, r.print(&list))
	require.Equal(t, len(r.objects)+1, strings.Count(list.String(), "\n"))
}

// TestThePictureIsUpToDate compares docs/lock-order.svg with what the table says now.
func TestThePictureIsUpToDate(t *testing.T) {
	root := kernelRoot(t)
	l, err := loadHost(root, nil, "./kernel/sync")
	require.NoError(t, err)
	o, err := readOrder(l)
	require.NoError(t, err)
	picture, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(picture)))
	require.NoError(t, err)
	require.Equal(t, string(picture), string(draw(o)), "run make locks")
	require.Equal(t, draw(o), draw(o))
	for _, c := range o.classes {
		if c != nil {
			require.Contains(t, string(picture), ">"+c.name+"</text>")
		}
	}
}

// TestAFolderWithoutLocksIsNoSuccess: a check that saw nothing must not say that all is well.
func TestAFolderWithoutLocksIsNoSuccess(t *testing.T) {
	var out bytes.Buffer
	require.Error(t, runCheck(t.TempDir(), &out))
	require.Empty(t, out.String())
	require.ErrorContains(t, (&result{functions: 7}).verdict(&out), "no lock seen in 7 functions")
}
