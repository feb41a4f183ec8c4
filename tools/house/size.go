package main

import (
	"fmt"
	"strings"
)

// longest is how many lines a file may have: what is longer has more than one idea.
const longest = 600

func checkSizes(tree []source) (wrong []string) {
	for _, s := range tree {
		if n := strings.Count(s.text, "\n"); n > longest {
			wrong = append(wrong, fmt.Sprintf("%s: %d lines, of at most %d: split it by idea", s.path, n, longest))
		}
	}
	return wrong
}
