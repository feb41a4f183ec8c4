/*
 * peers.c: the operations of kernel/sync as others have them: liburcu, Concurrency Kit, POSIX threads.
 *
 *	peers NAME THREADS
 *
 * It answers each line "N" of its input with "NANOSECONDS DONE": how long it took each of the threads to do N
 * operations, and how many of them succeeded, of all threads together. Thread 0 runs on CPU 0, thread 1 on CPU 1. One
 * thread alone is measured in its own CPU time, two by the clock, from the first that starts to the last that ends.
 * "peers versions" says what it was built with.
 *
 * Each peer has the best conditions: its functions are inlined, its nodes are at hand. "bare" is without safe reclamation:
 * one thread uses a node again at once, two threads use each node once in a run.
 */
#define _GNU_SOURCE
#define _LGPL_SOURCE /* liburcu's functions inlined */
#include <pthread.h>
#include <sched.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include <urcu-qsbr.h>
#include <urcu/rculfqueue.h>

#include <ck_epoch.h>
#include <ck_hp.h>
#include <ck_hp_fifo.h>
#include <ck_hp_stack.h>
#include <ck_ring.h>
#include <ck_sequence.h>
#include <ck_spinlock.h>
#include <ck_stack.h>

enum {
	LINE = 64,
	THREADS = 2,
	PREFILL = 64,              /* elements in a structure before the run, as in structures.go */
	NODES = 1024,              /* nodes for each thread, where they are reclaimed */
	THRESHOLD = 2 * 4 * THREADS, /* objects that a thread may have retired and not reclaimed: Hazards.Bound */
	BATCH = 256,               /* callbacks from one grace period to the next, as in reclamation.go */
};

/* What a thread has for itself. */
static struct thread {
	alignas(2 * LINE) char *fresh; /* bare: nodes that nobody has used */
	void **free;                   /* otherwise: nodes that nobody uses any more */
	long nfree;
	void **limbo; /* with grace periods: nodes that somebody may still look at */
	long nlimbo;
	ck_hp_record_t hp;
	void *hazards[8];
	ck_epoch_record_t epoch;
} threads[THREADS];
static _Thread_local struct thread *me = &threads[0];

static void *lines(size_t bytes) {
	void *p = aligned_alloc(LINE, (bytes + LINE - 1) / LINE * LINE);
	if (!p) {
		fprintf(stderr, "peers: no memory\n");
		exit(1);
	}
	return memset(p, 0, bytes);
}

static void fresh_nodes(size_t size, long n) {
	for (int i = 0; i < THREADS; i++) {
		free(threads[i].fresh);
		threads[i].fresh = lines(size * n);
	}
}

/* Nodes for structures that reclaim them. */
static void own_nodes(size_t size) {
	for (int i = 0; i < THREADS; i++) {
		threads[i].free = lines(2 * THREADS * NODES * sizeof(void *)); /* a node may change hands */
		threads[i].limbo = lines(2 * THREADS * NODES * sizeof(void *));
		char *nodes = lines(NODES * size);
		for (long j = 0; j < NODES; j++)
			threads[i].free[threads[i].nfree++] = nodes + j * size;
	}
}

static void reclaimed(void *node) { me->free[me->nfree++] = node; }

static void hazards(int slots) {
	static ck_hp_t hp;
	ck_hp_init(&hp, slots, THRESHOLD, reclaimed);
	for (int i = 0; i < THREADS; i++)
		ck_hp_register(&hp, &threads[i].hp, threads[i].hazards);
}

/* liburcu: rculfqueue, bare. Its dummy nodes are dropped; there is one in a run. */

static struct cds_lfq_queue_rcu *lfq;

static void drop(struct rcu_head *h, void (*f)(struct rcu_head *)) { (void)h, (void)f; }

static void lfq_prepare(long n) {
	static struct cds_lfq_node_rcu first[PREFILL];
	if (!lfq)
		lfq = lines(sizeof *lfq);
	cds_lfq_init_rcu(lfq, drop);
	for (int i = 0; i < PREFILL; i++) {
		cds_lfq_node_init_rcu(&first[i]);
		cds_lfq_enqueue_rcu(lfq, &first[i]);
	}
	fresh_nodes(sizeof *first, n);
}

