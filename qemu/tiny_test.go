package qemu

import (
	"bufio"
	"encoding/binary"
	"net"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// These tests boot the real QEMU with kernels of a few bytes, assembled here by hand, so that
// what the harness believes of QEMU stands proven without any kernel of ours.

const tinyBase = 0x100000

// tiny makes a flat multiboot 1 image (with the address fields that the specification calls
// the a.out kludge) of 32-bit code, which starts at tinyBase+32.
func tiny(t *testing.T, code ...[]byte) Machine {
	body := slices.Concat(code...)
	const flags = 1 << 16 // the address fields are valid
	var magic uint32 = 0x1BADB002
	end := uint32(tinyBase + 32 + len(body))
	image := binary.LittleEndian.AppendUint32(nil, magic)
	for _, word := range []uint32{flags, -(magic + flags), tinyBase, tinyBase, end, end, tinyBase + 32} {
		image = binary.LittleEndian.AppendUint32(image, word)
	}
	path := filepath.Join(t.TempDir(), "tiny.img")
	require.NoError(t, os.WriteFile(path, append(image, body...), 0o644))
	return Machine{CPUs: 1, Mem: "32M", Kernel: path, Accel: AccelTCG}
}

// say writes text to the serial port, byte by byte.
func say(text string) []byte {
	code := []byte{0x66, 0xba, 0xf8, 0x03} // MOVW $0x3f8, DX
	for _, c := range []byte(text) {
		code = append(code, 0xb0, c, 0xee) // MOVB $c, AL; OUTB
	}
	return code
}

// leave writes v to the exit port.
func leave(v byte) []byte { return []byte{0xb0, v, 0xe6, 0xf4} } // MOVB $v, AL; OUTB $0xf4

var (
	halt = []byte{0xf4, 0xeb, 0xfd} // HLT; JMP back
	spin = []byte{0xeb, 0xfe}       // JMP itself

	// powerOff writes SLP_EN to the ICH9's PM1a control register, as the DSDT of q35 says.
	powerOff = []byte{0x66, 0xba, 0x04, 0x06, 0x66, 0xb8, 0x00, 0x20, 0x66, 0xef} // MOVW $0x604, DX; MOVW $0x2000, AX; OUTW

	// tripleFault loads an IDT without entries from the four zero bytes at its end (and two of the next), and traps.
	tripleFault = append([]byte{0x0f, 0x01, 0x1d, tinyBase&0xff + 32 + 8, 0x00, 0x10, 0x00, // LIDT tinyBase+40
		0xcc}, make([]byte, 6)...) // INT $3; limit and base of the table
)

func TestTinyKernels(t *testing.T) {
	short := Limits{Silence: 2 * time.Second, Total: time.Minute}
	for name, c := range map[string]struct {
		code [][]byte
		want Ending
		says string
	}{
		"pass":         {[][]byte{say("TAP version 14\n1..0\n"), leave(16)}, Passed, ""},
		"fail":         {[][]byte{leave(1)}, Failed, "a test failed"},
		"panic":        {[][]byte{leave(2)}, Panicked, "the guest panicked"},
		"unknown exit": {[][]byte{leave(5)}, OddExit, "QEMU's exit status is 11"},
		"power off":    {[][]byte{say("bye"), powerOff, halt}, PoweredOff, "powered off without saying pass"},
		"triple fault": {[][]byte{tripleFault}, TripleFault, "cpu 0: rip=00100027 cpl=0"},
		"idle":         {[][]byte{say("zzz"), halt}, Hung, "QEMU idle"},
		"spinning":     {[][]byte{say("..."), spin}, Hung, "the guest spins"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := boot(t, tiny(t, c.code...), Options{Limits: short})
			assert.Equal(t, c.want, r.End, "%v", r.Err())
			if c.says == "" {
				assert.NoError(t, r.Err())
			} else {
				assert.ErrorContains(t, r.Err(), c.says)
			}
		})
	}
}

