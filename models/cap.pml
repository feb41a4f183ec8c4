/*
 * cap.pml: the derivation tree of capabilities (kernel/cap/derive.go, revoke.go, detach.go).
 *
 * Modelled: Derive, Revoke, Delete (with kill), reap, leaves (rows of two), finish, mark, help, takeOut, sweep; each load and each
 * compare-and-swap of a head, a next or an owner word is a step of its own. Whether the kind has a teardown is open. Capability 1 is the root, 2 its child; the other slots are free at first. Each of
 * DERIVERS derives once from whatever is there; each of KILLERS revokes what is below the root, or deletes any other.
 *
 * The guarantees are those of table.go:
 *   G2. A child is linked to its parent's life, while that is alive.
 *   G3, G4. When Revoke or Delete returns, all that was below when it began is gone and torn down; and of what Delete
 *       has killed nothing is left, whenever it was derived.
 *   G1. What is claimed by one who is late with saying that it is gone is not used again before that.
 *   G5. A capability is torn down once, when it has no child, and freed once.
 *   Progress. Every execution ends, but for who waits for a teardown that another has under way. (-DNP)
 * And when all is done: every slot is free, or the root's and in its tree.
 *
 * Bounds: SLOTS, DERIVERS, KILLERS.
 * Abstracted away: free slots are a set, out of which any may come; a call goes on until all is done, as its steps do not matter;
 * climb: the parent that leaves has claimed is taken out by itself; a parent is not hidden before it is claimed, as no one is told;
 * holders, so transfers and takeBack; hints (bypass), so all but the first sibling are found by sweep, or go in a row; revokeOnly; a chain of
 * parents is found again from the root; memory is sequentially consistent, as all that decides is a compare-and-swap.
 *
 * Faults (each a -D; SPIN must find an error in each):
 *   NO_DEAD_CHECK     Derive links under what is dead
 *   NO_OWNER_CHECK    Derive does not see whether the parent is another life
 *   LINK_NO_CAS       Derive links by a store
 *   HATCH_EARLY       a child is found before it is linked
 *   CLAIM_WITH_CHILD  Delete claims at once what has children
 *   NO_LINK_RECHECK   reap does not see whether the child still is one
 *   CLAIM_TWICE       a child is claimed by a store
 *   NO_MARK           remove does not mark the next
 *   NO_COUNT          links do not count
 *   TEAR_LATE         finish tears down when the slot is out of the list
 *   HELPS_TOO_MUCH    help takes out what is being torn down
 *   HELPED_FREED      what was helped is freed by who takes it out
 *   NOT_GONE          finish does not say that it is gone
 *   NO_CLOSE          Revoke does not close
 */
#ifndef SLOTS
#define SLOTS 4
#endif
#ifndef DERIVERS
#define DERIVERS 1
#endif
#ifndef KILLERS
#define KILLERS 2
#endif

/* A link: the slot, flags, the count of changes. */
#define TO(w) ((w) & 7)
#define CLOSED 8
#define DEAD 16
#define CLAIMED 32
#define MARKED 8
#define HELPED 16
#define FLAGS(w) ((w) & 56)
#ifdef NO_COUNT
#define LINK(w, to, flags) ((to) + (flags))
#else
#define LINK(w, to, flags) (((w) >> 6 << 6) + 64 + (to) + (flags))
#endif

short head[SLOTS+1], next[SLOTS+1];
byte gen[SLOTS+1], parent[SLOTS+1], parentGen[SLOTS+1];
bool held[SLOTS+1];		/* the owner word has a holder */
bool gone[SLOTS+1];		/* and says that no lookup finds it */
bool tears;			/* the kind has a teardown */
bool free[SLOTS+1];

/* Ghosts: torn down, in this life; linked to a parent; how many have finished. */
bool torn[SLOTS+1], linked[SLOTS+1];
byte finished;

#define FOUND(s) (held[s] && !gone[s])
#define ALIVE(s) (FOUND(s) && !(head[s] & DEAD))

