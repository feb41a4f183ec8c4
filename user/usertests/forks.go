//go:build exouser

package main

import (
	"exo/kernel/abi"
	"exo/libos/file"
	"exo/libos/mem"
	"exo/libos/proc"
	"exo/libos/startpage"
	"exo/libos/sys"
	"exo/libos/thread"
)

// Copies of a process.

func forkStatus(t *T) { t.Count(t.Forked(func() int { return 42 }), 42, "status") }

var global = 1

func copyOnWrite(t *T) {
	local := 1
	global = 1
	heap := make([]int, 10_000)
	for i := range heap {
		heap[i] = i
	}
	status := t.Forked(func() int {
		for i := range heap {
			if heap[i] != i {
				return 1
			}
			heap[i] = -1
		}
		if local != 1 || global != 1 {
			return 2
		}
		local, global = 2, 2
		more := make([]int, 100_000)
		more[len(more)-1] = 1
		return 0
	})
	t.Count(status, 0, "what the child found")
	for i := range heap {
		t.That(heap[i] == i, "the child's writes are seen")
		heap[i]++
	}
	t.That(local == 1 && global == 1, "the child's variables are seen")
}

// parentFirst: the child sees what was there at the fork, though its parent writes first.
func parentFirst(t *T) {
	w := t.Map(8 * 4096)
	for i := range w {
		w[i] = 7
	}
	r, wr, err := file.Pipe()
	t.OK(err, "Pipe")
	id := t.Fork(func() int {
		wr.Close()
		r.Read(make([]byte, 1)) // until the parent has written
		for i := range w {
			if w[i] != 7 {
				return 1
			}
		}
		return 0
	})
	r.Close()
	for i := range w {
		w[i] = 8
	}
	wr.Close()
	t.Count(t.Wait(id), 0, "what the child found")
}

func forkOfFork(t *T) {
	v := make([]int, 5000)
	status := t.Forked(func() int {
		v[1] = 5
		status := t.Forked(func() int {
			v[1]++
			return v[1]
		})
		if v[1] != 5 {
			return -1
		}
		return int(status)
	})
	t.Count(status, 6, "status")
	t.Count(int64(v[1]), 0, "the variable")
}

// deepForks: a chain of copies, each of the one before.
func deepForks(t *T) {
	var down func(n int) int
	down = func(n int) int {
		if n == 0 {
			return 1
		}
		return 1 + int(t.Forked(func() int { return down(n - 1) }))
	}
	t.Count(int64(down(4)), 5, "processes in the chain")
}

func forkMany(t *T) {
	for i := range 8 {
		t.Fork(func() int {
			thread.Sleep(1_000_000)
			return i
		})
	}
	sum := int64(0)
	for range 8 {
		_, status, err := proc.WaitAny()
		t.OK(err, "WaitAny")
		sum += status
	}
	_, _, err := proc.WaitAny()
	t.Is(err, proc.ErrNoChild, "WaitAny when there is none left")
	t.Count(sum, 28, "the sum of the statuses")
}

// onlyCaller: of threads the one is copied that forks.
func onlyCaller(t *T) {
	stop := uint64(0)
	n := t.Map(4096)
	th := t.Go(func() {
		for load(&stop) == 0 {
			n[0]++
			thread.Yield()
		}
	})
	status := t.Forked(func() int {
		before := n[0]
		thread.Sleep(3_000_000)
		if n[0] != before || envInfo(t, 0).Threads != 1 {
			return 1
		}
		other := t.Go(func() { n[0] = 99 }) // it may have threads of its own
		other.Join()
		return int(n[0])
	})
	stop = 1
	th.Join()
	t.Count(status, 99, "status")
}

