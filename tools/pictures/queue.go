package main

// Of docs/sync/02-queue.md.
var queuePictures = []picture{
	{"queue-steps", "Enqueue links a slot behind the last one and then moves tail; Dequeue moves head to the successor of the dummy.", func(c *canvas) {
		drawFrames(c,
			frame{"Two elements, a and b, behind the dummy", []row{
				{cells: cells("~", "a", "b"), linked: true, above: []marker{{"head", 0}, {"tail", 2}}},
			}},
			frame{"Enqueue(c), first step: CAS of the last slot's next. Now c is in the queue", []row{
				{cells: cells("~", "a", "b", "+c"), linked: true, above: []marker{{"head", 0}, {"tail", 2}}, note: "tail is one behind"},
			}},
			frame{"Second step: CAS of tail, by whoever notices", []row{
				{cells: cells("~", "a", "b", "c"), linked: true, above: []marker{{"head", 0}, {"tail", 3}}},
			}},
			frame{"Dequeue() = a: CAS of head. The slot of a is the dummy now, and the old dummy goes to the pool", []row{
				{cells: cells("~", "b", "c"), linked: true, above: []marker{{"head", 0}, {"tail", 2}}, note: "a is with the caller"},
			}},
			frame{"Empty: nothing but the dummy", []row{
				{cells: cells("~"), above: []marker{{"head, tail", 0}}, width: 90},
			}},
			frame{"The words in the second of these frames, life·slot: the last next is a life without a slot", []row{
				{label: "slot", cells: cells("~2·3", "5·7", "8·4", "6·9"), width: 64, above: []marker{{"head", 0}, {"tail", 2}}},
				{label: "its next", cells: cells("5·7", "8·4", "+6·9", "6·–"), width: 64, note: "the CAS was from 8·– to 6·9"},
			}},
		)
	}},
	{"queue-reuse", "Without generations an enqueuer that slept links its slot into a structure that uses the old slot meanwhile.", func(c *canvas) {
		c.say("dim", "queue P is empty: slot 4 is its dummy, and so its last slot; queue Q uses the same slots")
		c.y += 6
		timeline{
			who: []string{"CPU 0: P.Enqueue", "CPU 1"},
			steps: []step{
				{0, "tail of P is 4", "about to link slot 9 behind it; interrupted", wait},
				{1, "P.Enqueue, P.Dequeue", "slot 4 leaves P, goes to the pool", ""},
				{1, "Q.Enqueue", "gets slot 4; it is the last of Q", ""},
				{0, "CAS next of 4: nobody to 9", "succeeds: 9 is in Q", bad},
				{0, "CAS tail of P: 4 to 9", "fails, as if somebody had helped", bad},
			},
			end: "An element that was given to P comes out of Q. With lives the CAS fails: it expects nobody and the life of then.",
		}.draw(c)
	}},
}
