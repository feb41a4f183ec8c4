package acpi

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func collect[E any](entries func(func(E) bool)) []E {
	var all []E
	for e := range entries {
		all = append(all, e)
	}
	return all
}

func TestMADT_AllKinds(t *testing.T) {
	m, err := ParseMADT(makeTable("APIC", 5, uint32(0xfee00000), uint32(1),
		madtCPU(0, 0, 1), madtCPU(1, 6, 2), madtCPU(2, 0xff, 0), madtCPU(3, 7, 3),
		madtX2(300, 1, 4), madtX2(0xffffffff, 0, 5),
		madtIOAPIC(2, 0xfec00000, 24), madtOverride(0, 2, 0), madtOverride(9, 9, 0xd), madtOverride(10, 10, 0xf),
		madtNMI(0xff, 5, 1), madtNMI(3, 0xa, 0), madtX2NMI(AllCPUs, 7, 1),
		bytes(uint8(0x80), uint8(4), uint16(1)), madtAddress(0x1_fee0_0000)))
	require.NoError(t, err)
	require.EqualValues(t, 0x1_fee0_0000, m.LocalAPIC)
	require.True(t, m.PCAT)
	require.Equal(t, []MADTEntry{
		{Kind: MADTCPU, Enabled: true},
		{Kind: MADTCPU, UID: 1, APICID: 6, OnlineCapable: true},
		{Kind: MADTCPU, UID: 3, APICID: 7, Enabled: true},
		{Kind: MADTCPU, X2APIC: true, UID: 4, APICID: 300, Enabled: true},
		{Kind: MADTIOAPIC, IOAPIC: 2, Addr: 0xfec00000, GSI: 24},
		{Kind: MADTOverride, IRQ: 0, GSI: 2},
		{Kind: MADTOverride, IRQ: 9, GSI: 9, Polarity: ActiveHigh, Trigger: Level},
		{Kind: MADTOverride, IRQ: 10, GSI: 10, Polarity: ActiveLow, Trigger: Level},
		{Kind: MADTNMI, UID: AllCPUs, LINT: 1, Polarity: ActiveHigh, Trigger: Edge},
		{Kind: MADTNMI, UID: 3}, // reserved flags
		{Kind: MADTNMI, X2APIC: true, UID: AllCPUs, LINT: 1, Polarity: ActiveLow, Trigger: Edge},
	}, collect(m.Entries))
}

func TestMADT_BadEntryLosesOnlyWhatItMust(t *testing.T) {
	short := bytes(uint8(9), uint8(15), zeros(13)) // an x2APIC entry cut by a byte
	for name, c := range map[string]struct {
		bad  []byte
		left int
	}{
		"zero length": {bytes(uint8(0), uint8(0)), 1},
		"length 1":    {bytes(uint8(0), uint8(1)), 1},
		"past end":    {bytes(uint8(0), uint8(200)), 1},
		"lone byte":   {nil, 1},
		"too short":   {short, 2},
	} {
		t.Run(name, func(t *testing.T) {
			body := bytes(madtCPU(0, 0, 1), c.bad, madtCPU(1, 1, 1))
			if c.bad == nil {
				body = bytes(madtCPU(0, 0, 1), uint8(0))
			}
			m, err := ParseMADT(makeTable("APIC", 3, uint32(0), uint32(0), body))
			require.Equal(t, ErrEntry, err)
			require.Len(t, collect(m.Entries), c.left)
		})
	}
}

func TestParse_RefusesWhatIsNotASoundTable(t *testing.T) {
	parsers := map[string]func(b []byte) error{
		"APIC": func(b []byte) error { _, err := ParseMADT(b); return err },
		"SRAT": func(b []byte) error { _, err := ParseSRAT(b); return err },
		"SLIT": func(b []byte) error { _, err := ParseSLIT(b); return err },
		"FACP": func(b []byte) error { _, err := ParseFADT(b); return err },
		"HPET": func(b []byte) error { _, err := ParseHPET(b); return err },
		"MCFG": func(b []byte) error { _, err := ParseMCFG(b); return err },
	}
	for sig, parse := range parsers {
		require.Equal(t, ErrShort, parse(nil), sig)
		require.Equal(t, ErrShort, parse(makeTable(sig, 1)), sig)
		require.Equal(t, ErrShort, parse(makeTable(sig, 1)[:35]), sig)
		require.Equal(t, ErrSignature, parse(makeTable("ABCD", 1, zeros(300))), sig)
		b := makeTable(sig, 1, zeros(300))
		b[100]++
		require.Equal(t, ErrChecksum, parse(b), sig)
		put32(b, 4, uint32(len(b)+1))
		require.Equal(t, ErrShort, parse(b), sig)
		put32(b, 4, 0xffffffff)
		require.Equal(t, ErrTooLong, parse(b), sig)
	}
}

