/* What every generated model shares, first: a stream's state, and stores of keys. heads.c asks these.
 *
 * A store holds rows [key words][a][t][values]; `sum` has a number n after t, of how many keys the row stands for.
 * A key whose components are all +-gives is coded: its one key word holds the signs, and there is one row for a code.
 * Of few components every code has its row from the start, with an a that never counts (EMPTY) until a key comes.
 * Others are kept apart, their key words being the components and a. `all` keeps every key apart and has no index.
 * The generated text before this file defines the sizes of everything (`generate`).
 */
typedef unsigned long long u64;
typedef long long i64;
typedef unsigned int u32;
typedef __SIZE_TYPE__ size;
extern void *malloc(size);
extern void *calloc(size, size);
extern void *realloc(void *, size);
extern void free(void *);
extern int madvise(void *, size, int);
extern void *memcpy(void *, const void *, size);
extern void *memset(void *, int, size);
extern double exp(double);
extern double log(double);
extern double tanh(double);
extern double sqrt(double);

#define NOTHING 746 /* exp(-746) is zero in float64 */
#define inlined static inline __attribute__((always_inline))
#define apart static __attribute__((noinline))
#define hidden __attribute__((noinline, visibility("hidden")))
#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define exported __attribute__((visibility("default")))

typedef double wide __attribute__((vector_size(64), aligned(8)));
typedef double half __attribute__((vector_size(32), aligned(8)));
typedef i64 wide_words __attribute__((vector_size(64), aligned(8)));
typedef short whole_words __attribute__((vector_size(16)));
typedef _Bool wide_flags __attribute__((ext_vector_type(8)));

enum { LATEST, FIRST, SUM, ALL };

#define TAIL(keeps) (2 + ((keeps) == SUM)) /* a, t, and n */
#define EMPTY -1e308
#define DIRECT(keeps, count) ((count) <= 6 && ((keeps) == LATEST || (keeps) == FIRST))
#define MOST_TAIL (2 + MOST_VALUES)
#define NO_ROOM ((double *)8)

typedef struct {
  i64 n, room;
  double *rows;
  u32 *slots; /* row number + 1, or 0; as many as `bits` says */
  i64 bits;
} store;

/* Keys, as one head or several with the same keys take them in. */
typedef struct {
  i64 failures, odd_changes;
  double peak, most; /* the largest a + slope * t, and the largest n, of coded rows */
  double gives[MOST_COMPONENTS];
  store coded, odd;
} keys;

/* One head's queries. */
typedef struct {
  i64 failures, odd_seen;
  double gap, full; /* what one wrong sign costs at least (0 before that is known); what all right signs score */
  double odd_peak;  /* no query of sizes `asks` scores more with a row kept apart, as of `odd_seen` */
  double asks[MOST_COMPONENTS];
} queries;

typedef struct {
  keys keys;
  queries queries;
} head;

/* The stream at a position, as heads read it, and what makes a key or a query of it. */
typedef struct {
  const double *x, *y;
  double t;
} here;
typedef void components(const here *, wide *);

/* What was chosen for sums: whole ones, four to a word. */
typedef struct {
  u64 sums[MOST_SUMS / 4];
  double ahead;
  u32 row, taken;
} choice;

/* Where a node of replay.c is, by some bits of a hash; at 0 where one was looked for once. */
typedef struct {
  u32 hash, at;
} slot;

typedef struct {
  i64 length, next;
  const void *const *tables;
  char *nodes; /* see replay.c */
  i64 nodes_used, replays;
  u32 last; /* node of the token before: its last, or where not all were found its first */
  slot *slots;
  struct layout *layouts;
  unsigned char is_number[EVERY_PLACE + 8];
  int outdated, filled, given; /* whether all nodes are to be forgotten; ever filled their memory; are for given tokens */
  choice *memo; /* MEMO_ROWS */
  double spare[MOST_TAIL]; /* where a key's tail is written that never counts */
  double rings[RINGS]; /* values of the latest positions, for heads that look back by turns */
  head heads[HEADS];
} state;

inlined wide joined(half low, half high) { return __builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7); }

inlined wide whole(const short *from) {
  whole_words out;
  memcpy(&out, from, sizeof(out));
  return __builtin_convertvector(out, wide);
}

inlined u64 bits_of(double x) {
  u64 out;
  memcpy(&out, &x, 8);
  return out;
}

/* Where in an index of 2^bits places a key is looked for first. Codes that differ in their lowest three bits alone stand
 * side by side, as what follows one another mostly does. Whole numbers in float64 differ in their upper bits alone, so
 * these are brought down before each product; the last product's upper bits are the place. */
