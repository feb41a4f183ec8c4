package main

// Of docs/sync/04-deque.md.
var dequePictures = []picture{
	{"deque-steps", "The owner works at bottom, thieves at top; when the buffer is full a buffer of twice the size takes over.", func(c *canvas) {
		drawFrames(c,
			frame{"The owner has pushed a … f; a and b were stolen. Index i lies at i mod 8", []row{
				{cells: cells("~a", "~b", "c", "d", "e", "f", "-", "-"), number: true, above: []marker{{"top", 2}, {"bottom", 6}}},
			}},
			frame{"Push(g): the element first, then bottom", []row{
				{cells: cells("~a", "~b", "c", "d", "e", "f", "+g", "-"), number: true, above: []marker{{"top", 2}, {"bottom", 7}}},
			}},
			frame{"Pop() = g by the owner; Steal() = c by a thief: one compare-and-swap of top", []row{
				{cells: cells("~a", "~b", "~c", "d", "e", "f", "~g", "-"), number: true, above: []marker{{"top", 3}, {"bottom", 6}}},
			}},
			frame{"Growth from 4 to 8: the same indices, twice the places. A thief may look at the old buffer still: RCU keeps it", []row{
				{label: "old", cells: cells("i", "j", "g", "h"), note: "indices 8, 9, 6, 7"},
				{label: "new", cells: cells("i", "j", "+k", "-", "-", "-", "g", "h"), note: "indices 8, 9, 10; 6, 7"},
			}},
		)
	}},
	{"deque-fence", "Without a fence in Pop the owner and a thief both take the last element.", func(c *canvas) {
		c.say("dim", "two elements: x at index 4, y at index 5; top = 4, bottom = 6")
		c.y += 6
		timeline{
			who: []string{"owner: Pop", "thief A", "thief B: Steal"},
			steps: []step{
				{0, "bottom = 5", "stays in the owner's store buffer; memory: 6", wait},
				{0, "top is 4", "4 < 5: not the last one, no CAS needed", ""},
				{1, "Steal() = x", "top = 5", ""},
				{2, "top is 5", "", ""},
				{2, "bottom is 6", "not visible yet: 5 < 6, there is an element", bad},
				{2, "CAS top: 5 to 6", "succeeds: takes y", bad},
				{0, "takes y", "without asking anybody", bad},
			},
			end: "y is taken twice. With the fence, bottom = 5 is visible before top is read, and thief B finds 5 >= 5: empty.",
		}.draw(c)
	}},
}
