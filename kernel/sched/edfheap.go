package sched

// taskHeap is a binary heap of tasks, the least reservation.key on top. Each task knows its place, so any can be taken out.
type taskHeap struct {
	n     int
	tasks [2 * MaxRealTime]*Task
}

func (h *taskHeap) push(t *Task) {
	if h.n == len(h.tasks) {
		panic("sched: more tasks with reservations than were admitted")
	}
	h.n++
	h.up(h.n-1, t)
}

// remove takes t out, which is in this heap.
func (h *taskHeap) remove(t *Task) {
	i := int(t.reservation.at)
	h.n--
	last := h.tasks[h.n]
	h.tasks[h.n] = nil
	if last == t {
		return
	}
	if i > 0 && last.reservation.key < h.tasks[(i-1)/2].reservation.key {
		h.up(i, last)
	} else {
		h.down(i, last)
	}
}

// up finds t's place on the way from i, which is free, to the top.
func (h *taskHeap) up(i int, t *Task) {
	for i > 0 {
		parent := (i - 1) / 2
		p := h.tasks[parent]
		if p.reservation.key <= t.reservation.key {
			break
		}
		h.set(i, p)
		i = parent
	}
	h.set(i, t)
}

// down finds t's place on the way from i, which is free, to the leaves.
func (h *taskHeap) down(i int, t *Task) {
	for {
		child := 2*i + 1
		if child >= h.n {
			break
		}
		c := h.tasks[child]
		if child+1 < h.n && h.tasks[child+1].reservation.key < c.reservation.key {
			child++
			c = h.tasks[child]
		}
		if t.reservation.key <= c.reservation.key {
			break
		}
		h.set(i, c)
		i = child
	}
	h.set(i, t)
}

func (h *taskHeap) set(i int, t *Task) {
	h.tasks[i] = t
	t.reservation.at = uint32(i)
}
