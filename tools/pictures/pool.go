package main

// Of docs/sync/01-pool.md.
var poolPictures = []picture{
	{"pool-aba", "Two CPUs pop one free list; the compare-and-swap of the slow one succeeds although the list has changed.", func(c *canvas) {
		c.say("dim", "free list at the beginning: 1 → 2 → 3")
		c.y += 6
		timeline{
			who: []string{"CPU 0: get", "CPU 1"},
			steps: []step{
				{0, "top is 1, next of 1 is 2", "about to swap top from 1 to 2; interrupted", wait},
				{1, "get: takes 1", "2 → 3", ""},
				{1, "get: takes 2", "3; slot 2 is in use", ""},
				{1, "put 1", "1 → 3; top is 1 again", ""},
				{0, "CAS top: 1 to 2 succeeds", "2 → ?; slot 2 is free and in use", bad},
			},
			end: "top was 1, then 2, then 3, then 1: the compare-and-swap cannot tell the two 1s apart (ABA).",
		}.draw(c)
	}},
	{"pool-ref", "A Ref is a word of a 40-bit generation and a 24-bit index.", func(c *canvas) {
		drawFrames(c,
			frame{"A Ref", []row{{cells: cells("generation: 40 bits", "index: 24 bits"), width: 190, note: "index 0: no slot"}}},
			frame{"Queue, stack: the generation counts the lives of the slot. The same history of top again", []row{
				{cells: cells("5·1", "9·2", "2·3", "?6·1"), linked: true, note: "CAS from 5·1 fails: that life of slot 1 is over"},
			}},
			frame{"Depot of a pool: it counts the writes of the word", []row{
				{cells: cells("5·1", "6·2", "7·3", "?8·1"), linked: true, note: "CAS from 5·1 fails: it was written since"},
			}},
		)
	}},
	{"pool-stocks", "Each CPU has a chain in use and a whole batch aside; the depot is a stack of whole batches.", func(c *canvas) {
		drawFrames(c,
			frame{"A pool with batches of 4", []row{
				{label: "CPU 0 current", cells: cells("9", "4", "7"), linked: true, note: "less than a batch"},
				{label: "CPU 0 spare", cells: cells("2", "11", "5", "3"), linked: true, note: "a whole batch, or none"},
				{label: "depot", cells: cells("14", "20", "17"), linked: true, note: "firsts of batches: a tagged stack",
					above: []marker{{"top", 0}}},
			}},
			frame{"Put(0, 8): current would be a batch, so it is set aside, and what was aside goes to the depot (spill)", []row{
				{label: "CPU 0 current", cells: cells("-")},
				{label: "CPU 0 spare", cells: cells("8", "9", "4", "7"), linked: true},
				{label: "depot", cells: cells("+2", "14", "20", "17"), linked: true, note: "one compare-and-swap for 4 slots",
					above: []marker{{"top", 0}}},
			}},
			frame{"Five Gets later on the same CPU: the spare is used up, so a batch comes from the depot (refill)", []row{
				{label: "CPU 0 current", cells: cells("11", "5", "3"), linked: true, note: "slot 2 was the fifth"},
				{label: "CPU 0 spare", cells: cells("-")},
				{label: "depot", cells: cells("14", "20", "17"), linked: true, above: []marker{{"top", 0}}},
			}},
		)
	}},
}
