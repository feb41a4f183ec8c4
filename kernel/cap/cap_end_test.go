package cap

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// A capability that is in no list is no predecessor, whatever its slot's last life, or one that came to nothing, has left there.
func TestTable_G3_AHintToWhatIsInNoList(t *testing.T) {
	h := newHost(1)
	root := h.root(1)
	last := h.mustChild(root, 1)
	first := h.mustChild(root, 1)
	free := h.Table.cpus[0].caps.current.first()
	l := h.caps.at(free).links() // as it is after a Derive whose compare-and-swap failed
	l.next.Store(uint64(link(l.next.Load()).to(last.slot(), 0)))
	other := h.root(1)
	require.Equal(t, free, other.slot())
	h.caps.at(last.slot()).links().prev.Store(free)
	_, err := h.Delete(0, last, 1, 0, 9)
	require.NoError(t, err)
	require.Zero(t, link(h.caps.at(first.slot()).links().next.Load()).slot(), "it has left the list")
	for _, n := range []Name{root, other} {
		_, err = h.Delete(0, n, 1, 0, 9)
		require.NoError(t, err)
	}
	h.allBack(t)
}

// A place that is another tree's is no harm there.
func TestTable_G3_AForeignPlace(t *testing.T) {
	h := newHost(1)
	root, other := h.root(1), h.root(1)
	stays := h.mustChild(root, 1)
	goes := h.mustChild(root, 1)
	below := h.mustChild(goes, 1)
	h.mustChild(other, 1)
	h.mustChild(other, 1)
	at, err := h.Delete(0, goes, 1, 0, 0)
	require.NoError(t, err)
	require.NotZero(t, at)
	at, err = h.Revoke(0, other, 1, goes, 99)
	require.NoError(t, err)
	require.Zero(t, at)
	require.False(t, h.finds(below, 1))
	require.False(t, h.finds(goes, 1))
	require.True(t, h.finds(stays, 1))
	require.True(t, h.finds(root, 1))
	for _, n := range []Name{root, other} {
		_, err = h.Delete(0, n, 1, 0, 9)
		require.NoError(t, err)
	}
	h.allBack(t)
}

// The bit above a holder's number says that a capability is gone.
func TestTable_G1_Holders(t *testing.T) {
	h := newHost(1)
	n := h.root(1)
	for _, by := range []Holder{Nobody, 1 | gone, MaxHolder + 1, 1<<32 - 1} {
		_, err := h.Create(0, Capability{Kind: page0, Holder: by})
		require.ErrorIs(t, err, ErrHolder)
		_, err = h.Derive(0, n, 1, Derivation{To: by})
		require.ErrorIs(t, err, ErrHolder)
		require.ErrorIs(t, h.Transfer(n, 1, by), ErrHolder)
	}
	h.mustChild(n, 1)
	_, err := h.Delete(0, n, 1, 0, 0)
	require.NoError(t, err)
	require.ErrorIs(t, h.Check(n, 1, page0, Read), ErrNone)
	require.ErrorIs(t, h.Check(n, 1|gone, page0, Read), ErrNone)
	_, err = h.Lookup(n, 1|gone, page0, Read)
	require.ErrorIs(t, err, ErrNone)
	_, err = h.Inspect(n, 1|gone)
	require.ErrorIs(t, err, ErrNone)
	slot, _ := h.Drop(0, 1, 0, 0, 1000)
	require.Zero(t, slot)
	h.allBack(t)
}

// On the way up a chain each capability is a step, too.
func TestTable_G3_BoundedStepsUpAChain(t *testing.T) {
	const long, more = 200, 10
	h := newHost(1)
	tears := 0
	h.kinds[torn].Teardown = func(int, Name, Rights, Object) { tears++ }
	root := h.rootOf(torn, 1)
	n := root
	for range long {
		n = h.mustChild(n, 1)
	}
	at, err := h.Revoke(0, root, 1, 0, long+more)
	require.NoError(t, err)
	require.NotZero(t, at)
	require.Positive(t, tears)
	require.LessOrEqual(t, tears, 1+more)
	for calls := 0; at != 0; calls++ {
		require.Less(t, calls, long)
		before := tears
		at, err = h.Revoke(0, root, 1, at, more)
		require.NoError(t, err)
		require.LessOrEqual(t, tears-before, 1+more)
	}
	require.Equal(t, long, tears)
	_, err = h.Delete(0, root, 1, 0, 9)
	require.NoError(t, err)
	h.allBack(t)
}
