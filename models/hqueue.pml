/*
 * hqueue.pml: the queue with hazard pointers (kernel/sync/hqueue.go, hazard.go), on x86-TSO memory (tso.pml).
 *
 * Modelled: Enqueue, Dequeue, Protect, ProtectBefore, Clear, Retire and scan; each load, buffered store and locked
 * instruction is a step of its own, and the labels are named after the code's steps. Each CPU makes OPS operations, each one
 * either Enqueue or Dequeue, over NODES nodes that are used again and again.
 *
 * The guarantees are those of hqueue.go:
 *   G1, G3. Elements are dequeued once, in the order in which they were linked.
 *   G2. The dequeued value is the enqueued one.
 *   G4. Dequeue says empty only if the queue was empty at some moment of the call.
 *   G5. A node is not reclaimed between its validation and the last use.
 *   Progress. Every execution ends, fair or not: who retries does so because another operation got on. (-DNP)
 * And when all is done: no element is lost, each node is in the queue, retired or free, and no slot is set.
 *
 * Bounds: NCPU, OPS, NODES; PRE elements are there at the start; a scan after BOUND retirements.
 * Abstracted away: the pool is a set, out of which any free node may come; the scan's hash table is a set; an element's
 * value is written and read in one step (the fence of Protect comes between it and the node's publication).
 *
 * Faults (each a -D; SPIN must find an error in each):
 *   ENQ_NO_FENCE      Enqueue sets its slot by a plain store
 *   DEQ_NO_FENCE      Dequeue sets slot 1 by a plain store
 *   EMPTY_NO_FENCE    Dequeue has no fence where next is none
 *   NO_TAIL_RECHECK   Enqueue does not look at tail again
 *   NO_HEAD_RECHECK   Dequeue does not look at head again
 *   NO_NEXT_RECHECK   Dequeue does not look at head.next again
 *   EMPTY_NO_RECHECK  the same where next is none
 *   NO_SLOT_1         Dequeue does not protect the successor
 *   NO_SCAN           Retire reclaims at once
 *   RETIRE_NEXT       Dequeue retires the new dummy instead of the old
 *   EARLY_CLEAR       Dequeue clears its slots before it reads the value
 *   LEAVES_SLOT_1     Dequeue of an empty queue clears slot 0 only
 *   NO_HELP           Enqueue waits for who linked a node to move tail (progress)
 */
#ifndef NCPU
#define NCPU 2
#endif
#ifndef OPS
#define OPS 3
#endif
#ifndef NODES
#define NODES 4
#endif
#ifndef PRE
#define PRE 1
#endif
#ifndef BOUND
#define BOUND 1
#endif

/* Words. Nodes are numbers as in the code, 1 to NODES; 0 is none. A slot holds one, where the code has the node's address. */
#define HEAD 0
#define TAIL 1
#define NEXT(n) (1+(n))
#define SLOT(i) (2+NODES+(i))
#define SLOTS (2*NCPU)
#define NMEM (2+NODES+SLOTS)
#define BUF 4
#include "tso.pml"

#define BIT(i) (1 << (i))

byte value[NODES+1];
byte retired[NCPU], count[NCPU];	/* sets of nodes, and their sizes */
byte free;						/* a set of nodes */

/* Ghosts: the queue as it should be; who of those that are in Dequeue saw it empty; how many CPUs are done. */
byte queue[NODES], length;
byte sawEmpty, finished;

/* Use of a node that has been validated. */
#define TOUCH(n) assert(!(free & BIT(n)))		/* G5 */

inline scan() {
	d_step { protected = 0; i = 0 };
	do
	:: i < SLOTS -> d_step { protected = protected | BIT(LOAD(me, SLOT(i))); i++ }
	:: else -> break
	od;
	atomic {
#ifdef NO_SCAN
		protected = 0;
#endif
		free = free | (retired[me] & ~protected);
		retired[me] = retired[me] & protected;
		protected = 0;
		count[me] = 0;
		i = 1;
		do
		:: i <= NODES -> count[me] = count[me] + ((retired[me] >> i) & 1); i++
		:: else -> break
		od;
		i = 0
	}
}

inline poolGet() {
	atomic {
		n = 0;
		if
		:: free & BIT(1) -> n = 1
		:: free & BIT(2) -> n = 2
		:: free & BIT(3) -> n = 3
		:: free & BIT(4) -> n = 4
		:: free & BIT(5) -> n = 5
		:: !free
		fi;
		free = free & ~BIT(n)
	}
}

