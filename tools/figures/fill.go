package main

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"exo/qemu"
)

// figures is everything that was measured.
type figures struct {
	benches []qemu.Bench
	cpu     string // that of the guest
	machine string // how the peers were measured, and on which CPU
	tables  []table
}

// table is one of the peers' tables: its title and note as one line, the two lines of its head, and its rows. A row is what
// belongs to one operation: a line with a name, and lines without.
type table struct {
	about string
	head  []string
	rows  []row
}

type row struct {
	name  string
	lines []string
}

// readPeers reads the Markdown of tools/peers.
func (f *figures) readPeers(text string) error {
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		last := len(f.tables) - 1
		switch {
		case line == "":
		case f.machine == "":
			f.machine = line
		case strings.HasPrefix(line, "**"):
			f.tables = append(f.tables, table{about: line})
		case last < 0 || !strings.HasPrefix(line, "|"):
			return fmt.Errorf("the peers' figures have a line that is neither title nor table: %q", line)
		case len(f.tables[last].head) < 2:
			f.tables[last].head = append(f.tables[last].head, line)
		default:
			t := &f.tables[last]
			name := strings.TrimSpace(strings.Split(line, "|")[1])
			if name != "" || len(t.rows) == 0 {
				t.rows = append(t.rows, row{name: name})
			}
			r := &t.rows[len(t.rows)-1]
			r.lines = append(r.lines, line)
		}
	}
	if len(f.tables) == 0 {
		return errors.New("the peers' figures have no table")
	}
	return nil
}

var block = regexp.MustCompile(`(?s)(<!-- figures: ([^\n]*?) -->\n)(.*?)(<!-- end -->)`)

// fill replaces what is in the blocks of a page, and says how many there are.
func (f *figures) fill(page string) (text string, blocks int, err error) {
	text = block.ReplaceAllStringFunc(page, func(s string) string {
		blocks++
		m := block.FindStringSubmatch(s)
		if f.tables == nil {
			return m[1] + f.refreshed(strings.Split(m[2], ";"), m[3]) + m[4]
		}
		body, e := f.body(strings.Split(m[2], ";"))
		err = errors.Join(err, e)
		return m[1] + body + m[4]
	})
	if begun := strings.Count(page, "<!-- figures:"); begun != blocks {
		err = errors.Join(err, fmt.Errorf("%d blocks of figures begin, %d also end", begun, blocks))
	}
	return text, blocks, err
}

// body makes the tables for words.
func (f *figures) body(words []string) (string, error) {
	var b strings.Builder
	used := make([]bool, len(words))
	chosen := func(name string) (yes bool) {
		for i, w := range words {
			if begins(name, strings.TrimSpace(w)) {
				used[i], yes = true, true
			}
		}
		return yes
	}
	f.benchTable(&b, chosen)
	said := false
	for _, t := range f.tables {
		var lines []string
		all := chosen(strings.Trim(t.about, "*"))
		for _, r := range t.rows {
			if chosen(r.name) || all {
				lines = append(lines, r.lines...)
			}
		}
		if len(lines) == 0 {
			continue
		}
		if !said {
			said = true
			fmt.Fprintf(&b, "\n%s\n", f.machine)
		}
		fmt.Fprintf(&b, "\n%s\n\n%s\n%s\n", t.about, strings.Join(t.head, "\n"), strings.Join(lines, "\n"))
	}
	var err error
	for i, w := range words {
		if !used[i] {
			err = errors.Join(err, fmt.Errorf("no figure begins with %q", strings.TrimSpace(w)))
		}
	}
	return b.String() + "\n", err
}

// refreshed is a block whose benchmarks are measured anew; what peers need stays.
func (f *figures) refreshed(words []string, old string) string {
	var b strings.Builder
	f.benchTable(&b, func(name string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return begins(name, strings.TrimSpace(w)) })
	})
	rest := ofBench.ReplaceAllString(old, "")
	if strings.TrimSpace(rest) == "" {
		rest = "\n"
	}
	return b.String() + rest
}

// ofBench is what benchTable writes.
var ofBench = regexp.MustCompile("(?m)^\n?Written by `make bench`.*\n\n(\\|.*\n)+")

// benchTable writes the benchmarks that are chosen, each beside its baseline.
func (f *figures) benchTable(b *strings.Builder, chosen func(string) bool) {
	begun := false
	for _, bench := range f.benches {
		base, is := f.baselineOf(bench)
		if is || !chosen(bench.Name) {
			continue
		}
		if !begun {
			begun = true
			fmt.Fprintf(b, "\nWritten by `make bench`: instructions per operation, on one CPU in QEMU that counts them (%s).\n\n", f.cpu)
			b.WriteString("| benchmark | instructions | baseline | its instructions | ratio |\n| --- | --- | --- | --- | --- |\n")
		}
		if base == nil {
			fmt.Fprintf(b, "| %s | %.2f | | | |\n", bench.Name, bench.Per())
			continue
		}
		ratio := "–"
		if bench.TSC > 0 {
			ratio = fmt.Sprintf("%.2f", base.Per()/bench.Per())
		}
		fmt.Fprintf(b, "| %s | %.2f | %s | %.2f | %s |\n", bench.Name, bench.Per(), base.Name[len(bench.Name)+1:], base.Per(), ratio)
	}
}

// baselineOf returns the baseline of a benchmark, or says that it is one itself.
func (f *figures) baselineOf(bench qemu.Bench) (base *qemu.Bench, is bool) {
	for i := range f.benches {
		other := &f.benches[i]
		is = is || begins(bench.Name, other.Name+"/")
		if begins(other.Name, bench.Name+"/") {
			base = other
		}
	}
	return base, is
}

// begins says whether name begins with the word: what follows continues no word.
func begins(name, word string) bool {
	rest, ok := strings.CutPrefix(name, word)
	next, _ := utf8.DecodeRuneInString(rest)
	last, _ := utf8.DecodeLastRuneInString(word)
	return ok && word != "" && (rest == "" || !unicode.IsLetter(next) && !unicode.IsDigit(next) || !unicode.IsLetter(last))
}
