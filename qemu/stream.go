package qemu

import (
	"bufio"
	"errors"
	"io"
	"strings"
	"sync"
)

// longestLine is where a serial line without an end is cut: a guest that prints garbage
// must not fill our memory.
const longestLine = 64 << 10

// splitLines calls yield for each line of r until r ends, the last one even if it is cut
// short. Carriage returns at a line's end are dropped.
func splitLines(r io.Reader, yield func(string)) {
	in := bufio.NewReaderSize(r, longestLine)
	for {
		line, err := in.ReadSlice('\n')
		if len(line) > 0 {
			yield(strings.TrimRight(string(line), "\r\n"))
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return
		}
	}
}

// tail is a writer that keeps the last bytes written.
type tail struct {
	limit int
	mu    sync.Mutex
	text  []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	if over := len(t.text) - t.limit; over > 0 {
		t.text = append(t.text[:0], t.text[over:]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(string(t.text))
}
