package qemu

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const report = `ok 3 - something
=== PANIC ===
panic: cause: nil dereference: #PF at 0x0000000000000008
panic: cpu=3 apic=4 task=boot rip=0xffffffff80212345
panic: rax=0x0000000000000000 rbx=0x1 rcx=0x2 rdx=0x3
panic: rsi=0x4 rdi=0x5 rbp=0x6 rsp=0xffff800000007000
panic: r8=0x8 r9=0x9 r10=0xa r11=0xb
panic: r12=0xc r13=0xd r14=0xe r15=0xf
panic: rflags=0x46 cr2=0x8 cr3=0x1000 err=0x0
panic: bt 0 0xffffffff80212345 main.crashNil kernel/crash.go:31
panic: bt 1 0xffffffff80212400 exo/kernel/sync.(*Queue[go.shape.int]).Each-range1 kernel/sync/queue.go:7
panic: bt 2 0xffffffff80212500 ?
panic: locks none
panic: code 0xffffffff8021233f 48 89 c1 48 31 c0 [48] 8b 40 08 c3
=== END PANIC ===
after`

func crashOf(text string) (*Crash, error) { return ParseCrash(strings.Split(text, "\n")) }

func TestCrashReport(t *testing.T) {
	c, err := crashOf(report)
	require.NoError(t, err)
	assert.Equal(t, "nil dereference: #PF at 0x0000000000000008", c.Cause)
	assert.Equal(t, []any{3, 4, "boot", uint64(0xffffffff80212345), "none"}, []any{c.CPU, c.APIC, c.Task, c.RIP, c.Locks})
	assert.Equal(t, uint64(0xffff800000007000), c.Registers["rsp"])
	assert.Equal(t, uint64(8), c.Registers["cr2"])
	assert.Equal(t, []Frame{
		{0xffffffff80212345, "main.crashNil", "kernel/crash.go", 31},
		{0xffffffff80212400, "exo/kernel/sync.(*Queue[go.shape.int]).Each-range1", "kernel/sync/queue.go", 7},
		{0xffffffff80212500, "?", "", 0},
	}, c.Backtrace)
	assert.Equal(t, "0xffffffff80212500 ?", c.Backtrace[2].String())
	assert.Equal(t, "0xffffffff80212345 main.crashNil kernel/crash.go:31", c.Backtrace[0].String())
	assert.Equal(t, 6, c.CodeRIP)
	assert.Len(t, c.Code, 11)
}

// Each way in which a report can be less than one whole report is found.
func TestCrashReportSpoilt(t *testing.T) {
	_, err := crashOf("all is well")
	assert.ErrorIs(t, err, ErrNoCrash)

	swap := func(old, new string) string {
		require.Contains(t, report, old)
		return strings.Replace(report, old, new, 1)
	}
	for name, c := range map[string]struct{ text, want string }{
		"cut short":             {report[:strings.Index(report, "\npanic: locks")], "cut short: 10 lines"},
		"cut short mid-line":    {report[:strings.Index(report, " kernel/crash.go")], "cut short"},
		"two reports":           {report + "\n" + report, "a second panic report begins"},
		"one within the other":  {swap("panic: locks none", panicBegin), "a second panic report begins"},
		"two ends":              {report + "\n" + panicEnd, "a second panic report ends"},
		"only an end":           {"x\n" + panicEnd, "ends that never began"},
		"foreign line":          {swap("panic: locks none", "ok 4 - still alive\npanic: locks none"), "two CPUs printed at once"},
		"foreign start of line": {swap("\npanic: bt 1", "\nok panic: bt 1"), "two CPUs printed at once"},
		"marker after text":     {swap(panicBegin, "ok 4 - s"+panicBegin), "two CPUs printed at once"},
		"two CPUs":              {swap("panic: locks none", "panic: locks none\npanic: cpu=1 apic=1"), "a second cpu"},
		"two causes":            {swap("panic: locks none", "panic: locks none\npanic: cause: other"), "a second cause"},
		"two values":            {swap("rbx=0x1", "rbx=0x1 rbx=0x2"), "two values for rbx"},
		"two codes":             {swap("panic: locks none", "panic: locks none\npanic: code 0x1 90"), "a second line of code"},
		"no cause":              {swap("panic: cause: nil dereference: #PF at 0x0000000000000008\n", ""), "names no cause"},
		"no cpu":                {swap("cpu=3 ", ""), "names no CPU"},
		"no register":           {swap(" r13=0xd", ""), "has no r13"},
		"no rip":                {swap(" rip=0xffffffff80212345", ""), "has no rip"},
		"bad register":          {swap("r13=0xd", "r13=0xg"), "r13=0xg"},
		"not name and value":    {swap("r13=0xd", "r13=0xd 17"), `"17" is not NAME=VALUE`},
		"frame missing":         {swap("panic: bt 1", "panic: bt 2"), "frame 2 stands where 1 should"},
		"bad frame":             {swap("panic: bt 1 0xff", "panic: bt 1 ff"), "is no frame"},
		"no locks":              {swap("panic: locks none\n", ""), "which locks were held"},
		"no code":               {swap("panic: code 0xffffffff8021233f 48 89 c1 48 31 c0 [48] 8b 40 08 c3\n", ""), "has no code bytes"},
		"bad code":              {swap("8b 40", "8b 4x"), `code byte "4x"`},
		"no mark":               {swap("[48]", "48"), "marks no code byte"},
		"two marks":             {swap("8b 40", "[8b] 40"), "two bytes of code are in brackets"},
		"mark elsewhere":        {swap("[48] 8b", "48 [8b]"), "marks the code byte at 0xffffffff80212346, and rip is 0xffffffff80212345"},
		"empty code":            {swap("code 0xffffffff8021233f 48 89 c1 48 31 c0 [48] 8b 40 08 c3", "code"), "a line of code without any"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := crashOf(c.text)
			assert.ErrorContains(t, err, c.want)
		})
	}
	whole := strings.Replace(report, "no backtrace", "", 1)
	for _, frame := range []string{"panic: bt 0", "panic: bt 1", "panic: bt 2"} {
		at := strings.Index(whole, frame)
		whole = whole[:at] + whole[at+1+strings.Index(whole[at:], "\n"):]
	}
	_, err = crashOf(whole)
	assert.ErrorContains(t, err, "has no backtrace")
}

