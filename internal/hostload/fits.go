package hostload

import (
	"fmt"

	"exo/kernel/fs/block"
	"exo/kernel/fs/load"
)

// write is a cell of a file that an operation wrote, or made zeros. What is written in place may be on the disk although the
// operation has not happened.
type write struct {
	done uint32 // number of the operation
	born uint32 // which file
	cell uint8
	tag  uint32
}

// writesOf is what an operation is going to write.
func writesOf(w *load.Worker, op load.Op) (all []write) {
	f := w.At(op.A)
	if f == nil {
		return nil
	}
	add := func(from, to int, tag uint32) {
		for c := from; c < to; c++ {
			all = append(all, write{w.Done + 1, f.Born, uint8(c), tag})
		}
	}
	switch op.Kind {
	case load.Truncate:
		add(int(op.At), load.Cells, 0)
	case load.Write, load.UnlinkUse:
		add(int(op.At), int(op.At)+int(op.Len), w.Done+1)
	}
	return all
}

// fits says whether what was found can be what w has: names, links and sizes are, and each sector of a file holds what w has
// there, or what was written there later.
func fits(w *load.Worker, found *[load.Names]*Node, writes []write) error {
	inodes := map[uint8]uint32{} // by number of the file
	for name, x := range found {
		f := w.At(uint8(name))
		switch {
		case f == nil && x == nil:
			continue
		case f == nil:
			return fmt.Errorf("name %d is there", name)
		case x == nil:
			return fmt.Errorf("name %d is lost", name)
		case x.Links != uint32(f.Links):
			return fmt.Errorf("name %d has %d links, not %d", name, x.Links, f.Links)
		case x.Size != uint64(f.Size)*load.CellBytes:
			return fmt.Errorf("name %d is of %d bytes, not %d", name, x.Size, int(f.Size)*load.CellBytes)
		}
		n := w.Names[name]
		if ino, ok := inodes[n]; ok && ino != x.Ino {
			return fmt.Errorf("name %d leads to another file", name)
		}
		inodes[n] = x.Ino
		for c := range int(f.Size) {
			if err := cellFits(w, f, c, x.Data, writes); err != nil {
				return fmt.Errorf("name %d: %w", name, err)
			}
		}
	}
	byInode := map[uint32]uint8{}
	for n, ino := range inodes {
		if m, ok := byInode[ino]; ok && m != n {
			return fmt.Errorf("two files are one")
		}
		byInode[ino] = n
	}
	return nil
}

// cellFits looks at a cell of a file, by sectors.
func cellFits(w *load.Worker, f *load.File, cell int, data string, writes []write) error {
	tags := []uint32{f.Cells[cell]}
	for _, x := range writes {
		if x.done > w.Done && x.born == f.Born && int(x.cell) == cell {
			tags = append(tags, x.tag)
		}
	}
	end := (cell + 1) * load.CellBytes
	for lo := cell * load.CellBytes; lo < end; {
		hi := min(end, (lo/block.Sector+1)*block.Sector)
		ok := false
		for _, tag := range tags {
			ok = ok || w.Holds([]byte(data[lo:hi]), tag, lo-cell*load.CellBytes)
		}
		if !ok {
			return fmt.Errorf("bytes %d to %d are not those of operation %d, nor of one of the %d that came later", lo, hi, tags[0], len(tags)-1)
		}
		lo = hi
	}
	return nil
}
