/*
 * cap.c: what kernel/cap does, in hash tables: liburcu's cds_lfht, ck_ht. For peers.c, which includes it.
 *
 * An entry has a name, a holder, rights and an object. A lookup hashes the name, finds the entry, compares holder and rights,
 * and uses the object. Names are those that a table of capabilities would give: slots in order, generation 1.
 */
#include <urcu/rculfhash.h>

#include <ck_ht.h>

enum { CAP_HOLDER = 7, CAP_READ = 1 };

struct grant {
	struct cds_lfht_node node; /* first */
	uint64_t name;
	uint32_t holder, rights;
	uint64_t object[2];
};

static struct grant *grants;
static uint64_t *cap_names; /* in random order */
static long ncaps;
static long cap_at[2];
static struct cds_lfht *lfht;
static ck_ht_t ht;

/* The finalizer of MurmurHash3 by Austin Appleby. */
static unsigned long cap_hash(uint64_t x) {
	x = (x ^ x >> 33) * 0xff51afd7ed558ccdull;
	x = (x ^ x >> 33) * 0xc4ceb9fe1a85ec53ull;
	return x ^ x >> 33;
}

static int cap_match(struct cds_lfht_node *n, const void *key) {
	return caa_container_of(n, struct grant, node)->name == *(const uint64_t *)key;
}

static void cap_grants(long n) {
	ncaps = n;
	grants = lines((n + 2) * sizeof *grants);
	cap_names = lines(n * sizeof *cap_names);
	uint64_t r = 1;
	for (long i = 0; i < n; i++) {
		grants[i] = (struct grant){.name = 1ull << 32 | (i + 1), .holder = CAP_HOLDER, .rights = -1, .object = {1, 2}};
		long j = (r = r * 6364136223846793005ull + 1442695040888963407ull, r >> 33) % (i + 1);
		cap_names[i] = cap_names[j];
		cap_names[j] = grants[i].name;
	}
	cap_at[1] = n / 2;
}

static void lfht_fill(long n) {
	rcu_register_thread();
	cap_grants(n);
	unsigned long size = n < 256 ? 256 : n; /* a power of 2: it need not grow */
	lfht = cds_lfht_new(size, size, 0, 0, NULL);
	for (long i = 0; i < n; i++) {
		cds_lfht_node_init(&grants[i].node);
		cds_lfht_add(lfht, cap_hash(grants[i].name), &grants[i].node);
		rcu_quiescent_state();
	}
}

static void lfht_1(void) { lfht_fill(1); }
static void lfht_64k(void) { lfht_fill(1 << 16); }
static void lfht_1M(void) { lfht_fill(1 << 20); }

static long lfht_lookup(int id, long n) {
	long done = 0, k = cap_at[id];
	if (id)
		rcu_register_thread();
	for (long i = 0; i < n; i++) {
		if (k >= ncaps)
			k = 0;
		struct cds_lfht_iter it;
		rcu_read_lock();
		cds_lfht_lookup(lfht, cap_hash(cap_names[k]), cap_match, &cap_names[k], &it);
		struct cds_lfht_node *node = cds_lfht_iter_get_node(&it);
		if (node) {
			struct grant *g = caa_container_of(node, struct grant, node);
			if (g->holder == CAP_HOLDER && g->rights & CAP_READ)
				done += g->object[0];
		}
		rcu_read_unlock();
		k++;
	}
	cap_at[id] = k;
	if (id)
		rcu_unregister_thread();
	return done;
}

/* bare: a node is used again at once, which is safe only as nobody else looks. */
static long lfht_pair(int id, long n) {
	struct grant *g = &grants[ncaps];
	long done = 0;
	(void)id;
	for (long i = 0; i < n; i++) {
		g->name = (uint64_t)(i + 2) << 32 | (ncaps + 1);
		g->holder = CAP_HOLDER;
		g->rights = -1;
		rcu_read_lock();
		cds_lfht_node_init(&g->node);
		cds_lfht_add(lfht, cap_hash(g->name), &g->node);
		done += cds_lfht_del(lfht, &g->node) == 0;
		rcu_read_unlock();
	}
	return done;
}

