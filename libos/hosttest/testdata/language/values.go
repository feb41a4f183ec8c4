package main

var (
	early    = decimal(len(table))
	table    = map[string]int{"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10}
	squares  = makeSquares(5)
	initRuns []string
)

func makeSquares(n int) (s []int) {
	for i := range n {
		s = append(s, i*i)
	}
	return s
}

func init() { initRuns = append(initRuns, "first") }
func init() { initRuns = append(initRuns, "second") }

func initialisers() {
	say("package variables", early, table["seven"], squares)
	say("init functions", initRuns)
}

type point struct{ x, y int }

func (p point) String() string   { return decimal(p.x) + "," + decimal(p.y) }
func (p *point) move(dx, dy int) { p.x += dx; p.y += dy }

//go:noinline
func newPoint(x, y int) *point { return &point{x, y} }

//go:noinline
func atLeast(n int) int { return n }

func slices() {
	var s []int
	for i := range 5000 {
		s = append(s, i)
	}
	sum := 0
	for _, v := range s {
		sum += v
	}
	say("append", len(s), cap(s) >= 5000, sum)
	say("make", len(make([]int, atLeast(7))), cap(make([]string, atLeast(3), atLeast(9))))
	zero := true
	for range 200 {
		for _, v := range make([]uint64, atLeast(333)) {
			zero = zero && v == 0
		}
	}
	say("make clears", zero)
	a := []int{1, 2, 3}
	b := append(a[:2:2], 9)
	say("append copies where there is no room", a, b)
	full := make([]int, 4)
	c, d := append(full, 1), append(full, 2)
	c[0] = 7
	say("two appends do not share", c, d, full)
	say("append of slices", append([]string{"a"}, []string{"b", "c"}...), append([]byte("x"), "yz"...))
	var grid [][]int
	for y := range 4 {
		row := make([]int, y)
		for x := range row {
			row[x] = x * y
		}
		grid = append(grid, row)
	}
	say("slices of slices", grid[1], grid[2], grid[3])
	p := newPoint(1, 2)
	p.move(3, 4)
	q := newPoint(1, 2)
	say("new", *p, *q, p != q)
	clone := append([]point(nil), *p, *q)
	p.move(1, 1)
	say("structs are copied", clone[0], len(clone))
	copied := make([]int, atLeast(3))
	say("copy", copy(copied, []int{4, 5, 6, 7}), copied)
	clear(copied)
	say("clear", copied)
	arr := [4]int(full)
	say("slice to array", arr[0], len(arr))
	var empty []struct{}
	for range 10 {
		empty = append(empty, struct{}{})
	}
	say("empty structs", len(empty))
	type large struct{ a, b, c, d, e int }
	var ls []large
	for i := range 100 {
		ls = append(ls, large{e: i})
	}
	say("large elements", ls[99].e, ls[0].a, len(ls))
}

func stringsAndRunes() {
	s := "ab"
	for i := range 3 {
		s += decimal(i) + "."
	}
	say("concatenation", s, s+s, s+"x"+s, s+"x"+s+"y", s+"1"+s+"2"+s+"3"+s)
	b := []byte(s)
	b[0] = 'X'
	say("conversions", s, b, string(b))
	runes := []rune("héllo, 世界 \xff")
	runes[0] = 'H'
	say("runes", len(runes), string(runes), string(runes[1]), string(rune(0x10ffff+1)))
	n := 0
	for i, r := range "aé世\xf0" {
		n += i * int(r)
	}
	say("range over a string", n)
	say("comparison", s < "b", s == "ab0.1.2.", "b" > s, "" == s[:0])
	m := map[string]int{string(b): 4}
	say("temporary strings", m[string([]byte(s)[:0])+string(b)], string(b[:3]) == "Xb0")
	long := ""
	for range 200 {
		long += "0123456789"
	}
	say("long", len(long), long[1990:])
}

func counter() (next func() int, reset func()) {
	n := 0
	return func() int { n++; return n }, func() { n = 0 }
}

func compose(fs ...func(int) int) func(int) int {
	return func(x int) int {
		for _, f := range fs {
			x = f(x)
		}
		return x
	}
}

func closures() {
	next, reset := counter()
	next()
	next()
	say("closures", next())
	reset()
	say("share variables", next())
	var fs []func() int
	for i := range 3 {
		fs = append(fs, func() int { return i * i })
	}
	say("each round its own", fs[0](), fs[1](), fs[2]())
	k := atLeast(5)
	say("compose", compose(func(x int) int { return x + k }, func(x int) int { return x * x })(2))
	p := newPoint(1, 1)
	move := p.move
	move(2, 3)
	f := point.String
	say("method values", *p, f(*p))
	var fib func(int) int
	fib = func(n int) int {
		if n < 2 {
			return n
		}
		return fib(n-1) + fib(n-2)
	}
	say("recursion", fib(20))
}
