// Package cmdline reads the kernel's command line: words of the form key or key=value, separated by blanks.
//
//	tests=all|none|GLOB,…   which in-kernel tests to run (all)
//	bench=GLOB,…            which benchmarks to run (none)
//	seed=N                  seed of everything random; decimal or 0x…
//	exit                    end QEMU when done, with a status that tells pass from fail
//	exact                   time is simulated, so tests can be strict about it
//	torture=TIME            how long each torture test runs: seconds, or with a unit, as in 10m or 200ms (without: 0.4 s)
//	ops=N                   how many operations sched/million does (a million, or less where CPUs are many)
//	rt=edf|rm               which real-time task comes first: by deadline (edf), or by rate: the shorter period (rm)
//	crash=KIND[@CPU|@all]   crash on purpose: nil bounds divide overflow panic doublefault gp nmi hang lockorder; rcustall
//	                        only keeps a grace period from ending for a while
//	run=PROGRAM,…           programs that the first one runs before the shell; with exit, the machine ends after them
//	tune=none|RULE,…        which of the scheduler's settings follow what it counts: quantum, home (what has shown to help)
//	mute=APICID             treat that CPU as one that does not answer
//
// A word that is not understood is reported and otherwise ignored: a typing error must not keep a machine from booting.
package cmdline

// Kinds of crash, in the order of Crash.
var crashes = [...]string{"", "nil", "bounds", "divide", "overflow", "panic", "doublefault", "gp", "nmi", "hang",
	"lockorder", "rcustall"}

// Crash is what to crash by.
type Crash uint8

// The kinds of crash.
const (
	NoCrash Crash = iota
	CrashNil
	CrashBounds
	CrashDivide
	CrashOverflow
	CrashPanic
	CrashDoubleFault
	CrashGP
	CrashNMI
	CrashHang
	CrashLockOrder
	RCUStall
)

// Tune is a set of the scheduler's rules.
type Tune uint8

// The rules, in the order of tunes.
const (
	TuneQuantum Tune = 1 << iota
	TuneHome
)

var tunes = [...]string{"quantum", "home"}

// AllCPUs as Options.CrashCPU means every CPU at once.
const AllCPUs = -1

// Options is a command line, read. Its strings lie in the line that was parsed.
type Options struct {
	Tests    string // globs, "all" or "none"
	Bench    string // globs, "" for none
	Seed     uint64
	HasSeed  bool
	Torture  uint32 // ms; 0 for the default
	Ops      uint64 // 0 for the default
	ByRate   bool   // rt=rm
	Run      string // names of programs, "" for none
	Exit     bool
	Exact    bool
	Crash    Crash
	CrashCPU int
	Mute     uint32 // the APIC id that does not answer
	HasMute  bool
	Tune     Tune
	HasTune  bool

	bad  [8]Complaint
	nbad int
}

// Complaint is a word that was not understood, and why.
type Complaint struct{ Word, Why string }

// Complaints returns the first eight words that were not understood.
func (o *Options) Complaints() []Complaint { return o.bad[:min(o.nbad, len(o.bad))] }

// Bad counts all words that were not understood.
func (o *Options) Bad() int { return o.nbad }

func (o *Options) complain(word, why string) {
	if o.nbad < len(o.bad) {
		o.bad[o.nbad] = Complaint{word, why}
	}
	o.nbad++
}

// Parse reads line into o, which it resets. The later of two words with one key wins.
func Parse(line string, o *Options) {
	*o = Options{Tests: "all"}
	for first := true; len(line) > 0; {
		var word string
		word, line = cutAny(line)
		if word == "" || first && isPath(word) {
			first = first && word == ""
			continue
		}
		first = false
		o.word(word)
	}
}

// isPath tells the image's own name, which some loaders put before the words that are for it.
func isPath(word string) bool {
	path := false
	for i := 0; i < len(word); i++ {
		switch word[i] {
		case '=':
			return false
		case '/', '.':
			path = true
		}
	}
	return path
}

func (o *Options) word(word string) {
	key, value, has := cut(word, '=')
	switch key {
	case "exit", "exact":
		if has {
			o.complain(word, "this word takes no value")
			return
		}
		if key == "exit" {
			o.Exit = true
		} else {
			o.Exact = true
		}
		return
	case "tests", "bench", "seed", "torture", "ops", "rt", "crash", "mute", "tune", "run":
		if value == "" {
			o.complain(word, "a value is missing")
			return
		}
	default:
		o.complain(word, "unknown word; known are tests= bench= seed= torture= ops= rt= exit exact crash= mute= tune= run=")
		return
	}
	switch key {
	case "run":
		o.Run = value
	case "tests":
		o.Tests = value
	case "bench":
		o.Bench = value
	case "seed":
		if v, ok := number(value); ok {
			o.Seed, o.HasSeed = v, true
		} else {
			o.complain(word, "not a number of 64 bits")
		}
	case "torture":
		if v, ok := milliseconds(value); ok && v > 0 && v <= maxTorture {
			o.Torture = uint32(v)
		} else {
			o.complain(word, "not a time of 1ms to 24h")
		}
	case "ops":
		if v, ok := number(value); ok && v > 0 && v <= maxOps {
			o.Ops = v
		} else {
			o.complain(word, "not a number from 1 to 10^12")
		}
	case "rt":
		if value == "edf" || value == "rm" {
			o.ByRate = value == "rm"
		} else {
			o.complain(word, "not edf or rm")
		}
	case "mute":
		if v, ok := number(value); ok && v < 1<<32 {
			o.Mute, o.HasMute = uint32(v), true
		} else {
			o.complain(word, "not an APIC id")
		}
	case "crash":
		o.crash(word, value)
	case "tune":
		o.tune(word, value)
	}
}

