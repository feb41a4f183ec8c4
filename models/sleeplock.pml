/*
 * sleeplock.pml: the sleeplock with hand-over and priority inheritance (kernel/sync/sleeplock.go).
 *
 * Modelled: Lock, TryLock, Unlock, SetPriority; wait, contend, handOver, enqueue, dequeue, refresh; Park and Unpark with
 * their one-bit permit, where Park may return for no reason with -DSPURIOUS. Each access to an owner word, to granted and to a permit
 * is a step of its own; what only the holder of the guard touches is done in one step. TASKS tasks make TURNS turns each: lock
 * 0, or lock 1, or lock 1 inside lock 0, taken by Lock or tried by TryLock. A Setter gives SETS times any task any priority.
 *
 * The guarantees are those of sleeplock.go:
 *   G1. Between Lock and Unlock the task is alone.
 *   G2. handOver gives the lock to the most urgent waiter, and to the first of several.
 *   G3. No wake-up is lost: nobody waits for ever.
 *   Progress. Each task gets to its end, under weak fairness. (-DNP)
 *   G4. Whenever the guard is free, each task's priority is its own or that of the most urgent who waits for one of its
 *       locks, transitively: exactly.
 *
 * Bounds: TASKS, TURNS, SETS, two locks, priorities 1 to 3 (a task's is its number at first, at most 3).
 * Abstracted away: the guard is an atomic flag (mcs.go is a lock of its own); lists are arrays; every access is
 * sequentially consistent, as the code's are: nothing here is a plain or a release store to a word that is read without the guard.
 *
 * Faults (each a -D; SPIN must find an error in each):
 *   NO_CONTEND        a waiter does not mark the owner word
 *   CONTEND_BLIND     a waiter marks it without compare
 *   FREE_ON_HANDOVER  handOver also frees the lock
 *   KEEPS_CONTENDED   handOver to the last waiter leaves the mark
 *   NO_PERMIT         an Unpark that comes before the Park is forgotten
 *   TRUSTS_PARK       a waiter takes the return of Park for the lock
 *   NO_UNPARK         handOver wakes nobody
 *   LAST_COME         handOver takes the end of the queue
 *   BEFORE_EQUALS     enqueue puts a waiter before its equals
 *   NO_INHERITANCE    a waiter does not lend its priority
 *   NO_CHAIN          refresh stops at the first holder
 *   NO_RETURN         handOver does not give back what was lent
 */
#ifndef TASKS
#define TASKS 3
#endif
#ifndef TURNS
#define TURNS 1
#endif
#ifndef SETS
#define SETS 0
#endif

#define BIT(i) (1 << (i))
#define CONTENDED 255
#define LOCKS 2

/* Tasks are 1 to TASKS, 0 is nil; the Setter is TASKS+1. */
typedef Sleeplock { byte owner, holder, n; byte queue[TASKS] };
Sleeplock lock[LOCKS];
byte guard;
byte base[TASKS+1], effective[TASKS+1];
byte waitsFor[TASKS+1];			/* 1 + the lock's number, or 0 */
bool granted[TASKS+1], permit[TASKS+1];
bool parked[TASKS+1];			/* for NO_PERMIT */

/* Ghosts: who is in each lock's critical section; who was queued at the same lock before a waiter; how many have finished. */
byte inside[LOCKS];
byte before[TASKS+1];
byte finished;

/* What follows is called inside a d_step, by who has the guard; x0 to x3 are scratch. */

inline enqueue(l, c) {
	x0 = lock[l].n;
	before[c] = 0;
	do
	:: x0 > 0 -> x0--; before[c] = before[c] | BIT(lock[l].queue[x0])
	:: else -> break
	od;
	x0 = lock[l].n;
	do
#ifdef BEFORE_EQUALS
	:: x0 > 0 && effective[lock[l].queue[x0-1]] <= effective[c] ->
#else
	:: x0 > 0 && effective[lock[l].queue[x0-1]] < effective[c] ->
#endif
		lock[l].queue[x0] = lock[l].queue[x0-1]; x0--
	:: else -> break
	od;
	lock[l].queue[x0] = c;
	lock[l].n++;
	x0 = 0
}

