/*
 * sched.pml: how tasks wait, are woken, stolen, and CPUs go idle (kernel/sched/cpu.go, leave.go, idle.go, wake.go), on x86-TSO memory (tso.pml).
 *
 * Modelled: Pick with its inbox, ring and theft, Finish, block, becomeReady, Wake, send, EnterIdle, LeaveIdle and the kick, each
 * load, buffered store and locked instruction a step of its own. Task k wakes task k-1, if there is one, parks, unless it is
 * the last, and ends; before that it may yield, YIELDS times in all. They all begin in the ring of CPU 0.
 *
 * The guarantees are those of cpu.go and wake.go:
 *   G1. A task is on one CPU's stack at a time; and who parks goes on only when it has been woken.
 *   G2. A task that is ready is taken from a ring once, and is then what its word says: none is lost, none runs twice.
 *   G4. No CPU sleeps on what was sent to it, and no wake-up is lost (G1 of wake.go): all tasks come to their end.
 *
 * Bounds: NCPU CPUs, TASKS tasks, each parks once and is woken once; YIELDS.
 * Abstracted away: what is in an inbox is a set; a thief takes one task; of idle CPUs any is chosen; classes, shares, affinity,
 * IDs and slots that are used again (the explorer has those); ticks, without which all must go well here.
 *
 * Faults (each a -D; SPIN must find an error in each):
 *   IDLE_NO_FENCE     EnterIdle writes the idle set by a plain store
 *   LOOKS_FIRST       EnterIdle looks for work before it is in the set
 *   SET_FIRST         send looks at the idle set before it puts the task into the inbox
 *   NO_KICK           send takes a CPU out of the set, and does not kick it
 *   NO_PERMIT         a Wake of a task that has not blocked is forgotten
 *   PERMIT_BLIND      a permit is given by a store
 *   BLOCK_BLIND       block does not look at the permit
 *   EARLY_FINISH      Finish comes before the CPU has left the stack
 *   TAKE_BLIND        a task is taken from a ring by a store
 *   LEAVE_BLIND       who takes a CPU out of the idle set writes the set by a store
 */
#ifndef NCPU
#define NCPU 2
#endif
#ifndef TASKS
#define TASKS 3
#endif
#ifndef YIELDS
#define YIELDS 0
#endif

/* Words. A task's is its state, and a permit. */
#define IDLE 0
#define INBOX(c) (1+(c))
#define HEAD(c) (1+NCPU+(c))
#define TAIL(c) (1+2*NCPU+(c))
#define BUSY(c) (1+3*NCPU+(c))
#define WORD(t) (1+4*NCPU+(t)-1)
#define NMEM (1+4*NCPU+TASKS)
#define BUF 2
#include "tso.pml"

#define READY 1
#define RUNNING 2
#define BLOCKED 3
#define DONE 4
#define PERMIT 8

/* Why a CPU leaves a task; 0: it had none. */
#define YIELDING 1
#define PARKING 2
#define ENDING 3

#define BIT(i) (1 << (i))
#define RING TASKS

/* Entries are written before the tail that shows them, and read by who then takes them. */
byte entry[NCPU*RING];
byte ranOn[TASKS+1];			/* CPU; touched by who has the task */
bool kick[NCPU];

/* What a task still has to do, touched by who runs it. */
bool hasWoken[TASKS+1], hasParked[TASKS+1];
byte yields;

/* Ghosts: on whose stack a task's CPU is, less one; who has been woken; how many have ended. */
byte onStack[TASKS+1];
bool woken[TASKS+1];
byte finished;

inline push(t) {
	n = LOAD(me, TAIL(me));
	entry[me*RING + n % RING] = t;
	STORE(me, TAIL(me), n+1);
	n = 0
}

/* got becomes a task of c's ring, if there is one, or stays 0. */
inline take(c) {
	do
	:: h = LOAD(me, HEAD(c));
	   if
	   :: h == LOAD(me, TAIL(c)) -> break
	   :: else
	   fi;
	   got = entry[(c)*RING + h % RING];
#ifdef TAKE_BLIND
	   STORE(me, HEAD(c), h+1);
	   ok = true;
#else
	   CAS(me, HEAD(c), h, h+1, ok);
#endif
	   if
	   :: ok -> break
	   :: else -> got = 0
	   fi
	od;
	ok = false; h = 0
}

/* yes becomes true if c has two tasks or more, and one of them waits. */
inline spare(c) {
	h = LOAD(me, HEAD(c));
	n = LOAD(me, TAIL(c)) - h;
	yes = (n > 0 && n + LOAD(me, BUSY(c)) >= 2);
	h = 0; n = 0
}

