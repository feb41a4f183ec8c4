package main

type key struct {
	a string
	b float64
	c any
}

func mapsOfAllKinds() {
	ints := map[int]int{}
	for i := range 10000 {
		ints[i*7919] = i
	}
	for i := 0; i < 10000; i += 3 {
		delete(ints, i*7919)
	}
	sum, n := 0, 0
	for k, v := range ints {
		if k != v*7919 {
			panic("wrong value")
		}
		sum += v
		n++
	}
	_, has := ints[3*7919]
	_, hasNot := ints[4*7919]
	say("map of int", len(ints), n, sum, has, hasNot)
	words := map[string][]int{}
	for i := range 3000 {
		w := decimal(i % 97)
		words[w] = append(words[w], i)
	}
	say("map of string", len(words), len(words["13"]), words["96"][29], words["none"] == nil)
	structs := map[key]int{}
	for i := range 500 {
		structs[key{decimal(i), float64(i) / 4, i % 5}]++
		structs[key{decimal(i), float64(i) / 4, i % 5}]++
	}
	say("map of structs", len(structs), structs[key{"7", 1.75, 2}])
	anys := map[any]string{1: "int", "1": "string", 1.0: "float", point{1, 1}: "struct", [2]int{1, 2}: "array", nil: "nil", true: "bool", complex64(1): "c"}
	say("map of any", len(anys), anys[1], anys["1"], anys[1.0], anys[point{1, 1}], anys[[2]int{1, 2}], anys[nil], anys[true], anys[complex64(1)], anys[2] == "")
	small := map[uint32]bool{1: true}
	small[2] = false
	v, ok := small[2]
	say("map of uint32", small[1], v, ok, len(small))
	pointers := map[*point]int{}
	p, q := newPoint(1, 1), newPoint(1, 1)
	pointers[p]++
	pointers[q] += 2
	say("map of pointers", pointers[p], pointers[q], len(pointers))
	nan := 0.0
	nan /= nan
	floats := map[float64]int{nan: 1, 0: 2}
	negative := 0.0
	floats[nan] = 3
	floats[-negative] = 4
	say("NaN and zero", len(floats), floats[0], floats[nan])
	clear(ints)
	say("clear", len(ints))
	big := map[int][200]byte{}
	for i := range 50 {
		big[i] = [200]byte{199: byte(i)}
	}
	elem := big[49]
	say("large elements", len(big), elem[199], big[77][0])
	sized := make(map[string]int, atLeast(1000))
	for i := range 1000 {
		sized[decimal(i)] = i
	}
	say("made for a size", len(sized), sized["999"])
	grown := map[int]int{0: 0}
	for k := range grown {
		if k < 100 {
			grown[k+1000] = 1
			delete(grown, k)
		}
	}
	say("changed while ranged over", len(grown) > 0)
	counts := [3]int{}
	for i := range 300 {
		m := map[int]int{0: 0, 1: 1, 2: 2}
		for k := range m {
			counts[k] += i * 0
			counts[k]++
			break
		}
	}
	say("iteration begins anywhere", counts[0]+counts[1]+counts[2], counts[0] > 0 && counts[1] > 0 && counts[2] > 0)
	var nothing map[string]int
	say("nil map", nothing["a"], len(nothing))
}
