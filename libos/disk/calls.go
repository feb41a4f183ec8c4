package disk

// Procedures of a server of files (user/fsd), by package rpc; what they take and return is what the functions of Disk of that name
// do, in their order.
const (
	CallLookup uint64 = iota + 1
	CallStat
	CallCreate
	CallRead
	CallWrite
	CallTruncate
	CallRemove
	CallRename
	CallList // folder, how many to leave out → as many as fit, each after a true, then false; and whether that was all
	CallSpace
)

// statuses are those of a call.
var statuses = [...]error{nil, ErrNone, ErrExists, ErrFull, ErrName, ErrNotEmpty, ErrFolder}

// BadCall is the status of a call that makes no sense.
const BadCall = uint64(len(statuses))

// Status is what a server returns for an error.
func Status(err error) uint64 {
	for i, e := range statuses {
		if e == err {
			return uint64(i)
		}
	}
	return BadCall
}

// ErrorOf is the error for a status.
func ErrorOf(status uint64) error {
	if status < BadCall {
		return statuses[status]
	}
	return ErrName
}
