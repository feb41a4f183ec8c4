package multiboot

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func parse1(t *testing.T, b []byte) *Info {
	t.Helper()
	i := &Info{}
	require.NoError(t, Parse((&physical{}).put(at1, b), Magic1, at1, i))
	return i
}

func parse2(t *testing.T, b []byte) *Info {
	t.Helper()
	i := &Info{}
	require.NoError(t, Parse((&physical{}).put(at2, b), Magic2, at2, i))
	return i
}

func warnings(i *Info) []Warning { return i.Warnings[:min(i.NWarnings, MaxWarnings)] }

// oneWarning expects exactly one, with this text in it and this argument.
func oneWarning(t *testing.T, i *Info, text string, arg uint64) {
	t.Helper()
	require.Equal(t, 1, i.NWarnings, "%v", warnings(i))
	require.Contains(t, i.Warnings[0].Text, text)
	require.Equal(t, arg, i.Warnings[0].Arg)
}

var usable = entry1(0x100000, 0x1000000, Usable)

// map1 makes a block with this map and nothing else.
func withMap1(m []byte) []byte {
	return block1(flagMap, func(b []byte, tail func(...any) uint32) {
		put32(b, off1MapLen, uint32(len(m)))
		put32(b, off1Map, tail(m))
	})
}

func TestMultiboot1_AllFields(t *testing.T) {
	i := parse1(t, sound1())
	require.Zero(t, i.NWarnings)
	require.Equal(t, 1, i.Version)
	require.Equal(t, "kernel.bin test=all", i.CommandLine())
	require.Equal(t, "qemu", i.LoaderName())
	require.Nil(t, i.RSDP())
	require.Equal(t, []Range{
		{0, 0x9fc00, Usable}, {0x9fc00, 0x400, Reserved}, {0xf0000, 0x10000, Reserved},
		{0x100000, 0x1fee0000, Usable}, {0x1ffe0000, 0x20000, Reclaimable}, {0xfffc0000, 0x40000, Reserved},
	}, i.Ranges[:i.NRanges])
	require.Equal(t, 2, i.NModules)
	require.EqualValues(t, 0x200000, i.Modules[0].Base)
	require.EqualValues(t, 0x123, i.Modules[0].Len)
	require.Equal(t, "initramfs x=1", i.Modules[0].CommandLine())
	require.EqualValues(t, 0x201000, i.Modules[1].Base)
	require.Equal(t, "b", i.Modules[1].CommandLine())
}

func TestMultiboot2_AllTags(t *testing.T) {
	i := parse2(t, sound2())
	require.Zero(t, i.NWarnings)
	require.Equal(t, 2, i.Version)
	require.Equal(t, "test=all", i.CommandLine())
	require.Equal(t, "GRUB 2.12", i.LoaderName())
	require.Equal(t, "RSD PTR 67890123456789012345678901234", string(i.RSDP()))
	require.Equal(t, 4, i.NRanges)
	require.Equal(t, Range{0x100000, 0x1fee0000, Usable}, i.Ranges[2])
	require.Equal(t, 2, i.NModules)
	require.Equal(t, "initramfs x=1", i.Modules[0].CommandLine())
	require.EqualValues(t, 0x1000, i.Modules[1].Len)
}

func TestParse_KeepsCopiesOnly(t *testing.T) {
	for magic, b := range map[uint32][]byte{Magic1: sound1(), Magic2: sound2()} {
		addr := map[uint32]uint64{Magic1: at1, Magic2: at2}[magic]
		var i Info
		require.NoError(t, Parse((&physical{}).put(addr, b), magic, addr, &i))
		before := i
		clear(b)
		require.Equal(t, before, i)
		require.Contains(t, i.CommandLine(), "test=all")
	}
}

func TestParse_ForgetsWhatInfoHeld(t *testing.T) {
	i := parse1(t, sound1())
	require.Equal(t, ErrMagic, Parse(&physical{}, 1, 2, i))
	require.Equal(t, Info{}, *i)
}

