//go:build exokernel

package main

import "exo/kernel/ktest"

var tests = [...]ktest.Test{}

var benches = [...]ktest.Bench{}
