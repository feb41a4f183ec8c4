/*
 * rcu.pml: read-copy-update by quiescent states (kernel/sync/rcu.go), on x86-TSO memory (tso.pml).
 *
 * Modelled: Quiescent, Tick, IdleEnter, IdleExit, begin, isOver, Synchronize, Call and Advance, each load, buffered store
 * and locked instruction a step of its own. Each CPU does in any order, as often as it likes: read sections, quiescent
 * states, idling. CPU 0 also replaces its pointer and calls Synchronize; CPU 1 replaces its own and calls Call.
 *
 * The guarantees are those of rcu.go:
 *   G1. Synchronize does not return while a section is open that was open when it was called.
 *   G2. A callback does not run while a section is open that was open when Call was called.
 *   G3. A section that opens later sees what the updater wrote before; with G1 and G2: no section uses what was freed.
 *   G4. Callbacks run once.
 *   G6, Progress. If every CPU that is not idle reports quiescent states, Synchronize returns and callbacks run, though other CPUs
 *       idle for good. (With -DLIVE, where a quiescent state follows each section; under weak fairness.)
 *
 * Bounds: NCPU CPUs, SYNCS Synchronize calls, CALLS Call calls; sections, quiescent states and idling without bound.
 * Abstracted away: numbers do not wrap; a callback list is a set, run at once (no limit); an updater is alone with its
 * pointer. Not modelled: Barrier (G5), the order of callbacks (G4), expediting, stall reports.
 *
 * Faults (each a -D; SPIN must find an error in each):
 *   EARLY_FREE        Synchronize does not wait
 *   TICK_IN_SECTION   a tick reports a quiescent state although a section is open
 *   EXIT_NO_FENCE     IdleExit's store of seen is no fence
 *   BEGIN_NO_FENCE    begin's add does not drain the store buffer
 *   UNLINK_AFTER      the pointer is replaced after begin instead of before
 *   CURRENT_GP        callbacks wait for the newest grace period there is instead of a new one
 *   SEEN_AHEAD        Quiescent reports one more than it read
 *   SKIPS_LAST        isOver does not look at the last CPU
 *   NEWEST_LAST       isOver reads newest after the scan instead of before
 *   JOINS_WAIT        Call adds to the list that waits already
 *   RUNS_TWICE        Advance does not empty the list that it ran
 *   NO_TICKS          nobody reports (liveness)
 *   NEVER_MOVED       Advance begins no grace period for what was queued (liveness)
 *   IDLE_WAITED_FOR   IdleEnter does not report (liveness)
 */
#ifndef NCPU
#define NCPU 3
#endif
#ifndef SYNCS
#define SYNCS 1
#endif
#ifndef CALLS
#define CALLS 1
#endif

/* Words. PTR(k) is the pointer that CPU k replaces: the number of an object, from 1 up. */
#define NEWEST 0
#define OVER 1
#define PTR(k) (2+(k))
#define SEEN(c) (4+(c))
#define NMEM (4+NCPU)
#define BUF 2
#include "tso.pml"

#define IDLE 255
#define BIT(i) (1 << (i))

/* CPU 1's callbacks: sets of objects. */
byte queued, waiting, waitFor;

/* Ghosts. Which objects of each pointer are freed; which CPUs are in a section; of those, whom Synchronize and the
 * callback lists must outwait; whether CPU 0 is in Synchronize. */
byte freed[2];
byte inside, olderSync, olderQueued, olderWaiting;
bool syncing;

/* ReadLock; load a pointer; use what it points at; ReadUnlock. */
inline Section() {
	inside = inside | BIT(me);
	atomic {
		if :: k = 0 :: k = 1 fi;
		object = LOAD(me, PTR(k))
	};
#ifdef TICK_IN_SECTION
	if :: true -> Quiescent() :: true fi;	/* an interrupt; without the fault its Tick does nothing here */
#endif
	d_step {
		assert(!(freed[k] & BIT(object)));		/* G3 */
		object = 0; k = 0;
		inside = inside & ~BIT(me);
		olderSync = olderSync & ~BIT(me);
		olderQueued = olderQueued & ~BIT(me);
		olderWaiting = olderWaiting & ~BIT(me)
	}
}

inline Quiescent() {
#ifdef NO_TICKS
	skip
#else
	g = LOAD(me, NEWEST);
#ifdef SEEN_AHEAD
	g++;
#endif
	if
	:: LOAD(me, SEEN(me)) != g -> STORE(me, SEEN(me), g)
	:: else
	fi;
	g = 0
#endif
}

inline IdleEnter() {
#ifdef IDLE_WAITED_FOR
	skip
#else
	STORE(me, SEEN(me), IDLE)
#endif
}

inline IdleExit() {
	g = LOAD(me, NEWEST);
#ifdef EXIT_NO_FENCE
	STORE(me, SEEN(me), g);
#else
	XCHG(me, SEEN(me), g);
#endif
	g = 0
}