inlined u64 place_of(const u64 *key, i64 words, i64 bits) {
  if (words == 1) return ((key[0] >> 3) * 0x9E3779B97F4A7C15ull >> (67 - bits)) << 3 | (key[0] & 7);
  u64 out = 0;
  for (i64 i = 0; i < words; i++) {
    out ^= key[i];
    out = (out ^ out >> 32) * 0x9E3779B97F4A7C15ull;
  }
  return out >> (64 - bits);
}

/* The next place: in the group behind, one further on. */
inlined u64 next_place(u64 at, i64 bits) { return (at + 9) & ((1ull << bits) - 1); }

inlined int same(const u64 *one, const u64 *other, i64 words) {
  for (i64 i = 0; i < words; i++)
    if (one[i] != other[i]) return 0;
  return 1;
}

inlined double *found(const store *m, const u64 *key, i64 words, i64 width) {
  if (!m->n) return 0;
  for (u64 at = place_of(key, words, m->bits);; at = next_place(at, m->bits)) {
    u32 slot = m->slots[at];
    if (!slot) return 0;
    double *row = m->rows + (i64)(slot - 1) * width;
    if (same((const u64 *)row, key, words)) return row;
  }
}

static void index_row(store *m, i64 row, i64 words, i64 width) {
  u64 at = place_of((const u64 *)(m->rows + row * width), words, m->bits);
  while (m->slots[at]) at = next_place(at, m->bits);
  m->slots[at] = (u32)(row + 1);
}

/* Four places for each row there is room for: most looks end at the first. */
static int index_rows(store *m, i64 words, i64 width) {
  i64 bits = 5;
  while (1ll << bits < 4 * m->room) bits++;
  u32 *slots = malloc(sizeof(u32) << bits);
  if (!slots) return 1;
  memset(slots, 0, sizeof(u32) << bits);
  free(m->slots);
  m->slots = slots;
  m->bits = bits;
  for (i64 i = 0; i < m->n; i++) index_row(m, i, words, width);
  return 0;
}

/* A new row at the end, its key words filled in and the rest zero; 0 when memory is out. */
apart double *appended(store *m, const u64 *key, i64 words, i64 width, int indexed) {
  if (m->n == m->room) {
    i64 room = m->room ? 2 * m->room : 8;
    if (indexed && room > 0x7fffffff) return 0;
    double *rows = realloc(m->rows, (size)(room * width) * sizeof(double));
    if (!rows) return 0;
    m->rows = rows;
    m->room = room;
    if (indexed && index_rows(m, words, width)) return 0;
  }
  double *row = m->rows + m->n * width;
  memcpy(row, key, (size)words * 8);
  memset(row + words, 0, (size)(width - words) * 8);
  if (indexed) index_row(m, m->n, words, width);
  m->n++;
  return row;
}

/* What a failed `coded` learns: a vector without zeros, the first where nothing was known, otherwise every sixteenth
 * as long as none has fitted. */
apart int learned(const double *given, double *sizes, i64 *failures, int count) {
  if (*failures < 0 || (sizes[0] != 0 && ++*failures % 16)) return 0;
  for (int i = 0; i < count; i++)
    if (given[i] == 0) return 0;
  for (int i = 0; i < count; i++) sizes[i] = given[i] < 0 ? -given[i] : given[i];
  *failures = -1;
  return 1;
}

/* Whether every component is one of the two numbers it may be, +-sizes; its signs. `failures` is -1 once one was.
 * Behind the components stand zeros. */
inlined int coded(const wide *given, double *sizes, i64 *failures, int count, u64 *code) {
  const wide_words size_bits = ~(wide_words){} & 0x7fffffffffffffffll;
  wide_words off = {};
  u64 signs = 0;
  for (int i = 0; i < count; i += 8) {
    wide_words word = (wide_words)given[i / 8];
    off |= (word & size_bits) ^ *(const wide_words *)(sizes + i);
    wide_flags low = __builtin_convertvector(word < 0, wide_flags);
    unsigned char eight;
    memcpy(&eight, &low, 1);
    signs |= (u64)eight << i;
  }
  *code = signs;
  if (likely(!__builtin_reduce_or(off))) {
    *failures = -1;
    return 1;
  }
  return learned((const double *)given, sizes, failures, count);
}

/* The row of a code, 0 where there is none. */
inlined double *row_of(const keys *k, int keeps, int count, int values, u64 code) {
  i64 width = 1 + TAIL(keeps) + values;
  return DIRECT(keeps, count) ? k->coded.rows + (i64)code * width : found(&k->coded, &code, 1, width);
}