func TestSRAT_AllKinds(t *testing.T) {
	s, err := ParseSRAT(makeTable("SRAT", 2, uint32(1), uint64(0),
		sratCPU(0x01020304, 4, 1), sratCPU(1, 5, 0), sratX2(0x80000000, 1000, 1), sratX2(1, 2, 0),
		sratMemory(3, 1<<20, 1<<20, 1), sratMemory(0xfffffffe, 1<<32, 1<<30, 7),
		sratMemory(3, 0, 0, 1), sratMemory(3, 0, 4096, 2), sratMemory(5, ^uint64(0)-4095, 4096, 1),
		bytes(uint8(3), uint8(20), zeros(18))))
	require.NoError(t, err)
	require.Equal(t, []SRATEntry{
		{Kind: SRATCPU, Domain: 0x01020304, APICID: 4},
		{Kind: SRATCPU, X2APIC: true, Domain: 0x80000000, APICID: 1000},
		{Kind: SRATMemory, Domain: 3, Base: 1 << 20, Len: 1 << 20},
		{Kind: SRATMemory, Domain: 0xfffffffe, Base: 1 << 32, Len: 1 << 30, Hotplug: true, NonVolatile: true},
		{Kind: SRATMemory, Domain: 5, Base: ^uint64(0) - 4095, Len: 4096},
	}, collect(s.Entries))
}

func TestSRAT_BeforeRevision2DomainsAreOneByte(t *testing.T) {
	s, err := ParseSRAT(makeTable("SRAT", 1, uint32(1), uint64(0),
		sratCPU(0x01020304, 4, 1), sratMemory(0x01020307, 0, 4096, 1), sratX2(0x100, 300, 1)))
	require.NoError(t, err)
	got := collect(s.Entries)
	require.EqualValues(t, 4, got[0].Domain)
	require.EqualValues(t, 7, got[1].Domain)
	require.EqualValues(t, 0x100, got[2].Domain)
}

func TestSRAT_BadEntryLosesOnlyWhatItMust(t *testing.T) {
	good := sratMemory(1, 0, 4096, 1)
	for name, c := range map[string]struct {
		bad  []byte
		left int
	}{
		"wraps":          {sratMemory(2, ^uint64(0)-4095, 8192, 1), 2},
		"short memory":   {bytes(uint8(1), uint8(39), zeros(37)), 2},
		"short cpu":      {bytes(uint8(0), uint8(15), zeros(13)), 2},
		"short x2apic":   {bytes(uint8(2), uint8(23), zeros(21)), 2},
		"zero length":    {zeros(16), 1},
		"length in next": {bytes(uint8(0), uint8(255)), 1},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := ParseSRAT(makeTable("SRAT", 3, uint32(1), uint64(0), good, c.bad, good))
			require.Equal(t, ErrEntry, err)
			require.Len(t, collect(s.Entries), c.left)
		})
	}
}

func TestSLIT_Asymmetric(t *testing.T) {
	s, err := ParseSLIT(makeSLIT(3, 10, 21, 255, 31, 10, 10, 41, 17, 10))
	require.NoError(t, err)
	require.Equal(t, 3, s.N())
	require.EqualValues(t, 21, s.At(0, 1))
	require.EqualValues(t, 31, s.At(1, 0))
	require.EqualValues(t, 255, s.At(0, 2))
	require.EqualValues(t, 10, s.At(1, 2))
}

