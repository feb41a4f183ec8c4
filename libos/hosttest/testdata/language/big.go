package main

import (
	"bytes"
	"cmp"
	"errors"
	"maps"
	"math"
	"math/bits"
	stdslices "slices"
	"sort"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

//go:noinline
func deepStack(n int) int {
	var a [100]int
	a[n%100] = n
	if n == 0 {
		return 0
	}
	return deepStack(n-1) + a[n%100] - n + 1
}

func big() {
	say("deep recursion", deepStack(900))
	b := make([]byte, atLeast(20<<20))
	b[len(b)-1] = 1
	sum := 0
	for _, v := range b {
		sum += int(v)
	}
	say("20 MiB", len(b), sum)
	var keep [][]byte
	for i := range 2000 {
		s := make([]byte, atLeast(i))
		for j := range s {
			if s[j] != 0 {
				panic("not cleared")
			}
			s[j] = byte(i)
		}
		keep = append(keep, s)
	}
	ok := true
	for i, s := range keep {
		for _, v := range s {
			ok = ok && v == byte(i)
		}
	}
	say("no two values share memory", ok)
	root := &tree{}
	for i := range 500 {
		t := root
		for j := range 9 {
			next := &t.left
			if i>>j&1 == 1 {
				next = &t.right
			}
			if *next == nil {
				*next = &tree{}
			}
			t = *next
		}
		t.v[i%300] = i
	}
	say("a tree of large nodes", root.left.right.left.left.left.left.left.left.left.v[2])
	say("complex division", real((3+4i)/complex(float64(atLeast(1)), 2)), imag((3+4i)/complex(float64(atLeast(1)), 2)))
}

func packages() {
	say("strings", strings.Split("a,b,c", ","), strings.Repeat("ab", 3), strings.ToUpper("straße"), strings.Fields(" x  y "), strings.Contains("haystack", "st"), strings.ReplaceAll("aXbX", "X", "--"))
	var sb strings.Builder
	for i := range 10 {
		sb.WriteString(strconv.Itoa(i))
	}
	say("builder", sb.String())
	n, err := strconv.Atoi("12x")
	say("strconv", n, err, strconv.Quote("a\n\"b\""), strconv.FormatFloat(math.Pi, 'g', -1, 64), strconv.FormatInt(-255, 16))
	f, err := strconv.ParseFloat("2.5e3", 64)
	say("floats", f, err, math.Sqrt(2), math.Floor(-1.5))
	xs := []int{5, 2, 9, 1}
	sort.Ints(xs)
	ys := []string{"b", "a", "c"}
	stdslices.SortFunc(ys, func(a, b string) int { return cmp.Compare(b, a) })
	say("sort", xs, ys, stdslices.Index(xs, 9), sort.SearchInts(xs, 5))
	m := maps.Clone(table)
	m["eleven"] = 11
	say("maps", len(m), len(table), stdslices.Sorted(maps.Keys(m)))
	say("bits", bits.Len64(255), bits.OnesCount64(0xff0f), bits.TrailingZeros(8), bits.ReverseBytes32(1))
	say("unicode", unicode.IsUpper('É'), unicode.IsSpace('x'), utf8.RuneCountInString("世界"), utf8.ValidString("\xff"))
	say("bytes", bytes.Equal([]byte("a"), []byte("a")), bytes.TrimSpace([]byte(" q ")), bytes.Count([]byte("cheese"), []byte("e")))
	base := errors.New("base")
	err = errors.Join(base, &wrapped{base})
	var w *wrapped
	say("errors", errors.Is(err, base), errors.As(err, &w), errors.Is(err, errors.New("base")))
}

type wrapped struct{ inner error }

func (w *wrapped) Error() string { return "wrapped " + w.inner.Error() }
func (w *wrapped) Unwrap() error { return w.inner }
