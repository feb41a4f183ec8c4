//go:build exouser

package sys

import (
	"runtime"

	"exo/kernel/abi"
)

// Message is what a call through an endpoint carries: four words, and a capability or 0.
type Message struct {
	W0, W1, W2, W3 uint64
	Cap            Cap
	From           uint64 // of what is received: number of the caller's environment
}

// EndpointCreate makes a place to receive calls at.
func EndpointCreate(memory Cap) (Cap, abi.Errno) { return call3(abi.EndpointCreate, memory, 0, 0) }

// IPCCall passes a message to whoever receives at the endpoint, and waits for the reply. The first word of a message is a
// result like any other: negative, it is an Errno, and the others are worth nothing.
func IPCCall(endpoint Cap, w0, w1, w2, w3 uint64, c Cap) (reply Message, err abi.Errno) {
	r, w1, w2, w3, c := runtime.Syscall(uint64(abi.IPCCall), endpoint, w0, w1, w2, w3, c)
	return Message{r, w1, w2, w3, c, 0}, failed(r)
}

// IPCReceive waits for a call.
func IPCReceive(endpoint Cap, until uint64) (m Message, err abi.Errno) {
	particular()
	r, w1, w2, w3, c, from := runtime.SyscallFrom(uint64(abi.IPCReceive), endpoint, until, 0, 0, 0, 0)
	return Message{r, w1, w2, w3, c, from}, failed(r)
}

// IPCReplyWait replies to the last one, and waits for the next.
func IPCReplyWait(endpoint Cap, w0, w1, w2, w3 uint64, c Cap) (m Message, err abi.Errno) {
	particular()
	r, w1, w2, w3, c, from := runtime.SyscallFrom(uint64(abi.IPCReplyWait), endpoint, w0, w1, w2, w3, c)
	return Message{r, w1, w2, w3, c, from}, failed(r)
}

// IPCReply replies.
func IPCReply(w0, w1, w2, w3 uint64, c Cap) abi.Errno {
	_, err := call6(abi.IPCReply, w0, w1, w2, w3, c, 0)
	return err
}

// IPCTimeout limits the thread's next IPCCall.
func IPCTimeout(until uint64) abi.Errno {
	particular()
	return only3(abi.IPCTimeout, until, 0, 0)
}

// NotifyCreate makes 64 bits to wait for.
func NotifyCreate(memory Cap) (Cap, abi.Errno) { return call3(abi.NotifyCreate, memory, 0, 0) }

// Notify sets bits.
func Notify(notification Cap, bits uint64) abi.Errno { return only3(abi.Notify, notification, bits, 0) }

// Wait waits until bits of mask are set, and clears and returns them.
func Wait(notification Cap, mask, until uint64) (bits uint64, err abi.Errno) {
	r, bits := runtime.Syscall3(uint64(abi.Wait), notification, mask, until)
	return bits, failed(r)
}

// Instruction is one of a predicate: bpf.RawInstruction of golang.org/x/net/bpf.
type Instruction struct {
	Op     uint16
	Jt, Jf uint8
	K      uint32
}

// WaitUntil waits until a predicate on frames returns something else than 0. If it is refused, at says which instruction.
func WaitUntil(predicate []Instruction, frames Cap, until uint64) (v, at uint64, err abi.Errno) {
	p, n := inAll(predicate)
	r, at, _, _, _ := runtime.Syscall(uint64(abi.WaitUntil), p, n, frames, until, 0, 0)
	v, err = value(r)
	return v, at, err
}

// TimerSet has bits of a notification set at a time, 0: never.
func TimerSet(notification Cap, bits, when uint64) abi.Errno {
	return only3(abi.TimerSet, notification, bits, when)
}
