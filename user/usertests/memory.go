//go:build exouser

package main

import (
	"exo/kernel/abi"
	"exo/libos/mem"
)

// The library OS's memory.

const readWrite = abi.PermRead | abi.PermWrite

// Map is mem.Map until the end of the test.
func (t *T) Map(bytes uint64) []uint64 {
	at, err := mem.Map(bytes, readWrite)
	t.OK(err, "Map")
	t.Later(func() { mem.Unmap(at, bytes) })
	return words(at, bytes)
}

func demandZero(t *T) {
	const bytes = 1 << 30
	at, err := mem.Map(bytes, readWrite)
	t.OK(err, "Map")
	before, _, _ := mem.Stats()
	w := words(at, bytes)
	for i := 0; i < len(w); i += len(w) / 16 {
		t.That(w[i] == 0, "memory is not zero")
		w[i] = uint64(i) + 1
	}
	for i := 0; i < len(w); i += len(w) / 16 {
		t.That(w[i] == uint64(i)+1, "what was written is not there")
	}
	after, _, _ := mem.Stats()
	t.Count(int64(after-before), 16*4096, "bytes that are mapped after 16 pages were touched")
	t.OK(mem.Unmap(at, bytes), "Unmap")
	last, _, _ := mem.Stats()
	t.Count(int64(last), int64(before), "bytes that are mapped after Unmap")
}

func runsOfFrames(t *T) {
	w := t.Map(64 * 4096)
	_, before, _ := mem.Stats()
	for i := range w {
		w[i] = uint64(i)
	}
	for i := range w {
		t.That(w[i] == uint64(i), "a word is another")
	}
	_, after, _ := mem.Stats()
	t.That(after-before >= 5 && after-before <= 12, "64 pages one after the other took more than 12 faults, or less than 5")
}

func unmapped(t *T) {
	at, err := mem.Map(3*4096, readWrite)
	t.OK(err, "Map")
	w := words(at, 3*4096)
	for i := range w {
		w[i] = 7
	}
	t.OK(mem.Unmap(at+4096, 4096), "Unmap")
	t.That(panics(func() { w[512] = 1 }), "a page that was unmapped can be written")
	t.That(w[0] == 7 && w[1024] == 7, "its neighbours are gone, too")
	t.OK(mem.Unmap(at, 3*4096), "Unmap of the rest")
	t.That(panics(func() { w[0] = 1 }), "the first page is still there")
}

func protected(t *T) {
	at, err := mem.Map(3*4096, readWrite)
	t.OK(err, "Map")
	w := words(at, 3*4096)
	w[0], w[512], w[1024] = 1, 2, 3
	t.OK(mem.Protect(at+4096, 4096, abi.PermRead), "Protect")
	t.That(panics(func() { w[512] = 9 }) && w[512] == 2, "a read-only page can be written")
	w[0], w[1024] = 4, 5
	t.OK(mem.Protect(at+4096, 4096, readWrite), "Protect back")
	w[512] = 6
	t.OK(mem.Protect(at, 3*4096, 0), "Protect of all")
	t.That(panics(func() { w[0]++ }), "a page that permits nothing can be read")
	t.Is(mem.Protect(at, 4096, abi.PermWrite|abi.PermExecute), abi.BadArgument, "Protect to write and execute")
	mem.Unmap(at, 3*4096)
}

//go:noinline
func deep(n int) int {
	var pad [1024]byte
	pad[n%1024] = 1
	if n == 0 {
		return int(pad[0])
	}
	return deep(n-1) + int(pad[n%1024])
}

func stackGrows(t *T) { t.Count(int64(deep(500)), 501, "what a deep recursion counts") }

func manyRegions(t *T) {
	var all [40][]uint64
	for i := range all {
		all[i] = t.Map(8192)
		all[i][0] = uint64(i)
	}
	for i, w := range all {
		t.That(w[0] == uint64(i), "regions overlap")
	}
}

// regionsRunOut: there is an end to regions, which says so and breaks nothing.
func regionsRunOut(t *T) {
	var all []uint64
	for {
		at, err := mem.Map(4096, readWrite)
		if err != abi.OK {
			t.Is(err, abi.NoSlots, "Map")
			break
		}
		all = append(all, at)
	}
	t.That(len(all) >= 40, "there are few regions")
	for i, at := range all {
		words(at, 8)[0] = uint64(i)
	}
	for i, at := range all {
		t.That(words(at, 8)[0] == uint64(i), "regions overlap")
		t.OK(mem.Unmap(at, 4096), "Unmap")
	}
	_, err := mem.Map(0, readWrite)
	t.Is(err, abi.BadArgument, "Map of nothing")
	_, err = mem.Map(1<<50, readWrite)
	t.Is(err, abi.NoSlots, "Map of more addresses than there are")
}

// holes: where something was unmapped there are zeroes when it is mapped again, and the regions around stay as they are.
func holes(t *T) {
	const bytes = 32 * 4096
	w := t.Map(bytes)
	for i := range w {
		w[i] = 1
	}
	at := addressOf(&w[0])
	for page := uint64(1); page < 31; page += 2 {
		t.OK(mem.Unmap(at+page*4096, 4096), "Unmap")
	}
	for page := uint64(0); page < 32; page += 2 {
		t.That(w[page*512] == 1, "a page that stayed has other contents")
	}
	again, err := mem.Map(4096, readWrite)
	t.OK(err, "Map")
	t.Count(int64(words(again, 8)[0]), 0, "the first word of a new page")
	mem.Unmap(again, 4096)
}

// guard: below a stack there is nothing.
func guard(t *T) {
	at, err := mem.MapStack(16 * 4096)
	t.OK(err, "MapStack")
	w := words(at, 16*4096)
	for i := len(w) - 1; i >= 0; i -= 512 {
		w[i] = uint64(i)
	}
	t.That(panics(func() { words(at-4096, 8)[0] = 1 }), "the page below a stack can be written")
	mem.Unmap(at, 16*4096)
}

func outOfMemory(t *T) {
	t.Status(0, "exit", "0")
	m := mine()
	t.Status(2, "eat")
	t.That(mine().frames <= m.frames+64, "the parent pays for what the child has eaten")
}
