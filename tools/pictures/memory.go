package main

import (
	"bufio"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
)

// memoryFile is where the lines of the boot log are kept that the picture of node memory is drawn from, seen from the root of
// the module.
const memoryFile = "tools/pictures/nodes.txt"

//go:embed nodes.txt
var memoryLines string

// nodeMemory is one node's memory as the boot log draws it: of equal pieces, '.' free, '+' some of both, '#' taken by boot,
// ' ' no memory.
type nodeMemory struct {
	node, pieces string
	free, boot   int // frames
}

var memoryLine = regexp.MustCompile(`^frames: node (\d+) \[([#+. ]+)\] free=(\d+) boot=(\d+)$`)

// parseMemory finds the lines about node memory in a boot log.
func parseMemory(log string) (nodes []nodeMemory, err error) {
	s := bufio.NewScanner(strings.NewReader(log))
	for s.Scan() {
		line := strings.TrimRight(s.Text(), "\r")
		if !strings.HasPrefix(line, "frames: ") {
			continue
		}
		m := memoryLine.FindStringSubmatch(line)
		if m == nil || len(nodes) > 0 && len(m[2]) != len(nodes[0].pieces) {
			return nil, fmt.Errorf("not a line about node memory: %q", line)
		}
		n := nodeMemory{node: m[1], pieces: m[2]}
		n.free, _ = strconv.Atoi(m[3])
		n.boot, _ = strconv.Atoi(m[4])
		nodes = append(nodes, n)
	}
	if len(nodes) == 0 {
		return nil, errors.New("the log has no line about node memory")
	}
	return nodes, s.Err()
}

// keepMemory takes the lines over from a boot log.
func keepMemory(log string) error {
	b, err := os.ReadFile(log)
	if err != nil {
		return fmt.Errorf("reading a boot log: %w", err)
	}
	nodes, err := parseMemory(string(b))
	if err != nil {
		return fmt.Errorf("%s: %w", log, err)
	}
	memoryLines = ""
	for _, n := range nodes {
		memoryLines += fmt.Sprintf("frames: node %s [%s] free=%d boot=%d\n", n.node, n.pieces, n.free, n.boot)
	}
	return os.WriteFile(memoryFile, []byte(memoryLines), 0o644)
}

// memoryPicture is of docs, not of docs/sync.
var memoryPicture = picture{"memory-nodes", "Memory of four nodes when the frame allocator has just got it", drawMemory}

var memoryKinds = []struct {
	mark byte
	kind kind
	says string
}{
	{'.', good, "free"}, {'+', wait, "some of both"}, {'#', bad, "taken by boot"}, {' ', gone, "no memory"},
}

func drawMemory(c *canvas) {
	nodes, err := parseMemory(memoryLines)
	if err != nil {
		panic("pictures: " + memoryFile + ": " + err.Error())
	}
	const pieceW, gap = 17, 2
	left := margin + textWidth("node 00") + 12
	first := nodes[0]
	c.say("head", fmt.Sprintf("%d nodes when the frame allocator has just got their memory", len(nodes)))
	c.say("dim", fmt.Sprintf("each box is 1/%d of what lies between the node's first and last byte, about %s", len(first.pieces),
		mib((first.free+first.boot)/len(first.pieces))))
	c.y += 8
	for _, n := range nodes {
		c.text(margin, c.y+boxH/2+5, "label", "node "+n.node)
		x := left
		for i := range len(n.pieces) {
			for _, k := range memoryKinds {
				if k.mark == n.pieces[i] {
					c.box(x, c.y, pieceW, boxH, k.kind, "")
				}
			}
			x += pieceW + gap
		}
		c.text(x+10, c.y+12, "label", mib(n.free)+" free")
		c.text(x+10, c.y+26, "dim", kib(n.boot)+" boot's")
		c.y += boxH + 10
	}
	c.text(left, c.y+12, "dim", "low addresses")
	high := "high addresses"
	c.text(left+len(first.pieces)*(pieceW+gap)-gap-textWidth(high), c.y+12, "dim", high)
	c.y += 30
	x := left
	for _, k := range memoryKinds {
		c.box(x, c.y, pieceW, boxH, k.kind, "")
		c.text(x+pieceW+8, c.y+boxH/2+5, "label", k.says)
		x += pieceW + 8 + textWidth(k.says) + 24
	}
	c.y += boxH + 8
}

func mib(frames int) string { return fmt.Sprintf("%.1f MiB", float64(frames)/256) }
func kib(frames int) string { return fmt.Sprintf("%d KiB", frames*4) }