static void lfht_64(void) { lfht_fill(64); }

static void *ht_malloc(size_t n) { return malloc(n); }
static void ht_free(void *p, size_t n, bool defer) { (void)n, (void)defer, free(p); }

static void ht_hash(struct ck_ht_hash *h, const void *key, size_t length, uint64_t seed) {
	(void)length, (void)seed;
	h->value = cap_hash(*(const uintptr_t *)key);
}

static void ht_fill(long n) {
	static struct ck_malloc m = {.malloc = ht_malloc, .free = ht_free};
	cap_grants(n);
	if (!ck_ht_init(&ht, CK_HT_MODE_DIRECT | CK_HT_WORKLOAD_DELETE, ht_hash, &m, 2 * n < 256 ? 256 : 2 * n, 1))
		exit(1);
	for (long i = 0; i < n; i++) {
		ck_ht_hash_t h;
		ck_ht_entry_t e;
		ck_ht_hash_direct(&h, &ht, grants[i].name);
		ck_ht_entry_set_direct(&e, h, grants[i].name, (uintptr_t)&grants[i]);
		ck_ht_put_spmc(&ht, h, &e);
	}
}

static void ht_1(void) { ht_fill(1); }
static void ht_64(void) { ht_fill(64); }
static void ht_64k(void) { ht_fill(1 << 16); }
static void ht_1M(void) { ht_fill(1 << 20); }

static long ht_lookup(int id, long n) {
	long done = 0, k = cap_at[id];
	for (long i = 0; i < n; i++) {
		if (k >= ncaps)
			k = 0;
		ck_ht_hash_t h;
		ck_ht_entry_t e;
		ck_ht_hash_direct(&h, &ht, cap_names[k]);
		ck_ht_entry_key_set_direct(&e, cap_names[k]);
		if (ck_ht_get_spmc(&ht, h, &e)) {
			struct grant *g = (struct grant *)ck_ht_entry_value_direct(&e);
			if (g->holder == CAP_HOLDER && g->rights & CAP_READ)
				done += g->object[0];
		}
		k++;
	}
	cap_at[id] = k;
	return done;
}

static long ht_pair(int id, long n) {
	struct grant *g = &grants[ncaps];
	long done = 0;
	(void)id;
	for (long i = 0; i < n; i++) {
		ck_ht_hash_t h;
		ck_ht_entry_t e;
		g->name = (uint64_t)(i + 2) << 32 | (ncaps + 1);
		ck_ht_hash_direct(&h, &ht, g->name);
		ck_ht_entry_set_direct(&e, h, g->name, (uintptr_t)g);
		ck_ht_put_spmc(&ht, h, &e);
		ck_ht_entry_key_set_direct(&e, g->name);
		done += ck_ht_remove_spmc(&ht, h, &e);
	}
	return done;
}

#define CAP_BENCHES                                       \
	{"cds_lfht lookup 1", 1, lfht_lookup, lfht_1},        \
	{"cds_lfht lookup 64k", 1, lfht_lookup, lfht_64k},    \
	{"cds_lfht lookup 64k", 2, lfht_lookup, lfht_64k},    \
	{"cds_lfht lookup 1M", 1, lfht_lookup, lfht_1M},      \
	{"ck_ht lookup 1", 1, ht_lookup, ht_1},               \
	{"ck_ht lookup 64k", 1, ht_lookup, ht_64k},           \
	{"ck_ht lookup 64k", 2, ht_lookup, ht_64k},           \
	{"ck_ht lookup 1M", 1, ht_lookup, ht_1M},             \
	{"cds_lfht add+del bare", 1, lfht_pair, lfht_64},     \
	{"ck_ht put+remove", 1, ht_pair, ht_64}
