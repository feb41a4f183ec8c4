// Package hostload says of a disk whose power was cut whether that is there which the workers of kernel/fs/load were promised,
// and nothing else.
//
// Start reading: Load, which is told of the promises, and Check.
package hostload

import (
	"fmt"
	"strconv"
	"strings"

	"exo/internal/hostfs"
	"exo/kernel/fs"
	"exo/kernel/fs/block"
	"exo/kernel/fs/errno"
	"exo/kernel/fs/load"
)

// Prefix begins each line that the kernel's torture/files says of its files on a disk. The words after it:
//
//	begins SEED                    the directories of that seed are there, for good; operations begin
//	synced W DONE N0 N1 N2 N3      worker W has done DONE operations, and of worker I the first NI last
//	drops SEED                     an earlier seed's directory is going to be removed
const Prefix = "# torture/files: "

// Load is what was promised of the files on one disk, over several boots.
type Load struct {
	seed  uint64
	begun bool
	least [load.Workers]uint32 // operations that last
	done  [load.Workers]uint32 // operations of which it is known that they were done

	before  map[uint64]Tree // of earlier seeds: how they were found after the last cut
	dropped map[uint64]bool // of these nothing is promised any more

	Promises int // lines that promised something
}

// Boot begins a boot, whose seed no other boot has.
func (l *Load) Boot() {
	*l = Load{before: l.before, dropped: l.dropped, Promises: l.Promises}
	if l.before == nil {
		l.before, l.dropped = map[uint64]Tree{}, map[uint64]bool{}
	}
}

// Line hears a line that the kernel said, in their order.
func (l *Load) Line(line string) error {
	rest, ok := strings.CutPrefix(line, Prefix)
	if !ok {
		return nil
	}
	words := strings.Fields(rest)
	bad := fmt.Errorf("hostload: a line that is none: %q", line)
	number := func(i, base int) uint64 {
		n, err := strconv.ParseUint(words[i], base, 64)
		if err != nil {
			ok = false
		}
		return n
	}
	switch {
	case len(words) == 2 && words[0] == "begins":
		l.begun, l.seed = true, number(1, 16)
	case len(words) == 2 && words[0] == "drops":
		seed := number(1, 16)
		delete(l.before, seed)
		l.dropped[seed] = true
		l.begun = l.begun && seed != l.seed
	case len(words) == 3+load.Workers && words[0] == "synced":
		w := number(1, 10)
		if w >= load.Workers || !l.begun {
			return bad
		}
		l.done[w] = max(l.done[w], uint32(number(2, 10)))
		for i := range l.least {
			l.least[i] = max(l.least[i], uint32(number(3+i, 10)))
			l.done[i] = max(l.done[i], l.least[i])
		}
		l.Promises++
	}
	if !ok {
		return bad
	}
	return nil
}

// Check mounts the disk, which recovers it, and looks for all that was promised; then whether anything is wrong with it.
func (l *Load) Check(d block.Device) error {
	t := hostfs.NewTask()
	defer hostfs.Release(t)
	f := new(fs.FS)
	if e := f.Mount(t, d, hostfs.NewMemory(hostfs.Small), &hostfs.Ticks{}, true); e != errno.OK {
		return fmt.Errorf("mounting what is left: %w", e)
	}
	all, err := Look(f, t)
	if err != nil {
		return err
	}
	if err := l.compare(all); err != nil {
		return err
	}
	if e := f.Unmount(t); e != errno.OK {
		return fmt.Errorf("unmounting what is left: %w", e)
	}
	found, e := hostfs.Check(t, d)
	if e != errno.OK || len(found) > 0 {
		return fmt.Errorf("checking what is left: %w, %+v", e, found)
	}
	return nil
}

// compare also remembers what is there, for cuts to come.
func (l *Load) compare(all Tree) error {
	tops := map[uint64]Tree{}
	for path, x := range all {
		top, rest, _ := strings.Cut(path, "/")
		seed, ok := load.IsTop([]byte(top))
		if !ok {
			return fmt.Errorf("%s is there, and nobody made it", path)
		}
		if tops[seed] == nil {
			tops[seed] = Tree{}
		}
		tops[seed][rest] = x
	}
	for seed, was := range l.before {
		if err := was.same(tops[seed]); err != nil {
			return fmt.Errorf("the files of %x, which were there after an earlier cut: %w", seed, err)
		}
	}
	if l.begun && tops[l.seed] == nil {
		return fmt.Errorf("the directory of %x is lost", l.seed)
	}
	for seed, is := range tops {
		switch {
		case l.dropped[seed]:
			continue
		case l.begun && seed == l.seed:
			for i := range load.Workers {
				if err := l.worker(i, is); err != nil {
					return fmt.Errorf("worker %d of %x: %w", i, seed, err)
				}
			}
		case l.before[seed] == nil && l.begun:
			return fmt.Errorf("the directory of %x is there, and nobody made it", seed)
		case l.before[seed] == nil:
			for path, x := range is { // no operation has been done
				if !x.dir {
					return fmt.Errorf("the file %s of %x is there from before the first operation", path, seed)
				}
			}
		}
		l.before[seed] = is
	}
	return nil
}

// worker looks at the files of one worker: they must be as they were after one of its operations, from that which is known to
// last to that before which it cannot have gone on without saying so.
func (l *Load) worker(i int, mine Tree) error {
	var own [8]byte
	dir := string(load.Own(i, &own))
	if mine[dir] == nil {
		return fmt.Errorf("its directory is lost")
	}
	var found [load.Names]*Node
	count := 0
	var w load.Worker
	w.Init(l.seed, i)
	for name := range uint8(load.Names) {
		var b [8]byte
		path, shared := w.Name(name, &b)
		at := string(path)
		if !shared {
			at = dir + "/" + at
		}
		if found[name] = mine[at]; found[name] != nil {
			count++
		}
	}
	named := fmt.Sprintf("w%d", i)
	for path := range mine { // no others
		if strings.HasPrefix(path, named) || strings.HasPrefix(path, dir+"/") {
			count--
		}
	}
	if count != 0 {
		return fmt.Errorf("there are names which it never made")
	}
	states := []load.Worker{}
	var writes []write
	for {
		if w.Done >= l.least[i] {
			states = append(states, w)
		}
		op := w.Next()
		_, syncs := w.Syncs(op)
		if syncs && w.Done >= l.done[i] {
			// It can have done this one, and have been cut off before it said so; it changes nothing.
			break
		}
		writes = append(writes, writesOf(&w, op)...)
		w.Apply(op)
	}
	var why error
	for k := range states {
		if why = fits(&states[k], &found, writes); why == nil {
			return nil
		}
	}
	return fmt.Errorf("its first %d operations last, and it had done %d to %d; its files are as after none of these; the last: %w",
		l.least[i], l.done[i], w.Done, why)
}
