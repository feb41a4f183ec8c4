package amd64

const (
	VectorPageFault = 14
	VectorTimer     = 0xF0
)

type Frame struct{ Vector uint64 }

var handlers [256]func(*Frame)

func Handle(vector int, fn func(*Frame)) { handlers[vector] = fn }

func trap(f *Frame) { handlers[f.Vector](f) }
