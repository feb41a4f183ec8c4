package parse

import (
	"fmt"
	"path"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// dump writes what was parsed so that nothing of it is lost.
func dump(s Script) string {
	var b strings.Builder
	for _, a := range s {
		for _, l := range a.Pipelines {
			b.WriteString([]string{"", "&& ", "|| "}[l.Then])
			if l.Not {
				b.WriteString("! ")
			}
			for i, c := range l.Commands {
				if i > 0 {
					b.WriteString("| ")
				}
				if c.Group != "" {
					fmt.Fprintf(&b, "{%s} ", c.Group)
				}
				for _, a := range c.Assigns {
					fmt.Fprintf(&b, "%s=%s ", a.Name, dumpWord(a.Value))
				}
				for _, w := range c.Words {
					b.WriteString(dumpWord(w) + " ")
				}
				for _, r := range c.Redirects {
					fmt.Fprintf(&b, "%d%s%s ", r.FD, []string{"<", ">", ">>", fmt.Sprint(">&", r.From)}[r.Op], dumpWord(r.File))
				}
			}
		}
		b.WriteString(map[bool]string{true: "& ", false: "; "}[a.Background])
	}
	return strings.TrimSpace(b.String())
}

func dumpWord(w Word) string {
	s := ""
	for _, p := range w {
		s += fmt.Sprintf([]string{"%s", "'%s'", "$%s", `"$%s"`}[p.Kind], p.Text)
	}
	return s
}

func TestParse(t *testing.T) {
	for line, want := range map[string]string{
		"":                           "",
		"  \t ":                      "",
		"# nothing":                  "",
		"\n\n":                       "",
		"ls":                         "ls ;",
		" ls  -l\t/ ":                "ls -l / ;",
		"ls # all":                   "ls ;",
		"echo a#b":                   "echo a#b ;",
		"a;b":                        "a ; b ;",
		"a;\nb\n":                    "a ; b ;",
		"a & b":                      "a & b ;",
		"a&":                         "a &",
		"a && b || c":                "a && b || c ;",
		"a && b & c":                 "a && b & c ;",
		"a &&\n b":                   "a && b ;",
		"a|b|c|d":                    "a | b | c | d ;",
		"a |\n b":                    "a | b ;",
		"! a":                        "! a ;",
		"! ! a | b":                  "a | b ;",
		"a && ! b":                   "a && ! b ;",
		"cat <in >out":               "cat 0<in 1>out ;",
		"cat<in>>out":                "cat 0<in 1>>out ;",
		">a":                         "1>a ;",
		"a 2>b 2>>c":                 "a 2>b 2>>c ;",
		"a 2>&1 >&2":                 "a 2>&1 1>&2 ;",
		"a2>b":                       "a2 1>b ;",
		"echo 12>b":                  "echo 12 1>b ;",
		"> a b c":                    "b c 1>a ;",
		"echo 'a b' \"c d\" e\\ f":   "echo 'a b' '''c d' e' 'f ;",
		"echo ''":                    "echo '' ;",
		`echo ""`:                    "echo '' ;",
		`echo 'a'"b"c`:               "echo 'a''''b'c ;",
		`echo "a'b" 'c"d'`:           "echo '''a'b' 'c\"d' ;",
		`echo "\$a \\ \" \n"`:        `echo '''$a \ " \n' ;`,
		`echo \$a \\ \' \| \;`:       `echo '$'a '\' ''' '|' ';' ;`,
		"echo a\\\nb":                "echo ab ;",
		"echo $a ${b}c \"$d\" $? $$": "echo $a $bc ''\"$d\" $? $$ ;",
		"echo $ a$ $/ \"$\"":         "echo $ a$ $/ '''$' ;",
		"echo '$a'":                  "echo '$a' ;",
		"echo \"a${b}c\"":            "echo '''a'\"$b\"'c' ;",
		"A=1 B= c D=2":               "A=1 B= c D=2 ;",
		"A=1":                        "A=1 ;",
		"A=$b'c d'":                  "A=$b'c d' ;",
		"1A=2":                       "1A=2 ;",
		"'A'=1":                      "'A'=1 ;",
		"=1":                         "=1 ;",
		"(a; b)":                     "{a; b} ;",
		"(a | (b && c)) >x | d":      "{a | (b && c)} 1>x | d ;",
		"(a) && b":                   "{a} && b ;",
		"a!b !":                      "a!b ! ;",
	} {
		s, err := Parse(line)
		require.NoError(t, err, "%q", line)
		require.Equal(t, want, dump(s), "%q", line)
	}
}

func TestParse_RefusesOddLines(t *testing.T) {
	for line, want := range map[string]string{
		"|":                    "unexpected |",
		"| a":                  "unexpected |",
		"a |":                  "missing command after |",
		"a ||":                 "missing command after ||",
		"a && ;":               "unexpected ;",
		"a && && b":            "unexpected &&",
		"&":                    "unexpected &",
		"; a":                  "unexpected ;",
		"a ;; b":               "unexpected ;",
		"a & & b":              "unexpected &",
		"a | | b":              "unexpected |",
		"!":                    "missing command after !",
		"a >":                  "missing file after >",
		"a >> | b":             "missing file after >>",
		"a 2>":                 "missing file after 2>",
		"a < ;":                "missing file after <",
		"a >&":                 "missing number after >&",
		"a >&x":                "missing number after >&",
		"echo 'a":              "missing '",
		`echo "a`:              `missing "`,
		`echo "a\"`:            `missing "`,
		`a \`:                  `nothing after \`,
		"echo ${a":             "bad name after ${",
		"echo ${}":             "bad name after ${",
		"echo ${a b}":          "bad name after ${",
		"(a":                   "missing )",
		"a)":                   "unexpected )",
		")":                    "unexpected )",
		"()":                   "nothing in parentheses",
		"(a) b":                "unexpected b",
		"a (b)":                "unexpected (",
		"(a;)|":                "missing command after |",
		"A=1 (b)":              "unexpected (",
		"a\n|b":                "unexpected |",
		"echo \"a\\\\\"b\" c'": `missing "`,
	} {
		_, err := Parse(line)
		require.EqualError(t, err, want, "%q", line)
	}
	_, err := Parse(strings.Repeat("(", 1000) + "a" + strings.Repeat(")", 1000))
	require.EqualError(t, err, "too many parentheses")
	_, err = Parse("a; b |")
	require.Equal(t, 6, err.(*Error).At)
}

func TestParse_TextsAreAsWritten(t *testing.T) {
	s, err := Parse(" a  b | c>d  && e & (f ; g) | h #i")
	require.NoError(t, err)
	require.Equal(t, "a  b | c>d  && e", s[0].Text)
	require.Equal(t, "a  b | c>d", s[0].Pipelines[0].Text)
	require.Equal(t, "c>d", s[0].Pipelines[0].Commands[1].Text)
	require.Equal(t, "e", s[0].Pipelines[1].Text)
	require.Equal(t, "(f ; g) | h", s[1].Text)
	require.Equal(t, "(f ; g)", s[1].Pipelines[0].Commands[0].Text)
}

func TestExpand(t *testing.T) {
	values := map[string]string{"a": "1", "two": "x  y", "none": "", "star": "*", "edge": " p q "}
	for word, want := range map[string][]Field{
		"plain":        {{"plain", ""}},
		"''":           {{"", ""}},
		"$none":        nil,
		"$unset":       nil,
		`"$none"`:      {{"", ""}},
		"$a":           {{"1", ""}},
		"x$a'y'":       {{"x1y", ""}},
		"$two":         {{"x", ""}, {"y", ""}},
		`"$two"`:       {{"x  y", ""}},
		"a$two'b'":     {{"ax", ""}, {"yb", ""}},
		"a${edge}b":    {{"a", ""}, {"p", ""}, {"q", ""}, {"b", ""}},
		"*":            {{"*", "*"}},
		"'*'":          {{"*", ""}},
		`\*`:           {{"*", ""}},
		"'*'*":         {{"**", `\**`}},
		"$star":        {{"*", "*"}},
		`"$star"`:      {{"*", ""}},
		`a?[b]'\'`:     {{`a?[b]\`, `a?[b]\\`}},
		"$none$none''": {{"", ""}},
	} {
		s, err := Parse("echo " + word)
		require.NoError(t, err)
		got := Expand(s[0].Pipelines[0].Commands[0].Words[1], func(n string) string { return values[n] })
		require.Equal(t, want, got, word)
	}
	s, err := Parse(`x=$two'*'"$none"$a`)
	require.NoError(t, err)
	require.Equal(t, "x  y*1", Text(s[0].Pipelines[0].Commands[0].Assigns[0].Value, func(n string) string { return values[n] }))
}

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"", "", true}, {"", "a", false}, {"a", "", false}, {"*", "", true}, {"*", "abc", true}, {"a*c", "abbc", true},
		{"a*c", "abcb", false}, {"*b*", "abc", true}, {"*.go", "a.go", true}, {"*.go", ".go", true}, {"*.go", "go", false},
		{"?", "a", true}, {"?", "", false}, {"a?c", "abc", true}, {"**a", "bca", true}, {"a**", "a", true},
		{"[abc]", "b", true}, {"[abc]", "d", false}, {"[a-c]x", "bx", true}, {"[^a-c]", "d", true}, {"[!a]", "a", false},
		{"[]]", "]", true}, {"[a-]", "-", true}, {"[", "[", true}, {"[a", "[a", true}, {`\*`, "*", true}, {`\*`, "a", false},
		{`\[a]`, "[a]", true}, {"*a*b*c", "xaybzc", true}, {"*a*b*c", "xaybz", false},
	} {
		require.Equal(t, c.want, Match(c.pattern, c.name), "%q %q", c.pattern, c.name)
	}
}

// FuzzParse: whatever is typed, there is a script or an error; what was parsed can be parsed again from its texts.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"a|b&&c;d&", "(a 'b';c)>d", "a \"$b\" ${c} 2>&1 <x", "A=1 b\\\n c # d", "! a || b\n\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		s, err := Parse(line)
		if err != nil {
			at := err.(*Error).At
			require.True(t, at >= 0 && at <= len(line))
			return
		}
		for _, a := range s {
			again, err := Parse(a.Text)
			require.NoError(t, err, "%q", a.Text)
			require.Len(t, again, 1)
			again[0].Background = a.Background
			require.Equal(t, dump(Script{a}), dump(again))
			for _, l := range a.Pipelines {
				for _, c := range l.Commands {
					for _, w := range c.Words {
						Expand(w, func(n string) string { return n + " *" + n })
					}
				}
			}
		}
	})
}

// FuzzMatch: Match agrees with path.Match where that has the same rules.
func FuzzMatch(f *testing.F) {
	f.Add("a*b?", "aXbc")
	f.Add("*[^a-c]*", "xyz")
	f.Fuzz(func(t *testing.T, pattern, name string) {
		got := Match(pattern, name)
		for _, s := range []string{pattern, name} {
			for i := range len(s) {
				if s[i] >= 0x80 || s[i] == '/' || s[i] == '[' || s[i] == ']' || s[i] == '\\' && i == len(s)-1 {
					return
				}
			}
		}
		want, err := path.Match(pattern, name)
		require.NoError(t, err)
		require.Equal(t, want, got)
	})
}
