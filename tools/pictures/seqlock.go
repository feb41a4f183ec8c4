package main

// Of docs/sync/09-seqlock.md.
var seqlockPictures = []picture{
	{"seqlock-torn", "A reader that reads one word before a change and one after it has something that never was.", func(c *canvas) {
		c.say("dim", "two words that belong together: seconds = 9, milliseconds = 999")
		c.y += 6
		timeline{
			who: []string{"reader", "writer"},
			steps: []step{
				{0, "seconds is 9", "", ""},
				{1, "seconds = 10", "", ""},
				{1, "milliseconds = 0", "", ""},
				{0, "milliseconds is 0", "9.000, though it is 10.000", bad},
			},
			end: "Each word was read whole; the two together were not.",
		}.draw(c)
	}},
	{"seqlock-retry", "A counter that is odd during a change tells readers to read again.", func(c *canvas) {
		lanes{
			who: []string{"n", "writer", "reader A", "reader B", "reader C"}, unit: 58, until: 13,
			bars: []bar{
				{0, 0, 4, "4", plain}, {0, 4, 8, "5: odd", wait}, {0, 8, 13, "6", plain},
				{1, 4, 8, "Write … Done", full},
				{2, 0, 3, "4 … 4: good", good},
				{3, 2, 6, "4 … 5: Retry", bad}, {3, 6, 8, "waits", wait}, {3, 8, 12, "6 … 6: good", good},
				{4, 5, 8, "waits", wait}, {4, 8, 11, "6 … 6: good", good},
			},
		}.draw(c)
	}},
}