func TestParse_Fatal(t *testing.T) {
	huge := block2()
	put32(huge, 0, max2+1)
	tiny := block2()
	put32(tiny, 0, 7)
	lying := sound2()
	put32(lying, 0, uint32(len(lying)+8))
	for name, c := range map[string]struct {
		magic uint32
		b     []byte
		err   error
	}{
		"magic":        {0x1badb002, sound1(), ErrMagic},
		"1 cut":        {Magic1, sound1()[:len1-1], ErrUnreadable},
		"1 no memory":  {Magic1, block1(0, func([]byte, func(...any) uint32) {}), ErrNoMemory},
		"1 empty map":  {Magic1, block1(flagMap, func([]byte, func(...any) uint32) {}), ErrNoMemory},
		"1 no usable":  {Magic1, withMap1(entry1(0, 4096, Reserved)), ErrNoMemory},
		"1 zero basic": {Magic1, block1(flagBasic, func([]byte, func(...any) uint32) {}), ErrNoMemory},
		"2 cut":        {Magic2, sound2()[:7], ErrUnreadable},
		"2 too short":  {Magic2, tiny, ErrShort},
		"2 too long":   {Magic2, huge, ErrTooLong},
		"2 lying":      {Magic2, lying, ErrUnreadable},
		"2 no memory":  {Magic2, block2(tag(tagEnd)), ErrNoMemory},
	} {
		var i Info
		require.Equal(t, c.err, Parse((&physical{}).put(at1, c.b), c.magic, at1, &i), name)
	}
	var i Info
	require.Equal(t, ErrUnreadable, Parse(&physical{}, Magic1, ^uint64(0)-3, &i))
	require.Equal(t, ErrUnreadable, Parse(&physical{}, Magic2, ^uint64(0)-3, &i))
}

func TestMultiboot1_WithoutMapTakesTheBasicSizes(t *testing.T) {
	i := parse1(t, block1(flagBasic, func(b []byte, _ func(...any) uint32) {
		put32(b, off1Lower, 640)
		put32(b, off1Upper, 65536)
	}))
	require.Zero(t, i.NWarnings)
	require.Equal(t, []Range{{0, 640 << 10, Usable}, {1 << 20, 64 << 20, Usable}}, i.Ranges[:i.NRanges])

	i = parse1(t, block1(flagBasic, func(b []byte, _ func(...any) uint32) {
		put32(b, off1Lower, 0xffffffff)
		put32(b, off1Upper, 0xffffffff)
	}))
	require.Equal(t, []Range{{0, 640 << 10, Usable}, {1 << 20, 0xffffffff << 10, Usable}}, i.Ranges[:i.NRanges])
}

func TestBasicSizes_StandInForAMapThatSaysNothing(t *testing.T) {
	i := parse1(t, block1(flagBasic|flagMap, func(b []byte, tail func(...any) uint32) {
		put32(b, off1Upper, 1024)
		put32(b, off1MapLen, 24)
		put32(b, off1Map, 0x500000)
	}))
	require.Equal(t, 2, i.NWarnings)
	require.Equal(t, []Range{{1 << 20, 1 << 20, Usable}}, i.Ranges[:i.NRanges])

	i = parse2(t, block2(tag(tagBasic, uint32(0), uint32(1024)), tag(tagEnd)))
	oneWarning(t, i, "basic sizes", 1024)
	require.Equal(t, []Range{{1 << 20, 1 << 20, Usable}}, i.Ranges[:i.NRanges])
}

func TestMap1_EntriesMayBeLongerThanNeeded(t *testing.T) {
	i := parse1(t, withMap1(bytes(uint32(24), entry1(1<<20, 1<<20, Usable)[4:], uint32(1), usable)))
	require.Zero(t, i.NWarnings)
	require.Equal(t, 2, i.NRanges)
}