/* A key or query: whether it is coded, and the row of its code, which may be `known` by its number + 1. */
inlined double *row_for(keys *k, int keeps, int count, int values, u32 *known, components *of, const here *now,
                        double *sizes, i64 *failures, int *fits, u64 *code) {
  i64 width = 1 + TAIL(keeps) + values;
  *fits = 1, *code = 0;
  if (known && likely(*known)) return k->coded.rows + (i64)(*known - 1) * width;
  if (count) {
    wide given[MOST_COMPONENTS / 8];
    of(now, given);
    *fits = coded(given, sizes, failures, count, code);
    if (!*fits) return 0;
  }
  double *row = row_of(k, keeps, count, values, *code);
  if (known && row) *known = (u32)((row - k->coded.rows) / width) + 1;
  return row;
}

/* Every code's row, where there are few. */
static int begun(store *m, int count, int values) {
  i64 width = 1 + TAIL(LATEST) + values;
  m->n = m->room = 1ll << count;
  m->rows = malloc((size)(m->n * width) * 8);
  if (!m->rows) {
    m->n = m->room = 0;
    return 1;
  }
  memset(m->rows, 0, (size)(m->n * width) * 8);
  for (i64 i = 0; i < m->n; i++) {
    memcpy(m->rows + i * width, &i, 8);
    m->rows[i * width + 1] = EMPTY;
  }
  return 0;
}

inlined void risen(keys *k, int keeps, int count, double slope, const double *tail) {
  if (count == 0) return; /* there is no other row to be ahead of */
  double score = tail[0] + slope * tail[1];
  k->peak = score > k->peak ? score : k->peak;
  if (keeps == SUM && tail[2] > k->most) k->most = tail[2];
}

/* The same for keys kept apart. */
apart double *taken_apart(keys *k, int keeps, int count, int values, components *of, const here *now, double a) {
  wide given[MOST_COMPONENTS / 8];
  const double *key = (const double *)given;
  if (count) of(now, given);
  u64 words[MOST_COMPONENTS + 1];
  i64 width = count + TAIL(keeps) + values;
  double *row = 0;
  for (int i = 0; i < count; i++) words[i] = bits_of(key[i] + 0.0);
  words[count] = bits_of(a + 0.0);
  if (keeps != ALL) row = found(&k->odd, words, count + 1, width);
  k->odd_changes++;
  if (row && keeps == FIRST) return 0;
  if (!row) row = appended(&k->odd, words, count + 1, width, keeps != ALL);
  if (!row) return NO_ROOM;
  row[count + 1] = now->t;
  if (keeps == SUM) row[count + 2] += 1;
  return row + count + TAIL(keeps);
}

/* Takes a key in: returns where its values go (`sum`: are added), 0 where they never count, NO_ROOM when memory is out.
 * `row` is that of its code, if it has one. Of two keys of one code the one behind by the lead weighs nothing beside the
 * other, whatever the query. */
inlined double *taken_in(keys *k, int fits, u64 code, double **row, int keeps, int count, int values, double slope,
                         components *of, const here *now, double a, double *spare) {
  if (!likely(fits)) return taken_apart(k, keeps, count, values, of, now, a);
  double *at = *row, t = now->t;
  if (DIRECT(keeps, count)) { /* without a branch: nothing foretells which keys count */
    double ahead = (a - at[1]) + slope * (t - at[2]);
    if (!likely(ahead >= LEAD || ahead <= -LEAD)) return taken_apart(k, keeps, count, values, of, now, a);
    double *to = ahead > 0 ? at + 1 : spare;
    to[0] = a;
    to[1] = t;
    risen(k, keeps, count, slope, to);
    return to + 2;
  }
  if (!at) {
    at = appended(&k->coded, &code, 1, 1 + TAIL(keeps) + values, 1);
    if (!at) return NO_ROOM;
    *row = at;
  } else if (keeps == SUM) {
    if (at[1] != a) return taken_apart(k, keeps, count, values, of, now, a);
  } else {
    double ahead = (a - at[1]) + slope * (t - at[2]);
    if (ahead <= -LEAD) return 0;
    if (!likely(ahead >= LEAD)) return taken_apart(k, keeps, count, values, of, now, a);
  }
  at[1] = a;
  at[2] = t;
  if (keeps == SUM) at[3] += 1;
  risen(k, keeps, count, slope, at + 1);
  return at + 1 + TAIL(keeps);
}
