package cmdline

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"exo/internal/seeds"
)

func parse(line string) *Options {
	o := &Options{Tests: "stale", Bench: "stale", Seed: 1, HasSeed: true, Torture: 5000, Ops: 6, ByRate: true, Exit: true, Crash: CrashHang, CrashCPU: 9,
		Mute: 1, HasMute: true, Tune: 3, HasTune: true, nbad: 3, bad: [8]Complaint{{"stale", "stale"}}}
	Parse(line, o)
	return o
}

func TestEachWordIsRead(t *testing.T) {
	for line, want := range map[string]Options{
		"":                              {Tests: "all"},
		" \t\r\n ":                      {Tests: "all"},
		"tests=none":                    {Tests: "none"},
		"tests=sync/*,mm/?":             {Tests: "sync/*,mm/?"},
		"tests=a=b":                     {Tests: "a=b"},
		"bench=*":                       {Tests: "all", Bench: "*"},
		"seed=42":                       {Tests: "all", Seed: 42, HasSeed: true},
		"seed=0x2A":                     {Tests: "all", Seed: 42, HasSeed: true},
		"seed=0Xffffffffffffffff":       {Tests: "all", Seed: math.MaxUint64, HasSeed: true},
		"seed=18446744073709551615":     {Tests: "all", Seed: math.MaxUint64, HasSeed: true},
		"seed=0":                        {Tests: "all", HasSeed: true},
		"seed=0x000000000000000000001":  {Tests: "all", Seed: 1, HasSeed: true},
		"exit":                          {Tests: "all", Exit: true},
		"tune=none":                     {Tests: "all", HasTune: true},
		"tune=home":                     {Tests: "all", Tune: TuneHome, HasTune: true},
		"tune=quantum,home,quantum":     {Tests: "all", Tune: TuneQuantum | TuneHome, HasTune: true},
		"tune=quantum tune=none":        {Tests: "all", HasTune: true},
		"ops=1000000":                   {Tests: "all", Ops: 1_000_000},
		"ops=0xe8d4a51000":              {Tests: "all", Ops: maxOps},
		"rt=rm":                         {Tests: "all", ByRate: true},
		"rt=rm rt=edf":                  {Tests: "all"},
		"mute=0":                        {Tests: "all", HasMute: true},
		"mute=0xffffffff":               {Tests: "all", Mute: math.MaxUint32, HasMute: true},
		"crash=nil":                     {Tests: "all", Crash: CrashNil},
		"crash=bounds":                  {Tests: "all", Crash: CrashBounds},
		"crash=divide":                  {Tests: "all", Crash: CrashDivide},
		"crash=overflow":                {Tests: "all", Crash: CrashOverflow},
		"crash=panic":                   {Tests: "all", Crash: CrashPanic},
		"crash=doublefault":             {Tests: "all", Crash: CrashDoubleFault},
		"crash=gp":                      {Tests: "all", Crash: CrashGP},
		"crash=nmi":                     {Tests: "all", Crash: CrashNMI},
		"crash=hang":                    {Tests: "all", Crash: CrashHang},
		"crash=lockorder":               {Tests: "all", Crash: CrashLockOrder},
		"crash=rcustall@1":              {Tests: "all", Crash: RCUStall, CrashCPU: 1},
		"torture=10":                    {Tests: "all", Torture: 10000},
		"torture=0x10s":                 {Tests: "all", Torture: 16000},
		"torture=90s":                   {Tests: "all", Torture: 90000},
		"torture=10m":                   {Tests: "all", Torture: 600000},
		"torture=200ms":                 {Tests: "all", Torture: 200},
		"torture=24h":                   {Tests: "all", Torture: 86400000},
		"crash=panic@3":                 {Tests: "all", Crash: CrashPanic, CrashCPU: 3},
		"crash=nmi@all":                 {Tests: "all", Crash: CrashNMI, CrashCPU: AllCPUs},
		"\texit \n tests=x\rbench=y  ":  {Tests: "x", Bench: "y", Exit: true},
		"tests=a seed=1 tests=b seed=2": {Tests: "b", Seed: 2, HasSeed: true},
		"crash=nil@2 crash=gp":          {Tests: "all", Crash: CrashGP},
		"exit seed=7 bench=a crash=gp@1 mute=2 torture=1m tests=b": {Tests: "b", Bench: "a", Seed: 7, HasSeed: true, Torture: 60000, Exit: true,
			Crash: CrashGP, CrashCPU: 1, Mute: 2, HasMute: true},
	} {
		o := parse(line)
		require.Equal(t, want, *o, "%q", line)
		require.Empty(t, o.Complaints())
		require.Zero(t, o.Bad())
	}
}

