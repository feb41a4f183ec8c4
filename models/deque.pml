/*
 * deque.pml: Chase & Lev's work-stealing deque (kernel/sync/deque.go), on x86-TSO memory (tso.pml).
 *
 * Modelled: Push, makeRoom, Pop and Steal; each load, buffered store and locked instruction is a step of its own, and the
 * labels are named after the code's functions. The owner, CPU 0, makes OPS operations, each one Push, or Pop, as it likes;
 * each of THIEVES thieves makes STEALS attempts. A buffer of SIZE slots, then one of 2 SIZE; the outgrown one is
 * reclaimed when each thief that was in Steal at the time has left it (RCU; rcu.pml), and is then full of rubbish.
 *
 * The guarantees are those of deque.go:
 *   G1. No element is taken twice, and none that was not pushed.
 *   G2. The thief sees the element that the owner wrote.
 *   G3. Pop takes the newest element, Steal the oldest.
 *   G4. Pop fails only if the deque is empty; Steal says Empty only if it was so at some moment of the call, and Lost only
 *       if somebody else took an element meanwhile.
 *   G5. No thief looks into a buffer that was reclaimed.
 *   Progress. Push and Pop have no loop but the copying; every execution ends. (-DNP)
 * And when all is done: what was pushed and not taken is in the deque.
 *
 * Bounds: OPS, THIEVES, STEALS, SIZE; at most one growth.
 * Abstracted away: indices are small and do not wrap; the owner's CPU frees a buffer as soon as RCU lets it, at any moment.
 * As the owner alone writes anything but top, only it has a store buffer.
 *
 * Faults (each a -D; SPIN must find an error in each):
 *   POP_NO_FENCE       Pop's store of bottom is no fence
 *   POP_TOP_FIRST      Pop uses the top that it read before it moved bottom
 *   POP_NO_CAS         Pop takes the last element without asking top
 *   POP_NO_RESTORE     Pop leaves bottom where it is after the last element
 *   PUSH_BOTTOM_FIRST  Push moves bottom before it writes the slot
 *   STEAL_NO_CAS       Steal moves top by load and store
 *   STEAL_BOTTOM_FIRST Steal reads bottom before top
 *   STEAL_LATE         Steal reads the slot after it has moved top
 *   NO_ROOM_CHECK      Push overwrites a full buffer
 *   NO_COPY            makeRoom does not copy
 *   GROW_BUFFER_LATE   makeRoom's buffer is published after bottom
 *   POP_WAITS          Pop leaves the last element to the thieves (progress)
 *   EARLY_FREE         an outgrown buffer is reclaimed at once
 */
#ifndef THIEVES
#define THIEVES 2
#endif
#ifndef STEALS
#define STEALS 2
#endif
#ifndef OPS
#define OPS 4
#endif
#ifndef SIZE
#define SIZE 2
#endif
#ifndef BUFFERS
#define BUFFERS 2
#endif

#define NCPU 1
/* Words. Buffer b, from 0, has SIZE<<b slots, from START(b). top and bottom start at FIRST, so that bottom-1 is a number. */
#define TOP 0
#define BOTTOM 1
#define BUFFER 2
#define START(b) (3 + SIZE*((1<<(b)) - 1))
#define AT(b, i) (START(b) + ((i) & ((SIZE<<(b)) - 1)))
#if BUFFERS == 1
#define NMEM (3+SIZE)
#else
#define NMEM (3+3*SIZE)
#endif
#define BUF 4
#define FIRST 1
#define RUBBISH 255
#include "tso.pml"

#define BIT(i) (1 << (i))

/* Ghosts. What has been pushed and not been taken, by index; thieves in Steal; outgrown buffers: those that wait for a
 * grace period to begin, those it has begun for and the thieves it waits for, those that are reclaimed. */
byte content[OPS+2];
byte inside;
byte outgrown, ending, older, freed;
byte finished;

/* ASSERT_EMPTY asserts that nothing is in the deque. */
inline ASSERT_EMPTY() {
	k = 0;
	do
	:: k < OPS+2 -> assert(content[k] == 0); k++
	:: else -> break
	od;
	k = 0
}

/* TAKE checks that v is what was pushed at index i, and, with oldest, that it is the oldest there is; else the newest. */
inline TAKE(i, v, oldest) {
	assert(v != 0 && content[i] == v);		/* G1, G2 */
	content[i] = 0;
	k = 0;
	do
	:: k < OPS+2 -> assert(content[k] == 0 || (oldest && k > i) || (!oldest && k < i)); k++	/* G3 */
	:: else -> break
	od;
	k = 0
}

