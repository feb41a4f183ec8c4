package abi

// Where things are in an environment.
const (
	UserTop  = 1<<47 - 4096      // no address of ring 3 is here or above
	LibOS    = 0x4000_0000_0000  // what is the library OS's begins here
	InfoPage = LibOS + 0x1e_0000 // Info, read-only, in every environment
	Image    = LibOS + 0x1f_0000 // programs that are linked with it begin here; what is below has one page table with Info
)

// Version changes with anything in this package.
const Version = 1

// Info is the page of kernel state: what anybody may know. Read Sequence before and after: odd or changed means read again.
type Info struct {
	Version  uint64
	Sequence uint64
	// Nanoseconds since boot are TSC * Multiplier >> Shift, in 128 bits, plus Offset.
	Multiplier, Shift, Offset uint64
	CPUs, Nodes               uint64
	NodeOf                    [64]uint8
	Distance                  [16][16]uint8
	Frames, Free              [16]uint64 // of each node
	Ready                     [64]uint32 // tasks that wait on each CPU
	Running                   [64]uint32 // number of the environment that runs there, 0: none of ring 3
	Switches, Steals          [64]uint64
	IdleNs                    [64]uint64
	GracePeriods              uint64
	Callbacks                 uint64 // that wait
	Envs, Threads             uint64
	Caps                      uint64 // that environments hold
	Features                  uint64 // FeatureFSGSBASE …
	Kept                      uint64 // frames that the kernel took since boot: for stacks, for capabilities, for tables to come
}

// Bits of Info.Features.
const (
	FeatureFSGSBASE uint64 = 1 << iota // ring 3 may set FS and GS itself
)
