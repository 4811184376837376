/* What every generated model shares: stores of keys, the two ways to ask them, and the state's life.
 *
 * A store holds rows [key words][t][n][values]: t is the index of the key (latest, first) and n how many keys the row
 * stands for (sum). Rows whose key words agree bit by bit are one row; `all` never looks for one.
 * The generated text before this file defines HEADS, LEAD, MOST_COMPONENTS, MOST_SUMS and MEMO_ROWS.
 */
typedef unsigned long long u64;
typedef long long i64;
typedef unsigned int u32;
typedef __SIZE_TYPE__ size;
extern void *malloc(size);
extern void *calloc(size, size);
extern void *realloc(void *, size);
extern void free(void *);
extern void *memcpy(void *, const void *, size);
extern void *memset(void *, int, size);
extern double exp(double);
extern double log(double);
extern double tanh(double);
extern double sqrt(double);

#define BANKS 4
#define NOTHING 746 /* exp(-746) is zero in float64 */
#define inlined static inline __attribute__((always_inline))
#define apart static __attribute__((noinline))
#define hidden __attribute__((noinline, visibility("hidden")))
#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define exported __attribute__((visibility("default")))

enum { LATEST, FIRST, SUM, ALL };

typedef struct {
  i64 n, room;
  double *rows;
  u32 *slots; /* row number + 1, or 0; mask + 1 of them */
  u64 mask;
} store;

/* Rows of one offset a whose components are all +-gives: the key word holds the signs. */
typedef struct {
  double offset, peak, most; /* the largest slope * t, and the largest n, of its rows */
  store rows;
} bank;

typedef struct {
  i64 banks, asks_failures, gives_failures;
  double gap, full; /* what one wrong sign costs at least; what all right signs score; 0 before that is known */
  double odd_peak;  /* no query of sizes `asks` scores more with a row kept apart; 1e308 where that is to be found */
  double asks[MOST_COMPONENTS], gives[MOST_COMPONENTS];
  bank bank[BANKS];
  store odd;
} head;

typedef struct {
  i64 length, next;
  const void *const *tables;
  u64 *memo; /* MEMO_ROWS of sums and what was chosen for them, plus one */
  u64 generation, *known; /* see control.c */
  double low[PLACES + 8], high[PLACES + 8];
  unsigned char exact[PLACES + 1];
  u64 bits[WORDS + 1];
  head heads[HEADS];
} state;

inlined u64 bits_of(double x) {
  u64 out;
  memcpy(&out, &x, 8);
  return out;
}

/* Whole numbers in float64 differ in their upper bits alone, so these are brought down before each product. */
inlined u64 hashed(const u64 *key, i64 words) {
  u64 out = 0;
  for (i64 i = 0; i < words; i++) {
    out ^= key[i];
    out = (out ^ out >> 32) * 0x9E3779B97F4A7C15ull;
  }
  out = (out ^ out >> 29) * 0xBF58476D1CE4E5B9ull;
  return out ^ out >> 32;
}

inlined int same(const u64 *one, const u64 *other, i64 words) {
  for (i64 i = 0; i < words; i++)
    if (one[i] != other[i]) return 0;
  return 1;
}

inlined double *found(const store *m, const u64 *key, i64 words, i64 width) {
  if (!m->n) return 0;
  for (u64 at = hashed(key, words) & m->mask;; at = (at + 1) & m->mask) {
    u32 slot = m->slots[at];
    if (!slot) return 0;
    double *row = m->rows + (i64)(slot - 1) * width;
    if (same((const u64 *)row, key, words)) return row;
  }
}

static int index_rows(store *m, i64 words, i64 width) {
  u64 count = 16;
  while (count < 2 * (u64)m->room) count *= 2;
  u32 *slots = malloc(count * sizeof(u32));
  if (!slots) return 1;
  memset(slots, 0, count * sizeof(u32));
  for (i64 i = 0; i < m->n; i++) {
    u64 at = hashed((const u64 *)(m->rows + i * width), words) & (count - 1);
    while (slots[at]) at = (at + 1) & (count - 1);
    slots[at] = (u32)(i + 1);
  }
  free(m->slots);
  m->slots = slots;
  m->mask = count - 1;
  return 0;
}

/* A new row at the end, its key words filled in; 0 when memory is out. */
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
  m->n++;
  if (indexed) {
    u64 at = hashed(key, words) & m->mask;
    while (m->slots[at]) at = (at + 1) & m->mask;
    m->slots[at] = (u32)m->n;
  }
  return row;
}

