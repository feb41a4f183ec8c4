//go:build exouser

package sys

import (
	"runtime"

	"exo/kernel/abi"
)

// EnvCreate makes an environment with a quota that the caller gives up; account is the name, in the new one, of its account.
func EnvCreate(memory Cap, frames, caps uint64) (env, account Cap, err abi.Errno) {
	r, account := runtime.Syscall3(uint64(abi.EnvCreate), memory, frames, caps)
	env, err = value(r)
	return env, account, err
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

// ThreadSchedule says where and how it is to run.
func ThreadSchedule(thread, cpu Cap, s *abi.Schedule) abi.Errno {
	return only3(abi.ThreadSchedule, thread, cpu, in(s))
}

// ThreadBases sets FS and GS bases, where ring 3 has no instructions for that.
func ThreadBases(fs, gs uint64) abi.Errno { return only3(abi.ThreadBases, fs, gs, 0) }

// Yield gives the rest of the slice to a thread, or to whoever is next.
func Yield(to Cap) abi.Errno { return only3(abi.Yield, to, 0, 0) }

// Sleep waits until a time.
func Sleep(until uint64) abi.Errno { return only3(abi.Sleep, until, 0, 0) }