static long lfq_run(int id, long n) {
	struct cds_lfq_node_rcu *node = (void *)threads[id].fresh;
	long done = 0;
	for (long i = 0; i < n; i++) {
		cds_lfq_node_init_rcu(node);
		cds_lfq_enqueue_rcu(lfq, node);
		node = cds_lfq_dequeue_rcu(lfq);
		done += node != NULL;
	}
	return done;
}

static long lfq_run2(int id, long n) {
	struct cds_lfq_node_rcu *node = (void *)threads[id].fresh;
	long done = 0;
	for (long i = 0; i < n; i++) {
		cds_lfq_node_init_rcu(&node[i]);
		cds_lfq_enqueue_rcu(lfq, &node[i]);
		done += cds_lfq_dequeue_rcu(lfq) != NULL;
	}
	return done;
}

/* The same with reclamation: a thread that has no node left waits for a grace period, and has all that it dequeued. */

struct lfq_item {
	struct cds_lfq_node_rcu node; /* first */
	long value;
};

static void lfq_start(void) {
	rcu_register_thread();
	own_nodes(sizeof(struct lfq_item));
	lfq = lines(sizeof *lfq);
	cds_lfq_init_rcu(lfq, drop);
	struct lfq_item *first = lines(PREFILL * sizeof *first);
	for (int i = 0; i < PREFILL; i++) {
		cds_lfq_node_init_rcu(&first[i].node);
		cds_lfq_enqueue_rcu(lfq, &first[i].node);
	}
	rcu_thread_offline();
}

static long lfq_reclaiming(int id, long n) {
	struct thread *t = &threads[id];
	long done = 0;
	if (id == 0)
		rcu_thread_online();
	else
		rcu_register_thread();
	for (long i = 0; i < n; i++) {
		if (t->nfree == 0) {
			synchronize_rcu();
			void **empty = t->free;
			t->free = t->limbo, t->nfree = t->nlimbo;
			t->limbo = empty, t->nlimbo = 0;
		}
		struct lfq_item *item = t->free[--t->nfree];
		item->value = i;
		cds_lfq_node_init_rcu(&item->node);
		cds_lfq_enqueue_rcu(lfq, &item->node);
		if ((item = (void *)cds_lfq_dequeue_rcu(lfq))) {
			done += item->value >= 0;
			t->limbo[t->nlimbo++] = item;
		}
		rcu_quiescent_state();
	}
	if (id == 0)
		rcu_thread_offline();
	else
		rcu_unregister_thread();
	return done;
}

/* ck_hp_fifo, with reclamation. */

static alignas(LINE) ck_hp_fifo_t fifo;

static void fifo_start(void) {
	hazards(CK_HP_FIFO_SLOTS_COUNT);
	own_nodes(sizeof(ck_hp_fifo_entry_t));
	ck_hp_fifo_init(&fifo, lines(sizeof(ck_hp_fifo_entry_t)));
	for (long i = 0; i < PREFILL; i++)
		ck_hp_fifo_enqueue_mpmc(&threads[0].hp, &fifo, threads[0].free[--threads[0].nfree], (void *)(i + 1));
}

static long fifo_run(int id, long n) {
	struct thread *t = &threads[id];
	long done = 0;
	for (long i = 0; i < n; i++) {
		ck_hp_fifo_enqueue_mpmc(&t->hp, &fifo, t->free[--t->nfree], (void *)(i + 1));
		void *v = NULL;
		ck_hp_fifo_entry_t *e = ck_hp_fifo_dequeue_mpmc(&t->hp, &fifo, &v);
		if (e) {
			ck_hp_free(&t->hp, &e->hazard, e, e);
			done += v != NULL;
		}
	}
	return done;
}

/* ck_hp_stack, bare and with reclamation. */

struct item {
	ck_stack_entry_t entry; /* first */
	ck_hp_hazard_t hazard;
	long value;
};

static alignas(LINE) ck_stack_t stack;

static void stack_start(void) {
	hazards(CK_HP_STACK_SLOTS_COUNT);
	own_nodes(sizeof(struct item));
	for (int i = 0; i < PREFILL; i++)
		ck_hp_stack_push_mpmc(&stack, threads[0].free[--threads[0].nfree]);
}

