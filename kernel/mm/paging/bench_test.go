package paging

import "testing"

func benchTable(b *testing.B) *Space {
	memory := newFakeMemory(40)
	s := new(Space)
	if err := s.Init(memory.memory(), memory, kernelRoot, make([]Local, 1)); err != nil {
		b.Fatal(err)
	}
	if err := s.Map(1<<30+4096, 8, Small, Read); err != nil { // so that the table stays
		b.Fatal(err)
	}
	return s
}

// A page comes and goes in a table that stays; the batch is emptied without a shootdown.
func BenchmarkMapUnmap(b *testing.B) {
	s := benchTable(b)
	var batch Batch
	for b.Loop() {
		if s.Map(1<<30, 7, Small, Read|Write) != nil {
			b.Fatal()
		}
		if _, err := s.Unmap(1<<30, Small, &batch); err != nil {
			b.Fatal()
		}
		batch.n, batch.nf = 0, 0
	}
}

func BenchmarkProtect(b *testing.B) {
	s := benchTable(b)
	var batch Batch
	perms := [2]Perm{Read, Read | Write}
	i := 0
	for b.Loop() {
		i ^= 1
		if _, err := s.Protect(1<<30+4096, Small, perms[i], &batch); err != nil {
			b.Fatal()
		}
		batch.n = 0
	}
}

func BenchmarkNothing(b *testing.B) {
	i := 0
	for b.Loop() {
		i ^= 1
	}
}
