package qemu

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSplitWords(t *testing.T) {
	for text, want := range map[string][]string{
		"":                             nil,
		" \n\t# only a comment":        nil,
		"-smp 4\r\n-m 512M\n":          {"-smp", "4", "-m", "512M"},
		"# top\n-smp 4 # why\n-m 1G":   {"-smp", "4", "-m", "1G"},
		"-x a#b":                       {"-x", "a#b"},
		`-append 'a b' "c 'd'" e'f'g`:  {"-append", "a b", "c 'd'", "efg"},
		`-append ''`:                   {"-append", ""},
		"one 'two\nstill two' # three": {"one", "two\nstill two"},
	} {
		got, err := SplitWords(text)
		require.NoError(t, err, text)
		assert.Equal(t, want, got, text)
	}
	_, err := SplitWords("-m 1G\n-append 'oops\n")
	assert.ErrorContains(t, err, "line 2: the quote ' is never closed")
}

func TestJoinWordsIsReadBack(t *testing.T) {
	words := []string{"qemu", "-append", "tests=a*,b exit", "", "#x", "$HOME", "-device", "x,iobase=0xf4"}
	line := JoinWords(words)
	assert.Equal(t, `qemu -append 'tests=a*,b exit' '' '#x' '$HOME' -device x,iobase=0xf4`, line)
	back, err := SplitWords(line)
	require.NoError(t, err)
	assert.Equal(t, words, back)
	assert.Equal(t, `'it'\''s'`, JoinWords([]string{"it's"}))
}
