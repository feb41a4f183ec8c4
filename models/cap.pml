/*
 * cap.pml: the derivation tree of capabilities (kernel/cap/derive.go, lookup.go, revoke.go, detach.go, table.go).
 *
 * Modelled: Lookup; Derive, with make and takeBack; Transfer; Revoke, with revokeOnly; Delete, with kill; reap, climb, leaves
 * (rows of two); finish, tearDown, hide, mark, detach, help, takeOut, taken, bypass, sweep, free. Each load and each
 * compare-and-swap of a head, a next, a parent or an owner word is a step of its own. Whether the kind has a teardown is open.
 * Capability 1 is the root, 2 its child; the other slots are free at first, but for 3 and 4, children of 2, if WIDE. Holder 1
 * has all. Each of DERIVERS derives once from whatever is there; each of KILLERS revokes what is below 1 or 2, or deletes any
 * but 1, or, if GIVES, gives 2 to holder 2, who then revokes what is below it; each of LOOKERS looks one up.
 *
 * The guarantees are those of table.go:
 *   G1. What Lookup returns is of the life that it was asked for. What is claimed by one who is late with saying that it is
 *       gone is not used again before that.
 *   G2. A child is linked to its parent's life, while that is alive.
 *   G3, G4. When Revoke or Delete returns, all that was below when it began is gone and torn down; and of what Delete
 *       has killed nothing is left, whenever it was derived. When who has been given a capability has revoked, nothing
 *       comes that was derived before it was given.
 *   G5. A capability is torn down once, when it has no child, and freed once.
 *   Progress. Every execution ends, but for who waits for a teardown that another has under way. (-DNP)
 * And when all is done: every slot is free, or the root's and in its tree, and found.
 *
 * Bounds: SLOTS, DERIVERS, KILLERS, LOOKERS, WIDE, GIVES.
 * Abstracted away: free slots are a set, out of which any may come; a call that has more to do is made again at once; the
 * steps may be used up at any time, but only in leaves and climb does that matter; a hint (prev) may name any slot at any
 * time; the root is not deleted; who derives does so for itself; kinds, rights, limits; memory is sequentially consistent,
 * as all that decides is a compare-and-swap.
 *
 * Faults (each a -D; SPIN must find an error in each):
 *   LOOKS_ONCE        Lookup does not look at the owner again
 *   NO_DEAD_CHECK     Derive links under what is dead
 *   NO_OWNER_CHECK    Derive does not see whether the parent is another life
 *   LINK_NO_CAS       Derive links by a store
 *   HATCH_EARLY       a child is found before it is linked
 *   NO_TAKE_BACK      Derive does not see whether the parent has been given away
 *   HATCH_KILLED      Derive lets be found what it could not take back
 *   NO_CLOSE          Revoke does not close
 *   ONLY_BLIND        revokeOnly does not see whether the only child still is
 *   ONLY_FIRST        revokeOnly does not see whether there is another child
 *   CLAIM_WITH_CHILD  Delete claims at once what has children
 *   NO_LINK_RECHECK   reap does not see whether the child still is one
 *   CLAIM_TWICE       a child is claimed by a store
 *   ROW_BLIND         leaves does not see whether the next in a row still is a child
 *   CLAIM_TOO_MUCH    leaves claims the parent though a child is left
 *   NO_MARK           mark does not
 *   NO_COUNT          links do not count
 *   TEAR_LATE         it is torn down when the slot is out of the list
 *   NOT_GONE          tearDown does not say that it is gone
 *   HELPS_TOO_MUCH    help takes out what is being torn down
 *   HELPED_FREED      what was helped is freed by who takes it out
 *   BYPASS_EMBRYO     bypass trusts one that is perhaps in no list yet
 *   BYPASS_BLIND      bypass does not see whether it is still in that life
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
#ifndef LOOKERS
#define LOOKERS 0
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
byte gen[SLOTS+1], parent[SLOTS+1], parentGen[SLOTS+1], object[SLOTS+1];
byte held[SLOTS+1];		/* the owner word's holder, 0: nobody */
bool gone[SLOTS+1];		/* and says that no lookup finds it */
bool tears;			/* the kind has a teardown */
bool vacant[SLOTS+1];

