// Pictures draws the pictures of docs/sync. What they show is written down here as data; nothing is drawn by hand.
//
//	go run ./tools/pictures [-o docs/sync]
//
// There are three kinds: timelines (who does what, in which order), frames (a structure, step by step) and lanes (what
// lasts how long). The files are the same on every machine, and readable on a light and on a dark page.
//
// Start reading: draw.go, the canvas; timeline.go, frames.go and lanes.go, the kinds; then any of the others.
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
	flag.Parse()
	all := pictures()
	for _, p := range all {
		if err := os.WriteFile(filepath.Join(*dir, p.name+".svg"), p.render(), 0o644); err != nil {
			fmt.Fprintln(os.Stderr, "pictures: writing a picture: "+err.Error())
			os.Exit(1)
		}
	}
	fmt.Printf("pictures: %d in %s\n", len(all), *dir)
}
