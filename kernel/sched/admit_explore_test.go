//go:build explore

package sched

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"exo/kernel/sync/explore"
)

// Each thread reserves (letters a to c, so many fifths of a CPU) and gives back what it has (r), on two CPUs.
func admissionProgram(monotonic bool, scripts ...string) explore.Program {
	return func(x *explore.Run) (threads []func(), check func() error) {
		a := new(Admission)
		a.Init(2, WholeCPU, monotonic)
		x.Name("admission", a)
		var held [2]uint64 // the costs of what is admitted for certain
		for _, script := range scripts {
			threads = append(threads, func() {
				type holding struct {
					cpu int
					v   Reservation
				}
				var mine []holding
				for _, letter := range script {
					if letter == 'r' {
						if len(mine) > 0 {
							h := mine[0]
							mine = mine[1:]
							held[h.cpu] -= a.cost(h.v)
							a.Release(h.cpu, h.v)
						}
						continue
					}
					v := Reservation{Budget: uint64(letter-'a'+1) * minPeriod / 5, Period: minPeriod}
					if cpu, err := a.Admit(3, v); err == nil {
						mine = append(mine, holding{cpu, v})
						if held[cpu] += a.cost(v); held[cpu] > WholeCPU {
							panic(fmt.Sprintf("G1: %d parts of CPU %d are reserved", held[cpu], cpu))
						}
					}
				}
			})
		}
		return threads, func() error {
			for cpu := range held {
				if used, _ := a.Load(cpu); used != held[cpu] {
					return fmt.Errorf("G3: CPU %d: %d parts are reserved, its word says %d", cpu, held[cpu], used)
				}
			}
			return nil
		}
	}
}

func TestExplore_Admission_G1_G3(t *testing.T) {
	for _, monotonic := range []bool{false, true} {
		for _, scripts := range [][]string{{"crc", "cc"}, {"bbr", "crb"}, {"c", "c", "c"}, {"bcr", "rcb", "ar"}} {
			t.Run(fmt.Sprint(monotonic, scripts), func(t *testing.T) {
				stats := explore.Exhaustive(t, explore.Config{Preemptions: 3}, admissionProgram(monotonic, scripts...))
				require.Greater(t, stats.Executions, 10)
			})
		}
	}
}
