// Package errno holds the errors of the file system and of the devices below it.
//
// Who asked for what cannot be done gets one of these and nothing has changed. Where a limit is the reason, the error names
// the limit.
package errno

// Errno is why an operation was refused; OK is 0.
type Errno uint8

// The reasons.
const (
	OK           Errno = iota
	IO                 // the device failed
	Range              // a block beyond the device's end
	ReadOnly           // the device or the mount takes no writes
	Corrupt            // what the disk says contradicts itself, or its checksum
	NotExo             // no file system of this kind is there
	Version            // it is of a version that this one does not know
	Dirty              // it needs fsck first
	Stopped            // an earlier write failed: the file system takes no more changes until it is mounted again
	NotFound           // no such name
	Exists             // the name is taken
	NotDirectory       //
	IsDirectory        //
	NotFile            // neither read nor written: it is no regular file
	NotLink            // it is no symbolic link
	NotEmpty           // the directory has entries
	BadName            // empty, ".", "..", or with a slash or a zero byte
	BadArgument        // an argument makes no sense
	Stale              // the inode has another life by now, or none
	Loop               // a directory would come to lie in itself
	HasLinks           // a directory has one name only
	NoSpace            // no free block
	NoInodes           // no free inode
	NoBuffers          // every buffer of the cache is in use at this moment
	NoSlots            // every inode slot of the mount is in use: more inodes open at once than it was given
	NameLong           // a name has more than 255 bytes
	LinkLong           // a symbolic link's text has more than 4,000 bytes
	FileLarge          // a file would have more than 1 TiB
	DiskLarge          // a disk has more than 16 TiB
	DiskSmall          // a disk is too small for its log and one group
	LinksMany          // an inode would have more than 1,000,000,000 names
	NameHash           // a directory has another name already whose 64-bit hash is the same
	GroupsMany         // the disk has more groups than the mount was given memory for
	LogSmall           // the log is too short for the largest operation
	LogLarge           // the log is longer than the mount was given memory for
	TooFew             // the mount was given fewer buffers or pages than it needs
	numErrnos    = iota
)

var names = [numErrnos]string{
	"ok", "device error", "block beyond the device", "read-only", "corrupt", "no Exo file system", "unknown version",
	"needs fsck", "stopped after a failed write", "no such name", "name exists", "not a directory", "is a directory",
	"not a regular file", "not a symbolic link", "directory not empty", "bad name", "bad argument", "stale inode",
	"directory within itself", "a directory has one name only", "no free block", "no free inode",
	"no buffer free at the moment",
	"more inodes in use than the mount has slots", "name longer than 255 bytes", "symbolic link longer than 4,000 bytes",
	"file larger than 1 TiB", "disk larger than 16 TiB", "disk too small", "more than 1,000,000,000 links",
	"two names with one 64-bit hash", "more groups than the mount has memory for", "log too short",
	"log longer than the mount has memory for", "too little memory for a mount",
}

// Error is the reason in words.
func (e Errno) Error() string {
	if e >= numErrnos {
		return "unknown error"
	}
	return names[e]
}
