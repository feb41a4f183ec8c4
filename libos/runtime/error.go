//go:build exouser

package runtime

import "internal/abi"

// Error is what the run-time's own panics are.
type Error interface {
	error
	RuntimeError()
}

type errorString string

func (e errorString) RuntimeError() {}
func (e errorString) Error() string { return "runtime error: " + string(e) }

// plainError has no "runtime error: " in front.
type plainError string

func (e plainError) RuntimeError() {}
func (e plainError) Error() string { return string(e) }

// TypeAssertionError is the panic of x.(T).
type TypeAssertionError struct {
	_interface, concrete, asserted *abi.Type
	missingMethod                  string
}

func (*TypeAssertionError) RuntimeError() {}
func (e *TypeAssertionError) Error() string {
	inter := "interface"
	if e._interface != nil {
		inter = typeString(e._interface)
	}
	as := typeString(e.asserted)
	switch {
	case e.concrete == nil:
		return "interface conversion: " + inter + " is nil, not " + as
	case e.missingMethod == "":
		return "interface conversion: " + inter + " is " + typeString(e.concrete) + ", not " + as
	}
	return "interface conversion: " + typeString(e.concrete) + " is not " + as + ": missing method " + e.missingMethod
}

// PanicNilError is what panic(nil) panics with.
type PanicNilError struct{ _ [0]func() }

func (*PanicNilError) Error() string {
	return "panic called with nil argument (use GODEBUG=panicnil=1 to disable)"
}
func (*PanicNilError) RuntimeError() {}

var (
	errBounds = error(errorString("index or slice out of range"))
	errDivide = error(errorString("integer divide by zero"))
	errShift  = error(errorString("negative shift amount"))
	errMemory = error(errorString("invalid memory address or nil pointer dereference"))
)
