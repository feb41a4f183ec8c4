package main

// Of docs/sync/11-lock-order.md.
var orderPictures = []picture{
	{"order-circle", "Two tasks that take two locks in different orders wait for each other.", func(c *canvas) {
		timeline{
			who: []string{"task 1", "task 2"},
			steps: []step{
				{0, "Lock inode", "has inode", ""},
				{1, "Lock buffer", "has buffer", ""},
				{0, "Lock buffer", "waits for task 2", bad},
				{1, "Lock inode", "waits for task 1", bad},
			},
			end: "It takes an unlucky moment to hang. The check refuses task 2's second Lock at any moment, task 1 or not.",
		}.draw(c)
	}},
	{"order-mask", "What a context holds is a mask; what a class refuses is a mask; a lock may be taken if they do not meet.", func(c *canvas) {
		const w = 74
		drawFrames(c,
			frame{"Declared: log < inode < buffer, so log < buffer, too. The bits of four classes:", []row{
				{label: "", cells: cells("=log", "=inode", "=buffer", "=pi"), width: w},
			}},
			frame{"A context that holds log and inode takes buffer: allowed", []row{
				{label: "held", cells: cells("1", "1", "-", "-"), width: w},
				{label: "buffer refuses", cells: cells("-", "-", "1", "1"), width: w, note: "AND is 0"},
			}},
			frame{"It takes log again, or another log: refused", []row{
				{label: "held", cells: cells("1", "1", "-", "-"), width: w},
				{label: "log refuses", cells: cells("!1", "!1", "1", "1"), width: w, note: "AND is not 0: judge"},
			}},
		)
	}},
}
