package sync

// watch notices that a wait for a grace period takes long.
type watch struct {
	start, next uint64 // ns; 0 until the first look
}

// look reports the CPUs that grace period g waits for, once each stallNs.
func (w *watch) look(r *RCU, g uint64) {
	if r.stallNs == 0 {
		return
	}
	now := r.machine.NowNs()
	if w.next == 0 {
		w.start, w.next = now, now+r.stallNs
	}
	if now >= w.next {
		w.next = now + r.stallNs
		r.reportStall(g, now-w.start)
	}
}

func (r *RCU) reportStall(g, ns uint64) {
	for i := range r.cpus {
		if r.cpus[i].seen.Load() < g {
			r.machine.Stalled(i, g, ns)
		}
	}
}
