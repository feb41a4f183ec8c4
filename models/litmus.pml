/*
 * litmus.pml: the litmus tests of x86-TSO (Sewell et al., CACM 2010; Intel SDM vol. 3A §9.2.3), for tso.pml itself. The other
 * models (kernel/sync) are worth what their memory is worth.
 *
 * Guarantees:
 *   G1. SB: of two CPUs that store with a fence, and then load the other's word, one at least sees the other's store.
 *   G2. MP: who sees a CPU's second store, and loads again, sees the first.
 *   G3. LB: two CPUs that load, and then store what the other loads, do not both see the stores.
 *   G4. IRIW: two CPUs that look see two others' stores in the same order.
 *   G5. A CPU sees its own stores at once, also those that nobody else can see yet.
 *
 * Bounds: each test once. Abstracted away: nothing.
 *
 * Faults (each a -D; SPIN must find an error in each):
 *   SB_NO_FENCE      what TSO is all about
 *   MP_STORES        the stores the other way round
 *   MP_LOADS         the loads the other way round
 *   LB_SWAPPED       the stores before the loads
 *   IRIW_LOADS       a looking CPU's loads the other way round
 *   OWN_FROM_MEMORY  a CPU looks in memory only
 */
#define NCPU 4
#define NMEM 2
#define BUF 2
#include "tso.pml"

mtype = { SB, MP, LB, IRIW, OWN };
mtype test;
byte r[4];
byte finished;

proctype Cpu(byte me) {
	if
	:: test == SB && me < 2 ->
#ifdef SB_NO_FENCE
		STORE(me, me, 1);
#else
		XCHG(me, me, 1);
#endif
		r[me] = LOAD(me, 1-me)
	:: test == MP && me == 0 ->
#ifdef MP_STORES
		STORE(me, 1, 1);
		STORE(me, 0, 1)
#else
		STORE(me, 0, 1);
		STORE(me, 1, 1)
#endif
	:: test == MP && me == 1 ->
#ifdef MP_LOADS
		r[1] = LOAD(me, 0);
		r[0] = LOAD(me, 1)
#else
		r[0] = LOAD(me, 1);
		r[1] = LOAD(me, 0)
#endif
	:: test == LB && me < 2 ->
#ifdef LB_SWAPPED
		STORE(me, 1-me, 1);
		r[me] = mem[me]
#else
		r[me] = LOAD(me, me);
		STORE(me, 1-me, 1)
#endif
	:: test == IRIW && me < 2 -> STORE(me, me, 1)
	:: test == IRIW && me == 2 ->
		r[0] = LOAD(me, 0);
		r[1] = LOAD(me, 1)
	:: test == IRIW && me == 3 ->
#ifdef IRIW_LOADS
		r[3] = LOAD(me, 0);
		r[2] = LOAD(me, 1)
#else
		r[2] = LOAD(me, 1);
		r[3] = LOAD(me, 0)
#endif
	:: test == OWN && me == 0 ->
		STORE(me, 0, 1);
#ifdef OWN_FROM_MEMORY
		assert(mem[0] == 1);
#else
		assert(LOAD(me, 0) == 1);		/* G5 */
#endif
		STORE(me, 0, 2);
		assert(LOAD(me, 0) == 2 && LOAD(me, 1) == 0)
	:: else
	fi;
	finished++
}

init {
	byte i;
	atomic {
		if :: test = SB :: test = MP :: test = LB :: test = IRIW :: test = OWN fi;
		do
		:: i < NCPU -> run Cpu(i); run Drain(i); i++
		:: else -> break
		od
	};
	finished == NCPU;
	if
	:: test == SB -> assert(r[0] == 1 || r[1] == 1)					/* G1 */
	:: test == MP -> assert(!(r[0] == 1 && r[1] == 0))				/* G2 */
	:: test == LB -> assert(!(r[0] == 1 && r[1] == 1))				/* G3 */
	:: test == IRIW -> assert(!(r[0] == 1 && r[1] == 0 && r[2] == 1 && r[3] == 0))	/* G4 */
	:: else
	fi
}
