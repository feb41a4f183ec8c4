package qemu

import (
	"fmt"
	"os"
	"strconv"
	"time"
)

// TimeScale is the environment variable that stretches every time limit of the harness:
// 2 on a machine half as fast as usual, 0.5 on one twice as fast.
const TimeScale = "EXO_TIME_SCALE"

// Limits bound a boot. Zero means no bound.
type Limits struct {
	Silence time.Duration // without a new serial line; time in which the host starved QEMU does not count
	Total   time.Duration // from start to end, whatever happens
}

// DefaultLimits suit a boot that runs the in-kernel tests on a few CPUs.
var DefaultLimits = Limits{Silence: 20 * time.Second, Total: 3 * time.Minute}

// Scaled returns the limits stretched by EXO_TIME_SCALE.
func (l Limits) Scaled() (Limits, error) {
	text := os.Getenv(TimeScale)
	if text == "" {
		return l, nil
	}
	scale, err := strconv.ParseFloat(text, 64)
	if err != nil || !(scale > 0 && scale <= 1e6) {
		return l, fmt.Errorf("%s=%q is not a factor; give a number above 0, such as 2 to wait twice as long", TimeScale, text)
	}
	return Limits{
		Silence: time.Duration(float64(l.Silence) * scale),
		Total:   time.Duration(float64(l.Total) * scale),
	}, nil
}
