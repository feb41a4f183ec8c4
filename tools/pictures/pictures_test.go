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

const folder = "../../docs/sync"

// TestPictures_AreWhatTheProgramDraws: the committed files equal what this program makes, and there are no others.
func TestPictures_AreWhatTheProgramDraws(t *testing.T) {
	all := pictures()
	require.Greater(t, len(all), 11, "a picture for each page")
	made := map[string]bool{}
	for _, p := range all {
		require.False(t, made[p.name], "two pictures are called %s", p.name)
		made[p.name] = true
		b, err := os.ReadFile(filepath.Join(folder, p.name+".svg"))
		require.NoError(t, err, "run `make pictures`")
		assert.True(t, bytes.Equal(b, p.render()), "%s.svg is out of date: run `make pictures`", p.name)
	}
	files, err := filepath.Glob(filepath.Join(folder, "*.svg"))
	require.NoError(t, err)
	for _, f := range files {
		assert.True(t, made[strings.TrimSuffix(filepath.Base(f), ".svg")], "%s is drawn by nobody", f)
	}
}

// TestPictures_AreShown: each picture is on a page.
func TestPictures_AreShown(t *testing.T) {
	pages, err := filepath.Glob(filepath.Join(folder, "*.md"))
	require.NoError(t, err)
	var text strings.Builder
	for _, page := range pages {
		b, err := os.ReadFile(page)
		require.NoError(t, err)
		text.Write(b)
	}
	for _, p := range pictures() {
		assert.Contains(t, text.String(), "]("+p.name+".svg)", "no page shows %s", p.name)
	}
}

// TestPictures_AreWellFormed: XML without anything from elsewhere, with a title, and colours for light and dark.
func TestPictures_AreWellFormed(t *testing.T) {
	for _, p := range pictures() {
		b := p.render()
		d := xml.NewDecoder(bytes.NewReader(b))
		elements := 0
		for {
			token, err := d.Token()
			if err == io.EOF {
				break
			}
			require.NoError(t, err, p.name)
			if _, ok := token.(xml.StartElement); ok {
				elements++
			}
		}
		assert.Greater(t, elements, 10, p.name)
		assert.Contains(t, string(b), "<title>")
		assert.Contains(t, string(b), "prefers-color-scheme: dark")
		assert.Equal(t, b, p.render(), "%s is the same each time", p.name)
	}
}

// TestBox_RefusesTextThatDoesNotFit: what would be cut off is not drawn.
func TestBox_RefusesTextThatDoesNotFit(t *testing.T) {
	assert.Panics(t, func() {
		picture{"x", "", func(c *canvas) { c.box(0, 0, 20, boxH, plain, "much too long") }}.render()
	})
	assert.Panics(t, func() {
		picture{"x", "", func(c *canvas) { c.say("dim", strings.Repeat("wide ", 30)) }}.render()
	})
}