func TestSLIT_RefusesWhatCannotBe(t *testing.T) {
	for name, c := range map[string]struct {
		b   []byte
		err error
	}{
		"no localities":        {makeSLIT(0), ErrMatrixSize},
		"too small":            {makeSLIT(2, 10, 20, 20), ErrMatrixSize},
		"too big":              {makeSLIT(1, 10, 10), ErrMatrixSize},
		"square wraps to 0":    {makeSLIT(1 << 32), ErrMatrixSize},
		"square wraps to 1":    {makeSLIT(1<<63+1, 10), ErrMatrixSize},
		"reserved distance":    {makeSLIT(2, 10, 9, 20, 10), ErrDistance},
		"local is not 10":      {makeSLIT(2, 10, 20, 20, 11), ErrDistance},
		"all zero as some are": {makeSLIT(2, 0, 0, 0, 0), ErrDistance},
	} {
		_, err := ParseSLIT(c.b)
		require.Equal(t, c.err, err, name)
	}
}

func TestFADT_Revision1HasPortsOnly(t *testing.T) {
	b := makeTable("FACP", 1, zeros(116-headerLen))
	put32(b, 40, 0x7fe7000)
	put32(b, 64, 0xb004)
	b[89] = 2
	put32(b, 112, resetSupport) // without room for the register
	seal(b, 9, len(b))
	f, err := ParseFADT(b)
	require.NoError(t, err)
	require.Equal(t, FADT{
		Revision: 1, DSDT: 0x7fe7000, Flags: resetSupport,
		PM1aControl: Address{SpaceIO, 16, 0xb004},
	}, f)
	require.True(t, f.PM1aControl.Present())
	require.False(t, f.PM1bControl.Present())
}

func TestFADT_ExtendedFieldsCountWhereFilledIn(t *testing.T) {
	f, err := ParseFADT(makeFADT(func(b []byte) {
		put32(b, 40, 0x1000)
		put64(b, 140, 0x1_0000_2000)
		put32(b, 48, 0xb2)
		b[52] = 0xf1
		put32(b, 64, 0x404)
		put32(b, 68, 0x504)
		copy(b[172:], makeGAS(SpaceMemory, 32, 0x2_0000_0000))
		put32(b, 112, resetSupport)
		copy(b[116:], makeGAS(SpaceIO, 8, 0xcf9))
		b[128] = 6
		b[109] = 3
	}))
	require.NoError(t, err)
	require.Equal(t, FADT{
		Revision: 3, DSDT: 0x1_0000_2000, SMICommand: 0xb2, ACPIEnable: 0xf1, BootArch: 3, Flags: resetSupport,
		PM1aControl: Address{SpaceMemory, 32, 0x2_0000_0000},
		PM1bControl: Address{SpaceIO, 16, 0x504},
		Reset:       Address{SpaceIO, 8, 0xcf9}, ResetValue: 6,
	}, f)
}

func TestFADT_ImpossiblePortsAreAbsent(t *testing.T) {
	f, err := ParseFADT(makeFADT(func(b []byte) {
		put32(b, 48, 0x10000)
		put32(b, 64, 0x10000)
		copy(b[172:], makeGAS(SpaceIO, 16, 0x1_0000_0604))
		put32(b, 68, 0x504)
		copy(b[184:], makeGAS(0x7f, 16, 0x604)) // a space that no control register lies in
		put32(b, 112, resetSupport)
		copy(b[116:], makeGAS(4, 8, 0xcf9))
	}))
	require.NoError(t, err)
	require.Zero(t, f.SMICommand)
	require.False(t, f.PM1aControl.Present())
	require.Equal(t, Address{SpaceIO, 16, 0x504}, f.PM1bControl)
	require.False(t, f.Reset.Present())
}

func TestFADT_NoResetWithoutTheFlag(t *testing.T) {
	f, err := ParseFADT(makeFADT(func(b []byte) { copy(b[116:], makeGAS(SpaceIO, 8, 0xcf9)) }))
	require.NoError(t, err)
	require.False(t, f.Reset.Present())
}

