package qemu

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
)

// control is the conversation with QEMU's control socket, in QMP (docs/interop/qmp-spec of
// QEMU): a greeting, then commands with one answer each, and events in between.
type control struct {
	conn    net.Conn
	answers chan qmpMessage

	turn   chan struct{} // holds a token during one command and its answer; who put it there may touch:
	lastID int           // of the last command, which its answer repeats

	broken chan struct{} // closed when QEMU closed its end

	onEvent func(qmpMessage) // runs in a goroutine of its own, so it may send commands
}

type qmpMessage struct {
	ID     int             `json:"id"`
	Return json.RawMessage `json:"return"`
	Error  *struct {
		Desc string `json:"desc"`
	} `json:"error"`
	Event string `json:"event"`
	Data  struct {
		Guest  bool   `json:"guest"`
		Reason string `json:"reason"`
	} `json:"data"`
}

func newControl(conn net.Conn, onEvent func(qmpMessage)) *control {
	c := &control{
		conn:    conn,
		answers: make(chan qmpMessage, 64),
		turn:    make(chan struct{}, 1),
		broken:  make(chan struct{}),
		onEvent: onEvent,
	}
	events := make(chan qmpMessage, 64)
	go func() {
		for e := range events {
			c.onEvent(e)
		}
	}()
	go func() {
		defer close(c.broken)
		defer close(events)
		in := json.NewDecoder(conn)
		for {
			var m qmpMessage
			if in.Decode(&m) != nil {
				return
			}
			switch {
			case m.Event != "":
				select {
				case events <- m:
				default: // nobody needs more than the first few
				}
			case m.Return != nil || m.Error != nil:
				c.answers <- m
			}
		}
	}()
	return c
}

var errControlGone = errors.New("QEMU closed its control socket")

// command sends one command and waits for its answer, patience being for all of it: an
// earlier command may still wait for an answer that a stopped QEMU never gives.
func (c *control) command(name string, arguments any, patience time.Duration) (json.RawMessage, error) {
	timeout := time.After(patience)
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-c.broken:
		return nil, fmt.Errorf("QMP %s: %w", name, errControlGone)
	case <-timeout:
		return nil, fmt.Errorf("QMP %s: an earlier command had no answer in %v", name, patience)
	}
	c.lastID++
	request := map[string]any{"execute": name, "id": c.lastID}
	if arguments != nil {
		request["arguments"] = arguments
	}
	text, err := json.Marshal(request)
	if err != nil {
		return nil, fmt.Errorf("QMP %s: %w", name, err)
	}
	c.conn.SetWriteDeadline(time.Now().Add(patience))
	if _, err := c.conn.Write(text); err != nil {
		return nil, fmt.Errorf("QMP %s: %w", name, errControlGone)
	}
	for {
		select {
		case m := <-c.answers:
			if m.ID != c.lastID {
				continue // the late answer to a command that was given up
			}
			if m.Error != nil {
				return nil, fmt.Errorf("QMP %s: QEMU says: %s", name, m.Error.Desc)
			}
			return m.Return, nil
		case <-c.broken:
			return nil, fmt.Errorf("QMP %s: %w", name, errControlGone)
		case <-timeout:
			return nil, fmt.Errorf("QMP %s: no answer in %v", name, patience)
		}
	}
}

// registers returns what each CPU's registers hold, as QEMU's monitor prints them.
func (c *control) registers(patience time.Duration) (string, error) {
	answer, err := c.command("human-monitor-command", map[string]string{"command-line": "info registers -a"}, patience)
	if err != nil {
		return "", err
	}
	var text string
	if err := json.Unmarshal(answer, &text); err != nil {
		return "", fmt.Errorf("QMP info registers: %w", err)
	}
	return strings.ReplaceAll(text, "\r", ""), nil
}

// status returns the run state, such as "running", "shutdown" or "internal-error".
func (c *control) status(patience time.Duration) (string, error) {
	answer, err := c.command("query-status", nil, patience)
	if err != nil {
		return "", err
	}
	var s struct {
		Status string `json:"status"`
	}
	if err := json.Unmarshal(answer, &s); err != nil {
		return "", fmt.Errorf("QMP query-status: %w", err)
	}
	return s.Status, nil
}