proctype Deriver() {
	byte p, g, i, e;
	short h;
	if
	:: ALIVE(1) -> p = 1
	:: ALIVE(2) -> p = 2
	:: ALIVE(3) -> p = 3
	fi;
	g = gen[p];
Derive:
	if
	:: !ALIVE(p) || gen[p] != g -> goto Done
	:: else
	fi;
	atomic {
		if
		:: free[3] -> i = 3
		:: !free[3] && free[2] -> i = 2
		:: SLOTS > 3 && !free[3] && !free[2] && free[SLOTS] -> i = SLOTS
		:: else -> goto Done
		fi;
		e = gen[i]; free[i] = false; torn[i] = false; linked[i] = false
	};
	d_step {
		parent[i] = p; parentGen[i] = g;
		head[i] = LINK(head[i], 0, 0)
	};
#ifdef HATCH_EARLY
	held[i] = true;
#endif
	do
	:: h = head[p];
#ifndef NO_OWNER_CHECK
	   if
	   :: !FOUND(p) || gen[p] != g -> atomic { free[i] = true; held[i] = false }; goto Done
	   :: else
	   fi;
#endif
#ifndef NO_DEAD_CHECK
	   if
	   :: h & DEAD -> atomic { free[i] = true; held[i] = false }; goto Done
	   :: else
	   fi;
#endif
	   if
	   :: h & CLOSED && !(h & DEAD) -> atomic { free[i] = true; held[i] = false }; goto Done
	   :: else
	   fi;
	   next[i] = LINK(next[i], TO(h), 0);
#ifdef LINK_NO_CAS
	   head[p] = LINK(h, i, FLAGS(h)); linked[i] = true;
	   break
#else
	   d_step {
		if
		:: head[p] == h ->
			head[p] = LINK(h, i, FLAGS(h)); linked[i] = true;
			assert(gen[p] == g && !(h & DEAD));		/* G2 */
			h = -1
		:: else -> h = 0
		fi
	   };
	   if
	   :: h == -1 -> break
	   :: else
	   fi
#endif
	od;
	skip;
	d_step {		/* hatch, unless it has been killed and freed meanwhile */
		if
		:: gen[i] == e && !gone[i] -> held[i] = true
		:: else
		fi
	};
Done:
	skip;
	d_step { p = 0; g = 0; i = 0; e = 0; h = 0; finished++ }
}

/* endLife frees what was taken out of its list; taken does so unless that is left to who claimed it. w is its next. */

inline endLife(s) {
	assert(!free[s]);			/* G5: once */
	assert(torn[s] || !tears);		/* before it is freed */
	gen[s]++; held[s] = false; gone[s] = false; linked[s] = false; free[s] = true
}

inline taken(s, w) {
#ifdef HELPED_FREED
	endLife(s)
#else
	if
	:: w & HELPED -> linked[s] = false
	:: else -> endLife(s)
	fi
#endif
}

/* tearDown is by who has claimed it. Without a teardown the store is a plain one. */
inline tearDown(s, g) {
	d_step {
		assert(gen[s] == g && !free[s]);	/* G1: this life's */
#ifndef NOT_GONE
		gone[s] = true
#endif
	};
	if
	:: tears ->
		d_step {
			assert(!torn[s] && !free[s]);	/* G5: once */
			torn[s] = true
		}
	:: else
	fi
}

/* mark is by who has claimed it, and sets w to its next. */
inline mark(s, w) {
	ok = false;
	do
	:: w = next[s];
#ifndef NO_MARK
	   if
	   :: w & MARKED -> break
	   :: else
	   fi;
	   d_step {
		if
		:: next[s] == w -> next[s] = LINK(w, TO(w), MARKED); w = next[s]; ok = true
		:: else
		fi
	   };
	   if
	   :: ok -> break
	   :: else
	   fi
#else
	   break
#endif
	od
}

/* swapHead and swapNext are compare-and-swaps. */
inline swapHead(s, old, new) {
	d_step {
		if
		:: head[s] == (old) -> head[s] = (new); ok = true
		:: else -> ok = false
		fi
	}
}

