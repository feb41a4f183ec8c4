package qemu

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestTorture runs each torture test for a second, on several numbers of CPUs. (TestBoot runs them too, for a part of one,
// and on up to 64.)
// `make torture T=10m` runs them for longer.
func TestTorture(t *testing.T) {
	var tortures []string
	for _, name := range inKernel(t) {
		if strings.HasPrefix(name, "torture/") {
			tortures = append(tortures, name)
		}
	}
	require.NotEmpty(t, tortures)
	for _, cpus := range []int{1, 2, 4} {
		t.Run(fmt.Sprintf("cpus=%d", cpus), func(t *testing.T) {
			t.Parallel()
			k := kernel(t, "tests=torture/* torture=1s exit")
			k.CPUs = cpus
			r := boot(t, k, Options{Limits: Limits{Silence: time.Minute, Total: 8 * time.Minute}, Min: len(tortures)})
			inKernelTests(t, r)
			require.NoError(t, r.Err())
			assert.Empty(t, r.Skipped())
			var names []string
			for _, test := range r.Tests {
				name, _, _ := strings.Cut(test.Name, ":")
				names = append(names, name)
				assert.NotEmpty(t, test.Diagnostics, "%s says what it did", name)
				for _, d := range test.Diagnostics {
					assert.True(t, strings.HasPrefix(d, name+": "), "%q among what %s says", d, name)
					t.Log(d)
				}
				if !slices.Contains([]string{"torture/env", "torture/ipc", "torture/files"}, name) { // one CPU begins them, and their tasks are everywhere
					assert.Equal(t, fmt.Sprint(cpus), test.Directives["cpus"])
				}
			}
			assert.Equal(t, tortures, names)
		})
	}
}