func TestMap1_AbsurdSizeEndsTheMap(t *testing.T) {
	for _, size := range []uint32{0, 1, 19, 21, 0x7fffffff, 0xffffffff} {
		i := parse1(t, withMap1(bytes(usable, size, make([]byte, 20))))
		oneWarning(t, i, "absurd size", uint64(size))
		require.Equal(t, 1, i.NRanges)
	}
	i := parse1(t, withMap1(bytes(usable, uint32(20), uint64(0))))
	oneWarning(t, i, "ends within", 12)
}

func TestMap1_RunsOutOfReadableMemory(t *testing.T) {
	m := bytes(usable, usable)
	b := withMap1(m)
	put32(b, off1MapLen, uint32(len(m)+24))
	i := parse1(t, b)
	oneWarning(t, i, "unreadable memory map", uint64(at1+len(b)))
	require.Equal(t, 2, i.NRanges)

	put32(b, off1MapLen, 0xfffffff0)
	require.Equal(t, 2, parse1(t, b).NRanges)
}

func TestMap1_LongerThanTheLimitIsCut(t *testing.T) {
	m := bytes(usable, []byte(strings.Repeat(string(entry1(0, 0, Reserved)), max1Map/24)))
	p := (&physical{}).put(0x100000, bytes(m, usable)).put(at1, block1(flagMap, func(b []byte, _ func(...any) uint32) {
		put32(b, off1MapLen, uint32(len(m)+24))
		put32(b, off1Map, 0x100000)
	}))
	var i Info
	require.NoError(t, Parse(p, Magic1, at1, &i))
	require.Equal(t, 2, i.NWarnings) // and the cut goes through an entry
	require.Contains(t, i.Warnings[0].Text, "64 KiB")
	require.Equal(t, 1, i.NRanges)
}

func TestMap_RangesThatWrap(t *testing.T) {
	i := parse1(t, withMap1(bytes(usable, entry1(1<<63, 1<<63+1, Usable), entry1(1<<20, 0, Usable))))
	oneWarning(t, i, "wraps", 1<<63)
	require.Equal(t, 1, i.NRanges)

	i = parse1(t, withMap1(bytes(usable, entry1(1<<63, ^uint64(0), Bad), entry1(^uint64(0), 1, Reserved))))
	require.Zero(t, i.NWarnings)
	require.Equal(t, 2, i.NRanges)
	require.Equal(t, Range{1 << 63, 1<<63 - 1, Bad}, i.Ranges[1])
}

func TestMap_LimitNeverLosesAReservation(t *testing.T) {
	entries := [][]byte{}
	for k := range uint64(MaxRanges) {
		entries = append(entries, entry2(k<<20, 4096, Usable))
	}
	entries = append(entries, entry2(0, 100, Reserved), entry2(5<<20, 100, NVS), entry2(500<<20, 4096, Usable))
	i := parse2(t, block2(map2(entries...), tag(tagEnd)))
	require.Equal(t, 3, i.NWarnings)
	require.Equal(t, MaxRanges, i.NRanges)
	require.Equal(t, Range{0, 100, Reserved}, i.Ranges[127])
	require.Equal(t, Range{5 << 20, 100, NVS}, i.Ranges[126])
	require.EqualValues(t, 500<<20, i.Warnings[2].Arg)
}

func TestMap2_Unsound(t *testing.T) {
	good := map2(entry2(1<<20, 1<<20, Usable))
	i := parse2(t, block2(tag(tagMap, uint32(24)), good, tag(tagEnd)))
	oneWarning(t, i, "without header", 4)
	for _, size := range []uint32{0, 8, 23} {
		i = parse2(t, block2(tag(tagMap, size, uint32(0), make([]byte, 48)), good, tag(tagEnd)))
		oneWarning(t, i, "absurd size", uint64(size))
	}
	i = parse2(t, block2(tag(tagMap, uint32(24), uint32(0), make([]byte, 30)), good, tag(tagEnd)))
	oneWarning(t, i, "ends within", 6)
	i = parse2(t, block2(tag(tagMap, uint32(0xffffffff), uint32(0), make([]byte, 48)), good, tag(tagEnd)))
	oneWarning(t, i, "ends within", 48)
	require.Equal(t, 1, i.NRanges)
}

