//go:build !exokernel

package symtab

import "encoding/binary"

// Append adds a row to a line program: so many bytes after the last row's address.
func (l *Lines) Append(program []byte, step uint64, file, line int) []byte {
	i := 0
	for i < l.n && l.files[i] != int32(file) {
		i++
	}
	place := i
	if i == l.n {
		place = newFile
	}
	program = append(program, byte(min(step, farStep)<<3)|byte(place))
	if step >= farStep {
		program = binary.AppendUvarint(program, step)
	}
	if place == newFile {
		program = binary.AppendUvarint(program, uint64(file))
	}
	l.toFront(place, int32(file))
	program = binary.AppendVarint(program, int64(line)-int64(l.lines[0]))
	l.lines[0] = int32(line)
	return program
}
