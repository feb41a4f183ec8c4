/*
 * tso.pml: memory as x86-TSO has it (Sewell et al., x86-TSO, CACM 2010), for the other models to include.
 *
 * Shared words live in mem[]. Each CPU has a FIFO store buffer: STORE puts a word into it, a Drain process moves the
 * oldest one to memory whenever it likes, LOAD sees the newest store of its own CPU and otherwise memory. FENCE waits
 * until the buffer is empty; locked instructions (CAS, XCHG, XADD) are a FENCE and the access in one step.
 *
 * The including model defines first: NCPU, NMEM (words) and BUF (stores a buffer holds, 1..4; a store into a full
 * buffer waits). Real buffers are longer; BUF is at least what one operation can leave behind between two fences.
 */
typedef Buffer { byte n; byte addr[BUF]; byte val[BUF] };

byte mem[NMEM];
Buffer sb[NCPU];

#define HIT(c, k, a) (sb[c].n > k && sb[c].addr[k] == (a))
#if BUF == 1
#define LOAD(c, a) (HIT(c,0,a) -> sb[c].val[0] : mem[a])
#elif BUF == 2
#define LOAD(c, a) (HIT(c,1,a) -> sb[c].val[1] : (HIT(c,0,a) -> sb[c].val[0] : mem[a]))
#elif BUF == 3
#define LOAD(c, a) (HIT(c,2,a) -> sb[c].val[2] : (HIT(c,1,a) -> sb[c].val[1] : (HIT(c,0,a) -> sb[c].val[0] : mem[a])))
#else
#define LOAD(c, a) (HIT(c,3,a) -> sb[c].val[3] : (HIT(c,2,a) -> sb[c].val[2] : (HIT(c,1,a) -> sb[c].val[1] : (HIT(c,0,a) -> sb[c].val[0] : mem[a]))))
#endif

#define FENCED(c) (sb[c].n == 0)
#define FENCE(c) FENCED(c)

inline STORE(c, a, v) {
	d_step {
		sb[c].n < BUF ->
		sb[c].addr[sb[c].n] = a;
		sb[c].val[sb[c].n] = v;
		sb[c].n++
	}
}

/* XCHG: a store with a full fence on both sides. */
inline XCHG(c, a, v) { d_step { FENCED(c) -> mem[a] = v } }

/* CAS: ok says whether it happened. */
inline CAS(c, a, old, new, ok) {
	d_step {
		FENCED(c) ->
		if
		:: mem[a] == (old) -> mem[a] = (new); ok = true
		:: else -> ok = false
		fi
	}
}

/* Drain is the store buffer's way to memory; unused entries are zeroed so that equal buffers are equal states. */
proctype Drain(byte c) {
	byte i;
end:
	do
	:: d_step {
		sb[c].n > 0 ->
		mem[sb[c].addr[0]] = sb[c].val[0];
		sb[c].n--;
		i = 0;
		do
		:: i < sb[c].n -> sb[c].addr[i] = sb[c].addr[i+1]; sb[c].val[i] = sb[c].val[i+1]; i++
		:: else -> break
		od;
		sb[c].addr[sb[c].n] = 0;
		sb[c].val[sb[c].n] = 0;
		i = 0
	   }
	od
}
