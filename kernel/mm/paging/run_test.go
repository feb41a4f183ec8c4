package paging

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"exo/internal/seeds"
	"exo/kernel/mm"
)

// TestRuns_AsPageByPage does the same to two tables, in runs and page by page, and compares what is mapped and what is noted.
func TestRuns_AsPageByPage(t *testing.T) {
	mapped, refused, unmapped, protected := 0, 0, 0, 0
	seeds.Each(t, 30, func(r *rand.Rand) {
		a, b := newFakeMemory(400), newFakeMemory(400)
		runs, pages := newSpace(t, a, 1), newSpace(t, b, 1)
		perms := [...]Perm{Read, Read | Write, Read | Exec}
		for range 200 {
			va := uint64(1+r.IntN(3))<<39 + uint64(r.IntN(3))<<21 - uint64(r.IntN(40))<<12
			n, f, perm := uint64(1+r.IntN(60)), mm.Frame(1000+r.IntN(50)), perms[r.IntN(len(perms))]
			var x, y Batch
			switch r.IntN(4) {
			case 0, 1:
				for i := uint64(0); i < n; {
					k, err := runs.MapRun(va+i<<12, f+mm.Frame(i), n-i, perm)
					for j := range k {
						require.Equal(t, err, pages.Map(va+(i+j)<<12, f+mm.Frame(i+j), Small, perm))
						mapped++
					}
					if err != nil {
						require.Equal(t, ErrMapped, err)
						require.Equal(t, err, pages.Map(va+i<<12, f+mm.Frame(i), Small, perm))
						refused++
						k = 1
					}
					i += k
				}
			case 2:
				for i := uint64(0); i < n; {
					i += runs.UnmapRun(va+i<<12, f+mm.Frame(i), n-i, &x)
				}
				for i := range n {
					if m, ok := pages.Lookup(va + i<<12); ok && m.Frame == f+mm.Frame(i) {
						_, err := pages.Unmap(va+i<<12, Small, &y)
						require.NoError(t, err)
						unmapped++
					}
				}
			case 3:
				for i := uint64(0); i < n; {
					i += runs.ProtectRun(va+i<<12, f+mm.Frame(i), n-i, perm, &x)
				}
				for i := range n {
					if m, ok := pages.Lookup(va + i<<12); ok && m.Frame == f+mm.Frame(i) {
						_, err := pages.Protect(va+i<<12, Small, perm, &y)
						require.NoError(t, err)
						protected++
					}
				}
			}
			require.Equal(t, y.n, x.n, "pages to be forgotten")
			require.Equal(t, y.pages, x.pages)
			require.Equal(t, y.nf, x.nf)
			require.Equal(t, y.frames, x.frames)
			x.release(&runs.Table, nil)
			y.release(&pages.Table, nil)
		}
		require.Equal(t, requireSound(t, b, &pages.Table), requireSound(t, a, &runs.Table), "tables")
		var want []Mapping
		pages.Range(0, UserLimit, func(m Mapping) bool { want = append(want, m); return true })
		runs.Range(0, UserLimit, func(m Mapping) bool {
			require.Equal(t, want[0], m)
			want = want[1:]
			return true
		})
		require.Empty(t, want)
		for done := false; !done; {
			done = runs.Table.Destroy(1+r.IntN(700), nil)
		}
		require.Zero(t, a.out())
		require.Empty(t, a.wrong)
	})
	for _, n := range []int{mapped, refused, unmapped, protected} {
		require.Greater(t, n, 100)
	}
}

func TestRuns_WhatIsNotTheUsual(t *testing.T) {
	m := newFakeMemory(10)
	s := newSpace(t, m, 1)
	_, err := s.MapRun(UserLimit-mm.FrameSize, 5, 4, Read)
	require.NoError(t, err, "the last page")
	_, err = s.MapRun(UserLimit-3*mm.FrameSize, 5, 4, 0)
	require.Equal(t, ErrPerm, err)
	_, err = s.MapRun(UserLimit-3*mm.FrameSize+8, 5, 4, Read)
	require.Equal(t, ErrMisaligned, err)
	_, err = s.MapRun(0, 5, 4, Read)
	require.Equal(t, ErrAddress, err)
	_, err = s.MapRun(1<<21, frameLimit-1, 4, Read)
	require.NoError(t, err, "the first of them")
	before := m.snapshot()
	_, err = s.MapRun(1<<40, 5, 4, Read)
	require.Equal(t, ErrTables, err)
	require.Equal(t, before, m.snapshot())
	var b Batch
	for i := range uint64(BatchFrames) {
		b.frame(mm.Frame(i), Small)
	}
	require.Zero(t, s.UnmapRun(1<<21, frameLimit-1, 1, &b), "a full batch")
	require.Equal(t, before, m.snapshot())
}
