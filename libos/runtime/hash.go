//go:build exouser

package runtime

import (
	"internal/abi"
	"internal/runtime/sys"
	"unsafe"
)

// Hashes. Those of memory and strings are Go's own: hash126.go and hash127.go.

const (
	c0 = uintptr(2860486313)<<32 | 3267000013
	c1 = uintptr(3267000013)<<32 | 2860486313 // odd
)

func memhash0(p unsafe.Pointer, h uintptr) uintptr   { return h }
func memhash8(p unsafe.Pointer, h uintptr) uintptr   { return memhash(p, h, 1) }
func memhash16(p unsafe.Pointer, h uintptr) uintptr  { return memhash(p, h, 2) }
func memhash128(p unsafe.Pointer, h uintptr) uintptr { return memhash(p, h, 16) }

// memhash_varlen hashes as many bytes as its closure says.
//
//go:nosplit
func memhash_varlen(p unsafe.Pointer, h uintptr) uintptr {
	closure := sys.GetClosurePtr()
	return memhash(p, h, *(*uintptr)(unsafe.Pointer(closure + 8)))
}

func f32hash(p unsafe.Pointer, h uintptr) uintptr {
	switch f := *(*float32)(p); {
	case f == 0: // +0 and -0
		return c1 * (c0 ^ h)
	case f != f:
		return c1 * (c0 ^ h ^ uintptr(rand()))
	}
	return memhash(p, h, 4)
}

func f64hash(p unsafe.Pointer, h uintptr) uintptr {
	switch f := *(*float64)(p); {
	case f == 0:
		return c1 * (c0 ^ h)
	case f != f:
		return c1 * (c0 ^ h ^ uintptr(rand()))
	}
	return memhash(p, h, 8)
}

func c64hash(p unsafe.Pointer, h uintptr) uintptr  { return f32hash(add(p, 4), f32hash(p, h)) }
func c128hash(p unsafe.Pointer, h uintptr) uintptr { return f64hash(add(p, 8), f64hash(p, h)) }

func interhash(p unsafe.Pointer, h uintptr) uintptr {
	i := (*iface)(p)
	if i.tab == nil {
		return h
	}
	return datahash((*abi.ITab)(i.tab).Type, &i.data, h)
}

func nilinterhash(p unsafe.Pointer, h uintptr) uintptr {
	e := (*eface)(p)
	if e._type == nil {
		return h
	}
	return datahash((*abi.Type)(e._type), &e.data, h)
}

func datahash(t *abi.Type, data *unsafe.Pointer, h uintptr) uintptr {
	if t.Equal == nil {
		panic(errorString("hash of unhashable type " + typeString(t)))
	}
	if t.IsDirectIface() {
		return c1 * typehash(t, unsafe.Pointer(data), h^c0)
	}
	return c1 * typehash(t, *data, h^c0)
}

// typehash agrees with the functions that the compiler generates.
func typehash(t *abi.Type, p unsafe.Pointer, h uintptr) uintptr {
	if t.TFlag&abi.TFlagRegularMemory != 0 {
		switch t.Size_ {
		case 4:
			return memhash32(p, h)
		case 8:
			return memhash64(p, h)
		}
		return memhash(p, h, t.Size_)
	}
	switch t.Kind() {
	case abi.Float32:
		return f32hash(p, h)
	case abi.Float64:
		return f64hash(p, h)
	case abi.Complex64:
		return c64hash(p, h)
	case abi.Complex128:
		return c128hash(p, h)
	case abi.String:
		return strhash(p, h)
	case abi.Interface:
		if len((*abi.InterfaceType)(unsafe.Pointer(t)).Methods) == 0 {
			return nilinterhash(p, h)
		}
		return interhash(p, h)
	case abi.Array:
		a := (*abi.ArrayType)(unsafe.Pointer(t))
		for i := range a.Len {
			h = typehash(a.Elem, add(p, i*a.Elem.Size_), h)
		}
		return h
	case abi.Struct:
		for _, f := range (*abi.StructType)(unsafe.Pointer(t)).Fields {
			if !f.Name.IsBlank() {
				h = typehash(f.Typ, add(p, f.Offset), h)
			}
		}
		return h
	}
	panic(errorString("hash of unhashable type " + typeString(t)))
}