inline swapNext(s, old, new) {
	d_step {
		if
		:: next[s] == (old) -> next[s] = (new); ok = true
		:: else -> ok = false
		fi
	}
}

proctype Killer() {
	byte top, topGen, n, ng, c, cg, d, dg, q, from, s, k;	/* d: the second in a row with c */
	byte below[SLOTS+1];		/* 1 + the generation that was below when it began */
	short h, x, y;
	bool ok, mine, last;		/* mine: it has claimed c; last: it finishes what it is to delete, and then returns */
	atomic {
		if
		:: top = 1
		:: ALIVE(2) -> top = 2
		:: ALIVE(3) -> top = 3
		fi;
		topGen = gen[top];
		k = 2;
		do
		:: k <= SLOTS ->
			if
			:: held[k] && linked[k] && k != top && (parent[k] == top && parentGen[k] == topGen ||
				parent[parent[k]] == top && parentGen[parent[k]] == topGen && gen[parent[k]] == parentGen[k]) -> below[k] = 1 + gen[k]
			:: else
			fi;
			k++
		:: else -> break
		od;
		k = 0; n = top; ng = topGen
	};
	if
	:: top == 1 -> goto Revoke
	:: else -> goto Delete
	fi;

Revoke:
	h = head[top];
	if
	:: TO(h) == 0 && !(h & CLOSED) -> goto Returns
	:: else
	fi;
#ifndef NO_CLOSE
	if
	:: h & CLOSED
	:: else ->
		swapHead(top, h, LINK(h, TO(h), CLOSED));
		if
		:: !ok -> goto Revoke
		:: else
		fi
	fi;
#endif
	goto reap;
More:	h = head[top];
	if
	:: !(h & CLOSED) -> goto Returns
	:: h & CLOSED && TO(h) != 0 -> goto reap
	:: else ->
		swapHead(top, h, LINK(h, 0, 0));
		if
		:: !ok -> goto reap
		:: else -> goto Returns
		fi
	fi;

Delete:
	h = head[top];
	if
	:: gen[top] != topGen -> goto Returns
	:: else
	fi;
	if
	:: h & CLAIMED ->
		c = top; cg = topGen;
		gen[top] != topGen;				/* its teardown is another's: until that is done there is more to do */
		goto Returns
	:: else
	fi;
	if
#ifdef CLAIM_WITH_CHILD
	:: TO(h) == 0 || !(h & DEAD) ->
#else
	:: TO(h) == 0 ->
#endif
		swapHead(top, h, LINK(h, 0, DEAD + CLAIMED));
		if
		:: ok -> d_step { c = top; cg = topGen; last = true }; goto finish
		:: else -> goto Delete
		fi
	:: else
	fi;
	if
	:: h & DEAD
	:: else ->
		swapHead(top, h, LINK(h, TO(h), DEAD));
		goto Delete
	fi;

reap:	/* works on n, which is dead or the closed root of the call, until top has no child */
	h = head[n];
	if
	:: gen[n] != ng && n != top -> goto Next
	:: gen[n] != ng && n == top -> goto Reaped
	:: gen[n] == ng && n == top && (TO(h) == 0 || !(h & (CLOSED + DEAD))) -> goto Reaped
	:: gen[n] == ng && n != top && TO(h) == 0 ->
		d_step { c = n; cg = ng };
		if
		:: h & CLAIMED -> goto help
		:: else ->
			swapHead(n, h, LINK(h, 0, DEAD + CLAIMED));
			if
			:: ok -> goto finish
			:: else -> goto Next
			fi
		fi
	:: else
	fi;
	c = TO(h);
	x = head[c];
	cg = gen[c];
#ifndef NO_LINK_RECHECK
	if
	:: head[n] != h -> c = 0; goto Next
	:: else
	fi;
#endif
	if
	:: x & CLAIMED -> goto help
	:: !(x & CLAIMED) && TO(x) != 0 ->
		if
		:: x & DEAD -> ok = true
		:: else -> swapHead(c, x, LINK(x, TO(x), DEAD))
		fi;
		if
		:: ok -> d_step { n = c; ng = cg; c = 0; cg = 0; x = 0; h = 0; ok = false }; goto reap
		:: else -> goto Next
		fi
	:: else
	fi;
	d_step {
		if
#ifdef CLAIM_TWICE
		:: true ->
#else
		:: head[c] == x ->
#endif
			assert(parent[c] == n && parentGen[c] == ng);	/* what is killed is below */
			head[c] = LINK(x, 0, DEAD + CLAIMED); ok = true
		:: else -> ok = false
		fi
	};
	if
	:: ok
	:: else -> goto Next
	fi;

leaves:	/* c is claimed, and n's first child as long as its head is h */
#ifndef TEAR_LATE
	tearDown(c, cg);
#endif
	mark(c, x);
	d = TO(x);
	if
	:: d != 0 ->
		y = head[d];
		dg = gen[d];
		if
		:: head[n] != h -> d = 0; dg = 0; goto Row
		:: else
		fi;
		if
		:: TO(y) != 0 || y & CLAIMED -> d = 0; dg = 0; goto Row
		:: else
		fi;
		d_step {
			if
			:: head[d] == y ->
				assert(parent[d] == n && parentGen[d] == ng);	/* what is killed is below */
				head[d] = LINK(y, 0, DEAD + CLAIMED)
			:: else -> d = 0; dg = 0
			fi
		};
		if
		:: d != 0 ->
#ifndef TEAR_LATE
			tearDown(d, dg);
#endif
			mark(d, x)
		:: else
		fi
	:: else
	fi;
Row:	/* x is the last one's next */
	skip;
	d_step {
		y = FLAGS(h);
		if
		:: n != top && TO(x) == 0 -> y = y | CLAIMED
		:: else
		fi;
		if
		:: head[n] == h ->
			head[n] = LINK(h, TO(x), y); ok = true;
			linked[c] = false; linked[d] = false
		:: else -> ok = false
		fi;
		mine = true
	};
	if
	:: ok ->
		d_step {
			endLife(c);
			if
			:: d != 0 -> endLife(d)
			:: else
			fi
		}
	:: else
	fi;
	if
	:: ok && y & CLAIMED -> d_step { c = n; cg = ng; d = 0; dg = 0; mine = false }; goto finish
	:: ok && !(y & CLAIMED) -> goto Next
	:: else -> goto remove
	fi;

Next:	/* on from where it was; if that is gone, or was finished, from the top */
	skip;
	d_step {
		if
		:: c == n || gen[n] != ng -> n = top; ng = topGen
		:: else
		fi;
		c = 0; cg = 0; d = 0; dg = 0; mine = false; x = 0; y = 0; h = 0; q = 0; from = 0; s = 0; ok = false
	};
	goto reap;

Reaped:
	if
	:: top == 1 -> goto More
	:: else -> goto Delete
	fi;

finish:	/* c is claimed */
	mine = true;
#ifndef TEAR_LATE
	tearDown(c, cg);
#endif
	mark(c, x);
	goto remove;

help:	/* c was claimed by another */
	x = next[c];
	if
	:: gen[c] != cg -> goto Next
	:: else
	fi;
	if
	:: x & MARKED -> goto remove
	:: else
	fi;
#ifndef HELPS_TOO_MUCH
	if
	:: tears ->
		if
		:: gen[c] != cg || next[c] & MARKED			/* there is more to do, until then */
		fi;
		goto Next
	:: else
	fi;
#endif
	d_step {
		if
		:: gen[c] == cg -> gone[c] = true
		:: else
		fi
	};
	swapNext(c, x, LINK(x, TO(x), MARKED + HELPED));
	if
	:: !ok -> goto Next
	:: else
	fi;

remove:	/* c is torn down, and marked */
	x = next[c];
	if
	:: gen[c] != cg -> goto Removed
	:: else
	fi;
	q = parent[c];
	y = head[q];
	if
	:: TO(y) == c && next[c] == x ->
		d_step {
			if
			:: head[q] == y -> head[q] = LINK(y, TO(x), FLAGS(y)); ok = true; taken(c, x)
			:: else -> ok = false
			fi
		};
		if
		:: ok -> goto Removed
		:: else -> goto remove
		fi
	:: else
	fi;

sweep:	/* q's list. from is the slot whose next leads on, 0: q's head; y is that word */
	skip;
	d_step { from = 0; y = head[q] };
	if
	:: gen[c] != cg -> goto Removed
	:: else
	fi;
Step:
	if
	:: TO(y) == 0 -> goto Removed
	:: else
	fi;
	s = TO(y);
	x = next[s];
	if
	:: (from == 0 -> head[q] : next[from]) != y -> goto sweep
	:: else
	fi;
	if
#ifdef NO_MARK
	:: s != c ->
#else
	:: !(x & MARKED) ->
#endif
		d_step { from = s; y = x };
		goto Step
	:: else
	fi;
	d_step {
		if
		:: from == 0 && head[q] == y -> head[q] = LINK(y, TO(x), FLAGS(y)); y = head[q]; ok = true
		:: from != 0 && next[from] == y -> next[from] = LINK(y, TO(x), 0); y = next[from]; ok = true
		:: else -> ok = false
		fi;
		if
		:: ok -> taken(s, x)
		:: else
		fi
	};
	if
	:: !ok -> goto sweep
	:: ok && s == c -> goto Removed
	:: else -> goto Step
	fi;

Removed:
#ifdef TEAR_LATE
	atomic { torn[c] = true };
#endif
	if
	:: mine ->		/* then it is still in that life if it was helped, and only then */
		d_step {
			if
			:: gen[c] == cg -> endLife(c)
			:: else
			fi
		}
	:: else
	fi;
	if
	:: d != 0 -> d_step { c = d; cg = dg; d = 0; dg = 0 }; goto remove
	:: else
	fi;
	if
	:: last -> goto Returns
	:: else -> goto Next
	fi;

Returns:
	skip;
	d_step {
		k = 2;
		do
		:: k <= SLOTS ->
			assert(below[k] == 0 || gen[k] + 1 != below[k] || gone[k] && !linked[k] && (torn[k] || !tears));	/* G3, G4 */
			assert(top == 1 || !(FOUND(k) && parent[k] == top && parentGen[k] == topGen));
			k++
		:: else -> break
		od;
		assert(top == 1 || gen[top] != topGen || gone[top] && !linked[top]);
		k = 0; d = 0; dg = 0; mine = false; h = 0; x = 0; y = 0; n = 0; ng = 0; c = 0; cg = 0; q = 0; from = 0; s = 0; ok = false; last = false; top = 0; topGen = 0;
		below[2] = 0; below[3] = 0; below[SLOTS] = 0;
		finished++
	}
}

init {
	byte i, n;
	if
	:: tears = true
	:: tears = false
	fi;
	atomic {
		held[1] = true; held[2] = true; linked[2] = true;
		head[1] = 2; parent[2] = 1;
		i = 3;
		do
		:: i <= SLOTS -> free[i] = true; i++
		:: else -> break
		od;
		i = 0;
		do
		:: i < DERIVERS -> run Deriver(); i++
		:: else -> break
		od;
		i = 0;
		do
		:: i < KILLERS -> run Killer(); i++
		:: else -> break
		od
	};
	d_step {
		finished == DERIVERS + KILLERS ->
		assert(!(head[1] & (CLOSED + DEAD)));
		i = 2; n = 0;
		do
		:: i <= SLOTS ->
			if
			:: free[i]
			:: else ->
				assert(held[i] && !(head[i] & DEAD) && gen[parent[i]] == parentGen[i] && !free[parent[i]]);
				n = n + (parent[i] == 1)
			fi;
			i++
		:: else -> break
		od;
		i = TO(head[1]);
		do
		:: i != 0 -> assert(!free[i] && parent[i] == 1 && n > 0); n--; i = TO(next[i])
		:: else -> break
		od;
		assert(n == 0)						/* all are in the list, once */
	}
}
