package pipe

import (
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRing_G1_G2_bytesComeOutInOrder(t *testing.T) {
	const total = 200_000
	var r Ring
	var wg sync.WaitGroup
	wg.Add(1)
	go func() {
		defer wg.Done()
		var b [777]byte
		for sent := 0; sent < total; {
			n := min(1+sent%len(b), total-sent)
			for i := range b[:n] {
				b[i] = byte((sent + i) % 251)
			}
			for at := 0; at < n; {
				k := r.Write(b[at:n], 1, runtime.Gosched)
				at += k
				if k == 0 {
					runtime.Gosched()
				}
			}
			sent += n
		}
	}()
	got := 0
	var b [1000]byte
	for got < total {
		n := r.Read(b[:1+got%len(b)], 2, runtime.Gosched)
		for i := range b[:n] {
			if b[i] != byte((got+i)%251) {
				t.Fatalf("byte %d is %d", got+i, b[i])
			}
		}
		got += n
		if n == 0 {
			runtime.Gosched()
		}
	}
	wg.Wait()
	require.Zero(t, r.Len())
	require.Equal(t, Size, r.Room())
}

func TestRing_G1_whatFitsStaysTogether(t *testing.T) {
	const writers, each = 4, 500
	var r Ring
	var wg sync.WaitGroup
	for w := range writers {
		wg.Add(1)
		go func() {
			defer wg.Done()
			line := []byte{byte('a' + w), byte('a' + w), byte('a' + w), byte('a' + w)}
			for range each {
				for r.Room() < 64*len(line) {
					runtime.Gosched()
				}
				if n := r.Write(line, uint32(w+1), runtime.Gosched); n != len(line) {
					t.Errorf("only %d bytes were written", n)
				}
			}
		}()
	}
	var b [4]byte
	for range writers * each {
		for r.Len() < 4 {
			runtime.Gosched()
		}
		require.Equal(t, 4, r.Read(b[:], 100, runtime.Gosched))
		require.True(t, b[0] == b[1] && b[1] == b[2] && b[2] == b[3], "%q", b[:])
	}
	wg.Wait()
}

func TestRing_fillsUp(t *testing.T) {
	var r Ring
	big := make([]byte, Size+10)
	require.Equal(t, Size, r.Write(big, 1, nil))
	require.Zero(t, r.Write(big, 1, nil))
	require.Equal(t, 100, r.Read(big[:100], 1, nil))
	require.Equal(t, 100, r.Write(big, 1, nil))
	require.Equal(t, Size, r.Read(big, 1, nil))
	require.Zero(t, r.Read(big, 1, nil))
}

// attach and gone are Attach and Gone by process 7.
func attach(r *Ring, process uint32, readers, writers int) bool {
	return r.Attach(process, 7, readers, writers, 7, runtime.Gosched)
}

func gone(r *Ring, process uint32) { r.Gone(process, 7, runtime.Gosched) }

func TestRing_G3_endsAreCounted(t *testing.T) {
	var r Ring
	require.True(t, attach(&r, 7, 1, 1))
	require.True(t, attach(&r, 8, 0, 2))
	require.True(t, attach(&r, 7, 1, 0))
	require.Equal(t, 2, r.Readers())
	require.Equal(t, 3, r.Writers())
	require.True(t, attach(&r, 8, 0, -1))
	require.Equal(t, 2, r.Writers())
	gone(&r, 8)
	require.Equal(t, 1, r.Writers())
	require.True(t, attach(&r, 7, -2, -1))
	require.Zero(t, r.Readers()+r.Writers())
	for i := range maxHolders {
		require.True(t, attach(&r, uint32(100+i), 1, 0))
	}
	require.False(t, attach(&r, 1, 1, 0), "there is room for so many processes only")
	gone(&r, 100)
	require.True(t, attach(&r, 1, 1, 0))
}

func TestRing_G3_endsAreCountedByManyAtOnce(t *testing.T) {
	var r Ring
	var wg sync.WaitGroup
	for p := uint32(1); p <= 6; p++ {
		wg.Go(func() {
			for range 500 {
				r.Attach(p, 0, 1, 2, p, runtime.Gosched)
				r.Attach(p+10, p, 0, 1, p, runtime.Gosched)
				r.Attach(p, 0, -1, -1, p, runtime.Gosched)
				r.Gone(p+10, p, runtime.Gosched)
			}
		})
	}
	wg.Wait()
	require.Zero(t, r.Readers())
	require.Equal(t, 6*500, r.Writers())
}

func TestRing_G4_whoDescendsGoesAlong(t *testing.T) {
	for order := range 4 {
		var r Ring
		require.True(t, r.Attach(1, 0, 1, 1, 1, nil))
		require.True(t, r.Attach(2, 1, 0, 1, 1, nil))
		require.True(t, r.Attach(3, 2, 0, 1, 2, nil))
		require.True(t, r.Attach(4, 3, 1, 0, 3, nil))
		require.True(t, r.Attach(5, 1, 0, 1, 1, nil))
		if order%2 == 1 { // those in between have closed theirs
			require.True(t, r.Attach(2, 1, 0, -1, 2, nil))
			require.True(t, r.Attach(3, 2, 0, -1, 3, nil))
		}
		if order >= 2 { // and one dies in the middle of what it does
			r.changing.Store(4)
			r.reading.Store(4)
			r.writing.Store(3)
		}
		r.Gone(2, 1, nil)
		require.Equal(t, 1, r.Readers(), "order %d", order)
		require.Equal(t, 2, r.Writers(), "order %d", order)
		require.Equal(t, 1, r.Write([]byte{1}, 1, nil))
		require.Equal(t, 1, r.Read(make([]byte, 2), 1, nil))
		require.True(t, r.Attach(1, 0, -1, -1, 1, nil))
		r.Gone(5, 1, nil)
		require.Zero(t, r.Readers()+r.Writers())
		for i := range r.holders {
			require.Zero(t, r.holders[i].process.Load(), "order %d: nobody is left in the table", order)
		}
	}
}

func TestRing_theDeadHoldNoLocks(t *testing.T) {
	var r Ring
	r.writing.Store(9)
	r.reading.Store(9)
	gone(&r, 8)
	require.EqualValues(t, 9, r.writing.Load())
	gone(&r, 9)
	require.Equal(t, 1, r.Write([]byte{1}, 1, nil))
	require.Equal(t, 1, r.Read(make([]byte, 2), 1, nil))
}
