package qemu

import (
	"fmt"
	"strings"
)

// SplitWords cuts text into words as a shell would: at white space, with '…' and "…" keeping
// spaces, and a # at the start of a word beginning a comment that ends with the line.
// Nothing is expanded.
func SplitWords(text string) ([]string, error) {
	var words []string
	var word strings.Builder
	inWord := false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			if inWord {
				words = append(words, word.String())
				word.Reset()
				inWord = false
			}
		case c == '#' && !inWord:
			for i+1 < len(text) && text[i+1] != '\n' {
				i++
			}
		case c == '\'' || c == '"':
			end := strings.IndexByte(text[i+1:], c)
			if end < 0 {
				return nil, fmt.Errorf("line %d: the quote %c is never closed", 1+strings.Count(text[:i], "\n"), c)
			}
			word.WriteString(text[i+1 : i+1+end])
			i += 1 + end
			inWord = true
		default:
			word.WriteByte(c)
			inWord = true
		}
	}
	if inWord {
		words = append(words, word.String())
	}
	return words, nil
}

// JoinWords is the inverse: one line that a shell would cut into the same words.
func JoinWords(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		if w == "" || strings.ContainsAny(w, " \t\n\r'\"\\$`#&;|<>()*?[]{}~!") {
			w = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
		quoted[i] = w
	}
	return strings.Join(quoted, " ")
}
