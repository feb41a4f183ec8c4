package qemu

import (
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func talk(t *testing.T, m Machine, prompt string) *Dialog {
	t.Helper()
	d, err := Talk(t.Context(), m, Options{Limits: DefaultLimits})
	require.NoError(t, err)
	t.Cleanup(func() {
		d.Stop()
		assertGone(t, d.Guest.PID())
	})
	d.Prompt = regexp.MustCompile(prompt)
	return d
}

// moment is more than a fake guest takes to answer.
const moment = 30 * time.Second

func TestDialog_WhatComesBackIsAsATerminalShowsIt(t *testing.T) {
	t.Parallel()
	d := talk(t, fake(t, "print hello", "shell", "exit 33"), `> $`)
	text, err := d.Expect(d.Prompt, moment)
	require.NoError(t, err)
	require.Equal(t, "hello\n> ", text)
	for _, line := range []string{"a", "two words", "(.*", ""} {
		answer, err := d.Command(line, moment)
		require.NoError(t, err)
		require.Equal(t, "you said "+line+"\n", answer)
	}
	require.NoError(t, d.Type("leave\r"))
	require.Equal(t, Passed, d.Guest.Wait().End)
}

func TestDialog_WhoWaitsTooLongIsToldWhatCame(t *testing.T) {
	t.Parallel()
	d := talk(t, fake(t, "shell", "exit 33"), `> $`)
	_, err := d.Expect(d.Prompt, moment)
	require.NoError(t, err)
	require.NoError(t, d.Line("hang", moment))
	_, err = d.Expect(regexp.MustCompile("I hang"), moment)
	require.NoError(t, err)
	_, err = d.Command("there?", time.Millisecond)
	require.ErrorContains(t, err, "it has not come within")
	require.Equal(t, Stopped, d.Stop().End)
}

func TestDialog_TheEndOfTheGuestIsNoSilence(t *testing.T) {
	t.Parallel()
	d := talk(t, fake(t, "print last words", "exit 3"), `> $`)
	_, err := d.Expect(d.Prompt, time.Hour)
	require.ErrorContains(t, err, "the guest has ended (the guest says a test failed)")
	require.ErrorContains(t, err, "last words")
}

// A control sequence may come in two pieces.
func TestDialog_SequencesAreWhole(t *testing.T) {
	for _, text := range []string{"a\x1b[1;31mb\r\n\x1b(Bc\x1b[Kd\x1b[?25h", "\x1b[Habcd"} {
		for cut := range text {
			d := &Dialog{news: make(chan struct{})}
			_, _ = d.Write([]byte(text[:cut]))
			_, _ = d.Write([]byte(text[cut:]))
			require.Regexp(t, `^ab\n?cd$`, string(d.heard), "%q", text[:cut])
		}
	}
}
