package acpi

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFindRSDP_InBIOSArea(t *testing.T) {
	addr, ok := FindRSDP(newMachine())
	require.True(t, ok)
	require.EqualValues(t, atRSDP, addr)
}

func TestFindRSDP_ExtendedBIOSDataAreaComesFirst(t *testing.T) {
	p := newMachine()
	p.put(ebdaPointer, bytes(uint16(0x9fc0)))
	p.put(0x9fc00, bytes(zeros(32), makeRSDP(0, atRSDT, 0)))
	addr, ok := FindRSDP(p)
	require.True(t, ok)
	require.EqualValues(t, 0x9fc20, addr)
}

func TestFindRSDP_SkipsWhatIsUnsound(t *testing.T) {
	bad := makeRSDP(2, atRSDT, atXSDT)
	bad[33]++ // only the checksum of revision 2 covers it
	p := &physical{}
	p.put(0xe0000, bad)
	p.put(0xe0108, makeRSDP(0, atRSDT, 0)) // not at a multiple of 16
	_, ok := FindRSDP(p)
	require.False(t, ok)
	p.put(0xffff0-16, makeRSDP(2, atRSDT, atXSDT)[:20]) // runs out of memory
	_, ok = FindRSDP(p)
	require.False(t, ok)
}

func TestOpen_PrefersXSDT(t *testing.T) {
	r, err := Open(newMachine(), atRSDP)
	require.NoError(t, err)
	require.True(t, r.Extended())
	require.EqualValues(t, atXSDT, r.Addr())
	require.NoError(t, r.Fallback())
}

func TestOpen_FallsBackToRSDTAndSaysWhy(t *testing.T) {
	for name, c := range map[string]struct {
		xsdt []byte
		why  error
	}{
		"checksum":  {append(makeTable("XSDT", 1, uint64(0))[:43], 1), ErrChecksum},
		"signature": {makeTable("RSDT", 1), ErrSignature},
		"missing":   {nil, ErrUnreadable},
		"too many":  {makeTable("XSDT", 1, zeros(8*(MaxTables+1))), ErrTooManyTables},
		"too long":  {bytes("XSDT", uint32(MaxTableLen+1), zeros(28)), ErrTooLong},
		"too short": {bytes("XSDT", uint32(35), zeros(28)), ErrShort},
	} {
		t.Run(name, func(t *testing.T) {
			p := newMachine()
			p.replace(atXSDT, c.xsdt)
			r, err := Open(p, atRSDP)
			require.NoError(t, err)
			require.False(t, r.Extended())
			require.Equal(t, c.why, r.Fallback())
			_, err = r.Find("APIC")
			require.NoError(t, err)
		})
	}
}

func TestOpen_Errors(t *testing.T) {
	p := newMachine()
	_, err := Open(p, 0x12345)
	require.Equal(t, ErrUnreadable, err)
	_, err = Open(p, ^uint64(0)-4)
	require.Equal(t, ErrUnreadable, err)
	_, err = Open(p, atMADT)
	require.Equal(t, ErrSignature, err)

	p.replace(atRSDP, makeRSDP(0, 0, 0))
	_, err = Open(p, atRSDP)
	require.Equal(t, ErrAbsent, err)

	long := makeRSDP(2, atRSDT, atXSDT)
	put32(long, 20, rsdpMax+1)
	p.replace(atRSDP, long)
	_, err = Open(p, atRSDP)
	require.Equal(t, ErrRSDPLen, err)
}

func TestOpenRSDP_TakesALoadersCopy(t *testing.T) {
	p := newMachine()
	full := makeRSDP(2, atRSDT, atXSDT)
	r, err := OpenRSDP(p, full)
	require.NoError(t, err)
	require.True(t, r.Extended())

	r, err = OpenRSDP(p, full[:20]) // the old tag cuts it, whatever its revision
	require.NoError(t, err)
	require.False(t, r.Extended())

	_, err = OpenRSDP(p, full[:19])
	require.Equal(t, ErrShort, err)
	_, err = OpenRSDP(p, nil)
	require.Equal(t, ErrShort, err)
}

func TestFind_OneBadTableDoesNotHideTheOthers(t *testing.T) {
	p := newMachine()
	bad := soundMADT()
	bad[50] ^= 1
	p.replace(atMADT, bad)
	p.replace(atHPET, nil)
	r, err := Open(p, atRSDP)
	require.NoError(t, err)

	_, err = r.Find("APIC")
	require.Equal(t, ErrChecksum, err)
	_, err = r.Find("HPET")
	require.Equal(t, ErrAbsent, err)
	_, err = r.Find("XYZW")
	require.Equal(t, ErrAbsent, err)
	b, err := r.Find("SRAT")
	require.NoError(t, err)
	require.Equal(t, soundSRAT(), b)
}

func TestFind_PrefersASoundTableOverABadOneOfThatName(t *testing.T) {
	p := newMachine()
	bad := soundMADT()
	bad[50] ^= 1
	p.replace(atFADT, bad) // comes first
	r, err := Open(p, atRSDP)
	require.NoError(t, err)
	b, err := r.Find("APIC")
	require.NoError(t, err)
	require.Equal(t, soundMADT(), b)
}

func TestTables_ListsAllWithTheirErrors(t *testing.T) {
	p := newMachine()
	bad := soundMADT()
	bad[50] ^= 1
	p.replace(atMADT, bad)
	p.replace(atHPET, nil)
	r, err := Open(p, atRSDP)
	require.NoError(t, err)
	var got []Table
	for e := range r.Tables {
		got = append(got, e)
	}
	require.Equal(t, []Table{
		{[4]byte([]byte("FACP")), atFADT, 244, 3, nil},
		{[4]byte([]byte("APIC")), atMADT, uint32(len(bad)), 3, ErrChecksum},
		{[4]byte{}, atHPET, 0, 0, ErrUnreadable},
		{[4]byte([]byte("SRAT")), atSRAT, uint32(len(soundSRAT())), 3, nil},
		{[4]byte([]byte("SLIT")), atSLIT, 48, 1, nil},
		{[4]byte([]byte("MCFG")), atMCFG, uint32(len(soundMCFG())), 1, nil},
	}, got)
	for range r.Tables {
		break
	}
}

func TestRoot_ZeroNamesNothing(t *testing.T) {
	var r Root
	_, err := r.Find("APIC")
	require.Equal(t, ErrAbsent, err)
	_, err = r.At(0x1000, "DSDT")
	require.Equal(t, ErrAbsent, err)
	for range r.Tables {
		t.Fatal("yielded a table")
	}
}

func TestDSDT_ThroughFADT(t *testing.T) {
	p := newMachine()
	r, err := Open(p, atRSDP)
	require.NoError(t, err)
	b, err := r.DSDT()
	require.NoError(t, err)
	s, ok := ParseS5(b)
	require.True(t, ok)
	require.Equal(t, S5{5, 5}, s)

	p.replace(atDSDT, makeTable("SSDT", 1))
	_, err = r.DSDT()
	require.Equal(t, ErrSignature, err)
}