inline dequeue(l, c) {
	x0 = 1;
	do
	:: x0 <= TASKS -> before[x0] = before[x0] & ~BIT(c); x0++
	:: else -> break
	od;
	before[c] = 0;
	x0 = 0;
	do
	:: lock[l].queue[x0] != c -> x0++
	:: else -> break
	od;
	lock[l].n--;
	do
	:: x0 < lock[l].n -> lock[l].queue[x0] = lock[l].queue[x0+1]; x0++
	:: else -> break
	od;
	lock[l].queue[x0] = 0;
	x0 = 0
}

/* x3 becomes what c's priority should be. */
inline rightful(c) {
	x3 = base[c];
	x0 = 0;
	do
	:: x0 < LOCKS ->
		if
		:: lock[x0].holder == c && lock[x0].n > 0 && effective[lock[x0].queue[0]] > x3 -> x3 = effective[lock[x0].queue[0]]
		:: else
		fi;
		x0++
	:: else -> break
	od;
	x0 = 0
}

inline refresh(c) {
	x1 = c;
	do
	:: true ->
		rightful(x1);
		if
		:: x3 == effective[x1] -> break
		:: else
		fi;
		effective[x1] = x3;
		x2 = waitsFor[x1];
		if
		:: x2 == 0 -> break
		:: else
		fi;
		dequeue(x2-1, x1);
		enqueue(x2-1, x1);
#ifdef NO_CHAIN
		break;
#endif
		x1 = lock[x2-1].holder
	od;
	x1 = 0; x2 = 0; x3 = 0
}

inline guardLock() { atomic { guard == 0 -> guard = me } }

inline guardUnlock() {
	atomic {
		x1 = 1;
		do
		:: x1 <= TASKS -> rightful(x1); assert(effective[x1] == x3); x1++		/* G4 */
		:: else -> break
		od;
		x1 = 0; x3 = 0;
		guard = 0
	}
}

inline CompareAndSwap(l, old, new) {
	atomic {
		if
		:: lock[l].owner == old -> lock[l].owner = new; ok = true
		:: else -> ok = false
		fi
	}
}

inline enter(l) {
	atomic { assert(inside[l] == 0); inside[l] = me; held++ }		/* G1 */
}

/* Lock, or TryLock. */
inline Lock(l, try) {
	CompareAndSwap(l, 0, me);
	if
	:: ok -> enter(l)
	:: !ok && try
	:: !ok && !try -> wait(l); enter(l)
	fi;
	ok = false
}

inline wait(l) {
	guardLock();
	do
	:: o = lock[l].owner;					/* contend */
	   if
#ifdef NO_CONTEND
	   :: o != 0 -> ok = false; break
#else
	   :: o == CONTENDED -> ok = false; break
	   :: o != 0 && o != CONTENDED ->
#ifdef CONTEND_BLIND
		atomic { lock[l].owner = CONTENDED; ok = true };
#else
		CompareAndSwap(l, o, CONTENDED);
#endif
		if
		:: ok -> lock[l].holder = o; ok = false; break
		:: else
		fi
#endif
	   :: o == 0
	   fi;
	   CompareAndSwap(l, 0, me);			/* released meanwhile? */
	   if
	   :: ok -> break
	   :: else
	   fi
	od;
	o = 0;
	if
	:: ok -> guardUnlock()
	:: else ->
		d_step {
			granted[me] = false;
			waitsFor[me] = 1+l;
			enqueue(l, me);
#ifndef NO_INHERITANCE
			refresh(lock[l].holder)
#endif
		};
		guardUnlock();
#ifdef TRUSTS_PARK
		Park()
#else
		do
		:: granted[me] -> break
		:: else -> Park()
		od
#endif
	fi
}

