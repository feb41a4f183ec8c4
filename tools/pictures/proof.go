package main

// Of docs/sync/00-how-it-is-proven.md.
var proofPictures = []picture{
	{"proof-points", "Three operations that overlap, and the moment at which each takes effect.", func(c *canvas) {
		c.say("dim", "Each operation takes effect at one moment, the circle, between its call and its return.",
			"Put in the order of the circles, this is what a queue does that one CPU uses alone.")
		c.y += 6
		lanes{
			who: []string{"CPU 0", "CPU 1", "CPU 2"}, unit: 64, until: 11,
			bars: []bar{
				{0, 0, 5, "Enqueue(7)             ", full},
				{1, 1, 9, "Dequeue() = 7", good},
				{2, 2, 8, "Dequeue(): empty", wait},
			},
			stars: []star{{0, 36}, {1, 43}, {2, 27}},
		}.draw(c)
		c.say("dim", "Here: CPU 2 finds it empty, CPU 0 enqueues 7, CPU 1 dequeues 7. If CPU 2 had begun after CPU 0",
			"returned, and returned before CPU 1 began, no order would explain that it found nothing.")
	}},
	{"proof-tso", "Two CPUs each write one word and read the other's; both read zero.", func(c *canvas) {
		timeline{
			who: []string{"CPU 0", "CPU 1"},
			steps: []step{
				{0, "StoreRelease x = 1", "goes to CPU 0's store buffer; memory: x = 0", wait},
				{1, "StoreRelease y = 1", "goes to CPU 1's store buffer; memory: y = 0", wait},
				{0, "Load y = 0", "not in the own buffer, so from memory", bad},
				{1, "Load x = 0", "not in the own buffer, so from memory", bad},
				{0, "flush x = 1", "now everybody sees x", ""},
				{1, "flush y = 1", "now everybody sees y", ""},
			},
			end: "Both read 0. No order of the four accesses explains it; a full fence before each load forbids it.",
		}.draw(c)
	}},
}
