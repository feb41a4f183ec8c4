package slab

// Drain gives the objects in the CPU's magazines to their slabs. It runs on that CPU, as all else.
func (s *Cache) Drain(cpu int) {
	c := &s.cpus[cpu]
	if c.loaded == nil {
		return
	}
	s.flush(cpu, c.home, c.loaded, c.n)
	s.flush(cpu, c.home, c.previous, c.spare)
	c.n, c.spare = 0, 0
}

// Reap gives what is in a node's depot to its slabs, and the frames of all slabs that are wholly free back, those that Spare
// would keep included. It returns how many frames.
func (s *Cache) Reap(cpu, n int) (frames int) {
	d := &s.nodes[n]
	for range d.Magazines { // others may fill them again meanwhile
		if !s.unload(cpu, d) {
			break
		}
	}
	for slab := range d.Slabs {
		if hasFrame(d.Slabs[slab].at.Load()) && s.retire(cpu, d, uint32(slab)) {
			frames++
		}
	}
	return frames
}

// Stats is what is known about a node.
type Stats struct {
	Slabs  int    // frames that the cache has
	Remote uint64 // objects freed by CPUs of other nodes
	Twice  uint64 // objects that were met in a second place: they had been freed twice at the same moment
}

// Stats counts, about.
func (s *Cache) Stats(n int) Stats {
	d := &s.nodes[n]
	return Stats{int(d.slabs.Load()), d.remote.Load(), d.twice.Load()}
}

// PerFrame is how many objects a frame has.
func (s *Cache) PerFrame() int { return int(s.count) }
