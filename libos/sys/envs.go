//go:build exouser

package sys

import (
	"runtime"

	"exo/kernel/abi"
)

// EnvCreate makes an environment with a quota that the caller gives up; account is the name, in the new one, of its account.
func EnvCreate(memory Cap, frames, caps uint64) (env, account Cap, err abi.Errno) {
	m, err := EnvCreateAs(memory, frames, caps, 0)
	return m.Env, m.Account, err
}

// Made is an environment that was made: its name, its name for its account, which one it is, what it may have.
type Made struct {
	Env, Account         Cap
	Number, Frames, Caps uint64
}

// EnvCreateAs is EnvCreate with flags, abi.EnvAlike and abi.EnvPart.
func EnvCreateAs(memory Cap, frames, caps, flags uint64) (m Made, err abi.Errno) {
	r, account, number, frames, caps := runtime.Syscall(uint64(abi.EnvCreate), memory, frames, caps, flags, 0, 0)
	if m.Env, err = value(r); err == abi.OK {
		m.Account, m.Number, m.Frames, m.Caps = account, number, frames, caps
	}
	return m, err
}

// EnvGive gives it things, in order; done is how many were given. Each has its name there in it, or why not.
func EnvGive(env Cap, grants []abi.Grant) (done int, err abi.Errno) {
	at, n := outAll(grants)
	v, err := call3(abi.EnvGive, env, at, n)
	return int(v), err
}

// EnvAwait waits until it has ended, and says how. end: its capability is not needed any more.
func EnvAwait(env Cap, until uint64, end bool) (status int64, err abi.Errno) {
	gone := uint64(0)
	if end {
		gone = 1
	}
	r, how := runtime.Syscall3(uint64(abi.EnvAwait), env, until, gone)
	return int64(how), failed(r)
}

// EnvUpcalls says where the kernel enters it.
func EnvUpcalls(env Cap, u *abi.Upcalls) abi.Errno { return only3(abi.EnvUpcalls, env, in(u), 0) }

// EnvWatch has a notification signalled when it ends.
func EnvWatch(env, notification Cap, bits uint64) abi.Errno {
	return only3(abi.EnvWatch, env, notification, bits)
}

// EnvInspect tells what it is and has.
func EnvInspect(env Cap, into *abi.EnvInfo) abi.Errno {
	return only3(abi.EnvInspect, env, out(into), 0)
}

// EnvNext tells about an environment after another, of env and those that descend from it; next is where to go on, 0: there are no
// more.
func EnvNext(env Cap, from uint64, into *abi.EnvInfo) (next uint64, err abi.Errno) {
	return call3(abi.EnvNext, env, from, out(into))
}

// EnvSuspend stops its threads.
func EnvSuspend(env Cap) abi.Errno { return only3(abi.EnvSuspend, env, 0, 0) }

// EnvResume lets them go on.
func EnvResume(env Cap) abi.Errno { return only3(abi.EnvResume, env, 0, 0) }

// EnvDestroy frees all that it held.
func EnvDestroy(env Cap) abi.Errno { return only3(abi.EnvDestroy, env, 0, 0) }

// EnvExit ends the caller's. It returns only if that is refused.
func EnvExit(status int64) abi.Errno { return only3(abi.EnvExit, uint64(status), 0, 0) }

// ThreadCreate makes a thread of env.
func ThreadCreate(env Cap, start *abi.ThreadStart) (Cap, abi.Errno) {
	return call3(abi.ThreadCreate, env, in(start), 0)
}

// ThreadExit ends the caller. It returns only if that is refused.
func ThreadExit() abi.Errno { return only3(abi.ThreadExit, 0, 0, 0) }

// ThreadSuspend stops a thread.
func ThreadSuspend(thread Cap) abi.Errno { return only3(abi.ThreadSuspend, thread, 0, 0) }

// ThreadResume lets it go on.
func ThreadResume(thread Cap) abi.Errno { return only3(abi.ThreadResume, thread, 0, 0) }

// ThreadInspect tells how it is.
func ThreadInspect(thread Cap, into *abi.ThreadInfo) abi.Errno {
	return only3(abi.ThreadInspect, thread, out(into), 0)
}

// ThreadDestroy ends it.
func ThreadDestroy(thread Cap) abi.Errno { return only3(abi.ThreadDestroy, thread, 0, 0) }

// ThreadEnd ends it, if it has not ended, and gives up its capability.
func ThreadEnd(thread Cap) abi.Errno { return only3(abi.ThreadDestroy, thread, 1, 0) }

// ThreadSchedule says where and how it is to run.
func ThreadSchedule(thread, cpu Cap, s *abi.Schedule) abi.Errno {
	particular()
	return only3(abi.ThreadSchedule, thread, cpu, in(s))
}

// ThreadBases sets FS and GS bases, where ring 3 has no instructions for that.
func ThreadBases(fs, gs uint64) abi.Errno {
	particular()
	return only3(abi.ThreadBases, fs, gs, 0)
}

// Yield gives the rest of the slice to a thread, or to whoever is next.
func Yield(to Cap) abi.Errno { return only3(abi.Yield, to, 0, 0) }

// Sleep waits until a time.
func Sleep(until uint64) abi.Errno { return only3(abi.Sleep, until, 0, 0) }
