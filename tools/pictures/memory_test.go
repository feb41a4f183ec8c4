package main

import (
	"bytes"
	"encoding/xml"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestMemoryPicture_IsWhatTheBootLogSays: the committed file is drawn from the committed lines, has a box for each piece of
// each node and for the legend, and is on the page.
func TestMemoryPicture_IsWhatTheBootLogSays(t *testing.T) {
	b := memoryPicture.render()
	committed, err := os.ReadFile(filepath.Join("../../docs", memoryPicture.name+".svg"))
	require.NoError(t, err, "run `make pictures`")
	assert.True(t, bytes.Equal(b, committed), "memory-nodes.svg is out of date: run `make pictures`")
	nodes, err := parseMemory(memoryLines)
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(nodes), 4)
	boxes := map[kind]int{}
	d := xml.NewDecoder(bytes.NewReader(b))
	for {
		token, err := d.Token()
		if err == io.EOF {
			break
		}
		require.NoError(t, err)
		if e, ok := token.(xml.StartElement); ok && e.Name.Local == "rect" {
			for _, a := range e.Attr {
				if a.Name.Local == "class" {
					boxes[kind(a.Value)]++
				}
			}
		}
	}
	for _, k := range memoryKinds {
		want := 1 // of the legend
		for _, n := range nodes {
			want += strings.Count(n.pieces, string(k.mark))
		}
		assert.Equal(t, want, boxes[k.kind], k.says)
	}
	page, err := os.ReadFile("../../docs/03-memory.md")
	require.NoError(t, err)
	assert.Contains(t, string(page), "]("+memoryPicture.name+".svg)")
}

func TestParseMemory(t *testing.T) {
	nodes, err := parseMemory("exo: booting\r\nframes: node 0 [+. #] free=3 boot=12\r\nframes: node 11 [....] free=0 boot=0\r\n")
	require.NoError(t, err)
	assert.Equal(t, []nodeMemory{{"0", "+. #", 3, 12}, {"11", "....", 0, 0}}, nodes)
	for _, wrong := range []string{
		"", "exo: booting\n", "frames: node 0 [+x] free=3 boot=12\n", "frames: node 0 [..] free=3\n",
		"frames: node 0 [..] free=3 boot=0\nframes: node 1 [...] free=3 boot=0\n",
	} {
		_, err := parseMemory(wrong)
		assert.Error(t, err, wrong)
	}
}
