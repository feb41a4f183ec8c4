package main

import (
	"bufio"
	_ "embed"
	"errors"
	"fmt"
	"math"
	"os"
	"regexp"
	"strconv"
	"strings"
)

// workFile is where the lines of boot logs are kept that the picture of fork-join work is drawn from, seen from the root of
// the module.
const workFile = "tools/pictures/work.txt"

//go:embed work.txt
var workLines string

// share is what the workers of one boot did, as the kernel's test of fork-join work counts it.
type share struct {
	workers, nodes      int
	jobs                int
	least, median, most int   // jobs run by one worker
	leapt               int   // stolen by a Join from who ran what it waited for, near or far
	stolen              []int // by distance, the nearest first
}

func (s *share) near() int { return s.stolen[0] }

func (s *share) far() (n int) {
	for _, k := range s.stolen[1:] {
		n += k
	}
	return n
}

func (s *share) thefts() int { return s.near() + s.far() + s.leapt }

const workPrefix = "# work/fork-join: workers="

var workLine = regexp.MustCompile(`^` + workPrefix +
	`(\d+) cpus=(\d+) nodes=(\d+) jobs=(\d+) least=(\d+) median=(\d+) most=(\d+) leapt=(\d+) stolen=(\d+(?:/\d+)*)$`)

// parseWork finds the lines about fork-join work in the logs of boots with ever more CPUs, one after the other. Of each boot
// it takes the line for which each CPU has a worker.
func parseWork(log string) (shares []share, err error) {
	scanner := bufio.NewScanner(strings.NewReader(log))
	for scanner.Scan() {
		line := strings.TrimRight(scanner.Text(), "\r")
		if !strings.HasPrefix(line, workPrefix) {
			continue
		}
		m := workLine.FindStringSubmatch(line)
		if m == nil {
			return nil, fmt.Errorf("not a line about fork-join work: %q", line)
		}
		var n [9]int
		for i := 1; i < len(n); i++ {
			if n[i], err = strconv.Atoi(m[i]); err != nil {
				return nil, fmt.Errorf("%q: %w", line, err)
			}
		}
		s := share{workers: n[1], nodes: n[3], jobs: n[4], least: n[5], median: n[6], most: n[7], leapt: n[8]}
		for _, k := range strings.Split(m[9], "/") {
			stolen, err := strconv.Atoi(k)
			if err != nil {
				return nil, fmt.Errorf("%q: %w", line, err)
			}
			s.stolen = append(s.stolen, stolen)
		}
		if s.workers == 0 || s.least > s.median || s.median > s.most || s.least*s.workers > s.jobs || s.jobs > s.most*s.workers ||
			s.thefts() > s.jobs {
			return nil, fmt.Errorf("these figures contradict each other: %q", line)
		}
		if s.workers != n[2] {
			continue
		}
		if last := len(shares) - 1; last >= 0 && (s.workers <= shares[last].workers || s.jobs != shares[0].jobs) {
			return nil, fmt.Errorf("not more workers than before, or other work: %q", line)
		}
		shares = append(shares, s)
	}
	if err := scanner.Err(); err != nil {
		return nil, err
	}
	if len(shares) == 0 {
		return nil, errors.New("the log has no line about fork-join work")
	}
	return shares, nil
}

// keepWork takes the lines over from boot logs.
func keepWork(log string) error {
	b, err := os.ReadFile(log)
	if err != nil {
		return fmt.Errorf("reading boot logs: %w", err)
	}
	shares, err := parseWork(string(b))
	if err != nil {
		return fmt.Errorf("%s: %w", log, err)
	}
	workLines = ""
	for _, s := range shares {
		stolen := strings.Trim(strings.ReplaceAll(fmt.Sprint(s.stolen), " ", "/"), "[]")
		workLines += fmt.Sprintf("%s%d cpus=%d nodes=%d jobs=%d least=%d median=%d most=%d leapt=%d stolen=%s\n",
			workPrefix, s.workers, s.workers, s.nodes, s.jobs, s.least, s.median, s.most, s.leapt, stolen)
	}
	return os.WriteFile(workFile, []byte(workLines), 0o644)
}

// workPicture is of docs, not of docs/sync.
var workPicture = picture{"work-scaling", "Jobs run by each worker, and jobs stolen, as there are more workers", drawWork}

// Sizes of the two charts, in pixels.
const (
	plotW, plotH = 330, 260
	barW         = 22
	tickRoom     = 60 // for the figures at an axis
)

// theft is a kind of theft: a part of a column.
type theft struct {
	says string
	kind kind
	of   func(s *share) int
}

var thefts = []theft{
	{"near: from a worker of its own node", good, (*share).near},
	{"far: from another node", wait, (*share).far},
	{"by a Join, from who runs what it needs", full, func(s *share) int { return s.leapt }},
}

func drawWork(c *canvas) {
	shares, err := parseWork(workLines)
	if err != nil {
		panic("pictures: " + workFile + ": " + err.Error())
	}
	c.say("head", fmt.Sprintf("The same %d jobs on %d to %d workers, each worker on a CPU of its own",
		shares[0].jobs, shares[0].workers, shares[len(shares)-1].workers))
	c.say("dim", "counted by the kernel in virtual machines, the larger of which have more CPUs than their host: no times")
	for _, s := range shares {
		if s.nodes > 1 {
			c.say("dim", fmt.Sprintf("from %d CPUs on a machine has %d nodes", s.workers, s.nodes))
			break
		}
	}
	c.y += 14
	top := c.y
	drawShares(c, margin+tickRoom, top, shares)
	drawThefts(c, margin+tickRoom+plotW+40+tickRoom, top, shares)
}