static long stack_run(int id, long n) {
	struct thread *t = &threads[id];
	long done = 0;
	for (long i = 0; i < n; i++) {
		struct item *node = t->free[--t->nfree];
		node->value = i;
		ck_hp_stack_push_mpmc(&stack, &node->entry);
		if ((node = (void *)ck_hp_stack_pop_mpmc(&t->hp, &stack))) {
			done += node->value >= 0;
			ck_hp_free(&t->hp, &node->hazard, node, node);
		}
	}
	return done;
}

static void stack_bare_prepare(long n) {
	static struct item first[PREFILL];
	ck_stack_init(&stack);
	for (int i = 0; i < PREFILL; i++)
		ck_hp_stack_push_mpmc(&stack, &first[i].entry);
	fresh_nodes(sizeof *first, n);
}

static void stack_bare_start(void) { hazards(CK_HP_STACK_SLOTS_COUNT); }

static long stack_bare(int id, long n) {
	struct thread *t = &threads[id];
	struct item *node = (void *)t->fresh;
	long done = 0;
	for (long i = 0; i < n; i++) {
		node->value = i;
		ck_hp_stack_push_mpmc(&stack, &node->entry);
		node = (void *)ck_hp_stack_pop_mpmc(&t->hp, &stack);
		done += node->value >= 0;
	}
	return done;
}

static long stack_bare2(int id, long n) {
	struct thread *t = &threads[id];
	struct item *node = (void *)t->fresh;
	long done = 0;
	for (long i = 0; i < n; i++) {
		node[i].value = i;
		ck_hp_stack_push_mpmc(&stack, &node[i].entry);
		struct item *e = (void *)ck_hp_stack_pop_mpmc(&t->hp, &stack);
		done += e != NULL && e->value >= 0;
	}
	return done;
}

/* Chase & Lev's deque as Lê et al. have it in C11 (PPoPP 2013, figure 1), of a fixed size. */

enum { DEQUE = 1024 };

static struct {
	alignas(LINE) atomic_long top;
	alignas(LINE) atomic_long bottom;
	alignas(LINE) atomic_long array[DEQUE];
} deque;

