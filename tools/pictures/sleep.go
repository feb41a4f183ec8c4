package main

// Of docs/sync/10-sleeplocks.md.
var sleepPictures = []picture{
	{"sleep-lost", "A wake-up that comes between the look and the sleep is lost.", func(c *canvas) {
		timeline{
			who: []string{"waiter", "holder"},
			steps: []step{
				{0, "the lock is taken", "decides to sleep; interrupted", wait},
				{1, "unlocks", "nobody is asleep: wakes nobody", ""},
				{0, "sleeps", "the lock is free, and nobody will wake it", bad},
			},
			end: "To look and to sleep must be one step for the one who wakes; or the wake-up must be remembered: a permit.",
		}.draw(c)
	}},
	{"sleep-states", "The three values of the owner word, and what is in the other fields.", func(c *canvas) {
		drawFrames(c,
			frame{"Free; one compare-and-swap takes it", []row{{label: "owner", cells: cells("nil"), width: 100}}},
			frame{"Held by A, nobody waits; one compare-and-swap releases it", []row{{label: "owner", cells: cells("A"), width: 100}}},
			frame{"Held by A, waited for: only the guard's holder may change anything", []row{
				{label: "owner", cells: cells("?&contended"), width: 100, note: "so A's compare-and-swap fails"},
				{label: "holder", cells: cells("A"), width: 100},
				{label: "first", cells: cells("?C: 9", "?B: 5", "?D: 5"), linked: true, note: "most urgent first, equals as they came"},
			}},
			frame{"A has unlocked: C has the lock, without having run. Nobody can come between", []row{
				{label: "holder", cells: cells("+C"), width: 100},
				{label: "first", cells: cells("?B: 5", "?D: 5"), linked: true},
			}},
		)
	}},
	{"sleep-inversion", "A task of middle priority keeps an urgent one waiting, unless the holder inherits the urgency.", func(c *canvas) {
		c.say("head", "One CPU, without inheritance: urgent waits for low, and low waits for middle")
		lanes{
			who: []string{"urgent", "middle", "low"}, unit: 56, until: 14,
			bars: []bar{
				{2, 0, 3, "has the lock", full}, {0, 3, 4, "Lock", bad}, {0, 4, 14, "waits", bad},
				{1, 4, 11, "runs as long as it likes", plain}, {2, 11, 14, "has it", full},
			},
		}.draw(c)
		c.y += 8
		c.say("head", "With it: low runs with urgent's priority until it unlocks")
		lanes{
			who: []string{"urgent", "middle", "low"}, unit: 56, until: 14,
			bars: []bar{
				{2, 0, 3, "has the lock", full}, {0, 3, 4, "Lock", wait}, {0, 4, 6, "waits", wait}, {2, 4, 6, "hurries", good},
				{0, 6, 10, "has the lock", good}, {1, 10, 14, "runs", plain},
			},
		}.draw(c)
	}},
	{"sleep-chain", "Priority travels along the chain of who waits for whom.", func(c *canvas) {
		drawFrames(c,
			frame{"C (priority 2) holds M. B (5) holds L and waits for M: C runs with 5", []row{
				{cells: cells("B: 5", "=M", "C: 2 → 5"), linked: true, width: 110, note: "waits for, held by"},
			}},
			frame{"A (9) waits for L: B gets 9, its place in M's queue is found anew, and C gets 9", []row{
				{cells: cells("A: 9", "=L", "+B: 5 → 9", "=M", "+C: 5 → 9"), linked: true, width: 110},
			}},
			frame{"C unlocks M: it is back at 2. B has M and keeps 9, for A waits for L still", []row{
				{cells: cells("A: 9", "=L", "B: 9"), linked: true, width: 110, note: "C: 2"},
			}},
		)
	}},
}