func TestMap2_LongerEntriesOfLaterVersions(t *testing.T) {
	i := parse2(t, block2(tag(tagMap, uint32(32), uint32(1), entry2(1<<20, 1<<20, Usable), uint64(7), entry2(1<<30, 1<<20, 99), uint64(7)), tag(tagEnd)))
	require.Zero(t, i.NWarnings)
	require.Equal(t, []Range{{1 << 20, 1 << 20, Usable}, {1 << 30, 1 << 20, 99}}, i.Ranges[:i.NRanges])
}

func TestTags_ThatCannotBe(t *testing.T) {
	good := map2(entry2(1<<20, 1<<20, Usable))
	for _, size := range []uint32{0, 7, 4096, 0xffffffff} {
		i := parse2(t, block2(good, bytes(uint32(1), size)))
		oneWarning(t, i, "absurd size", uint64(size))
	}
	b := block2(good)
	oneWarning(t, parse2(t, b), "no end tag", uint64(len(b)))
	b = append(b, 0, 0, 0, 0) // half a tag
	put32(b, 0, uint32(len(b)))
	oneWarning(t, parse2(t, b), "no end tag", uint64(len(b)))
}

func TestTexts_AreCutWithAWarning(t *testing.T) {
	good := map2(entry2(1<<20, 1<<30, Usable))
	long := strings.Repeat("x", 5000)
	i := parse2(t, block2(good, tag(tagCommandLine, long, "\x00"), tag(tagEnd)))
	oneWarning(t, i, "command line", MaxCommandLine)
	require.Equal(t, long[:MaxCommandLine], i.CommandLine())

	i = parse2(t, block2(good, tag(tagCommandLine, long[:MaxCommandLine], "\x00"), tag(tagEnd)))
	require.Zero(t, i.NWarnings)
	require.Equal(t, long[:MaxCommandLine], i.CommandLine())

	i = parse2(t, block2(good, tag(tagCommandLine, "no NUL"), tag(tagEnd)))
	oneWarning(t, i, "command line", 6)
	require.Equal(t, "no NUL", i.CommandLine())

	i = parse2(t, block2(good, tag(tagLoaderName, long), tag(tagEnd)))
	oneWarning(t, i, "loader's name", MaxLoaderName)

	i = parse2(t, block2(good, module2(1<<20, 2<<20, long), tag(tagEnd)))
	oneWarning(t, i, "text of the module", 1<<20)
	require.Equal(t, long[:MaxModuleText], i.Modules[0].CommandLine())

	i = parse1(t, block1(flagBasic|flagCommandLine|flagLoaderName, func(b []byte, tail func(...any) uint32) {
		put32(b, off1Upper, 1024)
		put32(b, off1LoaderName, tail(long, "\x00"))
		put32(b, off1CommandLine, tail("runs out of memory"))
	}))
	require.Equal(t, 2, i.NWarnings)
	require.Equal(t, "runs out of memory", i.CommandLine())
	require.Equal(t, long[:MaxLoaderName], i.LoaderName())
}

