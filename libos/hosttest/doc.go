// Package hosttest tests how a Go program lives in ring 3 without a kernel: mkimage builds the programs of testdata for ring
// 3 with the tag hosted, which replaces the system calls by a few of Linux (libos/start/hosted.go), and they run as
// processes. What language uses of Go is compared with what Go's own runtime makes of the same sources.
package hosttest
