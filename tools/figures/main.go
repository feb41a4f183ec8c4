// Figures puts measured figures into the documentation: what `make bench` and `make bench-peers` printed.
//
//	go run ./tools/figures -bench build/bench.txt -peers build/peers.md [PAGE …]
//
// A page (default: docs/*.md and docs/sync/*.md) has blocks
//
//	<!-- figures: sync/queue; queue, type-stable -->
//	<!-- end -->
//
// What is between the two lines is replaced by tables of what begins with one of those words: benchmarks of the one file,
// operations or whole tables of the other. A word that nothing begins with is an error, and then no page is changed. Without a file of
// peers the benchmarks are put in anew, and what peers need stays as it is.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"exo/qemu"
)

func main() {
	bench := flag.String("bench", "build/bench.txt", "what `make bench` printed, a `file`")
	peers := flag.String("peers", "build/peers.md", "what `make bench-peers` wrote, a Markdown `file`; none: what stands there stays")
	flag.Parse()
	pages := flag.Args()
	if len(pages) == 0 {
		for _, pattern := range []string{"docs/*.md", "docs/sync/*.md"} {
			found, err := filepath.Glob(pattern)
			if err != nil {
				fail(err)
			}
			pages = append(pages, found...)
		}
	}
	if err := run(*bench, *peers, pages); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "figures: "+err.Error())
	os.Exit(1)
}

// run fills all pages, or none.
func run(bench, peers string, pages []string) error {
	f, err := read(bench, peers)
	if err != nil {
		return err
	}
	filled := map[string]string{}
	blocks := 0
	for _, page := range pages {
		b, err := os.ReadFile(page)
		if err != nil {
			return fmt.Errorf("reading a page: %w", err)
		}
		text, n, err := f.fill(string(b))
		if err != nil {
			return fmt.Errorf("%s: %w", page, err)
		}
		blocks += n
		if text != string(b) {
			filled[page] = text
		}
	}
	if blocks == 0 {
		return errors.New("no page has a block of figures")
	}
	for page, text := range filled {
		if err := os.WriteFile(page, []byte(text), 0o644); err != nil {
			return fmt.Errorf("writing a page: %w", err)
		}
	}
	fmt.Printf("figures: %d blocks, %d pages changed\n", blocks, len(filled))
	return nil
}

// read takes in both files.
func read(bench, peers string) (*figures, error) {
	b, err := os.ReadFile(bench)
	if err != nil {
		return nil, fmt.Errorf("reading what `make bench` printed: %w", err)
	}
	lines := strings.Split(strings.ReplaceAll(string(b), "\r", ""), "\n")
	f := new(figures)
	if f.benches, err = qemu.ParseBench(lines); err != nil {
		return nil, err
	}
	if len(f.benches) == 0 {
		return nil, fmt.Errorf("%s has no line of a benchmark", bench)
	}
	for _, line := range lines {
		if cpu, ok := strings.CutPrefix(line, "cpu: "); ok {
			f.cpu = cpu
		}
	}
	if f.cpu == "" {
		return nil, fmt.Errorf("%s does not say on which CPU", bench)
	}
	if peers == "" {
		return f, nil
	}
	if b, err = os.ReadFile(peers); err != nil {
		return nil, fmt.Errorf("reading what `make bench-peers` wrote: %w", err)
	}
	return f, f.readPeers(string(b))
}