/* Ghosts: torn down, in this life; linked to a parent; how many have finished. */
bool torn[SLOTS+1], linked[SLOTS+1];
bool cleared[SLOTS+1];		/* it was given away, and its new holder has revoked */
byte finished;

#define FOUND(s) (held[s] && !gone[s])
#define FOUND_BY(s, h) (held[s] == (h) && !gone[s])
#define ALIVE(s) (FOUND(s) && !(head[s] & DEAD))
#define LIVES(s, g) (gen[s] == g)

proctype Looker() {
	byte s, g, o;
	atomic {
		if
		:: FOUND(2) -> s = 2
		:: FOUND(3) -> s = 3
		:: else -> goto Done
		fi;
		g = gen[s]
	};
Lookup:
	if
	:: !FOUND(s) || !LIVES(s, g) -> goto Done
	:: else
	fi;
	o = object[s];
#ifndef LOOKS_ONCE
	if
	:: !FOUND(s) || !LIVES(s, g) -> goto Done
	:: else
	fi;
#endif
	assert(o == g);					/* G1 */
Done:
	skip;
	d_step { s = 0; g = 0; o = 0; finished++ }
}

/* hide is a compare-and-swap of the owner word, until it has succeeded or need not. */
inline hide(s, g) {
	d_step {
		if
		:: LIVES(s, g) -> gone[s] = true
		:: else
		fi
	}
}

/* make fills in a free slot; its object tells its life. */
inline make(i, e, p, g) {
	atomic {
		if
		:: vacant[2] -> i = 2
		:: vacant[3] -> i = 3
		:: SLOTS > 3 && vacant[SLOTS] -> i = SLOTS
		:: else -> goto Done
		fi;
		e = gen[i]; vacant[i] = false; torn[i] = false; linked[i] = false; cleared[i] = false
	};
	d_step {
		parent[i] = p; parentGen[i] = g; object[i] = e;
		head[i] = LINK(head[i], 0, 0)
	}
}

inline unmake(i) {
	atomic { vacant[i] = true; held[i] = 0 }
}

proctype Deriver() {
	byte p, g, i, e;
	short h, fresh;
	atomic {
		if
		:: ALIVE(1) -> p = 1
		:: ALIVE(2) && held[2] == 1 -> p = 2
		:: ALIVE(3) -> p = 3
		fi;
		g = gen[p]
	};
Derive:
	if
	:: !FOUND_BY(p, 1) || !LIVES(p, g) -> goto Done
	:: else
	fi;
	h = head[p];
	if
	:: !FOUND_BY(p, 1) || !LIVES(p, g) || h & DEAD -> goto None
	:: else
	fi;
	make(i, e, p, g);
#ifdef GIVES
	fresh = head[i];
#endif
#ifdef HATCH_EARLY
	held[i] = 1;
#endif
	do
	:: h = head[p];
#ifndef NO_OWNER_CHECK
	   if
	   :: !FOUND_BY(p, 1) || !LIVES(p, g) -> unmake(i); goto None
	   :: else
	   fi;
#endif
#ifndef NO_DEAD_CHECK
	   if
	   :: h & DEAD -> unmake(i); goto None
	   :: else
	   fi;
#endif
	   if
	   :: h & CLOSED && !(h & DEAD) -> unmake(i); goto Done
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
			assert(LIVES(p, g) && !(h & DEAD));		/* G2 */
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
#ifdef GIVES
#ifndef NO_TAKE_BACK
	if
	:: FOUND_BY(p, 1) && LIVES(p, g)
	:: else ->
takeBack:	d_step {
			if
			:: head[i] == fresh -> head[i] = LINK(fresh, 0, DEAD + CLAIMED); torn[i] = true; h = -1
			:: else -> h = 0
			fi
		};
		if
		:: h == -1 -> run Killer(i, e); goto Back
#ifndef HATCH_KILLED
		:: else -> goto Done
#else
		:: else
#endif
		fi
	fi;
#endif
#endif
	skip;
	d_step {		/* found from now on, unless it has been killed meanwhile */
		if
		:: LIVES(i, e) && !gone[i] -> held[i] = 1; assert(!(LIVES(p, g) && cleared[p]))	/* G4 */
		:: else
		fi
	};
	goto Done;
None:	/* it is hidden, if that is why */
	skip;
	d_step {
		if
		:: h & DEAD && LIVES(p, g) -> gone[p] = true
		:: else
		fi
	};
Done:
	skip;
	finished++;
Back:	/* or what it began goes on in a Killer */
	skip;
	d_step { p = 0; g = 0; i = 0; e = 0; h = 0; fresh = 0 }
}

