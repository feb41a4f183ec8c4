//go:build exokernel

package main

import (
	"exo/arch/amd64"
	"exo/kernel/mm"
	"exo/kernel/mm/paging"
)

// Benchmarks of address spaces. Between them and their machine's figures stands the space's lock: what it adds is the
// difference between a line and its baseline.

// prepareSpace gives the benchmarks a space in which one page stays, so that tables do.
func prepareSpace() bool {
	defer amd64.IRQRestore(interruptsOn())
	s := &testSpaces[0]
	err := s.init(tableAccount{policy: &kernelMemory, owner: testOwner, limit: 8}, room[paging.Local](ncpu))
	f, ok := userFrame(0, int(topology.NodeOf(0)))
	return err == nil && ok && s.mapPage(testBase, f, paging.Small, paging.Read|paging.Write) == nil
}

// interruptsOn turns interrupts on, as they are where spaces are changed, and returns what they were.
func interruptsOn() uintptr {
	flags := amd64.IRQDisable()
	amd64.IRQRestore(flagsIF)
	return flags
}

// benchMapUnmap maps and unmaps a page under one hold of the lock; shot every 64 pages.
func benchMapUnmap(ops uint64) {
	defer amd64.IRQRestore(interruptsOn())
	s := &testSpaces[0]
	var b paging.Batch
	for range ops / 64 {
		c := s.hold()
		for range 64 {
			s.Map(testBase+mm.FrameSize, 1<<9, paging.Small, paging.Read)
			s.Unmap(testBase+mm.FrameSize, paging.Small, &b)
		}
		s.lock.Unlock(c)
		s.shoot(&b, nil)
	}
}

// benchMapShoot takes the lock for each, and shoots each page.
func benchMapShoot(ops uint64) {
	defer amd64.IRQRestore(interruptsOn())
	s := &testSpaces[0]
	var b paging.Batch
	for range ops {
		s.mapPage(testBase+mm.FrameSize, 1<<9, paging.Small, paging.Read)
		s.unmapPage(testBase+mm.FrameSize, paging.Small, &b)
		s.shoot(&b, nil)
	}
}

// benchProtectPage takes a right away and gives it back, in turn.
func benchProtectPage(ops uint64) {
	defer amd64.IRQRestore(interruptsOn())
	s := &testSpaces[0]
	var b paging.Batch
	for range ops / 64 {
		c := s.hold()
		for range 32 {
			s.Protect(testBase, paging.Small, paging.Read, &b)
			s.Protect(testBase, paging.Small, paging.Read|paging.Write, &b)
		}
		s.lock.Unlock(c)
		s.shoot(&b, nil)
	}
}

func benchProtectShoot(ops uint64) {
	defer amd64.IRQRestore(interruptsOn())
	s := &testSpaces[0]
	var b paging.Batch
	for range ops / 2 {
		s.protectPage(testBase, paging.Small, paging.Read, &b)
		s.shoot(&b, nil)
		s.protectPage(testBase, paging.Small, paging.Read|paging.Write, &b)
		s.shoot(&b, nil)
	}
}

func benchCopyIn(ops uint64) {
	enter(&testSpaces[0])
	var b [64]byte
	for range ops {
		amd64.CopyIn(b[:], testBase)
	}
	drop()
}

// benchCopyPlain copies as much without leave to fail.
func benchCopyPlain(ops uint64) {
	for range ops {
		var b [64]byte
		copy(b[:], benchBytes[:])
		benchBytes[0] = b[1]
	}
}

var benchBytes [64]byte

// benchCopyInString reads strings of 16 bytes.
func benchCopyInString(ops uint64) {
	enter(&testSpaces[0])
	amd64.CopyOut(testBase, []byte("sixteen letters.\x00"))
	var b [64]byte
	for range ops {
		amd64.CopyInString(b[:], testBase)
	}
	drop()
}

func benchEnter(ops uint64) {
	s := &testSpaces[0]
	for range ops {
		enter(s)
		leave()
	}
	drop()
}

func benchEnterDrop(ops uint64) {
	s := &testSpaces[0]
	for range ops {
		enter(s)
		drop()
	}
}
