//go:build exouser

package main

import (
	"strings"
	"sync/atomic"

	"exo/kernel/abi"
	"exo/libos/file"
	"exo/libos/proc"
	"exo/libos/sys"
	"exo/libos/thread"
)

// Processes, by spawn.

func spawnWait(t *T) {
	for i := range 5 {
		n := int64(i * 3)
		t.Status(n, "exit", number(n))
	}
	_, err := proc.Wait(1)
	t.Is(err, proc.ErrNoChild, "Wait for who is no child")
}

// statuses: a status is any number.
func statuses(t *T) {
	for _, n := range []int64{0, 1, 2, 127, 255, 256, 1 << 31, -1000} {
		t.Status(n, "exit", number(n))
	}
}

func arguments(t *T) {
	id, err := proc.Spawn(me, []string{me, runChild, "args", "a", "b c", "", "d"}, &proc.Attr{Env: []string{"OTHER=1", "KEY=value"}})
	t.OK(err, "Spawn")
	t.Count(t.Wait(id), 0, "status of who does not find its arguments")
	_, err = proc.Spawn(me, []string{me, strings.Repeat("x", 100_000)}, nil)
	t.Is(err, proc.ErrTooLong, "Spawn with 100 kB of arguments")
}

func kill(t *T) {
	id := t.Spawn("spin")
	thread.Sleep(2_000_000)
	ended, _, err := proc.Poll(id)
	t.That(!ended && err == nil, "it has ended by itself")
	t.OK(proc.Kill(id), "Kill")
	t.Count(t.Wait(id), abi.StatusKilled, "status")
	t.Is(proc.Kill(id), proc.ErrNoChild, "Kill of who is no more")
}

// killedTwice: the first end counts.
func killedTwice(t *T) {
	id := t.Spawn("wait")
	t.OK(proc.Kill(id), "Kill")
	t.OK(proc.Kill(id), "Kill again")
	t.Count(t.Wait(id), abi.StatusKilled, "status")
	id = t.Spawn("exit", "5")
	eventually(func() bool { return envInfo(t, t.EnvOf(id)).State == abi.EnvEnded })
	t.OK(proc.Kill(id), "Kill of who has ended")
	t.Count(t.Wait(id), 5, "its status")
}

func envInfo(t *T, env sys.Cap) (info abi.EnvInfo) {
	t.OK(sys.EnvInspect(env, &info), "EnvInspect")
	return info
}

// families: who ends takes its children along.
func families(t *T) {
	r, w, err := file.Pipe()
	t.OK(err, "Pipe")
	envs := settledCount(&sys.Info().Envs)
	id, err := proc.Spawn(me, []string{me, runChild, "family"}, &proc.Attr{Files: []file.FD{file.In, w, file.Err}})
	t.OK(err, "Spawn")
	w.Close()
	var b [1]byte
	_, err = r.Read(b[:])
	t.OK(err, "Read")
	proc.Kill(id)
	t.Wait(id)
	_, err = r.Read(b[:]) // ends when no process has the other end
	t.That(err != nil, "somebody writes")
	r.Close()
	eventually(func() bool { return load(&sys.Info().Envs) <= envs })
}

func ran(id proc.ID) uint64 {
	for _, p := range proc.List() {
		if p.ID == id {
			return p.RanNs
		}
	}
	return 0
}

// stopContinue: who is stopped does nothing at all, until it goes on.
func stopContinue(t *T) {
	n := t.SharedPage()
	id := t.Fork(func() int {
		for {
			atomic.AddUint64(&n[0], 1)
		}
	})
	t.Later(func() {
		proc.Kill(id)
		proc.Wait(id)
	})
	eventually(func() bool { return load(&n[0]) > 0 })
	t.OK(proc.Stop(id), "Stop")
	before := load(&n[0])
	thread.Sleep(5_000_000)
	t.Count(int64(load(&n[0])), int64(before), "what it counts while it is stopped")
	for _, p := range proc.List() {
		t.That(p.ID != id || p.State == proc.Suspended, "its state is "+p.State)
	}
	t.OK(proc.Continue(id), "Continue")
	eventually(func() bool { return load(&n[0]) != before })
}

