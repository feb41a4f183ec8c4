//go:build explore

package table

import (
	"fmt"
	"testing"

	"exo/internal/hostdisk"
	"exo/kernel/sync"
	"exo/kernel/sync/explore"
)

// A slot gets another key while somebody who looks for the old one is on his way to it: he never counts as a user of what it
// is for by then, not for a moment.
func TestExplore_Table_G5_NoUserOfAnotherKey(t *testing.T) {
	c0, c1 := hostdisk.NewContext(), hostdisk.NewContext()
	defer hostdisk.Release(c0)
	defer hostdisk.Release(c1)
	relax := sync.Relax
	sync.Relax = func(int) { explore.Yield() }
	defer func() { sync.Relax = relax }()
	found, claimed := 0, 0
	explore.Exhaustive(t, explore.Config{Preemptions: 3, AtLeast: 500}, func(x *explore.Run) ([]func(), func() error) {
		table := newTable(1, 1)
		table.Drop(table.Claim(c0, 1))
		users := 1
		return []func(){func() {
				if i := table.Find(1); i >= 0 {
					found++
					if table.Key(i) != 1 {
						panic("the key changes while it is used")
					}
					table.Drop(i)
				}
			}, func() {
				if i := table.Claim(c1, 2); i >= 0 {
					claimed++
					users = max(table.Users(i), table.Users(i))
					table.Drop(i)
				}
			}}, func() error {
				if users != 1 {
					return fmt.Errorf("of one task's slot there are %d users", users)
				}
				return nil
			}
	})
	if found == 0 || claimed == 0 {
		t.Fatal("nothing was found, or nothing claimed")
	}
}

// One sets the flag and asks whether it is alone while another drops its use: one of them hears of the other.
func TestExplore_Table_G6_FlagOrUsers(t *testing.T) {
	c := hostdisk.NewContext()
	defer hostdisk.Release(c)
	alone, seen := 0, 0
	explore.Exhaustive(t, explore.Config{Preemptions: 3, AtLeast: 5}, func(x *explore.Run) ([]func(), func() error) {
		table := newTable(1, 1)
		i := table.Claim(c, 1)
		table.Use(i)
		was, last := false, [2]bool{}
		return []func(){func() {
				table.Set(i, Flag)
				was = table.Users(i) == 1
				last[0] = !table.DropUnless(i, Flag)
			}, func() {
				last[1] = !table.DropUnless(i, Flag)
			}}, func() error {
				if was {
					alone++
				}
				if last[1] {
					seen++
				}
				if was && !last[0] || !last[0] && !last[1] || last[0] && last[1] {
					return fmt.Errorf("alone: %v; the last: %v", was, last)
				}
				return nil
			}
	})
	if alone == 0 || seen == 0 {
		t.Fatal("one of the outcomes did not come")
	}
}
