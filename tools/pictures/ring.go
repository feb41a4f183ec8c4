package main

// Of docs/sync/05-ring.md.
var ringPictures = []picture{
	{"ring-steps", "Two rings of numbers: those of free data words, and those of full ones in order.", func(c *canvas) {
		const w = 44
		drawFrames(c,
			frame{"Four data words; a, then b were enqueued. The numbers 2 and 3 are free", []row{
				{label: "data", cells: cells("a", "b", "-", "-"), number: true, width: w},
				{label: "free", cells: cells("~", "~", "2", "3", "-", "-", "-", "-"), width: w, note: "take from here",
					above: []marker{{"head", 2}, {"tail", 4}}},
				{label: "full", cells: cells("0", "1", "-", "-", "-", "-", "-", "-"), width: w, note: "put there",
					above: []marker{{"head", 0}, {"tail", 2}}},
			}},
			frame{"Enqueue(c): number 2 is taken from free, c is written to data[2], then 2 is put into full", []row{
				{label: "data", cells: cells("a", "b", "+c", "-"), number: true, width: w},
				{label: "free", cells: cells("~", "~", "~", "3", "-", "-", "-", "-"), width: w, above: []marker{{"head", 3}, {"tail", 4}}},
				{label: "full", cells: cells("0", "1", "+2", "-", "-", "-", "-", "-"), width: w, above: []marker{{"head", 0}, {"tail", 3}}},
			}},
			frame{"An entry of an index ring", []row{
				{cells: cells("cycle", "safe: 1 bit", "number, or none"), width: 140},
			}},
		)
	}},
	{"ring-overtake", "A dequeuer that finds its position empty moves the entry's cycle on, so that the slow enqueuer goes to another position.", func(c *canvas) {
		c.say("dim", "index ring of 8 entries, just emptied: head = tail = 16, that is cycle 2, entry 0")
		c.y += 6
		timeline{
			who: []string{"task: put(2)", "handler: take"},
			steps: []step{
				{0, "tail.Add: position 16", "tail = 17; entry 0: cycle 1, none; interrupted", wait},
				{1, "head.Add: position 16", "head = 17; entry 0 has no number yet", ""},
				{1, "CAS entry 0: cycle 2, none", "nobody will put at position 16", good},
				{1, "tail is 17: says empty", "it has not waited", good},
				{0, "entry 0 has cycle 2 already", "this position is lost", ""},
				{0, "tail.Add: position 17", "tail = 18", ""},
				{0, "CAS entry 1: cycle 2, number 2", "put has taken effect", good},
			},
		}.draw(c)
	}},
	{"ring-lock", "A handler that spins for a lock of the task it interrupted waits for ever.", func(c *canvas) {
		timeline{
			who: []string{"task on CPU 0", "interrupt handler on CPU 0"},
			steps: []step{
				{0, "lock, writes half an entry", "interrupted", wait},
				{1, "lock: is taken, spins", "the holder runs again when the handler returns", bad},
				{1, "spins", "the handler returns when the holder has run", bad},
			},
			end: "One CPU is enough for this deadlock. A ring has no moment in which another operation must wait for this one.",
		}.draw(c)
	}},
}
