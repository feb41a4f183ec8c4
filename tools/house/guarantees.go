package main

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
)

// What a concurrent file guarantees is numbered in its header: "// G1. …". A test says in its name what it sees kept:
// TestQueue_G2_G3_Letters, TestExplore_Queue_G1; a test that runs in the kernel, at the beginning of what it says in the table:
// "ipc/ends: G1 G3 …". Each guarantee of a file has such a test, and each such name means a guarantee that is stated.
//
// A test that sees guarantees of another file kept, too, says so in its comment: "Also kernel/fs/journal/journal.go: G1, G2."
//
// Which file a name is about is its topic: Queue is queue.go beside the test, and what topics.go says.

var (
	statement = regexp.MustCompile(`(?m)^//\s*G(\d+)\. `)
	testName  = regexp.MustCompile(`(?m)^func (?:Test|Fuzz)(?:Explore_)?(\w+?)((?:_G\d+)+)(?:_\w*)?\(`)
	looksIt   = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w*_G\d+\w*)\(`)
	tableLine = regexp.MustCompile(`(?m)^\t\{"([^":]+):((?: G\d+)+) `)
	alsoLine  = regexp.MustCompile(`(?m)^// Also (\S+\.go): (G\d+(?:, G\d+)*)\.\nfunc (\w+)\(`)
	alsoLooks = regexp.MustCompile(`(?m)^// Also .*\bG\d`)
	number    = regexp.MustCompile(`\d+`)
)

// claim is what a test's name says: that it sees the guarantees of a topic kept.
type claim struct {
	at, name, topic string // the topic may be a file
	numbers         []string
}

// tables is the folder with the tables of tests that run in the kernel. Their topics are booted/ and their names, or the folder of those.
const tables = "kernel"

func checkGuarantees(tree []source, topics map[string]string) (stated int, wrong []string) {
	headers := map[string][]string{} // file, its guarantees
	var claims []claim
	for _, s := range tree {
		if !s.isGo() {
			continue
		}
		if s.isTest() {
			found, bad := claimsOf(s)
			claims, wrong = append(claims, found...), append(wrong, bad...)
			continue
		}
		for _, m := range statement.FindAllStringSubmatch(s.text, -1) {
			if !slices.Contains(headers[s.path], m[1]) {
				headers[s.path] = append(headers[s.path], m[1])
				stated++
			}
		}
		if s.dir() == tables {
			for _, m := range tableLine.FindAllStringSubmatch(s.text, -1) {
				claims = append(claims, claim{s.path, m[1], path.Join("booted", m[1]), number.FindAllString(m[2], -1)})
			}
		}
	}
	used, kept := map[string]bool{}, map[string]bool{}
	for _, c := range claims {
		files, row := filesOf(c.topic, topics)
		used[row] = true
		for _, n := range c.numbers {
			is := false
			for _, f := range files {
				if slices.Contains(headers[f], n) {
					kept[f+" G"+n], is = true, true
				}
			}
			if !is {
				wrong = append(wrong, fmt.Sprintf("%s: %s: no G%s is stated in %s (tools/house/topics.go says where)",
					c.at, c.name, n, strings.Join(files, ", ")))
			}
		}
	}
	for _, s := range tree {
		for _, n := range headers[s.path] {
			if !kept[s.path+" G"+n] {
				wrong = append(wrong, fmt.Sprintf("%s: no test says in its name that it sees G%s kept", s.path, n))
			}
		}
	}
	for row := range topics {
		if !used[row] {
			wrong = append(wrong, fmt.Sprintf("tools/house/topics.go: no test has the topic %s", row))
		}
	}
	slices.Sort(wrong)
	return stated, wrong
}

func claimsOf(s source) (claims []claim, wrong []string) {
	well := map[string]bool{}
	for _, m := range testName.FindAllStringSubmatch(s.text, -1) {
		full := strings.TrimSuffix(strings.TrimPrefix(m[0], "func "), "(")
		well[full] = true
		claims = append(claims, claim{s.path, full, path.Join(s.dir(), m[1]), number.FindAllString(m[2], -1)})
	}
	also := alsoLine.FindAllStringSubmatch(s.text, -1)
	for _, m := range also {
		claims = append(claims, claim{s.path, m[3], m[1], number.FindAllString(m[2], -1)})
	}
	if len(also) != len(alsoLooks.FindAllString(s.text, -1)) {
		wrong = append(wrong, s.path+": a comment that begins with Also and does not end, before the test, as: // Also kernel/x.go: G1, G2.")
	}
	for _, m := range looksIt.FindAllStringSubmatch(s.text, -1) {
		if !well[m[1]] {
			wrong = append(wrong, fmt.Sprintf("%s: %s: which guarantee is that? TestTopic_G1_G2_What", s.path, m[1]))
		}
	}
	return claims, wrong
}

// filesOf says which files a topic is about, and by which row of the table, if by any. A test in the kernel that is named
// folder/name may have a row of its own, or the folder's.
func filesOf(topic string, topics map[string]string) (files []string, row string) {
	if path.Ext(topic) == ".go" {
		return []string{topic}, ""
	}
	for _, row := range []string{topic, path.Dir(topic)} {
		if files, ok := topics[row]; ok {
			return strings.Fields(files), row
		}
	}
	return []string{path.Join(path.Dir(topic), strings.ToLower(path.Base(topic))+".go")}, ""
}
