package main

// Of docs/sync/06-hazard-pointers.md.
var hazardPictures = []picture{
	{"hazard-freed", "A reader follows a pointer to a node that is freed before it reads the node.", func(c *canvas) {
		timeline{
			who: []string{"CPU 0: reader", "CPU 1: remover"},
			steps: []step{
				{0, "n = head", "a pointer to node A; interrupted", wait},
				{1, "head = next of A", "A can be found by nobody new", ""},
				{1, "free A", "A's memory becomes something else", ""},
				{0, "reads n.next", "whatever is there now", bad},
			},
			end: "Being out of the structure is not enough: the remover must also know that nobody still looks.",
		}.draw(c)
	}},
	{"hazard-fence", "Without a fence the slot is still in the store buffer when the reader looks again.", func(c *canvas) {
		timeline{
			who: []string{"CPU 0: protect A", "CPU 1: retire A"},
			steps: []step{
				{0, "head is A", "", ""},
				{0, "slot = A", "stays in CPU 0's store buffer; memory: none", wait},
				{0, "head is A still", "so A is protected, it thinks", bad},
				{1, "CAS head: A to B", "A is out", ""},
				{1, "scan: the slot is empty", "A is nobody's: reclaimed", bad},
				{0, "flush: slot = A", "too late", ""},
				{0, "reads A", "which is free", bad},
			},
			end: "With XCHG for the store of the slot, either the scan sees the slot, or the second look at head does not see A.",
		}.draw(c)
	}},
	{"hazard-scan", "A scan collects all slots into a table, and reclaims the retired objects that are not in it.", func(c *canvas) {
		drawFrames(c,
			frame{"CPU 0 scans; five objects of its list are shown", []row{
				{label: "slots of CPU 0", cells: cells("A", "-", "-", "-")},
				{label: "slots of CPU 1", cells: cells("-", "C", "-", "-")},
				{label: "table", cells: cells("-", "-", "C", "-", "-", "-", "-", "-", "-", "-", "A", "-", "-", "-", "-", "-")},
				{label: "retired by CPU 0", cells: cells("B", "C", "D", "A", "E"), linked: true},
			}},
			frame{"What is in no slot is reclaimed, the rest waits for the next scan", []row{
				{label: "retired by CPU 0", cells: cells("A", "C"), linked: true},
				{label: "reclaimed", cells: cells("+B", "+D", "+E")},
			}},
		)
	}},
}