/* ok becomes true if c was in the idle set. */
inline leaveIdle(c) {
	do
	:: idle = LOAD(me, IDLE);
	   if
	   :: !(idle & BIT(c)) -> ok = false; break
	   :: else
	   fi;
#ifdef LEAVE_BLIND
	   STORE(me, IDLE, idle & ~BIT(c));
	   ok = true;
#else
	   CAS(me, IDLE, idle, idle & ~BIT(c), ok);
#endif
	   if
	   :: ok -> break
	   :: else
	   fi
	od;
	idle = 0
}

inline send(t, c) {
#ifdef SET_FIRST
	leaveIdle(c);
	yes = ok;
	d_step { FENCED(me) -> mem[INBOX(c)] = mem[INBOX(c)] | BIT(t) };
	ok = yes; yes = false;
#else
	d_step { FENCED(me) -> mem[INBOX(c)] = mem[INBOX(c)] | BIT(t) };
	leaveIdle(c);
#endif
	if
#ifdef NO_KICK
	:: ok -> ok = false
#else
	:: ok -> kick[c] = true; ok = false
#endif
	:: else
	fi
}

inline share() {
	spare(me);
	if
	:: yes && LOAD(me, IDLE) != 0 ->
		select(to : 0 .. NCPU-1);
		leaveIdle(to);
		if
		:: ok -> kick[to] = true; ok = false
		:: else
		fi;
		to = 0
	:: else
	fi;
	yes = false
}

inline enqueue(t) {
	idle = LOAD(me, IDLE);
	if
	:: idle == 0 || (idle & BIT(ranOn[t])) -> to = ranOn[t]
	:: else ->
		if
		:: (idle & 1) -> to = 0
		:: (idle & 2) -> to = 1
#if NCPU > 2
		:: (idle & 4) -> to = 2
#endif
		fi
	fi;
	idle = 0;
	if
	:: to == me -> push(t); to = 0; share()
	:: else -> send(t, to)
	fi;
	to = 0
}

inline Wake(t) {
	woken[t] = true;
	do
	:: w = LOAD(me, WORD(t));
	   if
	   :: w == BLOCKED ->
		CAS(me, WORD(t), w, READY, ok);
		if
		:: ok -> ok = false; enqueue(t); break
		:: else
		fi
	   :: else ->
#ifdef NO_PERMIT
		break
#else
#ifdef PERMIT_BLIND
		STORE(me, WORD(t), w | PERMIT);
		break
#else
		CAS(me, WORD(t), w, w | PERMIT, ok);
		if
		:: ok -> ok = false; break
		:: else
		fi
#endif
#endif
	   fi
	od;
	w = 0
}

/* ok becomes true if the task blocks. */
inline block(t) {
	do
	:: w = LOAD(me, WORD(t));
	   if
#ifndef BLOCK_BLIND
	   :: w == (RUNNING | PERMIT) ->
		CAS(me, WORD(t), w, RUNNING, ok);
		if
		:: ok -> ok = false; break
		:: else
		fi
	   :: else ->
#else
	   :: true ->
#endif
		CAS(me, WORD(t), w, BLOCKED, ok);
		if
		:: ok -> break
		:: else
		fi
	   fi
	od;
	w = 0
}

inline becomeReady(t) {
	do
	:: w = LOAD(me, WORD(t));
	   CAS(me, WORD(t), w, (w & PERMIT) | READY, ok);
	   if
	   :: ok -> ok = false; break
	   :: else
	   fi
	od;
	w = 0
}

inline claim(t) {
	do
	:: w = LOAD(me, WORD(t));
	   assert((w & ~PERMIT) == READY);		/* G2 */
	   CAS(me, WORD(t), w, (w & PERMIT) | RUNNING, ok);
	   if
	   :: ok -> ok = false; break
	   :: else
	   fi
	od;
	w = 0
}

