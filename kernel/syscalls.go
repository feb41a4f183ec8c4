//go:build exokernel

package main

import (
	"runtime"
	"unsafe"

	"exo/arch/amd64"
	"exo/kernel/abi"
)

// System calls: arch/amd64 brings the caller's registers, and finds the function here by the number. A call checks all that
// it was given before it does anything. It begins with interrupts off; what takes longer than a few lookups turns them on.
// Pointers are copied from and to, once, and never followed.

// calls has what there is for each number; others are abi.BadCall, those of abi that are still to come too.
var calls = [abi.Calls]amd64.Syscall{
	abi.Null: func(*amd64.UserState, *amd64.SysFrame) int64 { return 0 },

	abi.CapDerive:   sysCapDerive,
	abi.CapTransfer: sysCapTransfer,
	abi.CapRevoke:   sysCapRevoke,
	abi.CapDelete:   sysCapDelete,
	abi.CapInspect:  sysCapInspect,
	abi.CapHeld:     sysCapHeld,

	abi.FrameAlloc:  sysFrameAlloc,
	abi.FrameShare:  sysFrameShare,
	abi.PageMap:     sysPageMap,
	abi.PageProtect: sysPageProtect,
	abi.PageUnmap:   sysPageUnmap,
	abi.PageOps:     sysPageOps,

	abi.EnvCreate:  sysEnvCreate,
	abi.EnvUpcalls: sysEnvUpcalls,
	abi.EnvWatch:   sysEnvWatch,
	abi.EnvInspect: sysEnvInspect,
	abi.EnvSuspend: sysEnvSuspend,
	abi.EnvResume:  sysEnvResume,
	abi.EnvDestroy: sysEnvDestroy,
	abi.EnvExit:    sysEnvExit,
	abi.EnvGive:    sysEnvGive,
	abi.EnvAwait:   sysEnvAwait,

	abi.ThreadCreate:   sysThreadCreate,
	abi.ThreadExit:     sysThreadExit,
	abi.ThreadSuspend:  sysThreadSuspend,
	abi.ThreadResume:   sysThreadResume,
	abi.ThreadInspect:  sysThreadInspect,
	abi.ThreadDestroy:  sysThreadDestroy,
	abi.ThreadSchedule: sysThreadSchedule,
	abi.ThreadBases:    sysThreadBases,
	abi.Yield:          sysYield,
	abi.Sleep:          sysSleep,

	abi.EndpointCreate: sysEndpointCreate,
	abi.IPCCall:        sysIPCCall,
	abi.IPCReceive:     sysIPCReceive,
	abi.IPCReplyWait:   sysIPCReplyWait,
	abi.IPCReply:       sysIPCReply,
	abi.IPCTimeout:     sysIPCTimeout,

	abi.NotifyCreate: sysNotifyCreate,
	abi.Notify:       sysNotify,
	abi.Wait:         sysWait,
	abi.WaitUntil:    sysWaitUntil,
	abi.TimerSet:     sysTimerSet,

	abi.ConsoleWrite: sysConsoleWrite,
	abi.ConsoleRead:  sysConsoleRead,
	abi.ConsoleBind:  sysConsoleBind,
	abi.PortIn:       sysPortIn,
	abi.PortOut:      sysPortOut,
	abi.SystemEnd:    sysSystemEnd,

	abi.EnvNext: sysEnvNext,

	abi.CapOffer: sysCapOffer,
	abi.CapTake:  sysCapTake,

	abi.InterruptBind: sysInterruptBind,
	abi.InterruptAck:  sysInterruptAck,
	abi.RevokeRequest: sysRevokeRequest,
	abi.Repossessed:   sysRepossessed,

	abi.FileOpen:     sysFileOpen,
	abi.FileMake:     sysFileMake,
	abi.FileSymlink:  sysFileSymlink,
	abi.FileLink:     sysFileLink,
	abi.FileRemove:   sysFileRemove,
	abi.FileRename:   sysFileRename,
	abi.FileRead:     sysFileRead,
	abi.FileWrite:    sysFileWrite,
	abi.FileTruncate: sysFileTruncate,
	abi.FileStat:     sysFileStat,
	abi.FileChange:   sysFileChange,
	abi.FileList:     sysFileList,
	abi.FileText:     sysFileText,
	abi.FileSync:     sysFileSync,
	abi.FileSystem:   sysFileSystem,

	abi.ExtentRead:  sysExtentRead,
	abi.ExtentWrite: sysExtentWrite,
	abi.ExtentFlush: sysExtentFlush,
}

const _ = uint(amd64.SyscallSlots - abi.Calls)

func badCall(*amd64.UserState, *amd64.SysFrame) int64 { return int64(abi.BadCall) }

// irqOn turns interrupts on, for what takes longer, waits, or changes address spaces.
func irqOn() { runtime.IRQOn() }

// bytesOf views a value as bytes.
//
// SAFETY: what is exchanged with ring 3 is made of words and bytes, any of which may have any value.
func bytesOf[T any](v *T) []byte { return unsafe.Slice((*byte)(unsafe.Pointer(v)), unsafe.Sizeof(*v)) }

// copyIn fills a value from ring 3's memory; false: it cannot be read.
func copyIn[T any](to *T, from uint64) bool { return amd64.CopyIn(bytesOf(to), from) }

// copyOut writes one there; false: it cannot be written.
func copyOut[T any](to uint64, from *T) bool { return amd64.CopyOut(to, bytesOf(from)) }
