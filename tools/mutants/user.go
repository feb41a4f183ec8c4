package main

// userHost runs what is tested of the programs on the host.
const userHost = "go test -timeout 60s ./user/... ./libos/rpc"

// userShell types at them.
const userShell = "go test ./qemu -count=1 -run TestUtilities"

// userMutants are faults in the shell's grammar and editor, in grep's patterns, and in what calls carry.
var userMutants = []mutant{
	{"sh: a quoted | is one", "user/sh/parse/lex.go", []edit{{"\t\t\t\tadd(Quoted, l.line[l.at+1:l.at+2])\n\t\t\t}\n\t\t\tl.at += 2", "\t\t\t\tadd(Quoted, l.line[l.at+1:l.at+2])\n\t\t\t}\n\t\t\tl.at++"}}, userHost},
	{"sh: || runs what && should", "user/sh/parse/parse.go", []edit{{"\t\t\tthen = IfFalse\n", "\t\t\tthen = IfTrue\n"}}, userHost},
	{"sh: a value in quotes becomes several words", "user/sh/parse/expand.go", []edit{{"\t\t\te.quoted(value(p.Text))\n", "\t\t\te.plain(value(p.Text))\n"}}, userHost},
	{"sh: * stands for one thing only", "user/sh/parse/glob.go", []edit{{"\t\tback++\n", "\t\tback = len(name)\n"}}, userHost},
	{"sh: the cursor stays where text was cut", "user/sh/line/draw.go", []edit{{"\te.text = append(e.text[:from], e.text[to:]...)\n\te.at = from\n", "\te.text = append(e.text[:from], e.text[to:]...)\n"}}, userHost},
	{"sh: a full row is not left", "user/sh/line/draw.go", []edit{{"\tif row > e.row {\n\t\te.add(\"\\r\\n\")\n\t}\n", ""}}, userHost},
	{"grep: + may be none", "user/box/match/compile.go", []edit{{"\t\tif n.kind == '+' {\n\t\t\treturn first\n\t\t}\n", ""}}, userHost},
	{"grep: a state is in twice", "user/box/match/match.go", []edit{{"\tp.noted[s] = p.round\n", ""}}, userHost},
	{"ed: what is not written is left at once", "user/box/edit/edit.go", []edit{{"op == 'q' && e.Changed && !warned", "op == 'q' && e.Changed && warned"}}, userHost},
	{"ed: a file that could not be written counts as written", "user/box/edit/edit.go", []edit{{"[]byte(text)); err != nil {\n\t\treturn err\n", "[]byte(text)); err != nil {\n\t\te.Changed = false\n\t\treturn err\n"}}, userHost},
	{"ed: a range ends where the text does not", "user/box/edit/address.go", []edit{{" || r.to > last {", " {"}}, userHost},
	{"ed: a file is written over", "user/box/ed.go", []edit{{"path + \".ed\" + number(int64(proc.Self()))", "path + number(int64(proc.Self()))[:0]"}, {"file.Create|file.Exclusive", "file.Create|file.Truncate"}}, userShell},
	{"box: a file is copied on itself", "user/box/copy.go", []edit{{"\tif file.Same(in, out) {\n\t\treturn c.fail(called, errSame)\n\t}\n", ""}}, userShell},
	{"box: what could not be moved is removed", "user/box/copy.go", []edit{{"\tif status != 0 {\n\t\tfile.Remove(part)\n\t\treturn status\n\t}\n", "\tif status != 0 {\n\t\tfile.Remove(part)\n\t}\n"}}, userShell},
	{"sh: what a line needed is kept", "user/sh/main.go", []edit{{"\tmark.Release()\n\treturn true\n", "\treturn true\n"}}, userShell},
	{"rpc: a length is believed", "libos/rpc/wire.go", []edit{{"r.Bad = r.Bad || n > uint64(len(r.buffer)); r.Bad", "r.Bad"}}, userHost},
}
