//go:build exouser && !hosted

package start

import (
	"runtime"

	"exo/kernel/abi"
	"exo/libos/mem"
)

// prepare makes memory come by demand.
func prepare() {
	if err := mem.Init(); err != abi.OK {
		runtime.Die("cannot manage memory: ", err.Error())
	}
}
