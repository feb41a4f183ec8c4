package main

import (
	"slices"

	"golang.org/x/tools/go/ssa"
)

// leaveLoop is for loops that release the elements of an array: one that goes round as often as the loop that took them
// must not count as perhaps not going round at all.
func leaveLoop(ctx *context, v visitor, head, to *ssa.BasicBlock, s *state) {
	loop := loopOf(head)
	if loop == nil || loop[to] {
		return
	}
	for b := range loop {
		for _, in := range b.Instrs {
			call, ok := in.(*ssa.Call)
			if !ok {
				continue
			}
			classes, path := v.releases(ctx, call)
			if !index.MatchString(path) {
				continue
			}
			for k, h := range s.held {
				if h.outer == nil && slices.Contains(classes, k.class) && family(k.path) == family(path) {
					delete(s.held, k)
				}
			}
		}
	}
}

// loopOf is the natural loop that begins with head, nil if there is none.
func loopOf(head *ssa.BasicBlock) map[*ssa.BasicBlock]bool {
	var loop map[*ssa.BasicBlock]bool
	var add func(b *ssa.BasicBlock)
	add = func(b *ssa.BasicBlock) {
		if !loop[b] {
			loop[b] = true
			for _, p := range b.Preds {
				add(p)
			}
		}
	}
	for _, p := range head.Preds {
		if head.Dominates(p) {
			if loop == nil {
				loop = map[*ssa.BasicBlock]bool{head: true}
			}
			add(p)
		}
	}
	return loop
}
