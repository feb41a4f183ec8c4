// Peers measures the structures of kernel/sync beside those of liburcu and Concurrency Kit, on the host: nanoseconds per
// operation with one thread and with two; the same structures under a lock; what a preempted thread costs the others; and
// whether what is per CPU scales. And the frame allocator of kernel/mm beside one with a lock, which needs no C.
//
//	go run ./tools/peers [-run REGEXP] [-n RUNS] [-md FILE] [-strict]
//
// The peers are C, in peers.c, compiled here and run as processes of their own. Runs alternate: Exo's, each peer's, the
// locked ones', Exo's again; each is the same number of operations, and counts them. It writes build/peers.svg.
//
// Start reading: plan.go, what is measured and the targets; then measure.go.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/debug"
	"syscall"
	"time"
)

const (
	folder  = "build"
	runTime = 3 * time.Millisecond // of one run
)

func main() {
	pattern := flag.String("run", ".", "only what matches this regular `expression`: a name, with /1 or /2 for the threads")
	rounds := flag.Int("n", 15, "how many `runs` of each")
	md := flag.String("md", "", "also write the tables to this Markdown `file`")
	strict := flag.Bool("strict", false, "exit with status 1 if a target is missed")
	flag.Parse()
	wanted, err := regexp.Compile(*pattern)
	if err != nil {
		fail(err)
	}
	if *rounds < 1 || runtime.NumCPU() < 2 {
		fail(fmt.Errorf("at least one run and two CPUs are needed"))
	}
	if os.Getenv("GODEBUG") != "asyncpreemptoff=1" { // no signals from Go's scheduler while a run is timed
		self, err := os.Executable()
		if err == nil {
			err = syscall.Exec(self, os.Args, append(os.Environ(), "GODEBUG=asyncpreemptoff=1"))
		}
		fail(err)
	}
	debug.SetGCPercent(-1)
	runtime.GOMAXPROCS(2 * tailCPUs) // threads that hold on to their place while they wait for a CPU

	program, libraries := "", ""
	for i := range plan {
		if program == "" && wanted.MatchString(plan[i].label()) {
			if program, err = build(folder); err != nil {
				fail(err)
			}
			libraries = versions() + "; "
		}
	}
	r := report{machine: fmt.Sprintf("%s; %s%s %s, GOAMD64=%s; threads scheduled %s; %d runs of about %v each",
		cpuModel(), libraries, runtime.Version(), runtime.GOARCH, goamd64(), undisturbed(), *rounds, runTime)}
	for i := range plan {
		row := &plan[i]
		if !wanted.MatchString(row.label()) {
			continue
		}
		res, err := row.measure(program, *rounds)
		if err != nil {
			fail(err)
		}
		fmt.Fprintf(os.Stderr, "peers: %s: %.2f ns, %s %.2f ns\n", row.label(), res.exo.median(), row.peers[0].peer, res.peers[0].median())
		r.results = append(r.results, res)
	}
	for _, t := range tailRows() {
		if wanted.MatchString("preempted " + t.name) {
			t.measure()
			r.tails = append(r.tails, t)
		}
	}
	if wanted.MatchString("scaling") {
		r.scaling = new(scaling)
		r.scaling.measure(*rounds, 100_000)
	}
	if r.frames, err = measureFrames(wanted.MatchString, *rounds, os.Stderr); err != nil {
		fail(err)
	}
	if len(r.results)+len(r.tails)+len(r.frames) == 0 && r.scaling == nil {
		fail(fmt.Errorf("nothing matches %q", *pattern))
	}
	r.text(os.Stdout)
	if len(r.results) > 0 {
		write(filepath.Join(folder, "peers.svg"), r.chart)
	}
	if *md != "" {
		write(*md, r.markdown)
	}
	if missed := r.verdict(os.Stdout); missed > 0 && *strict {
		os.Exit(1)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "peers:", err)
	os.Exit(1)
}

func write(name string, to func(io.Writer)) {
	f, err := os.Create(name)
	if err != nil {
		fail(err)
	}
	to(f)
	if err := f.Close(); err != nil {
		fail(err)
	}
	fmt.Println("wrote " + name)
}

// goamd64 is the instruction set that this program was built for.
func goamd64() string {
	info, _ := debug.ReadBuildInfo()
	for _, s := range info.Settings {
		if s.Key == "GOAMD64" {
			return s.Value
		}
	}
	return output("go", "env", "GOAMD64")
}

func (r *row) label() string { return fmt.Sprintf("%s/%d", r.name, r.threads) }

// measure makes the runs of a row.
func (r *row) measure(program string, rounds int) (*result, error) {
	res := &result{row: *r, peers: make([]sample, len(r.peers))}
	ours := r.exo(r.threads)
	var spin, mutex body
	if !r.lone {
		spin, mutex = newSpinlocked(r.locked), newMutexed(r.locked)
	}
	peers := make([]*peer, len(r.peers))
	for i, t := range r.peers {
		p, err := startPeer(program, t.peer, r.threads)
		if err != nil {
			return nil, err
		}
		defer p.stop()
		peers[i] = p
	}
	n := 1000
	for {
		took, _ := measure(ours, r.threads, n)
		if took >= runTime/2 || n > 1e8 {
			n = max(int(float64(n)*float64(runTime)/float64(took)), 100)
			break
		}
		n *= 2
	}
	for round := range rounds + 1 {
		keep := func(s *sample, took time.Duration, done int, who string) error {
			if done != r.done(n) {
				return fmt.Errorf("%s, %s: %d of %d operations succeeded", r.label(), who, done, r.done(n))
			}
			if round > 0 { // the first warms up
				*s = append(*s, float64(took)/float64(r.done(n)))
			}
			return nil
		}
		took, done := measure(ours, r.threads, n)
		if err := keep(&res.exo, took, done, "Exo"); err != nil {
			return nil, err
		}
		for i, p := range peers {
			took, done, err := p.measure(n)
			if err == nil {
				err = keep(&res.peers[i], took, done, p.name)
			}
			if err != nil {
				return nil, err
			}
		}
		if r.lone {
			continue
		}
		took, done = measure(spin, r.threads, n)
		if err := keep(&res.spin, took, done, "under a spinlock"); err != nil {
			return nil, err
		}
		took, done = measure(mutex, r.threads, n)
		if err := keep(&res.mutex, took, done, "under a mutex"); err != nil {
			return nil, err
		}
	}
	return res, nil
}
