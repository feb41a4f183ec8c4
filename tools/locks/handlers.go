package main

import (
	"go/token"

	"golang.org/x/tools/go/ssa"
)

// checkHandlers looks at what interrupt handlers may take: those that are registered by amd64.Handle.
func (a *analysis) checkHandlers() {
	for _, fn := range a.fns {
		for _, b := range fn.Blocks {
			for _, in := range b.Instrs {
				call, ok := in.(ssa.CallInstruction)
				if !ok || !isHandle(call) {
					continue
				}
				if v, ok := call.Common().Args[0].(*ssa.Const); ok && isException(int(v.Int64())) {
					continue
				}
				handlers, known := a.functions(call.Common().Args[1])
				if !known {
					a.report(in.Pos(), "cannot tell which function becomes an interrupt handler here")
				}
				for _, h := range handlers {
					a.handlers++
					a.checkHandler(h, in.Pos())
				}
			}
		}
	}
}

// checkHandler follows all calls of handler h, which is registered at set.
func (a *analysis) checkHandler(h *ssa.Function, set token.Pos) {
	type step struct {
		ctx  *context
		from *chain
	}
	first := a.contextOf(h, nil)
	seen := map[*context]bool{first: true}
	for queue := []step{{first, nil}}; len(queue) > 0; queue = queue[1:] {
		at := queue[0]
		for _, t := range at.ctx.taken {
			if !a.order.classes[t.class].irq() {
				a.reportChain(t.pos, at.from, at.ctx.fn,
					"%s is taken in an interrupt handler (set at %s), and handlers do not take its class",
					a.describe(t.class), a.at(set))
			}
		}
		for _, out := range at.ctx.calls {
			if !seen[out.to] {
				seen[out.to] = true
				queue = append(queue, step{out.to, &chain{out.pos, at.ctx.fn, at.from}})
			}
		}
	}
}

// isHandle says whether a call is one of amd64.Handle(vector, fn).
func isHandle(call ssa.CallInstruction) bool {
	fn := call.Common().StaticCallee()
	return fn != nil && fn.Name() == "Handle" && pathOfPackage(fn) == archPath && fn.Signature.Recv() == nil
}

// isException says whether a vector is for what the interrupted code itself did, at a place of its own choosing: a handler
// of a page fault may do what the code could have done. NMI and machine check come at any time.
func isException(vector int) bool { return vector < 32 && vector != 2 && vector != 18 }