/* newest.Add(1), a locked instruction: all earlier stores are visible before the new number is. */
inline begin(number) {
#ifdef BEGIN_NO_FENCE
	d_step { mem[NEWEST]++; number = mem[NEWEST] }
#else
	d_step { FENCED(me) -> mem[NEWEST]++; number = mem[NEWEST] }
#endif
}

inline isOver(number) {
	if
	:: LOAD(me, OVER) >= number -> yes = true
	:: else ->
#ifdef NEWEST_LAST
		done = IDLE;
#else
		done = LOAD(me, NEWEST);
#endif
		c = 0;
		do
#ifdef SKIPS_LAST
		:: c < NCPU-1 ->
#else
		:: c < NCPU ->
#endif
			d_step { done = (LOAD(me, SEEN(c)) < done -> LOAD(me, SEEN(c)) : done); c++ }
		:: else -> break
		od;
		c = 0;
#ifdef NEWEST_LAST
		done = (LOAD(me, NEWEST) < done -> LOAD(me, NEWEST) : done);
#endif
		do
		:: known = LOAD(me, OVER);
		   if
		   :: known >= done -> break
		   :: else ->
			CAS(me, OVER, known, done, yes);
			if
			:: yes -> known = done; break
			:: else
			fi
		   fi
		od;
		atomic { yes = (known >= number); known = 0; done = 0 }
	fi
}

inline Synchronize() {
	d_step { olderSync = inside; syncing = true };
	begin(mine);
#ifdef UNLINK_AFTER
	STORE(me, PTR(0), turn+2);
#endif
#ifndef EARLY_FREE
	do
	:: isOver(mine);
	   if
	   :: yes -> break
	   :: else -> Quiescent()	/* wait(rounds) lets the CPU be quiescent */
	   fi
	od;
#endif
	atomic {
		assert(olderSync == 0);				/* G1 */
		syncing = false; yes = false; mine = 0
	}
}

inline Call(object) {
	d_step {
#ifdef JOINS_WAIT
		if
		:: waiting -> waiting = waiting | BIT(object); olderWaiting = olderWaiting | inside
		:: else -> queued = queued | BIT(object); olderQueued = olderQueued | inside
		fi
#else
		queued = queued | BIT(object);
		olderQueued = olderQueued | inside
#endif
	}
}

inline Advance() {
	if
	:: waiting ->
		isOver(waitFor);
		if
		:: yes ->
			d_step {
				assert(olderWaiting == 0);		/* G2 */
				assert(!(freed[1] & waiting));	/* G4 */
				freed[1] = freed[1] | waiting;
				yes = false;
#ifndef RUNS_TWICE
				waiting = 0; waitFor = 0
#endif
			}
		:: else
		fi
	:: else
	fi;
	if
#ifndef NEVER_MOVED
	:: !waiting && queued ->
		d_step { waiting = queued; olderWaiting = olderQueued; queued = 0; olderQueued = 0 };
#ifdef CURRENT_GP
		waitFor = LOAD(me, NEWEST)
#else
		begin(waitFor)
#endif
#endif
	:: else
	fi
}

/* A timer tick between sections. (An option of a do must not begin with an if that has an else: hence true.) */
inline Tick() {
	Quiescent();
	if
	:: me == 1 -> Advance()
	:: else
	fi
}

proctype Cpu(byte me) {
	byte k, object, g, c, done, known, mine, turn;
	bool yes;
end:
	do
	:: Section();
#ifdef LIVE
	   Tick()
#endif
	:: true -> Tick()
	:: IdleEnter();
#ifdef LIVE
	   if
	   :: true
	   :: me > 1 -> end_idle: false		/* for good */
	   fi;
#endif
	   if
	   :: me == 1 -> Advance()			/* a tick of a CPU that idles with callbacks pending */
	   :: true
	   fi;
	   IdleExit();
#ifdef LIVE
	   Tick()
#endif
	:: me == 0 && turn < SYNCS ->
#ifndef UNLINK_AFTER
	   STORE(me, PTR(0), turn+2);		/* the unlink, a plain store */
#endif
	   Synchronize();
	   d_step { turn++; freed[0] = freed[0] | BIT(turn) }
	:: me == 1 && turn < CALLS ->
	   STORE(me, PTR(1), turn+2);
	   turn++;
	   Call(turn)
	od
}

init {
	byte i;
	atomic {
		mem[PTR(0)] = 1; mem[PTR(1)] = 1;
		do
		:: i < NCPU -> mem[SEEN(i)] = 0; run Cpu(i); run Drain(i); i++
		:: else -> break
		od
	}
}

ltl returns { [] (syncing -> <> !syncing) }			/* G6 */
ltl runs { [] ((queued || waiting) -> <> (!queued && !waiting)) }	/* G6 */