/* Puts t and the values on a row; `tail` points behind its key words. */
inlined void put(double *tail, int fresh, int keeps, double t, const double *value, int values) {
  if (fresh || keeps == LATEST) {
    tail[0] = t;
    tail[1] = 1.0;
    for (int i = 0; i < values; i++) tail[2 + i] = value[i];
  } else if (keeps == SUM) {
    tail[1] += 1.0;
    for (int i = 0; i < values; i++) tail[2 + i] += value[i];
  }
}

/* What a failed `coded` learns: a vector without zeros, the first where nothing was known, otherwise every sixteenth
 * as long as none has fitted. */
apart int learned(const double *given, double *sizes, i64 *failures, int count) {
  if (*failures < 0 || (sizes[0] != 0 && ++*failures % 16)) return 0;
  for (int i = 0; i < count; i++)
    if (given[i] == 0) return 0;
  for (int i = 0; i < count; i++) sizes[i] = given[i] < 0 ? -given[i] : given[i];
  return 1;
}

/* Whether every component is one of the two numbers it may be, +-sizes; its signs. `failures` is -1 once one was. */
inlined int coded(const double *given, double *sizes, i64 *failures, int count, u64 *code) {
  u64 off = 0, signs = 0;
  for (int i = 0; i < count; i++) {
    u64 word = bits_of(given[i]);
    signs |= (word >> 63) << i;
    off |= (word & 0x7fffffffffffffffull) ^ bits_of(sizes[i]);
  }
  *code = signs;
  if (likely(off == 0)) {
    *failures = -1;
    return 1;
  }
  if (!learned(given, sizes, failures, count)) return 0;
  *failures = -1;
  return 1;
}

/* Takes a key in. Returns 1 when memory is out. */
inlined int remember(head *h, int keeps, int codes, int count, int values, double slope, const double *key, double offset,
                     double t, const double *value) {
  u64 code;
  double *row;
  int fresh = 0;
  if (codes && coded(key, h->gives, &h->gives_failures, count, &code)) {
    i64 b = 0;
    while (b < h->banks && h->bank[b].offset != offset) b++;
    if (likely(b < BANKS)) {
      bank *in = &h->bank[b];
      if (b == h->banks) {
        h->banks++;
        in->offset = offset;
        in->peak = slope * t;
        in->most = 1.0;
      }
      row = found(&in->rows, &code, 1, values + 3);
      if (!row) {
        fresh = 1;
        row = appended(&in->rows, &code, 1, values + 3, 1);
        if (!row) return 1;
      }
      put(row + 1, fresh, keeps, t, value, values);
      if (slope * t > in->peak) in->peak = slope * t;
      if (row[2] > in->most) in->most = row[2];
      return 0;
    }
  }
  u64 words[MOST_COMPONENTS + 1];
  for (int i = 0; i < count; i++) words[i] = bits_of(key[i] + 0.0);
  words[count] = bits_of(offset + 0.0);
  if (keeps == ALL)
    row = 0;
  else if (h->odd.n && same((const u64 *)h->odd.rows, words, count + 1))
    row = h->odd.rows;
  else
    row = found(&h->odd, words, count + 1, count + 3 + values);
  if (codes) h->odd_peak = 1e308;
  if (!row) {
    fresh = 1;
    row = appended(&h->odd, words, count + 1, count + 3 + values, keeps != ALL);
    if (!row) return 1;
  }
  put(row + count + 1, fresh, keeps, t, value, values);
  return 0;
}

/* One more key in a softmax that is taken as keys come. */
inlined void weigh(double score, double n, const double *value, int values, double *top, double *total, double *mix) {
  if (score <= *top - NOTHING) return;
  if (score > *top) {
    double shrink = score >= *top + NOTHING ? 0 : exp(*top - score);
    *total *= shrink;
    for (int i = 0; i < values; i++) mix[i] *= shrink;
    *top = score;
  }
  double weight = score == *top ? 1 : exp(score - *top);
  *total += n * weight;
  for (int i = 0; i < values; i++) mix[i] += weight * value[i];
}

inlined double odd_score(const double *row, const double *query, int count, double slope) {
  double out = 0;
  for (int i = 0; i < count; i++) out += query[i] * row[i];
  return out + row[count] + slope * row[count + 1];
}