/* free ends a life, of what was taken out of its list. */
inline free(s, g) {
	d_step {
		assert(LIVES(s, g) && !vacant[s]);		/* G5: once */
		assert(torn[s] || !tears);			/* before it is freed */
		gen[s]++; held[s] = 0; gone[s] = false; linked[s] = false; vacant[s] = true
	}
}

/* taken frees what its caller has taken out, unless that is left to who claimed it. w is its next. */
inline taken(s, g, w) {
#ifdef HELPED_FREED
	free(s, g)
#else
	if
	:: w & HELPED
	:: else -> free(s, g)
	fi
#endif
}

/* tearDown is by who has claimed it. Without a teardown the owner word is changed by a load and a store. */
inline tearDown(s, g) {
	if
	:: tears ->
#ifndef NOT_GONE
		hide(s, g);
#endif
		d_step {
			assert(LIVES(s, g) && !vacant[s] && !torn[s]);	/* G5: once */
			torn[s] = true
		}
	:: else ->
		k = held[s];
		d_step {
			assert(LIVES(s, g) && !vacant[s]);		/* G1: this life's */
			held[s] = k; k = 0;
#ifndef NOT_GONE
			gone[s] = true
#endif
		}
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

/* swapHead is a compare-and-swap. */
inline swapHead(s, old, new) {
	d_step {
		if
		:: head[s] == (old) -> head[s] = (new); ok = true
		:: else -> ok = false
		fi
	}
}

/* IS_ROOT: n names the capability that is revoked or deleted. */
#define IS_ROOT (n == top && ng == topGen)
#define LEADS(i) (TO(next[i]) == c && !(next[i] & MARKED))
#define FORGET c = 0; cg = 0; d = 0; dg = 0; q = 0; qg = 0; from = 0; s = 0; sg = 0; h = 0; x = 0; y = 0; ok = false; mine = false

proctype Killer(byte c, cg) {		/* c: it goes on with what takeBack has claimed */
	byte top, topGen, by, n, ng, d, dg, q, qg, from, s, sg, k;	/* d: the second in a row with c */
	byte below[SLOTS+1];		/* 1 + the generation that was below when it began */
	short h, x, y;
	bool revokes, begun, ok, mine, last;	/* mine: it has claimed c, and d; last: it returns after that */
	if
	:: c != 0 -> d_step { mine = true; last = true; revokes = true }; goto detach
	:: else
	fi;
	atomic {
		by = 1;
		if
		:: top = 1; revokes = true
		:: ALIVE(2) && held[2] == 1 -> top = 2; revokes = true
		:: ALIVE(2) && held[2] == 1 -> top = 2
		:: ALIVE(3) -> top = 3
#ifdef GIVES
		:: ALIVE(2) && held[2] == 1 -> top = 2; revokes = true; by = 2
#endif
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
	:: revokes && by == 1 -> goto Revoke
	:: revokes && by == 2 -> goto Transfer
	:: else -> goto Delete
	fi;

Transfer:	/* and then it revokes as the new holder */
	h = head[top];
	d_step {
		if
		:: FOUND_BY(top, 1) && LIVES(top, topGen) && !(h & DEAD) -> held[top] = 2
		:: else -> by = 1
		fi
	};
	if
	:: by == 1 -> goto None
	:: else
	fi;

Revoke:
	if
	:: !FOUND_BY(top, by) || !LIVES(top, topGen) -> goto Done
	:: else
	fi;
	h = head[top];
	if
	:: !FOUND_BY(top, by) || !LIVES(top, topGen) || h & DEAD -> goto None
	:: else
	fi;
	if
	:: h & CLOSED -> goto reap
	:: !(h & CLOSED) && TO(h) == 0 -> goto Returns
	:: else
	fi;

revokeOnly:
	c = TO(h);
	x = head[c];
	y = next[c];
	cg = gen[c];
	if
#ifndef ONLY_BLIND
	:: head[top] != h -> goto Close
#endif
#ifndef ONLY_FIRST
	:: TO(y) != 0 -> goto Close
#endif
	:: TO(x) != 0 || x & CLAIMED -> goto Close
	:: else
	fi;
	swapHead(c, x, LINK(x, 0, DEAD + CLAIMED));
	if
	:: ok -> last = true; goto finish
	:: else
	fi;
Close:
	skip;
	d_step { c = 0; cg = 0; x = 0; y = 0 };
#ifndef NO_CLOSE
	swapHead(top, h, LINK(h, TO(h), CLOSED));
	if
	:: !ok -> goto Revoke
	:: else
	fi;
#endif
	goto reap;

Opens:	/* nothing is below it */
	h = head[top];
	if
	:: !LIVES(top, topGen) || h & DEAD || !(h & CLOSED) -> goto Returns	/* somebody else has ended it */
	:: else
	fi;
	if
	:: TO(h) != 0 -> goto reap
	:: else ->
		swapHead(top, h, LINK(h, 0, 0));
		if
		:: !ok -> goto reap
		:: else -> goto Returns
		fi
	fi;

Delete:
	if
	:: !LIVES(top, topGen) -> goto Returns
	:: LIVES(top, topGen) && !begun && held[top] != 1 -> goto Done
	:: else
	fi;

kill:
	h = head[top];
	if
	:: !LIVES(top, topGen) -> goto Returns
	:: LIVES(top, topGen) && !begun && held[top] != 1 -> goto Done
	:: else
	fi;
	if
	:: h & CLAIMED ->
		hide(top, topGen);
		!LIVES(top, topGen);				/* its teardown is another's: until that is done there is more to do */
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
		:: else -> goto kill
		fi
	:: else
	fi;
	if
	:: h & DEAD -> begun = true; hide(top, topGen); goto reap
	:: else ->
		swapHead(top, h, LINK(h, TO(h), DEAD));
		begun = ok;
		goto kill
	fi;

reap:	/* works on n, until the root of the call has no child */
	skip;
	d_step { FORGET };
	h = head[n];
	d_step { q = parent[n]; qg = parentGen[n] };
	if
	:: IS_ROOT && (!LIVES(n, ng) || TO(h) == 0 || !(h & (CLOSED + DEAD))) -> goto Reaped
	:: !IS_ROOT && (!LIVES(n, ng) || !(h & DEAD)) -> d_step { n = top; ng = topGen }; goto reap
	:: !IS_ROOT && LIVES(n, ng) && h & DEAD && TO(h) == 0 ->
		if
		:: h & CLAIMED -> ok = false
		:: else -> swapHead(n, h, LINK(h, 0, DEAD + CLAIMED))
		fi;
		d_step { c = n; cg = ng; n = q; ng = qg };
		if
		:: ok -> goto finish
		:: else -> goto reap
		fi
	:: else
	fi;
	c = TO(h);
	x = head[c];
	cg = gen[c];
#ifndef NO_LINK_RECHECK
	if
	:: head[n] != h -> goto reap
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
		:: ok -> d_step { n = c; ng = cg }
		:: else
		fi;
		goto reap
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
		fi;
		q = 0; qg = 0
	};
	if
	:: ok
	:: else -> goto reap
	fi;

leaves:	/* c is claimed, and n's first child as long as its head is h */
	mine = true;
#ifndef TEAR_LATE
	tearDown(c, cg);
#endif
	mark(c, x);
	d = TO(x);
	if
	:: d != 0 ->
		y = head[d];
		dg = gen[d];
#ifndef ROW_BLIND
		if
		:: head[n] != h -> d = 0; dg = 0; goto Row
		:: else
		fi;
#endif
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
	:: d != 0 -> d = 0					/* the steps are used up */
	:: else
	fi;
Row:	/* x is the last one's next */
	skip;
	d_step {
		y = FLAGS(h);
		if
#ifdef CLAIM_TOO_MUCH
		:: !IS_ROOT -> y = y | CLAIMED
#else
		:: !IS_ROOT && TO(x) == 0 -> y = y | CLAIMED
#endif
		:: else
		fi;
		if
		:: head[n] == h ->
			head[n] = LINK(h, TO(x), y); ok = true;
			linked[c] = false; linked[d] = false
		:: else -> ok = false
		fi;
		h = 0
	};
	if
	:: !ok -> goto Late
	:: else
	fi;
	free(c, cg);
	if
	:: d != 0 -> free(d, dg)
	:: else
	fi;
	if
	:: y & CLAIMED
	:: else -> goto reap
	fi;

climb:	/* n is claimed */
	skip;
	d_step { c = n; cg = ng; d = 0; dg = 0; x = 0; y = 0; n = parent[c]; ng = parentGen[c] };
	h = head[n];
	if
	:: TO(h) == c && (h & DEAD || IS_ROOT && h & CLOSED) -> goto leaves
	:: goto finish						/* or the steps are used up */
	fi;

Reaped:
	if
	:: revokes -> goto Opens
	:: else -> goto kill
	fi;

finish:	/* c is claimed */
	skip;
	d_step { mine = true; h = 0; y = 0; q = 0; qg = 0 };
#ifndef TEAR_LATE
	tearDown(c, cg);
#endif

detach:
	mark(c, x);
	goto takeOut;

help:	/* c was claimed by another */
	x = next[c];
	if
	:: !LIVES(c, cg) -> goto reap
	:: else
	fi;
	if
	:: x & MARKED -> goto takeOut
	:: else
	fi;
#ifndef HELPS_TOO_MUCH
	if
	:: tears ->
		if
		:: !LIVES(c, cg) || next[c] & MARKED		/* there is more to do, until then */
		fi;
		d_step { FORGET };
		if
		:: revokes -> goto Revoke
		:: else -> goto Delete
		fi
	:: else
	fi;
#endif
	hide(c, cg);
	d_step {
		if
		:: next[c] == x -> x = LINK(x, TO(x), MARKED + HELPED); next[c] = x; ok = true
		:: else -> ok = false
		fi
	};
	if
	:: !ok -> goto reap
	:: else -> goto takeOut
	fi;

Late:	/* c is marked, and perhaps out of the list */
	x = next[c];
	if
	:: !LIVES(c, cg) -> x = 0; goto Out
	:: else
	fi;

takeOut:	/* c, whose next is x */
	skip;
	d_step { q = parent[c]; qg = parentGen[c]; h = 0; y = 0; ok = false };
	do
	:: y = head[q];
	   if
	   :: TO(y) != c -> break
	   :: else
	   fi;
	   if
	   :: next[c] != x -> break
	   :: else
	   fi;
	   d_step {
		if
		:: head[q] == y -> head[q] = LINK(y, TO(x), FLAGS(y)); linked[c] = false; ok = true
		:: else -> ok = false
		fi
	   };
	   if
	   :: ok -> taken(c, cg, x); goto Out
	   :: else
	   fi
	od;
	if
	:: !LIVES(c, cg) -> goto Out
	:: else
	fi;

bypass:
	if
	:: d_step { LEADS(1) -> from = 1; y = next[1] }
	:: d_step { LEADS(2) -> from = 2; y = next[2] }
	:: d_step { LEADS(3) -> from = 3; y = next[3] }
	:: d_step { LEADS(SLOTS) -> from = SLOTS; y = next[SLOTS] }
	:: goto sweep
	fi;
#ifndef BYPASS_EMBRYO
	if
	:: !held[from] -> goto sweep
	:: else
	fi;
#endif
#ifndef BYPASS_BLIND
	if
	:: next[c] != x -> goto sweep
	:: else
	fi;
#endif
	d_step {
		if
		:: next[from] == y -> next[from] = LINK(y, TO(x), 0); linked[c] = false; ok = true
		:: else -> ok = false
		fi
	};
	if
	:: ok -> taken(c, cg, x); goto Out
	:: else
	fi;

sweep:	/* q's list. from is the slot whose next leads on, 0: q's head; y is that word; h is the next of what it leads to */
	skip;
	d_step { from = 0; s = 0; sg = 0; h = 0; y = head[q] };
	if
	:: !LIVES(q, qg) -> goto Out
	:: else
	fi;
Step:
	if
	:: TO(y) == 0 -> goto Out
	:: else
	fi;
	s = TO(y);
	h = next[s];
	sg = gen[s];
	if
	:: (from == 0 -> head[q] : next[from]) != y -> goto sweep
	:: else
	fi;
	if
#ifdef NO_MARK
	:: s != c ->
#else
	:: !(h & MARKED) ->
#endif
		d_step { from = s; y = h };
		goto Step
	:: else
	fi;
	d_step {
		if
		:: from == 0 && head[q] == y -> head[q] = LINK(y, TO(h), FLAGS(y)); y = head[q]; ok = true
		:: from != 0 && next[from] == y -> next[from] = LINK(y, TO(h), 0); y = next[from]; ok = true
		:: else -> ok = false
		fi;
		if
		:: ok -> linked[s] = false
		:: else
		fi
	};
	if
	:: !ok -> goto sweep
	:: else
	fi;
	taken(s, sg, h);
	if
	:: s == c && sg == cg -> goto Out
	:: else -> goto Step
	fi;

Out:
#ifdef TEAR_LATE
	atomic { torn[c] = true };
#endif
	if
	:: mine && x & HELPED -> free(c, cg)
	:: else
	fi;
	if
	:: d != 0 -> d_step { c = d; cg = dg; d = 0; dg = 0; x = 0; y = 0; h = 0; from = 0; s = 0; sg = 0 }; goto Late
	:: else
	fi;
	if
	:: last -> goto Returns
	:: else -> goto reap
	fi;

None:	/* Revoke's is no more, and what was below it is for who killed it. It is hidden, if that is why */
	skip;
	d_step {
		if
		:: h & DEAD && LIVES(top, topGen) -> gone[top] = true
		:: else
		fi
	};
	goto Done;

Returns:
	skip;
	d_step {
		k = 2;
		do
		:: k <= SLOTS ->
			assert(below[k] == 0 || gen[k] + 1 != below[k] || gone[k] && !linked[k] && (torn[k] || !tears));	/* G3, G4 */
			assert(revokes || !(FOUND(k) && parent[k] == top && parentGen[k] == topGen));
			k++
		:: else -> break
		od;
		assert(revokes || gen[top] != topGen || gone[top] && !linked[top]);
		if
		:: by == 2 && gen[top] == topGen -> cleared[top] = true
		:: else
		fi
	};
Done:
	skip;
	d_step {
		FORGET; k = 0; n = 0; ng = 0; last = false; revokes = false; begun = false; by = 0; top = 0; topGen = 0;
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
		held[1] = 1; held[2] = 1; linked[2] = true;
		head[1] = 2; next[1] = MARKED; parent[2] = 1;
#ifdef WIDE
		held[3] = 1; linked[3] = true; parent[3] = 2;
		held[4] = 1; linked[4] = true; parent[4] = 2;
		head[2] = 4; next[4] = 3;
		i = 5;
#else
		i = 3;
#endif
		do
		:: i <= SLOTS -> vacant[i] = true; i++
		:: else -> break
		od;
		i = 0;
		do
		:: i < DERIVERS -> run Deriver(); i++
		:: else -> break
		od;
		i = 0;
		do
		:: i < KILLERS -> run Killer(0, 0); i++
		:: else -> break
		od;
		i = 0;
		do
		:: i < LOOKERS -> run Looker(); i++
		:: else -> break
		od
	};
	d_step {
		finished == DERIVERS + KILLERS + LOOKERS ->
		assert(!(head[1] & (CLOSED + DEAD)));
		i = 2; n = 0;
		do
		:: i <= SLOTS ->
			if
			:: vacant[i]
			:: else ->
				assert(FOUND(i) && !(head[i] & DEAD) && gen[parent[i]] == parentGen[i] && !vacant[parent[i]]);
				n = n + (parent[i] == 1)
			fi;
			i++
		:: else -> break
		od;
		i = TO(head[1]);
		do
		:: i != 0 -> assert(!vacant[i] && parent[i] == 1 && n > 0); n--; i = TO(next[i])
		:: else -> break
		od;
		assert(n == 0)						/* all are in the list, once */
	}
}