// stoppedKilled: who is stopped can be ended.
func stoppedKilled(t *T) {
	id := t.Spawn("spin")
	t.OK(proc.Stop(id), "Stop")
	t.OK(proc.Kill(id), "Kill")
	t.Count(t.Wait(id), abi.StatusKilled, "status")
}

func noProgram(t *T) {
	_, err := proc.Spawn("bin/nothing", nil, nil)
	t.Is(err, file.ErrNone, "Spawn of what is not there")
	fd, err := file.Open("text", file.Write|file.Create)
	t.OK(err, "Open")
	t.Later(func() { file.Remove("text") })
	fd.WriteString("this is no program")
	fd.Close()
	_, err = proc.Spawn("text", nil, nil)
	t.Is(err, proc.ErrNoProgram, "Spawn of a text")
}

func framesComeBack(t *T) {
	why := "?"
	for range 3 { // what is kept for next time may come with any of the first
		before := mine()
		for range 10 {
			t.Status(1, "exit", "1")
		}
		if why = before.less(); why == "" {
			return
		}
	}
	t.Fail("each time after ten children " + why)
}

// manyChildren: twenty at once, each with a status of its own.
func manyChildren(t *T) {
	statuses := map[proc.ID]int64{}
	for i := range 20 {
		id, err := proc.Spawn(me, []string{me, runChild, "exit", number(int64(i))}, &proc.Attr{Frames: 200, Caps: 60})
		t.OK(err, "Spawn")
		statuses[id] = int64(i)
	}
	for range 20 {
		id, status, err := proc.WaitAny()
		t.OK(err, "WaitAny")
		want, ok := statuses[id]
		t.That(ok, "WaitAny tells of a process twice")
		t.Count(status, want, "status")
		delete(statuses, id)
	}
	_, _, err := proc.WaitAny()
	t.Is(err, proc.ErrNoChild, "WaitAny when there is none left")
}

// quotas: a child has what it was given, and the parent has that less meanwhile.
func quotas(t *T) {
	before := mine()
	id, err := proc.Spawn(me, []string{me, runChild, "wait"}, &proc.Attr{Frames: 1000, Caps: 100})
	t.OK(err, "Spawn")
	info := envInfo(t, t.EnvOf(id))
	t.Count(int64(info.FrameLimit), 1000, "frames that it may have")
	t.Count(int64(info.CapLimit), 100, "capabilities that it may have")
	t.Count(int64(before.limitFrames-mine().limitFrames), 1000, "frames that its parent has less")
	t.Count(int64(info.Parent), int64(proc.Self()), "its parent")
	proc.Kill(id)
	t.Wait(id)
	t.Count(int64(mine().limitFrames), int64(before.limitFrames), "frames that its parent may have afterwards")
	_, err = proc.Spawn(me, []string{me}, &proc.Attr{Frames: before.limitFrames + 1, Caps: 100})
	t.Is(err, abi.NoQuota, "Spawn with more than there is")
}

// refusedSpawn: a child that cannot be completed leaves nothing.
func refusedSpawn(t *T) {
	t.Status(0, "exit", "0") // the program is prepared once
	for _, a := range []proc.Attr{{Frames: 1, Caps: 100}, {Frames: 12, Caps: 100}, {Frames: 20, Caps: 100}, {Frames: 1000, Caps: 1},
		{Frames: 1000, Caps: 4}, {Frames: 1000, Caps: 7}} {
		before := mine()
		id, err := proc.Spawn(me, []string{me, runChild, "exit", "0"}, &a)
		if err == nil { // enough to begin
			t.Wait(id)
			continue
		}
		if why := before.less(); why != "" {
			t.Fail("after a Spawn with " + number(int64(a.Frames)) + " frames and " + number(int64(a.Caps)) + " capabilities, which says " +
				err.Error() + ", " + why)
		}
	}
}

// descriptors: a child has those that it is given.
func givenFiles(t *T) {
	t.Status(3, "descriptors")
	for n := range 3 {
		id, err := proc.Spawn(me, []string{me, runChild, "descriptors"}, &proc.Attr{Files: []file.FD{file.In, file.Out, file.Err}[:n]})
		t.OK(err, "Spawn")
		t.Count(t.Wait(id), int64(n), "descriptors")
	}
}