// column is the middle of one of n columns of a chart.
func column(left, i, n int) int { return left + plotW*(2*i+1)/(2*n) }

// chart draws what both charts have: the title, lines at ticks (pixels above the bottom), and how many workers there are.
// bottom is where the plot ends.
func chart(c *canvas, left, top int, title string, ticks map[int]string, shares []share) (bottom int) {
	c.text(left-tickRoom, top+12, "head", title)
	bottom = top + 34 + plotH
	for at := range plotH + 1 { // in order, so that the file is the same each time
		if says, ok := ticks[at]; ok {
			c.svg.Line(left, bottom-at, left+plotW, bottom-at, class("back"))
			c.svg.Text(left-8, bottom-at+5, says, class("dim end"))
		}
	}
	c.svg.Line(left, bottom-plotH, left, bottom, class("line"))
	c.svg.Line(left, bottom, left+plotW, bottom, class("line"))
	for i := range shares {
		c.centred(column(left, i, len(shares)), bottom+18, "label", itoa(shares[i].workers))
	}
	c.centred(left+plotW/2, bottom+38, "dim", "workers")
	c.reach(left + plotW)
	return bottom
}

// drawShares draws the most and the least that a worker did, and the median, above what each would do of equal shares.
func drawShares(c *canvas, left, top int, shares []share) {
	lowest, highest := math.MaxInt, 1
	for _, s := range shares {
		highest = max(highest, s.most)
		if s.least > 0 {
			lowest = min(lowest, s.least)
		}
	}
	from, to := math.Floor(math.Log10(float64(min(lowest, highest)))), math.Ceil(math.Log10(float64(highest)))
	to = max(to, from+1)
	height := func(jobs float64) int { // who did nothing is at the bottom
		return int(max(0, math.Log10(max(jobs, 1))-from) / (to - from) * plotH)
	}
	ticks := map[int]string{}
	for decade := from; decade <= to; decade++ {
		ticks[height(math.Pow(10, decade))] = strconv.FormatFloat(math.Pow(10, decade), 'f', 0, 64)
	}
	bottom := chart(c, left, top, "jobs run by one worker (logarithmic)", ticks, shares)
	equal := func(i int) (x, y int) {
		return column(left, i, len(shares)), bottom - height(float64(shares[i].jobs)/float64(shares[i].workers))
	}
	for i, s := range shares {
		x := column(left, i, len(shares))
		high, low := height(float64(s.most)), height(float64(s.least))
		c.svg.Rect(x-barW/2, bottom-high, barW, max(high-low, 1), class(string(full)))
		median := bottom - height(float64(s.median))
		c.svg.Line(x-barW/2-4, median, x+barW/2+4, median, class("line"), `stroke-width="3"`)
		if s.least == 0 {
			c.centred(x, bottom-6, "alarm", "0")
		}
	}
	for i := range shares[1:] {
		x1, y1 := equal(i)
		x2, y2 := equal(i + 1)
		c.svg.Line(x1, y1, x2, y2, class("line"), `stroke-dasharray="5 4"`)
	}
	x, y := left-tickRoom, bottom+58
	c.svg.Rect(x, y, barW, 14, class(string(full)))
	c.text(x+barW+12, y+12, "label", "from the least to the most of them")
	c.svg.Line(x-2, y+29, x+barW+2, y+29, class("line"), `stroke-width="3"`)
	c.text(x+barW+12, y+34, "label", "the median")
	c.svg.Line(x-2, y+51, x+barW+2, y+51, class("line"), `stroke-dasharray="5 4"`)
	c.text(x+barW+12, y+56, "label", "equal shares: jobs / workers")
	c.y = max(c.y, y+66)
}

// drawThefts draws how many jobs were stolen, one kind of theft upon the other.
func drawThefts(c *canvas, left, top int, shares []share) {
	most := 1
	for _, s := range shares {
		most = max(most, s.thefts())
	}
	step := 1
	for i := 0; step*6 < most; i++ { // 1, 2, 5, 10, …
		step = []int{1, 2, 5}[(i+1)%3] * int(math.Pow10((i+1)/3))
	}
	highest := (most + step - 1) / step * step
	ticks := map[int]string{}
	for jobs := 0; jobs <= highest; jobs += step {
		ticks[jobs*plotH/highest] = itoa(jobs)
	}
	bottom := chart(c, left, top, "jobs stolen, of all workers together", ticks, shares)
	for i := range shares {
		below := 0
		for _, k := range thefts {
			lo, hi := below*plotH/highest, (below+k.of(&shares[i]))*plotH/highest
			if k.of(&shares[i]) > 0 {
				hi = max(hi, lo+1) // few are a line
				c.svg.Rect(column(left, i, len(shares))-barW/2, bottom-hi, barW, hi-lo, class(string(k.kind)))
			}
			below += k.of(&shares[i])
		}
	}
	x, y := left-tickRoom, bottom+58
	for _, k := range thefts {
		c.svg.Rect(x, y, barW, 14, class(string(k.kind)))
		c.text(x+barW+12, y+12, "label", k.says)
		y += 22
	}
	c.y = max(c.y, y)
}