func TestAWordThatIsNotUnderstoodIsReportedAndOtherwiseIgnored(t *testing.T) {
	for word, why := range map[string]string{
		"exits": "unknown", "=": "unknown", "=x": "unknown", "EXIT": "unknown", "Tests=all": "unknown", "\x00\xff": "unknown",
		"exit=": "no value", "exit=1": "no value", "exit=no": "no value",
		"tests": "missing", "tests=": "missing", "bench=": "missing", "seed": "missing", "mute=": "missing", "crash=": "missing",
		"torture": "missing", "torture=": "missing", "torture=0": "1ms to 24h", "torture=0m": "1ms to 24h", "torture=m": "1ms to 24h",
		"torture=1d": "1ms to 24h", "torture=1.5": "1ms to 24h", "torture=-1": "1ms to 24h", "torture=86401": "1ms to 24h",
		"torture=25h": "1ms to 24h", "torture=1441m": "1ms to 24h", "torture=99999999999999999999": "1ms to 24h", "torture=0ms": "1ms to 24h", "torture=ms": "1ms to 24h", "torture=86400001ms": "1ms to 24h",
		"torture=307445734561825861m": "1ms to 24h",
		"seed=x":                      "64 bits", "seed=-1": "64 bits", "seed=1x": "64 bits", "seed=0x": "64 bits", "seed=0xg": "64 bits", "seed=ff": "64 bits",
		"seed=18446744073709551616": "64 bits", "seed=0x10000000000000000": "64 bits", "seed=99999999999999999999999": "64 bits",
		"seed=184467440737095516150": "64 bits", "seed=1=2": "64 bits", "seed=１": "64 bits",
		"ops": "missing", "ops=0": "10^12", "ops=-1": "10^12", "ops=1e6": "10^12", "ops=1000000000001": "10^12",
		"rt=": "missing", "rt=dm": "edf or rm", "rt=EDF": "edf or rm", "rt=rm,edf": "edf or rm",
		"mute=0x100000000": "APIC", "mute=4294967296": "APIC", "mute=a": "APIC",
		"tune": "missing", "tune=": "missing", "tune=steal": "no such", "tune=none,home": "no such", "tune=home,": "no such",
		"tune=,home": "no such", "tune=Home": "no such",
		"crash=Nil": "no such", "crash=@1": "no such", "crash=nil,gp": "no such",
		"crash=nil@": "after @", "crash=nil@x": "after @", "crash=nil@-1": "after @", "crash=nil@1@2": "after @",
		"crash=nil@99999": "after @", "crash=nil@ALL": "after @",
	} {
		for _, line := range []string{word, "  " + word + " ", "seed=5 " + word} {
			o := parse(line)
			require.Equal(t, 1, o.Bad(), "%q", line)
			require.Len(t, o.Complaints(), 1, "%q", line)
			require.Equal(t, word, o.Complaints()[0].Word)
			require.Contains(t, o.Complaints()[0].Why, why, "%q", word)
			o.nbad, o.bad = 0, [8]Complaint{}
			want := Options{Tests: "all"}
			if line[0] == 's' && line != word {
				want.Seed, want.HasSeed = 5, true
			}
			require.Equal(t, want, *o, "%q", line)
		}
	}
}

func TestABadWordDoesNotUndoAnEarlierGoodOne(t *testing.T) {
	o := parse("exit seed=3 crash=gp@2 mute=1 torture=9 seed=x crash=what mute=z exit=no torture=x tests=")
	require.Equal(t, 6, o.Bad())
	require.Equal(t, uint32(9000), o.Torture)
	require.True(t, o.Exit && o.HasSeed && o.HasMute)
	require.Equal(t, []any{uint64(3), CrashGP, 2, uint32(1), "all"}, []any{o.Seed, o.Crash, o.CrashCPU, o.Mute, o.Tests})
}

func TestMoreThanEightComplaintsAreCountedAndTheFirstEightKept(t *testing.T) {
	o := parse("a b c d e f g h i j exit k")
	require.Equal(t, 11, o.Bad())
	require.True(t, o.Exit)
	var words []string
	for _, c := range o.Complaints() {
		words = append(words, c.Word)
	}
	require.Equal(t, strings.Fields("a b c d e f g h"), words)
	Parse("x", o)
	require.Equal(t, []Complaint{{"x", o.bad[0].Why}}, o.Complaints())
}

func TestTheImagesPathIsDroppedWhereALoaderPutsItFirst(t *testing.T) {
	for _, path := range []string{"/tmp/build/exo.img", "exo.img", "build/exo", "./x", "(hd0)/boot/exo"} {
		require.Equal(t, Options{Tests: "all", Exit: true}, *parse(path + " exit"), path)
		require.Equal(t, Options{Tests: "all", Exit: true}, *parse("  " + path + "\texit"), path)
		require.Equal(t, Options{Tests: "all"}, *parse(path), path)
		o := parse("exit " + path)
		require.Equal(t, 1, o.Bad(), "it is the image's name only in front: %s", path)
		require.Equal(t, 1, parse(path+" "+path).Bad())
	}
	require.Equal(t, Options{Tests: "sync/*"}, *parse("tests=sync/*"), "a word with = is an option, / or not")
	require.Equal(t, 1, parse("kernel exit").Bad())
}

