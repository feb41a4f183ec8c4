package qemu

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// said is what is typed, and what it prints.
type said struct{ line, prints string }

// short makes lines of one that a terminal would break. What a bare echo ends stays with it, so that the prompt begins a line.
func short(line string) (all []string) {
	for _, part := range strings.Split(strings.ReplaceAll(line, "; echo;", ";\x00echo;"), "; ") {
		part = strings.ReplaceAll(part, "\x00", " ")
		if n := len(all) - 1; n >= 0 && (len(all[n])+len(part) < 60 || part == "echo") {
			all[n] += "; " + part
		} else {
			all = append(all, part)
		}
	}
	return all
}

// TestUtilities has the small programs of user/box do what they are for, on a disk and in memory, and be asked for what they cannot do.
func TestUtilities(t *testing.T) {
	t.Parallel()
	defer takeSlots(1)()
	path := filepath.Join(t.TempDir(), "disk.img")
	out, err := exec.Command("go", "run", "../tools/mkimage", "disk", "new", "-size", "8M", path).CombinedOutput()
	require.NoError(t, err, "%s", out)
	k := kernel(t, "tests=none")
	k.Topo, k.Disk = "uma", &Disk{Path: path}
	d := talk(t, k, `(^|\n)exo\$ $`)
	_, err = d.Answer(shortly)
	require.NoError(t, err)
	for _, part := range []struct {
		name  string
		lines []said
	}{
		{"text", []said{
			{`echo -n "b 2\na" >/tmp/x; wc -c /tmp/x`, "      6 /tmp/x"},
			{"cd /disk; echo -n ab >end; echo c >>end; cat <end; echo -n c >>end; head -n 9 end; echo; tail -n 1 end; echo", "abc\nabc\nc\nc"},
			{"touch empty; cat empty; head empty; tail empty; sort empty; wc empty", "      0       0       0 empty"},
			{"cat README none empty; echo $?", "cat: README: no such file\ncat: none: no such file\n1"},
			{"cat none end; echo; echo $?", "cat: none: no such file\nabc\nc\n0"},
			{"cat /disk; head /; sort /tmp; wc /disk; echo $?", "cat: /disk: is a folder\nhead: /: is a folder\nsort: /tmp: is a folder\n" +
				"wc: /disk: is a folder\n1"},
			{"head -n x end; echo $?", "head: -n wants a number; usage: head [-n LINES] [FILE …]\n2"},
			{"cat end >>end; echo $?", "cat: end: is the same file\n1"},
			{"echo 10 >n; echo 9 >>n; echo 10 >>n; echo -n 1 >>n; cat n | sort | head -n 3", "1\n10\n10"},
			{"sort -n n; sort -nru n; sort -q n; echo $?", "1\n9\n10\n10\n10\n9\n1\nsort: there is no flag -q; usage: sort [-nru] [FILE …]\n2"},
			{"yes 0123456789abcde | head -n 5000 >big; wc big; cat big | tail -n 4999 | sort -u; cp big /tmp/big; cat </tmp/big | wc -c",
				"   5000    5000   80000 big\n0123456789abcde\n  80000 "},
		}},
		{"cp", []said{
			{"cp end copy; cat copy; echo; cp end; echo $?", "abc\nc\ncp: from where, to where?; usage: cp [-r] FROM … TO\n2"},
			{"cp end end; echo $?; cp end /disk/../disk/./end; ln end same; cp end same; cp end .; cat end; echo", "cp: end: is the same file\n1\n" +
				"cp: /disk/../disk/./end: is the same file\ncp: same: is the same file\ncp: ./end: is the same file\nabc\nc"},
			{"cp none copy; cp end none/x; cp /disk /tmp/d; echo $?", "cp: none: no such file\ncp: none/x: no such file\ncp: /disk: is a folder\n1"},
			{"mkdir d d/e; cp end none n d; echo $?; ls d; cp end n nofolder; echo $?", "cp: none: no such file\n1\ne/\nend\nn\n" +
				"cp: nofolder: is no folder to put several things into\n1"},
			{"ln -s ../end d/e/link; cp -r d d2; ls -l d2/e; cat d2/e/link; echo; cp -r d /tmp/dd; ls /tmp/dd; rm -r /tmp/dd", "lrwx         6  link@ -> ../end\n" +
				"abc\nc\ncp: /tmp/dd/e/link: links are only below /disk\ne/\nend\nn"},
			{"cp -r d d; cp -r d d/e/f; cp -r /disk d; echo $?", "cp: d/d: cannot be within itself\ncp: d/e/f: cannot be within itself\ncp: d/disk: cannot be within itself\n1"},
			{"cp end /bin/ls; cp end /dev/null; echo $?", "cp: /bin/ls: file is read-only\n0"},
		}},
		{"mv", []said{
			{"mv copy moved; mv moved /tmp/moved; ls moved; cat /tmp/moved; echo", "ls: moved: no such file\nabc\nc"},
			{"echo old >over; mv /tmp/moved over; cat over; echo; ls /tmp; mv none x; echo $?", "abc\nc\nbig\nx\nmv: none: no such file\n1"},
			{"mv d d/e; mv d2 d2/x/y; mv /disk /tmp; echo $?", "mv: d/e/d: cannot be within itself\nmv: d2/x/y: cannot be within itself\nmv: /disk: is not to be removed\n1"},
			{"mv d2 d3; ls d3; rm d3/e/link; mv d3 /tmp; ls d3; find /tmp/d3; mv /tmp/d3 /tmp/d4; mv /tmp/d4 .; find d4 -type f",
				"e/\nend\nn\nls: d3: no such file\n/tmp/d3\n/tmp/d3/e\n/tmp/d3/end\n/tmp/d3/n\nd4/end\nd4/n"},
			{"mv /bin/ls x; mv /bin /tmp; echo $?; mv end n nofolder; mv n over d4; ls d4", "mv: /bin/ls: file is read-only\nmv: /bin: file is read-only\n1\n" +
				"mv: nofolder: is no folder to put several things into\ne/\nend\nn\nover"},
			{"echo n >m; mv m d4/e/m; mv d4/e/m m; cat m", "n"},
		}},
		{"rm", []said{
			{"rm d4; rmdir d4; echo $?; rmdir end; rm none end; echo $?; ls end", "rm: d4: folder not empty\nrmdir: d4: folder not empty\n1\nrmdir: end: not a folder\n" +
				"rm: none: no such file\n1\nls: end: no such file"},
			{"rm -f none; echo $?; rm -f; echo $?; rm; echo $?; rm -rf d4 none; ls d4", "0\n0\nrm: which?; usage: rm [-fr] FILE …\n2\nls: d4: no such file"},
			{"rm -r /; rm -r /disk; cd d/e; rm -r ..; rm -r .; rmdir /disk/d/e; cd /disk; rm -r /bin/ls; echo $?", "rm: /: is not to be removed\nrm: /disk: is not to be removed\n" +
				"rm: ..: is where you are\nrm: .: is where you are\nrmdir: /disk/d/e: is where you are\nrm: /bin/ls: file is read-only\n1"},
			{"ln -s d dlink; rm -r dlink; ls d; rmdir d/e; echo $?", "e/\nend\nn\nrmdir: d/e: folder not empty\n1"},
		}},
		{"folders", []said{
			{"mkdir p/q; echo $?; mkdir -p p/q/r /tmp/a/b same/x; echo $?; find p /tmp/a; mkdir -p p/q; echo $?",
				"mkdir: p/q: no such file\n1\nmkdir: same/x: file exists\n1\np\np/q\np/q/r\n/tmp/a\n/tmp/a/b\n0"},
			{"rmdir /tmp/a; rmdir p/q/r p/q p; ls p; echo $?", "rmdir: /tmp/a: folder not empty\nls: p: no such file\n1"},
			{"ln -s /same l; cat l; echo; ls -l l; ln -s same l; ln -s x /tmp/l; ln none m2; ln /tmp/big b; echo $?", "abc\nc\nlrwx         5  l@ -> /same\n" +
				"ln: l: file exists\nln: /tmp/l: links are only below /disk\nln: m2: no such file\nln: b: links are only below /disk\n1"},
			{"ln -s l2 l1; ln -s l1 l2; cat l1; ln -s nowhere l3; cat l3; ls l3; rm l l1 l2 l3; ls", "cat: l1: bad file name\ncat: l3: no such file\nl3@\nbig\nd/\nempty\nm\nsame"},
			{"find / -name 'mo*'; find /disk -type d; find d -name '*n*' -type f; find none; find -size; echo $?", "/etc/motd\n/disk\n/disk/d\n/disk/d/e\nd/end\nd/n\n" +
				"find: none: no such file\nfind: what is -size here; usage: find [FOLDER …] [-name PATTERN] [-type d|f|l]\n2"},
			{"du d; du -s none big; stat same /bin/ls | grep -c names", "4       d/e\n16      d\ndu: none: no such file\n80      big\n1"},
			{"df | grep disk | wc -l; df | head -n 2 | tail -n 1 | wc -w; sync; echo $?", "      1 \n      7 \n0"},
		}},
	} {
		t.Run(part.name, func(t *testing.T) {
			for _, c := range part.lines {
				got := ""
				for _, line := range short(c.line) {
					answer, err := d.Command(line, lengthy)
					require.NoError(t, err)
					if got += answer; answer != "" {
						got += "\n"
					}
				}
				assert.Equal(t, c.prints, strings.TrimSuffix(got, "\n"), c.line)
			}
		})
		_, err := d.Command("true", shortly)
		require.NoError(t, err)
	}
	t.Run("ed", func(t *testing.T) { editor(t, d) })
	t.Run("the shell's memory", func(t *testing.T) { shellMemory(t, d) })
	require.NoError(t, d.Type("poweroff\r"))
	require.Equal(t, Passed, d.Guest.Wait().End)
	fsck(t, path)
}