proctype Owner() {
	byte turn, i, b, t, j, limit, v, k;
	bool ok;
	limit = FIRST + SIZE;
	do
	:: turn < OPS ->
		turn++;
		if
		:: true -> goto Push
		:: true -> goto Pop
		fi;
Return:
		atomic { i = 0; b = 0; t = 0; v = 0; ok = false }
	:: else -> break
	od;
	atomic { turn = 0; finished++ };
	goto Done;

Push:
	i = LOAD(0, BOTTOM);
	b = LOAD(0, BUFFER);
#ifndef NO_ROOM_CHECK
	if
	:: i >= limit -> goto makeRoom
	:: else
	fi;
#endif
room:
	content[i] = turn;
#ifdef PUSH_BOTTOM_FIRST
	STORE(0, BOTTOM, i+1);
	STORE(0, AT(b, i), turn);
#else
	STORE(0, AT(b, i), turn);
	STORE(0, BOTTOM, i+1);
#endif
#ifdef GROW_BUFFER_LATE
	if
	:: LOAD(0, BUFFER) != b -> STORE(0, BUFFER, b)
	:: else
	fi;
#endif
	goto Return;

makeRoom:
	t = LOAD(0, TOP);
	if
	:: i-t < (SIZE<<b) -> limit = t + (SIZE<<b); goto room
	:: i-t >= (SIZE<<b) && b+1 == BUFFERS -> goto Return	/* false */
	:: else
	fi;
#ifndef NO_COPY
	j = t;
	do
	:: j < i -> v = LOAD(0, AT(b, j)); STORE(0, AT(b+1, j), v); j++
	:: else -> break
	od;
	j = 0; v = 0;
#endif
	limit = t + (2*SIZE<<b);
#ifndef GROW_BUFFER_LATE
	STORE(0, BUFFER, b+1);
#endif
	outgrown = outgrown | BIT(b);		/* rcu.Call */
	b++;
	goto room;

Pop:
	i = LOAD(0, BOTTOM) - 1;
	atomic {
		t = LOAD(0, TOP);
		if
		:: t > i -> ASSERT_EMPTY(); goto Return		/* G4 */
		:: else
		fi
	};
#ifdef POP_NO_FENCE
	STORE(0, BOTTOM, i);
#else
	XCHG(0, BOTTOM, i);
#endif
	atomic {
#ifndef POP_TOP_FIRST
		t = LOAD(0, TOP);
#endif
		if
		:: t < i -> v = LOAD(0, AT(LOAD(0, BUFFER), i)); TAKE(i, v, false); goto Return
		:: else
		fi
	};
	if
	:: t == i ->
#ifdef POP_WAITS
		do
		:: LOAD(0, TOP) != i -> break
		:: else
		od;
#endif
		v = LOAD(0, AT(LOAD(0, BUFFER), i));
#ifdef POP_NO_CAS
		atomic { TAKE(i, v, false); ok = true }
#else
		atomic {
			CAS(0, TOP, t, t+1, ok);
			if
			:: ok -> TAKE(i, v, false)
			:: else -> ASSERT_EMPTY()			/* G4 */
			fi
		}
#endif
	:: else -> ASSERT_EMPTY()					/* G4 */
	fi;
#ifndef POP_NO_RESTORE
	STORE(0, BOTTOM, i+1);
#endif
	goto Return;

Done:	skip
}

proctype Thief(byte me) {
	byte turn, t, i, b, v, k;
	do
	:: turn < STEALS ->
		turn++;
		inside = inside | BIT(me);		/* ReadLock */
#ifdef STEAL_BOTTOM_FIRST
		i = mem[BOTTOM];
		t = mem[TOP];
#else
		t = mem[TOP];
		i = mem[BOTTOM];
#endif
		if
		:: t >= i -> goto Return			/* Empty */
		:: else
		fi;
		b = mem[BUFFER];
#ifndef STEAL_LATE
		atomic { assert(!(freed & BIT(b))); v = mem[AT(b, t)] };	/* G5 */
#endif
#ifdef STEAL_NO_CAS
		if
		:: mem[TOP] != t -> goto Return
		:: else
		fi;
		atomic { mem[TOP] = t+1; TAKE(t, v, true) };
#else
		atomic {
			if
			:: mem[TOP] != t -> goto Return		/* Lost */
			:: else -> mem[TOP] = t+1
			fi;
#ifdef STEAL_LATE
		};
		atomic {
			v = mem[AT(b, t)];
#endif
			TAKE(t, v, true)
		};
#endif
Return:
		atomic { inside = inside & ~BIT(me); older = older & ~BIT(me); t = 0; i = 0; b = 0; v = 0 }
	:: else -> break
	od;
	atomic { turn = 0; finished++ }
}

/* Rcu reclaims outgrown buffers when it is allowed to. */
proctype Rcu() {
	byte b, k;
end:
	do
#ifdef EARLY_FREE
	:: outgrown -> atomic { ending = outgrown; outgrown = 0 }
#else
	:: atomic { outgrown && !ending && FENCED(0) -> ending = outgrown; older = inside; outgrown = 0 }
#endif
	:: atomic {
		ending && !older ->
		freed = freed | ending;
		b = 0;
		do
		:: b < BUFFERS && (ending & BIT(b)) ->
			k = 0;
			do
			:: k < (SIZE<<b) -> mem[START(b)+k] = RUBBISH; k++
			:: else -> break
			od;
			b++
		:: b < BUFFERS && !(ending & BIT(b)) -> b++
		:: else -> break
		od;
		b = 0; k = 0; ending = 0
	   }
	od
}

init {
	byte i, k;
	atomic {
		mem[TOP] = FIRST; mem[BOTTOM] = FIRST;
		run Owner(); run Drain(0); run Rcu();
		i = 0;
		do
		:: i < THIEVES -> run Thief(i); i++
		:: else -> break
		od
	};
	atomic {
		finished == 1+THIEVES && FENCED(0) ->
		i = mem[TOP];
		do
		:: i < mem[BOTTOM] ->
			assert(content[i] != 0 && content[i] == mem[AT(mem[BUFFER], i)]);
			content[i] = 0; i++
		:: else -> break
		od;
		ASSERT_EMPTY()					/* no element lost */
	}
}
