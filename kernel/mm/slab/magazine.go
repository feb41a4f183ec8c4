package slab

import "unsafe"

// allocSlowly is Alloc when the loaded magazine has nothing, or the node is not the CPU's.
//
//go:noinline
func (s *Cache) allocSlowly(cpu, n int) (unsafe.Pointer, error) {
	c, d := &s.cpus[cpu], &s.nodes[n]
	if len(d.Slabs) == 0 {
		return nil, ErrNoMemory
	}
	if c.home != d {
		return s.allocRemote(cpu, d)
	}
	for {
		if c.n == 0 {
			if err := s.reload(cpu, c, d); err != nil {
				return nil, err
			}
		}
		for c.n > 0 {
			c.n--
			id := c.loaded.objects[c.n]
			at := d.Slabs[id>>s.shift].at.Load()
			switch {
			case d.Objects[id].Load() != c.mark:
				d.twice.Add(1)
			case !hasFrame(at):
				s.give(cpu, d, id, c.mark)
			default:
				d.Objects[id].StoreRelease(takenOf(at))
				return s.place(at, id), nil
			}
		}
	}
}

// reload puts something into the loaded magazine, which is empty.
func (s *Cache) reload(cpu int, c *CPU, d *node) error {
	if c.spare > 0 {
		c.swap()
		return nil
	}
	if m := d.full.pop(d.Magazines); m != nil {
		d.empty.push(c.previous)
		c.previous, c.spare = c.loaded, 0
		c.load(m, s.limit)
		return nil
	}
	for {
		if n, _ := s.take(d, &c.next, c.mark, c.loaded.objects[:], int(s.limit)); n > 0 {
			c.n = uint32(n)
			return nil
		}
		if err := s.grow(cpu, d, &c.next); err != nil {
			return err
		}
	}
}

// load makes m, with n objects, the loaded magazine.
func (c *CPU) load(m *Magazine, n uint32) { c.loaded, c.n, c.mark = m, n, m.mark }

// swap exchanges the loaded magazine and the previous one.
func (c *CPU) swap() {
	m, n := c.previous, c.spare
	c.previous, c.spare = c.loaded, c.n
	c.load(m, n)
}

// allocRemote is Alloc of a node that is not the CPU's: from the slabs, for this CPU has no magazine with such objects.
func (s *Cache) allocRemote(cpu int, d *node) (unsafe.Pointer, error) {
	next, one := uint32(0), [1]uint32{}
	for {
		if n, at := s.take(d, &next, taken, one[:], 1); n == 1 {
			return s.place(at, one[0]), nil
		}
		if s.unload(cpu, d) {
			continue
		}
		if err := s.grow(cpu, d, &next); err != nil {
			return nil, err
		}
	}
}

// freeSlowly is Free when the loaded magazine is full, or the object not of the CPU's node.
//
//go:noinline
func (s *Cache) freeSlowly(cpu int, d *node, id, was uint32) error {
	c := &s.cpus[cpu]
	if c.home != d {
		if !s.give(cpu, d, id, was) {
			return ErrNotTaken
		}
		d.remote.Add(1)
		return nil
	}
	if c.spare > 0 {
		if m := d.empty.pop(d.Magazines); m != nil {
			d.full.push(c.previous)
			c.previous, c.spare = m, 0
		} else {
			s.flush(cpu, d, c.previous, c.spare)
			c.spare = 0
		}
	}
	if !d.Objects[id].CompareAndSwap(was, c.previous.mark) {
		return ErrNotTaken
	}
	c.swap()
	c.loaded.objects[0] = id
	c.n = 1
	return nil
}

// flush gives the first n objects of a magazine to their slabs.
func (s *Cache) flush(cpu int, d *node, m *Magazine, n uint32) {
	for _, id := range m.objects[:n] {
		if !s.give(cpu, d, id, m.mark) {
			d.twice.Add(1)
		}
	}
}

// unload gives the objects of a magazine of the depot to their slabs, if there is one.
func (s *Cache) unload(cpu int, d *node) bool {
	m := d.full.pop(d.Magazines)
	if m == nil {
		return false
	}
	s.flush(cpu, d, m, s.limit)
	d.empty.push(m)
	return true
}