/* The most that a row kept apart scores with a query of these sizes. */
apart double peak_of(const store *odd, const double *asks, int keeps, int count, int values, double slope) {
  double out = -1e308;
  for (i64 r = 0; r < odd->n; r++) {
    const double *row = odd->rows + r * (count + 3 + values);
    double score = row[count] + slope * row[count + 1];
    for (int i = 0; i < count; i++) score += asks[i] * (row[i] < 0 ? -row[i] : row[i]);
    if (keeps == SUM) score += log(row[count + 2]);
    if (score > out) out = score;
  }
  return out;
}

/* The softmax over every row there is, as the model defines it. */
inlined const double *all_of(const head *h, int keeps, int count, int values, double slope, const double *query,
                             double begin_score, const double *begin, double *mix) {
  double top = -1e308, total = 0;
  for (int i = 0; i < values; i++) mix[i] = 0;
  if (begin) weigh(begin_score, 1.0, begin, values, &top, &total, mix);
  for (i64 b = 0; b < h->banks; b++) {
    const bank *in = &h->bank[b];
    for (i64 r = 0; r < in->rows.n; r++) {
      const double *row = in->rows.rows + r * (values + 3);
      double score = in->offset + slope * row[1];
      u64 code = bits_of(row[0]);
      for (int i = 0; i < count; i++) score += query[i] * (code >> i & 1 ? -h->gives[i] : h->gives[i]);
      weigh(score, row[2], row + 3, values, &top, &total, mix);
    }
  }
  for (i64 r = 0; r < h->odd.n; r++) {
    const double *row = h->odd.rows + r * (count + 3 + values);
    weigh(odd_score(row, query, count, slope), row[count + 2], row + count + 3, values, &top, &total, mix);
  }
  for (int i = 0; i < values; i++) mix[i] /= total;
  return mix;
}

typedef const double *every_key(const head *, const double *, double, const double *, double *);

/* Finds what a query sees: where one key leads all others by LEAD its values, otherwise the mean. */
inlined const double *recall(head *h, int keeps, int codes, int count, int values, double slope, const double *query,
                             double begin_score, const double *begin, double *mix,
                             every_key *every) {
  u64 code;
  if (keeps == ALL || h->odd.n > 64) return every(h, query, begin_score, begin, mix);
  if (codes && !coded(query, h->asks, &h->asks_failures, count, &code)) {
    if (h->banks) return every(h, query, begin_score, begin, mix);
    codes = 0; /* every key stands apart: each is asked */
  }
  if (codes && h->full == 0 && h->gives_failures < 0) {
    h->gap = 1e308;
    for (int i = 0; i < count; i++) {
      double part = h->asks[i] * h->gives[i];
      h->full += part;
      if (2 * part < h->gap) h->gap = 2 * part;
    }
  }
  double top = -1e308, rest = -1e308;
  const double *best = 0;
  if (begin) top = begin_score, best = begin;
  for (i64 b = 0; codes && b < h->banks; b++) {
    const bank *in = &h->bank[b];
    const double *row = found(&in->rows, &code, 1, values + 3);
    double limit = h->full - h->gap + in->offset + in->peak;
    if (keeps == SUM) limit += log(in->most);
    if (in->rows.n > (row ? 1 : 0) && limit > rest) rest = limit;
    if (!row) continue;
    if (keeps == SUM && row[2] != 1.0) return every(h, query, begin_score, begin, mix);
    double score = h->full + in->offset + slope * row[1];
    if (score > top) {
      if (top > rest) rest = top;
      top = score;
      best = row + 3;
    } else if (score > rest)
      rest = score;
  }
  if (codes && h->odd.n) {
    if (h->odd_peak == 1e308) h->odd_peak = peak_of(&h->odd, h->asks, keeps, count, values, slope);
    if (top - h->odd_peak >= LEAD) return likely(top - rest >= LEAD) ? best : every(h, query, begin_score, begin, mix);
  }
  for (i64 r = 0; r < h->odd.n; r++) {
    const double *row = h->odd.rows + r * (count + 3 + values);
    double score = odd_score(row, query, count, slope);
    if (keeps == SUM && row[count + 2] != 1.0) return every(h, query, begin_score, begin, mix);
    if (score > top) {
      if (top > rest) rest = top;
      top = score;
      best = row + count + 3;
    } else if (score > rest)
      rest = score;
  }
  return likely(top - rest >= LEAD) ? best : every(h, query, begin_score, begin, mix);
}
