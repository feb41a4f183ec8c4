// Package sync … order.go: the check of lock order, each time a lock is taken.
//
// G1. A lock is taken only if its class may follow, by what classes.go declares, the class of every lock that the context
// holds: there is a declared path from each of them. So no set of contexts waits in a circle for locks.
// G2. Of one class that nests, locks are taken in ascending order of address; of one that does not, only one.
// G3. A lock of a class that interrupt handlers take is taken with interrupts off, and they are still off when a spinlock is
// released under it, or it itself. Handlers take no other class.
// So no handler waits for the task that it interrupts, nor for one that such a task waits for (CloseOrder refuses to
// declare that a class that handlers take is followed by one that they do not).
// G4. What breaks a rule is reported with both chains, what is held and what is declared, and the context panics. It never
// goes on without the lock, nor with it. The answer depends on what is held, not on whether anybody waits.
//
// All of this holds for TryLock too, although it does not wait: an order that nobody breaks is easier to read.
// Locks are released in any order.
//
// The idea is Linux's lockdep with the graph declared beforehand instead of learnt: nothing is written that another CPU
// reads, and what may be held when a class is taken is one mask. The check is one AND and two comparisons.
//
// Progress: wait-free, but for reports, which take turns. Callers: the context itself. Memory: none.
package sync

import "unsafe"

// rule is what the check needs to know of a class.
type rule struct {
	refuses uint64 // the classes under which it may not be taken; and inInterrupt unless handlers may take it
	kind    kind   // 0: no class, or CloseOrder has not run
}

// CloseOrder writes these, for the classes of classes.go; afterwards nobody does.
var (
	rules        [NumClasses]rule
	handlersTake uint64 // the classes that interrupt handlers take
)

// CloseOrder derives from the declared edges what may be taken under what. No lock of a class can be taken before. It
// panics if the declaration contradicts itself. Calling it again changes nothing; no other CPU may use locks meanwhile.
func CloseOrder() {
	closeOrder(&classes, &rules)
	for c := range classes {
		if classes[c].kind == kindSpinIRQ {
			handlersTake |= 1 << c
		}
	}
}

func closeOrder(classes *[NumClasses]classInfo, rules *[NumClasses]rule) {
	var follows [NumClasses]uint64 // what a path of declared edges leads to
	for c := range classes {
		info := &classes[c]
		for next := range classes {
			if info.before>>next&1 == 0 {
				continue
			}
			switch k := classes[next].kind; {
			case info.kind == 0 || k == 0:
				panic("lock order: an edge of a class that is not declared")
			case info.kind != kindSleep && k == kindSleep:
				panic("lock order: a sleep class is declared to be taken under a spin class")
			case info.kind == kindSpinIRQ && k == kindSpin:
				panic("lock order: under a class that handlers take, one is declared that they do not take")
			case info.kind == kindSleep && k != kindSleep:
				panic("lock order: a spin class under a sleep class goes without saying")
			}
		}
		follows[c] = info.before
	}
	for via := range follows { // Warshall's closure, a row at a time
		for c := range follows {
			if follows[c]>>via&1 != 0 {
				follows[c] |= follows[via]
			}
		}
	}
	for c := range follows {
		if follows[c]>>c&1 != 0 {
			reportCircle(classes, Class(c))
			panic("lock order: the declared classes form a circle")
		}
	}
	var sleeps uint64
	for c := range classes {
		if classes[c].kind == kindSleep {
			sleeps |= 1 << c
		}
	}
	for c := range rules {
		r := rule{kind: classes[c].kind}
		var under uint64
		for first := range follows {
			under |= follows[first] >> c & 1 << first
		}
		switch r.kind {
		case kindSpin:
			under |= sleeps
		case kindSpinIRQ:
			under |= sleeps | inInterrupt
		}
		r.refuses = ^under
		rules[c] = r
	}
}

// MayTake says whether a lock of the class wanted may be taken by a task that holds one of the class held, which is
// another. It answers after CloseOrder.
func MayTake(held, wanted Class) bool { return rules[wanted].refuses>>held&1 == 0 }

// doubtful says whether judge must be asked if c may take a lock of the class. It is small, so that it is inlined.
func (c *Context) doubtful(class Class, k kind) bool {
	r := &rules[class]
	return c.held&r.refuses != 0 || r.kind != k || c.n >= MaxHeld
}

