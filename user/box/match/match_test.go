package match

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMatch(t *testing.T) {
	for pattern, lines := range map[string]string{ // those with the pattern in them, a bar, those without
		"":          "a  |",
		"Exo":       "Exo/an Exo/Exokernel|exo/Ex/xo",
		"^Exo":      "Exo/Exokernel|an Exo",
		"Exo$":      "Exo/an Exo|Exo.",
		"^$":        "|a",
		"^a.c$":     "abc/a.c|ac/abbc",
		"ab*c":      "ac/abc/abbbc|adc",
		"ab+c":      "abc/abbc|ac",
		"ab?c":      "ac/abc|abbc",
		"a.*z":      "az/a..z/xaz|za",
		"[a-c]x":    "ax/bx/cx|dx/x",
		"[^a-c]x":   "dx/ x|ax/x",
		"[]a]":      "]/a|b",
		"[a-]":      "-/a|b",
		"[.]":       ".|a",
		`\.`:        ".|a",
		`a\\b`:      `a\b|ab`,
		"a|b":       "a/b/xbx|c",
		"^(a|bc)+$": "a/bc/abca|/b/ac",
		"(ab)*c":    "c/abc/ababc|ab",
		"(|a)b":     "b/ab|a",
		"x(a|b|)$":  "x/xa/xb|xc",
		"^(a*)*$":   "/a/aaa|b/ab",
		"a**":       "b/a|",
	} {
		p, err := Compile(pattern, false)
		require.NoError(t, err, pattern)
		with, without, _ := strings.Cut(lines, "|")
		for _, l := range strings.Split(with, "/") {
			require.True(t, p.Match([]byte(l)), "%q in %q", pattern, l)
		}
		for _, l := range strings.Split(without, "/") {
			if without != "" {
				require.False(t, p.Match([]byte(l)), "%q in %q", pattern, l)
			}
		}
	}
	require.True(t, Literal("a.*", false).Match([]byte("xa.*x")))
	require.False(t, Literal("a.*", false).Match([]byte("abc")))
	for _, l := range []string{"EXO", "exo", "eXo"} {
		p, err := Compile("Ex[a-z]", true)
		require.NoError(t, err)
		require.True(t, p.Match([]byte(l)))
		require.True(t, Literal("exO", true).Match([]byte(l)))
	}
	p, err := Compile("@", true)
	require.NoError(t, err)
	require.False(t, p.Match([]byte("`")))
}

func TestCompile_RefusesOddPatterns(t *testing.T) {
	for pattern, want := range map[string]Error{
		"(": ErrParenthesis, ")": ErrParenthesis, "a)": ErrParenthesis, "(a": ErrParenthesis, "[": ErrBracket, "[a": ErrBracket, "[]": ErrBracket,
		"[b-a]": ErrRange, "*": ErrRepeat, "a|*": ErrRepeat, "(+)": ErrRepeat, `\`: ErrBackslash, `a\`: ErrBackslash,
		strings.Repeat("(", 5000): ErrDepth,
	} {
		_, err := Compile(pattern, false)
		require.Equal(t, want, err, pattern)
	}
}

// TestMatch_TakesNoLongerForOddPatterns: backtracking would take 2^40 steps.
func TestMatch_TakesNoLongerForOddPatterns(t *testing.T) {
	p, err := Compile(strings.Repeat("a?", 40)+strings.Repeat("a", 40)+"b", false)
	require.NoError(t, err)
	require.False(t, p.Match(bytes.Repeat([]byte("a"), 40)))
}

// FuzzMatch: the same as Go's regexp, where both have the same rules.
func FuzzMatch(f *testing.F) {
	f.Add("a(b|c)*d?$", "abcbd")
	f.Add("^[^a-c]+x", "dx")
	f.Fuzz(func(t *testing.T, pattern, line string) {
		if len(pattern) > 200 || len(line) > 200 {
			return
		}
		p, err := Compile(pattern, false)
		if err != nil {
			return
		}
		got := p.Match([]byte(line))
		require.Equal(t, got, p.Match([]byte(line)), "a second time")
		for _, s := range []string{pattern, line} {
			for i := range len(s) {
				if s[i] >= 0x80 || s[i] == '\n' || s[i] == '{' || s[i] == '}' {
					return
				}
			}
		}
		for _, odd := range []string{`\`, "**", "*+", "++", "+*", "??", "*?", "+?", "?*", "?+", "[[", "[:", "(?", "&&"} {
			if strings.Contains(pattern, odd) {
				return
			}
		}
		want, err := regexp.Compile("(?s)" + pattern)
		if err != nil {
			return
		}
		require.Equal(t, want.MatchString(line), got)
	})
}
