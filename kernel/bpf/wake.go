package bpf

// Ready predicates about what a program on x86 wrote with a store of its size, at an offset that is a multiple of 4. They
// return 1 for yes and 0 for no.
//
// A uint64 is two words, and another CPU may write between the two loads. The low word is loaded first. Then for a number
// that only grows, a no of AtLeast64 is true of the moment of one of its loads: no wake-up is lost. A yes may come early, by
// less than a turn of the low word: who is woken looks again. Equal64 may err both ways if the number does not stay.

// Equal32 asks whether the uint32 at off is v.
func Equal32(off, v uint32) [4]Insn {
	return [...]Insn{
		LoadWord(off),
		JumpEqual(Swap(v), 0, 1),
		Return(1),
		Return(0),
	}
}

// Differs32 asks whether the uint32 at off is another than v: what a futex waits for.
func Differs32(off, v uint32) [4]Insn {
	return [...]Insn{
		LoadWord(off),
		JumpEqual(Swap(v), 1, 0),
		Return(1),
		Return(0),
	}
}

// AtLeast32 asks whether the uint32 at off is v or more.
func AtLeast32(off, v uint32) [5]Insn {
	return [...]Insn{
		LoadWord(off),
		LoadSwapped(),
		JumpAtLeast(v, 0, 1),
		Return(1),
		Return(0),
	}
}

// Equal64 asks whether the uint64 at off is v.
func Equal64(off uint32, v uint64) [6]Insn {
	return [...]Insn{
		LoadWord(off),
		JumpEqual(Swap(uint32(v)), 0, 3),
		LoadWord(off + 4),
		JumpEqual(Swap(uint32(v>>32)), 0, 1),
		Return(1),
		Return(0),
	}
}

// AtLeast64 asks whether the uint64 at off is v or more.
func AtLeast64(off uint32, v uint64) [11]Insn {
	return [...]Insn{
		LoadWord(off),
		LoadSwapped(),
		AToX(),
		LoadWord(off + 4),
		LoadSwapped(),
		JumpGreater(uint32(v>>32), 3, 0),
		JumpEqual(uint32(v>>32), 0, 3),
		XToA(),
		JumpAtLeast(uint32(v), 0, 1),
		Return(1),
		Return(0),
	}
}

// TimeAtLeast asks whether ns have passed since boot.
func TimeAtLeast(ns uint64) [7]Insn {
	return [...]Insn{
		LoadTimeHigh(),
		JumpGreater(uint32(ns>>32), 3, 0),
		JumpEqual(uint32(ns>>32), 0, 3),
		LoadTimeLow(),
		JumpAtLeast(uint32(ns), 0, 1),
		Return(1),
		Return(0),
	}
}