func TestMatchTakesCommaSeparatedGlobs(t *testing.T) {
	const name = "sync/queue: no element lost"
	for _, globs := range []string{"all", "*", "sync/*", "*lost", "sync/queue*", "sync?queue*", "a,sync/*,b", "none,all", name,
		"*element*", "**s*y**", ",,*", "none,*", "x,all"} {
		require.True(t, Match(globs, name), globs)
	}
	for _, globs := range []string{"", ",", "none", "none,", "sync", "sync/queue", "queue*", "*queue", "SYNC/*", "?", name + "?", name + "x",
		"al", "alls", "sync*x"} {
		require.False(t, Match(globs, name), globs)
	}
	require.True(t, Match("*", "") && Match("all", "") && Match("**", ""))
	require.False(t, Match("none", "none") || Match("?", "") || Match("", ""))
}

// matches is the definition of a glob, without any cleverness.
func matches(g, s string) bool {
	if g == "" {
		return s == ""
	}
	if g[0] == '*' {
		return matches(g[1:], s) || s != "" && matches(g, s[1:])
	}
	return s != "" && (g[0] == '?' || g[0] == s[0]) && matches(g[1:], s[1:])
}

func TestGlobAgreesWithItsDefinition(t *testing.T) {
	draw := func(r *rand.Rand, alphabet string, n int) string {
		b := make([]byte, r.IntN(n+1))
		for i := range b {
			b[i] = alphabet[r.IntN(len(alphabet))]
		}
		return string(b)
	}
	hits := 0
	seeds.Each(t, 50_000, func(r *rand.Rand) {
		g, s := draw(r, "ab/*?", 8), draw(r, "ab/", 10)
		want := matches(g, s)
		if want {
			hits++
		}
		require.Equal(t, want, glob(g, s), "glob %q, name %q", g, s)
		require.Equal(t, want && g != "", Match(g, s), "glob %q, name %q", g, s)
	})
	require.Greater(t, hits, 2000)
}

func TestTheWorkOfAGlobIsBoundedByTheProductOfTheLengths(t *testing.T) {
	// A matcher that tried every star against every place would not come back from this.
	require.False(t, glob(strings.Repeat("*a", 500), strings.Repeat("a", 499)+"b"))
	require.False(t, glob(strings.Repeat("a*", 500)+"b", strings.Repeat("a", 5000)))
}

// within says whether s lies in the memory of line.
func within(s, line string) bool {
	if s == "" {
		return true
	}
	at, from := uintptr(unsafe.Pointer(unsafe.StringData(s))), uintptr(unsafe.Pointer(unsafe.StringData(line)))
	return at >= from && at+uintptr(len(s)) <= from+uintptr(len(line))
}

// sound checks what must hold for any line.
func sound(t *testing.T, line string) {
	o := parse(line)
	require.Equal(t, min(o.Bad(), 8), len(o.Complaints()))
	require.LessOrEqual(t, o.Bad(), len(line)/2+1)
	for _, c := range o.Complaints() {
		require.NotEmpty(t, c.Word)
		require.NotEmpty(t, c.Why)
		require.True(t, within(c.Word, line), "%q complains of %q", line, c.Word)
		require.NotContains(t, c.Word, " ")
	}
	require.True(t, o.Tests == "all" || within(o.Tests, line) && o.Tests != "")
	require.True(t, within(o.Bench, line))
	require.Less(t, int(o.Crash), len(crashes))
	require.True(t, o.CrashCPU >= AllCPUs && o.CrashCPU <= 1<<16)
	require.True(t, o.HasSeed || o.Seed == 0)
	require.True(t, o.HasMute || o.Mute == 0)
	require.LessOrEqual(t, o.Torture, uint32(maxTorture))
	require.LessOrEqual(t, o.Ops, uint64(maxOps))
	again := *o
	Parse(line, o)
	require.Equal(t, again, *o, "reading a line twice gives the same")
	_ = Match(o.Tests, "sync/queue: no element lost")
	_ = Match(o.Bench, line)
}

var good = []string{
	"/boot/exo.img tests=sync/*,mm/* bench=sync/queue seed=0x2a exit",
	"build/exo.img crash=doublefault@3 exit mute=0x1f torture=10m",
	"tests=none bench=*,none seed=18446744073709551615 crash=nil@all",
	"a b c d e f g h i j",
}

func TestAMutatedLineIsReadWithoutPanic(t *testing.T) {
	seeds.Each(t, 20_000, func(r *rand.Rand) {
		b := []byte(good[r.IntN(len(good))])
		for range 1 + r.IntN(5) {
			i := r.IntN(len(b))
			switch r.IntN(4) {
			case 0:
				b[i] = byte(r.Uint32())
			case 1:
				b[i] = " =,*?@/x0"[r.IntN(9)]
			case 2:
				b = slices.Delete(b, i, min(len(b), i+1+r.IntN(6)))
			case 3:
				b = slices.Insert(b, i, b[r.IntN(i+1):i]...)
			}
			if len(b) == 0 {
				break
			}
		}
		sound(t, string(b))
	})
}

func FuzzParse(f *testing.F) {
	for _, line := range good {
		f.Add(line)
	}
	f.Fuzz(sound)
}

func TestReadingNeedsNoHeap(t *testing.T) {
	var o Options
	require.Zero(t, testing.AllocsPerRun(100, func() {
		Parse(good[0], &o)
		_ = Match(o.Tests, "sync/queue")
	}))
}
