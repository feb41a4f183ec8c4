package main

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
)

const list = "golang.org/toolchain v0.0.1-go1.9.2rc2.linux-amd64 v0.0.1-go1.25.9.linux-amd64 v0.0.1-go1.26rc1.linux-amd64 v0.0.1-go1.26.0.darwin-arm64 " +
	"v0.0.1-go1.26.0.linux-amd64 v0.0.1-go1.26.1.linux-amd64 v0.0.1-go1.26.10.linux-amd64 v0.0.1-go1.260.1.linux-amd6 v0.0.1-go1.27.0.linux-amd64 " +
	"v0.0.1-go1.27.1.linux-amd64 v0.0.1-go1.28rc1.linux-amd64"

func TestChoose_EachReleaseOfOneVersionAndTheNewest(t *testing.T) {
	assert.Equal(t, []string{"go1.26.0", "go1.26.1", "go1.26.10", "go1.27.1"}, choose(list, "1.26", "linux-amd64"))
	assert.Equal(t, []string{"go1.27.0", "go1.27.1"}, choose(list, "1.27", "linux-amd64"))
	assert.Equal(t, []string{"go1.26.0"}, choose(list, "1.26", "darwin-arm64"))
	assert.Empty(t, choose(list, "1.26", "plan9-386"))
	assert.Empty(t, choose("go: module golang.org/toolchain: no such host", "1.26", "linux-amd64"))
	assert.Equal(t, "1.26", goOf("module exo\n\ngo 1.26.0\n"))
	assert.Empty(t, goOf("module exo\n"))
}

func TestJudge(t *testing.T) {
	passed := "exo: booting\ntests: 60 passed, 0 failed, 1 skipped\n"
	r := judge("go1.26.3", passed, nil)
	assert.Equal(t, "go1.26.3    ok      60 passed, 0 failed, 1 skipped", r.String())
	r = judge("go1.99.1", "mkimage: go1.99.1 has not been tested with this kernel's runtime shim (tested: go1.26); go on\n"+passed, nil)
	assert.True(t, r.ok)
	assert.Contains(t, r.String(), "; has not been tested with this kernel's runtime shim (tested: go1.26)")
	for out, err := range map[string]error{
		passed: errors.New("exit status 2"), // who fails after counting has failed
		"exo: booting\ntests: 59 passed, 1 failed, 0 skipped\n": nil,
		"": nil, // who counted nothing has not passed
		"link: relocation target runtime.gone not defined\n": errors.New("exit status 1"),
	} {
		r := judge("go1.26.3", out, err)
		assert.False(t, r.ok, out)
		assert.Contains(t, r.String(), "FAILED")
	}
	assert.Contains(t, judge("x", "a\nlink: gone\n", errors.New("exit status 1")).String(), "link: gone\n        exit status 1")
}
