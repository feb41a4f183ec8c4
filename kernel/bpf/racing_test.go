package bpf

import (
	"runtime"
	"sync/atomic"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// A page that is mapped twice, so that a program may read through one address what changes through the other.
func twice(t *testing.T) (here, there []byte) {
	fd, err := unix.MemfdCreate("data", 0)
	require.NoError(t, err)
	defer unix.Close(fd)
	size := unix.Getpagesize()
	require.NoError(t, unix.Ftruncate(fd, int64(size)))
	for _, b := range []*[]byte{&here, &there} {
		*b, err = unix.Mmap(fd, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
		require.NoError(t, err)
		mapped := *b
		t.Cleanup(func() { require.NoError(t, unix.Munmap(mapped)) })
	}
	return here, there
}

// While another thread writes all zeros and all ones in turn, an aligned word is one or the other, and what was loaded stays.
func TestRun_G5_WhileAnotherWrites(t *testing.T) {
	here, there := twice(t)
	whole := func(load Insn, ones uint32) []Insn {
		return []Insn{LoadConstX(4), load, JumpEqual(0, 1, 0), JumpEqual(ones, 1, 2), Return(1), Return(2), Return(3)}
	}
	programs := map[string][]Insn{
		"word": whole(LoadWord(4), 0xffffffff), "wordX": whole(LoadWordX(0), 0xffffffff),
		"half": whole(LoadHalf(4), 0xffff), "halfX": whole(LoadHalfX(2), 0xffff),
		"byte": whole(LoadByte(5), 0xff), "byteX": whole(LoadByteX(3), 0xff),
		"header": {LoadHeader(6), XToA(), JumpEqual(0, 1, 0), JumpEqual(60, 1, 2), Return(1), Return(2), Return(3)},
		// X comes from data: its load is inside, or ends the program.
		"index": {LoadWord(4), AToX(), LoadByteX(0), Return(2)},
	}
	var stop atomic.Bool
	done := make(chan struct{})
	go func() {
		defer close(done)
		w := (*uint32)(unsafe.Pointer(&there[4]))
		for i := uint32(0); !stop.Load(); i++ {
			atomic.StoreUint32(w, -(i & 1))
			if i%64 == 0 {
				runtime.Gosched()
			}
		}
	}()
	defer func() {
		stop.Store(true)
		<-done
	}()
	for name, prog := range programs {
		_, err := Verify(prog)
		require.NoError(t, err)
		var seen [4]int
		for n := 0; n < 200_000 || (min(seen[1]+seen[0], seen[2]) < 100 && n < 100_000_000); n++ {
			seen[Run(prog, here, nil)]++
			if n%64 == 0 {
				runtime.Gosched()
			}
		}
		require.Zero(t, seen[3], "%s is torn: %v", name, seen)
		require.GreaterOrEqual(t, min(seen[1]+seen[0], seen[2]), 100, "%s never changed: %v", name, seen)
	}
}
