package symtab

// Lines is where a line program is: a run of rows, each from an address on in a file at a line. Inlining goes to and fro
// between a few files, so a row says which of the latest ones it is in, and how far from the last line there.
//
//	byte     the address's step, 31: a uvarint with it follows; << 3, the file's place among the latest, 7: none of them
//	uvarint  such a step
//	uvarint  such a file
//	svarint  the line's step from the last one in that file, at first from 0
//
// The zero Lines is at a function's beginning. Append writes on the host what next reads in the kernel.
type Lines struct {
	files [7]int32 // the latest one first
	lines [7]int32
	n     int
}

const (
	farStep = 31 // in the first byte
	newFile = 7
)

// next reads a row, and returns what follows it. Of what is no line program it makes something.
func (l *Lines) next(p []byte) (step uint64, file, line int32, rest []byte) {
	first := p[0]
	p = p[1:]
	if step = uint64(first >> 3); step == farStep {
		step, p = uvarint(p)
	}
	var v uint64
	place := int(first & 7)
	if place >= l.n {
		place = newFile
		v, p = uvarint(p)
	}
	l.toFront(place, int32(v))
	v, p = uvarint(p)
	l.lines[0] += int32(unzigzag(v))
	return step, l.files[0], l.lines[0], p
}

// toFront makes the file at a place the latest, or one that is new.
func (l *Lines) toFront(place int, file int32) {
	line := int32(0)
	if place < l.n {
		file, line = l.files[place], l.lines[place]
	} else {
		l.n = min(l.n+1, len(l.files))
		place = l.n - 1
	}
	copy(l.files[1:place+1], l.files[:place])
	copy(l.lines[1:place+1], l.lines[:place])
	l.files[0], l.lines[0] = file, line
}
