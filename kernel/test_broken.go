//go:build exokernel

package main

import (
	"exo/kernel/fs/block"
	"exo/kernel/fs/errno"
	"exo/kernel/fs/load"
	"exo/kernel/ktest"
	"exo/kernel/sync"
	"exo/kernel/text"
)

// A disk that says so in its first block has many file systems on it, each full of nonsense. They are mounted as at boot,
// one after another, and used.

// brokenTests is run after diskTests, if there is such a disk.
var brokenTests = [...]ktest.Test{
	{"broken/disks: whatever they say they are mounted, mended, or refused, and what is beside them is not touched", 1, testBroken},
}

const (
	brokenLabel = "Exo broken disks" // then how many there are, of how many blocks, and how many blocks lie before each
	brokenWords = 16 / 8
)

var brokenTest struct {
	d                *disk // nil: there is none
	n, blocks, apart uint64
	part             partDisk
	wanderer         load.Wanderer
}

// partDisk is a part of a disk.
type partDisk struct {
	d             *disk
	first, blocks uint64
}

func (p *partDisk) Geometry() block.Geometry {
	g := p.d.Geometry()
	g.Blocks = p.blocks
	return g
}

// Submit asks the disk. Nobody looks at a request's Block after he has started it.
func (p *partDisk) Submit(c *sync.Context, r *block.Request) {
	r.Block += p.first
	p.d.Submit(c, r)
}

// hasBroken takes the disk if its first block says that it is one of these.
func (d *disk) hasBroken(p *block.Page) {
	if asString(p[:len(brokenLabel)]) != brokenLabel {
		return
	}
	g, w := &brokenTest, pageWords(p)[brokenWords:]
	g.d, g.n, g.blocks, g.apart = d, w[0], w[1], w[2]
}

func testBroken(t *ktest.T, _ int) {
	inTask(t, func(uint64) uint64 {
		g, v, t := &brokenTest, &fileTest, taskTest.t
		if !t.Check(0, g.blocks+g.apart < 1<<20 && g.n*(g.blocks+g.apart) < g.d.Geometry().Blocks, "the label is one") {
			return 0
		}
		s := fileSizes{buffers: leastBuffers, inodes: 64, groups: 2, frozen: 64}
		if !v.reserve(&s) {
			t.Skip("there is no memory for it")
			return 0
		}
		v.mine.get(&v.volume)
		v.mine.ready(this())
		g.part.d, g.part.blocks, v.device = g.d, g.blocks, &g.part
		for i := range g.n {
			g.part.first = g.apart + i*(g.blocks+g.apart)
			tryBroken(i, t.Rand(0).Uint64())
			t.Count(1)
		}
		v.arena.free()
		return 0
	})
}

// tryBroken mounts one, does things to it, and says how that went.
func tryBroken(i, seed uint64) {
	g, v := &brokenTest, &fileTest
	e := v.mount(&v.mine, true)
	var l text.Line
	l.Str("# broken/disks: ").Uint(i)
	if e == errno.OK {
		w := &g.wanderer
		w.Wander(&v.fs, &v.mine.task, seed)
		e = v.fs.Unmount(&v.mine.task)
		l.Str(" done=").Uint(w.Done).Str(" refused=").Uint(w.Refused).Str(" unmounted: ")
	} else {
		l.Str(" not mounted: ")
	}
	if e == errno.OK {
		l.Str("ok")
	} else {
		l.Str(e.Error())
	}
	put(&l)
}