inline Park() {
#ifdef NO_PERMIT
	parked[me] = true;
	!parked[me]
#else
	if
	:: atomic { permit[me] -> permit[me] = false }
#ifdef SPURIOUS
	:: true
#endif
	fi
#endif
}

inline Unpark(c) {
#ifdef NO_PERMIT
	parked[c] = false
#else
	permit[c] = true
#endif
}

inline Unlock(l) {
	atomic { assert(inside[l] == me); inside[l] = 0; held-- };
	CompareAndSwap(l, me, 0);
	if
	:: ok
	:: else -> handOver(l)
	fi;
	ok = false
}

inline handOver(l) {
	guardLock();
	d_step {
		assert(lock[l].owner == CONTENDED && lock[l].holder == me && lock[l].n > 0);
#ifdef LAST_COME
		w = lock[l].queue[lock[l].n-1];
#else
		w = lock[l].queue[0];
#endif
		x1 = 0;
		do
		:: x1 < lock[l].n ->
			x2 = lock[l].queue[x1];
			assert(effective[x2] <= effective[w] && (effective[x2] < effective[w] || !(before[w] & BIT(x2))));	/* G2 */
			x1++
		:: else -> break
		od;
		x1 = 0; x2 = 0;
		dequeue(l, w);
		waitsFor[w] = 0;
		lock[l].holder = (lock[l].n > 0 -> w : 0)
	};
	if
	:: lock[l].holder == 0 ->
#ifdef FREE_ON_HANDOVER
		lock[l].owner = 0
#else
#ifndef KEEPS_CONTENDED
		lock[l].owner = w
#else
		skip
#endif
#endif
	:: else
	fi;
#ifndef NO_RETURN
	d_step { refresh(me) };
#endif
	granted[w] = true;
	guardUnlock();
#ifndef NO_UNPARK
	Unpark(w);
#endif
	w = 0
}

/* A task holds nothing, or lock 0, or lock 1, or lock 1 inside lock 0; l is the lock that it took last. */
proctype Task(byte me) {
	byte l, held, o, w, x0, x1, x2, x3, turn;
	bool ok, try, nested;
	do
	:: held == 0 && turn < TURNS ->
		turn++;
		if
		:: l = 0
		:: l = 1
		:: l = 0; try = true
		fi;
take:		Lock(l, try);
		try = false
	:: held == 1 && l == 0 && !nested ->
		nested = true;
		l = 1;
		goto take
	:: held > 0 ->
		Unlock(l);
		l = 0;
		if
		:: held == 0 -> nested = false
		:: else
		fi
	:: held == 0 && turn == TURNS -> break
	od;
	turn = 0;
	finished++
}

proctype Setter(byte me) {
	byte c, p, x0, x1, x2, x3, turn;
	do
	:: turn < SETS ->
		turn++;
		select(c : 1 .. TASKS);
		select(p : 1 .. 3);
		guardLock();
		d_step { base[c] = p; refresh(c) };
		guardUnlock();
		c = 0; p = 0
	:: else -> break
	od
}

init {
	byte i;
	atomic {
		i = 1;
		do
		:: i <= TASKS -> base[i] = (i < 3 -> i : 3); effective[i] = base[i]; run Task(i); i++
		:: else -> break
		od;
		if
		:: SETS > 0 -> run Setter(TASKS+1)
		:: else
		fi
	};
	atomic {
		finished == TASKS ->
		i = 0;
		do
		:: i < LOCKS -> assert(lock[i].owner == 0 && lock[i].holder == 0 && lock[i].n == 0 && inside[i] == 0); i++
		:: else -> break
		od;
		i = 1;
		do
		:: i <= TASKS -> assert(waitsFor[i] == 0 && effective[i] == base[i] || SETS > 0); i++
		:: else -> break
		od
	}
}
