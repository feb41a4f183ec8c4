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

// TestWorkPicture_IsWhatTheBootLogsSay: the committed file is drawn from the committed lines, has a box for each count of
// workers, for each kind of theft that there was, and for the legends, and is on the page.
func TestWorkPicture_IsWhatTheBootLogsSay(t *testing.T) {
	b := workPicture.render()
	assert.Equal(t, b, workPicture.render(), "it is the same each time")
	committed, err := os.ReadFile(filepath.Join("../../docs", workPicture.name+".svg"))
	require.NoError(t, err, "run `make pictures`")
	assert.True(t, bytes.Equal(b, committed), "work-scaling.svg is out of date: run `make pictures`")
	shares, err := parseWork(workLines)
	require.NoError(t, err)
	var counts []int
	stolen := 0
	for _, s := range shares {
		counts = append(counts, s.workers)
		for _, k := range thefts {
			if k.of(&s) > 0 {
				stolen++
			}
		}
	}
	assert.Equal(t, []int{1, 2, 4, 8, 16, 32, 64}, counts)
	require.Greater(t, stolen, len(shares))
	boxes := 0
	d := xml.NewDecoder(bytes.NewReader(b))
	for {
		token, err := d.Token()
		if err == io.EOF {
			break
		}
		require.NoError(t, err)
		if e, ok := token.(xml.StartElement); ok && e.Name.Local == "rect" {
			boxes++
		}
	}
	assert.Equal(t, 1+len(shares)+1+stolen+len(thefts), boxes, "the background, shares and their legend, thefts and theirs")
	page, err := os.ReadFile("../../docs/08-work.md")
	require.NoError(t, err)
	assert.Contains(t, string(page), "]("+workPicture.name+".svg)")
}

func TestParseWork(t *testing.T) {
	const one = workPrefix + "1 cpus=1 nodes=1 jobs=60 least=60 median=60 most=60 leapt=0 stolen=0\r\n"
	const four = workPrefix + "4 cpus=4 nodes=2 jobs=60 least=0 median=11 most=38 leapt=3 stolen=5/6/7\r\n"
	const oneOfFour = workPrefix + "1 cpus=4 nodes=2 jobs=60 least=60 median=60 most=60 leapt=0 stolen=0\r\n"
	shares, err := parseWork("exo: booting\r\n" + one + "# work/fork-join: workers, us: [1 9]\r\nexo: booting\r\n" + oneOfFour + four)
	require.NoError(t, err)
	assert.Equal(t, []share{
		{workers: 1, nodes: 1, jobs: 60, least: 60, median: 60, most: 60, stolen: []int{0}},
		{workers: 4, nodes: 2, jobs: 60, median: 11, most: 38, leapt: 3, stolen: []int{5, 6, 7}},
	}, shares)
	assert.Equal(t, []int{5, 13, 21}, []int{shares[1].near(), shares[1].far(), shares[1].thefts()})
	for what, wrong := range map[string]string{
		"nothing":              "",
		"no line of ours":      "exo: booting\n# work/fork-join: workers, us: [1 9]\n",
		"not all CPUs":         oneOfFour,
		"twice":                one + one,
		"fewer":                four + one,
		"other work":           one + strings.Replace(four, "jobs=60", "jobs=61", 1),
		"no figure":            strings.Replace(one, "most=60", "most=", 1),
		"too large a figure":   strings.Replace(one, "leapt=0", "leapt=99999999999999999999", 1),
		"too large a theft":    strings.Replace(four, "5/6/7", "5/99999999999999999999", 1),
		"no distance":          strings.Replace(four, "5/6/7", "5//7", 1),
		"cut off":              strings.Replace(one, " stolen=0", "", 1),
		"no worker":            strings.ReplaceAll(one, "=1 ", "=0 "),
		"least above median":   strings.Replace(four, "least=0", "least=12", 1),
		"median above most":    strings.Replace(four, "median=11", "median=39", 1),
		"more than there was":  strings.Replace(one, "least=60 median=60 most=60", "least=61 median=61 most=61", 1),
		"less than there was":  strings.Replace(four, "most=38", "most=14", 1),
		"more stolen than run": strings.Replace(four, "stolen=5/6/7", "stolen=50/6/7", 1),
	} {
		_, err := parseWork(wrong)
		assert.Error(t, err, what)
	}
}

// TestWorkPicture_OfFewFigures: a single boot, and workers that did nothing, can be drawn too.
func TestWorkPicture_OfFewFigures(t *testing.T) {
	kept := workLines
	defer func() { workLines = kept }()
	for _, lines := range []string{
		workPrefix + "1 cpus=1 nodes=1 jobs=1 least=1 median=1 most=1 leapt=0 stolen=0\n",
		workPrefix + "1 cpus=1 nodes=1 jobs=0 least=0 median=0 most=0 leapt=0 stolen=0\n",
		workPrefix + "3 cpus=3 nodes=1 jobs=1000 least=0 median=0 most=1000 leapt=0 stolen=0\n",
	} {
		workLines = lines
		assert.NotPanics(t, func() { workPicture.render() }, lines)
	}
}