func TestTinyKernelOnEveryTopology(t *testing.T) {
	for _, name := range Topologies() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := tiny(t, leave(16))
			m.Topo, m.CPUs, m.Mem = name, 0, ""
			assert.Equal(t, Passed, boot(t, m, Options{Limits: DefaultLimits}).End)
		})
	}
}

// Under icount each instruction takes a nanosecond, and twice the same run is the same run.
func TestTinyKernelIcount(t *testing.T) {
	t.Parallel()
	// RDTSC; MOVL AX, BX; 100 NOPs; RDTSC; SUBL BX, AX; SUBB $95, AL; OUTB $0xf4: 102 between, so v=7
	code := slices.Concat([]byte{0x0f, 0x31, 0x89, 0xc3}, slices.Repeat([]byte{0x90}, 100),
		[]byte{0x0f, 0x31, 0x29, 0xd8, 0x2c, 95, 0xe6, 0xf4})
	m := tiny(t, code)
	m.Icount = true
	for range 2 {
		assert.Equal(t, 2*7+1, boot(t, m, Options{Limits: DefaultLimits}).ExitCode)
	}
}

func TestQEMUsOwnErrorIsShown(t *testing.T) {
	t.Parallel()
	m := tiny(t, leave(16))
	m.Extra = []string{"-no-such-option"}
	r := boot(t, m, Options{Limits: DefaultLimits})
	assert.Equal(t, Broken, r.End)
	assert.ErrorContains(t, r.Err(), "-no-such-option: invalid option")
}

// The whole way from reset through the firmware is the same, to the instruction.
func TestTinyKernelIcountRepeats(t *testing.T) {
	t.Parallel()
	m := tiny(t, []byte{
		0x0f, 0x31, // RDTSC
		0x89, 0xc3, // MOVL AX, BX
		0xb9, 8, 0, 0, 0, // MOVL $8, CX
		0xc1, 0xc3, 4, // next digit: ROLL $4, BX
		0x88, 0xd8, // MOVB BL, AL
		0x24, 0x0f, // ANDB $15, AL
		0x04, 'a', // ADDB $'a', AL
		0x66, 0xba, 0xf8, 0x03, 0xee, // MOVW $0x3f8, DX; OUTB
		0x49, 0x75, 0xef, // DECL CX; JNZ next digit
	}, leave(16))
	m.Icount = true
	var first []string
	for i := range 3 {
		r := boot(t, m, Options{Limits: DefaultLimits})
		require.NoError(t, r.EndErr())
		require.Len(t, r.Lines, 1)
		if i == 0 {
			first = r.Lines
		}
		assert.Equal(t, first, r.Lines)
	}
}

// A stopped machine runs nothing before gdb says continue.
func TestGDBLetsAStoppedMachineGo(t *testing.T) {
	t.Parallel()
	m := tiny(t, leave(16))
	dir, err := os.MkdirTemp("", "exo") // t.TempDir would be too long for a Unix socket
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	m.GDB, m.Stopped = filepath.Join(dir, "gdb"), true
	defer takeSlots(1)()
	g, err := Start(t.Context(), m, Options{Limits: DefaultLimits})
	require.NoError(t, err)
	t.Cleanup(func() { g.Kill(); g.Wait() })

	var gdb net.Conn
	require.Eventually(t, func() bool {
		gdb, err = net.Dial("unix", m.GDB)
		return err == nil
	}, 20*time.Second, 20*time.Millisecond)
	defer gdb.Close()
	_, err = gdb.Write([]byte("$?#3f"))
	require.NoError(t, err)
	answer, err := bufio.NewReader(gdb).ReadString('#')
	require.NoError(t, err)
	assert.Contains(t, answer, "$T05", "stopped by a trap")
	_, err = gdb.Write([]byte("+$c#63"))
	require.NoError(t, err)
	assert.Equal(t, Passed, g.Wait().End)
}