/* got becomes the task that runs next; prev, if it goes on being ready, may be it. */
inline Pick() {
	if
	:: LOAD(me, INBOX(me)) != 0 ->
		d_step { FENCED(me) -> came = mem[INBOX(me)]; mem[INBOX(me)] = 0 };
		t = 1;
		do
		:: t <= TASKS && (came & BIT(t)) -> push(t); t++
		:: t <= TASKS && !(came & BIT(t)) -> t++
		:: t > TASKS -> break
		od;
		came = 0; t = 0;
		share()
	:: else
	fi;
	take(me);
	if
	:: got == 0 && !(cur != 0 && why == YIELDING) ->
		victim = 0;
		do
		:: victim < NCPU && victim != me ->
			spare(victim);
			if
			:: yes -> yes = false; take(victim)
			:: else
			fi;
			if
			:: got != 0 -> break
			:: else -> victim++
			fi
		:: victim < NCPU && victim == me -> victim++
		:: victim == NCPU -> break
		od;
		victim = 0
	:: else
	fi;
	if
	:: got != 0 ->
		claim(got);
		if
		:: cur == 0 -> STORE(me, BUSY(me), 1)
		:: else
		fi;
		ranOn[got] = me
	:: else ->
		if
		:: cur != 0 && why != YIELDING -> STORE(me, BUSY(me), 0)
		:: else
		fi
	fi
}

inline leaveStack() {
	atomic {
		if
		:: prev != 0 -> onStack[prev] = 0
		:: else
		fi
	}
}

inline enterStack() {
	atomic {
		if
		:: cur != 0 -> assert(onStack[cur] == 0); onStack[cur] = 1+me		/* G1 */
		:: else
		fi
	}
}

inline Finish() {
	if
	:: prev == 0
	:: prev != 0 && why == YIELDING -> becomeReady(prev); push(prev); share()
	:: prev != 0 && why == PARKING ->
		block(prev);
		if
		:: ok -> ok = false
		:: else -> becomeReady(prev); push(prev)
		fi
	:: prev != 0 && why == ENDING -> d_step { FENCED(me) -> mem[WORD(prev)] = DONE; finished++ }
	fi
}

inline EnterIdle() {
#ifndef LOOKS_FIRST
#ifdef IDLE_NO_FENCE
	idle = LOAD(me, IDLE);
	STORE(me, IDLE, idle | BIT(me));
	idle = 0;
#else
	d_step { FENCED(me) -> mem[IDLE] = mem[IDLE] | BIT(me) };
#endif
#endif
	sleeps = (LOAD(me, INBOX(me)) == 0);
	h = LOAD(me, HEAD(me));
	sleeps = sleeps && h == LOAD(me, TAIL(me));
	victim = 0;
	do
	:: victim < NCPU && victim != me -> spare(victim); sleeps = sleeps && !yes; yes = false; victim++
	:: victim < NCPU && victim == me -> victim++
	:: victim == NCPU -> break
	od;
	victim = 0;
#ifdef LOOKS_FIRST
	d_step { FENCED(me) -> mem[IDLE] = mem[IDLE] | BIT(me) };
#endif
	skip
}

proctype Cpu(byte me) {
	byte cur, prev, got, why, t, h, n, w, to, victim, idle, came;
	bool ok, yes, sleeps;
	do
	:: cur == 0 ->
		why = 0;
		goto switch;
	:: cur != 0 && yields < YIELDS -> yields++; why = YIELDING; goto switch
	:: cur > 1 && !hasWoken[cur] -> hasWoken[cur] = true; Wake(cur-1)
	:: cur != 0 && cur < TASKS && (cur == 1 || hasWoken[cur]) && !hasParked[cur] -> hasParked[cur] = true; why = PARKING; goto switch
	:: cur != 0 && (cur == 1 || hasWoken[cur]) && (cur == TASKS || hasParked[cur]) ->
		assert(cur == TASKS || woken[cur]);		/* G1 */
		why = ENDING;
switch:		Pick();
		if
		:: got == 0 && why == YIELDING			/* it goes on */
		:: got == 0 && why == 0 ->
			EnterIdle();
			if
			:: sleeps ->
end:				kick[me];
				kick[me] = false
			:: else
			fi;
			sleeps = false;
			leaveIdle(me);
			ok = false
		:: else ->
			d_step { prev = cur; cur = got; got = 0 };
#ifdef EARLY_FINISH
			Finish();
			leaveStack();
			enterStack()
#else
			leaveStack();
			enterStack();
			Finish()
#endif
		fi;
		prev = 0; why = 0
	od
}

init {
	byte i;
	atomic {
		i = 1;
		do
		:: i <= TASKS -> mem[WORD(i)] = READY; entry[i-1] = i; i++
		:: else -> break
		od;
		mem[TAIL(0)] = TASKS;
		i = 0;
		do
		:: i < NCPU -> run Cpu(i); run Drain(i); i++
		:: else -> break
		od
	};
	finished == TASKS		/* G4 */
}
