package fs

// InUse is how many inodes somebody uses at this moment: none before Unmount.
func (f *FS) InUse() (n int) {
	for i := range f.inodes {
		if f.table.Users(i) > 0 {
			n++
		}
	}
	return n
}
