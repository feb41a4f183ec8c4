package fs_test

import (
	"fmt"

	"exo/internal/hostfs"
	"exo/kernel/fs"
	"exo/kernel/fs/block"
	"exo/kernel/fs/errno"
	"exo/kernel/fs/fsck"
)

// checkMemory is memory for checks, used again and again.
type checkMemory struct{ m *fsck.Memory }

func newCheckMemory() *checkMemory { return &checkMemory{hostfs.NewCheckMemory(2)} }

// check says what is wrong with a disk.
func (c *checkMemory) check(t *fs.Task, d block.Device) error {
	var found hostfs.Findings
	if _, e := fsck.Check(t, d, c.m, &found); e != errno.OK {
		return fmt.Errorf("check: %w", e)
	}
	if len(found) > 0 {
		return fmt.Errorf("check: %d findings: %+v", len(found), found[:min(len(found), 5)])
	}
	return nil
}