func (o *Options) tune(word, value string) {
	set := Tune(0)
	if value != "none" {
		for rest, more := value, true; more; {
			var rule string
			rule, rest, more = cut(rest, ',')
			i := 0
			for i < len(tunes) && tunes[i] != rule {
				i++
			}
			if i == len(tunes) {
				o.complain(word, "no such rule: none, or quantum home with commas between")
				return
			}
			set |= 1 << i
		}
	}
	o.Tune, o.HasTune = set, true
}

func (o *Options) crash(word, value string) {
	kind, where, has := cut(value, '@')
	cpu := uint64(0)
	if has && where != "all" {
		var ok bool
		if cpu, ok = number(where); !ok || cpu > 1<<16 {
			o.complain(word, "after @ comes a CPU number or all")
			return
		}
	}
	for i := 1; i < len(crashes); i++ {
		if crashes[i] == kind {
			o.Crash, o.CrashCPU = Crash(i), int(cpu)
			if where == "all" {
				o.CrashCPU = AllCPUs
			}
			return
		}
	}
	o.complain(word, "no such crash: nil bounds divide overflow panic doublefault gp nmi hang lockorder rcustall")
}

// cutAny takes the first word off a line; blanks, tabs and line ends separate.
func cutAny(s string) (word, rest string) {
	for i := 0; i < len(s); i++ {
		if s[i] == ' ' || s[i] == '\t' || s[i] == '\n' || s[i] == '\r' {
			return s[:i], s[i+1:]
		}
	}
	return s, ""
}

func cut(s string, sep byte) (before, after string, found bool) {
	for i := 0; i < len(s); i++ {
		if s[i] == sep {
			return s[:i], s[i+1:], true
		}
	}
	return s, "", false
}

const (
	maxTorture = 24 * 60 * 60 * 1000 // ms
	maxOps     = 1_000_000_000_000
)

// milliseconds reads a time: a number of seconds, or of what a unit says: ms, s, m, h.
func milliseconds(s string) (v uint64, ok bool) {
	unit := uint64(1000)
	if n := len(s); n > 1 && s[n-2:] == "ms" {
		unit, s = 1, s[:n-2]
	} else if n > 0 {
		switch s[n-1] {
		case 's':
			s = s[:n-1]
		case 'm':
			unit, s = 60_000, s[:n-1]
		case 'h':
			unit, s = 3_600_000, s[:n-1]
		}
	}
	v, ok = number(s)
	if !ok || v > maxTorture {
		return 0, false
	}
	return v * unit, true
}

// number reads a decimal or 0x number of at most 64 bits.
func number(s string) (v uint64, ok bool) {
	b := uint64(10)
	if len(s) > 2 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X') {
		b, s = 16, s[2:]
	}
	if s == "" {
		return 0, false
	}
	for i := 0; i < len(s); i++ {
		d := uint64(255)
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			d = uint64(c - '0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			d = uint64(c|0x20-'a') + 10
		}
		if d >= b || v > (1<<64-1-d)/b {
			return 0, false
		}
		v = v*b + d
	}
	return v, true
}

// Match says whether name matches one of the comma-separated globs; "all" matches everything and "none" nothing.
// In a glob * stands for any run of bytes, / included, and ? for any one.
func Match(globs, name string) bool {
	for globs != "" {
		var g string
		g, globs, _ = cut(globs, ',')
		if g == "all" || g != "none" && g != "" && glob(g, name) {
			return true
		}
	}
	return false
}

// glob backtracks to the last star only, so its work is bounded by the product of the lengths.
func glob(g, s string) bool {
	star, mark := -1, 0
	i := 0
	for j := 0; j < len(s); {
		switch {
		case i < len(g) && g[i] == '*':
			star, mark = i, j
			i++
		case i < len(g) && (g[i] == '?' || g[i] == s[j]):
			i++
			j++
		case star >= 0:
			mark++
			i, j = star+1, mark
		default:
			return false
		}
	}
	for i < len(g) && g[i] == '*' {
		i++
	}
	return i == len(g)
}
