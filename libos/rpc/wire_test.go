package rpc

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWire(t *testing.T) {
	buffer := make([]byte, 200)
	w := WriterOn(buffer)
	w.Uint(1 << 63)
	w.String("path/to")
	w.Bool(true)
	w.Bytes([]byte("abc"))
	space := w.Space(50)
	require.Len(t, space, 50)
	copy(space, "xyz")
	w.Shorten(space, 3)
	w.Uint(7)
	require.False(t, w.Full)
	r := ReaderOn(buffer[:w.Len()])
	require.Equal(t, uint64(1<<63), r.Uint())
	require.Equal(t, "path/to", r.String())
	require.True(t, r.Bool())
	require.Equal(t, "abc", string(r.Bytes()))
	require.Equal(t, "xyz", r.String())
	require.Equal(t, uint64(7), r.Uint())
	require.False(t, r.Bad)
	require.Zero(t, r.Uint())
	require.True(t, r.Bad)
}

func TestWire_WhatDoesNotFitIsLeftOut(t *testing.T) {
	for size := range 40 {
		w := WriterOn(make([]byte, size))
		w.Uint(1)
		w.String("12345")
		space := w.Space(100)
		require.Equal(t, size < 29, w.Full, size)
		require.LessOrEqual(t, w.Len(), size)
		if !w.Full {
			require.Len(t, space, size-29)
		}
	}
}

// FuzzReader: whatever is in the frames, no read goes beyond them, and after a bad one all is nothing.
func FuzzReader(f *testing.F) {
	f.Add([]byte{3, 0, 0, 0, 0, 0, 0, 0, 'a', 'b', 'c', 255}, "sub")
	f.Add([]byte{255, 255, 255, 255, 255, 255, 255, 255, 1}, "s")
	f.Fuzz(func(t *testing.T, buffer []byte, what string) {
		r := ReaderOn(buffer)
		total := 0
		for _, k := range what {
			bad := r.Bad
			switch k % 3 {
			case 0:
				total += 8
				require.True(t, r.Uint() == 0 || !bad)
			case 1:
				total += 8 + len(r.String())
			case 2:
				b := r.Bytes()
				require.Equal(t, len(b), cap(b))
				total += 8 + len(b)
			}
			if !r.Bad {
				require.LessOrEqual(t, total, len(buffer))
			}
		}
	})
}