static bool deque_push(long v) {
	long b = atomic_load_explicit(&deque.bottom, memory_order_relaxed);
	long t = atomic_load_explicit(&deque.top, memory_order_acquire);
	if (b - t > DEQUE - 1)
		return false;
	atomic_store_explicit(&deque.array[b % DEQUE], v, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
	atomic_store_explicit(&deque.bottom, b + 1, memory_order_relaxed);
	return true;
}

static bool deque_take(long *v) {
	long b = atomic_load_explicit(&deque.bottom, memory_order_relaxed) - 1;
	atomic_store_explicit(&deque.bottom, b, memory_order_relaxed);
	atomic_thread_fence(memory_order_seq_cst);
	long t = atomic_load_explicit(&deque.top, memory_order_relaxed);
	bool ok = t <= b;
	if (ok) {
		*v = atomic_load_explicit(&deque.array[b % DEQUE], memory_order_relaxed);
		if (t == b) {
			ok = atomic_compare_exchange_strong_explicit(&deque.top, &t, t + 1, memory_order_seq_cst, memory_order_relaxed);
			atomic_store_explicit(&deque.bottom, b + 1, memory_order_relaxed);
		}
	} else
		atomic_store_explicit(&deque.bottom, b + 1, memory_order_relaxed);
	return ok;
}

static bool deque_steal(long *v) {
	long t = atomic_load_explicit(&deque.top, memory_order_acquire);
	atomic_thread_fence(memory_order_seq_cst);
	long b = atomic_load_explicit(&deque.bottom, memory_order_acquire);
	if (t >= b)
		return false;
	*v = atomic_load_explicit(&deque.array[t % DEQUE], memory_order_relaxed);
	return atomic_compare_exchange_strong_explicit(&deque.top, &t, t + 1, memory_order_seq_cst, memory_order_relaxed);
}

static void deque_start(void) {
	for (long i = 0; i < PREFILL; i++)
		deque_push(i + 1);
}

static long deque_run(int id, long n) {
	long done = 0, v;
	(void)id;
	for (long i = 0; i < n; i++) {
		deque_push(i + 1);
		if (deque_take(&v))
			done += v > 0;
	}
	return done;
}

static long deque_run2(int id, long n) {
	long done = 0, v;
	for (long i = 0; id == 0 && i < n; i += deque_push(i + 1))
		;
	while (id == 1 && done < n)
		if (deque_steal(&v))
			done += v > 0;
	return done;
}

/* ck_ring; it holds one element less than its size. */

enum { RING = 256 };

static alignas(LINE) ck_ring_t ring;
static ck_ring_buffer_t ring_buffer[RING];

static void ring_start(void) {
	ck_ring_init(&ring, RING);
	for (long i = 0; i < PREFILL; i++)
		ck_ring_enqueue_mpmc(&ring, ring_buffer, (void *)(i + 1));
}

static long ring_run(int id, long n) {
	long done = 0;
	void *v;
	(void)id;
	for (long i = 0; i < n; i++) {
		while (!ck_ring_enqueue_mpmc(&ring, ring_buffer, (void *)(i + 1)))
			;
		if (ck_ring_dequeue_mpmc(&ring, ring_buffer, &v))
			done += v != NULL;
	}
	return done;
}

/* A hazard pointer set and cleared. */

static long protect_run(int id, long n) {
	ck_hp_record_t *r = &threads[id].hp;
	for (long i = 0; i < n; i++) {
		ck_hp_set_fence(r, 0, r);
		ck_hp_set(r, 0, NULL);
	}
	return n;
}

/* RCU. What readers read is a 1, behind a pointer. */

static long one = 1;
static long *shared = &one;
static alignas(LINE) atomic_bool over;
static ck_epoch_t epoch;

static void again(long n) {
	(void)n;
	over = false;
}

static void qsbr_start(void) { rcu_register_thread(); }

static void epoch_start(void) {
	ck_epoch_init(&epoch);
	for (int i = 0; i < THREADS; i++)
		ck_epoch_register(&epoch, &threads[i].epoch, NULL);
}

static long qsbr_section(int id, long n) {
	long done = 0;
	(void)id;
	for (long i = 0; i < n; i++) {
		rcu_read_lock();
		done += *rcu_dereference(shared);
		rcu_read_unlock();
	}
	return done;
}

static long epoch_section(int id, long n) {
	long done = 0;
	for (long i = 0; i < n; i++) {
		ck_epoch_begin(&threads[id].epoch, NULL);
		done += *(long *)ck_pr_load_ptr(&shared);
		ck_epoch_end(&threads[id].epoch, NULL);
	}
	return done;
}

static long qsbr_quiescent(int id, long n) {
	(void)id;
	for (long i = 0; i < n; i++)
		rcu_quiescent_state();
	return n;
}

/* Thread 0 waits for grace periods, thread 1 reads without a break. */

static long qsbr_synchronize(int id, long n) {
	if (id == 0) {
		rcu_thread_offline();
		for (long i = 0; i < n; i++)
			synchronize_rcu();
		rcu_thread_online();
		over = true;
		return n;
	}
	rcu_register_thread();
	long sum = 0;
	while (!atomic_load_explicit(&over, memory_order_relaxed)) {
		sum += qsbr_section(id, 1);
		rcu_quiescent_state();
	}
	rcu_unregister_thread();
	return sum < 0;
}

static long epoch_synchronize(int id, long n) {
	if (id == 0) {
		for (long i = 0; i < n; i++)
			ck_epoch_synchronize(&threads[0].epoch);
		over = true;
		return n;
	}
	long sum = 0;
	while (!atomic_load_explicit(&over, memory_order_relaxed))
		sum += epoch_section(id, 1);
	return sum < 0;
}

/* Callbacks. ck's objects are used again when their callbacks have run; liburcu's are not. */

struct object {
	struct rcu_head rcu; /* first */
	ck_epoch_entry_t epoch;
};

static long called;

static void new_objects(long n) { fresh_nodes(sizeof(struct object), n); }

static void qsbr_callback(struct rcu_head *h) {
	(void)h;
	called++;
}

static long qsbr_call(int id, long n) {
	struct object *o = (void *)threads[id].fresh;
	called = 0;
	for (long i = 0; i < n; i++)
		call_rcu(&o[i].rcu, qsbr_callback);
	rcu_barrier();
	return called;
}

static void epoch_callback(ck_epoch_entry_t *e) {
	called++;
	reclaimed((char *)e - offsetof(struct object, epoch));
}

static void epoch_call_start(void) {
	epoch_start();
	own_nodes(sizeof(struct object));
}

static long epoch_call(int id, long n) {
	struct thread *t = &threads[id];
	called = 0;
	for (long i = 0; i < n; i++) {
		while (t->nfree == 0)
			ck_epoch_poll(&t->epoch);
		struct object *o = t->free[--t->nfree];
		ck_epoch_call(&t->epoch, &o->epoch, epoch_callback);
		if (i % BATCH == BATCH - 1)
			ck_epoch_poll(&t->epoch);
	}
	ck_epoch_barrier(&t->epoch);
	return called;
}

/* Locks, and what they guard. */

static alignas(LINE) struct {
	ck_spinlock_fas_t fas;
	ck_spinlock_mcs_t mcs;
	ck_spinlock_ticket_t ticket;
	pthread_mutex_t mutex;
	alignas(LINE) long guarded;
} lock = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static void lock_prepare(long n) {
	(void)n;
	lock.guarded = 0;
}

static long lock_total(void) { return lock.guarded; }

static long lock_fas(int id, long n) {
	(void)id;
	for (long i = 0; i < n; i++) {
		ck_spinlock_fas_lock(&lock.fas);
		lock.guarded++;
		ck_spinlock_fas_unlock(&lock.fas);
	}
	return n;
}

static long lock_ticket(int id, long n) {
	(void)id;
	for (long i = 0; i < n; i++) {
		ck_spinlock_ticket_lock(&lock.ticket);
		lock.guarded++;
		ck_spinlock_ticket_unlock(&lock.ticket);
	}
	return n;
}

static long lock_mcs(int id, long n) {
	alignas(LINE) ck_spinlock_mcs_context_t node;
	(void)id;
	for (long i = 0; i < n; i++) {
		ck_spinlock_mcs_lock(&lock.mcs, &node);
		lock.guarded++;
		ck_spinlock_mcs_unlock(&lock.mcs, &node);
	}
	return n;
}

static long lock_mutex(int id, long n) {
	(void)id;
	for (long i = 0; i < n; i++) {
		pthread_mutex_lock(&lock.mutex);
		lock.guarded++;
		pthread_mutex_unlock(&lock.mutex);
	}
	return n;
}

/* ck_sequence: a reading of two words. */

static alignas(LINE) struct {
	ck_sequence_t n;
	uint64_t a, b;
} guarded = {.a = 1};

static long sequence_read(int id, long n) {
	long done = 0;
	(void)id;
	for (long i = 0; i < n; i++) {
		unsigned v;
		uint64_t a, b;
		do {
			v = ck_sequence_read_begin(&guarded.n);
			a = ck_pr_load_64(&guarded.a);
			b = ck_pr_load_64(&guarded.b);
		} while (ck_sequence_read_retry(&guarded.n, v));
		done += a + b;
	}
	return done;
}

#include "cap.c"

/* What there is to measure. */

static const struct bench {
	const char *name;
	int threads;
	long (*run)(int id, long n); /* does n operations as thread id, returns how many succeeded */
	void (*start)(void);         /* once */
	void (*prepare)(long n);     /* before each run */
	long (*total)(void);         /* after it: how many succeeded in all, if run cannot say */
	bool helped;                 /* by a thread of the library: measure the CPU time of both */
} benches[] = {
	{"rculfqueue bare", 1, lfq_run, qsbr_start, lfq_prepare},
	{"rculfqueue bare", 2, lfq_run2, qsbr_start, lfq_prepare},
	{"rculfqueue", 1, lfq_reclaiming, lfq_start},
	{"rculfqueue", 2, lfq_reclaiming, lfq_start},
	{"ck_hp_fifo", 1, fifo_run, fifo_start},
	{"ck_hp_fifo", 2, fifo_run, fifo_start},
	{"ck_hp_stack", 1, stack_run, stack_start},
	{"ck_hp_stack", 2, stack_run, stack_start},
	{"ck_hp_stack bare", 1, stack_bare, stack_bare_start, stack_bare_prepare},
	{"ck_hp_stack bare", 2, stack_bare2, stack_bare_start, stack_bare_prepare},
	{"Chase-Lev in C11", 1, deque_run, deque_start},
	{"Chase-Lev in C11", 2, deque_run2},
	{"ck_ring mpmc", 1, ring_run, ring_start},
	{"ck_ring mpmc", 2, ring_run, ring_start},
	{"ck_hp set+clear", 1, protect_run, stack_bare_start},
	{"liburcu-qsbr section", 1, qsbr_section, qsbr_start},
	{"ck_epoch section", 1, epoch_section, epoch_start},
	{"liburcu-qsbr quiescent", 1, qsbr_quiescent, qsbr_start},
	{"liburcu-qsbr synchronize", 2, qsbr_synchronize, qsbr_start, again},
	{"ck_epoch synchronize", 2, epoch_synchronize, epoch_start, again},
	{"liburcu-qsbr call", 1, qsbr_call, qsbr_start, new_objects, .helped = true},
	{"ck_epoch call", 1, epoch_call, epoch_call_start},
	{"ck_spinlock_fas", 1, lock_fas, NULL, lock_prepare, lock_total},
	{"ck_spinlock_fas", 2, lock_fas, NULL, lock_prepare, lock_total},
	{"ck_spinlock_ticket", 1, lock_ticket, NULL, lock_prepare, lock_total},
	{"ck_spinlock_mcs", 1, lock_mcs, NULL, lock_prepare, lock_total},
	{"ck_spinlock_mcs", 2, lock_mcs, NULL, lock_prepare, lock_total},
	{"pthread_mutex", 1, lock_mutex, NULL, lock_prepare, lock_total},
	{"pthread_mutex", 2, lock_mutex, NULL, lock_prepare, lock_total},
	{"ck_sequence", 1, sequence_read},
	CAP_BENCHES,
};

static uint64_t now(clockid_t clock) {
	struct timespec t;
	clock_gettime(clock, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static pthread_t *started(void *run(void *), int cpu) {
	cpu_set_t set;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	pthread_attr_t on;
	pthread_t *t = lines(sizeof *t);
	if (pthread_attr_init(&on) || pthread_attr_setaffinity_np(&on, sizeof set, &set) || pthread_create(t, &on, run, NULL)) {
		fprintf(stderr, "peers: no thread on CPU %d\n", cpu);
		exit(1);
	}
	return t;
}

/* before_others has the calling thread run before those of other programs, if that is allowed: as measure.go does. */
static void before_others(void) {
	struct sched_param p = {.sched_priority = 1};
	if (sched_setscheduler(0, SCHED_FIFO, &p))
		setpriority(PRIO_PROCESS, 0, -20);
}

static const struct bench *bench;

struct result {
	uint64_t start, end;
	long done;
};

static atomic_int arrived;
static struct result other;
static long n;

static struct result measure(int id) {
	struct result r;
	clockid_t clock = bench->threads == 2 ? CLOCK_MONOTONIC
	                  : bench->helped     ? CLOCK_PROCESS_CPUTIME_ID
	                                      : CLOCK_THREAD_CPUTIME_ID;
	arrived++;
	while (arrived < bench->threads)
		;
	r.start = now(clock);
	r.done = bench->run(id, n);
	r.end = now(clock);
	return r;
}

static void *second(void *arg) {
	me = &threads[1];
	before_others();
	other = measure(1);
	return arg;
}

static void *first(void *arg) {
	before_others();
	if (bench->start)
		bench->start();
	while (scanf("%ld", &n) == 1) {
		if (bench->prepare)
			bench->prepare(n);
		arrived = 0;
		pthread_t *t = bench->threads == 2 ? started(second, 1) : NULL;
		struct result r = measure(0);
		if (t) {
			pthread_join(*t, NULL);
			free(t);
			r.start = r.start < other.start ? r.start : other.start;
			r.end = r.end > other.end ? r.end : other.end;
			r.done += other.done;
		}
		if (bench->total)
			r.done = bench->total();
		printf("%llu %ld\n", (unsigned long long)(r.end - r.start), r.done);
		fflush(stdout);
	}
	return arg;
}

int main(int argc, char **argv) {
	if (argc == 2 && !strcmp(argv[1], "versions")) {
		printf("gcc %s\n", __VERSION__);
		return 0;
	}
	for (size_t i = 0; argc == 3 && i < sizeof benches / sizeof *benches; i++)
		if (!strcmp(argv[1], benches[i].name) && atoi(argv[2]) == benches[i].threads)
			bench = &benches[i];
	if (!bench) {
		fprintf(stderr, "peers: NAME THREADS, as in the table of peers.c\n");
		return 2;
	}
	pthread_join(*started(first, 0), NULL); /* so there are two threads: with one, pthread_mutex is no atomic */
	return 0;
}