func TestCrashKeepsWhatCouldBeRead(t *testing.T) {
	c, err := crashOf(report[:strings.Index(report, "panic: locks")])
	assert.Error(t, err)
	require.NotNil(t, c)
	assert.Equal(t, 3, c.CPU)
	assert.Len(t, c.Backtrace, 3)
}

func TestCrashWithoutReadableCode(t *testing.T) {
	c, err := crashOf(strings.Replace(report, "48 89 c1 48 31 c0 [48] 8b 40 08 c3", "unreadable", 1))
	require.NoError(t, err)
	assert.Contains(t, c.Disassemble(), "unreadable")
}

func TestDisassemble(t *testing.T) {
	c, err := crashOf(report)
	require.NoError(t, err)
	assert.Equal(t, strings.TrimPrefix(`
   0xffffffff8021233f  48 89 c1                        MOVQ AX, CX
   0xffffffff80212342  48 31 c0                        XORQ AX, AX
=> 0xffffffff80212345  48 8b 40 08                     MOVQ 0x8(AX), AX
   0xffffffff80212349  c3                              RET
`, "\n"), c.Disassemble())
}

// Whatever byte the code starts with, exactly one line is marked, and it is the one at RIP.
func TestDisassembleFindsTheBoundary(t *testing.T) {
	whole := []byte{0x65, 0x48, 0x8b, 0x04, 0x25, 0x30, 0, 0, 0, // MOVQ GS:0x30, AX
		0x48, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8, // MOVQ $0x807060504030201, AX
		0x48, 0x8b, 0x40, 0x08, // MOVQ 0x8(AX), AX
		0x0f, 0x0b, 0x06, 0xc3, 0x48, 0xb8} // UD2; PUSH ES, which 64-bit mode does not have; RET; half a MOVQ
	const rip = 19
	for start := range rip + 1 {
		c := &Crash{CodeStart: uint64(0x1000 + start), Code: whole[start:], CodeRIP: rip - start, RIP: 0x1000 + rip}
		got := c.Disassemble()
		assert.Equal(t, 1, strings.Count(got, "=>"), got)
		assert.Contains(t, got, "=> 0x0000000000001013  48 8b 40 08                     MOVQ 0x8(AX), AX\n", "from byte %d", start)
		assert.Regexp(t, `(?s)UD2\n.* 06 +\?\n.* c3 +RET\n$`, got)
	}
}

// From its first byte this code happens to decode up to RIP too, but not as it was compiled.
func TestDisassembleRefusesZeros(t *testing.T) {
	c := &Crash{CodeStart: 0x1000, CodeRIP: 17, Code: []byte{0x08, // the end of another instruction
		0x0f, 0x87, 0xed, 0, 0, 0, 0x48, 0x8d, 0x05, 0xef, 0xf0, 0, 0, 0xff, 0x24, 0xc8, 0xc3}}
	assert.Equal(t, strings.TrimPrefix(`
   0x0000000000001001  0f 87 ed 00 00 00               JA 0x10f4
   0x0000000000001007  48 8d 05 ef f0 00 00            LEAQ 0xf0ef(IP), AX
   0x000000000000100e  ff 24 c8                        JMP 0(AX)(CX*8)
=> 0x0000000000001011  c3                              RET
`, "\n"), c.Disassemble())
}

// What lies between functions is not shown, and where it ends a function surely begins.
func TestDisassembleStopsAtTheFunctionsEnds(t *testing.T) {
	c := &Crash{CodeStart: 0x1000, CodeRIP: 11, Code: []byte{0xc3, 0xcc, 0xcc, 0xcc, 0xcc,
		0x0f, 0x87, 0xed, 0, 0, 0, 0x48, 0x89, 0xc1, 0xc3, 0xcc, 0xcc, 0xcc, 0xcc, 0x90}}
	assert.Equal(t, strings.TrimPrefix(`
   0x0000000000001005  0f 87 ed 00 00 00               JA 0x10f8
=> 0x000000000000100b  48 89 c1                        MOVQ AX, CX
   0x000000000000100e  c3                              RET
`, "\n"), c.Disassemble())
	c = &Crash{CodeRIP: 3, Code: []byte{0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc}}
	assert.Contains(t, c.Disassemble(), "=> 0x0000000000000003  cc", "in the gap itself")
	c = &Crash{CodeRIP: 5, Code: []byte{0xcc, 0xcc, 0xcc, 0x48, 0x89, 0xc1, 0xc3}}
	assert.Contains(t, c.Disassemble(), "=> 0x0000000000000005  c1", "in the middle of an instruction")
}

func FuzzCrash(f *testing.F) {
	f.Add(report)
	f.Add("=== PANIC ===\npanic: code 0x1 [48\npanic: bt\npanic: =")
	f.Fuzz(func(t *testing.T, text string) {
		if c, _ := crashOf(text); c != nil {
			_ = c.Disassemble()
		}
	})
}
