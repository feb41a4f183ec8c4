package qemu

import (
	"time"

	"exo/internal/timescale"
)

// TimeScale is the environment variable that stretches every time limit of the harness.
const TimeScale = timescale.Name

// Limits bound a boot. Zero means no bound.
type Limits struct {
	Silence time.Duration // without a new serial line; time in which the host starved QEMU does not count
	Total   time.Duration // from start to end, whatever happens
}

// DefaultLimits suit a boot that runs the in-kernel tests on a few CPUs.
var DefaultLimits = Limits{Silence: 20 * time.Second, Total: 3 * time.Minute}

// Scaled returns the limits stretched by EXO_TIME_SCALE.
func (l Limits) Scaled() (Limits, error) {
	silence, err := timescale.Stretch(l.Silence)
	if err != nil {
		return l, err
	}
	total, err := timescale.Stretch(l.Total)
	if err != nil {
		return l, err
	}
	return Limits{Silence: silence, Total: total}, nil
}