// keepsPermissions: what was read-only is so in the copy; what could be executed, too.
func keepsPermissions(t *T) {
	at, err := mem.Map(2*4096, readWrite)
	t.OK(err, "Map")
	t.Later(func() { mem.Unmap(at, 2*4096) })
	w := words(at, 2*4096)
	w[0], w[512] = 1, 2
	t.OK(mem.Protect(at, 4096, abi.PermRead), "Protect")
	run := t.Code(loadRAX(5)...)
	status := t.Forked(func() int {
		t.Writes(at, "writing what is read-only")
		w[512] = 3
		return int(t.At(run).rax)
	})
	t.Count(status, 5, "status")
}

// untouched: memory that nobody has touched yet comes to each of the two by itself.
func untouched(t *T) {
	w := t.Map(16 * 4096)
	status := t.Forked(func() int {
		for i := range w {
			if w[i] != 0 {
				return 1
			}
			w[i] = 1
		}
		return 0
	})
	t.Count(status, 0, "what the child found")
	for i := range w {
		t.That(w[i] == 0, "the child's writes are seen")
	}
}

// names: those of capabilities do not go along. What the parent holds the child cannot use, though it knows all of its names.
func namesStay(t *T) {
	parents := t.Held()
	status := t.Forked(func() int {
		own := map[sys.Cap]bool{}
		for _, name := range t.Held() {
			own[name] = true
		}
		for _, name := range parents {
			var info abi.CapInfo
			if err := sys.CapInspect(name, &info); err != abi.BadCap && !own[name] {
				return 1
			}
		}
		return 0
	})
	t.Count(status, 0, "what the child can do with its parent's names")
}

// takesLater: a copy has the capabilities of its parent's start page when it first uses them, and so has its own copy; who is spawned
// takes nothing.
func takesLater(t *T) {
	look := func() int {
		var info abi.CapInfo
		sys.CapInspect(account(), &info) // so that the copies of pages which that takes are made
		for i, c := range sys.StartCaps() {
			before := mine().caps
			if c.Role == startpage.RoleMemory {
				continue
			}
			name := sys.StartCap(c.Role, c.Index)
			if name == 0 || sys.CapInspect(name, &info) != abi.OK || name != sys.StartCap(c.Role, c.Index) {
				return 10 + i
			}
			if mine().caps != before+1 {
				return 30 + i
			}
		}
		if _, err := sys.CapTake(15); err != abi.BadCap {
			return 1
		}
		if _, err := file.ReadFile("README"); err != nil { // by one of them
			return 2
		}
		return 0
	}
	t.Count(t.Forked(look), 0, "what the copy found")
	t.Count(t.Forked(func() int { return int(t.Forked(look)) }), 0, "what the copy's copy found")
	_, err := sys.CapTake(0)
	t.Is(err, abi.BadCap, "CapTake of who was spawned")
	t.Count(t.Forked(func() int { return int(t.Wait(t.Spawn("exit", "5"))) }), 5, "status of who was spawned by a copy")
}

// refusedFork: a copy that cannot be completed leaves nothing, and the caller goes on.
func refusedFork(t *T) {
	w := t.Map(64 * 4096)
	for i := range w {
		w[i] = uint64(i)
	}
	var hogs []sys.Cap
	for { // take capabilities until few are left
		m := mine()
		left := m.limitCaps - m.caps
		if left <= 40 {
			break
		}
		c, err := sys.CapDerive(account(), abi.RightRead|abi.RightDelete, 0, nil)
		t.OK(err, "CapDerive")
		hogs = append(hogs, c)
	}
	before := mine()
	id, err := proc.Fork()
	if id == 0 && err == nil {
		proc.Exit(0)
	}
	if err == nil {
		t.Wait(id)
	}
	t.That(err != nil, "a fork succeeds with ten capabilities")
	why := before.less()
	for i := range w {
		t.That(w[i] == uint64(i), "memory has changed")
		w[i]++
	}
	for _, c := range hogs {
		sys.CapDelete(c)
	}
	t.That(why == "", "after a fork that was refused "+why)
	t.Count(t.Forked(func() int { return 4 }), 4, "status of the next one")
}
