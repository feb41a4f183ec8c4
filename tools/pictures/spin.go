package main

// Of docs/sync/08-spinlocks.md.
var spinPictures = []picture{
	{"spin-naive", "Two CPUs that look first and write then are both in.", func(c *canvas) {
		timeline{
			who: []string{"CPU 0", "CPU 1"},
			steps: []step{
				{0, "locked is 0", "", ""},
				{1, "locked is 0", "", ""},
				{0, "locked = 1", "enters", bad},
				{1, "locked = 1", "enters, too", bad},
			},
			end: "To look and to write must be one step: an atomic read-modify-write.",
		}.draw(c)
	}},
	{"spin-ticket", "A ticket lock: next is the ticket to draw, owner the one that is served.", func(c *canvas) {
		drawFrames(c,
			frame{"CPU 2 holds the lock; CPUs 0 and 5 wait, in the order in which they drew", []row{
				{label: "tickets", cells: cells("~40", "41", "?42", "?43", "-"), width: 60,
					above: []marker{{"owner", 1}, {"next", 4}}, below: []marker{{"CPU 2", 1}, {"CPU 0", 2}, {"CPU 5", 3}}},
			}},
			frame{"CPU 2 unlocks: owner = 42. All who wait read that word again, one of them enters", []row{
				{label: "tickets", cells: cells("~40", "~41", "+42", "?43", "-"), width: 60,
					above: []marker{{"owner", 2}, {"next", 4}}, below: []marker{{"CPU 0", 2}, {"CPU 5", 3}}},
			}},
		)
	}},
	{"spin-mcs", "A queued lock: each waiter looks at a word of its own, and the first in line at the lock.", func(c *canvas) {
		const w = 74
		drawFrames(c,
			frame{"CPU 2 holds the lock (locked = 1) and is in no queue; 0, 5 and 3 wait", []row{
				{label: "queue", cells: cells("?CPU 0", "?CPU 5", "?CPU 3"), linked: true, width: w, above: []marker{{"tail", 2}},
					note: "0 looks at locked, 5 and 3 at their own nodes"},
			}},
			frame{"CPU 2 unlocks: locked = 0. CPU 0 takes it (a compare-and-swap), and makes CPU 5 the first", []row{
				{label: "queue", cells: cells("+CPU 0", "?CPU 5", "?CPU 3"), linked: true, width: w, above: []marker{{"tail", 2}}},
			}},
			frame{"CPU 0 has left the queue before it enters its critical section: its node is free for another lock", []row{
				{label: "queue", cells: cells("?CPU 5", "?CPU 3"), linked: true, width: w, above: []marker{{"tail", 1}}},
			}},
		)
	}},
}
