package line

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// screen is a terminal that is wide enough, as far as the editor uses it. A row holds what was written there.
type screen struct {
	rows    [][]rune
	row, at int
	text    []byte // not shown yet: a part of a character or sequence
	wrong   string
}

func (s *screen) here() *[]rune {
	for len(s.rows) <= s.row {
		s.rows = append(s.rows, nil)
	}
	return &s.rows[s.row]
}

func (s *screen) show(b []byte) {
	s.text = append(s.text, b...)
	for len(s.text) > 0 {
		switch c := s.text[0]; {
		case c == '\r':
			s.at, s.text = 0, s.text[1:]
		case c == '\n':
			s.row++
			s.text = s.text[1:]
		case c == 0x1b:
			end := 2
			for end < len(s.text) && s.text[end] < 0x40 {
				end++
			}
			if end >= len(s.text) {
				return
			}
			n := 0
			for _, d := range s.text[2:end] {
				n = n*10 + int(d-'0')
			}
			switch s.text[end] {
			case 'A':
				s.row -= n
			case 'B':
				s.row += n
			case 'C':
				s.at += n
			case 'D':
				s.at -= n
			case 'H':
				s.row, s.at = 0, 0
			case 'J':
				if n == 2 {
					s.rows = nil
					break
				}
				r := s.here()
				*r = (*r)[:min(s.at, len(*r))]
				s.rows = s.rows[:s.row+1]
			default:
				s.wrong = "unknown sequence"
			}
			s.text = s.text[end+1:]
		default:
			if !utf8.FullRune(s.text) {
				return
			}
			c, n := utf8.DecodeRune(s.text)
			r := s.here()
			for len(*r) <= s.at {
				*r = append(*r, ' ')
			}
			(*r)[s.at] = c
			s.at++
			s.text = s.text[n:]
		}
		if s.row < 0 || s.at < 0 {
			s.wrong = "above the first row, or left of it"
			s.row, s.at = 0, 0
		}
	}
}

// line is what can be seen from a row on, without the ends of rows.
func (s *screen) line(from int) string {
	text := ""
	for _, r := range s.rows[min(from, len(s.rows)):] {
		text += string(r)
	}
	return text
}

func editor(width int) (*Editor, *screen) {
	s := &screen{}
	e := &Editor{Prompt: "$ ", Width: width, Out: s.show}
	e.Start()
	return e, s
}

func press(e *Editor, keys string) (ev Event) {
	for i := range len(keys) {
		ev = e.Key(keys[i])
	}
	e.Flush()
	return ev
}

const (
	upKey, downKey, rightKey, leftKey = "\x1b[A", "\x1b[B", "\x1b[C", "\x1b[D"
	homeKey, endKey, deleteKey        = "\x1b[H", "\x1b[F", "\x1b[3~"
)

func TestEditor(t *testing.T) {
	for keys, want := range map[string]string{
		"abc":                           "abc|",
		"abc" + leftKey:                 "ab|c",
		"abc" + leftKey + "x":           "abx|c",
		"abc" + leftKey + leftKey + "X": "aX|bc",
		"abc\x02\x02\x06":               "ab|c",
		"abc\x01x":                      "x|abc",
		"abc\x01\x05x":                  "abcx|",
		"abc" + homeKey + "x" + endKey:  "xabc|",
		"abc\x1b[1~\x1b[4~\x1b[7~":      "|abc",
		"abc\x1bOH":                     "|abc",
		"abc\x7f":                       "ab|",
		"abc\x08\x08\x08\x08":           "|",
		"abc\x01" + deleteKey:           "|bc",
		"abc" + deleteKey:               "abc|",
		"abc\x01\x04":                   "|bc",
		"abc def\x17":                   "abc |",
		"abc def  \x17\x17":             "|",
		"abc def" + leftKey + "\x17":    "abc |f",
		"abc\x15":                       "|",
		"abc" + leftKey + "\x15":        "|c",
		"abc" + leftKey + "\x0b":        "ab|",
		"abc" + leftKey + "\x0cx":       "abx|c",
		leftKey + rightKey + "\x7f\x01": "|",
		"ab cd\x1b[1;5Dx":               "ab x|cd",
		"ab cd\x01\x1b[1;5Cx":           "abx| cd",
		"ab cd\x1bbx\x1bf":              "ab xcd|",
		"äöü" + leftKey:                 "äö|ü",
		"äöü\x7f":                       "äö|",
		"äöü\x01x" + rightKey + "y":     "xäy|öü",
		"ab" + leftKey + "ü":            "aü|b",
		"a\x1b[5~\x1b[Z\x1bxb":          "ab|",
		"a\x1b\x1b[Db":                  "b|a",
		"a\x00\x1d\x1fb":                "ab|",
	} {
		e, s := editor(0)
		press(e, keys)
		at := strings.Index(want, "|")
		require.Equal(t, strings.Replace(want, "|", "", 1), e.Text(), "%q", keys)
		require.Equal(t, at, e.at, "%q", keys)
		require.Equal(t, "$ "+e.Text(), s.line(0), "%q", keys)
		require.Equal(t, 2+utf8.RuneCountInString(want[:at]), s.at, "%q", keys)
		require.Empty(t, s.wrong)
	}
}