// shellMemory sees that a shell needs no more memory after 200 lines, of a script and typed, than after a few.
func shellMemory(t *testing.T, d *Dialog) {
	do := func(line string) string {
		t.Helper()
		got, err := d.Command(line, lengthy)
		require.NoError(t, err)
		return got
	}
	frames := func() int {
		t.Helper()
		got := do("ps | grep ' sh$'")
		fields := strings.Fields(got)
		require.Greater(t, len(fields), 5, got)
		n, err := strconv.Atoi(fields[4])
		require.NoError(t, err, got)
		require.NotZero(t, n)
		return n
	}
	do("cd /tmp; cd /disk/..; x=0123456789; x=")
	do("w='x=$x.; cd /disk; cd ..; echo $x * | cat >/dev/null'")
	do("yes \"$w\" | head -n 200 >/tmp/s")
	round := func(script string) {
		do("source " + script)
		do("x=")
		for range 20 {
			do("echo /bin/* | cat >/dev/null; ls nothing 2>/dev/null")
		}
		do("sleep 0 & echo /bin/* | wc; wait")
	}
	round("/tmp/s") // now there is room for the value of x; what its growth kept is not used again
	round("/tmp/s")
	before := frames()
	for range 2 {
		round("/tmp/s")
	}
	require.Equal(t, before, frames(), "frames of the shell before and after 400 lines of a script and 40 that were typed")
}

