package main

import "errors"

func defers() {
	var trace []string
	add := func(s string) { trace = append(trace, s) }
	func() {
		for i := range 4 {
			defer add(decimal(i))
		}
		defer func() { add("closure") }()
		add("body")
	}()
	say("defers run in reverse", trace)
	say("a defer changes the result", func() (n int) {
		defer func() { n *= 2 }()
		return 21
	}())
	n := 0
	for i := range 3000 {
		func() {
			for range 3 {
				defer func() { n += i & 1 }()
			}
		}()
	}
	say("many defers", n)
	say("arguments are evaluated at once", func() (s string) {
		x := 1
		defer func(y int) { s = decimal(y) + decimal(x) }(x)
		x = 2
		return
	}())
	conditional := func(yes bool) (s string) {
		defer func() { s += "a" }()
		if yes {
			defer func() { s += "b" }()
		}
		return "r"
	}
	say("conditional", conditional(true), conditional(false))
}

//go:noinline
func index(a []int, i int) int { return a[i] }

//go:noinline
func divide(a, b int) int { return a / b }

//go:noinline
func deref(p *point) int { return p.y }

//go:noinline
func shift(n int) int { return 1 << n }

type tree struct {
	left, right *tree
	v           [300]int
}

//go:noinline
func catch(f func()) (what string) {
	defer func() {
		switch v := recover().(type) {
		case nil:
			what = "nothing"
		case interface{ RuntimeError() }:
			what = "runtime error"
		default:
			what = text(v)
		}
	}()
	f()
	return "returned"
}

//go:noinline
func results(fail bool) (a int, b string, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = errors.New("caught " + text(v))
		}
	}()
	a, b = 1, "one"
	if fail {
		panic(text(a))
	}
	return 2, "two", nil
}

//go:noinline
func recoverer() any { return recover() }

type catcher struct{ got any }

func (c *catcher) catch()          { c.got = recover() }
func (c catcher) catchInto(p *any) { *p = recover() }

func panics() {
	say("value", catch(func() { panic("p") }), catch(func() { panic(errors.New("e")) }), catch(func() { panic(7) }), catch(func() {}))
	say("bounds", catch(func() { index([]int{1}, atLeast(1)) }), catch(func() { index(nil, atLeast(-1)) }))
	say("slice bounds", catch(func() { _ = "abc"[atLeast(2):atLeast(1)] }), catch(func() { _ = make([]int, 3)[:atLeast(4)] }))
	say("division", catch(func() { divide(1, atLeast(0)) }))
	say("shift", catch(func() { shift(atLeast(-1)) }))
	say("nil pointer", catch(func() { deref(nil) }))
	say("nil far away", catch(func() { var t *tree; t.right.v[atLeast(7)]++ }))
	say("nil function", catch(func() { var f func(); f() }))
	say("nil map", catch(func() { var m map[string]int; m["a"] = 1 }))
	say("uncomparable", catch(func() { _ = toAny([]int{1}) == toAny([]int{1}) }))
	say("unhashable", catch(func() { _ = map[any]int{toAny([]int{1}): 1} }))
	say("make", catch(func() { _ = make([]int, atLeast(-1)) }), catch(func() { _ = make([]int, atLeast(1)<<60) }))
	say("slice to array", catch(func() { _ = [4]int(make([]int, atLeast(3))) }))
	say("panic(nil)", catch(func() { panic(nil) }))
	a, b, err := results(true)
	say("results as they were", a, b, err)
	a, b, err = results(false)
	say("results", a, b, err)
	say("panic while panicking", catch(func() {
		defer func() { panic("second") }()
		panic("first")
	}))
	say("recovered inside, then goes on", catch(func() {
		defer func() {
			catch(func() { panic("inner") })
		}()
		panic("outer")
	}))
	say("panic again", catch(func() {
		defer func() {
			if v := recover(); v != nil {
				panic("again " + text(v))
			}
		}()
		panic("once")
	}))
	say("recover from a helper does not", catch(func() {
		defer func() { recoverer() }()
		panic("kept")
	}))
	say("recover without a panic", recoverer())
	say("recover by a deferred helper", func() (r string) {
		r = "recovered"
		defer recoverer()
		panic("helper")
	}())
	var c catcher
	func() {
		defer c.catch()
		panic("method")
	}()
	var got any
	func() {
		var i interface{ catchInto(*any) } = &c // through a wrapper
		defer i.catchInto(&got)
		panic("wrapper")
	}()
	say("recover in methods", c.got, got)
	deep := 0
	var dig func(n int)
	dig = func(n int) {
		defer func() { deep++ }()
		if n == 0 {
			panic("deep")
		}
		dig(n - 1)
	}
	say("from deep down", catch(func() { dig(100) }), deep)
	n := 0
	for range 2000 {
		if catch(func() { index(nil, n) }) == "runtime error" {
			n++
		}
	}
	say("again and again", n)
	local := []int{1, 2, 3}
	func() {
		x, y := atLeast(10), atLeast(20)
		func() {
			defer func() { recover() }()
			local = append(local, x)
			deref(nil)
		}()
		local = append(local, y)
	}()
	say("locals live on", local)
}