func TestEditor_Events(t *testing.T) {
	e, s := editor(0)
	require.Equal(t, Entered, press(e, "abc"+leftKey+"\r"))
	require.Equal(t, "abc", e.Text())
	require.Equal(t, Nothing, press(e, "\n"), "of the same Enter")
	require.Equal(t, Entered, press(e, "\n"))
	e.Start()
	require.Equal(t, Interrupt, press(e, "abc\x03"))
	e.Start()
	require.Equal(t, End, press(e, "\x04"))
	require.Empty(t, s.wrong)
}

// remember has an editor remember a line that was entered.
func remember(e *Editor, line string) {
	e.text = append(e.text[:0], line...)
	e.Remember()
}

func TestEditor_RemembersLines(t *testing.T) {
	e, _ := editor(0)
	for _, l := range []string{"one", "two", "two", "", "three"} {
		remember(e, l)
	}
	first, lines := e.Lines()
	require.Equal(t, 1, first)
	require.Equal(t, []string{"one", "two", "three"}, lines)
	for keys, want := range map[string]string{
		upKey: "three", upKey + upKey: "two", strings.Repeat(upKey, 9): "one", upKey + upKey + downKey: "three",
		"new" + upKey + downKey: "new", "new" + upKey + upKey + downKey + downKey + downKey: "new", downKey: "",
		upKey + "x" + downKey + upKey: "three", "\x10\x10\x0e": "three",
	} {
		e.Start()
		press(e, keys)
		require.Equal(t, want, e.Text(), "%q", keys)
	}
	for i := range 2 * History {
		remember(e, strings.Repeat("x", i+1))
	}
	first, lines = e.Lines()
	require.Equal(t, 3+2*History-History+1, first)
	require.Len(t, lines, History)
	e.Start()
	press(e, strings.Repeat(upKey, 3*History))
	require.Equal(t, lines[0], e.Text())
}

func TestEditor_LongLinesGoOnInTheNextRow(t *testing.T) {
	e, s := editor(20)
	text := "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMN"
	for i := range len(text) {
		press(e, text[i:i+1])
		require.Equal(t, "$ "+text[:i+1], s.line(0))
		require.Equal(t, [2]int{(i + 3) / 20, (i + 3) % 20}, [2]int{s.row, s.at})
	}
	for i := len(text) - 1; i >= 0; i-- {
		press(e, leftKey)
		require.Equal(t, [2]int{(i + 2) / 20, (i + 2) % 20}, [2]int{s.row, s.at})
	}
	press(e, "XY"+deleteKey+deleteKey)
	text = "XY" + text[2:]
	require.Equal(t, "$ "+text, s.line(0))
	press(e, "\x05"+strings.Repeat("\x7f", 30))
	require.Equal(t, "$ "+text[:20], s.line(0))
	require.Equal(t, Entered, press(e, homeKey+"\r"))
	require.Equal(t, 2, s.row, "below the line")
	e.Start()
	press(e, strings.Repeat("x", 2*Most))
	require.Len(t, e.Text(), Most)
	require.Empty(t, s.wrong)
}

func TestEditor_Completes(t *testing.T) {
	e, s := editor(0)
	e.Complete = func(text string) (int, []string) {
		from := strings.LastIndexByte(text, ' ') + 1
		var words []string
		for _, w := range []string{"cat", "call", "ls", "bin/"} {
			if strings.HasPrefix(w, text[from:]) {
				words = append(words, w)
			}
		}
		return from, words
	}
	for keys, want := range map[string]string{
		"l\t": "ls ", "c\t": "ca", "c\t\t": "ca", "b\tx": "bin/x", "q\t": "q", "cat l\t": "cat ls ", "x l\x01\x06\x06\x06\ty": "x ls y",
	} {
		e.Start()
		press(e, keys)
		require.Equal(t, want, e.Text(), "%q", keys)
	}
	require.Empty(t, s.wrong)
}

// FuzzEditor: whatever is typed, the screen shows the line, in rows that are not too long, and the cursor where it is.
func FuzzEditor(f *testing.F) {
	f.Add("abc"+leftKey+"x\x01\x7f\x0b"+upKey+"\rls\x17"+downKey, 20)
	f.Add("ä\xc3\x01\xb6x\x1b[1;5Dy\t", 12)
	f.Fuzz(func(t *testing.T, keys string, width int) {
		width = 4 + (width%100+100)%100
		e, s := editor(width)
		from := 0
		for i := range len(keys) {
			if e.Key(keys[i]) != Nothing {
				e.Remember()
				from = s.row
				e.Start()
			}
			e.Flush()
			if keys[i] == 'L'-'@' {
				from = 0
			}
			if e.at < 0 || e.at > len(e.text) {
				t.Fatalf("at %d of %d", e.at, len(e.text))
			}
			if !utf8.ValidString(keys[:i+1]) { // a character may be cut in two only if it is none
				return
			}
			if e.keys.state == ground {
				require.Equal(t, "$ "+e.Text(), s.line(from))
				row, column := e.place(e.at)
				require.Equal(t, [2]int{from + row, column}, [2]int{s.row, s.at})
				for _, r := range s.rows[min(from, len(s.rows)):] {
					require.LessOrEqual(t, len(r), width)
				}
			}
			require.Empty(t, s.wrong)
		}
	})
}
