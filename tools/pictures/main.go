// Pictures draws the pictures of docs/sync, and those of node memory and of fork-join work in docs. What they show is written
// down here as data; nothing is drawn by hand.
//
//	go run ./tools/pictures [-o docs/sync] [-docs docs] [-boot LOG] [-work LOG]
//
// What node memory looks like comes from a boot log; its lines are kept in nodes.txt until -boot names another one. What
// workers did comes from the logs of several boots, in one file; their lines are kept in work.txt until -work names another.
// There are three kinds: timelines (who does what, in which order), frames (a structure, step by step) and lanes (what
// lasts how long). The files are the same on every machine, and readable on a light and on a dark page.
//
// Start reading: draw.go, the canvas; timeline.go, frames.go and lanes.go, the kinds; then any of the others; memory.go
// and work.go.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

// picture is one file.
type picture struct {
	name  string // without .svg
	title string // one sentence, for who does not see it
	draw  func(c *canvas)
}

// pictures is every picture, in the order of the pages.
func pictures() []picture {
	var all []picture
	for _, page := range [][]picture{
		proofPictures, poolPictures, queuePictures, stackPictures, dequePictures, ringPictures, hazardPictures, rcuPictures,
		spinPictures, seqlockPictures, sleepPictures, orderPictures,
	} {
		all = append(all, page...)
	}
	return all
}

func main() {
	dir := flag.String("o", "docs/sync", "`folder` to write the pictures to")
	docs := flag.String("docs", "docs", "`folder` to write the pictures of node memory and of fork-join work to")
	boot := flag.String("boot", "", "take the lines about node memory from this boot log, a `file`")
	work := flag.String("work", "", "take the lines about fork-join work from these boots' log, a `file`")
	flag.Parse()
	if *boot != "" {
		if err := keepMemory(*boot); err != nil {
			fail(err)
		}
	}
	if *work != "" {
		if err := keepWork(*work); err != nil {
			fail(err)
		}
	}
	write(*docs, memoryPicture)
	write(*docs, workPicture)
	all := pictures()
	for _, p := range all {
		write(*dir, p)
	}
	fmt.Printf("pictures: %d in %s, 2 in %s\n", len(all), *dir, *docs)
}

func write(dir string, p picture) {
	if err := os.WriteFile(filepath.Join(dir, p.name+".svg"), p.render(), 0o644); err != nil {
		fail(fmt.Errorf("writing a picture: %w", err))
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "pictures: "+err.Error())
	os.Exit(1)
}
