package sync

type Class uint8

const (
	ClassNone Class = iota
	ClassLog
	ClassInode
	ClassBuffer
	ClassQueue
	ClassPI
	ClassConsole
	ClassPair
	NumClasses int = iota
)

type kind uint8

const (
	kindSleep kind = 1 + iota
	kindSpin
	kindSpinIRQ
)

type classInfo struct {
	name   string
	kind   kind
	nests  bool
	before uint64
}

var classes = [NumClasses]classInfo{
	ClassLog:     {name: "log", kind: kindSleep, before: 1 << ClassInode},
	ClassInode:   {name: "inode", kind: kindSleep, nests: true, before: 1 << ClassBuffer},
	ClassBuffer:  {name: "buffer", kind: kindSleep},
	ClassQueue:   {name: "queue", kind: kindSpin, before: 1<<ClassPI | 1<<ClassPair},
	ClassPI:      {name: "pi", kind: kindSpin, before: 1 << ClassConsole},
	ClassConsole: {name: "console", kind: kindSpinIRQ},
	ClassPair:    {name: "pair", kind: kindSpin, nests: true, before: 1 << ClassConsole},
}
