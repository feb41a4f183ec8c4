//go:build exouser

package sys

import "exo/kernel/abi"

// ConsoleWrite writes bytes.
func ConsoleWrite(console Cap, bytes []byte) (n int, err abi.Errno) {
	at, count := inAll(bytes)
	v, err := call3(abi.ConsoleWrite, console, at, count)
	return int(v), err
}

// ConsoleRead reads what there is, maybe nothing.
func ConsoleRead(console Cap, into []byte) (n int, err abi.Errno) {
	at, count := outAll(into)
	v, err := call3(abi.ConsoleRead, console, at, count)
	return int(v), err
}

// ConsoleBind has bits of a notification set when there is input.
func ConsoleBind(console, notification Cap, bits uint64) abi.Errno {
	return only3(abi.ConsoleBind, console, notification, bits)
}

// InterruptBind has bits of a notification set when it comes.
func InterruptBind(interrupt, notification Cap, bits uint64) abi.Errno {
	return only3(abi.InterruptBind, interrupt, notification, bits)
}

// InterruptAck lets it come again.
func InterruptAck(interrupt Cap) abi.Errno { return only3(abi.InterruptAck, interrupt, 0, 0) }

// PortIn reads 1, 2 or 4 bytes from a port.
func PortIn(ports Cap, port, bytes uint64) (uint64, abi.Errno) {
	return call3(abi.PortIn, ports, port, bytes)
}

// PortOut writes them.
func PortOut(ports Cap, port, bytes, v uint64) abi.Errno {
	_, err := call6(abi.PortOut, ports, port, bytes, v, 0, 0)
	return err
}

// SystemEnd ends the machine.
func SystemEnd(console Cap, status int64) abi.Errno {
	return only3(abi.SystemEnd, console, uint64(status), 0)
}