func TestMCFG_EntriesThatMakeSense(t *testing.T) {
	m, err := ParseMCFG(makeTable("MCFG", 1, uint64(0), makeMCFG(0xb0000000, 0, 0, 255), makeMCFG(0, 0, 0, 255),
		makeMCFG(0xb0000800, 0, 0, 255), makeMCFG(0xfffffffff0000000, 0, 0, 255), makeMCFG(0xc0000000, 0, 2, 1),
		makeMCFG(1<<40, 3, 64, 127), zeros(15)))
	require.NoError(t, err)
	var got []MCFGEntry
	for e := range m.Entries {
		got = append(got, e)
	}
	require.Equal(t, []MCFGEntry{{0xb0000000, 0, 0, 255}, {1 << 40, 3, 64, 127}}, got)
}

func TestHPET_MustLieInMemory(t *testing.T) {
	h, err := ParseHPET(makeHPET(SpaceMemory, 0xfed00000))
	require.NoError(t, err)
	require.Equal(t, HPET{Base: 0xfed00000, MinTick: 100}, h)
	_, err = ParseHPET(makeHPET(SpaceIO, 0xfe00))
	require.Equal(t, ErrSpace, err)
	_, err = ParseHPET(makeHPET(SpaceMemory, 0))
	require.Equal(t, ErrSpace, err)
}

func TestS5_FormsThatCount(t *testing.T) {
	for name, c := range map[string]struct {
		aml string
		s   S5
		ok  bool
	}{
		"rooted name":          {"\x08\\_S5_\x12\x08\x04\x0a\x05\x0a\x06\x00\x00", S5{5, 6}, true},
		"plain name":           {"\x08_S5_\x12\x06\x04\x00\x01\x00\x00", S5{0, 1}, true},
		"two bytes of length":  {"\x08_S5_\x12\x47\x00\x04\x01\x0a\x07\x00", S5{1, 7}, true},
		"after a false one":    {"_S5_\x08_S5_\x12\x04\x02\x01\x01", S5{1, 1}, true},
		"after a broken one":   {"\x08_S5_\x0a\x08_S5_\x12\x04\x02\x01\x01", S5{1, 1}, true},
		"method call":          {"\x14_S5_\x12\x04\x02\x01\x01", S5{}, false},
		"not a package":        {"\x08_S5_\x0a\x05", S5{}, false},
		"one element":          {"\x08_S5_\x12\x04\x01\x01\x01", S5{}, false},
		"more than three bits": {"\x08_S5_\x12\x06\x02\x0a\x08\x0a\x00", S5{}, false},
		"word constant":        {"\x08_S5_\x12\x08\x02\x0b\x05\x00\x0b\x05\x00", S5{}, false},
		"ones":                 {"\x08_S5_\x12\x04\x02\xff\xff", S5{}, false},
		"package cut":          {"\x08_S5_\x12\x08\x04\x0a\x05", S5{}, false},
		"length hides second":  {"\x08_S5_\x12\x03\x02\x01\x01", S5{}, false},
		"length of nothing":    {"\x08_S5_\x12\x01\x02\x01\x01", S5{}, false},
		"length reserved bits": {"\x08_S5_\x12\x77\x00\x04\x01\x0a\x07\x00", S5{}, false},
		"length past the end":  {"\x08_S5_\x12\xc7\xff\xff\xff\x02\x01\x01", S5{}, false},
		"length cut":           {"\x08_S5_\x12\xc7\x00", S5{}, false},
		"nothing after name":   {"\x08_S5_", S5{}, false},
		"empty":                {"", S5{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			s, ok := ParseS5(makeTable("DSDT", 1, c.aml))
			require.Equal(t, c.ok, ok)
			require.Equal(t, c.s, s)
		})
	}
	_, ok := ParseS5(nil)
	require.False(t, ok)
}

func TestErrors_AreOneClauseEach(t *testing.T) {
	for _, e := range []Error{ErrAbsent, ErrUnreadable, ErrSignature, ErrChecksum, ErrShort, ErrTooLong, ErrRSDPLen,
		ErrTooManyTables, ErrEntry, ErrMatrixSize, ErrDistance, ErrSpace} {
		require.True(t, strings.HasPrefix(e.Error(), "acpi: "), e)
	}
}

// Ring 0 has no heap.
func TestParsers_AllocateNothing(t *testing.T) {
	p := newMachine()
	n := testing.AllocsPerRun(10, func() { useAll(p) })
	require.Zero(t, n)
}
