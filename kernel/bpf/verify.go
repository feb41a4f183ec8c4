package bpf

// Verify says whether prog may be run. If not, err is one of the Errors above, and at is the first instruction that is wrong
// (ErrEmpty: 0, ErrLong: MaxLen). Instructions that no path reaches are checked too, but for ErrUnwritten: no path reads there.
// Fields that an instruction does not use may hold anything.
func Verify(prog []Insn) (at int, err error) {
	switch {
	case len(prog) == 0:
		return 0, ErrEmpty
	case len(prog) > MaxLen:
		return MaxLen, ErrLong
	}
	// lacks[i]: the scratch words which some path from the start to i has not written. As jumps only go forward, all that lead
	// to i have been seen when i is.
	var lacks [MaxLen]uint16
	lacks[0] = 1<<Scratch - 1
	for i := range prog {
		in := &prog[i]
		if err := in.check(len(prog) - 1 - i); err != nil {
			return i, err
		}
		here, k := lacks[i], in.K
		switch in.Op {
		case st, stx:
			here &^= 1 << k
		case ldMem, ldxMem:
			if here>>k&1 != 0 {
				return i, ErrUnwritten
			}
		case retK, retA:
			continue // nothing follows
		case ja:
			lacks[i+1+int(k)] |= here
			continue
		case jeqK, jeqX, jgtK, jgtX, jgeK, jgeX, jsetK, jsetX:
			lacks[i+1+int(in.Jt)] |= here
			lacks[i+1+int(in.Jf)] |= here
			continue
		}
		if i+1 == len(prog) {
			return i, ErrNoReturn
		}
		lacks[i+1] |= here
	}
	return 0, nil
}

// check is what can be said of an instruction by itself, if there are after more behind it.
func (in *Insn) check(after int) error {
	switch in.Op {
	case ldImm, ldLen, ldxImm, ldxLen, addK, subK, mulK, orK, andK, xorK,
		addX, subX, mulX, divX, modX, orX, andX, lshX, rshX, xorX, neg, retK, retA, tax, txa:
	case ldAbsW:
		if in.K >= extFirst {
			if in.K < ExtTimeLow || in.K >= extEnd {
				return ErrExtension
			}
		} else if in.K >= maxOffset {
			return ErrOffset
		}
	case ldAbsH, ldAbsB, ldIndW, ldIndH, ldIndB, ldxMsh:
		if in.K >= maxOffset {
			return ErrOffset
		}
	case ldMem, ldxMem, st, stx:
		if in.K >= Scratch {
			return ErrScratch
		}
	case divK, modK:
		if in.K == 0 {
			return ErrDivide
		}
	case lshK, rshK:
		if in.K >= 32 {
			return ErrShift
		}
	case ja:
		if uint64(in.K) >= uint64(after) {
			return ErrJump
		}
	case jeqK, jeqX, jgtK, jgtX, jgeK, jgeX, jsetK, jsetX:
		if int(in.Jt) >= after || int(in.Jf) >= after {
			return ErrJump
		}
	default:
		return ErrOpcode
	}
	return nil
}
