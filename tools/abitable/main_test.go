package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"exo/kernel/abi"
)

// TestTheTableIsCurrent: run go generate ./kernel/abi if it is not.
func TestTheTableIsCurrent(t *testing.T) {
	want, err := table("../..")
	require.NoError(t, err)
	got, err := os.ReadFile(filepath.Join("..", "..", "docs", "calls.md"))
	require.NoError(t, err)
	require.Equal(t, want, string(got), "go generate ./kernel/abi")
}

// Each call has a row, with its number, and says what it takes and returns; each error has one.
func TestEachCallHasARow(t *testing.T) {
	calls, err := constants("../../kernel/abi/calls.go", "Null")
	require.NoError(t, err)
	require.Equal(t, "Calls", calls[abi.Calls].name)
	for _, c := range calls[:abi.Calls] {
		require.Contains(t, c.says, "→", c.name)
	}
	text, err := table("../..")
	require.NoError(t, err)
	require.Contains(t, text, "| 1 | `CapDerive` |")
	errnos, err := constants("../../kernel/abi/errno.go", "OK")
	require.NoError(t, err)
	for i, c := range errnos {
		if c.name == "numErrnos" {
			require.Equal(t, "unknown error", abi.Errno(-i).Error())
			break
		}
		require.True(t, i == 0 || c.says != "", c.name)
	}
}

func TestWhatIsNotThereIsSaid(t *testing.T) {
	_, err := constants("../../kernel/abi/calls.go", "Nothing")
	require.ErrorContains(t, err, "Nothing")
	_, err = table(t.TempDir())
	require.Error(t, err)
}