// judge panics unless c may take the lock, which is said to be of kind k.
func (c *Context) judge(class Class, k kind, lock unsafe.Pointer, site uintptr) {
	r := &rules[class]
	wrong := c.held & r.refuses
	switch {
	case class == ClassNone:
		c.explain("takes ", class, lock, site)
		panic("lock order: a lock of no class")
	case r.kind == 0:
		panic("lock order: CloseOrder has not run")
	case (r.kind == kindSleep) != (k == kindSleep):
		c.explain("takes ", class, lock, site)
		panic("lock order: a spinlock of a sleep class, or a sleeplock of a spin class")
	case c.find(lock) >= 0:
		c.explain("takes ", class, lock, site)
		panic("lock order: a lock taken again by the context that holds it")
	case c.n >= MaxHeld:
		c.explain("takes ", class, lock, site)
		panic("lock order: more locks at once than a context can hold")
	case wrong&inInterrupt != 0:
		c.explain("takes ", class, lock, site)
		panic("lock order: an interrupt handler takes a lock of a class that is not for handlers")
	case r.kind == kindSleep && c.SpinDepth() != 0:
		c.explain("takes ", class, lock, site)
		panic("lock order: a sleeplock under a spinlock")
	case wrong&^(1<<class) != 0:
		c.explain("takes ", class, lock, site)
		panic("lock order: a lock taken against the declared order")
	case wrong != 0 && !classes[class].nests:
		c.explain("takes ", class, lock, site)
		panic("lock order: two locks of a class that does not nest")
	case wrong != 0 && !c.ascends(class, lock):
		c.explain("takes ", class, lock, site)
		panic("lock order: two locks of a class, not in ascending order of address")
	case r.kind == kindSpinIRQ && InterruptsOff != nil && !InterruptsOff():
		c.explain("takes ", class, lock, site)
		panic("lock order: interrupts are on, and handlers take locks of this class")
	}
}

// find is the index of the lock among those held, or -1.
func (c *Context) find(lock unsafe.Pointer) int {
	for i := int(c.n) - 1; i >= 0; i-- {
		if c.locks[i].lock == lock {
			return i
		}
	}
	return -1
}

// ascends says whether the lock lies above all of its class that c holds.
func (c *Context) ascends(class Class, lock unsafe.Pointer) bool {
	for i := range c.Held() {
		if h := &c.locks[i]; h.class == class && uintptr(h.lock) >= uintptr(lock) {
			return false
		}
	}
	return true
}

// push records a lock that c has taken; doubtful has seen that there is room.
func (c *Context) push(class Class, lock unsafe.Pointer, site uintptr) {
	h := &c.locks[c.n&(MaxHeld-1)]
	h.lock, h.before, h.site, h.class = lock, c.held, site, class
	c.held |= 1 << (class & 63)
	c.n++
}

// popLast forgets a lock that c is about to release, if it is the last one taken; else popAny does.
func (c *Context) popLast(lock unsafe.Pointer) bool {
	h := &c.locks[(c.n-1)&(MaxHeld-1)]
	if c.n == 0 || h.lock != lock {
		return false
	}
	c.held = h.before
	c.n--
	return true
}

// popAny forgets a lock that c is about to release, wherever it stands.
func (c *Context) popAny(lock unsafe.Pointer) {
	i := c.find(lock)
	if i < 0 {
		c.explain("releases ", ClassNone, lock, 0)
		panic("lock order: release of a lock that this context does not hold")
	}
	held := c.locks[i].before
	c.n--
	for ; i < int(c.n); i++ {
		c.locks[i] = c.locks[i+1]
		c.locks[i].before = held
		held |= 1 << c.locks[i].class
	}
	c.held = held
}

// assertInterruptsOff panics if interrupts came on while c holds locks that handlers take.
func (c *Context) assertInterruptsOff(lock unsafe.Pointer) {
	if InterruptsOff != nil && !InterruptsOff() {
		c.explain("releases ", ClassNone, lock, 0)
		panic("lock order: interrupts came on while a lock was held that handlers take")
	}
}

// AssertNoLocks panics if the context holds locks: for where a task ends, or leaves the kernel.
func (c *Context) AssertNoLocks() {
	if c.n != 0 {
		c.explain("may hold no lock", ClassNone, nil, 0)
		panic("lock order: locks are held where none may be")
	}
}
