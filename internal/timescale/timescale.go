// Package timescale stretches the time limits of tests and tools, all by one variable.
package timescale

import (
	"fmt"
	"os"
	"strconv"
	"time"
)

// Name is the environment variable: 2 on a machine half as fast as usual, 0.5 on one twice as fast.
const Name = "EXO_TIME_SCALE"

// Stretch returns d times the factor that the variable gives, or d itself if it is not set.
func Stretch(d time.Duration) (time.Duration, error) {
	text := os.Getenv(Name)
	if text == "" {
		return d, nil
	}
	scale, err := strconv.ParseFloat(text, 64)
	if err != nil || !(scale > 0 && scale <= 1e6) {
		return d, fmt.Errorf("%s=%q is not a factor; give a number above 0, such as 2 to wait twice as long", Name, text)
	}
	return time.Duration(float64(d) * scale), nil
}
