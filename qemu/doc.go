// Package qemu boots the kernel in QEMU and judges what it did, from outside.
//
//	topologies/*.args ─┐
//	Machine (config) ──┴─ Args ──> Start ──> Guest ── serial lines ──┬─> TAP     (tap.go)
//	                                 │        │                      ├─> benches (bench.go)
//	                                 │        │                      └─> panics  (crash.go, disasm.go)
//	                                 │        ├─ QMP: why did it end, where is each CPU (qmp.go)
//	                                 │        └─ Watchdog: hung, or starved by a slow host (watchdog.go)
//	                                 └─ own process group, dies with us       ──> Result, Result.Err
//
// Start reading at [Machine], then [Run], then [Result.Err], which lists everything
// that makes a boot a failure. The command exo-run next door is what `make qemu` calls.
//
// The guest says how it ended by writing a byte v to I/O port 0xf4, which makes QEMU exit
// with 2v+1: [ExitPass], [ExitFail] or [ExitPanic]. Powering off by ACPI is also an orderly
// end. A triple fault is not: QEMU would exit 0 for it too, so the harness asks QEMU over
// its control socket (QMP) for the reason.
package qemu
