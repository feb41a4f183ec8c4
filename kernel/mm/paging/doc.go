// Package paging holds the page tables of ring 3's address spaces, and sees to it that what they no longer say is
// forgotten by every TLB before a frame changes hands.
//
//	  Map, Unmap, Protect            Enter, Leave, Serve
//	        │                              │
//	      Table ── Space ──────────────── TLBs ── PCIDs
//	        │        └ who runs it         │
//	  Memory, Frames                    Machine
//	        └────────── Batch ──► Shoot ───┘
//
//	entry.go     Perm, Size, Mapping, Entry: the bits of an entry
//	table.go     Table: Map, Unmap, Protect, Replace, Lookup
//	iterate.go   Range, Destroy
//	batch.go     Batch: what was unmapped and may still be in a TLB
//	shoot.go     Space, TLBs: who runs what, and the shootdown
//	pcid.go      which PCID a space has on a CPU
//
// A frame's way out: Unmap takes the entry away and notes the page and the frame in a Batch; Shoot returns, and tells the
// frames, when no CPU can reach them through the space any more.
//
// Everything here is portable: memory is a Memory, and CR3, INVLPG and interrupts are a Machine.
// Start reading in table.go, then shoot.go.
package paging