func TestModules_ThatCannotBeAreDropped(t *testing.T) {
	good := map2(entry2(1<<20, 1<<20, Usable), entry2(3<<20, 1<<20, Reserved))
	i := parse2(t, block2(module2(5, 4, "\x00"), good, tag(tagEnd)))
	oneWarning(t, i, "ends before it starts", 5)
	i = parse2(t, block2(tag(tagModule, uint32(1)), good, tag(tagEnd)))
	oneWarning(t, i, "without addresses", 4)
	i = parse2(t, block2(
		module2(3<<20, 4<<20, "reserved\x00"), module2(1<<20, 1<<20+1, "first\x00"), module2(0xfffff000, 0xffffffff, "nowhere\x00"),
		module2(7<<20, 7<<20, "empty\x00"), module2(2<<20-1, 2<<20+1, "last\x00"), module2(2<<20, 3<<20, "between\x00"), good, tag(tagEnd)))
	require.Equal(t, 3, i.NWarnings)
	require.Equal(t, 3, i.NModules)
	require.Equal(t, "first", i.Modules[0].CommandLine())
	require.Equal(t, "empty", i.Modules[1].CommandLine())
	require.Equal(t, "last", i.Modules[2].CommandLine())
}

func TestModules_BeyondTheLimit(t *testing.T) {
	tags := [][]byte{map2(entry2(1<<20, 1<<30, Usable)), nil, tag(tagEnd)}
	for range MaxModules + 12 {
		tags[1] = append(tags[1], module2(1<<20, 2<<20, "\x00")...)
	}
	i := parse2(t, block2(tags...))
	require.Equal(t, MaxModules, i.NModules)
	require.Equal(t, 12, i.NWarnings)
	require.Len(t, warnings(i), MaxWarnings)

	i = parse1(t, block1(flagBasic|flagModules, func(b []byte, tail func(...any) uint32) {
		put32(b, off1Upper, 1<<20)
		one := bytes(uint32(1<<20), uint32(2<<20), uint32(0), uint32(0))
		put32(b, off1Modules, tail([]byte(strings.Repeat(string(one), 20))))
		put32(b, off1NModules, 0xffffffff)
	}))
	require.Equal(t, MaxModules, i.NModules)
	oneWarning(t, i, "limit of 16", 0xffffffff)
}

func TestModules1_ListRunsOutOfMemory(t *testing.T) {
	b := block1(flagBasic|flagModules, func(b []byte, tail func(...any) uint32) {
		put32(b, off1Upper, 1<<20)
		put32(b, off1Modules, tail(uint32(1<<20), uint32(2<<20), uint32(0), uint32(0)))
		put32(b, off1NModules, 0xffffffff)
	})
	i := parse1(t, b)
	require.Equal(t, 1, i.NModules)
	oneWarning(t, i, "unreadable module list", uint64(at1+len(b)))
}

func TestRSDP_NewReplacesOld(t *testing.T) {
	good := map2(entry2(1<<20, 1<<20, Usable))
	i := parse2(t, block2(good, tag(tagNewRSDP, "new"), tag(tagOldRSDP, "old"), tag(tagEnd)))
	require.Equal(t, "new", string(i.RSDP()))
	i = parse2(t, block2(good, tag(tagOldRSDP, "old"), tag(tagEnd)))
	require.Equal(t, "old", string(i.RSDP()))
	i = parse2(t, block2(good, tag(tagNewRSDP, make([]byte, MaxRSDP+1)), tag(tagEnd)))
	oneWarning(t, i, "RSDP", MaxRSDP+1)
	require.Nil(t, i.RSDP())
}

func TestParse_Misaligned(t *testing.T) {
	var i Info
	require.NoError(t, Parse((&physical{}).put(at2+3, sound2()), Magic2, at2+3, &i))
	require.Zero(t, i.NWarnings)
	require.Equal(t, 4, i.NRanges)
}

// Ring 0 has no heap.
func TestParse_AllocatesNothing(t *testing.T) {
	var i Info
	p1, p2 := (&physical{}).put(at1, sound1()), (&physical{}).put(at2, sound2())
	require.Zero(t, testing.AllocsPerRun(10, func() {
		_ = Parse(p1, Magic1, at1, &i)
		_ = Parse(p2, Magic2, at2, &i)
	}))
}