// editor types at ed, and has it meet a full disk.
func editor(t *testing.T, d *Dialog) {
	gives := func(line, want string) {
		t.Helper()
		got, err := d.Command(line, lengthy)
		require.NoError(t, err)
		assert.Equal(t, want, strings.TrimSuffix(got, "\n"), line)
	}
	// Each line that is typed is echoed; what is printed comes behind it, and then a star where commands are taken.
	require.NoError(t, d.Line("ed /disk/poem", shortly))
	for _, l := range []said{
		{"", "/disk/poem: a new file\n* "},
		{"a", ""},
		{"one", ""}, {"two", ""}, {"three", ""},
		{".", "* "},
		{"2s/wo/oo/p", "too\n* "},
		{"q", "? not written; Q leaves nevertheless\n* "},
		{"w", "3 lines, 14 bytes\n* "},
		{"/thr/d", "* "},
		{"%n", "1\tone\n2\ttoo\n* "},
		{"nonsense", "? there is more than the command\n* "},
		{"wq", "2 lines, 8 bytes\nexo$ "},
	} {
		if l.line != "" {
			require.NoError(t, d.Line(l.line, shortly))
		}
		if l.prints != "" {
			got, err := d.Expect(regexp.MustCompile(`(^|\n)(\* |exo\$ )$`), shortly)
			require.NoError(t, err)
			require.Equal(t, l.prints, got, l.line)
		}
	}
	gives("echo $?; cat poem; ls | grep poem", "0\none\ntoo\npoem")
	gives("ed none/x </dev/null; ed /disk; ed a b; echo $?", "none/x: a new file\ned: /disk: is a folder\ned: one file at a time; usage: ed [FILE]\n2")
	gives("echo 1d >c; ed poem <c; echo $?; cat poem", "ed: the end, and poem is not written\n1\none\ntoo")
	gives("echo w none/x >>c; ed poem <c; echo $?", "? no such file\ned: the end, and poem is not written\n1")
	gives("ln -s poem verse; echo wq | ed verse; cat verse; ls -l verse", "2 lines, 8 bytes\none\ntoo\nlrwx         4  verse@ -> poem")
	gives("echo w | ed /bin/ls 2>/dev/null | grep -c read-only", "1")
	// A full disk.
	gives("yes 0123456789abcdefghijklmnopqrstuvwxyz | cat >fill", "writing: no space left")
	gives("echo 9 >big.new; cp big /disk/d/big; echo $?; rm /disk/d/big", "cp: /disk/d/big: no space left\n1")
	gives("cp /README /tmp/r; mv /tmp/r /disk/same; echo $?; cat same; echo", "mv: /disk/same: no space left\n1\nabc\nc")
	gives("cd /tmp; echo r /disk/big >c; echo w >>c; ls; ed /disk/poem <c", "a/\nbig\nc\nr\nx\n5000 lines\n? no space left\ned: the end, and /disk/poem is not written")
	gives("cd /disk; cat poem; ls", "one\ntoo\nbig\nbig.new\nc\nd/\nempty\nfill\nm\npoem\nsame\nverse@")
	gives("rm fill; ed poem </tmp/c; wc poem", "5000 lines\n5002 lines, 80008 bytes\n   5002    5002   80008 poem")
}
