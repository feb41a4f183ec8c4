package main

// Of docs/sync/07-rcu.md.
var rcuPictures = []picture{
	{"rcu-period", "A grace period lasts until every CPU has been seen outside of a section; later sections find the new object.", func(c *canvas) {
		lanes{
			who: []string{"updater", "CPU 1", "CPU 2", "CPU 3"}, unit: 50, until: 14,
			bars: []bar{
				{0, 1, 3, "unlink old", full}, {0, 3, 10, "Synchronize: period 6", wait}, {0, 10, 12, "free old", good},
				{1, 0, 5, "section: old", full}, {1, 7, 11, "section: new", good},
				{2, 2, 9, "section: may find old", full},
				{3, 0, 8, "idle: counts as seen", gone}, {3, 9, 13, "section: new", good},
			},
			marks: []mark{{3, "newest = 6", 0}, {6, "CPU 1: seen 6", 1}, {10, "CPU 2: seen 6, all are", 0}},
		}.draw(c)
		c.say("dim", "Nobody asks the readers anything. They only count a section in and out; the CPU reports when the count is 0.")
	}},
	{"rcu-preempted", "If switching tasks counted as a quiescent state, a reader that is preempted in its section would be forgotten.", func(c *canvas) {
		timeline{
			who: []string{"CPU 1: task R", "CPU 1: task S", "CPU 0: updater"},
			steps: []step{
				{0, "ReadLock, p = ptr", "p is the old object", ""},
				{0, "preempted", "", wait},
				{1, "runs: \"quiescent\"", "a switch taken for a section's end", bad},
				{2, "ptr = new, Synchronize", "CPU 1 has reported: returns", bad},
				{2, "frees old", "", ""},
				{0, "runs again, reads *p", "which is free", bad},
			},
			end: "So a section keeps the CPU: while the count is not 0 there is no switch, and a tick in it reports nothing.",
		}.draw(c)
	}},
	{"rcu-idle", "A CPU that leaves idle without a fence reads the old object after the grace period ignored it.", func(c *canvas) {
		timeline{
			who: []string{"CPU 1: leaves idle", "CPU 0: updater"},
			steps: []step{
				{0, "seen = 5 (no fence)", "stays in CPU 1's store buffer; memory: idle", wait},
				{0, "section: p = ptr", "p is the old object", ""},
				{1, "ptr = new, newest = 6", "", ""},
				{1, "scan: CPU 1 is idle", "no need to wait for it: period 6 is over", bad},
				{1, "frees the old object", "", ""},
				{0, "reads *p", "which is free", bad},
			},
			end: "With the fence, a scan that sees idle came before the section's first load, so the section finds the new object.",
		}.draw(c)
	}},
	{"rcu-callbacks", "A callback moves from next to wait, when a grace period is begun for it, and from there to ready.", func(c *canvas) {
		drawFrames(c, frame{"", []row{
			{label: "next", cells: cells("e", "d"), linked: true, note: "Call adds here; no period yet"},
			{label: "wait", cells: cells("?c", "?b"), linked: true, note: "for the one period begun after they were queued"},
			{label: "ready", cells: cells("+a"), note: "its period is over: Advance runs it"},
		}})
	}},
}
