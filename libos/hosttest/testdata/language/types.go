package main

type shape interface{ area() float64 }
type named interface{ String() string }
type both interface {
	shape
	named
}
type square struct{ side float64 }
type circle struct{ r float64 }
type text2 string
type wide struct{ a, b, c int }

func (s square) area() float64  { return s.side * s.side }
func (s square) String() string { return "square" }
func (c *circle) area() float64 { return 3 * c.r * c.r }
func (t text2) Error() string   { return string(t) + "!" }
func (w wide) area() float64    { return float64(w.a * w.b * w.c) }
func (w wide) hidden() int      { return w.c }
func (w wide) Unwrap() error    { return nil }

//go:noinline
func classify(v any) string {
	switch v := v.(type) {
	case both:
		return "both " + v.String()
	case shape:
		return "shape " + text(v.area())
	case interface{ hidden() int }:
		return "hidden"
	case named:
		return "named"
	case error:
		return "error " + v.Error()
	case int, int8:
		return "integer"
	case func():
		return "function"
	case []int:
		return "slice " + decimal(len(v))
	case map[string]int:
		return "map"
	case *int:
		return "pointer"
	case nil:
		return "nil"
	}
	return "other"
}

//go:noinline
func toAny[T any](v T) any { return v }

func interfaces() {
	one := 1
	for _, v := range []any{square{2}, &circle{2}, wide{1, 2, 3}, text2("e"), 5, int8(3), func() {}, []int{1}, table, &one, nil, 2.5, circle{1}} {
		say("type switch", classify(v), classify(v))
	}
	var sum float64
	for _, s := range []shape{square{1}, &circle{1}, wide{2, 2, 2}} {
		sum += s.area()
		_, isNamed := s.(named)
		b, isBoth := s.(both)
		say("assertion", isNamed, isBoth, b != nil)
	}
	say("interface calls", sum)
	say("comparison", toAny(1) == toAny(1), toAny(1) == toAny(int8(1)), toAny("a"+decimal(1)) == toAny("a1"),
		toAny(wide{1, 2, 3}) == toAny(wide{1, 2, 3}), toAny(wide{1, 2, 3}) == toAny(wide{1, 2, 4}), shape(square{1}) == shape(square{1}),
		toAny(2.5) == toAny(2.5), toAny(complex(1, 2)) == toAny(complex(1, 2)), toAny([2]string{"a", "b"}) == toAny([2]string{"a", "b"}))
	var s1, s2 shape = toAny(square{3}).(shape), square{3} // the first by an itab that is found as it runs
	say("one itab for each pair", s1 == s2)
	var e error = text2("x")
	var n named
	n, ok := toAny(e).(named)
	say("no such method", ok, n == nil)
	say("values of all sizes", toAny(uint16(300)), toAny(uint32(70000)), toAny(uint64(1)<<40), toAny(""), toAny("s"), toAny([]byte(nil)), toAny([]byte("q")), toAny(uint8(255)))
	err := func() (err error) {
		defer func() { err, _ = recover().(error) }()
		_ = toAny(1).(string)
		return nil
	}()
	say("failed assertion", err)
	err = func() (err error) {
		defer func() { err, _ = recover().(error) }()
		_ = toAny(point{1, 2}).(shape)
		return nil
	}()
	say("failed assertion to an interface", err)
	err = func() (err error) {
		defer func() { err, _ = recover().(error) }()
		var nothing any
		_ = nothing.(shape)
		return nil
	}()
	say("nil assertion", err)
}

type number interface{ ~int | ~float64 }

func sumOf[T number](xs ...T) (s T) {
	for _, x := range xs {
		s += x
	}
	return s
}

func apply[T, U any](xs []T, f func(T) U) (ys []U) {
	for _, x := range xs {
		ys = append(ys, f(x))
	}
	return ys
}

type list[T any] struct {
	head *node[T]
	n    int
}
type node[T any] struct {
	v    T
	next *node[T]
}

func (l *list[T]) push(v T) { l.head = &node[T]{v, l.head}; l.n++ }
func (l *list[T]) all(yield func(int, T) bool) {
	i := 0
	for n := l.head; n != nil; n = n.next {
		if !yield(i, n.v) {
			return
		}
		i++
	}
}

func keyed[K comparable, V any](k K, v V) map[K]V { return map[K]V{k: v} }

func generics() {
	say("generic functions", sumOf(1, 2, 3), sumOf(1.5, 2.5), apply([]int{1, 2, 3}, decimal))
	var l list[string]
	for i := range 4 {
		l.push(decimal(i))
	}
	all := ""
	for i, v := range l.all {
		all += decimal(i) + "=" + v + " "
	}
	say("generic types", l.n, all)
	say("generic maps", keyed("a", 1)["a"], keyed(point{1, 2}, "p")[point{1, 2}], keyed[any](3, true)[3])
}

func count(n int) func(func(int) bool) {
	return func(yield func(int) bool) {
		for i := range n {
			if !yield(i) {
				return
			}
		}
	}
}

func firstOver(limit int) int {
	for i := range count(100) {
		for j := range count(100) {
			if i*j > limit {
				return i*1000 + j
			}
		}
	}
	return -1
}

func rangeFuncs() {
	say("range over a function", firstOver(50), firstOver(99999))
	var trace []string
	func() {
		for i := range count(3) {
			defer func() { trace = append(trace, "d"+decimal(i)) }()
			trace = append(trace, "b"+decimal(i))
		}
		trace = append(trace, "end")
	}()
	say("defer in it", trace)
	bad := func(yield func() bool) { yield(); yield() }
	err := func() (err error) {
		defer func() { err, _ = recover().(error) }()
		for range bad {
			break
		}
		return nil
	}()
	say("goes on after the end", err)
	trace = nil
	v := func() (v any) {
		defer func() { v = recover() }()
		for i := range count(3) {
			defer func() { trace = append(trace, "d"+decimal(i)) }()
			if i == 1 {
				panic("stop")
			}
		}
		return nil
	}()
	say("panic in it", v, trace)
}