proctype Cpu(byte me) {
	byte n, t, h, next, i, protected, turn;
	bool ok;
	do
	:: turn < OPS ->
		turn++;
		if
		:: true -> goto Enqueue
		:: true -> goto Dequeue
		fi;
Return:
		atomic { n = 0; t = 0; h = 0; next = 0; ok = false }
	:: else -> break
	od;
	atomic { turn = 0; finished++ };
	goto Done;

Enqueue:
	poolGet();
	if
	:: n == 0 ->
		scan();
		poolGet();
		if
		:: n == 0 -> goto Return
		:: else
		fi
	:: else
	fi;
	d_step { value[n] = 1 + me*OPS + turn };
	STORE(me, NEXT(n), 0);
EnqueueRetry:
	t = LOAD(me, TAIL);
#ifdef ENQ_NO_FENCE
	STORE(me, SLOT(2*me), t);
#else
	XCHG(me, SLOT(2*me), t);
#endif
#ifndef NO_TAIL_RECHECK
	if
	:: LOAD(me, TAIL) != t -> goto EnqueueRetry
	:: else
	fi;
#endif
	atomic { TOUCH(t); next = LOAD(me, NEXT(t)) };
	if
	:: next != 0 ->
#ifndef NO_HELP
		CAS(me, TAIL, t, next, ok);
#endif
		d_step { next = 0; ok = false };
		goto EnqueueRetry
	:: else
	fi;
	skip;
	d_step {
		FENCED(me) ->
		TOUCH(t);
		if
		:: mem[NEXT(t)] == 0 -> mem[NEXT(t)] = n; ok = true; queue[length] = value[n]; length++
		:: else -> ok = false
		fi
	};
	if
	:: !ok -> goto EnqueueRetry
	:: else
	fi;
	CAS(me, TAIL, t, n, ok);
	STORE(me, SLOT(2*me), 0);
	goto Return;

Dequeue:
	sawEmpty = (length == 0 -> sawEmpty | BIT(me) : sawEmpty & ~BIT(me));
DequeueRetry:
	h = LOAD(me, HEAD);
	STORE(me, SLOT(2*me), h);
	next = LOAD(me, NEXT(h));		/* not validated: may be a node of another life */
	if
	:: next == 0 ->
#ifndef EMPTY_NO_FENCE
		XCHG(me, SLOT(2*me), h);
#endif
#ifndef EMPTY_NO_RECHECK
		if
		:: LOAD(me, HEAD) != h -> goto DequeueRetry
		:: else
		fi;
		d_step { TOUCH(h); next = LOAD(me, NEXT(h)) };
		if
		:: next != 0 -> next = 0; goto DequeueRetry
		:: else
		fi;
#endif
		assert(sawEmpty & BIT(me));			/* G4 */
		STORE(me, SLOT(2*me), 0);
#ifndef LEAVES_SLOT_1
		STORE(me, SLOT(2*me+1), 0);			/* set by an earlier round, perhaps */
#endif
		goto Return
	:: else
	fi;
#ifdef NO_SLOT_1
	FENCE(me);
#else
#ifdef DEQ_NO_FENCE
	STORE(me, SLOT(2*me+1), next);
#else
	XCHG(me, SLOT(2*me+1), next);
#endif
#endif
#ifndef NO_HEAD_RECHECK
	if
	:: LOAD(me, HEAD) != h -> goto DequeueRetry
	:: else
	fi;
#endif
#ifndef NO_NEXT_RECHECK
	d_step { TOUCH(h); ok = (LOAD(me, NEXT(h)) == next) };
	if
	:: !ok -> goto DequeueRetry
	:: else
	fi;
#endif
	d_step { TOUCH(next); ok = (LOAD(me, NEXT(next)) == 0) };		/* otherwise tail was at next when that was linked */
	if
	:: ok ->
		t = LOAD(me, TAIL);
		if
		:: t == h -> CAS(me, TAIL, t, next, ok); goto DequeueRetry
		:: else
		fi
	:: else
	fi;
#ifdef EARLY_CLEAR
	STORE(me, SLOT(2*me), 0);
	STORE(me, SLOT(2*me+1), 0);
#endif
	d_step { TOUCH(next); t = value[next] };		/* v = next.value */
	d_step {
		FENCED(me) ->
		if
		:: mem[HEAD] == h ->
			mem[HEAD] = next; ok = true;
			assert(length > 0 && queue[0] == t);	/* G1, G2, G3 */
			i = 1;
			do
			:: i < length -> queue[i-1] = queue[i]; i++
			:: else -> break
			od;
			length--; queue[length] = 0; i = 0;
			if
			:: length == 0 -> sawEmpty = BIT(NCPU) - 1
			:: else
			fi
		:: else -> ok = false
		fi;
		t = 0
	};
	if
	:: !ok -> goto DequeueRetry
	:: else
	fi;
	STORE(me, SLOT(2*me), 0);
	STORE(me, SLOT(2*me+1), 0);
	d_step {
#ifdef RETIRE_NEXT
		retired[me] = retired[me] | BIT(next);
#else
		retired[me] = retired[me] | BIT(h);
#endif
		count[me]++
	};
	if
	:: count[me] >= BOUND -> scan()
	:: else
	fi;
	goto Return;

Done:	skip
}

/* What must be so when nobody runs any more. */
#define EMPTIED (sb[0].n == 0 && sb[1].n == 0 && sb[NCPU-1].n == 0)

init {
	byte i, n;
	atomic {
		mem[HEAD] = 1; mem[TAIL] = 1;
		free = BIT(NODES+1) - 2 - BIT(1);
		i = 0;
		do
		:: i < PRE ->
			i++;
			mem[NEXT(i)] = i+1; mem[TAIL] = i+1; value[i+1] = 255-i; queue[i-1] = 255-i; length = i;
			free = free & ~BIT(i+1)
		:: else -> break
		od;
		i = 0;
		do
		:: i < NCPU -> run Cpu(i); run Drain(i); i++
		:: else -> break
		od
	}
	d_step {
		finished == NCPU && EMPTIED ->
		i = 0;
		do
		:: i < NCPU -> assert(!(free & retired[i])); free = free | retired[i]; i++
		:: else -> break
		od;
		n = mem[HEAD];
		i = 0;
		do
		:: true ->
			assert(!(free & BIT(n)));
			free = free | BIT(n);
			n = mem[NEXT(n)];
			if
			:: n == 0 -> break
			:: else -> assert(i < length && value[n] == queue[i]); i++
			fi
		od;
		assert(i == length);						/* no element lost */
		assert(free == BIT(NODES+1) - 2);			/* no node lost */
		i = 0;
		do
		:: i < SLOTS -> assert(mem[SLOT(i)] == 0); i++	/* nothing is protected for ever */
		:: else -> break
		od
	}
}
