package qemu

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"sync"
	"time"

	"exo/internal/timescale"
)

// A Dialog types at a guest's serial line and reads what comes back:
//
//	d, err := Talk(ctx, machine, opts)
//	_, err = d.Expect(prompt, 30*time.Second)
//	out, err := d.Command("ls", 5*time.Second)
//
// Its calls are made by one goroutine. When one fails, what the guest said last is in the error.
type Dialog struct {
	Guest  *Guest
	Prompt *regexp.Regexp // what [Dialog.Command] waits for; it ends with $

	keys *os.File

	mu    sync.Mutex
	heard []byte        // all that came, as a terminal would show it: no control sequences, no carriage returns
	raw   []byte        // the end of what came, that may be a part of such a sequence
	news  chan struct{} // closed when there is more
	read  int           // of heard, that Expect has returned
}

// Talk boots a machine, whose serial line is the dialog. Stop ends it.
func Talk(ctx context.Context, m Machine, opts Options) (*Dialog, error) {
	theirs, ours, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("making the guest's keyboard: %w", err)
	}
	defer theirs.Close()
	d := &Dialog{keys: ours, news: make(chan struct{})}
	opts.Console, opts.Keyboard = d, theirs
	if d.Guest, err = Start(ctx, m, opts); err != nil {
		ours.Close()
		return nil, err
	}
	return d, nil
}

// Stop ends the guest, if it has not ended, and tells how it fared.
func (d *Dialog) Stop() *Result {
	d.Guest.Kill()
	d.keys.Close()
	return d.Guest.Wait()
}

var (
	escapes = regexp.MustCompile(`\x1b\[[0-9;?]*[@-~]|\x1b[()][0-9A-Za-z]|\x1b[=>78]|[\r\a]`)
	// partial is the beginning of a control sequence at the end.
	partial = regexp.MustCompile(`\x1b(\[[0-9;?]*|[()])?$`)
)

// Write is for [Options.Console]: what the guest says.
func (d *Dialog) Write(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.raw = append(d.raw, p...)
	whole := len(d.raw)
	if at := partial.FindIndex(d.raw); at != nil {
		whole = at[0]
	}
	d.heard = append(d.heard, escapes.ReplaceAll(d.raw[:whole], nil)...)
	d.raw = append(d.raw[:0], d.raw[whole:]...)
	close(d.news)
	d.news = make(chan struct{})
	return len(p), nil
}

// Type types. Enter is \r, Ctrl-C \x03.
func (d *Dialog) Type(keys string) error {
	if _, err := d.keys.WriteString(keys); err != nil {
		return fmt.Errorf("typing %q: %w", keys, err)
	}
	return nil
}

// Expect waits until a pattern occurs in what the guest has said since the last Expect, and returns all up to the pattern's end. The
// limit is stretched by EXO_TIME_SCALE.
func (d *Dialog) Expect(pattern *regexp.Regexp, limit time.Duration) (string, error) {
	limit, err := timescale.Stretch(limit)
	if err != nil {
		return "", err
	}
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	for ended := false; ; {
		d.mu.Lock()
		text, news := d.heard[d.read:], d.news
		at := pattern.FindIndex(text)
		if at != nil {
			d.read += at[1]
		}
		said := string(text)
		d.mu.Unlock()
		switch {
		case at != nil:
			return said[:at[1]], nil
		case ended:
			r := d.Guest.Wait()
			return said, errors.Join(fmt.Errorf("waiting for %v: the guest has ended (%v) after:\n%s", pattern, r.End, last(said)), r.Err())
		}
		select {
		case <-news:
		case <-d.Guest.done: // once more: it may have said it before
			ended = true
		case <-deadline.C:
			return said, fmt.Errorf("waiting for %v: it has not come within %v; after:\n%s", pattern, limit, last(said))
		}
	}
}

// last is the end of a text.
func last(text string) string {
	const most = 4000
	if len(text) > most {
		text = "…" + text[len(text)-most:]
	}
	return text
}

// Command types a line, and returns what comes between its echo and the next prompt.
func (d *Dialog) Command(line string, limit time.Duration) (string, error) {
	if err := d.Line(line, limit); err != nil {
		return "", err
	}
	return d.Answer(limit)
}

// Line types a line, and waits for its echo: so what comes then is the answer.
func (d *Dialog) Line(line string, limit time.Duration) error {
	if err := d.Type(line); err != nil {
		return err
	}
	if _, err := d.Expect(regexp.MustCompile(regexp.QuoteMeta(line)), limit); err != nil {
		return err
	}
	if err := d.Type("\r"); err != nil {
		return err
	}
	_, err := d.Expect(regexp.MustCompile(`\n`), limit)
	return err
}

// Answer waits for the prompt, and returns what comes before it.
func (d *Dialog) Answer(limit time.Duration) (string, error) {
	text, err := d.Expect(d.Prompt, limit)
	if err != nil {
		return text, err
	}
	return strings.TrimSuffix(text, d.Prompt.FindString(text)), nil
}
