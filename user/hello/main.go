//go:build exouser

// Hello prints a line, and shows what a program may use: strings, slices, maps, closures, the heap's Mark and Release.
package main

import (
	"exo/libos/heap"
	"exo/libos/startpage"
	"exo/libos/sys"
)

func say(s string) { sys.ConsoleWrite(sys.StartCap(startpage.RoleConsole, 0), []byte(s+"\n")) }

func decimal(n uint64) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return decimal(n/10) + decimal(n%10)
}

func main() {
	name := "world"
	if args := sys.Args(); args.Len() > 1 {
		name = args.At(1)
	}
	say("Hello, " + name + "!")

	words := map[string]int{}
	for round := range 1000 {
		m := heap.Mark()
		var numbers []string
		for i := range 100 {
			numbers = append(numbers, decimal(uint64(round*i)))
		}
		last := len(numbers[99])
		m.Release()
		words["digits"] += last
	}
	allocated, grown := heap.Stats()
	say(decimal(uint64(words["digits"])) + " digits; allocated " + decimal(allocated) + " bytes in " + decimal(grown))
}
