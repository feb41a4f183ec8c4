package main

// Of docs/sync/03-stack.md.
var stackPictures = []picture{
	{"stack-steps", "Push writes its slot's next and moves top to it; Pop moves top to the next below.", func(c *canvas) {
		drawFrames(c,
			frame{"b was pushed last", []row{{cells: cells("b", "a"), linked: true, above: []marker{{"top", 0}}}}},
			frame{"Push(c): the slot's next is written first; nobody can see the slot yet", []row{
				{cells: cells("?c", "b", "a"), linked: true, above: []marker{{"top", 1}}},
			}},
			frame{"Then the CAS of top: Push has taken effect", []row{{cells: cells("+c", "b", "a"), linked: true, above: []marker{{"top", 0}}}}},
			frame{"Pop() = c: CAS of top to what c's next names; the slot goes to the pool", []row{
				{cells: cells("~", "b", "a"), linked: true, above: []marker{{"top", 1}}},
			}},
		)
	}},
	{"stack-aba", "A Pop that slept through two Pops and a Push loses one element and gives another one out twice.", func(c *canvas) {
		c.say("dim", "stack, top first: slot 7 (c) → slot 5 (b) → slot 3 (a)")
		c.y += 6
		timeline{
			who: []string{"CPU 0: Pop", "CPU 1", "CPU 2"},
			steps: []step{
				{0, "top is 7", "", wait},
				{0, "next is 5, value is c", "interrupted before its CAS", wait},
				{1, "Pop() = c", "5 (b) → 3 (a)", ""},
				{2, "Pop() = b", "3 (a)", ""},
				{1, "Push(d)", "7 (d) → 3 (a); slot 7 again", ""},
				{0, "CAS top: 7 to 5", "5 (b) → 3 (a); returns c", bad},
			},
			end: "c was popped twice, b will be, and d is lost. With lives top is 7·7, not 6·7, and the CAS fails.",
		}.draw(c)
	}},
}
