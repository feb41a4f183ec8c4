//go:build exouser

package main

import "exo/libos/proc"

func ps(*call) int {
	say("     ID PARENT STATE   THREADS FRAMES     OF   CAPS    CPU s NAME")
	for _, p := range proc.All() {
		say(right(number(uint64(p.ID)), 7) + right(number(uint64(p.Parent)), 7) + " " + left(p.State, 8) + right(number(p.Threads), 7) +
			right(number(p.Frames), 7) + right(number(p.FrameLimit), 7) + right(number(p.Caps), 7) + right(seconds(p.RanNs, 3), 9) + " " + p.Name)
	}
	return 0
}
